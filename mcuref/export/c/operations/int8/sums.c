#include "../operations.h"

#include "../../kernels/int8/sums.h"

/* d0 rows, d1 elements of a row, d2 row stride, d3 stride, d4 n, d5 momentum */
mcuref_next mcuref_run_begin_rows_s8(const mcuref_row *row, mcuref_run *run) {
  int32_t *a = mcuref_output(run, row->out[0]), *a_bias = mcuref_output(run, row->out[1]);
  const int32_t *d = row->d;
  begin_rows_s8(a, a_bias, mcuref_output(run, row->out[2]), mcuref_input(run, row->in[0]), d[5], d[0], d[1], d[2], d[3],
                d[4]);
  return MCUREF_GO_ON;
}

/* Residuals and draws lie in reserved, d13 and f5. */
mcuref_next mcuref_run_apply_rows_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *w = mcuref_output(run, row->out[0]), *r = mcuref_output(run, row->reserved);
  int8_t *r2 = mcuref_output(run, row->d[13]);
  int32_t *b = mcuref_output(run, row->out[1]), *draws = mcuref_output(run, row->f[5].i32);
  const int32_t *a = mcuref_input(run, row->in[0]), *d = row->d;
  apply_rows_s8(w, b, mcuref_output(run, row->out[2]), r, r2, draws, a, mcuref_input(run, row->in[1]), run->rate.i32, d[0],
                d[1], d[2], d[3]);
  return MCUREF_GO_ON;
}

/* out0 counter; d0 = batch; jumps unless a batch is full */
mcuref_next mcuref_run_count_batch_s8(const mcuref_row *row, mcuref_run *run) {
  int32_t *counter = mcuref_output(run, row->out[0]);
  *counter += 1;
  if (*counter < row->d[0]) return MCUREF_JUMP;
  *counter = 0;
  return MCUREF_GO_ON;
}
