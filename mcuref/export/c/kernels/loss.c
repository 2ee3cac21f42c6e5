#include "numerics.h" /* first: no fused multiply-add */

#include "loss.h"

#include "elementary.h"

float softmax_cross_entropy_f32(float *delta, const float *z, int32_t label, int32_t n) {
  float largest = z[0];
  for (int32_t i = 1; i < n; i++)
    if (z[i] > largest) largest = z[i];
  const float margin = z[label] - largest;
  float total = 0.0f;
  for (int32_t i = 0; i < n; i++) {
    const float e = exp_f32(z[i] - largest);
    delta[i] = e;
    total = total + e;
  }
  for (int32_t i = 0; i < n; i++) delta[i] = delta[i] / total;
  delta[label] = delta[label] - 1.0f;
  return log_f32(total) - margin;
}

float mean_squared_error_f32(float *delta, const float *z, const float *target, int32_t n) {
  const float number = (float)n, factor = 2.0f / number;
  float total = 0.0f;
  for (int32_t i = 0; i < n; i++) {
    const float difference = z[i] - target[i];
    total = total + difference * difference;
    delta[i] = factor * difference;
  }
  return total / number;
}
