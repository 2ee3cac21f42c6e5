"""The instruction set: opcodes, the columns of the program table, and an instruction before it has offsets.

The table is int32[rows, 32] and lies in flash as it is. Operand columns hold byte offsets into the arena [sram | flash];
-1 means no operand. Columns f0..f5 hold the bits of float32 constants. Unused columns are 0. What the dimensions and
constants of an opcode mean stands beside the opcode; a kernel of the same name does the work.
"""

from dataclasses import dataclass

import numpy as np

OUTPUTS = tuple(f"out{i}" for i in range(3))
INPUTS = tuple(f"in{i}" for i in range(5))
DIMENSIONS = tuple(f"d{i}" for i in range(14))
CONSTANTS = tuple(f"f{i}" for i in range(6))
COLUMNS = ("opcode", "layer", "jump", "reserved") + OUTPUTS + INPUTS + DIMENSIONS + CONSTANTS

#   opcode name            number  phase        what it does; columns used
_SET = (
    ("load_u8", 0, "input"),  # out0 = (sample - in0[mean]) * in1[scale]; d0 = n, d1 = c
    ("load_i8", 1, "input"),
    ("load_i16", 2, "input"),
    ("load_f32", 3, "input"),
    ("dense_forward_f32", 10, "forward"),  # out0[O], in0 x[I], in1 w, in2 b; d0 = O, d1 = I
    ("relu_forward_f32", 20, "forward"),  # out0[n], in0[n]; d0 = n
    ("relu_mask_forward_f32", 21, "forward"),  # out0[n], out1 mask, in0[n]; d0 = n
    ("softmax_cross_entropy_f32", 40, "loss"),  # out0 delta[n], in0 z[n], label from outside; d0 = n
    ("mean_squared_error_f32", 41, "loss"),  # out0 delta[n], in0 z[n], target from outside; d0 = n
    ("reconstruction_f32", 42, "loss"),  # the same, target in1[n]
    ("decide_f32", 60, "decision"),  # jumps unless D > threshold; out0 Y_max, in0 delta; d0 = n; see rules.py for f0..
    ("select_full_f32", 70, "selection"),  # out0 kept, out1 count, in0 delta; d0 = n
    ("select_top_k_f32", 71, "selection"),  # the same; d1 = k
    ("select_adaptive_f32", 72, "selection"),  # the same and out2 Y_max; d1 = floor; f0..f3, see rules.py
    ("dense_backward_input_f32", 80, "propagate"),  # out0 dx[I], in0 delta, in1 w, in2 kept, in3 count; d0 = O, d1 = I
    (
        "dense_update_f32",
        90,
        "update",
    ),  # out0 w, out1 b, in0 delta, in1 x, in2 kept, in3 count; d0, d1; d2 = dense bias
    ("relu_backward_f32", 100, "propagate"),  # out0 dx, in0 dy, in1 y; d0 = n
    ("relu_mask_backward_f32", 101, "propagate"),  # out0 dx, in0 dy, in1 mask; d0 = n
)
OPCODES = {name: number for name, number, _ in _SET}
NAMES = {number: name for name, number, _ in _SET}
PHASES = {name: phase for name, _, phase in _SET}


@dataclass(eq=False)
class Instruction:
    """One row of the program, over buffers instead of offsets.

    ``in_place`` names a pair (output, input) that may share bytes if nobody needs the input afterwards.
    """

    name: str
    layer: str
    layer_index: int
    outputs: tuple
    inputs: tuple
    dimensions: tuple = ()
    constants: tuple = ()
    in_place: tuple | None = None
    jump: int = 0

    @property
    def phase(self):
        """Part of the training step: input, forward, loss, decision, selection, propagate or update."""
        return PHASES[self.name]

    @property
    def buffers(self):
        """Every buffer that must be alive while the instruction runs."""
        return self.outputs + self.inputs


def encode(instructions, offsets):
    """The program table, int32[rows, 32]; ``offsets`` maps a buffer to its byte offset in the arena."""
    table = np.zeros((len(instructions), len(COLUMNS)), np.int32)
    column = {name: i for i, name in enumerate(COLUMNS)}
    for row, instruction in zip(table, instructions):
        row[column["opcode"]] = OPCODES[instruction.name]
        row[column["layer"]] = instruction.layer_index
        row[column["jump"]] = instruction.jump
        for names, buffers in ((OUTPUTS, instruction.outputs), (INPUTS, instruction.inputs)):
            row[[column[name] for name in names]] = -1
            for name, buffer in zip(names, buffers, strict=False):
                row[column[name]] = offsets[buffer]
        row[column["d0"] : column["d0"] + len(instruction.dimensions)] = instruction.dimensions
        constants = np.array(instruction.constants, np.float32).view(np.int32)
        row[column["f0"] : column["f0"] + len(constants)] = constants
    return table
