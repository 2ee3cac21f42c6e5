"""Which operation runs a row: a tree of comparisons with its opcode. Written by python -m mcuref.export.generate."""

from mcuref.kernels.jit import kernel
from mcuref.operations.add import run_add_backward_f32, run_add_forward_f32
from mcuref.operations.bias import run_bias_update_f32
from mcuref.operations.channels import run_keep_channels_f32
from mcuref.operations.conv import (
    run_conv_backward_input_f32,
    run_conv_forward_f32,
    run_conv_forward_of_values,
    run_conv_update_f32,
    run_conv_update_of_values,
)
from mcuref.operations.dense import (
    run_dense_backward_input_f32,
    run_dense_forward_f32,
    run_dense_forward_of_values,
    run_dense_update_f32,
    run_dense_update_of_values,
)
from mcuref.operations.depthwise import (
    run_depthwise_backward_input_f32,
    run_depthwise_forward_f32,
    run_depthwise_forward_of_values,
    run_depthwise_update_f32,
    run_depthwise_update_of_values,
)
from mcuref.operations.loss import run_mean_squared_error_f32, run_softmax_cross_entropy_f32
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
from mcuref.operations.sample.conv import (
    run_conv_forward_of_f32,
    run_conv_forward_of_i8,
    run_conv_forward_of_i16,
    run_conv_forward_of_u8,
    run_conv_update_of_f32,
    run_conv_update_of_i8,
    run_conv_update_of_i16,
    run_conv_update_of_u8,
)
from mcuref.operations.sample.dense import (
    run_dense_forward_of_f32,
    run_dense_forward_of_i8,
    run_dense_forward_of_i16,
    run_dense_forward_of_u8,
    run_dense_update_of_f32,
    run_dense_update_of_i8,
    run_dense_update_of_i16,
    run_dense_update_of_u8,
)
from mcuref.operations.sample.depthwise import (
    run_depthwise_forward_of_f32,
    run_depthwise_forward_of_i8,
    run_depthwise_forward_of_i16,
    run_depthwise_forward_of_u8,
    run_depthwise_update_of_f32,
    run_depthwise_update_of_i8,
    run_depthwise_update_of_i16,
    run_depthwise_update_of_u8,
)
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
    if opcode < 101:
        if opcode < 64:
            if opcode < 25:
                if opcode < 21:
                    if opcode < 12:
                        if opcode < 11:
                            return run_dense_forward_f32(row, f, memory, host, sample, counts)
                        return run_conv_forward_f32(row, f, memory, host, sample, counts)
                    if opcode < 20:
                        return run_depthwise_forward_f32(row, f, memory, host, sample, counts)
                    return run_relu_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 23:
                    if opcode < 22:
                        return run_relu_mask_forward_f32(row, f, memory, host, sample, counts)
                    return run_max_pool_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 24:
                    return run_average_pool_forward_f32(row, f, memory, host, sample, counts)
                return run_add_forward_f32(row, f, memory, host, sample, counts)
            if opcode < 41:
                if opcode < 27:
                    if opcode < 26:
                        return run_tanh_forward_f32(row, f, memory, host, sample, counts)
                    return run_sigmoid_forward_f32(row, f, memory, host, sample, counts)
                if opcode < 40:
                    return run_softmax_forward_f32(row, f, memory, host, sample, counts)
                return run_softmax_cross_entropy_f32(row, f, memory, host, sample, counts)
            if opcode < 61:
                if opcode < 60:
                    return run_mean_squared_error_f32(row, f, memory, host, sample, counts)
                return run_decide_f32(row, f, memory, host, sample, counts)
            if opcode < 62:
                return run_rest_u8(row, f, memory, host, sample, counts)
            if opcode < 63:
                return run_wake_u8(row, f, memory, host, sample, counts)
            return run_govern_i32(row, f, memory, host, sample, counts)
        if opcode < 85:
            if opcode < 72:
                if opcode < 70:
                    if opcode < 65:
                        return run_spend_i32(row, f, memory, host, sample, counts)
                    return run_decide_governed_f32(row, f, memory, host, sample, counts)
                if opcode < 71:
                    return run_select_full_f32(row, f, memory, host, sample, counts)
                return run_select_top_k_f32(row, f, memory, host, sample, counts)
            if opcode < 80:
                if opcode < 73:
                    return run_select_adaptive_f32(row, f, memory, host, sample, counts)
                return run_select_random_k_f32(row, f, memory, host, sample, counts)
            if opcode < 81:
                return run_dense_backward_input_f32(row, f, memory, host, sample, counts)
            if opcode < 82:
                return run_conv_backward_input_f32(row, f, memory, host, sample, counts)
            return run_depthwise_backward_input_f32(row, f, memory, host, sample, counts)
        if opcode < 93:
            if opcode < 91:
                if opcode < 90:
                    return run_keep_channels_f32(row, f, memory, host, sample, counts)
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
        if opcode < 100:
            return run_count_batch_i32(row, f, memory, host, sample, counts)
        return run_relu_backward_f32(row, f, memory, host, sample, counts)
    if opcode < 122:
        if opcode < 113:
            if opcode < 105:
                if opcode < 103:
                    if opcode < 102:
                        return run_relu_mask_backward_f32(row, f, memory, host, sample, counts)
                    return run_max_pool_backward_f32(row, f, memory, host, sample, counts)
                if opcode < 104:
                    return run_average_pool_backward_f32(row, f, memory, host, sample, counts)
                return run_add_backward_f32(row, f, memory, host, sample, counts)
            if opcode < 110:
                if opcode < 106:
                    return run_tanh_backward_f32(row, f, memory, host, sample, counts)
                return run_sigmoid_backward_f32(row, f, memory, host, sample, counts)
            if opcode < 111:
                return run_dense_forward_of_u8(row, f, memory, host, sample, counts)
            if opcode < 112:
                return run_dense_forward_of_i8(row, f, memory, host, sample, counts)
            return run_dense_forward_of_i16(row, f, memory, host, sample, counts)
        if opcode < 117:
            if opcode < 115:
                if opcode < 114:
                    return run_dense_forward_of_f32(row, f, memory, host, sample, counts)
                return run_dense_forward_of_values(row, f, memory, host, sample, counts)
            if opcode < 116:
                return run_conv_forward_of_u8(row, f, memory, host, sample, counts)
            return run_conv_forward_of_i8(row, f, memory, host, sample, counts)
        if opcode < 119:
            if opcode < 118:
                return run_conv_forward_of_i16(row, f, memory, host, sample, counts)
            return run_conv_forward_of_f32(row, f, memory, host, sample, counts)
        if opcode < 120:
            return run_conv_forward_of_values(row, f, memory, host, sample, counts)
        if opcode < 121:
            return run_depthwise_forward_of_u8(row, f, memory, host, sample, counts)
        return run_depthwise_forward_of_i8(row, f, memory, host, sample, counts)
    if opcode < 131:
        if opcode < 126:
            if opcode < 124:
                if opcode < 123:
                    return run_depthwise_forward_of_i16(row, f, memory, host, sample, counts)
                return run_depthwise_forward_of_f32(row, f, memory, host, sample, counts)
            if opcode < 125:
                return run_depthwise_forward_of_values(row, f, memory, host, sample, counts)
            return run_dense_update_of_u8(row, f, memory, host, sample, counts)
        if opcode < 128:
            if opcode < 127:
                return run_dense_update_of_i8(row, f, memory, host, sample, counts)
            return run_dense_update_of_i16(row, f, memory, host, sample, counts)
        if opcode < 129:
            return run_dense_update_of_f32(row, f, memory, host, sample, counts)
        if opcode < 130:
            return run_dense_update_of_values(row, f, memory, host, sample, counts)
        return run_conv_update_of_u8(row, f, memory, host, sample, counts)
    if opcode < 135:
        if opcode < 133:
            if opcode < 132:
                return run_conv_update_of_i8(row, f, memory, host, sample, counts)
            return run_conv_update_of_i16(row, f, memory, host, sample, counts)
        if opcode < 134:
            return run_conv_update_of_f32(row, f, memory, host, sample, counts)
        return run_conv_update_of_values(row, f, memory, host, sample, counts)
    if opcode < 137:
        if opcode < 136:
            return run_depthwise_update_of_u8(row, f, memory, host, sample, counts)
        return run_depthwise_update_of_i8(row, f, memory, host, sample, counts)
    if opcode < 138:
        return run_depthwise_update_of_i16(row, f, memory, host, sample, counts)
    if opcode < 139:
        return run_depthwise_update_of_f32(row, f, memory, host, sample, counts)
    return run_depthwise_update_of_values(row, f, memory, host, sample, counts)
