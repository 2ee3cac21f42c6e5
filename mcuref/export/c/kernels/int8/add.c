#include "add.h"

#include "exponents.h"
#include "fixed.h"

/* One of two activations that are added: what is taken from it, and its factor in two halves, and the bits to drop then. */
typedef struct {
  int32_t zero, upper, lower, bits;
} term;

static inline term term_of(int32_t zero, int32_t multiplier, int32_t shift) {
  const term found = {zero, multiplier >> 16, multiplier & 0xFFFF, -shift};
  return found;
}

/* (q - zero) 2^20, scaled with two roundings. The first is (v m + 2^10) >> 11 of v = q - zero, |v| <= 255, and
 * v m = 2^16 v upper + v lower, where 2^16 is a multiple of 2^11: no product has more than 32 bits. */
static inline int32_t scaled_term(int32_t q, const term *from) {
  const int32_t v = q - from->zero;
  return divided(v * from->upper * 32 + ((v * from->lower + (1 << 10)) >> 11), from->bits);
}

void add_forward_s8(int8_t *y, const int8_t *a, const int8_t *b, const int8_t *exponents, int32_t a_zero,
                    int32_t a_multiplier, int32_t a_shift, int32_t b_zero, int32_t b_multiplier, int32_t b_shift,
                    int32_t y_zero, int32_t y_multiplier, int32_t y_shift, int32_t low, int32_t high, int32_t a_slot,
                    int32_t b_slot, int32_t y_slot, int32_t n) {
  const int32_t a_e = exponent(exponents, a_slot), b_e = exponent(exponents, b_slot), common = larger(a_e, b_e);
  const term left = term_of(a_zero, a_multiplier, moved_shift(a_shift, a_e - common));
  const term right = term_of(b_zero, b_multiplier, moved_shift(b_shift, b_e - common));
  const int32_t shift = moved_shift(y_shift, common - exponent(exponents, y_slot));
  for (int32_t i = 0; i < n; i++) {
    const int32_t sum = scaled_term(a[i], &left) + scaled_term(b[i], &right);
    y[i] = clamped(scaled_twice(sum, y_multiplier, shift), y_zero, low, high);
  }
}

static int32_t any_nonzero(const int8_t *x, int32_t n) {
  for (int32_t i = 0; i < n; i++)
    if (x[i] != 0) return 1;
  return 0;
}

void add_backward_s8(int32_t *restrict dx, int32_t *restrict dx_exponent, const int8_t *a, const int8_t *b,
                     const int32_t *a_exponent, const int32_t *b_exponent, int32_t a_multiplier, int32_t a_shift,
                     int32_t b_multiplier, int32_t b_shift, int32_t n) {
  int32_t a_e = a_exponent[0] + a_shift, b_e = b_exponent[0] + b_shift;
  const int32_t there = any_nonzero(a, n);
  if (there != any_nonzero(b, n)) a_e = b_e = there ? a_e : b_e;
  const int32_t common = larger(a_e, b_e);
  const int32_t a_bits = smaller(common - a_e, 30), b_bits = smaller(common - b_e, 30); /* nothing is left of 24 and more */
  const int32_t a_half = (1 << a_bits) >> 1, b_half = (1 << b_bits) >> 1;
  for (int32_t i = 0; i < n; i++)
    dx[i] = ((a[i] * a_multiplier + a_half) >> a_bits) + ((b[i] * b_multiplier + b_half) >> b_bits);
  dx_exponent[0] = common;
}
