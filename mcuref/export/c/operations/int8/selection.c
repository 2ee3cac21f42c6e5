#include "../operations.h"

#include "../../kernels/governor.h"
#include "../../kernels/int8/selection.h"

/* in1 exponent of the error, out0 Y_max; f0 D_min, f1 D_max - D_min, f2 beta, f3 slope of beta over Y / Y_max, f5 decay of
 * Y_max */
static mcuref_next decide(const mcuref_row *row, mcuref_run *run, int32_t threshold) {
  const mcuref_number *f = row->f;
  const int32_t *exponent = mcuref_input(run, row->in[1]);
  const int32_t y = sum_of_magnitudes(mcuref_input(run, row->in[0]), *exponent, row->d[0]);
  const int32_t y_max = raise_maximum_s8(mcuref_output(run, row->out[0]), y, f[5].i32);
  if (y > 0 && decision_s8(ratio_q15(y, y_max), f[0].i32, f[1].i32, f[2].i32, f[3].i32) > threshold) return MCUREF_GO_ON;
  run->status = MCUREF_SKIPPED;
  return MCUREF_JUMP;
}

/* f4 threshold */
mcuref_next mcuref_run_decide_s8(const mcuref_row *row, mcuref_run *run) { return decide(row, run, row->f[4].i32); }

/* in2 balance; d1 the logarithm of a full one, f4 threshold */
mcuref_next mcuref_run_decide_governed_s8(const mcuref_row *row, mcuref_run *run) {
  const int32_t share = threshold_share(mcuref_input(run, row->in[2]), row->d[1]);
  return decide(row, run, (int32_t)((int64_t)row->f[4].i32 * share >> SHARE_BITS));
}

mcuref_next mcuref_run_select_full_s8(const mcuref_row *row, mcuref_run *run) {
  int32_t *count = mcuref_output(run, row->out[0]);
  *count = count_nonzero(mcuref_input(run, row->in[0]), row->d[0]);
  return MCUREF_GO_ON;
}

/* out2 tally; d1 k */
mcuref_next mcuref_run_select_top_k_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *delta = mcuref_output(run, row->out[0]);
  int32_t *count = mcuref_output(run, row->out[1]);
  mcuref_index *tally = mcuref_output(run, row->out[2]);
  const int32_t n = row->d[0], k = row->d[1];
  if (k < n) sum_and_tally_s8(tally, delta, 0, n); /* the sum is not needed */
  *count = top_k_s8(delta, tally, n, k);
  return MCUREF_GO_ON;
}

/* out2 Y_max, reserved tally; d1 = 1 to truncate S n; f0 S_min, f1 S_max - S_min, f2 zeta^l, f3 decay of Y_max */
mcuref_next mcuref_run_select_adaptive_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *delta = mcuref_output(run, row->out[0]);
  int32_t *count = mcuref_output(run, row->out[1]);
  const int32_t *exponent = mcuref_input(run, row->in[0]), n = row->d[0];
  const mcuref_number *f = row->f;
  mcuref_index *tally = mcuref_output(run, row->reserved);
  const int32_t y = sum_and_tally_s8(tally, delta, *exponent, n);
  const int32_t y_max = raise_maximum_s8(mcuref_output(run, row->out[2]), y, f[3].i32);
  *count = 0;
  if (y > 0) {
    const int64_t ratio = back_propagation_ratio_s8(ratio_q15(y, y_max), f[0].i32, f[1].i32, f[2].i32);
    *count = top_k_s8(delta, tally, n, kept_entries_s8(ratio, n, row->d[1]));
  }
  return MCUREF_GO_ON;
}

/* out2 number of the selection; d1 k; f0 key */
mcuref_next mcuref_run_select_random_k_s8(const mcuref_row *row, mcuref_run *run) {
  int32_t *count = mcuref_output(run, row->out[1]), *draws = mcuref_output(run, row->out[2]);
  *count = random_k_s8(mcuref_output(run, row->out[0]), draws, row->d[0], row->d[1], (uint32_t)row->f[0].i32);
  return MCUREF_GO_ON;
}
