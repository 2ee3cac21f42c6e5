/* Gradients summed before they are applied, int8: by rows of weights, as ../rows.h has them.
 *
 * Sums are int32, in steps of 2^-8 of those of a weight M (weights.h); they saturate.
 */
#ifndef MCUREF_INT8_SUMS_H
#define MCUREF_INT8_SUMS_H

#include <stdint.h>

#include "../names.h"

/* For each row with entries of delta[n] that are not 0, and that is not touched yet: touch it, a[row] *= momentum 2^-15,
 * a_bias[row] likewise, to the nearest, halves up. Entry e is of row e % rows. */
void begin_rows_s8(int32_t *restrict a, int32_t *restrict a_bias, uint8_t *restrict touched, const int8_t *delta,
                   int32_t momentum, int32_t rows, int32_t elements, int32_t row_stride, int32_t stride, int32_t n);

/* M[row] -= a[row] m 2^(-16 - s) and b[row] -= a_bias[row] m 2^(-16 - s) for touched rows, which become untouched.
 * sample_rate is s << 9 | m; beyond s = 46 nothing changes. */
void apply_rows_s8(int8_t *w, int32_t *b, uint8_t *restrict touched, int8_t *r, int8_t *r2, int32_t *draws,
                   const int32_t *a, const int32_t *a_bias, int32_t sample_rate, int32_t rows, int32_t elements,
                   int32_t row_stride, int32_t stride);

#endif
