#include "numerics.h" /* first: no fused multiply-add */

#include "add.h"

void add_f32(float *out, const float *a, const float *b, int32_t n) {
  for (int32_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}
