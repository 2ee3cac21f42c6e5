#include "numerics.h" /* first: no fused multiply-add */

#include "lanes.h"

float dot(const float *x, const float *w, int32_t n) {
  float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, a4 = 0.0f, a5 = 0.0f, a6 = 0.0f, a7 = 0.0f;
  const float *end = x + (n & ~7);
  while (x < end) {
    a0 += w[0] * x[0];
    a1 += w[1] * x[1];
    a2 += w[2] * x[2];
    a3 += w[3] * x[3];
    a4 += w[4] * x[4];
    a5 += w[5] * x[5];
    a6 += w[6] * x[6];
    a7 += w[7] * x[7];
    x += 8;
    w += 8;
  }
  n &= 7;
  if (n > 0) a0 += w[0] * x[0];
  if (n > 1) a1 += w[1] * x[1];
  if (n > 2) a2 += w[2] * x[2];
  if (n > 3) a3 += w[3] * x[3];
  if (n > 4) a4 += w[4] * x[4];
  if (n > 5) a5 += w[5] * x[5];
  if (n > 6) a6 += w[6] * x[6];
  return tree(a0, a1, a2, a3, a4, a5, a6, a7);
}

static float magnitude(float value) { return from_bits(bits_of(value) & MAGNITUDE); }

float abs_sum(const float *x, int32_t n) {
  float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, a4 = 0.0f, a5 = 0.0f, a6 = 0.0f, a7 = 0.0f;
  const float *end = x + (n & ~7);
  while (x < end) {
    a0 += magnitude(x[0]);
    a1 += magnitude(x[1]);
    a2 += magnitude(x[2]);
    a3 += magnitude(x[3]);
    a4 += magnitude(x[4]);
    a5 += magnitude(x[5]);
    a6 += magnitude(x[6]);
    a7 += magnitude(x[7]);
    x += 8;
  }
  n &= 7;
  if (n > 0) a0 += magnitude(x[0]);
  if (n > 1) a1 += magnitude(x[1]);
  if (n > 2) a2 += magnitude(x[2]);
  if (n > 3) a3 += magnitude(x[3]);
  if (n > 4) a4 += magnitude(x[4]);
  if (n > 5) a5 += magnitude(x[5]);
  if (n > 6) a6 += magnitude(x[6]);
  return tree(a0, a1, a2, a3, a4, a5, a6, a7);
}
