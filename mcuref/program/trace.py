"""The trace: training row by row, with a hash of what every instruction wrote. A port prints the same; diff them.

FNV-1a, 32 bits, over the little-endian bytes of the outputs in the order of the table's columns, without scratch; of a
selection buffer only the kept entries. The watched trace also proves that an instruction touches its own operands and
nothing else.
"""

from collections.abc import Iterable
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import McurefError, NonFiniteError
from mcuref.memory.arena import GUARD
from mcuref.program.instructions import Instruction
from mcuref.program.listing import Executable
from mcuref.program.step import Step

Record = tuple[int, int, str, str, int]  # sample, row, opcode, layer, hash


class PlanViolation(McurefError, RuntimeError):
    """An instruction read or wrote a byte that is not part of its operands: a defect of a kernel or of the plan."""


def trace(
    program: Executable,
    x: Any,
    y: Any = None,
    order: Any = None,
    first: int = 0,
    total: int | None = None,
    watched: bool = False,
    index: Any = None,
    epoch: Any = 0,
) -> list[Record]:
    """Train sample by sample and row by row; returns a list of (sample, row, opcode, layer, hash).

    The result in the arena is that of :meth:`mcuref.program.program.Program.train`. With ``watched``, every
    instruction runs several times with all bytes that are not its operands overwritten: it must leave
    them alone and write the same outputs. And what it reads must still be what was last written there. Else
    :class:`PlanViolation` names the instruction.

    Parameters
    ----------
    program, x, y, order, first, total, index, epoch : as of ``Program.train``.
    """
    size = len(x) if order is None else len(order)
    order = np.arange(size) if order is None else np.asarray(order)
    total = first + size if total is None else total
    watch = Watch(program) if watched else None
    index, epoch = (np.broadcast_to(order if own is None else own, size) for own in (index, epoch))
    records = []
    for position, sample in enumerate(order):
        step = program.step(x, y, [sample], first + position, total, index[position], epoch[position])
        row = 0
        while row < len(program.instructions):
            try:
                following = watch.run(step, row) if watch else step.run(row, row + 1)
            except NonFiniteError as error:
                raise NonFiniteError(error.layer, position) from None
            instruction = program.instructions[row]
            records.append((int(sample), row, instruction.name, instruction.layer, output_hash(program, instruction)))
            row = following
    return records


def write_csv(records: Iterable[Record], file: TextIO) -> None:
    """Write trace records to a text file object: ``sample,row,opcode,layer,hash``, the hash as 8 hexadecimal digits."""
    file.write("sample,row,opcode,layer,hash\n")
    file.writelines(f"{s},{r},{name},{layer},{value:08x}\n" for s, r, name, layer, value in records)


def output_hash(program: Executable, instruction: Instruction) -> int:
    """FNV-1a of what an instruction that has just run wrote."""
    from mcuref.kernels.hashing import START, fnv1a

    value = START
    for view in written(program, instruction):
        value = fnv1a(view.reshape(-1).view(np.uint8), value)
    return int(value)


def written(program: Executable, instruction: Instruction) -> list[NDArray[Any]]:
    """Views of what an instruction that has just run wrote: outputs without scratch, kept entries alone."""
    views = [program.arena.view(buffer) for buffer in instruction.outputs if buffer.category != "scratch"]
    if instruction.phase in ("selection", "restriction") and "kept" in instruction:
        views[0] = views[0][: views[1][0]]
    return views


# What foreign bytes are overwritten with: NaN passes through every sum, 0 through none, and -1 changes what is added to
# it. As an integer each is 0 or negative, so that a count read by mistake makes no endless loop.
BACKGROUNDS = (0xFFFFFFFF, 0x00000000, 0xBF800000)


class Watch:
    """Runs rows so that every byte they should not touch, and every stale byte they should not read, is noticed."""

    def __init__(self, program: Executable) -> None:
        self.program = program
        persistent = [p.buffer for p in program.plan.placements if p.buffer.persistent]
        self.written = {buffer: program.arena.view(buffer).tobytes() for buffer in persistent}

    def run(self, step: Step, row: int) -> int:
        """Run one row; leaves the arena as an ordinary run would. Returns the row that comes next."""
        program, instruction = self.program, self.program.instructions[row]
        for buffer in (*instruction.inputs, *(b for b in instruction.outputs if b.persistent)):  # an update reads them too
            if program.arena.view(buffer).tobytes() != self.written.get(buffer):
                raise PlanViolation(f"{_where(row, instruction)} reads {buffer.name}, which something else has overwritten")
        memory, counts = program.arena.bytes, program.counts.copy()
        before = memory.copy()
        outputs = _bytes_of(program, instruction.outputs)
        operands = outputs | _bytes_of(program, (*instruction.buffers, program.listing.table))
        results = []
        for background in BACKGROUNDS:
            program.counts[:] = counts
            memory[:] = np.where(operands, before, np.full(memory.size // 4, background, np.uint32).view(np.uint8))
            program.arena.guard.view(np.uint32)[:] = background
            results.append(self._attempt(step, row, outputs))
        program.arena.guard[:] = GUARD
        memory[:] = before
        memory[outputs] = results[0][1]
        first, *others = results
        if any(other[0] != first[0] or (other[1] != first[1]).any() or (other[2] != first[2]).any() for other in others):
            raise PlanViolation(f"{_where(row, instruction)} depends on bytes it has no operand for")
        for buffer in instruction.outputs:
            self.written[buffer] = program.arena.view(buffer).tobytes()
        if isinstance(results[0][0], str):
            raise NonFiniteError(results[0][0], 0)
        return results[0][0]

    def _attempt(self, step, row, outputs):
        """(row that comes next, or the layer whose error is not finite; bytes of the outputs; counts) on one background."""
        program, instruction = self.program, self.program.instructions[row]
        start, guard = program.arena.bytes.copy(), program.arena.guard.copy()
        try:
            following = step.run(row, row + 1)
        except NonFiniteError as error:
            following = error.layer
        stray = (program.arena.bytes != start) & ~outputs
        if stray.any() or (program.arena.guard != guard).any():
            where = f"byte {int(np.argmax(stray))}" if stray.any() else "a byte behind the arena"
            raise PlanViolation(f"{_where(row, instruction)} wrote {where}, not its output")
        return following, program.arena.bytes[outputs].copy(), program.counts[row].copy()


def _where(row, instruction):
    return f"row {row} ({instruction.name} of {instruction.layer})"


def _bytes_of(program, buffers):
    mask = np.zeros(program.arena.bytes.size, bool)
    for buffer in buffers:
        offset = program.plan.offsets[buffer]
        mask[offset : offset + buffer.size] = True
    return mask
