#include "numerics.h" /* first: no fused multiply-add */

#include "runs.h"

void clear_run(float *y, int32_t n) {
  for (int32_t left = n >> 2; left > 0; left--) {
    y[0] = y[1] = y[2] = y[3] = 0.0f;
    y += 4;
  }
  for (int32_t left = n & 3; left > 0; left--) *y++ = 0.0f;
}

void copy_rows(float *restrict y, int32_t y_step, const float *restrict x, int32_t x_step, int32_t rows, int32_t n) {
  for (; rows > 0; rows--) {
    for (int32_t left = n >> 2; left > 0; left--) {
      y[0] = x[0];
      y[1] = x[1];
      y[2] = x[2];
      y[3] = x[3];
      x += 4;
      y += 4;
    }
    for (int32_t left = n & 3; left > 0; left--) *y++ = *x++;
    x += x_step - n;
    y += y_step - n;
  }
}

void add_scaled_rows(float *restrict y, int32_t y_step, const float *restrict x, int32_t x_step, int32_t rows, int32_t n,
                     float a) {
  for (; rows > 0; rows--) {
    for (int32_t left = n >> 3; left > 0; left--) { /* eight a pass: half the instructions of one a pass */
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
    for (int32_t left = n & 7; left > 0; left--) {
      *y = *y + a * *x;
      x++;
      y++;
    }
    x += x_step - n;
    y += y_step - n;
  }
}

void add_scaled_rows_2(float *restrict y, int32_t y_step, const float *const x[2], int32_t x_step, int32_t rows, int32_t n,
                       const float a[2]) {
  const float *x0 = x[0], *x1 = x[1];
  const float a0 = a[0], a1 = a[1];
  for (; rows > 0; rows--) {
    for (int32_t left = n >> 2; left > 0; left--) {
      y[0] = (y[0] + a0 * x0[0]) + a1 * x1[0];
      y[1] = (y[1] + a0 * x0[1]) + a1 * x1[1];
      y[2] = (y[2] + a0 * x0[2]) + a1 * x1[2];
      y[3] = (y[3] + a0 * x0[3]) + a1 * x1[3];
      x0 += 4;
      x1 += 4;
      y += 4;
    }
    for (int32_t left = n & 3; left > 0; left--) {
      *y = (*y + a0 * *x0++) + a1 * *x1++;
      y++;
    }
    x0 += x_step - n;
    x1 += x_step - n;
    y += y_step - n;
  }
}

void add_scaled(float *restrict y, const float *restrict x, int32_t n, float a) { add_scaled_rows(y, 0, x, 0, 1, n, a); }

void add_scaled_4(float *restrict y, const float *const x[4], int32_t n, const float a[4]) {
  const float *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
  const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
  for (int32_t i = 0; i < n; i++) y[i] = (((y[i] + a0 * x0[i]) + a1 * x1[i]) + a2 * x2[i]) + a3 * x3[i];
}
