/* Sums of convolutions, of some channels, as outputs: scaled with two roundings. What is the same at all positions, biases
 * for the exponent of the input and shifts, is found out once. */
#ifndef MCUREF_INT8_SCALING_H
#define MCUREF_INT8_SCALING_H

#include <stdint.h>

#include "dsp.h"
#include "exponents.h"
#include "fixed.h"

enum { SCALED = 32 }; /* channels at once, at most */

typedef struct {
  const int32_t *multiplier;
  int32_t zero, low, high; /* of outputs, and what they are clamped to */
  int32_t bias[SCALED];
  int8_t shift[SCALED];
} channel_scaling;

/* Of `count` channels; ex and more are the exponent of the input, and what shifts grow by. */
static inline void find_scaling(channel_scaling *by, const int32_t *b, const int32_t *multiplier, const int8_t *shift,
                                int32_t count, int32_t ex, int32_t more) {
  by->multiplier = multiplier;
  for (int32_t i = 0; i < count; i++) {
    by->bias[i] = shifted_bias(b[i], ex);
    by->shift[i] = (int8_t)moved_shift(shift[i], more);
  }
}

/* A sum and its bias: upper bits are lost. */
static inline int32_t with_bias(int32_t sum, int32_t bias) { return (int32_t)((uint32_t)sum + (uint32_t)bias); }

/* z[count] from sums[count]. */
static inline void scale_sums(int8_t *restrict z, const int32_t *sums, int32_t count, const channel_scaling *by) {
#if MCUREF_MVE
  for (int32_t i = 0; i < count; i += 4) { /* four at once, each as fixed.h has it */
    const mve_pred16_t lanes = vctp32q((uint32_t)(count - i));
    const int32x4_t none = vdupq_n_s32(0), bias = vldrwq_z_s32(by->bias + i, lanes);
    const int32x4_t shift = vldrbq_z_s32(by->shift + i, lanes), right = vminq_s32(shift, none);
    int32x4_t value = vshlq_s32(vaddq_s32(vldrwq_z_s32(sums + i, lanes), bias), vmaxq_s32(shift, none));
    value = vqrdmulhq_s32(value, vldrwq_z_s32(by->multiplier + i, lanes));
    value = vrshlq_s32(vaddq_s32(value, vshrq_n_s32(vandq_s32(value, right), 31)), right); /* halves away from 0 */
    value = vmaxq_s32(vqaddq_n_s32(value, by->zero), vdupq_n_s32(by->low));
    vstrbq_p_s32(z + i, vminq_s32(value, vdupq_n_s32(by->high)), lanes);
  }
#else
  for (int32_t i = 0; i < count; i++) {
    const int32_t value = scaled_twice(with_bias(sums[i], by->bias[i]), by->multiplier[i], by->shift[i]);
    z[i] = clamped(value, by->zero, by->low, by->high);
  }
#endif
}

#endif
