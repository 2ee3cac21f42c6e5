/* Errors of int32 as int8 with an exponent: by the fewest bits to the right that make all of them fit; n values.
 *
 * An error q of exponent E stands for q 2^E.
 */
#ifndef MCUREF_INT8_NARROW_H
#define MCUREF_INT8_NARROW_H

#include <stdint.h>

#include "../names.h"
#include "../numerics.h"

/* The magnitude of any int32. */
static inline uint32_t magnitude_s32(int32_t x) { return x < 0 ? 0u - (uint32_t)x : (uint32_t)x; }

/* By how many bits an error whose largest magnitude that is has to be shifted to have no more than 7. Any number that has
 * as many bits as the largest will do, as all magnitudes joined by "or". */
int32_t bits_to_drop(uint32_t largest);

/* x / 2^bits, to the nearest, halves up, within -127..127; any x, 0 <= bits <= 31. */
static inline int8_t narrowed(int32_t x, int32_t bits) {
  const int32_t last = bits > 0, value = ((x >> (bits - last)) + last) >> last;
  return (int8_t)smaller(larger(value, -127), 127);
}

/* y[n] = x[n] / 2^s; y_exponent = exponent + s - 14. s is the least with which the largest magnitude of x, of which any
 * int32 may be, has 7 bits; halves are rounded up. What comes to -128 or 128 is clamped. */
void narrow_s8(int8_t *restrict y, int32_t *y_exponent, const int32_t *x, const int32_t *exponent, int32_t n);

/* dx[n] = dy[n] where low < y[n] < high, else 0, narrowed: narrow_s8 of what passes; dx may be y. */
void relu_backward_s8(int8_t *dx, int32_t *dx_exponent, const int32_t *dy, const int8_t *y, const int32_t *exponent,
                      int32_t low, int32_t high, int32_t n);

#endif
