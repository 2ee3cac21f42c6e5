#include "numerics.h" /* first: no fused multiply-add */

#include "runs.h"

void clear_run(float *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = 0.0f;
}

void copy_run(float *restrict y, const float *restrict x, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = x[i];
}

void add_scaled(float *restrict y, const float *restrict x, int32_t n, float a) {
  const float *end = x + (n & ~7);
  while (x < end) { /* eight a pass: half the instructions of one a pass */
    y[0] = y[0] + a * x[0];
    y[1] = y[1] + a * x[1];
    y[2] = y[2] + a * x[2];
    y[3] = y[3] + a * x[3];
    y[4] = y[4] + a * x[4];
    y[5] = y[5] + a * x[5];
    y[6] = y[6] + a * x[6];
    y[7] = y[7] + a * x[7];
    x += 8;
    y += 8;
  }
  n &= 7;
  for (int32_t i = 0; i < n; i++) y[i] = y[i] + a * x[i];
}

void add_scaled_4(float *restrict y, const float *const x[4], int32_t n, const float a[4]) {
  const float *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
  const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
  for (int32_t i = 0; i < n; i++) y[i] = (((y[i] + a0 * x0[i]) + a1 * x1[i]) + a2 * x2[i]) + a3 * x3[i];
}

void add_products(float *restrict y, const float *restrict x, const float *restrict w, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = y[i] + x[i] * w[i];
}
