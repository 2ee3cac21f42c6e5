/* Convolution over a sample where it lies: conv.h of the values v[i] = (x[i] - mean[i % c]) * scale[i % c].
 *
 * x[height, width, channels] is of the type that the function is named for; mean[c], scale[c] float32. patch is scratch of
 * kh kw channels values, into which a window is gathered; what lies outside of the image is 0 there.
 */
#ifndef MCUREF_SAMPLE_CONV_H
#define MCUREF_SAMPLE_CONV_H

#include <stdint.h>

#include "../index.h"
#include "../names.h"

/* out = for each position, w[outputs, kh kw channels] patch + b[outputs], as dense_forward_f32 with its sums. */
void conv_forward_of_u8(float *restrict out, float *restrict patch, const uint8_t *x, const float *w, const float *b,
                        const float *mean, const float *scale, const int32_t *g, int32_t c);
void conv_forward_of_i8(float *restrict out, float *restrict patch, const int8_t *x, const float *w, const float *b,
                        const float *mean, const float *scale, const int32_t *g, int32_t c);
void conv_forward_of_i16(float *restrict out, float *restrict patch, const int16_t *x, const float *w, const float *b,
                         const float *mean, const float *scale, const int32_t *g, int32_t c);
void conv_forward_of_f32(float *restrict out, float *restrict patch, const float *x, const float *w, const float *b,
                         const float *mean, const float *scale, const int32_t *g, int32_t c);

/* w[channel of e] -= (rate * delta[e]) * patch of e, b[channel of e] -= rate * delta[e], for kept e in order; a patch is
 * gathered once for all of a position. Weights that meet only padding are not touched. With dense_bias every entry of delta
 * updates its bias instead. */
void conv_update_of_u8(float *restrict w, float *restrict b, float *restrict patch, const float *delta, const uint8_t *x,
                       const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                       int32_t dense_bias, const int32_t *g, int32_t c);
void conv_update_of_i8(float *restrict w, float *restrict b, float *restrict patch, const float *delta, const int8_t *x,
                       const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                       int32_t dense_bias, const int32_t *g, int32_t c);
void conv_update_of_i16(float *restrict w, float *restrict b, float *restrict patch, const float *delta, const int16_t *x,
                        const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                        int32_t dense_bias, const int32_t *g, int32_t c);
void conv_update_of_f32(float *restrict w, float *restrict b, float *restrict patch, const float *delta, const float *x,
                        const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,
                        int32_t dense_bias, const int32_t *g, int32_t c);

#endif
