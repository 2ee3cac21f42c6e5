#include "rows.h"

#include "dsp.h"

/* Loops that need most registers are functions of their own, and have one index, which compilers make pointers of. */
#if defined(__GNUC__)
#define NOT_INLINE __attribute__((noinline))
#define KEEP_INDEX(i) __asm__("" : "+r"(i))
#else
#define NOT_INLINE
#define KEEP_INDEX(i)
#endif

#if MCUREF_MVE

/* Loops of the core that end with as many lanes as are left: compilers do not make them of intrinsics. */

int32_t sum_of_row(const int8_t *w, int32_t n) {
  int32_t sum = 0;
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.8 q0, [%[w]], #16\n"
      "vaddva.s8 %[sum], q0\n"
      "letp lr, 1b\n"
      "2:"
      : [w] "+r"(w), [sum] "+Te"(sum)
      : [n] "r"(n)
      : "lr", "q0", "memory");
  return sum;
}

static int32_t dot_row(const row_inputs *inputs, const int8_t *w, int32_t n) {
  const int8_t *x = inputs->x;
  int32_t sum = 0;
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.8 q0, [%[x]], #16\n"
      "vldrb.8 q1, [%[w]], #16\n"
      "vmladava.s8 %[sum], q0, q1\n"
      "letp lr, 1b\n"
      "2:"
      : [x] "+r"(x), [w] "+r"(w), [sum] "+Te"(sum)
      : [n] "r"(n)
      : "lr", "q0", "q1", "memory");
  return sum;
}

static void dot_rows_4(int32_t sums[ROWS], const row_inputs *inputs, const int8_t *w, int32_t n) {
  const int8_t *x = inputs->x, *w1 = w + n, *w2 = w1 + n, *w3 = w2 + n;
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.8 q0, [%[x]], #16\n"
      "vldrb.8 q1, [%[w]], #16\n"
      "vmladava.s8 %[s0], q0, q1\n"
      "vldrb.8 q2, [%[w1]], #16\n"
      "vmladava.s8 %[s1], q0, q2\n"
      "vldrb.8 q1, [%[w2]], #16\n"
      "vmladava.s8 %[s2], q0, q1\n"
      "vldrb.8 q2, [%[w3]], #16\n"
      "vmladava.s8 %[s3], q0, q2\n"
      "letp lr, 1b\n"
      "2:"
      : [x] "+r"(x), [w] "+r"(w), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [s0] "+Te"(s0), [s1] "+Te"(s1),
        [s2] "+Te"(s2), [s3] "+Te"(s3)
      : [n] "r"(n)
      : "lr", "q0", "q1", "q2", "memory");
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

#elif MCUREF_DSP

static int32_t dot_row(const row_inputs *inputs, const int8_t *w, int32_t n) {
  const int32_t zero = inputs->zero;
  const uint32_t less = pair_of(-zero);
  const int8_t *x = inputs->x, *end = x + n, *fours = x + (n & ~3);
  int32_t sum = 0;
  for (; x < fours; x += 4, w += 4) {
    const uint32_t four = load_four(x);
    sum = plus_four(sum, plus_evens(less, four), plus_odds(less, four), load_four(w));
  }
  while (x < end) sum = plus_one(sum, *x++ - zero, *w++);
  return sum;
}

