#include "../operations.h"

#include "../../kernels/int8/exponents.h"
#include "../../kernels/int8/loss.h"

/* in1 table of t = d1 entries, in2 exponents, d3 the one of z */
mcuref_next mcuref_run_softmax_cross_entropy_s8(const mcuref_row *row, mcuref_run *run) {
  const int32_t *label = run->answer, grown = exponent(mcuref_input(run, row->in[2]), row->d[3]);
  const int8_t *z = mcuref_input(run, row->in[0]);
  if (*label < 0 || *label >= row->d[0]) {
    run->status = MCUREF_BAD_LABEL;
    return MCUREF_END;
  }
  run->loss.i32 = softmax_cross_entropy_s8(mcuref_output(run, row->out[0]), mcuref_output(run, row->out[1]), z,
                                           mcuref_input(run, row->in[1]), *label, grown, row->d[1], row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_mean_squared_error_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *delta = mcuref_output(run, row->out[0]);
  const int8_t *z = mcuref_input(run, row->in[0]);
  run->loss.i32 = mean_squared_error_s8(delta, mcuref_output(run, row->out[1]), z, run->answer, row->d[0]);
  return MCUREF_GO_ON;
}

/* f0 zero of the target, f1 zero of z, f2 multiplier, f3 shift */
mcuref_next mcuref_run_reconstruction_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *delta = mcuref_output(run, row->out[0]);
  const int8_t *z = mcuref_input(run, row->in[0]), *target = mcuref_input(run, row->in[1]);
  const mcuref_number *f = row->f;
  run->loss.i32 = reconstruction_s8(delta, mcuref_output(run, row->out[1]), z, target, f[0].i32, f[1].i32, f[2].i32,
                                    f[3].i32, row->d[0]);
  return MCUREF_GO_ON;
}
