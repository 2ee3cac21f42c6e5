#include "rows.h"

#include "dsp.h"

/* One product more. */
static inline int32_t plus_one(int32_t sum, int32_t x, int32_t w) { return (int32_t)((uint32_t)sum + (uint32_t)(x * w)); }

#if MCUREF_DSP

static int32_t dot_row(const int8_t *x, const int8_t *w, int32_t n, int32_t zero) {
  const uint32_t less = pair_of(-zero);
  const int8_t *end = x + n, *fours = x + (n & ~3);
  int32_t sum = 0;
  for (; x < fours; x += 4, w += 4) {
    const uint32_t four = load_four(x);
    sum = plus_four(sum, plus_evens(less, four), plus_odds(less, four), load_four(w));
  }
  while (x < end) sum = plus_one(sum, *x++ - zero, *w++);
  return sum;
}

static void dot_rows_4(int32_t sums[ROWS], const int8_t *x, const int8_t *w, int32_t n, int32_t zero) {
  const uint32_t less = pair_of(-zero);
  const int8_t *end = x + n, *fours = x + (n & ~3), *w2 = w + 2 * n;
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (; x < fours; x += 4, w += 4, w2 += 4) {
    const uint32_t four = load_four(x), even = plus_evens(less, four), odd = plus_odds(less, four);
    s0 = plus_four(s0, even, odd, load_four(w));
    s1 = plus_four(s1, even, odd, load_four(w + n));
    s2 = plus_four(s2, even, odd, load_four(w2));
    s3 = plus_four(s3, even, odd, load_four(w2 + n));
  }
  for (; x < end; x++, w++, w2++) {
    const int32_t value = *x - zero;
    s0 = plus_one(s0, value, w[0]);
    s1 = plus_one(s1, value, w[n]);
    s2 = plus_one(s2, value, w2[0]);
    s3 = plus_one(s3, value, w2[n]);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

#else

static int32_t dot_row(const int8_t *x, const int8_t *w, int32_t n, int32_t zero) {
  int32_t sum = 0;
  for (const int8_t *end = x + n; x < end;) sum = plus_one(sum, *x++ - zero, *w++);
  return sum;
}

static void dot_rows_4(int32_t sums[ROWS], const int8_t *x, const int8_t *w, int32_t n, int32_t zero) {
  const int8_t *w1 = w + n, *w2 = w1 + n, *w3 = w2 + n;
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (int32_t i = 0; i < n; i++) {
    const int32_t value = x[i] - zero;
    if (value == 0) continue; /* most of an image, half of what a ReLU puts out */
    s0 = plus_one(s0, value, w[i]);
    s1 = plus_one(s1, value, w1[i]);
    s2 = plus_one(s2, value, w2[i]);
    s3 = plus_one(s3, value, w3[i]);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

#endif

int32_t dot_rows(int32_t sums[ROWS], const int8_t *x, const int8_t *w, int32_t rows, int32_t n, int32_t zero) {
  if (rows >= ROWS) {
    dot_rows_4(sums, x, w, n, zero);
    return ROWS;
  }
  sums[0] = dot_row(x, w, n, zero);
  return 1;
}

#if MCUREF_DSP

static inline void add_two_rows(int32_t *y, const int8_t *a, const int8_t *b, int32_t n, uint32_t less, uint32_t factors) {
  for (; n >= 4; n -= 4, a += 4, b += 4) y = add_four_columns(y, load_four(a), load_four(b), less, factors);
  for (; n > 0; n--, y++) {
    const uint32_t one = (uint8_t)*a++, other = (uint8_t)*b++;
    *y = plus_both(*y, plus_evens(less, one | other << 16), factors);
  }
}

void add_rows(int32_t *y, const weighted_rows *from, const row_runs *runs, int32_t zero) {
  const uint32_t less = pair_of(-zero);
  for (int32_t r = 0; r < from->count; r += 2) {
    const int8_t *a = from->rows[r], *b = a;
    uint32_t factors = (uint32_t)from->factors[r] & 0xFFFF;
    if (r + 1 < from->count) {
      b = from->rows[r + 1];
      factors |= (uint32_t)from->factors[r + 1] << 16;
    }
    for (int32_t run = 0; run < runs->count; run++, a += runs->rows_apart, b += runs->rows_apart)
      add_two_rows(y + run * runs->sums_apart, a, b, runs->elements, less, factors);
  }
}

#else

static void add_row_scaled(int32_t *y, const int8_t *row, const row_runs *runs, int32_t factor, int32_t zero) {
  for (int32_t run = 0; run < runs->count; run++, y += runs->sums_apart, row += runs->rows_apart)
    for (int32_t i = 0; i < runs->elements; i++) y[i] += factor * (row[i] - zero);
}

static void add_rows_4(int32_t *y, const weighted_rows *from, const row_runs *runs, int32_t zero) {
  const int32_t last = from->count == ROWS ? 3 : 0; /* of three the fourth is one of them, times 0 */
  const int8_t *r0 = from->rows[0], *r1 = from->rows[1], *r2 = from->rows[2], *r3 = from->rows[last];
  const int32_t f0 = from->factors[0], f1 = from->factors[1], f2 = from->factors[2];
  const int32_t f3 = last ? from->factors[3] : 0, less = (f0 + f1 + f2 + f3) * zero, apart = runs->rows_apart;
  for (int32_t run = 0; run < runs->count; run++, y += runs->sums_apart) {
    for (int32_t i = 0; i < runs->elements; i++) y[i] += f0 * r0[i] + f1 * r1[i] + f2 * r2[i] + f3 * r3[i] - less;
    r0 += apart, r1 += apart, r2 += apart, r3 += apart;
  }
}

void add_rows(int32_t *y, const weighted_rows *from, const row_runs *runs, int32_t zero) {
  if (from->count >= ROWS - 1)
    add_rows_4(y, from, runs, zero);
  else
    for (int32_t r = 0; r < from->count; r++) add_row_scaled(y, from->rows[r], runs, from->factors[r], zero);
}

#endif

void clear_sums(int32_t *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = 0;
}
