#include "rows.h"

static int32_t dot_row(const int8_t *x, const int8_t *w, int32_t n, int32_t zero) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < n; i++) sum += (uint32_t)((x[i] - zero) * w[i]);
  return (int32_t)sum;
}

int32_t dot_rows(int32_t sums[ROWS], const int8_t *x, const int8_t *w, int32_t rows, int32_t n, int32_t zero) {
  if (rows < ROWS) {
    sums[0] = dot_row(x, w, n, zero);
    return 1;
  }
  const int8_t *w1 = w + n, *w2 = w1 + n, *w3 = w2 + n;
  uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (int32_t i = 0; i < n; i++) {
    const int32_t value = x[i] - zero;
    if (value == 0) continue; /* most of an image, half of what a ReLU puts out */
    s0 += (uint32_t)(value * w[i]);
    s1 += (uint32_t)(value * w1[i]);
    s2 += (uint32_t)(value * w2[i]);
    s3 += (uint32_t)(value * w3[i]);
  }
  sums[0] = (int32_t)s0;
  sums[1] = (int32_t)s1;
  sums[2] = (int32_t)s2;
  sums[3] = (int32_t)s3;
  return ROWS;
}

static void add_row_scaled(int32_t *restrict y, const int8_t *row, int32_t factor, int32_t zero, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] += factor * (row[i] - zero);
}

static void add_rows_4(int32_t *restrict y, const weighted_rows *from, int32_t offset, int32_t zero, int32_t n) {
  const int32_t last = from->count == ROWS ? 3 : 0; /* of three the fourth is one of them, times 0 */
  const int8_t *r0 = from->rows[0] + offset, *r1 = from->rows[1] + offset, *r2 = from->rows[2] + offset;
  const int8_t *r3 = from->rows[last] + offset;
  const int32_t f0 = from->factors[0], f1 = from->factors[1], f2 = from->factors[2];
  const int32_t f3 = last ? from->factors[3] : 0, less = (f0 + f1 + f2 + f3) * zero;
  for (int32_t i = 0; i < n; i++) y[i] += f0 * r0[i] + f1 * r1[i] + f2 * r2[i] + f3 * r3[i] - less;
}

void add_rows(int32_t *restrict y, const weighted_rows *from, int32_t offset, int32_t zero, int32_t n) {
  if (from->count >= ROWS - 1)
    add_rows_4(y, from, offset, zero, n);
  else
    for (int32_t r = 0; r < from->count; r++) add_row_scaled(y, from->rows[r] + offset, from->factors[r], zero, n);
}

void clear_sums(int32_t *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = 0;
}
