/* Depthwise convolution over a sample where it lies: depthwise.h of the values v[i] = (x[i] - mean[i % c]) * scale[i % c].
 *
 * x[height, width, channels] is of the type that the function is named for; mean[c], scale[c] float32. A value is normalised
 * at each tap that reads it.
 */
#ifndef MCUREF_SAMPLE_DEPTHWISE_H
#define MCUREF_SAMPLE_DEPTHWISE_H

#include <stdint.h>

#include "../index.h"
#include "../names.h"

/* out = sum over taps of v[tap of the position, channel] * w[tap, channel], from +0 on, then + b[channel]. */
void depthwise_forward_of_u8(float *restrict out, const uint8_t *x, const float *w, const float *b, const float *mean,
                             const float *scale, const int32_t *g, int32_t c);
void depthwise_forward_of_i8(float *restrict out, const int8_t *x, const float *w, const float *b, const float *mean,
                             const float *scale, const int32_t *g, int32_t c);
void depthwise_forward_of_i16(float *restrict out, const int16_t *x, const float *w, const float *b, const float *mean,
                              const float *scale, const int32_t *g, int32_t c);
void depthwise_forward_of_f32(float *restrict out, const float *x, const float *w, const float *b, const float *mean,
                              const float *scale, const int32_t *g, int32_t c);

/* w[tap, channel of e] -= (rate * delta[e]) * v at that tap, b[channel of e] -= rate * delta[e], for kept e in order.
 * With dense_bias every entry of delta updates its bias instead. */
void depthwise_update_of_u8(float *restrict w, float *restrict b, const float *delta, const uint8_t *x,
                            const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                            int32_t dense_bias, const int32_t *g, int32_t c);
void depthwise_update_of_i8(float *restrict w, float *restrict b, const float *delta, const int8_t *x,
                            const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                            int32_t dense_bias, const int32_t *g, int32_t c);
void depthwise_update_of_i16(float *restrict w, float *restrict b, const float *delta, const int16_t *x,
                             const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                             int32_t dense_bias, const int32_t *g, int32_t c);
void depthwise_update_of_f32(float *restrict w, float *restrict b, const float *delta, const float *x,
                             const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                             int32_t dense_bias, const int32_t *g, int32_t c);

#endif
