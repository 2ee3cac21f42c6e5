/* Pooling, int8: activations [height, width, channels], flat; windows with a geometry g as in window.h, O = C.
 *
 * Padding belongs to no window: a maximum is over the values inside, an average divides by their number. Sums are int32: no
 * window of fewer than 2^23 values overflows. Errors dx are of the whole input, and overwritten. */
#ifndef MCUREF_INT8_POOLING_H
#define MCUREF_INT8_POOLING_H

#include <stdint.h>

#include "../names.h"

/* y = largest value of each window, clamped to low..high. taps[as y] gets which one it was before it was clamped, ky kw +
 * kx, of equal ones the first; null if nobody will ask. */
void max_pool_forward_s8(int8_t *restrict y, uint8_t *restrict taps, const int8_t *x, int32_t low, int32_t high,
                         const int32_t *g);

/* dx = sum of the dy whose largest value was there, at most 127 of each window. */
void max_pool_backward_s8(int32_t *restrict dx, const int8_t *dy, const uint8_t *taps, const int32_t *g);

/* dx = the dy whose largest value was there, else 0. Windows do not overlap. */
void max_pool_apart_backward_s8(int8_t *restrict dx, const int8_t *dy, const uint8_t *taps, const int32_t *g);

/* y = sum over each window's values inside the input / their number, halves away from 0, clamped to low..high. */
void average_pool_forward_s8(int8_t *restrict y, const int8_t *x, int32_t low, int32_t high, const int32_t *g);

/* dx = sum of dy m over the windows that hold the place, with 14 bits behind the point.
 *
 * m = 2^14 / number of values of the window inside the input, to the nearest, halves up. With |dy| <= 127 nothing overflows
 * where at most 1,032 windows hold a place: 127 2^14 1,032 < 2^31. */
void average_pool_backward_s8(int32_t *restrict dx, const int8_t *dy, const int32_t *g);

/* dx = the dy of the window that holds the place, else 0. Windows do not overlap, and all have as many values: the division
 * by their number is in the unit of dx. */
void average_pool_apart_backward_s8(int8_t *restrict dx, const int8_t *dy, const int32_t *g);

/* y[c] = sum over all positions of x - x_zero, scaled with two roundings, + y_zero, clamped to low..high.
 *
 * The multiplier has 1 / (H W) in it. slots[2] are the places of the exponents of x and y, null where there are none: the
 * shift grows by that of x less that of y, within -31..30. */
void mean_forward_s8(int8_t *restrict y, const int8_t *x, const int8_t *exponents, const int8_t *slots, int32_t x_zero,
                     int32_t y_zero, int32_t multiplier, int32_t shift, int32_t low, int32_t high, const int32_t *g);

#endif
