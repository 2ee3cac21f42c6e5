/* Fully connected layer over a sample where it lies: dense.h of the values v[i] = (x[i] - mean[i % c]) * scale[i % c].
 *
 * x[inputs] is of the type that the function is named for; mean[c], scale[c] float32, c divides inputs. Values are
 * normalised as they are read, each for four rows of weights.
 */
#ifndef MCUREF_SAMPLE_DENSE_H
#define MCUREF_SAMPLE_DENSE_H

#include <stdint.h>

#include "../index.h"
#include "../names.h"

/* out[outputs] = w[outputs, inputs] v[inputs] + b[outputs]; each dot product in eight lanes, then the bias. */
void dense_forward_of_u8(float *restrict out, const uint8_t *x, const float *w, const float *b, const float *mean,
                         const float *scale, int32_t outputs, int32_t inputs, int32_t c);
void dense_forward_of_i8(float *restrict out, const int8_t *x, const float *w, const float *b, const float *mean,
                         const float *scale, int32_t outputs, int32_t inputs, int32_t c);
void dense_forward_of_i16(float *restrict out, const int16_t *x, const float *w, const float *b, const float *mean,
                          const float *scale, int32_t outputs, int32_t inputs, int32_t c);
void dense_forward_of_f32(float *restrict out, const float *x, const float *w, const float *b, const float *mean,
                          const float *scale, int32_t outputs, int32_t inputs, int32_t c);

/* w[j, :] -= (rate * delta[j]) * v[inputs] and b[j] -= rate * delta[j] for j in kept[count]; other rows are not touched.
 * With dense_bias all biases are updated instead of the kept ones. */
void dense_update_of_u8(float *restrict w, float *restrict b, const float *delta, const uint8_t *x, const mcuref_index *kept,
                        const float *mean, const float *scale, int32_t count, float rate, int32_t dense_bias,
                        int32_t outputs, int32_t inputs, int32_t c);
void dense_update_of_i8(float *restrict w, float *restrict b, const float *delta, const int8_t *x, const mcuref_index *kept,
                        const float *mean, const float *scale, int32_t count, float rate, int32_t dense_bias,
                        int32_t outputs, int32_t inputs, int32_t c);
void dense_update_of_i16(float *restrict w, float *restrict b, const float *delta, const int16_t *x, const mcuref_index *kept,
                         const float *mean, const float *scale, int32_t count, float rate, int32_t dense_bias,
                         int32_t outputs, int32_t inputs, int32_t c);
void dense_update_of_f32(float *restrict w, float *restrict b, const float *delta, const float *x, const mcuref_index *kept,
                         const float *mean, const float *scale, int32_t count, float rate, int32_t dense_bias,
                         int32_t outputs, int32_t inputs, int32_t c);

#endif
