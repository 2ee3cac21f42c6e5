#include "bias.h"

#include "exponents.h"
#include "weights.h"

void bias_update_s8(int32_t *restrict b, const int8_t *delta, const uint8_t *rate, const int32_t *delta_exponent,
                    const int8_t *exponents, int32_t sample_rate, int32_t x_slot, int32_t bias_multiplier,
                    int32_t bias_shift, int32_t outputs, int32_t n, int32_t rates) {
  const int32_t ex = exponent(exponents, x_slot), each = rates > 1 ? 2 : 0;
  for (int32_t o = 0; o < outputs; o++, rate += each) {
    int32_t total = 0, any = 0;
    for (int32_t e = o; e < n; e += outputs) {
      total += delta[e];
      any |= delta[e];
    }
    if (any == 0) continue;
    const weight_step by = step_of(rate, sample_rate, delta_exponent[0], ex);
    if (by.shift > STEP_RIGHTMOST) continue;
    b[o] = moved_bias(b[o], (int64_t)total * by.factor * bias_multiplier, by.shift + ex + bias_shift);
  }
}
