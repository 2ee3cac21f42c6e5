#include "numerics.h" /* first: no fused multiply-add */

#include "softmax.h"

#include "elementary.h"

float largest_f32(const float *x, int32_t n) {
  float largest = x[0];
  for (int32_t i = 1; i < n; i++)
    if (x[i] > largest) largest = x[i];
  return largest;
}

float softmax_f32(float *out, const float *x, float largest, int32_t n) {
  float total = 0.0f;
  for (int32_t i = 0; i < n; i++) {
    const float e = exp_f32(x[i] - largest);
    out[i] = e;
    total = total + e;
  }
  for (int32_t i = 0; i < n; i++) out[i] = out[i] / total;
  return total;
}

void softmax_forward_f32(float *out, const float *x, int32_t n) { softmax_f32(out, x, largest_f32(x, n), n); }
