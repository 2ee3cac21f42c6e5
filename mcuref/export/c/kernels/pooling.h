/* Pooling, float32; geometry g as in window.h, with as many outputs as channels.
 *
 * Padding belongs to no window: a maximum is over the values inside, an average divides by their number, as in TFLite.
 */
#ifndef MCUREF_POOLING_H
#define MCUREF_POOLING_H

#include <stdint.h>

#include "names.h"

/* out = largest value of each window, of equal ones the first; a NaN wins, of several the last. taps gets which one it
 * was, ky kw + kx; null if nobody will ask. */
void max_pool_forward_f32(float *restrict out, uint8_t *restrict taps, const float *x, const int32_t *g);

/* dx = sum, in order, of the dy whose largest value was there, from +0 on. */
void max_pool_backward_f32(float *restrict dx, const float *dy, const uint8_t *taps, const int32_t *g);

/* out = sum over each window's values inside the input, in order from +0, / their number. */
void average_pool_forward_f32(float *restrict out, const float *x, const int32_t *g);

/* dx = sum, in order, of dy / number of values over the windows that hold the place, from +0 on. */
void average_pool_backward_f32(float *restrict dx, const float *dy, const int32_t *g);

#endif
