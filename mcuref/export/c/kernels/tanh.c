#include "numerics.h" /* first: no fused multiply-add */

#include "tanh.h"

#include "elementary.h"

/* x + x^3 p(x^2) below 0.625 (the polynomial is that of the Cephes library, single precision), 1 - 2 / (e^2x + 1) above. */
float tanh_f32(float x) {
  if (x != x) return x;
  const int32_t magnitude = bits_of(x) & MAGNITUDE;
  const float z = from_bits(magnitude);
  float y = 1.0f;
  if (z < 0.625f) {
    const float s = z * z;
    float p = -5.70498872745e-3f;
    p = p * s + 2.06390887954e-2f;
    p = p * s + -5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s + -3.33332819422e-1f;
    y = (p * s) * z + z;
  } else if (z < 10.0f) { /* beyond, the exponential only costs time */
    y = 1.0f - 2.0f / (exp_f32(z + z) + 1.0f);
  }
  return bits_of(x) == magnitude ? y : -y;
}

void tanh_forward_f32(float *out, const float *x, int32_t n) {
  for (int32_t i = 0; i < n; i++) out[i] = tanh_f32(x[i]);
}

void tanh_backward_f32(float *dx, const float *dy, const float *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}
