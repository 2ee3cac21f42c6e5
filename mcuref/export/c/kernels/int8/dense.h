/* Fully connected layer, int8. Weights are [outputs, inputs], flat, their zero is 0; biases and sums are int32.
 *
 * A sum is of b and of `inputs` products, each at most 255 128 in magnitude: without the bias nothing overflows up to 65,793
 * inputs. One that does loses its upper bits.
 */
#ifndef MCUREF_INT8_DENSE_H
#define MCUREF_INT8_DENSE_H

#include <stdint.h>

#include "../names.h"

/* z[outputs] = w[outputs, inputs] (x[inputs] - x_zero) + b[outputs], scaled with one rounding, + z_zero, clamped to
 * low..high. multiplier[multipliers], shift[multipliers]: one of all outputs, or one of each; exponents may be null. */
void dense_forward_s8(int8_t *restrict z, const int8_t *x, const int8_t *w, const int32_t *b, const int32_t *multiplier,
                      const int8_t *shift, const int8_t *exponents, int32_t x_zero, int32_t z_zero, int32_t low,
                      int32_t high, int32_t x_slot, int32_t z_slot, int32_t outputs, int32_t inputs, int32_t multipliers);

/* dx[inputs] = sum over j of w[j, :] v[j], v = delta[j] share[j] / 2^halvings to the nearest, halves up; rows of 0 are not
 * read. share[shares], of each output, or one of all, is at most 128: |v| <= 127 128 / 2^halvings. */
void dense_backward_input_s8(int32_t *restrict dx, const int8_t *delta, const int8_t *w, const uint8_t *share,
                             int32_t halvings, int32_t outputs, int32_t inputs, int32_t shares);

/* M[j, :] -= delta[j] (x[inputs] - x_zero), scaled, and b[j] -= delta[j], scaled, for j with delta[j] != 0.
 *
 * What M is, what r, r2 and draws, each of which may be null, are there for, and how it is scaled by rate[2 rates], two of
 * each output or of all, and sample_rate stands in weights.h. The bias's factor is multiplied by bias_multiplier < 2^30, and
 * its shift grows by the exponent of x and bias_shift. */
void dense_update_s8(int8_t *restrict w, int32_t *restrict b, int8_t *restrict r, int8_t *restrict r2,
                     int32_t *restrict draws, const int8_t *delta, const int8_t *x, const uint8_t *rate,
                     const int32_t *delta_exponent, const int8_t *exponents, int32_t sample_rate, int32_t x_zero,
                     int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, int32_t outputs, int32_t inputs,
                     int32_t rates);

/* a[j, :] += 2^8 delta[j] (x[inputs] - x_zero), scaled, and a_bias[j] += 2^8 delta[j], scaled, for j with delta[j] != 0.
 * As dense_update_s8, without the learning rate of the sample. */
void dense_gradient_s8(int32_t *restrict a, int32_t *restrict a_bias, const int8_t *delta, const int8_t *x,
                       const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents, int32_t x_zero,
                       int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, int32_t outputs, int32_t inputs,
                       int32_t rates);

#endif
