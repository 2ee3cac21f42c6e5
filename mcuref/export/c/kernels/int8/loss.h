/* Losses, int8, n outputs: each writes the error as int8 with an exponent E, and returns what it says of the loss. */
#ifndef MCUREF_INT8_LOSS_H
#define MCUREF_INT8_LOSS_H

#include <stdint.h>

#include "../names.h"

/* delta[n], exponent[1] = softmax(z[n]) - onehot(label), narrowed; returns softmax(z)[label], both of 30 bits.
 *
 * table[t] : table[0] exp(-scale d) of each difference d to the largest; 0 beyond it. grown, 0 to 15, is the exponent of z,
 * which stands for scale 2^grown. delta may be z.
 *
 * e_i = table[2^grown (max z - z_i)], S their sum, p_i = e_i / S. With n table[0] <= 2^30 all of it is below 2^31. */
int32_t softmax_cross_entropy_s8(int8_t *delta, int32_t *exponent, const int8_t *z, const int32_t *table, int32_t label,
                                 int32_t grown, int32_t t, int32_t n);

/* delta[n], exponent[1] = z[n] - target[n], narrowed; returns the sum of its squares, 2^31 - 1 if it is larger.
 * Targets are in the scale of z, within +-2^20. delta may be z. */
int32_t mean_squared_error_s8(int8_t *delta, int32_t *exponent, const int8_t *z, const int32_t *target, int32_t n);

/* The same with a target[n] of int8 in a scale of its own: (target - target_zero), scaled with two roundings, + z_zero.
 * It is not clamped. delta may be z. */
int32_t reconstruction_s8(int8_t *delta, int32_t *exponent, const int8_t *z, const int8_t *target, int32_t target_zero,
                          int32_t z_zero, int32_t multiplier, int32_t shift, int32_t n);

#endif
