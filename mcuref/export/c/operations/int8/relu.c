/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/int8/relu.h"

mcuref_next mcuref_run_relu_forward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *x = mcuref_input(run, row->in[0]);
  rescale_s8(mcuref_output(run, row->out[0]), x, mcuref_input(run, row->in[1]), row->f[0].i32, row->f[1].i32, row->f[2].i32,
             row->f[3].i32, row->f[4].i32, row->f[5].i32, row->d[2], row->d[3], row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_relu_masked_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *dy = mcuref_input(run, row->in[0]);
  relu_masked_s8(mcuref_output(run, row->out[0]), dy, mcuref_input(run, row->in[1]), row->d[1], row->d[2], row->d[0]);
  return MCUREF_GO_ON;
}