/* What a run of inputs adds to the sums of four rows that are n apart. */
NOT_INLINE static void dot_run(int32_t sums[ROWS], const int8_t *x, const int8_t *w, int32_t length, int32_t n,
                               int32_t zero) {
  const uint32_t less = pair_of(-zero);
  const int8_t *end = x + length, *w2 = w + 2 * n;
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (const int8_t *fours = end - 3; x < fours; x += 4, w += 4, w2 += 4) {
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

static int32_t dot_row(const row_inputs *inputs, const int8_t *w, int32_t n) {
  const int8_t *x = inputs->x;
  int32_t sum = 0;
  for (const int8_t *end = x + n; x < end;) sum = plus_one(sum, *x++ - inputs->zero, *w++);
  return sum;
}

/* What a run of inputs adds to the sums of four rows that are n apart. */
NOT_INLINE static void dot_run(int32_t sums[ROWS], const int8_t *x, const int8_t *w, int32_t length, int32_t n,
                               int32_t zero) {
  const int8_t *w1 = w + n, *w2 = w1 + n, *w3 = w2 + n;
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (int32_t i = 0; i < length; i++) {
    KEEP_INDEX(i);
    const int32_t value = x[i] - zero;
    if (value == 0) continue;
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

#if !MCUREF_MVE
static void dot_rows_4(int32_t sums[ROWS], const row_inputs *inputs, const int8_t *w, int32_t n) {
  int32_t i = 0;
  sums[0] = sums[1] = sums[2] = sums[3] = 0;
  for (int32_t run = 0; run < inputs->count; run++) {
    i += inputs->gaps[run];
    dot_run(sums, inputs->x + i, w + i, inputs->lengths[run], n, inputs->zero);
    i += inputs->lengths[run];
  }
  if (i < n) dot_run(sums, inputs->x + i, w + i, n - i, n, inputs->zero);
}
#endif

int32_t dot_rows(int32_t sums[ROWS], const row_inputs *inputs, const int8_t *w, int32_t rows, int32_t n) {
  const int32_t count = rows >= ROWS ? ROWS : 1;
  if (count == ROWS)
    dot_rows_4(sums, inputs, w, n);
  else
    sums[0] = dot_row(inputs, w, n);
#if MCUREF_MVE
  if (inputs->zero != 0)
    for (int32_t r = 0; r < count; r++, w += n) sums[r] = less_zero(sums[r], inputs->zero, sum_of_row(w, n));
#endif
  return count;
}

#if MCUREF_DSP && !MCUREF_MVE

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
  const int32_t n = runs->elements;
  for (int32_t run = 0; run < runs->count; run++, y += runs->sums_apart, row += runs->rows_apart) {
    int32_t i = 0;
#if MCUREF_MVE
    for (; i + 4 <= n; i += 4)
      vst1q_s32(y + i, vmlaq_n_s32(vld1q_s32(y + i), vsubq_n_s32(vldrbq_s32(row + i), zero), factor));
#endif
    for (; i < n; i++) y[i] += factor * (row[i] - zero);
  }
}

static void add_rows_4(int32_t *y, const weighted_rows *from, const row_runs *runs, int32_t zero) {
  const int32_t last = from->count == ROWS ? 3 : 0; /* of three the fourth is one of them, times 0 */
  const int8_t *r0 = from->rows[0], *r1 = from->rows[1], *r2 = from->rows[2], *r3 = from->rows[last];
  const int32_t f0 = from->factors[0], f1 = from->factors[1], f2 = from->factors[2], apart = runs->rows_apart;
  const int32_t f3 = last ? from->factors[3] : 0, less = (f0 + f1 + f2 + f3) * zero, n = runs->elements;
  for (int32_t run = 0; run < runs->count; run++, y += runs->sums_apart) {
    int32_t i = 0;
#if MCUREF_MVE
    for (; i + 4 <= n; i += 4) {
      const int32x4_t two = vmlaq_n_s32(vmlaq_n_s32(vld1q_s32(y + i), vldrbq_s32(r0 + i), f0), vldrbq_s32(r1 + i), f1);
      const int32x4_t four = vmlaq_n_s32(vmlaq_n_s32(two, vldrbq_s32(r2 + i), f2), vldrbq_s32(r3 + i), f3);
      vst1q_s32(y + i, vsubq_n_s32(four, less));
    }
#endif
    for (; i < n; i++) y[i] += f0 * r0[i] + f1 * r1[i] + f2 * r2[i] + f3 * r3[i] - less;
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
