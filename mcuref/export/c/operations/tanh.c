/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/tanh.h"

mcuref_next mcuref_run_tanh_forward_f32(const mcuref_row *row, mcuref_run *run) {
  tanh_forward_f32(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_tanh_backward_f32(const mcuref_row *row, mcuref_run *run) {
  const float *dy = mcuref_input(run, row->in[0]);
  tanh_backward_f32(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}
