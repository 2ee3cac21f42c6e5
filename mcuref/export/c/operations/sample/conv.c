/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/sample/conv.h"

mcuref_next mcuref_run_conv_forward_of_u8(const mcuref_row *row, mcuref_run *run) {
  float *z = mcuref_output(run, row->out[0]), *patch = mcuref_output(run, row->out[1]);
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  conv_forward_of_u8(z, patch, run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d, row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_conv_forward_of_i8(const mcuref_row *row, mcuref_run *run) {
  float *z = mcuref_output(run, row->out[0]), *patch = mcuref_output(run, row->out[1]);
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  conv_forward_of_i8(z, patch, run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d, row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_conv_forward_of_i16(const mcuref_row *row, mcuref_run *run) {
  float *z = mcuref_output(run, row->out[0]), *patch = mcuref_output(run, row->out[1]);
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  conv_forward_of_i16(z, patch, run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d, row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_conv_forward_of_f32(const mcuref_row *row, mcuref_run *run) {
  float *z = mcuref_output(run, row->out[0]), *patch = mcuref_output(run, row->out[1]);
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  conv_forward_of_f32(z, patch, run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d, row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_conv_update_of_u8(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]), *patch = mcuref_output(run, row->out[2]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  conv_update_of_u8(w, b, patch, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                    row->d, row->d[13]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_conv_update_of_i8(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]), *patch = mcuref_output(run, row->out[2]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  conv_update_of_i8(w, b, patch, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                    row->d, row->d[13]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_conv_update_of_i16(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]), *patch = mcuref_output(run, row->out[2]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  conv_update_of_i16(w, b, patch, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                     row->d, row->d[13]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_conv_update_of_f32(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]), *patch = mcuref_output(run, row->out[2]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  conv_update_of_f32(w, b, patch, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                     row->d, row->d[13]);
  return MCUREF_GO_ON;
}
