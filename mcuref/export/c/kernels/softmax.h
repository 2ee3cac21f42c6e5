/* Softmax, float32: of a network's outputs, and of a loss. NaN passes through, so that it is seen. */
#ifndef MCUREF_SOFTMAX_H
#define MCUREF_SOFTMAX_H

#include <stdint.h>

#include "names.h"

/* The largest of x[n], taken in the order of i; the first if nothing is larger than it, NaN say. */
float largest_f32(const float *x, int32_t n);

/* out[n] = e_i / sum of e, where e_i = exp(x_i - largest), summed in the order of i; returns the sum; out may be x. */
float softmax_f32(float *out, const float *x, float largest, int32_t n);

/* out[n] = softmax(x[n]); out may be x. */
void softmax_forward_f32(float *out, const float *x, int32_t n);

#endif
