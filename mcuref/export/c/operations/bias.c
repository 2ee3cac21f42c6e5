/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/bias.h"

mcuref_next mcuref_run_bias_update_f32(const mcuref_row *row, mcuref_run *run) {
  const float *delta = mcuref_input(run, row->in[0]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  bias_update_f32(mcuref_output(run, row->out[0]), delta, mcuref_input(run, row->in[1]), *count, rate, row->d[0]);
  return MCUREF_GO_ON;
}
