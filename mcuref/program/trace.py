"""The trace: training row by row, with a hash of what every instruction wrote. A port prints the same; diff them.

FNV-1a, 32 bits, over the little-endian bytes of the outputs in the order of the table's columns; of a selection buffer
only the kept entries. The watched trace also proves that an instruction touches its own operands and nothing else.
"""

import numpy as np

from mcuref.errors import McurefError
from mcuref.memory.arena import GUARD


class PlanViolation(McurefError, RuntimeError):
    """An instruction read or wrote a byte that is not part of its operands: a defect of a kernel or of the plan."""


def trace(program, x, y=None, order=None, first=0, total=None, watched=False):
    """Train sample by sample and row by row; returns a list of (sample, row, opcode, layer, hash).

    The result in the arena is that of :meth:`mcuref.program.program.Program.train`. With ``watched``, every
    instruction runs twice with all bytes that are not its operands overwritten, by ones and by zeros: it must leave
    them alone and write the same outputs, else :class:`PlanViolation` names the instruction.

    Parameters
    ----------
    program, x, y, order, first, total : as of ``Program.train``.
    """
    size = len(x) if order is None else len(order)
    order = np.arange(size) if order is None else np.asarray(order)
    total = first + size if total is None else total
    run = _watched_row if watched else _row
    records = []
    for position, sample in enumerate(order):
        step = program.step(x, y, [sample], first + position, total)
        row = 0
        while row < len(program.instructions):
            following = run(program, step, row)
            instruction = program.instructions[row]
            records.append((int(sample), row, instruction.name, instruction.layer, _hash(program, instruction)))
            row = following
    return records


def write_csv(records, file):
    """Write trace records to a text file object: ``sample,row,opcode,layer,hash``, the hash as 8 hexadecimal digits."""
    file.write("sample,row,opcode,layer,hash\n")
    file.writelines(f"{s},{r},{name},{layer},{value:08x}\n" for s, r, name, layer, value in records)


def _row(program, step, row):
    return step.run(row, row + 1)


def _hash(program, instruction):
    from mcuref.kernels.hashing import START, fnv1a

    value = START
    views = [program.arena.view(buffer) for buffer in instruction.outputs]
    if instruction.phase == "selection":
        views[0] = views[0][: views[1][0]]
    for view in views:
        value = fnv1a(view.reshape(-1).view(np.uint8), value)
    return int(value)


def _watched_row(program, step, row):
    """Run a row twice, on two backgrounds; leave the arena as one ordinary run would."""
    instruction = program.instructions[row]
    memory = program.arena.bytes
    before = memory.copy()
    outputs = _bytes_of(program, instruction.outputs)
    operands = outputs | _bytes_of(program, (*instruction.buffers, program.listing.table))
    results = []
    for background in (0xFF, 0x00):
        memory[:] = np.where(operands, before, np.uint8(background))
        start = memory.copy()
        counts = program.counts.copy()
        following = step.run(row, row + 1)
        stray = (memory != start) & ~outputs
        if stray.any() or (program.arena.guard != GUARD).any():
            where = f"byte {int(np.argmax(stray))}" if stray.any() else "a byte behind the arena"
            raise PlanViolation(f"row {row} ({instruction.name} of {instruction.layer}) wrote {where}, not its output")
        results.append((following, memory[outputs].copy()))
        if background:
            program.counts[:] = counts
    if results[0][0] != results[1][0] or (results[0][1] != results[1][1]).any():
        raise PlanViolation(f"row {row} ({instruction.name} of {instruction.layer}) depends on bytes it has no operand for")
    memory[:] = before
    memory[outputs] = results[0][1]
    return following


def _bytes_of(program, buffers):
    mask = np.zeros(program.arena.bytes.size, bool)
    for buffer in buffers:
        offset = program.plan.offsets[buffer]
        mask[offset : offset + buffer.size] = True
    return mask
