"""Which operation runs a row: a tree of comparisons with its opcode. Written by python -m mcuref.export.generate."""

from mcuref.kernels.jit import kernel
from mcuref.operations.int8.add import run_add_forward_s8
from mcuref.operations.int8.conv import run_conv_forward_s8
from mcuref.operations.int8.dense import run_dense_forward_s8
from mcuref.operations.int8.depthwise import run_depthwise_forward_s8
from mcuref.operations.int8.load import run_load_i8_s8, run_load_i16_s8, run_load_s8, run_load_u8_s8
from mcuref.operations.int8.lookup import run_sigmoid_forward_s8, run_tanh_forward_s8
from mcuref.operations.int8.pooling import run_average_pool_forward_s8, run_max_pool_forward_s8, run_mean_forward_s8
from mcuref.operations.int8.relu import run_relu_forward_s8
from mcuref.operations.int8.softmax import run_softmax_forward_s8
from mcuref.operations.views import OUTSIDE, Counts, Floats, Host, Memory, Row, Sample
from mcuref.operators.columns import FIRST_OUTSIDE, OPCODE


@kernel(inlined=True)
def run(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """Run a row; returns what comes next: GO_ON, JUMP or END, or OUTSIDE where it is not known here."""
    opcode = row[OPCODE]
    if opcode >= FIRST_OUTSIDE:
        return OUTSIDE
    if opcode < 220:
        if opcode < 203:
            if opcode < 201:
                return run_load_u8_s8(row, f, memory, host, sample, counts)
            if opcode < 202:
                return run_load_i8_s8(row, f, memory, host, sample, counts)
            return run_load_i16_s8(row, f, memory, host, sample, counts)
        if opcode < 211:
            if opcode < 210:
                return run_load_s8(row, f, memory, host, sample, counts)
            return run_dense_forward_s8(row, f, memory, host, sample, counts)
        if opcode < 212:
            return run_conv_forward_s8(row, f, memory, host, sample, counts)
        return run_depthwise_forward_s8(row, f, memory, host, sample, counts)
    if opcode < 225:
        if opcode < 223:
            if opcode < 222:
                return run_relu_forward_s8(row, f, memory, host, sample, counts)
            return run_max_pool_forward_s8(row, f, memory, host, sample, counts)
        if opcode < 224:
            return run_average_pool_forward_s8(row, f, memory, host, sample, counts)
        return run_add_forward_s8(row, f, memory, host, sample, counts)
    if opcode < 227:
        if opcode < 226:
            return run_tanh_forward_s8(row, f, memory, host, sample, counts)
        return run_sigmoid_forward_s8(row, f, memory, host, sample, counts)
    if opcode < 228:
        return run_softmax_forward_s8(row, f, memory, host, sample, counts)
    return run_mean_forward_s8(row, f, memory, host, sample, counts)
