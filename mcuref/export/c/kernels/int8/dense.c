#include "dense.h"

#include "exponents.h"
#include "fixed.h"
#include "rows.h"
#include "scaling.h"
#include "weights.h"

void dense_forward_s8(int8_t *restrict z, const int8_t *x, const int8_t *w, const int32_t *b, const int32_t *multiplier,
                      const int8_t *shift, const int8_t *exponents, int32_t x_zero, int32_t z_zero, int32_t low,
                      int32_t high, int32_t x_slot, int32_t z_slot, int32_t outputs, int32_t inputs, int32_t multipliers) {
  const int32_t ex = exponent(exponents, x_slot), more = ex - exponent(exponents, z_slot), each = multipliers > 1;
  int32_t sums[ROWS];
  row_inputs from;
  take_inputs(&from, x, x_zero);
  if (DOT_RUNS && outputs >= 2 * ROWS) find_runs(&from, inputs);
  for (int32_t o = 0; o < outputs;) {
    const int32_t end = o + dot_rows(sums, &from, w, outputs - o, inputs);
    for (const int32_t *sum = sums; o < end; o++, w += inputs) {
      const int32_t total = with_bias(*sum++, shifted_bias(b[o], ex));
      const int32_t output = scaled_once(total, multiplier[o * each], moved_shift(shift[o * each], more));
      z[o] = clamped(output, z_zero, low, high);
    }
  }
}

void dense_backward_input_s8(int32_t *restrict dx, const int8_t *delta, const int8_t *w, const uint8_t *share,
                             int32_t halvings, int32_t outputs, int32_t inputs, int32_t shares) {
  const int32_t each = shares > 1;
  const row_runs run = {1, inputs, 0, 0};
  weighted_rows from;
  from.count = 0;
  clear_sums(dx, inputs);
  for (int32_t j = 0; j < outputs; j++, w += inputs) {
    if (delta[j] != 0) collect_row(&from, w, rsh_s32(delta[j] * share[j * each], halvings));
    if (from.count == ROWS || j == outputs - 1) {
      add_rows(dx, &from, &run, 0);
      from.count = 0;
    }
  }
}

void dense_update_s8(int8_t *restrict w, int32_t *restrict b, int8_t *restrict r, int8_t *restrict r2,
                     int32_t *restrict draws, const int8_t *delta, const int8_t *x, const uint8_t *rate,
                     const int32_t *delta_exponent, const int8_t *exponents, int32_t sample_rate, int32_t x_zero,
                     int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, int32_t outputs, int32_t inputs,
                     int32_t rates) {
  const stored_weights weights = weights_stored(w, r, r2, draws);
  const int32_t ex = exponent(exponents, x_slot), each = rates > 1 ? 2 : 0;
  int32_t trained = 0;
  row_inputs from;
  take_inputs(&from, x, x_zero);
  for (int32_t j = 0; j < outputs; j++, rate += each) {
    if (delta[j] == 0) continue;
    const weight_step by = step_of(rate, sample_rate, delta_exponent[0], ex);
    if (by.shift > STEP_RIGHTMOST) continue;
    const weight_row row = {j * inputs, 1, j * inputs, inputs};
    const int32_t step = delta[j] * by.factor;
    update_row(&weights, &row, &from, step, by.shift);
    b[j] = moved_bias(b[j], (int64_t)step * bias_multiplier, by.shift + ex + bias_shift);
    trained = 1;
  }
  if (trained) count_draws(&weights);
}

void dense_gradient_s8(int32_t *restrict a, int32_t *restrict a_bias, const int8_t *delta, const int8_t *x,
                       const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents, int32_t x_zero,
                       int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, int32_t outputs, int32_t inputs,
                       int32_t rates) {
  const int32_t ex = exponent(exponents, x_slot), each = rates > 1 ? 2 : 0;
  for (int32_t j = 0; j < outputs; j++, rate += each) {
    if (delta[j] == 0) continue;
    const weight_step by = step_of(rate, STEP_WHOLE, delta_exponent[0], ex);
    if (by.shift > STEP_RIGHTMOST) continue;
    const int32_t step = delta[j] * by.factor, finer = by.shift - 8;
    add_row(a + j * inputs, 1, x, x_zero, inputs, step, finer);
    a_bias[j] = added(a_bias[j], (int64_t)step * bias_multiplier, finer + ex + bias_shift);
  }
}
