/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/int8/bias.h"

mcuref_next mcuref_run_bias_update_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *delta = mcuref_input(run, row->in[0]);
  const uint8_t *rate = mcuref_input(run, row->in[2]);
  const int32_t *exponent = mcuref_input(run, row->in[3]);
  bias_update_s8(mcuref_output(run, row->out[0]), delta, rate, exponent, mcuref_input(run, row->in[4]), run->rate.i32,
                 row->f[0].i32, row->f[1].i32, row->f[2].i32, row->d[0], row->d[1], row->d[2]);
  return MCUREF_GO_ON;
}
