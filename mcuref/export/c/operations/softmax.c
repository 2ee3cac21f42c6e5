/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/softmax.h"

mcuref_next mcuref_run_softmax_forward_f32(const mcuref_row *row, mcuref_run *run) {
  softmax_forward_f32(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->d[0]);
  return MCUREF_GO_ON;
}
