"""Which operation runs a row: a tree of comparisons with its opcode. Written by python -m mcuref.export.generate."""

from mcuref.kernels.jit import kernel
from mcuref.operations.int8.add import run_add_backward_s8, run_add_forward_s8
from mcuref.operations.int8.bias import run_bias_update_s8
from mcuref.operations.int8.channels import run_keep_channels_s8
from mcuref.operations.int8.conv import (
    run_conv_backward_input_s8,
    run_conv_forward_s8,
    run_conv_gradient_s8,
    run_conv_update_s8,
)
from mcuref.operations.int8.dense import (
    run_dense_backward_input_s8,
    run_dense_forward_s8,
    run_dense_gradient_s8,
    run_dense_update_s8,
)
from mcuref.operations.int8.depthwise import (
    run_depthwise_backward_input_s8,
    run_depthwise_forward_s8,
    run_depthwise_gradient_s8,
    run_depthwise_update_s8,
)
from mcuref.operations.int8.exponents import run_adapt_s8, run_measure_s8
from mcuref.operations.int8.load import run_load_i8_s8, run_load_i16_s8, run_load_s8, run_load_u8_s8
from mcuref.operations.int8.lookup import (
    run_sigmoid_backward_s8,
    run_sigmoid_forward_s8,
    run_tanh_backward_s8,
    run_tanh_forward_s8,
)
from mcuref.operations.int8.loss import run_mean_squared_error_s8, run_reconstruction_s8, run_softmax_cross_entropy_s8
from mcuref.operations.int8.narrow import run_narrow_s8, run_relu_backward_s8
from mcuref.operations.int8.pooling import (
    run_average_pool_apart_backward_s8,
    run_average_pool_backward_s8,
    run_average_pool_forward_s8,
    run_max_pool_apart_backward_s8,
    run_max_pool_backward_s8,
    run_max_pool_forward_s8,
    run_mean_forward_s8,
)
from mcuref.operations.int8.relu import run_relu_forward_s8, run_relu_masked_s8
from mcuref.operations.int8.selection import (
    run_decide_governed_s8,
    run_decide_s8,
    run_select_adaptive_s8,
    run_select_full_s8,
    run_select_random_k_s8,
    run_select_top_k_s8,
)
from mcuref.operations.int8.softmax import run_softmax_forward_s8
from mcuref.operations.int8.sums import run_apply_rows_s8, run_begin_rows_s8, run_count_batch_s8
from mcuref.operations.rests import run_govern_i32, run_rest_u8, run_spend_i32, run_wake_u8
from mcuref.operations.views import OUTSIDE, Counts, Floats, Host, Memory, Row, Sample
from mcuref.operators.columns import FIRST_OUTSIDE, OPCODE


