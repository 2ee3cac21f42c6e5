#include "operations.h"

#include "../kernels/loss.h"

mcuref_next mcuref_run_softmax_cross_entropy_f32(const mcuref_row *row, mcuref_run *run) {
  const int32_t *label = run->answer;
  const float *z = mcuref_input(run, row->in[0]);
  if (*label < 0 || *label >= row->d[0]) {
    run->status = MCUREF_BAD_LABEL;
    return MCUREF_END;
  }
  run->loss.f32 = softmax_cross_entropy_f32(mcuref_output(run, row->out[0]), z, *label, row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_mean_squared_error_f32(const mcuref_row *row, mcuref_run *run) {
  const float *z = mcuref_input(run, row->in[0]);
  run->loss.f32 = mean_squared_error_f32(mcuref_output(run, row->out[0]), z, run->answer, row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_reconstruction_f32(const mcuref_row *row, mcuref_run *run) {
  const float *z = mcuref_input(run, row->in[0]), *target = mcuref_input(run, row->in[1]);
  run->loss.f32 = mean_squared_error_f32(mcuref_output(run, row->out[0]), z, target, row->d[0]);
  return MCUREF_GO_ON;
}
