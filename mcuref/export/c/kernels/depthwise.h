/* Depthwise convolution, float32: each channel on its own; weights [kh, kw, channels], flat; geometry g as in window.h.
 *
 * Sums take the taps (ky, kx) that lie inside the input, in order; the bias comes last.
 */
#ifndef MCUREF_DEPTHWISE_H
#define MCUREF_DEPTHWISE_H

#include <stdint.h>

#include "index.h"
#include "names.h"

/* out = sum over taps of w[tap, c] * x[tap of the position, c], from +0 on, then + b[c]. */
void depthwise_forward_f32(float *restrict out, const float *x, const float *w, const float *b, const int32_t *g);

/* dx = sum over kept e, in order, of delta[e] * w[tap, channel of e] at its taps, from +0 on. */
void depthwise_backward_input_f32(float *restrict dx, const float *delta, const float *w, const mcuref_index *kept,
                                  int32_t count, const int32_t *g);

/* w[tap, channel of e] -= (rate * delta[e]) * x at that tap, b[channel of e] -= rate * delta[e], for kept e in order.
 * With dense_bias every entry of delta updates its bias instead. */
void depthwise_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x,
                          const mcuref_index *kept, int32_t count, float rate, int32_t dense_bias, const int32_t *g);

#endif
