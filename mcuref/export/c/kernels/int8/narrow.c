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

void narrow_s8(int8_t *restrict y, int32_t *y_exponent, const int32_t *x, const int32_t *exponent, int32_t n) {
  uint32_t joined = 0;
  for (int32_t i = 0; i < n; i++) joined |= magnitude_s32(x[i]);
  const int32_t bits = bits_to_drop(joined);
  for (int32_t i = 0; i < n; i++) y[i] = narrowed(x[i], bits);
  *y_exponent = *exponent + bits - FRACTION;
}

void relu_backward_s8(int8_t *dx, int32_t *dx_exponent, const int32_t *dy, const int8_t *y, const int32_t *exponent,
                      int32_t low, int32_t high, int32_t n) {
  uint32_t joined = 0;
  for (int32_t i = 0; i < n; i++)
    if (y[i] > low && y[i] < high) joined |= magnitude_s32(dy[i]);
  const int32_t bits = bits_to_drop(joined);
  for (int32_t i = 0; i < n; i++) dx[i] = y[i] > low && y[i] < high ? narrowed(dy[i], bits) : 0;
  *dx_exponent = *exponent + bits - FRACTION;
}
