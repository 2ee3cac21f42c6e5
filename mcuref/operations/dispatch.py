"""Which operation runs a row: a tree of comparisons with its opcode. Written by python -m mcuref.export.generate."""

from mcuref.kernels.jit import kernel
from mcuref.operations.add import run_add_backward_f32, run_add_forward_f32
from mcuref.operations.bias import run_bias_update_f32
from mcuref.operations.channels import run_keep_channels_f32
from mcuref.operations.conv import run_conv_backward_input_f32, run_conv_forward_f32, run_conv_update_f32
from mcuref.operations.dense import run_dense_backward_input_f32, run_dense_forward_f32, run_dense_update_f32
from mcuref.operations.depthwise import run_depthwise_backward_input_f32, run_depthwise_forward_f32, run_depthwise_update_f32
from mcuref.operations.load import run_load_f32, run_load_i8, run_load_i16, run_load_u8
from mcuref.operations.loss import run_mean_squared_error_f32, run_reconstruction_f32, run_softmax_cross_entropy_f32
from mcuref.operations.pooling import (
    run_average_pool_backward_f32,
    run_average_pool_forward_f32,
    run_max_pool_backward_f32,
    run_max_pool_forward_f32,
)
from mcuref.operations.relu import (
    run_relu_backward_f32,
    run_relu_forward_f32,
    run_relu_mask_backward_f32,
    run_relu_mask_forward_f32,
)
from mcuref.operations.rests import run_govern_i32, run_rest_u8, run_spend_i32, run_wake_u8
from mcuref.operations.rows import run_apply_rows_f32, run_begin_rows_f32, run_count_batch_i32
from mcuref.operations.selection import (
    run_decide_f32,
    run_decide_governed_f32,
    run_select_adaptive_f32,
    run_select_full_f32,
    run_select_random_k_f32,
    run_select_top_k_f32,
)
from mcuref.operations.sigmoid import run_sigmoid_backward_f32, run_sigmoid_forward_f32
from mcuref.operations.softmax import run_softmax_forward_f32
from mcuref.operations.tanh import run_tanh_backward_f32, run_tanh_forward_f32
from mcuref.operations.views import OUTSIDE, Counts, Floats, Host, Memory, Row, Sample
from mcuref.operators.columns import FIRST_OUTSIDE, OPCODE


@kernel(inlined=True)
def run(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """Run a row; returns what comes next: GO_ON, JUMP or END, or OUTSIDE where it is not known here."""
    opcode = row[OPCODE]
    if opcode >= FIRST_OUTSIDE:
        return OUTSIDE
    if opcode < 65:
        if opcode < 24:
            if opcode < 11:
                if opcode < 2:
                    if opcode < 1:
                        return run_load_u8(row, f, memory, host, sample, counts)
                    return run_load_i8(row, f, memory, host, sample, counts)
                if opcode < 3:
                    return run_load_i16(row, f, memory, host, sample, counts)
                if opcode < 10:
                    return run_load_f32(row, f, memory, host, sample, counts)
                return run_dense_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 21:
                if opcode < 12:
                    return run_conv_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 20:
                    return run_depthwise_forward_f32(row, f, memory, host, sample, counts)
                return run_relu_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 22:
                return run_relu_mask_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 23:
                return run_max_pool_forward_f32(row, f, memory, host, sample, counts)
            return run_average_pool_forward_f32(row, f, memory, host, sample, counts)
        if opcode < 42:
            if opcode < 27:
                if opcode < 25:
                    return run_add_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 26:
                    return run_tanh_forward_f32(row, f, memory, host, sample, counts)
                return run_sigmoid_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 40:
                return run_softmax_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 41:
                return run_softmax_cross_entropy_f32(row, f, memory, host, sample, counts)
            return run_mean_squared_error_f32(row, f, memory, host, sample, counts)
        if opcode < 62:
            if opcode < 60:
                return run_reconstruction_f32(row, f, memory, host, sample, counts)
            if opcode < 61:
                return run_decide_f32(row, f, memory, host, sample, counts)
            return run_rest_u8(row, f, memory, host, sample, counts)
        if opcode < 63:
            return run_wake_u8(row, f, memory, host, sample, counts)
        if opcode < 64:
            return run_govern_i32(row, f, memory, host, sample, counts)
        return run_spend_i32(row, f, memory, host, sample, counts)
    if opcode < 92:
        if opcode < 80:
            if opcode < 71:
                if opcode < 70:
                    return run_decide_governed_f32(row, f, memory, host, sample, counts)
                return run_select_full_f32(row, f, memory, host, sample, counts)
            if opcode < 72:
                return run_select_top_k_f32(row, f, memory, host, sample, counts)
            if opcode < 73:
                return run_select_adaptive_f32(row, f, memory, host, sample, counts)
            return run_select_random_k_f32(row, f, memory, host, sample, counts)
        if opcode < 85:
            if opcode < 81:
                return run_dense_backward_input_f32(row, f, memory, host, sample, counts)
            if opcode < 82:
                return run_conv_backward_input_f32(row, f, memory, host, sample, counts)
            return run_depthwise_backward_input_f32(row, f, memory, host, sample, counts)
        if opcode < 90:
            return run_keep_channels_f32(row, f, memory, host, sample, counts)
        if opcode < 91:
            return run_dense_update_f32(row, f, memory, host, sample, counts)
        return run_conv_update_f32(row, f, memory, host, sample, counts)
    if opcode < 101:
        if opcode < 96:
            if opcode < 93:
                return run_depthwise_update_f32(row, f, memory, host, sample, counts)
            if opcode < 95:
                return run_bias_update_f32(row, f, memory, host, sample, counts)
            return run_begin_rows_f32(row, f, memory, host, sample, counts)
        if opcode < 97:
            return run_apply_rows_f32(row, f, memory, host, sample, counts)
        if opcode < 100:
            return run_count_batch_i32(row, f, memory, host, sample, counts)
        return run_relu_backward_f32(row, f, memory, host, sample, counts)
    if opcode < 104:
        if opcode < 102:
            return run_relu_mask_backward_f32(row, f, memory, host, sample, counts)
        if opcode < 103:
            return run_max_pool_backward_f32(row, f, memory, host, sample, counts)
        return run_average_pool_backward_f32(row, f, memory, host, sample, counts)
    if opcode < 105:
        return run_add_backward_f32(row, f, memory, host, sample, counts)
    if opcode < 106:
        return run_tanh_backward_f32(row, f, memory, host, sample, counts)
    return run_sigmoid_backward_f32(row, f, memory, host, sample, counts)
