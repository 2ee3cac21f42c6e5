/* What runs each instruction: finds its operands and dimensions in a row of the table and calls the kernel.
 * Written by python -m mcuref.export.generate. */
#ifndef MCUREF_OPERATIONS_H
#define MCUREF_OPERATIONS_H

#include "../program/program.h"

mcuref_next mcuref_run_load_u8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_load_i8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_load_i16(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_load_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dense_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_conv_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_depthwise_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_relu_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_relu_mask_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_max_pool_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_average_pool_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_add_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_tanh_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_sigmoid_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_softmax_forward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_softmax_cross_entropy_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_mean_squared_error_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_reconstruction_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_decide_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_select_full_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_select_top_k_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_select_adaptive_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dense_backward_input_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_conv_backward_input_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_depthwise_backward_input_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dense_update_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_conv_update_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_depthwise_update_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_begin_rows_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_apply_rows_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_count_batch_i32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_relu_backward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_relu_mask_backward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_max_pool_backward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_average_pool_backward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_add_backward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_tanh_backward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_sigmoid_backward_f32(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_load_u8_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_load_i8_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_load_i16_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_load_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dense_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_conv_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_depthwise_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_relu_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_max_pool_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_average_pool_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_add_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_tanh_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_sigmoid_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_softmax_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_mean_forward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_measure_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_adapt_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_softmax_cross_entropy_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_mean_squared_error_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_reconstruction_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_decide_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_select_full_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_select_top_k_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_select_adaptive_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dense_backward_input_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_conv_backward_input_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_depthwise_backward_input_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_narrow_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_relu_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_relu_masked_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_max_pool_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_average_pool_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_add_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_tanh_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_sigmoid_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_max_pool_apart_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_average_pool_apart_backward_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dense_update_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_conv_update_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_depthwise_update_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_begin_rows_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dense_gradient_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_conv_gradient_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_depthwise_gradient_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_apply_rows_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_count_batch_s8(const mcuref_row *row, mcuref_run *run);
mcuref_next mcuref_run_dequantise_s8_f32(const mcuref_row *row, mcuref_run *run);

#endif
