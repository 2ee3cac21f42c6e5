#include "steps.h"

#include "dsp.h"

#if MCUREF_MVE

enum { AT_ONCE = 8 };

/* Eight weights: products in even and odd lanes of 32 bits, all else in 16. */
static inline void move_block(int8_t *w, int8_t *r, const int8_t *x, int32_t factor, int32_t offset, int32_t right) {
  const int16x8_t values = vldrbq_s16(x), by = vdupq_n_s16((int16_t)factor);
  const int32x4_t even = vaddq_n_s32(vmullbq_int_s16(values, by), offset);
  const int32x4_t odd = vaddq_n_s32(vmulltq_int_s16(values, by), offset);
  const int16x8_t steps = vmovntq_s32(vmovnbq_s32(values, vshlq_r_s32(even, -right)), vshlq_r_s32(odd, -right));
  const int16x8_t whole = vqsubq_s16(vaddq_s16(vshlq_n_s16(vldrbq_s16(w), 8), vldrbq_s16(r)), steps);
  const int16x8_t within = vmaxq_s16(vminq_s16(whole, vdupq_n_s16(127 * 256)), vdupq_n_s16(-127 * 256));
  vstrbq_s16(w, vrshrq_n_s16(within, 8));
  vstrbq_s16(r, within);
}

#elif MCUREF_DSP

enum { AT_ONCE = 4 };

/* The weights of a word each of w and r. A step is made 255 less, so that it is the difference's saturation which keeps M up
 * to 127 2^8, and another's which keeps it down to -127 2^8: there is M - 256 then, whose lower byte is r. */
static inline void move_block(int8_t *w, int8_t *r, const int8_t *x, int32_t factor, int32_t offset, int32_t right) {
  const uint32_t upper = load_four(w), lower = load_four(r), most = 0x01FF01FF, back = 0x01800180;
  const uint32_t four = load_four(x), even_x = evens(four), odd_x = odds(four);
  const int32_t less = offset - (255 << right);
  const int32_t s0 = plus_low(less, even_x, factor) >> right, s2 = plus_high(less, even_x, factor) >> right;
  uint32_t even = plus_evens(even_bytes(upper) << 8, lower);
  even = pair_difference(pair_difference(even, lows((uint32_t)s0, (uint32_t)s2)), most);
  const int32_t s1 = plus_low(less, odd_x, factor) >> right, s3 = plus_high(less, odd_x, factor) >> right;
  uint32_t odd = plus_odds(upper & 0xFF00FF00, lower);
  odd = pair_difference(pair_difference(odd, lows((uint32_t)s1, (uint32_t)s3)), most);
  store_four(r, even_bytes(even) | even_bytes(odd) << 8);
  store_four(w, odd_bytes(pair_sum(even, back)) | (pair_sum(odd, back) & 0xFF00FF00));
}

#endif

void move_run(int8_t *restrict w, int8_t *restrict r, const int8_t *x, int32_t n, int32_t factor, int32_t offset,
              int32_t right) {
  const int8_t *end = x + n;
#if MCUREF_DSP
  if (right >= 8) /* steps of 127 255 255 / 2^8, and 255 less, are of 16 bits */
    for (; end - x >= AT_ONCE; x += AT_ONCE, w += AT_ONCE, r += AT_ONCE) move_block(w, r, x, factor, offset, right);
#endif
  for (; x < end; w++, r++) {
    const int32_t by = (*x++ * factor + offset) >> right;
    if (by != 0) move_weight(w, r, by);
  }
}
