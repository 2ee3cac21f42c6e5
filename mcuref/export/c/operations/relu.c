/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/relu.h"

mcuref_next mcuref_run_relu_forward_f32(const mcuref_row *row, mcuref_run *run) {
  relu_forward_f32(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->f[0].f32, row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_relu_mask_forward_f32(const mcuref_row *row, mcuref_run *run) {
  float *y = mcuref_output(run, row->out[0]);
  uint8_t *mask = mcuref_output(run, row->out[1]);
  relu_mask_forward_f32(y, mask, mcuref_input(run, row->in[0]), row->f[0].f32, row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_relu_backward_f32(const mcuref_row *row, mcuref_run *run) {
  const float *dy = mcuref_input(run, row->in[0]);
  relu_backward_f32(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->f[0].f32, row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_relu_mask_backward_f32(const mcuref_row *row, mcuref_run *run) {
  const float *dy = mcuref_input(run, row->in[0]);
  relu_mask_backward_f32(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}
