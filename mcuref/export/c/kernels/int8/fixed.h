/* Sums scaled in integers: x m 2^(s - 31), a multiplier 0 <= m < 2^31 with its shift -31 <= s <= 30, rounded once or twice.
 *
 * Halves are rounded away from 0, but by the first of two roundings, which rounds them up. Only the product has 64 bits:
 * it is taken apart into words of 32, because a core without shifts of 64 bits would call a function for each.
 */
#ifndef MCUREF_INT8_FIXED_H
#define MCUREF_INT8_FIXED_H

#include <stdint.h>

#include "../numerics.h"

/* x / 2^bits, 0 <= bits <= 31, rounded to the nearest, halves away from 0; x > -2^31. */
static inline int32_t divided(int32_t x, int32_t bits) {
  if (bits == 0) return x;
  const int32_t doubled = (x + (x >> 31)) >> (bits - 1);
  return (doubled >> 1) + (doubled & 1);
}

/* a b / 2^31, b >= 0, rounded to the nearest, halves up. A core whose products have 32 bits, and those of 64 a function,
 * takes it by halves: what they are worth less than 2^16 cannot matter, since 2^30, which rounds, is a multiple of that. */
static inline int32_t high_product(int32_t a, int32_t b) {
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
  const uint32_t a_low = a & 0xFFFF, b_low = b & 0xFFFF;
  const int32_t a_high = a >> 16, b_high = b >> 16;
  const int32_t middle = a_high * (int32_t)b_low + (int32_t)(a_low * b_low >> 16), other = (int32_t)a_low * b_high;
  const int32_t half = (middle >> 1) + (other >> 1) + (middle & other & 1); /* of their sum, which may have 33 bits */
  return a_high * b_high * 2 + ((half + (1 << 13)) >> 14);
#else
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
#endif
}

/* x m 2^(s - 31) with one rounding; the end of int32 that it is beyond, as it may be with s > 0. */
static inline int32_t scaled_once(int32_t x, int32_t multiplier, int32_t shift) {
  const int64_t product = (int64_t)x * multiplier, below = product + (product >> 63); /* so that halves may be rounded up */
  if (shift < 0) {
    const int32_t doubled = (int32_t)(below >> 31) >> (-1 - shift);
    return (doubled >> 1) + (doubled & 1);
  }
  const int32_t bits = 31 - shift;
  const int64_t rounded = below + (1 << (bits - 1));
  const int32_t high = (int32_t)(rounded >> 32);
  const int32_t value = (int32_t)((uint32_t)rounded >> bits | (uint32_t)high << (32 - bits));
  return high >> bits == value >> 31 ? value : INT32_MAX ^ (high >> 31);
}

/* x m 2^(s - 31) with two roundings: x m 2^-31, then the division by 2^-s. With s > 0 what is multiplied is 2^s x, whose
 * upper bits are lost where int32 does not hold them. */
static inline int32_t scaled_twice(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t left = larger(shift, 0);
  return divided(high_product((int32_t)((uint32_t)x << left), multiplier), left - shift);
}

/* x + zero, or the end of low..high that it is beyond, which are int8 as zero is; any x. */
static inline int8_t clamped(int32_t x, int32_t zero, int32_t low, int32_t high) {
  return (int8_t)(smaller(larger(x, low - zero), high - zero) + zero);
}

#endif
