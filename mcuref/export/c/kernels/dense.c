#include "numerics.h" /* first: no fused multiply-add */

#include "dense.h"

#include "lanes.h"
#include "runs.h"

void dense_forward_f32(float *restrict out, const float *x, const float *w, const float *b, int32_t outputs,
                       int32_t inputs) {
  dots(out, x, w, b, outputs, inputs);
}

void dense_backward_input_f32(float *restrict dx, const float *delta, const float *w, const mcuref_index *kept,
                              int32_t count, int32_t inputs) {
  int32_t c = 0;
  clear_run(dx, inputs);
  for (; c + 4 <= count; c += 4) { /* four rows a pass: same order, same bits, fewer instructions */
    const float *rows[4];
    float errors[4];
    for (int32_t r = 0; r < 4; r++) {
      const int32_t j = (int32_t)kept[c + r];
      rows[r] = w + j * inputs;
      errors[r] = delta[j];
    }
    add_scaled_4(dx, rows, inputs, errors);
  }
  for (; c < count; c++) add_scaled(dx, w + (int32_t)kept[c] * inputs, inputs, delta[kept[c]]);
}

void dense_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x, const mcuref_index *kept,
                      int32_t count, float rate, int32_t dense_bias, int32_t outputs, int32_t inputs) {
  for (int32_t c = 0; c < count; c++) {
    const int32_t j = (int32_t)kept[c];
    const float step = rate * delta[j];
    add_scaled(w + j * inputs, x, inputs, -step); /* w + (-step) x has the bits of w - step x */
    if (!dense_bias) b[j] = b[j] - step;
  }
  if (dense_bias)
    for (int32_t j = 0; j < outputs; j++) b[j] = b[j] - rate * delta[j];
}
