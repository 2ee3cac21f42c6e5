/* Addition of two activations or errors, float32. */
#ifndef MCUREF_ADD_H
#define MCUREF_ADD_H

#include <stdint.h>

#include "names.h"

/* out[n] = a[n] + b[n]; out may be either. */
void add_f32(float *out, const float *a, const float *b, int32_t n);

#endif
