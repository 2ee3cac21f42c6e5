/* Losses, float32: each writes the error delta = dLoss/dz and returns the loss of the sample. */
#ifndef MCUREF_LOSS_H
#define MCUREF_LOSS_H

#include <stdint.h>

#include "names.h"

/* delta[n] = softmax(z[n]) - onehot(label); returns -log softmax(z)[label]; delta may be z.
 * e_i = exp(z_i - max z); the sum of e_i is taken in the order of i; p_i = e_i / sum. */
float softmax_cross_entropy_f32(float *delta, const float *z, int32_t label, int32_t n);

/* delta[n] = (2 / n) (z - target); returns sum of (z_i - target_i)^2 / n, summed in order of i; delta may be z. */
float mean_squared_error_f32(float *delta, const float *z, const float *target, int32_t n);

#endif
