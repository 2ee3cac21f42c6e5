#include "../operations.h"

#include "../../kernels/int8/exponents.h"

/* in0 y[n] -> out0 seen[3]; d0 = n, d1 = zero */
mcuref_next mcuref_run_measure_s8(const mcuref_row *row, mcuref_run *run) {
  measure_s8(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d[1], row->d[0]);
  return MCUREF_GO_ON;
}

/* in0 seen[3] -> out0 exponents[E], out1 state[4]; d1 = slot, d2 = most, d3 = below, d4 = above */
mcuref_next mcuref_run_adapt_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *exponents = mcuref_output(run, row->out[0]);
  int32_t *state = mcuref_output(run, row->out[1]);
  adapt_s8(exponents, state, mcuref_input(run, row->in[0]), row->d[1], row->d[2], row->d[3], row->d[4]);
  return MCUREF_GO_ON;
}
