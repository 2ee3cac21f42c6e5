#include "numerics.h" /* first: no fused multiply-add */

#include "sigmoid.h"

#include "elementary.h"

/* With e = e^-|x|, which never overflows: 1 / (1 + e), or e / (1 + e) below 0. */
float sigmoid_f32(float x) {
  const float e = exp_f32(x < 0.0f ? x : -x);
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

void sigmoid_forward_f32(float *out, const float *x, int32_t n) {
  for (int32_t i = 0; i < n; i++) out[i] = sigmoid_f32(x[i]);
}

void sigmoid_backward_f32(float *dx, const float *dy, const float *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = dy[i] * (y[i] * (1.0f - y[i]));
}
