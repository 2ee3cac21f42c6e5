/* Functions of one int8 value as a table of all their 256 values: tanh, the logistic function, others; their way back. */
#ifndef MCUREF_INT8_LOOKUP_H
#define MCUREF_INT8_LOOKUP_H

#include <stdint.h>

#include "../names.h"

/* y[n] = table[x[n] + 128]; table[256]; y may be x. */
void lookup_s8(int8_t *y, const int8_t *x, const int8_t *table, int32_t n);

/* dx[n] = dy[n] (1 - y[n]^2), with 14 bits behind the point; y stands for y / 128. At most 127 2^14 in magnitude. */
void tanh_backward_s8(int32_t *restrict dx, const int8_t *dy, const int8_t *y, int32_t n);

/* dx[n] = dy[n] y[n] (1 - y[n]), with 16 bits behind the point; y stands for (y + 128) / 256. At most 127 2^14. */
void sigmoid_backward_s8(int32_t *restrict dx, const int8_t *dy, const int8_t *y, int32_t n);

#endif
