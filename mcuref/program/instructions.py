"""Instructions: rows of the program, over buffers before they have offsets, and encoded as the table that is executed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuref.errors import InputError
from mcuref.memory.buffers import Buffer
from mcuref.operators.columns import COLUMNS, IN, INPUTS, JUMP, LAYER, OPCODE, OUT, D, F
from mcuref.operators.operator import TYPES, Operator

MOST_BYTES = (1 << 31) - 1  # that an int32 offset reaches


@dataclass(eq=False)
class Instruction:
    """One row of the program.

    Attributes
    ----------
    operator : :class:`mcuref.operators.operator.Operator`.
    layer, layer_index : str and int, the layer it belongs to.
    operands : {name: Buffer}, by the names of the operator's declaration; those that may be missing may be.
    dimensions : {name: int}, of the columns d0..
    constants : {name: float}, of the columns f0..
    jump : int, the row to go on with where it jumps.
    """

    operator: Operator
    layer: str
    layer_index: int
    operands: Mapping[str, Buffer]
    dimensions: Mapping[str, int]
    constants: Mapping[str, float]
    jump: int = 0

    def __getitem__(self, name: str) -> Any:
        """The operand, dimension or constant of that name; KeyError if there is none."""
        return {**self.dimensions, **self.constants, **self.operands}[name]

    def __contains__(self, name: str) -> bool:
        """Whether it has an operand of that name."""
        return name in self.operands

    @property
    def name(self) -> str:
        """The operator's: "dense_forward_f32"."""
        return self.operator.name

    @property
    def phase(self) -> str:
        """Part of the training step: input, forward, loss, decision, selection, propagate, update, ..."""
        return self.operator.phase

    @property
    def outputs(self) -> tuple[Buffer, ...]:
        """Buffers that it writes, in the order of the table's columns."""
        return tuple(self.operands[o.name] for o in self.operator.outputs if o.name in self.operands)

    @property
    def inputs(self) -> tuple[Buffer, ...]:
        """Buffers that it reads, in the order of the table's columns; what is updated is an output."""
        return tuple(self.operands[o.name] for o in self.operator.inputs if o.name in self.operands)

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """Every buffer that must be alive while the instruction runs."""
        return self.outputs + self.inputs

    @property
    def in_place(self) -> tuple[Buffer, ...]:
        """(output, input) that may share bytes if nobody needs the input afterwards, or none."""
        return tuple(self.operands[name] for name in self.operator.in_place)

    def macs(self, runs: int, kept: int) -> int:
        """Multiply-accumulates of so many runs, in which so many entries were kept altogether."""
        return self.operator.count_macs(self.dimensions, runs, kept)


def encode(instructions: Sequence[Instruction], offsets: Mapping[Buffer, int]) -> np.ndarray:
    """The program table, int32[rows, 32]; ``offsets`` maps a buffer to its byte offset in the arena.

    InputError if an offset does not fit: an arena of 2 GiB and more can be estimated, but not run.
    """
    largest = max(offsets.values(), default=0)
    if largest > MOST_BYTES:
        raise InputError(f"the arena would have {largest:,} bytes and more; a program can be run in up to {MOST_BYTES:,}")
    table = np.zeros((len(instructions), len(COLUMNS)), np.int32)
    for row, instruction in zip(table, instructions):
        operator = instruction.operator
        row[[OPCODE, LAYER, JUMP]] = operator.number, instruction.layer_index, instruction.jump
        row[OUT : IN + len(INPUTS)] = -1
        for name, column in operator.columns.items():
            row[column] = offsets[instruction.operands[name]] if name in instruction else -1
        row[D : D + len(instruction.dimensions)] = [instruction.dimensions[name] for name in operator.dimensions]
        for column, (name, kind) in enumerate(zip(operator.constants, operator.constant_types), F):
            row[column] = np.array(instruction.constants[name], TYPES[kind]).view(np.int32)
    return table
