/* Rectified linear unit, float32; with an upper limit (6 for ReLU6, infinity for ReLU).
 *
 * The derivative at 0 and at the limit is 0; NaN passes through, so that it is seen.
 */
#ifndef MCUREF_RELU_H
#define MCUREF_RELU_H

#include <stdint.h>

#include "names.h"

/* out[n] = 0 where x[n] <= 0, limit where x[n] >= limit, else x; out may be x. */
void relu_forward_f32(float *out, const float *x, float limit, int32_t n);

/* dx[n] = 0 where the output y[n] <= 0 or y[n] >= limit, else dy[n]; dx may be dy. */
void relu_backward_f32(float *dx, const float *dy, const float *y, float limit, int32_t n);

/* As relu_forward_f32; bit i % 8 of mask[i / 8] is 1 where x is passed on; mask has ceil(n / 8) bytes. */
void relu_mask_forward_f32(float *out, uint8_t *restrict mask, const float *x, float limit, int32_t n);

/* dx[n] = dy[n] where the bit of relu_mask_forward_f32 is set, else 0; dx may be dy. */
void relu_mask_backward_f32(float *dx, const float *dy, const uint8_t *mask, int32_t n);

#endif
