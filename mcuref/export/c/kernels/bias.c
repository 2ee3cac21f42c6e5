#include "numerics.h" /* first: no fused multiply-add */

#include "bias.h"

void bias_update_f32(float *restrict b, const float *delta, const mcuref_index *kept, int32_t count, float rate,
                     int32_t outputs) {
  for (int32_t base = 0; count > 0; count--) {
    const int32_t e = (int32_t)*kept++;
    while (e >= base + outputs) base += outputs;
    b[e - base] = b[e - base] - rate * delta[e];
  }
}
