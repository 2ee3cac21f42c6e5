"""Which operation runs a row: a tree of comparisons with its opcode. Written by python -m mcuref.export.generate."""

from mcuref.kernels.jit import kernel
from mcuref.operations.add import run_add_backward_f32, run_add_forward_f32
from mcuref.operations.bias import run_bias_update_f32
from mcuref.operations.channels import run_keep_channels_f32
from mcuref.operations.conv import run_conv_backward_input_f32, run_conv_forward_f32, run_conv_update_f32
from mcuref.operations.dense import run_dense_backward_input_f32, run_dense_forward_f32, run_dense_update_f32
from mcuref.operations.depthwise import run_depthwise_backward_input_f32, run_depthwise_forward_f32, run_depthwise_update_f32
from mcuref.operations.int8.add import run_add_forward_s8
from mcuref.operations.int8.conv import run_conv_forward_s8
from mcuref.operations.int8.dense import run_dense_forward_s8
from mcuref.operations.int8.depthwise import run_depthwise_forward_s8
from mcuref.operations.int8.load import run_load_i8_s8, run_load_i16_s8, run_load_s8, run_load_u8_s8
from mcuref.operations.int8.lookup import run_sigmoid_forward_s8, run_tanh_forward_s8
from mcuref.operations.int8.pooling import run_average_pool_forward_s8, run_max_pool_forward_s8, run_mean_forward_s8
from mcuref.operations.int8.relu import run_relu_forward_s8
from mcuref.operations.loss import run_mean_squared_error_f32, run_reconstruction_f32, run_softmax_cross_entropy_f32
from mcuref.operations.mixed.dequantise import run_dequantise_s8_f32
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
    if opcode < 90:
        if opcode < 60:
            if opcode < 24:
                if opcode < 20:
                    if opcode < 11:
                        return run_dense_forward_f32(row, f, memory, host, sample, counts)
                    if opcode < 12:
                        return run_conv_forward_f32(row, f, memory, host, sample, counts)
                    return run_depthwise_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 22:
                    if opcode < 21:
                        return run_relu_forward_f32(row, f, memory, host, sample, counts)
                    return run_relu_mask_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 23:
                    return run_max_pool_forward_f32(row, f, memory, host, sample, counts)
                return run_average_pool_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 27:
                if opcode < 25:
                    return run_add_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 26:
                    return run_tanh_forward_f32(row, f, memory, host, sample, counts)
                return run_sigmoid_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 41:
                if opcode < 40:
                    return run_softmax_forward_f32(row, f, memory, host, sample, counts)
                return run_softmax_cross_entropy_f32(row, f, memory, host, sample, counts)
            if opcode < 42:
                return run_mean_squared_error_f32(row, f, memory, host, sample, counts)
            return run_reconstruction_f32(row, f, memory, host, sample, counts)
        if opcode < 71:
            if opcode < 63:
                if opcode < 61:
                    return run_decide_f32(row, f, memory, host, sample, counts)
                if opcode < 62:
                    return run_rest_u8(row, f, memory, host, sample, counts)
                return run_wake_u8(row, f, memory, host, sample, counts)
            if opcode < 65:
                if opcode < 64:
                    return run_govern_i32(row, f, memory, host, sample, counts)
                return run_spend_i32(row, f, memory, host, sample, counts)
            if opcode < 70:
                return run_decide_governed_f32(row, f, memory, host, sample, counts)
            return run_select_full_f32(row, f, memory, host, sample, counts)
        if opcode < 80:
            if opcode < 72:
                return run_select_top_k_f32(row, f, memory, host, sample, counts)
            if opcode < 73:
                return run_select_adaptive_f32(row, f, memory, host, sample, counts)
            return run_select_random_k_f32(row, f, memory, host, sample, counts)
        if opcode < 82:
            if opcode < 81:
                return run_dense_backward_input_f32(row, f, memory, host, sample, counts)
            return run_conv_backward_input_f32(row, f, memory, host, sample, counts)
        if opcode < 85:
            return run_depthwise_backward_input_f32(row, f, memory, host, sample, counts)
        return run_keep_channels_f32(row, f, memory, host, sample, counts)
    if opcode < 200:
        if opcode < 100:
            if opcode < 93:
                if opcode < 91:
                    return run_dense_update_f32(row, f, memory, host, sample, counts)
                if opcode < 92:
                    return run_conv_update_f32(row, f, memory, host, sample, counts)
                return run_depthwise_update_f32(row, f, memory, host, sample, counts)
            if opcode < 96:
                if opcode < 95:
                    return run_bias_update_f32(row, f, memory, host, sample, counts)
                return run_begin_rows_f32(row, f, memory, host, sample, counts)
            if opcode < 97:
                return run_apply_rows_f32(row, f, memory, host, sample, counts)
            return run_count_batch_i32(row, f, memory, host, sample, counts)
        if opcode < 103:
            if opcode < 101:
                return run_relu_backward_f32(row, f, memory, host, sample, counts)
            if opcode < 102:
                return run_relu_mask_backward_f32(row, f, memory, host, sample, counts)
            return run_max_pool_backward_f32(row, f, memory, host, sample, counts)
        if opcode < 105:
            if opcode < 104:
                return run_average_pool_backward_f32(row, f, memory, host, sample, counts)
            return run_add_backward_f32(row, f, memory, host, sample, counts)
        if opcode < 106:
            return run_tanh_backward_f32(row, f, memory, host, sample, counts)
        return run_sigmoid_backward_f32(row, f, memory, host, sample, counts)
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
    if opcode < 228:
        if opcode < 226:
            return run_tanh_forward_s8(row, f, memory, host, sample, counts)
        return run_sigmoid_forward_s8(row, f, memory, host, sample, counts)
    if opcode < 300:
        return run_mean_forward_s8(row, f, memory, host, sample, counts)
    return run_dequantise_s8_f32(row, f, memory, host, sample, counts)