@kernel(inlined=True)
def run(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """Run a row; returns what comes next: GO_ON, JUMP or END, or OUTSIDE where it is not known here."""
    opcode = row[OPCODE]
    if opcode >= FIRST_OUTSIDE:
        return OUTSIDE
    if opcode < 253:
        if opcode < 223:
            if opcode < 202:
                if opcode < 64:
                    if opcode < 62:
                        return run_rest_u8(row, f, memory, host, sample, counts)
                    if opcode < 63:
                        return run_wake_u8(row, f, memory, host, sample, counts)
                    return run_govern_i32(row, f, memory, host, sample, counts)
                if opcode < 200:
                    return run_spend_i32(row, f, memory, host, sample, counts)
                if opcode < 201:
                    return run_load_u8_s8(row, f, memory, host, sample, counts)
                return run_load_i8_s8(row, f, memory, host, sample, counts)
            if opcode < 211:
                if opcode < 203:
                    return run_load_i16_s8(row, f, memory, host, sample, counts)
                if opcode < 210:
                    return run_load_s8(row, f, memory, host, sample, counts)
                return run_dense_forward_s8(row, f, memory, host, sample, counts)
            if opcode < 220:
                if opcode < 212:
                    return run_conv_forward_s8(row, f, memory, host, sample, counts)
                return run_depthwise_forward_s8(row, f, memory, host, sample, counts)
            if opcode < 222:
                return run_relu_forward_s8(row, f, memory, host, sample, counts)
            return run_max_pool_forward_s8(row, f, memory, host, sample, counts)
        if opcode < 231:
            if opcode < 226:
                if opcode < 224:
                    return run_average_pool_forward_s8(row, f, memory, host, sample, counts)
                if opcode < 225:
                    return run_add_forward_s8(row, f, memory, host, sample, counts)
                return run_tanh_forward_s8(row, f, memory, host, sample, counts)
            if opcode < 228:
                if opcode < 227:
                    return run_sigmoid_forward_s8(row, f, memory, host, sample, counts)
                return run_softmax_forward_s8(row, f, memory, host, sample, counts)
            if opcode < 230:
                return run_mean_forward_s8(row, f, memory, host, sample, counts)
            return run_measure_s8(row, f, memory, host, sample, counts)
        if opcode < 242:
            if opcode < 240:
                return run_adapt_s8(row, f, memory, host, sample, counts)
            if opcode < 241:
                return run_softmax_cross_entropy_s8(row, f, memory, host, sample, counts)
            return run_mean_squared_error_s8(row, f, memory, host, sample, counts)
        if opcode < 251:
            if opcode < 250:
                return run_reconstruction_s8(row, f, memory, host, sample, counts)
            return run_decide_s8(row, f, memory, host, sample, counts)
        if opcode < 252:
            return run_select_full_s8(row, f, memory, host, sample, counts)
        return run_select_top_k_s8(row, f, memory, host, sample, counts)
    if opcode < 277:
        if opcode < 270:
            if opcode < 260:
                if opcode < 254:
                    return run_select_adaptive_s8(row, f, memory, host, sample, counts)
                if opcode < 255:
                    return run_select_random_k_s8(row, f, memory, host, sample, counts)
                return run_decide_governed_s8(row, f, memory, host, sample, counts)
            if opcode < 261:
                return run_dense_backward_input_s8(row, f, memory, host, sample, counts)
            if opcode < 262:
                return run_conv_backward_input_s8(row, f, memory, host, sample, counts)
            return run_depthwise_backward_input_s8(row, f, memory, host, sample, counts)
        if opcode < 273:
            if opcode < 271:
                return run_narrow_s8(row, f, memory, host, sample, counts)
            if opcode < 272:
                return run_relu_backward_s8(row, f, memory, host, sample, counts)
            return run_relu_masked_s8(row, f, memory, host, sample, counts)
        if opcode < 275:
            if opcode < 274:
                return run_max_pool_backward_s8(row, f, memory, host, sample, counts)
            return run_average_pool_backward_s8(row, f, memory, host, sample, counts)
        if opcode < 276:
            return run_add_backward_s8(row, f, memory, host, sample, counts)
        return run_tanh_backward_s8(row, f, memory, host, sample, counts)
    if opcode < 284:
        if opcode < 280:
            if opcode < 278:
                return run_sigmoid_backward_s8(row, f, memory, host, sample, counts)
            if opcode < 279:
                return run_max_pool_apart_backward_s8(row, f, memory, host, sample, counts)
            return run_average_pool_apart_backward_s8(row, f, memory, host, sample, counts)
        if opcode < 282:
            if opcode < 281:
                return run_dense_update_s8(row, f, memory, host, sample, counts)
            return run_conv_update_s8(row, f, memory, host, sample, counts)
        if opcode < 283:
            return run_depthwise_update_s8(row, f, memory, host, sample, counts)
        return run_bias_update_s8(row, f, memory, host, sample, counts)
    if opcode < 292:
        if opcode < 290:
            return run_keep_channels_s8(row, f, memory, host, sample, counts)
        if opcode < 291:
            return run_begin_rows_s8(row, f, memory, host, sample, counts)
        return run_dense_gradient_s8(row, f, memory, host, sample, counts)
    if opcode < 294:
        if opcode < 293:
            return run_conv_gradient_s8(row, f, memory, host, sample, counts)
        return run_depthwise_gradient_s8(row, f, memory, host, sample, counts)
    if opcode < 295:
        return run_apply_rows_s8(row, f, memory, host, sample, counts)
    return run_count_batch_s8(row, f, memory, host, sample, counts)
