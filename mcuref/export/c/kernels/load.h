/* Bring a sample from outside (sensor, flash) into the input buffer: out[i] = (x[i] - mean[i % c]) * scale[i % c].
 * out[n] float32; mean[c], scale[c] float32, c divides n. */
#ifndef MCUREF_LOAD_H
#define MCUREF_LOAD_H

#include <stdint.h>

#include "names.h"

void load_u8(float *restrict out, const uint8_t *x, const float *mean, const float *scale, int32_t n, int32_t c);
void load_i8(float *restrict out, const int8_t *x, const float *mean, const float *scale, int32_t n, int32_t c);
void load_i16(float *restrict out, const int16_t *x, const float *mean, const float *scale, int32_t n, int32_t c);
void load_f32(float *restrict out, const float *x, const float *mean, const float *scale, int32_t n, int32_t c);

#endif
