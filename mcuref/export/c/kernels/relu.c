#include "numerics.h" /* first: no fused multiply-add */

#include "relu.h"

#define POSITIVE_INFINITY 0x7F800000u
#define NEGATIVE_INFINITY 0xFF800000u /* above both, without their signs, there are only NaN */

/* The bits of a value's rectification, by its bits: a comparison of floats is a transfer of flags where there is an FPU,
 * and a call where there is none. */
static int32_t rectified(int32_t value, int32_t limit) {
  const uint32_t bits = (uint32_t)value;
  if (bits <= (uint32_t)limit) return value;
  if (value < 0) return bits <= NEGATIVE_INFINITY ? 0 : value;
  return bits <= POSITIVE_INFINITY ? limit : value;
}

void relu_forward_f32(float *out, const float *x, float limit, int32_t n) {
  const mcuref_bits *from = (const mcuref_bits *)x;
  mcuref_bits *to = (mcuref_bits *)out;
  for (int32_t i = 0; i < n; i++) to[i].bits = rectified(from[i].bits, bits_of(limit));
}

/* Whether 0 < value < limit, or it is NaN, by its bits. */
static int32_t is_open(int32_t value, int32_t limit) {
  return (uint32_t)value - 1 < (uint32_t)limit - 1 || (value & MAGNITUDE) > (int32_t)POSITIVE_INFINITY;
}

void relu_backward_f32(float *dx, const float *dy, const float *y, float limit, int32_t n) {
  const mcuref_bits *error = (const mcuref_bits *)dy, *output = (const mcuref_bits *)y;
  mcuref_bits *to = (mcuref_bits *)dx;
  for (int32_t i = 0; i < n; i++) {
    const int32_t passed = error[i].bits;
    to[i].bits = is_open(output[i].bits, bits_of(limit)) ? passed : 0;
  }
}

void relu_mask_forward_f32(float *out, uint8_t *restrict mask, const float *x, float limit, int32_t n) {
  for (int32_t m = 0; m < (n + 7) >> 3; m++) mask[m] = 0;
  for (int32_t i = 0; i < n; i++) {
    const float v = x[i];
    if (v <= 0.0f) {
      out[i] = 0.0f;
    } else if (v >= limit) {
      out[i] = limit;
    } else {
      out[i] = v;
      mask[i >> 3] = (uint8_t)(mask[i >> 3] | 1 << (i & 7));
    }
  }
}

void relu_mask_backward_f32(float *dx, const float *dy, const uint8_t *mask, int32_t n) {
  for (int32_t i = 0; i < n; i++) dx[i] = mask[i >> 3] >> (i & 7) & 1 ? dy[i] : 0.0f;
}
