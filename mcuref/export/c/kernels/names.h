/* Symbols of the kernels begin with mcuref_, so that they meet none of your firmware's; here they have the names of their
 * twins in Python. Every header of a kernel includes this. Written by python -m mcuref.export.generate. */
#ifndef MCUREF_NAMES_H
#define MCUREF_NAMES_H

#define abs_sum mcuref_abs_sum
#define adapt_s8 mcuref_adapt_s8
#define add_f32 mcuref_add_f32
#define add_products mcuref_add_products
#define add_row mcuref_add_row
#define add_row_of_sums mcuref_add_row_of_sums
#define add_scaled mcuref_add_scaled
#define add_scaled_4 mcuref_add_scaled_4
#define added mcuref_added
#define apply_rows_f32 mcuref_apply_rows_f32
#define average_pool_backward_f32 mcuref_average_pool_backward_f32
#define average_pool_forward_f32 mcuref_average_pool_forward_f32
#define back_propagation_ratio mcuref_back_propagation_ratio
#define begin_rows_f32 mcuref_begin_rows_f32
#define clear_run mcuref_clear_run
#define conv_backward_input_f32 mcuref_conv_backward_input_f32
#define conv_forward_f32 mcuref_conv_forward_f32
#define conv_update_f32 mcuref_conv_update_f32
#define copy_run mcuref_copy_run
#define decision mcuref_decision
#define dense_backward_input_f32 mcuref_dense_backward_input_f32
#define dense_forward_f32 mcuref_dense_forward_f32
#define dense_update_f32 mcuref_dense_update_f32
#define depthwise_backward_input_f32 mcuref_depthwise_backward_input_f32
#define depthwise_forward_f32 mcuref_depthwise_forward_f32
#define depthwise_update_f32 mcuref_depthwise_update_f32
#define dot mcuref_dot
#define exp_f32 mcuref_exp_f32
#define fnv1a mcuref_fnv1a
#define is_finite mcuref_is_finite
#define keep_nonzero mcuref_keep_nonzero
#define kept_entries mcuref_kept_entries
#define largest_f32 mcuref_largest_f32
#define load_f32 mcuref_load_f32
#define load_i16 mcuref_load_i16
#define load_i8 mcuref_load_i8
#define load_u8 mcuref_load_u8
#define log_f32 mcuref_log_f32
#define max_pool_backward_f32 mcuref_max_pool_backward_f32
#define max_pool_forward_f32 mcuref_max_pool_forward_f32
#define mean_squared_error_f32 mcuref_mean_squared_error_f32
#define measure_s8 mcuref_measure_s8
#define moved_bias mcuref_moved_bias
#define raise_maximum mcuref_raise_maximum
#define random_bits mcuref_random_bits
#define relu_backward_f32 mcuref_relu_backward_f32
#define relu_forward_f32 mcuref_relu_forward_f32
#define relu_mask_backward_f32 mcuref_relu_mask_backward_f32
#define relu_mask_forward_f32 mcuref_relu_mask_forward_f32
#define rint_f32 mcuref_rint_f32
#define sigmoid_backward_f32 mcuref_sigmoid_backward_f32
#define sigmoid_f32 mcuref_sigmoid_f32
#define sigmoid_forward_f32 mcuref_sigmoid_forward_f32
#define softmax_cross_entropy_f32 mcuref_softmax_cross_entropy_f32
#define softmax_f32 mcuref_softmax_f32
#define softmax_forward_f32 mcuref_softmax_forward_f32
#define step_of mcuref_step_of
#define tanh_backward_f32 mcuref_tanh_backward_f32
#define tanh_f32 mcuref_tanh_f32
#define tanh_forward_f32 mcuref_tanh_forward_f32
#define top_k mcuref_top_k
#define update_row mcuref_update_row
#define update_row_by_sums mcuref_update_row_by_sums

#endif
