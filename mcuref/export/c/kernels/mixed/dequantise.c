#include "../numerics.h" /* first: no fused multiply-add */

#include "dequantise.h"

void dequantise_s8_f32(float *restrict y, const int8_t *x, float scale, int32_t zero, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}
