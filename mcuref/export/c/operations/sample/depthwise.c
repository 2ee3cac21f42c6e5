/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/sample/depthwise.h"

mcuref_next mcuref_run_depthwise_forward_of_u8(const mcuref_row *row, mcuref_run *run) {
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  depthwise_forward_of_u8(mcuref_output(run, row->out[0]), run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d,
                          row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_forward_of_i8(const mcuref_row *row, mcuref_run *run) {
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  depthwise_forward_of_i8(mcuref_output(run, row->out[0]), run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d,
                          row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_forward_of_i16(const mcuref_row *row, mcuref_run *run) {
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  depthwise_forward_of_i16(mcuref_output(run, row->out[0]), run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d,
                           row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_forward_of_f32(const mcuref_row *row, mcuref_run *run) {
  const float *w = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]), *mean = mcuref_input(run, row->in[2]);
  depthwise_forward_of_f32(mcuref_output(run, row->out[0]), run->sample, w, b, mean, mcuref_input(run, row->in[3]), row->d,
                           row->d[12]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_update_of_u8(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  depthwise_update_of_u8(w, b, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                         row->d, row->d[13]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_update_of_i8(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  depthwise_update_of_i8(w, b, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                         row->d, row->d[13]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_update_of_i16(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  depthwise_update_of_i16(w, b, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                          row->d, row->d[13]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_depthwise_update_of_f32(const mcuref_row *row, mcuref_run *run) {
  float *w = mcuref_output(run, row->out[0]), *b = mcuref_output(run, row->out[1]);
  const float *delta = mcuref_input(run, row->in[0]), *mean = mcuref_input(run, row->in[3]);
  const mcuref_index *kept = mcuref_input(run, row->in[1]);
  const int32_t *count = mcuref_input(run, row->in[2]);
  const float rate = row->f[0].f32 == 0.0f ? run->rate.f32 : row->f[0].f32;
  depthwise_update_of_f32(w, b, delta, run->sample, kept, mean, mcuref_input(run, row->in[4]), *count, rate, row->d[12],
                          row->d, row->d[13]);
  return MCUREF_GO_ON;
}
