#include "steps.h"

#include "dsp.h"

#if MCUREF_MVE

/* Eight weights at once: products in even and odd lanes of 32 bits, all else in 16. */
static void move_vectors(int8_t *w, int8_t *r, const int8_t *x, int32_t n, int32_t factor, int32_t offset, int32_t right) {
  const int16x8_t by = vdupq_n_s16((int16_t)factor), most = vdupq_n_s16(127 << 8), least = vdupq_n_s16(-127 * 256);
  for (; n > 0; n -= 8, x += 8, w += 8, r += 8) {
    const mve_pred16_t lanes = vctp16q((uint32_t)n);
    const int16x8_t values = vldrbq_z_s16(x, lanes);
    const int32x4_t even = vaddq_n_s32(vmullbq_int_s16(values, by), offset);
    const int32x4_t odd = vaddq_n_s32(vmulltq_int_s16(values, by), offset);
    int16x8_t steps = vmovnbq_s32(values, vshlq_r_s32(even, -right));
    steps = vmovntq_s32(steps, vshlq_r_s32(odd, -right));
    int16x8_t whole = vaddq_s16(vshlq_n_s16(vldrbq_z_s16(w, lanes), 8), vldrbq_z_s16(r, lanes));
    whole = vmaxq_s16(vminq_s16(vqsubq_s16(whole, steps), most), least);
    vstrbq_p_s16(w, vrshrq_n_s16(whole, 8), lanes);
    vstrbq_p_s16(r, whole, lanes);
  }
}

void move_run(int8_t *restrict w, int8_t *restrict r, const int8_t *x, int32_t n, int32_t factor, int32_t offset,
              int32_t right) {
  if (right >= 9) { /* steps are of 15 bits */
    move_vectors(w, r, x, n, factor, offset, right);
    return;
  }
  for (const int8_t *end = x + n; x < end; w++, r++) move_weight(w, r, (*x++ * factor + offset) >> right);
}

#elif MCUREF_DSP

/* The four weights of a word each of w and r. A step is made 255 less, so that it is the difference's saturation which keeps
 * M up to 127 2^8, and another's which keeps it down to -127 2^8: there is M - 256 then, whose lower byte is r. */
static inline void move_four(int8_t *w, int8_t *r, uint32_t x, int32_t factor, int32_t offset, int32_t right) {
  const uint32_t upper = load_four(w), lower = load_four(r), most = 0x01FF01FF, back = 0x01800180;
  const uint32_t even_x = evens(x), odd_x = odds(x);
  const int32_t s0 = plus_low(offset, even_x, factor) >> right, s2 = plus_high(offset, even_x, factor) >> right;
  uint32_t even = plus_evens(even_bytes(upper) << 8, lower);
  even = pair_difference(pair_difference(even, lows((uint32_t)s0, (uint32_t)s2)), most);
  const int32_t s1 = plus_low(offset, odd_x, factor) >> right, s3 = plus_high(offset, odd_x, factor) >> right;
  uint32_t odd = plus_odds(upper & 0xFF00FF00, lower);
  odd = pair_difference(pair_difference(odd, lows((uint32_t)s1, (uint32_t)s3)), most);
  store_four(r, even_bytes(even) | even_bytes(odd) << 8);
  store_four(w, odd_bytes(pair_sum(even, back)) | (pair_sum(odd, back) & 0xFF00FF00));
}

void move_run(int8_t *restrict w, int8_t *restrict r, const int8_t *x, int32_t n, int32_t factor, int32_t offset,
              int32_t right) {
  const int8_t *end = x + n;
  if (right >= 9) { /* steps are of 15 bits */
    const int32_t less = offset - (255 << right);
    for (const int8_t *fours = x + (n & ~3); x < fours; x += 4, w += 4, r += 4)
      move_four(w, r, load_four(x), factor, less, right);
  }
  for (; x < end; w++, r++) move_weight(w, r, (*x++ * factor + offset) >> right);
}

#else

void move_run(int8_t *restrict w, int8_t *restrict r, const int8_t *x, int32_t n, int32_t factor, int32_t offset,
              int32_t right) {
  for (const int8_t *end = x + n; x < end; w++, r++) {
    const int32_t by = (*x++ * factor + offset) >> right;
    if (by != 0) move_weight(w, r, by);
  }
}

#endif
