/* Biases of a layer whose weights are frozen, int8: int32, in steps of the sums of products. */
#ifndef MCUREF_INT8_BIAS_H
#define MCUREF_INT8_BIAS_H

#include <stdint.h>

#include "../names.h"

/* b[o] -= sum of delta[e] over entries e with e mod outputs = o, scaled as dense_update_s8 does it, of delta[n]; rate[2 rates].
 * An output whose entries are all 0 is not touched. */
void bias_update_s8(int32_t *restrict b, const int8_t *delta, const uint8_t *rate, const int32_t *delta_exponent,
                    const int8_t *exponents, int32_t sample_rate, int32_t x_slot, int32_t bias_multiplier,
                    int32_t bias_shift, int32_t outputs, int32_t n, int32_t rates);

#endif
