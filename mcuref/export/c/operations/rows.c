#include "operations.h"

#include "../kernels/rows.h"

/* d0 rows, d1 elements of a row, d2 row stride, d3 stride */
mcuref_next mcuref_run_begin_rows_f32(const mcuref_row *row, mcuref_run *run) {
  float *a = mcuref_output(run, row->out[0]), *a_bias = mcuref_output(run, row->out[1]);
  const int32_t *count = mcuref_input(run, row->in[1]), *d = row->d;
  begin_rows_f32(a, a_bias, mcuref_output(run, row->out[2]), mcuref_input(run, row->in[0]), *count, row->f[0].f32, d[0],
                 d[1], d[2], d[3]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_apply_rows_f32(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]);
  const float *a = mcuref_input(run, row->in[0]);
  const int32_t *d = row->d;
  apply_rows_f32(w, b, mcuref_output(run, row->out[2]), a, mcuref_input(run, row->in[1]), run->rate.f32, d[0], d[1], d[2],
                 d[3]);
  return MCUREF_GO_ON;
}

/* out0 counter; d0 = batch; jumps unless a batch is full */
mcuref_next mcuref_run_count_batch_i32(const mcuref_row *row, mcuref_run *run) {
  int32_t *counter = mcuref_output(run, row->out[0]);
  *counter += 1;
  if (*counter < row->d[0]) return MCUREF_JUMP;
  *counter = 0;
  return MCUREF_GO_ON;
}
