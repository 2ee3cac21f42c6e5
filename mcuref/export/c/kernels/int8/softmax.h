/* Softmax, int8, in fixed point; outputs stand for (y + 128) / 256.
 *
 * Fractions of 31 bits come from a table of exponentials. They are summed with 19 bits behind the point, in int32: nothing
 * overflows up to n = 4,095. The reciprocal of the sum is found in three steps of Newton's, 29 bits behind the point. */
#ifndef MCUREF_INT8_SOFTMAX_H
#define MCUREF_INT8_SOFTMAX_H

#include <stdint.h>

#include "../names.h"

/* y[n] = softmax of x[n]; table[256]: the exponential of each difference to the largest, 0 first; y may be x. */
void softmax_forward_s8(int8_t *y, const int8_t *x, const int32_t *table, int32_t n);

#endif
