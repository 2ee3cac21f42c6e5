#include "numerics.h" /* first: no fused multiply-add */

#include "relu.h"

void relu_forward_f32(float *out, const float *x, float limit, int32_t n) {
  for (int32_t i = 0; i < n; i++) {
    const float v = x[i];
    out[i] = v <= 0.0f ? 0.0f : v >= limit ? limit : v;
  }
}

void relu_backward_f32(float *dx, const float *dy, const float *y, float limit, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = y[i] <= 0.0f || y[i] >= limit ? 0.0f : dy[i];
}

void relu_mask_forward_f32(float *out, uint8_t *restrict mask, const float *x, float limit, int32_t n) {
  for (int32_t m = 0; m < (n + 7) >> 3; m++) mask[m] = 0;
  for (int32_t i = 0; i < n; i++) {
    const float v = x[i];
    if (v <= 0.0f) {
      out[i] = 0.0f;
    } else if (v >= limit) {
      out[i] = limit;
    } else {
      out[i] = v;
      mask[i >> 3] = (uint8_t)(mask[i >> 3] | 1 << (i & 7));
    }
  }
}

void relu_mask_backward_f32(float *dx, const float *dy, const uint8_t *mask, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = mask[i >> 3] >> (i & 7) & 1 ? dy[i] : 0.0f;
}
