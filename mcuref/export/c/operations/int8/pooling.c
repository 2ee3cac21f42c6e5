/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/int8/pooling.h"

mcuref_next mcuref_run_max_pool_forward_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *y = mcuref_output(run, row->out[0]);
  uint8_t *taps = mcuref_output(run, row->out[1]);
  max_pool_forward_s8(y, taps, mcuref_input(run, row->in[0]), row->f[0].i32, row->f[1].i32, row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_average_pool_forward_s8(const mcuref_row *row, mcuref_run *run) {
  average_pool_forward_s8(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->f[0].i32, row->f[1].i32,
                          row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_mean_forward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *x = mcuref_input(run, row->in[0]), *exponents = mcuref_input(run, row->in[1]);
  mean_forward_s8(mcuref_output(run, row->out[0]), x, exponents, mcuref_input(run, row->in[2]), row->f[0].i32, row->f[1].i32,
                  row->f[2].i32, row->f[3].i32, row->f[4].i32, row->f[5].i32, row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_max_pool_backward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *dy = mcuref_input(run, row->in[0]);
  max_pool_backward_s8(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_average_pool_backward_s8(const mcuref_row *row, mcuref_run *run) {
  average_pool_backward_s8(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_max_pool_apart_backward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *dy = mcuref_input(run, row->in[0]);
  max_pool_apart_backward_s8(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_average_pool_apart_backward_s8(const mcuref_row *row, mcuref_run *run) {
  average_pool_apart_backward_s8(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d);
  return MCUREF_GO_ON;
}
