#include "../kernels/selection.h"

#include "../kernels/governor.h"
#include "../kernels/lanes.h"
#include "operations.h"

/* The sample stops here: an error is not finite. */
static mcuref_next not_finite(mcuref_run *run) {
  run->status = MCUREF_NOT_FINITE;
  return MCUREF_END;
}

/* out0 Y_max; f0 D_min, f1 D_max - D_min, f2 beta, f3 slope of beta over Y / Y_max, f5 decay of Y_max */
static mcuref_next decide(const mcuref_row *row, mcuref_run *run, float threshold) {
  const mcuref_number *f = row->f;
  const float y = abs_sum(mcuref_input(run, row->in[0]), row->d[0]);
  if (!is_finite(y)) return not_finite(run);
  const float y_max = raise_maximum(mcuref_output(run, row->out[0]), y, f[5].f32);
  if (y != 0.0f && decision(y, y_max, f[0].f32, f[1].f32, f[2].f32 + f[3].f32 * (y / y_max)) > threshold) return MCUREF_GO_ON;
  run->status = MCUREF_SKIPPED;
  return MCUREF_JUMP;
}

/* f4 threshold */
mcuref_next mcuref_run_decide_f32(const mcuref_row *row, mcuref_run *run) { return decide(row, run, row->f[4].f32); }

/* in1 balance; d1 the logarithm of a full one, f4 threshold */
mcuref_next mcuref_run_decide_governed_f32(const mcuref_row *row, mcuref_run *run) {
  const float share = (float)threshold_share(mcuref_input(run, row->in[1]), row->d[1]) * (1.0f / (1 << SHARE_BITS));
  return decide(row, run, row->f[4].f32 * share);
}

mcuref_next mcuref_run_select_full_f32(const mcuref_row *row, mcuref_run *run) {
  const float *delta = mcuref_input(run, row->in[0]);
  int32_t *count = mcuref_output(run, row->out[1]);
  if (!is_finite(abs_sum(delta, row->d[0]))) return not_finite(run);
  *count = keep_nonzero(mcuref_output(run, row->out[0]), delta, row->d[0]);
  return MCUREF_GO_ON;
}

/* out2 tally; d1 k */
mcuref_next mcuref_run_select_top_k_f32(const mcuref_row *row, mcuref_run *run) {
  const float *delta = mcuref_input(run, row->in[0]);
  const int32_t n = row->d[0], low = likely_from(delta, n);
  int32_t *count = mcuref_output(run, row->out[1]), *tally = mcuref_output(run, row->out[2]);
  if (!is_finite(sum_and_tally(tally, delta, n, low, FIRST_SHIFT))) return not_finite(run);
  *count = top_k(mcuref_output(run, row->out[0]), tally, delta, n, row->d[1], low);
  return MCUREF_GO_ON;
}

/* out2 Y_max, reserved tally; d1 = 1 to truncate S n; f0 S_min, f1 S_max - S_min, f2 zeta^l, f3 decay of Y_max */
mcuref_next mcuref_run_select_adaptive_f32(const mcuref_row *row, mcuref_run *run) {
  const float *delta = mcuref_input(run, row->in[0]);
  const int32_t n = row->d[0], low = likely_from(delta, n);
  const mcuref_number *f = row->f;
  int32_t *count = mcuref_output(run, row->out[1]), *tally = mcuref_output(run, row->reserved);
  const float y = sum_and_tally(tally, delta, n, low, FIRST_SHIFT);
  if (!is_finite(y)) return not_finite(run);
  const float y_max = raise_maximum(mcuref_output(run, row->out[2]), y, f[3].f32);
  *count = 0;
  if (y > 0.0f) {
    const int32_t k = kept_entries(back_propagation_ratio(y, y_max, f[0].f32, f[1].f32, f[2].f32), n, row->d[1]);
    *count = top_k(mcuref_output(run, row->out[0]), tally, delta, n, k, low);
  }
  return MCUREF_GO_ON;
}

/* out2 number of the selection; d1 k; f0 key */
mcuref_next mcuref_run_select_random_k_f32(const mcuref_row *row, mcuref_run *run) {
  const float *delta = mcuref_input(run, row->in[0]);
  int32_t *count = mcuref_output(run, row->out[1]), *draws = mcuref_output(run, row->out[2]);
  if (!is_finite(abs_sum(delta, row->d[0]))) return not_finite(run);
  *count = random_k(mcuref_output(run, row->out[0]), draws, delta, row->d[0], row->d[1], (uint32_t)row->f[0].i32);
  return MCUREF_GO_ON;
}
