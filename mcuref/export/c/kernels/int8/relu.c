#include "relu.h"

#include "exponents.h"
#include "fixed.h"

void rescale_s8(int8_t *y, const int8_t *x, const int8_t *exponents, int32_t x_zero, int32_t y_zero, int32_t multiplier,
                int32_t shift, int32_t low, int32_t high, int32_t x_slot, int32_t y_slot, int32_t n) {
  const int32_t moved = moved_shift(shift, exponent(exponents, x_slot) - exponent(exponents, y_slot));
  for (int32_t i = 0; i < n; i++) y[i] = clamped(scaled_twice(x[i] - x_zero, multiplier, moved), y_zero, low, high);
}

void relu_masked_s8(int8_t *dx, const int8_t *dy, const int8_t *y, int32_t low, int32_t high, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = y[i] > low && y[i] < high ? dy[i] : 0;
}
