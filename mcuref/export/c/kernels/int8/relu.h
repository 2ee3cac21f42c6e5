/* Values in another scale, int8: what a rectified linear unit is that the layer before does not do, and back. */
#ifndef MCUREF_INT8_RELU_H
#define MCUREF_INT8_RELU_H

#include <stdint.h>

#include "../names.h"

/* y[n] = (x[n] - x_zero) multiplier 2^(shift - 31), with two roundings, + y_zero, clamped to low..high; y may be x.
 *
 * The shift grows by the exponent of x less that of y, within -31..30; from 23 on upper bits are lost. */
void rescale_s8(int8_t *y, const int8_t *x, const int8_t *exponents, int32_t x_zero, int32_t y_zero, int32_t multiplier,
                int32_t shift, int32_t low, int32_t high, int32_t x_slot, int32_t y_slot, int32_t n);

/* dx[n] = dy[n] where low < y[n] < high, else 0; dx may be dy. */
void relu_masked_s8(int8_t *dx, const int8_t *dy, const int8_t *y, int32_t low, int32_t high, int32_t n);

#endif
