#include "numerics.h" /* first: no fused multiply-add */

#include "load.h"

#define LOAD(name, type)                                                                                             \
  void name(float *restrict out, const type *x, const float *mean, const float *scale, int32_t n, int32_t c) {       \
    if (c == 1) {                                                                                                    \
      const float offset = mean[0], factor = scale[0];                                                               \
      for (int32_t i = 0; i < n; i++) out[i] = ((float)x[i] - offset) * factor;                                      \
      return;                                                                                                        \
    }                                                                                                                \
    for (int32_t first = 0; first < n; first += c)                                                                   \
      for (int32_t i = 0; i < c; i++) out[first + i] = ((float)x[first + i] - mean[i]) * scale[i];                   \
  }

LOAD(load_u8, uint8_t)
LOAD(load_i8, int8_t)
LOAD(load_i16, int16_t)
LOAD(load_f32, float)
