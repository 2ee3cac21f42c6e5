/* Weights by rows, for optimisers that gather a gradient before they apply it: a row is the weights of one output channel.
 *
 * Entry e of an error belongs to row e % rows. Row r of the weights has `elements` elements: r * row_stride + i * stride.
 * Rows that no kept entry names are not touched. touched has ceil(rows / 8) bytes, bit r % 8 of byte r / 8.
 */
#ifndef MCUREF_ROWS_H
#define MCUREF_ROWS_H

#include <stdint.h>

#include "index.h"
#include "names.h"

/* For each row with kept entries that is not touched yet: touch it, a[row] *= factor, a_bias[row] *= factor; with factor
 * 0 the old values are overwritten by +0, whatever they were. */
void begin_rows_f32(float *restrict a, float *restrict a_bias, uint8_t *restrict touched, const mcuref_index *kept,
                    int32_t count, float factor, int32_t rows, int32_t elements, int32_t row_stride, int32_t stride);

/* w[row] -= rate * a[row] and b[row] -= rate * a_bias[row] for touched rows, which become untouched. */
void apply_rows_f32(float *restrict w, float *restrict b, uint8_t *restrict touched, const float *a, const float *a_bias,
                    float rate, int32_t rows, int32_t elements, int32_t row_stride, int32_t stride);

#endif
