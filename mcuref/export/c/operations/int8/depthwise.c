/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/int8/depthwise.h"

mcuref_next mcuref_run_depthwise_forward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *x = mcuref_input(run, row->in[0]);
  const int8_t *w = mcuref_input(run, row->in[1]);
  const int8_t *shift = mcuref_input(run, row->in[4]);
  const int32_t *b = mcuref_input(run, row->in[2]), *multiplier = mcuref_input(run, row->in[3]);
  depthwise_forward_s8(mcuref_output(run, row->out[0]), x, w, b, multiplier, shift, mcuref_input(run, row->reserved),
                       row->f[0].i32, row->f[1].i32, row->f[2].i32, row->f[3].i32, row->f[4].i32, row->f[5].i32, row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_backward_input_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *delta = mcuref_input(run, row->in[0]), *w = mcuref_input(run, row->in[1]);
  depthwise_backward_input_s8(mcuref_output(run, row->out[0]), delta, w, mcuref_input(run, row->in[2]), row->d[12], row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_update_s8(const mcuref_row *row, mcuref_run *run) {
  int8_t *w = mcuref_output(run, row->out[0]), *r = mcuref_output(run, row->out[2]), *r2 = mcuref_output(run, row->reserved);
  int32_t *b = mcuref_output(run, row->out[1]);
  int32_t *draws = mcuref_output(run, row->d[13]);
  int32_t *sums = mcuref_output(run, row->f[5].i32);
  const int8_t *delta = mcuref_input(run, row->in[0]), *x = mcuref_input(run, row->in[1]);
  const uint8_t *rate = mcuref_input(run, row->in[3]);
  const int32_t *exponent = mcuref_input(run, row->in[4]);
  depthwise_update_s8(w, b, r, r2, draws, sums, delta, x, rate, exponent, mcuref_input(run, row->f[4].i32), run->rate.i32,
                      row->f[0].i32, row->f[1].i32, row->f[2].i32, row->f[3].i32, row->d);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_gradient_s8(const mcuref_row *row, mcuref_run *run) {
  int32_t *a = mcuref_output(run, row->out[0]);
  int32_t *a_bias = mcuref_output(run, row->out[1]);
  int32_t *sums = mcuref_output(run, row->out[2]);
  const int8_t *delta = mcuref_input(run, row->in[0]), *x = mcuref_input(run, row->in[1]);
  const uint8_t *rate = mcuref_input(run, row->in[3]);
  const int32_t *exponent = mcuref_input(run, row->in[4]);
  depthwise_gradient_s8(a, a_bias, sums, delta, x, rate, exponent, mcuref_input(run, row->reserved), row->f[0].i32,
                        row->f[1].i32, row->f[2].i32, row->f[3].i32, row->d);
  return MCUREF_GO_ON;
}
