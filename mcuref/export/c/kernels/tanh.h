/* Hyperbolic tangent, float32; the derivative from the output. NaN passes through, so that it is seen. */
#ifndef MCUREF_TANH_H
#define MCUREF_TANH_H

#include <stdint.h>

#include "names.h"

/* tanh x within 1.5 units in the last place; odd to the bit, and exactly 1 from 9.011 on. */
float tanh_f32(float x);

/* out[n] = tanh x[n]; out may be x. */
void tanh_forward_f32(float *out, const float *x, int32_t n);

/* dx[n] = dy[n] (1 - y[n]^2), of the output y; dx may be dy. */
void tanh_backward_f32(float *dx, const float *dy, const float *y, int32_t n);

#endif
