/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/int8/softmax.h"

mcuref_next mcuref_run_softmax_forward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *x = mcuref_input(run, row->in[0]);
  softmax_forward_s8(mcuref_output(run, row->out[0]), x, mcuref_input(run, row->in[1]), row->d[0]);
  return MCUREF_GO_ON;
}
