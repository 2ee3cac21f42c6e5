/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/add.h"

mcuref_next mcuref_run_add_forward_f32(const mcuref_row *row, mcuref_run *run) {
  const float *a = mcuref_input(run, row->in[0]);
  add_f32(mcuref_output(run, row->out[0]), a, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_add_backward_f32(const mcuref_row *row, mcuref_run *run) {
  return mcuref_run_add_forward_f32(row, run);
}
