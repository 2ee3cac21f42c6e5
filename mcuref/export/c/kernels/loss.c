#include "numerics.h" /* first: no fused multiply-add */

#include "loss.h"

#include "elementary.h"
#include "softmax.h"

float softmax_cross_entropy_f32(float *delta, const float *z, int32_t label, int32_t n) {
  const float largest = largest_f32(z, n), margin = z[label] - largest;
  const float total = softmax_f32(delta, z, largest, n);
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
