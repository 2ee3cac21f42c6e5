#include "sums.h"

#include "weights.h"

enum { FRACTION = 16 }; /* bits behind the point of a sum times m: 8 of the sum, 8 of m */

static int32_t is_touched(const uint8_t *touched, int32_t r) { return touched[r >> 3] >> (r & 7) & 1; }

/* x momentum 2^-15, to the nearest, halves up. */
static int32_t faded(int32_t x, int32_t momentum) { return (int32_t)(((int64_t)x * momentum + (1 << 14)) >> 15); }

void begin_rows_s8(int32_t *restrict a, int32_t *restrict a_bias, uint8_t *restrict touched, const int8_t *delta,
                   int32_t momentum, int32_t rows, int32_t elements, int32_t row_stride, int32_t stride, int32_t n) {
  for (int32_t e = 0, r = 0; e < n; e++, r = r + 1 < rows ? r + 1 : 0) {
    int32_t *row = a + r * row_stride;
    if (delta[e] == 0 || is_touched(touched, r)) continue;
    touched[r >> 3] = (uint8_t)(touched[r >> 3] | 1 << (r & 7));
    for (int32_t i = 0; i < elements; i++) row[i * stride] = momentum ? faded(row[i * stride], momentum) : 0;
    a_bias[r] = faded(a_bias[r], momentum);
  }
}

void apply_rows_s8(int8_t *w, int32_t *b, uint8_t *restrict touched, int8_t *r, int8_t *r2, int32_t *draws,
                   const int32_t *a, const int32_t *a_bias, int32_t sample_rate, int32_t rows, int32_t elements,
                   int32_t row_stride, int32_t stride) {
  const stored_weights weights = weights_stored(w, r, r2, draws);
  const int32_t shift = FRACTION + (sample_rate >> 9), m = sample_rate & 511;
  int32_t count = 0;
  for (int32_t i = 0; i < rows; i++) {
    if (shift > STEP_RIGHTMOST || !is_touched(touched, i)) continue;
    const weight_row row = {i * row_stride, stride, i * elements, elements};
    update_row_by_sums(&weights, &row, a + i * row_stride, stride, m, shift);
    b[i] = moved_bias(b[i], (int64_t)a_bias[i] * m, shift);
    count += 1;
  }
  for (int32_t i = 0; i < (rows + 7) >> 3; i++) touched[i] = 0;
  if (count > 0) count_draws(&weights);
}
