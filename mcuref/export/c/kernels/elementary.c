#include "numerics.h" /* first: no fused multiply-add */

#include "elementary.h"

float rint_f32(float x) { return (x + 12582912.0f) - 12582912.0f; } /* 1.5 * 2^23 leaves no bits for a fraction */

float exp_f32(float x) {
  if (x != x) return x;
  if (x > 88.72283f) return from_bits(0x7F800000);
  if (x < -87.33654f) return 0.0f;
  const float t = x * 1.44269504f;
  const int32_t k = t >= 0.0f ? (int32_t)(t + 0.5f) : (int32_t)(t - 0.5f);
  const float kf = (float)k;
  const float r = (x - kf * 0.693359375f) - kf * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r;
  p = p + 1.0f;
  /* 2^k in two factors: k reaches 128, one more than a float32 exponent holds */
  const int32_t half = k >= 0 ? k / 2 : -((1 - k) / 2); /* rounded down, without shifting a negative number */
  return p * from_bits((half + 127) * 0x800000) * from_bits((k - half + 127) * 0x800000);
}

float log_f32(float x) {
  if (x != x) return x;
  const int32_t bits = bits_of(x);
  int32_t e = bits / 0x800000 - 126;
  float m = from_bits((bits & 0x007FFFFF) | 0x3F000000); /* 0.5 <= m < 1 */
  if (m < 0.707106781f) {
    e -= 1;
    m = m + m;
  }
  m = m - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m + -1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m + -1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m + -1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m + -2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  float y = (m * z) * p;
  const float ef = (float)e;
  y = y + ef * -2.12194440e-4f;
  y = y - 0.5f * z;
  return (m + y) + ef * 0.693359375f;
}
