#include "selection.h"

#include "../draws.h"
#include "narrow.h"

enum {
  MANTISSA = 24, /* bits */
  OFFSET = 64,   /* of a packed exponent */
  LAST = 127,    /* of packed exponents */
  Q15 = 15,
  MAGNITUDES = 128
};

/* x / 2^15, to the nearest, halves up. */
static int64_t rounded_q15(int64_t x) { return (x + (1 << (Q15 - 1))) >> Q15; }

/* value 2^e, packed: the first 24 bits, the rest cut off; e + 64 is clamped to 0..127. */
static int32_t packed(uint64_t value, int32_t e) {
  int32_t place = e + OFFSET;
  if (value == 0) return 0;
  for (; value >> MANTISSA; value >>= 1) place += 1; /* by single bits: no shift of 64 by a variable */
  uint32_t mantissa = (uint32_t)value;
  for (; mantissa >> (MANTISSA - 1) == 0; mantissa <<= 1) place -= 1;
  return smaller(larger(place, 0), LAST) << MANTISSA | (int32_t)mantissa;
}

static uint32_t mantissa_of(int32_t y) { return (uint32_t)y & ((1u << MANTISSA) - 1u); }

static int32_t exponent_of(int32_t y) { return (y >> MANTISSA) - OFFSET; }

int32_t sum_of_magnitudes(const int8_t *delta, int32_t exponent, int32_t n) {
  uint32_t total = 0;
  for (int32_t i = 0; i < n; i++) total += magnitude_s32(delta[i]);
  return packed(total, exponent);
}

int32_t raise_maximum_s8(int32_t *y_max, int32_t y, int32_t decay) {
  const uint64_t product = (uint64_t)mantissa_of(*y_max) * (uint32_t)decay;
  *y_max = larger(packed(product, exponent_of(*y_max) - Q15), y);
  return *y_max;
}

/* Long division: of the quotient of both mantissas, below 2, come the bits down to 2^-16 of the ratio. */
int32_t ratio_q15(int32_t y, int32_t y_max) {
  const uint32_t divisor = mantissa_of(y_max);
  uint32_t rest = mantissa_of(y), quotient = 0;
  for (int32_t left = Q15 + 2 - (exponent_of(y_max) - exponent_of(y)); left > 0; left--) {
    quotient <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      quotient += 1;
    }
    rest <<= 1;
  }
  return (int32_t)((quotient + 1) >> 1);
}

int64_t back_propagation_ratio_s8(int32_t alpha, int32_t s_min, int32_t s_range, int32_t damping) {
  return rounded_q15((s_min + rounded_q15((int64_t)alpha * s_range)) * damping);
}

int32_t kept_entries_s8(int64_t ratio, int32_t n, int32_t truncate) {
  const int64_t product = ratio * n, k = truncate ? product >> Q15 : rounded_q15(product);
  return k >= n ? n : k < 1 ? 1 : (int32_t)k;
}

int64_t decision_s8(int32_t alpha, int32_t d_min, int32_t d_range, int32_t beta, int32_t beta_range) {
  const int64_t share = d_min + rounded_q15((int64_t)alpha * d_range);
  return rounded_q15(share * (beta + rounded_q15((int64_t)alpha * beta_range)));
}

int32_t count_nonzero(const int8_t *delta, int32_t n) {
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) count += delta[i] != 0;
  return count;
}

/* What is 0 is not counted. */
#define TAKE(entry)                                          \
  do {                                                       \
    const int32_t value = (entry), sign = value >> 31;       \
    if (value == 0) break;                                   \
    const int32_t magnitude = (value ^ sign) - sign;         \
    total += (uint32_t)magnitude;                            \
    tally[magnitude] = (mcuref_index)(tally[magnitude] + 1); \
  } while (0)

int32_t sum_and_tally_s8(mcuref_index *restrict tally, const int8_t *delta, int32_t exponent, int32_t n) {
  const int8_t *x = delta, *end = delta + n, *fours = delta + (n & ~3);
  uint32_t total = 0;
  for (int32_t m = 0; m < MAGNITUDES; m++) tally[m] = 0;
  for (; x < fours; x += 4) {
    TAKE(x[0]);
    TAKE(x[1]);
    TAKE(x[2]);
    TAKE(x[3]);
  }
  for (; x < end; x++) TAKE(*x);
  mcuref_index *last = tally + magnitude_s32(end[-1]);
  if (*last == 0) *last = (mcuref_index)(*last - 1); /* it is that of all 65,536, or of what is 0 */
  return packed(total, exponent);
}

/* What is within +-below becomes 0; with the last of the ties that stay, those behind it are within. */
#define KEEP(entry)                                                            \
  do {                                                                         \
    if ((uint32_t)(delta[entry] + below) <= 2 * (uint32_t)below)               \
      delta[entry] = 0;                                                        \
    else if ((int32_t)magnitude_s32(delta[entry]) == magnitude && --ties == 0) \
      below = magnitude;                                                       \
  } while (0)

int32_t top_k_s8(int8_t *restrict delta, mcuref_index *restrict tally, int32_t n, int32_t k) {
  int32_t magnitude = MAGNITUDES, left = k, i = 0;
  if (k >= n) return count_nonzero(delta, n);
  tally[0] = (mcuref_index)k; /* ends the search */
  do {
    magnitude -= 1;
    left -= (int32_t)tally[magnitude];
  } while (left > 0);
  int32_t ties = left + (int32_t)tally[magnitude], below = magnitude - 1;
  if (magnitude == 0) return k - ties; /* fewer than k are not 0: all of them stay */
  for (; i + 4 <= n; i += 4) {
    KEEP(i);
    KEEP(i + 1);
    KEEP(i + 2);
    KEEP(i + 3);
  }
  for (; i < n; i++) KEEP(i);
  return k;
}

int32_t random_k_s8(int8_t *restrict delta, int32_t *draws, int32_t n, int32_t k, uint32_t key) {
  const uint32_t stream = stream_of_selection(draws);
  uint32_t words[2] = {0, 0};
  int32_t count = 0, i = 0;
  for (; k > 0; i++) {
    if ((i & 1) == 0) random_bits(words, key, stream, (uint32_t)i >> 1);
    if (is_drawn(words, i, k, n)) {
      k -= 1;
      count += delta[i] != 0;
    } else {
      delta[i] = 0;
    }
  }
  for (; i < n; i++) delta[i] = 0;
  return count;
}
