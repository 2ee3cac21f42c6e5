/* int8 values as float32, where a layer that computes in float32 takes the output of one that computes in int8. */
#ifndef MCUREF_MIXED_DEQUANTISE_H
#define MCUREF_MIXED_DEQUANTISE_H

#include <stdint.h>

#include "../names.h"

/* y[n] = (x[n] - zero) scale: the difference is exact, the product is rounded once. */
void dequantise_s8_f32(float *restrict y, const int8_t *x, float scale, int32_t zero, int32_t n);

#endif
