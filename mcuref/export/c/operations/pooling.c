/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/pooling.h"

mcuref_next mcuref_run_max_pool_forward_f32(const mcuref_row *row, mcuref_run *run) {
  float *y = mcuref_output(run, row->out[0]);
  uint8_t *taps = mcuref_output(run, row->out[1]);
  max_pool_forward_f32(y, taps, mcuref_input(run, row->in[0]), row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_average_pool_forward_f32(const mcuref_row *row, mcuref_run *run) {
  average_pool_forward_f32(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_max_pool_backward_f32(const mcuref_row *row, mcuref_run *run) {
  const float *dy = mcuref_input(run, row->in[0]);
  max_pool_backward_f32(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_average_pool_backward_f32(const mcuref_row *row, mcuref_run *run) {
  average_pool_backward_f32(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d);
  return MCUREF_GO_ON;
}
