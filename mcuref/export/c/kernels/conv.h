/* Convolution, float32: weights [outputs, kh, kw, channels], flat; geometry g as in window.h.
 *
 * A kept entry e of the error is one element of the flattened output: its weights are one run, its patch kh runs.
 */
#ifndef MCUREF_CONV_H
#define MCUREF_CONV_H

#include <stdint.h>

#include "index.h"
#include "names.h"

/* out = for each position, w[outputs, kh kw c] patch + b[outputs], as dense_forward_f32 with its sums. patch is scratch
 * of kh kw c values; it may be null where every patch is one run of the input (kh = 1, no padding). */
void conv_forward_f32(float *restrict out, float *restrict patch, const float *x, const float *w, const float *b,
                      const int32_t *g);

/* dx = sum over kept e, in order, of delta[e] * w[channel of e] at its patch, from +0 on. */
void conv_backward_input_f32(float *restrict dx, const float *delta, const float *w, const mcuref_index *kept,
                             int32_t count, const int32_t *g);

/* w[channel of e] -= (rate * delta[e]) * patch of e, b[channel of e] -= rate * delta[e], for kept e in order. Weights
 * that meet only padding are not touched. With dense_bias every entry of delta updates its bias instead. */
void conv_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x, const mcuref_index *kept,
                     int32_t count, float rate, int32_t dense_bias, const int32_t *g);

#endif
