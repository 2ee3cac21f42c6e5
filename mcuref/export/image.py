"""What a firmware needs of a program: its flash part, and where start images, outputs and results lie."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mcuref.operators import OPCODES
from mcuref.operators.columns import INPUTS, OUTPUTS
from mcuref.program.program import Program

SPANS = 3  # outputs of a row that a trace looks at
SAVED_HEAD = 8  # bytes of a saved state before the state itself: whose it is, and its check sum


class Image:
    """A program as constants of a firmware. Offsets and sizes are bytes.

    Attributes
    ----------
    program : Program.
    flash : uint32[plan.flash / 4], the flash part of the arena: constants, weights, start images, the table.
    images : int32[n, 3]: (offset in SRAM, offset in the flash part, bytes) of every start image.
    table : int, offset of the program table in the flash part.
    output : int, offset of the network's outputs after the forward rows.
    identity : int, FNV-1a of the flash part: a saved state belongs to the program with the same.
    """

    def __init__(self, program: Program) -> None:
        from mcuref.kernels.hashing import START, fnv1a
        from mcuref.memory.arena import Arena

        listing, plan = program.listing, program.plan
        self.program = program
        arena = program.fill(Arena(plan))
        self.flash = arena.flash.view(np.uint32).copy()
        self.images = np.array(
            [(plan.offsets[b], plan.offsets[image] - plan.sram, b.size) for b, image in listing.images.items()], np.int32
        ).reshape(-1, 3)
        self.table = plan.offsets[listing.table] - plan.sram
        self.output = plan.offsets[listing.output]
        self.identity = int(fnv1a(self.flash.view(np.uint8), START))

    @property
    def operations(self) -> list[str]:
        """Name of what runs each row."""
        return [instruction.name for instruction in self.program.instructions]

    @property
    def spans(self) -> NDArray[np.int32]:
        """int32[rows, 3, 2]: (offset, bytes) of the outputs of every row that are not scratch, (-1, 0) behind the last.

        Of kept entries bytes is the negative size of one; their number is the next output.
        """
        spans = np.full((len(self.program.instructions), SPANS, 2), (-1, 0), np.int32)
        for row, instruction in zip(spans, self.program.instructions):
            outputs = [b for b in instruction.outputs if b.category != "scratch"]
            for span, b in zip(row, outputs):
                span[:] = self.program.plan.offsets[b], b.size
            if instruction.phase == "selection":
                row[0, 1] = -np.dtype(outputs[0].dtype).itemsize
        return spans

    @property
    def operands(self) -> NDArray[np.int32]:
        """int32[rows, 8]: bytes of the operands of every row, in the order of the table's columns; 0 where there is none.

        Negative of an output that has no value before the row runs.
        """
        first = {p.buffer: p.first for p in self.program.plan.placements if not p.buffer.persistent}
        operands = np.zeros((len(self.program.instructions), len(OUTPUTS + INPUTS)), np.int32)
        for number, (row, instruction) in enumerate(zip(operands, self.program.instructions)):
            for column, b in enumerate(instruction.outputs):
                row[column] = -b.size if first.get(b) == number else b.size
            for column, b in enumerate(instruction.inputs, len(OUTPUTS)):
                row[column] = b.size
        return operands


def opcodes_used(programs: Iterable[Program]) -> dict[str, int]:
    """{name: number} of the opcodes in some programs, by number."""
    names = {instruction.name for program in programs for instruction in program.instructions}
    return {name: number for name, number in OPCODES.items() if name in names}
