/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/mixed/dequantise.h"

mcuref_next mcuref_run_dequantise_s8_f32(const mcuref_row *row, mcuref_run *run) {
  dequantise_s8_f32(mcuref_output(run, row->out[0]), mcuref_input(run, row->in[0]), row->f[0].f32, row->f[1].i32, row->d[0]);
  return MCUREF_GO_ON;
}
