/* Biases of a layer whose weights are frozen, float32. Entry e of the error is of output e mod outputs. */
#ifndef MCUREF_BIAS_H
#define MCUREF_BIAS_H

#include <stdint.h>

#include "index.h"
#include "names.h"

/* b[e mod outputs] -= rate * delta[e] for e in kept[count], in order; b[outputs], others are not touched. */
void bias_update_f32(float *restrict b, const float *delta, const mcuref_index *kept, int32_t count, float rate,
                     int32_t outputs);

#endif
