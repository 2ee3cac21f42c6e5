/* Exponents of values, int8, that follow what is seen: a value q of exponent e stands for scale 2^e (q - zero).
 *
 * Where there are no exponents, all are 0; what is in place 0 stays 0.
 */
#ifndef MCUREF_INT8_EXPONENTS_H
#define MCUREF_INT8_EXPONENTS_H

#include <stdint.h>

#include "../names.h"
#include "../numerics.h"

/* The exponent in that place; 0 where there are none. */
static inline int32_t exponent(const int8_t *exponents, int32_t slot) { return exponents ? exponents[slot] : 0; }

/* x / 2^bits to the nearest, halves up, of any x, 0 <= bits <= 32: nothing on the way has more bits than x. */
static inline int32_t rsh_s32(int32_t x, int32_t bits) {
  if (bits == 0) return x;
  const int32_t doubled = x >> (bits - 1);
  return (doubled >> 1) + (doubled & 1);
}

/* A bias for an input of exponent e >= -30: b / 2^e, halves up, within +-2^30; with e = 0 it is b as it is. */
static inline int32_t shifted_bias(int32_t b, int32_t e) {
  if (e == 0) return b;
  const int32_t limit = e > 0 ? 1 << 30 : (1 << 30) >> -e, value = e > 0 ? rsh_s32(b, smaller(e, 32)) : b;
  const int32_t within = smaller(larger(value, -limit), limit);
  return e > 0 ? within : (int32_t)((uint32_t)within << -e);
}

/* The shift of a multiplier whose product grows by 2^by: within -31..30, which is all that scaling takes. */
static inline int32_t moved_shift(int32_t shift, int32_t by) { return smaller(larger(shift + by, -31), 30); }

/* seen[3] of y[n]: how many are at an end of int8 that is not zero, how far they reach below zero, and how far above. */
void measure_s8(int32_t *restrict seen, const int8_t *y, int32_t zero, int32_t n);

/* state[4] = samples so far, and what was seen[3] of them: the sum of the first, the largest of the others.
 *
 * With the 64th the state begins anew, and the exponent in that place grows by 1 if more than `most` values were at an end,
 * else falls by 1 if they reached no farther than `below` and `above`; not if all of them stood for 0. It stays within
 * -15..15. */
void adapt_s8(int8_t *restrict exponents, int32_t *restrict state, const int32_t *seen, int32_t slot, int32_t most,
              int32_t below, int32_t above);

#endif
