"""What a firmware needs of a program: its flash part, and where start images, outputs and results lie."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mcuref.operators.operator import INDEX_TYPES
from mcuref.program.program import Program

OPERANDS = 6  # outputs, and inputs, that a row may have
FEWEST = 3  # spans of a row: more than the outputs of any of float32
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
        """int32[rows, most, 2]: (offset, bytes) of the outputs of every row that are not scratch, (-1, 0) behind the last.

        Of kept entries bytes is the negative size of one; their number is the next output.
        """
        outputs = [[b for b in row.outputs if b.category != "scratch"] for row in self.program.instructions]
        spans = np.full((len(outputs), max(FEWEST, *map(len, outputs)), 2), (-1, 0), np.int32)
        for row, written in zip(spans, outputs):
            for span, b in zip(row, written):
                span[:] = self.program.plan.offsets[b], -np.dtype(b.dtype).itemsize if b.dtype in INDEX_TYPES else b.size
        return spans

    @property
    def operands(self) -> NDArray[np.int32]:
        """int32[rows, 2, 6, 2]: (offset, bytes) of the outputs of every row, and of its inputs; 0 where there is none.

        Bytes are negative of an output that has no value before the row runs.
        """
        plan = self.program.plan
        first = {p.buffer: p.first for p in plan.placements if not p.buffer.persistent}
        operands = np.zeros((len(self.program.instructions), 2, OPERANDS, 2), np.int32)
        for number, (row, instruction) in enumerate(zip(operands, self.program.instructions)):
            for own, buffers in zip(row, (instruction.outputs, instruction.inputs)):
                for operand, b in zip(own, buffers):
                    operand[:] = (
                        plan.offsets[b],
                        -b.size if buffers is instruction.outputs and first.get(b) == number else b.size,
                    )
        return operands


def opcodes_used(programs: Iterable[Program]) -> dict[str, int]:
    """{name: number} of the opcodes in some programs, by number."""
    used = {instruction.operator for program in programs for instruction in program.instructions}
    return {operator.name: operator.number for operator in sorted(used, key=lambda operator: operator.number)}
