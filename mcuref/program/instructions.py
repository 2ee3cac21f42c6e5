"""The instruction set: opcodes, the columns of the program table, and an instruction before it has offsets.

The table is int32[rows, 32] and lies in flash as it is. Operand columns hold byte offsets into the arena [sram | flash];
-1 means no operand. Columns f0..f5 hold the bits of float32 constants. Unused columns are 0. What an opcode's operands,
dimensions and constants are stands beside it.
"""

from dataclasses import dataclass

import numpy as np

from mcuref.errors import InputError

MOST_BYTES = (1 << 31) - 1  # that an int32 offset reaches
OUTPUTS = tuple(f"out{i}" for i in range(3))
INPUTS = tuple(f"in{i}" for i in range(5))
DIMENSIONS = tuple(f"d{i}" for i in range(14))
CONSTANTS = tuple(f"f{i}" for i in range(6))
COUNTS = ("runs", "macs", "chosen", "kept", "comparisons")  # what the executor counts for each row: int64[rows, 5]
COLUMNS = ("opcode", "layer", "jump", "reserved") + OUTPUTS + INPUTS + DIMENSIONS + CONSTANTS

#   opcode                number  phase        operands; dimensions; constants
#   g stands for the geometry of a window, d0..d11: H, W, C, Ho, Wo, O, kh, kw, sh, sw, top, left (mcuref/kernels/conv.py)
#   kept indices are uint16, or uint32 in every selection of a program that trains a layer of more than 65,536 outputs
_SET = (
    ("load_u8", 0, "input"),  # out0 x[n], in0 mean[c], in1 scale[c]; d0 = n, d1 = c; the sample comes from outside
    ("load_i8", 1, "input"),
    ("load_i16", 2, "input"),
    ("load_f32", 3, "input"),
    ("dense_forward_f32", 10, "forward"),  # out0 z[O], in0 x[I], in1 w[O, I], in2 b[O]; d0 = O, d1 = I
    # out0 z[Ho, Wo, O], out1 patch[kh, kw, C] (scratch) or none, in0 x[H, W, C], in1 w[O, kh, kw, C], in2 b[O]; g
    ("conv_forward_f32", 11, "forward"),
    ("depthwise_forward_f32", 12, "forward"),  # out0 z[Ho, Wo, C], in0 x[H, W, C], in1 w[kh, kw, C], in2 b[C]; g
    ("relu_forward_f32", 20, "forward"),  # out0[n], in0[n]; d0 = n; f0 limit
    ("relu_mask_forward_f32", 21, "forward"),  # out0[n], out1 mask[ceil(n / 8)], in0[n]; d0 = n; f0 limit
    ("max_pool_forward_f32", 22, "forward"),  # out0[Ho, Wo, C], out1 taps[Ho, Wo, C] uint8 or none, in0[H, W, C]; g
    ("average_pool_forward_f32", 23, "forward"),  # out0[Ho, Wo, C], in0[H, W, C]; g
    ("add_forward_f32", 24, "forward"),  # out0[n], in0[n], in1[n]; d0 = n
    ("softmax_cross_entropy_f32", 40, "loss"),  # out0 delta[n], in0 z[n]; d0 = n; the label comes from outside
    ("mean_squared_error_f32", 41, "loss"),  # out0 delta[n], in0 z[n]; d0 = n; the target comes from outside
    ("reconstruction_f32", 42, "loss"),  # out0 delta[n], in0 z[n], in1 target[n]; d0 = n
    # jumps to the row in column jump unless D > threshold. out0 Y_max, in0 delta[n]; d0 = n;
    # f0 D_min, f1 D_max - D_min, f2 beta, f3 slope of beta over Y / Y_max, f4 threshold, f5 decay of Y_max
    ("decide_f32", 60, "decision"),
    ("select_full_f32", 70, "selection"),  # out0 kept[n] indices, out1 count int32, in0 delta[n]; d0 = n
    ("select_top_k_f32", 71, "selection"),  # out0 kept[k], out1 count, in0 delta[n]; d0 = n, d1 = k
    # out0 kept[k_max], out1 count, out2 Y_max, in0 delta[n]; d0 = n, d1 = 1 to truncate S n instead of rounding;
    # f0 S_min, f1 S_max - S_min, f2 zeta^l, f3 decay of Y_max
    ("select_adaptive_f32", 72, "selection"),
    ("dense_backward_input_f32", 80, "propagate"),  # out0 dx[I], in0 delta[O], in1 w, in2 kept, in3 count; d0 = O, d1 = I
    ("conv_backward_input_f32", 81, "propagate"),  # out0 dx[H, W, C], in0 delta[Ho, Wo, O], in1 w, in2 kept, in3 count; g
    ("depthwise_backward_input_f32", 82, "propagate"),  # the same with O = C
    # out0 w[O, I], out1 b[O], in0 delta[O], in1 x[I], in2 kept, in3 count; d0 = O, d1 = I, d2 = 1 to update all biases;
    # f0 the rate, or 0 for the learning rate, which comes from outside. With rate -1, w and b are sums of gradients
    ("dense_update_f32", 90, "update"),
    ("conv_update_f32", 91, "update"),  # out0 w[O, kh, kw, C], out1 b[O], in0 delta, in1 x, in2 kept, in3 count; g, d12, f0
    ("depthwise_update_f32", 92, "update"),  # out0 w[kh, kw, C]; the same
    # out0 sum or velocity of w, out1 of b, out2 touched[ceil(R / 8)], in0 kept, in1 count; d0 = R rows, d1 elements of a
    # row, d2 row stride, d3 stride; f0 momentum
    ("begin_rows_f32", 95, "gradient"),
    # out0 w, out1 b, out2 touched, in0 sum of w, in1 of b; d0..d3 as above; the learning rate comes from outside
    ("apply_rows_f32", 96, "apply"),
    ("count_batch_i32", 97, "batch"),  # out0 counter; d0 = batch; jumps to the row in column jump unless a batch is full
    ("relu_backward_f32", 100, "propagate"),  # out0 dx[n], in0 dy[n], in1 y[n]; d0 = n; f0 limit
    ("relu_mask_backward_f32", 101, "propagate"),  # out0 dx[n], in0 dy[n], in1 mask[ceil(n / 8)]; d0 = n
    ("max_pool_backward_f32", 102, "propagate"),  # out0 dx[H, W, C], in0 dy[Ho, Wo, C], in1 taps; g
    ("average_pool_backward_f32", 103, "propagate"),  # out0 dx[H, W, C], in0 dy[Ho, Wo, C]; g
    ("add_backward_f32", 104, "propagate"),  # out0[n], in0[n], in1[n]; d0 = n: an error that comes from two sides
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
        """Part of the training step: input, forward, loss, decision, selection, propagate, update, ..."""
        return PHASES[self.name]

    @property
    def buffers(self):
        """Every buffer that must be alive while the instruction runs."""
        return self.outputs + self.inputs


def encode(instructions, offsets):
    """The program table, int32[rows, 32]; ``offsets`` maps a buffer to its byte offset in the arena.

    InputError if an offset does not fit: an arena of 2 GiB and more can be estimated, but not run.
    """
    largest = max(offsets.values(), default=0)
    if largest > MOST_BYTES:
        raise InputError(f"the arena would have {largest:,} bytes and more; a program can be run in up to {MOST_BYTES:,}")
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
