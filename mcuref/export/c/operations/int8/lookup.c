/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/int8/lookup.h"

mcuref_next mcuref_run_tanh_forward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *x = mcuref_input(run, row->in[0]);
  lookup_s8(mcuref_output(run, row->out[0]), x, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_sigmoid_forward_s8(const mcuref_row *row, mcuref_run *run) {
  return mcuref_run_tanh_forward_s8(row, run);
}

mcuref_next mcuref_run_tanh_backward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *dy = mcuref_input(run, row->in[0]);
  tanh_backward_s8(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_sigmoid_backward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *dy = mcuref_input(run, row->in[0]);
  sigmoid_backward_s8(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}
