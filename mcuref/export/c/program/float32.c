#include "float32.h"

#include <stddef.h>

int32_t mcuref_infer(const mcuref_program *program, void *arena, const void *sample) {
  mcuref_run run = {program, arena, sample, NULL, {0.0f}, {0.0f}, MCUREF_TRAINED, -1, 0};
  for (int32_t row = 0; row < program->forward_rows;) row = mcuref_run_row(&run, row);
  const float *outputs = mcuref_outputs(program, arena);
  int32_t largest = 0;
  for (int32_t i = 1; i < program->outputs; i++)
    if (outputs[i] > outputs[largest]) largest = i;
  return largest;
}

const float *mcuref_outputs(const mcuref_program *program, const void *arena) {
  return (const float *)arena + program->output / 4;
}

mcuref_status mcuref_train(const mcuref_program *program, void *arena, const void *sample, const void *answer, float rate,
                           float *loss) {
  return mcuref_train_stored(program, arena, sample, answer, rate, -1, 0, loss);
}

mcuref_status mcuref_train_stored(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                                  float rate, int32_t index, int32_t epoch, float *loss) {
  mcuref_run run = {program, arena, sample, answer, {rate}, {-1.0f}, MCUREF_TRAINED, index, epoch};
  for (int32_t row = 0; row < program->rows;) row = mcuref_run_row(&run, row);
  if (loss) *loss = run.loss.f32;
  return run.status;
}

float mcuref_loss(const mcuref_program *program, void *arena, const void *sample, const void *answer) {
  mcuref_run run = {program, arena, sample, answer, {0.0f}, {-1.0f}, MCUREF_TRAINED, -1, 0};
  for (int32_t row = 0; row <= program->forward_rows && row < program->rows;) row = mcuref_run_row(&run, row);
  return run.loss.f32; /* the row behind the forward ones is the loss */
}
