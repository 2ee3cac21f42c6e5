/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/sigmoid.h"

mcuref_next mcuref_run_sigmoid_forward_f32(const mcuref_row *row, mcuref_run *run) {
  sigmoid_forward_f32(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_sigmoid_backward_f32(const mcuref_row *row, mcuref_run *run) {
  const float *dy = mcuref_input(run, row->in[0]);
  sigmoid_backward_f32(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}
