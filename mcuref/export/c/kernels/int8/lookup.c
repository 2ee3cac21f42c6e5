#include "lookup.h"

void lookup_s8(int8_t *y, const int8_t *x, const int8_t *table, int32_t n) {
  const int8_t *middle = table + 128;
  for (int32_t i = 0; i < n; i++) y[i] = middle[x[i]];
}

void tanh_backward_s8(int32_t *restrict dx, const int8_t *dy, const int8_t *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = dy[i] * ((1 << 14) - y[i] * y[i]);
}

void sigmoid_backward_s8(int32_t *restrict dx, const int8_t *dy, const int8_t *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = dy[i] * ((y[i] + 128) * (128 - y[i]));
}
