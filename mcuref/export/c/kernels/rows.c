#include "numerics.h" /* first: no fused multiply-add */

#include "rows.h"

static int32_t is_touched(const uint8_t *touched, int32_t r) { return touched[r >> 3] >> (r & 7) & 1; }

void begin_rows_f32(float *restrict a, float *restrict a_bias, uint8_t *restrict touched, const mcuref_index *kept,
                    int32_t count, float factor, int32_t rows, int32_t elements, int32_t row_stride, int32_t stride) {
  for (int32_t n = 0; n < count; n++) {
    const int32_t r = (int32_t)kept[n] % rows;
    float *row = a + r * row_stride;
    if (is_touched(touched, r)) continue;
    touched[r >> 3] = (uint8_t)(touched[r >> 3] | 1 << (r & 7));
    if (factor == 0.0f) {
      for (int32_t i = 0; i < elements; i++) row[i * stride] = 0.0f;
      a_bias[r] = 0.0f;
    } else {
      for (int32_t i = 0; i < elements; i++) row[i * stride] = factor * row[i * stride];
      a_bias[r] = factor * a_bias[r];
    }
  }
}

void apply_rows_f32(float *restrict w, float *restrict b, uint8_t *restrict touched, const float *a, const float *a_bias,
                    float rate, int32_t rows, int32_t elements, int32_t row_stride, int32_t stride) {
  for (int32_t r = 0; r < rows; r++) {
    if (!is_touched(touched, r)) continue;
    float *row = w + r * row_stride;
    const float *gradient = a + r * row_stride;
    for (int32_t i = 0; i < elements; i++) row[i * stride] = row[i * stride] - rate * gradient[i * stride];
    b[r] = b[r] - rate * a_bias[r];
  }
  for (int32_t m = 0; m < (rows + 7) >> 3; m++) touched[m] = 0;
}
