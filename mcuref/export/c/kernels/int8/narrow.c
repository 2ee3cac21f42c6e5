#include "narrow.h"

enum {
  BITS = 7,     /* of a magnitude */
  FRACTION = 14 /* bits behind the point of what is narrowed */
};

int32_t bits_to_drop(uint32_t largest) {
  int32_t bits = 0;
  for (largest >>= BITS; largest; largest >>= 1) bits += 1;
  return bits;
}

/* y = x / 2^(shift + last), to the nearest, halves up; what comes to -128 or 128 is clamped. last is 0 where nothing is
 * shifted, else 1. */
static inline void store_narrowed(int8_t *y, int32_t x, int32_t shift, int32_t last) {
  const int32_t value = ((x >> shift) + last) >> last;
  if ((uint32_t)(value + 127) <= 254)
    *y = (int8_t)value;
  else
    *y = value < 0 ? -127 : 127;
}

void narrow_s8(int8_t *restrict y, int32_t *y_exponent, const int32_t *x, const int32_t *exponent, int32_t n) {
  uint32_t joined = 0;
  for (int32_t i = 0; i < n; i++) joined |= magnitude_s32(x[i]);
  const int32_t bits = bits_to_drop(joined), last = bits > 0;
  for (int32_t i = 0; i < n; i++) store_narrowed(&y[i], x[i], bits - last, last);
  *y_exponent = *exponent + bits - FRACTION;
}

void relu_backward_s8(int8_t *dx, int32_t *dx_exponent, const int32_t *dy, const int8_t *y, const int32_t *exponent,
                      int32_t low, int32_t high, int32_t n) {
  const int32_t first = low + 1;
  const uint32_t passing = (uint32_t)larger(high - first, 0); /* values from the first on: one comparison */
  uint32_t joined = 0;
  for (int32_t i = 0; i < n; i++)
    if ((uint32_t)(y[i] - first) < passing) joined |= magnitude_s32(dy[i]);
  const int32_t bits = bits_to_drop(joined), last = bits > 0, shift = bits - last;
  for (int32_t i = 0; i < n; i++)
    if ((uint32_t)(y[i] - first) < passing)
      store_narrowed(&dx[i], dy[i], shift, last);
    else
      dx[i] = 0;
  *dx_exponent = *exponent + bits - FRACTION;
}
