#include "../operations.h"

#include "../../kernels/int8/narrow.h"

mcuref_next mcuref_run_narrow_s8(const mcuref_row *row, mcuref_run *run) {
  const int32_t *x = mcuref_input(run, row->in[0]), *exponent = mcuref_input(run, row->in[1]);
  narrow_s8(mcuref_output(run, row->out[0]), mcuref_output(run, row->out[1]), x, exponent, row->d[0]);
  return MCUREF_GO_ON;
}

/* d1 low, d2 high */
mcuref_next mcuref_run_relu_backward_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *dx = mcuref_output(run, row->out[0]);
  const int32_t *dy = mcuref_input(run, row->in[0]), *exponent = mcuref_input(run, row->in[2]);
  const int8_t *y = mcuref_input(run, row->in[1]);
  relu_backward_s8(dx, mcuref_output(run, row->out[1]), dy, y, exponent, row->d[1], row->d[2], row->d[0]);
  return MCUREF_GO_ON;
}
