/* Written by python -m mcuref.export.generate. */
#include "operations.h"

#include "../kernels/dense.h"

mcuref_next mcuref_run_dense_forward_f32(const mcuref_row *row, mcuref_run *run) {
  const float *x = mcuref_input(run, row->in[0]), *w = mcuref_input(run, row->in[1]);
  dense_forward_f32(mcuref_output(run, row->out[0]), x, w, mcuref_input(run, row->in[2]), row->d[0], row->d[1]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_dense_backward_input_f32(const mcuref_row *row, mcuref_run *run) {
  const float *delta = mcuref_input(run, row->in[0]), *w = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[3]);
  dense_backward_input_f32(mcuref_output(run, row->out[0]), delta, w, mcuref_input(run, row->in[2]), *count, row->d[1]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_dense_update_f32(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]);
  const float *delta = mcuref_input(run, row->in[0]), *x = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[3]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  dense_update_f32(w, b, delta, x, mcuref_input(run, row->in[2]), *count, rate, row->d[2], row->d[0], row->d[1]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_dense_forward_of_values(const mcuref_row *row, mcuref_run *run) {
  const float *w = mcuref_input(run, row->in[0]);
  dense_forward_f32(mcuref_output(run, row->out[0]), run->sample, w, mcuref_input(run, row->in[1]), row->d[0], row->d[1]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_dense_update_of_values(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]);
  const float *delta = mcuref_input(run, row->in[0]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  dense_update_f32(w, b, delta, run->sample, mcuref_input(run, row->in[1]), *count, rate, row->d[2], row->d[0], row->d[1]);
  return MCUREF_GO_ON;
}
