#include "load.h"

#include "fixed.h"

static inline int8_t loaded(int32_t sample, int32_t multiplier, int32_t offset, int32_t shift) {
  const int32_t scaled = (int32_t)((uint32_t)sample * (uint32_t)multiplier + (uint32_t)offset);
#if defined(__ARM_FEATURE_SAT)
  int32_t value;
  __asm__("ssat %0, #8, %1" : "=r"(value) : "r"(scaled >> shift));
  return (int8_t)value;
#else
  return clamped(scaled >> shift, 0, -128, 127);
#endif
}

#define LOAD(name, type)                                                                                             \
  void name(int8_t *restrict x, const type *samples, const int32_t *multiplier, const int32_t *offset,               \
            const int8_t *shift, int32_t n, int32_t c) {                                                             \
    if (c == 1) {                                                                                                    \
      const int32_t m = multiplier[0], add = offset[0], bits = shift[0];                                             \
      for (int32_t i = 0; i < n; i++) x[i] = loaded(samples[i], m, add, bits);                                       \
      return;                                                                                                        \
    }                                                                                                                \
    for (int32_t first = 0; first < n; first += c)                                                                   \
      for (int32_t i = 0; i < c; i++)                                                                                \
        x[first + i] = loaded(samples[first + i], multiplier[i], offset[i], shift[i]);                               \
  }

LOAD(load_u8_s8, uint8_t)
LOAD(load_i8_s8, int8_t)
LOAD(load_i16_s8, int16_t)

void copy_s8(int8_t *restrict x, const int8_t *samples, int32_t n) {
  for (int32_t i = 0; i < n; i++) x[i] = samples[i];
}
