#include "softmax.h"

#include "fixed.h"

enum { SUM_BITS = 12 }; /* in front of a sum's point; 19 are behind it */
static const int32_t START = 1515870810, SLOPE = -1010580540; /* 48/17 and -32/17, 29 bits behind: the line next to 1 / d */

/* 1 / (1 + x 2^-31), 31 bits behind the point, of a fraction x of 31 bits. */
static int32_t reciprocal(uint32_t x) {
  const int32_t half = (int32_t)((x + (1u << 31)) >> 1); /* of the denominator */
  int32_t y = START + high_product(SLOPE, half);
  for (int32_t step = 0; step < 3; step++) y += high_product((1 << 29) - high_product(half, y), y) * 4;
  return y >= 1 << 30 ? INT32_MAX : y * 2;
}

void softmax_forward_s8(int8_t *y, const int8_t *x, const int32_t *table, int32_t n) {
  int32_t largest = x[0];
  for (int32_t i = 1; i < n; i++) largest = larger(largest, x[i]);
  uint32_t total = 0;
  for (int32_t i = 0; i < n; i++) total += (uint32_t)divided(table[largest - x[i]], SUM_BITS);
  int32_t zeros = 0; /* in front of the first bit of the sum */
  while (zeros < SUM_BITS && total << zeros < 1u << 31) zeros++;
  const int32_t factor = reciprocal((total << zeros) - (1u << 31)), bits = SUM_BITS - zeros + 23;
  for (int32_t i = 0; i < n; i++) {
    const int32_t share = high_product(factor, table[largest - x[i]]); /* below 2^31: with 32 bits less nothing is left */
    y[i] = clamped(bits < 32 ? divided(share, bits) : 0, -128, -128, 127);
  }
}
