/* Depthwise convolution, int8: activations [height, width, channels], weights [kh, kw, O], both flat; geometry g as in
 * window.h, O is C or a multiple of it.
 *
 * Output channel o sees channel o / (O / C) of the input; what lies outside the input adds nothing. Biases and sums are
 * int32: of kh kw products, each at most 255 128 in magnitude, nothing overflows up to 65,793 of them. */
#ifndef MCUREF_INT8_DEPTHWISE_H
#define MCUREF_INT8_DEPTHWISE_H

#include <stdint.h>

#include "../names.h"

/* z[Ho, Wo, O] = sum over taps of w[tap, O] (x[tap, channel] - x_zero) + b[O], scaled, + z_zero, clamped to low..high.
 *
 * multiplier[O], shift[O]; scaled with two roundings; exponents as in exponents.h, or null. */
void depthwise_forward_s8(int8_t *restrict z, const int8_t *x, const int8_t *w, const int32_t *b, const int32_t *multiplier,
                          const int8_t *shift, const int8_t *exponents, int32_t x_zero, int32_t z_zero, int32_t low,
                          int32_t high, int32_t x_slot, int32_t z_slot, const int32_t *g);

/* dx[H, W, C] = sum over entries e of w[tap, channel of e] v[e] at their taps, v[e] = delta[e] share[channel of e]
 * / 2^halvings to the nearest.
 *
 * share[O] is at most 128. So |v| <= 127 128 / 2^halvings, halves up, and of |w| <= 127 nothing overflows up to 1,040 terms
 * of a dx with no halvings, and up to twice as many with each, as long as v has bits left: there are at most kh kw O / C. */
void depthwise_backward_input_s8(int32_t *restrict dx, const int8_t *delta, const int8_t *w, const uint8_t *share,
                                 int32_t halvings, const int32_t *g);

/* M[:, o] -= sum over positions p of delta[p, o] (x under the tap - x_zero), scaled, and b[o] -= sum of delta[p, o], scaled.
 *
 * r, r2 and draws as in weights.h, null what there is none of; delta[Ho, Wo, O]; one channel at a time, whose sum is in
 * sums[kh, kw]; one whose entries are all 0 is not touched. Scaled as in dense_update_s8; up to 66,311 positions. */
void depthwise_update_s8(int8_t *restrict w, int32_t *restrict b, int8_t *restrict r, int8_t *restrict r2,
                         int32_t *restrict draws, int32_t *restrict sums, const int8_t *delta, const int8_t *x,
                         const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents, int32_t sample_rate,
                         int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g);

/* a[:, o] += 2^8 sum over positions p of delta[p, o] (x under the tap - x_zero), scaled, and a_bias[o] likewise: as
 * depthwise_update_s8, without the learning rate of the sample. */
void depthwise_gradient_s8(int32_t *restrict a, int32_t *restrict a_bias, int32_t *restrict sums, const int8_t *delta,
                           const int8_t *x, const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents,
                           int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g);

#endif
