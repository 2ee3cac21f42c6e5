/* Logistic function, float32; the derivative from the output. NaN passes through, so that it is seen. */
#ifndef MCUREF_SIGMOID_H
#define MCUREF_SIGMOID_H

#include <stdint.h>

#include "names.h"

/* 1 / (1 + e^-x) within 2.5 units in the last place; 0 below -87.33654, exactly 1 from 16.64 on. */
float sigmoid_f32(float x);

/* out[n] = 1 / (1 + e^-x[n]); out may be x. */
void sigmoid_forward_f32(float *out, const float *x, int32_t n);

/* dx[n] = dy[n] (y[n] (1 - y[n])), of the output y; dx may be dy. */
void sigmoid_backward_f32(float *dx, const float *dy, const float *y, int32_t n);

#endif
