/* Fully connected layer, float32: weights are [outputs, inputs], flat; a kept output owns one run of them. */
#ifndef MCUREF_DENSE_H
#define MCUREF_DENSE_H

#include <stdint.h>

#include "index.h"
#include "names.h"

/* out[outputs] = w[outputs, inputs] x[inputs] + b[outputs]; each dot product in eight lanes, then the bias. */
void dense_forward_f32(float *restrict out, const float *x, const float *w, const float *b, int32_t outputs,
                       int32_t inputs);

/* dx[inputs] = sum over j in kept[count], in order, of delta[j] * w[j, :], from +0 on; rows not kept are never read. */
void dense_backward_input_f32(float *restrict dx, const float *delta, const float *w, const mcuref_index *kept,
                              int32_t count, int32_t inputs);

/* w[j, :] -= (rate * delta[j]) * x[inputs] and b[j] -= rate * delta[j] for j in kept[count]; other rows are not touched.
 * With dense_bias all biases are updated instead of the kept ones. */
void dense_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x, const mcuref_index *kept,
                      int32_t count, float rate, int32_t dense_bias, int32_t outputs, int32_t inputs);

#endif
