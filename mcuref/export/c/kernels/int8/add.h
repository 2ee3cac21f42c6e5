/* Addition of two int8 activations of different scales; and of two errors that meet on the way back. */
#ifndef MCUREF_INT8_ADD_H
#define MCUREF_INT8_ADD_H

#include <stdint.h>

#include "../names.h"

/* y[n] = (scaled a[n] - a_zero, + scaled b[n] - b_zero), scaled, + y_zero, clamped to low..high; y may be a or b.
 *
 * Both terms are shifted 20 bits to the left and scaled by factors of at most 1/2, shifts of at most 0; each of the three
 * scalings has two roundings. Nothing overflows int32.
 *
 * With exponents, E the larger one of a and b: the shifts of the terms grow by theirs less E, so that no term does; that of
 * the sum grows by E less that of y, within -31..30. Bits are lost only where it comes to more than 2. */
void add_forward_s8(int8_t *y, const int8_t *a, const int8_t *b, const int8_t *exponents, int32_t a_zero,
                    int32_t a_multiplier, int32_t a_shift, int32_t b_zero, int32_t b_multiplier, int32_t b_shift,
                    int32_t y_zero, int32_t y_multiplier, int32_t y_shift, int32_t low, int32_t high, int32_t a_slot,
                    int32_t b_slot, int32_t y_slot, int32_t n);

/* dx[n] of exponent E = a[n] a_multiplier 2^(E_a + a_shift) + b[n] b_multiplier 2^(E_b + b_shift), halves up in each.
 *
 * E is the larger of the exponents E_a + a_shift and E_b + b_shift; that of a side that is 0 throughout does not count
 * unless both are. Multipliers are below 2^15: a term is at most 127 32767 in magnitude, and dx below 2^23. */
void add_backward_s8(int32_t *restrict dx, int32_t *restrict dx_exponent, const int8_t *a, const int8_t *b,
                     const int32_t *a_exponent, const int32_t *b_exponent, int32_t a_multiplier, int32_t a_shift,
                     int32_t b_multiplier, int32_t b_shift, int32_t n);

#endif
