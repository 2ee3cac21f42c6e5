#include "loss.h"

#include "fixed.h"
#include "narrow.h"

enum {
  FRACTION = 30, /* bits behind the point of a probability */
  ONE = 1 << FRACTION,
  ROOT = 46340 /* the largest magnitude whose square fits int32 */
};

/* The exponentials of a sample's outputs. */
typedef struct {
  const int32_t *table;
  int32_t t, grown, largest;
} exponentials;

static uint32_t exponential(const exponentials *of, int32_t z) {
  const int32_t difference = (of->largest - z) * (1 << of->grown);
  return difference < of->t ? (uint32_t)of->table[difference] : 0;
}

/* e / total with 30 bits behind the point, to the nearest, halves up; 0 <= e <= total, 0 < total <= 2^30. Bit by bit: twice
 * the rest of 31 bits, less the total where it reaches. */
static int32_t probability(uint32_t e, uint32_t total) {
  uint32_t rest = e, quotient = 0;
  if (e == 0) return 0;
  if (e == total) return ONE;
  for (int32_t bit = 0; bit < FRACTION; bit++) {
    rest <<= 1;
    quotient <<= 1;
    if (rest >= total) {
      rest -= total;
      quotient += 1;
    }
  }
  return (int32_t)(quotient + (rest + (total >> 1) >= total));
}

int32_t softmax_cross_entropy_s8(int8_t *delta, int32_t *exponent, const int8_t *z, const int32_t *table, int32_t label,
                                 int32_t grown, int32_t t, int32_t n) {
  exponentials of = {table, t, grown, z[0]};
  for (int32_t i = 1; i < n; i++) of.largest = larger(of.largest, z[i]);
  uint32_t total = 0, other = 0; /* other: the largest but the label's */
  for (int32_t i = 0; i < n; i++) {
    const uint32_t e = exponential(&of, z[i]);
    total += e;
    if (i != label && e > other) other = e;
  }
  const int32_t right = probability(exponential(&of, z[label]), total);
  const int32_t bits = bits_to_drop((uint32_t)larger(probability(other, total), ONE - right));
  for (int32_t i = 0; i < n; i++)
    delta[i] = narrowed(i == label ? right - ONE : probability(exponential(&of, z[i]), total), bits);
  *exponent = bits - FRACTION;
  return right;
}

/* A sum of squares and one more, at most 2^31 - 1. */
static uint32_t add_square(uint32_t total, uint32_t magnitude) {
  if (magnitude > ROOT || total + magnitude * magnitude > INT32_MAX) return INT32_MAX;
  return total + magnitude * magnitude;
}

int32_t mean_squared_error_s8(int8_t *delta, int32_t *exponent, const int8_t *z, const int32_t *target, int32_t n) {
  uint32_t joined = 0, total = 0;
  for (int32_t i = 0; i < n; i++) {
    const uint32_t magnitude = magnitude_s32(z[i] - target[i]);
    joined |= magnitude;
    total = add_square(total, magnitude);
  }
  *exponent = bits_to_drop(joined);
  for (int32_t i = 0; i < n; i++) delta[i] = narrowed(z[i] - target[i], *exponent);
  return (int32_t)total;
}

/* z - z_zero - what a target comes to, within +-2^32. */
static int64_t difference_of(int32_t z, int32_t target, int32_t multiplier, int32_t shift) {
  return (int64_t)z - scaled_twice(target, multiplier, shift);
}

int32_t reconstruction_s8(int8_t *delta, int32_t *exponent, const int8_t *z, const int8_t *target, int32_t target_zero,
                          int32_t z_zero, int32_t multiplier, int32_t shift, int32_t n) {
  uint32_t joined = 0, total = 0;
  for (int32_t i = 0; i < n; i++) {
    const int64_t difference = difference_of(z[i] - z_zero, target[i] - target_zero, multiplier, shift);
    const uint32_t magnitude = (uint32_t)(difference < 0 ? -difference : difference);
    joined |= magnitude;
    total = add_square(total, magnitude);
  }
  const int32_t bits = bits_to_drop(joined), half = bits > 1; /* half of it fits int32 */
  for (int32_t i = 0; i < n; i++) {
    const int64_t difference = difference_of(z[i] - z_zero, target[i] - target_zero, multiplier, shift);
    delta[i] = narrowed((int32_t)(half ? difference >> 1 : difference), bits - half);
  }
  *exponent = bits;
  return (int32_t)total;
}
