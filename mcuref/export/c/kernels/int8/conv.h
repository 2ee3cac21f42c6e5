/* Convolution, int8: activations [height, width, channels], weights [outputs, kh, kw, channels], both flat; geometry g as in
 * window.h. Outside the input there is x_zero.
 *
 * Biases and sums are int32: of kh kw channels products, each at most 255 128 in magnitude, nothing overflows up to 65,793
 * of them. A sum that does loses its upper bits.
 */
#ifndef MCUREF_INT8_CONV_H
#define MCUREF_INT8_CONV_H

#include <stdint.h>

#include "../names.h"

/* z = for each position, w[outputs, kh kw c] (patch - x_zero) + b[outputs], scaled with two roundings, + z_zero, clamped to
 * low..high. multiplier[outputs], shift[outputs]; exponents may be null. patch is scratch of kh kw c values; it may be null
 * where every patch is one run of the input (kh = 1, no padding). */
void conv_forward_s8(int8_t *restrict z, int8_t *restrict patch, const int8_t *x, const int8_t *w, const int32_t *b,
                     const int32_t *multiplier, const int8_t *shift, const int8_t *exponents, int32_t x_zero,
                     int32_t z_zero, int32_t low, int32_t high, int32_t x_slot, int32_t z_slot, const int32_t *g);

/* dx = sum over entries e of w[channel of e] v[e] at their patches, v[e] = delta[e] share[channel of e] / 2^halvings to the
 * nearest, halves up. share[outputs] is at most 128: |v| <= 127 128 / 2^halvings. */
void conv_backward_input_s8(int32_t *restrict dx, const int8_t *delta, const int8_t *w, const uint8_t *share,
                            int32_t halvings, const int32_t *g);

/* M[o, :] -= sum over positions p of delta[p, o] (patch of p - x_zero), scaled, and b[o] -= sum of delta[p, o], scaled.
 *
 * One output channel at a time, whose sum is in sums[kh, kw, c]; one whose entries are all 0 is not touched. Scaled as in
 * dense_update_s8, with rate[2 outputs]; r, r2 and draws may be null. */
void conv_update_s8(int8_t *restrict w, int32_t *restrict b, int8_t *restrict r, int8_t *restrict r2,
                    int32_t *restrict draws, int32_t *restrict sums, const int8_t *delta, const int8_t *x,
                    const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents, int32_t sample_rate,
                    int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g);

/* a[o, :] += 2^8 sum over positions p of delta[p, o] (patch of p - x_zero), scaled, and a_bias[o] likewise. As
 * conv_update_s8, without the learning rate of the sample. */
void conv_gradient_s8(int32_t *restrict a, int32_t *restrict a_bias, int32_t *restrict sums, const int8_t *delta,
                      const int8_t *x, const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents,
                      int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g);

#endif
