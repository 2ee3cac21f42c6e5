#include "int8.h"

#include <stddef.h>

int32_t mcuref_infer_s8(const mcuref_program *program, void *arena, const void *sample) {
  mcuref_run run = {program, arena, sample, NULL, {.i32 = 0}, {.i32 = 0}, MCUREF_TRAINED, -1, 0};
  for (int32_t row = 0; row < program->forward_rows;) row = mcuref_run_row(&run, row);
  const int8_t *outputs = mcuref_outputs_s8(program, arena);
  int32_t largest = 0;
  for (int32_t i = 1; i < program->outputs; i++)
    if (outputs[i] > outputs[largest]) largest = i;
  return largest;
}

const int8_t *mcuref_outputs_s8(const mcuref_program *program, const void *arena) {
  return (const int8_t *)arena + program->output;
}

mcuref_status mcuref_train_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer, int32_t rate,
                              int32_t *loss) {
  return mcuref_train_stored_s8(program, arena, sample, answer, rate, -1, 0, loss);
}

mcuref_status mcuref_train_stored_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                                     int32_t rate, int32_t index, int32_t epoch, int32_t *loss) {
  mcuref_run run = {program, arena, sample, answer, {.i32 = rate}, {.i32 = -1}, MCUREF_TRAINED, index, epoch};
  for (int32_t row = 0; row < program->rows;) row = mcuref_run_row(&run, row);
  if (loss) *loss = run.loss.i32;
  return run.status;
}

int32_t mcuref_loss_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer) {
  mcuref_run run = {program, arena, sample, answer, {.i32 = 0}, {.i32 = -1}, MCUREF_TRAINED, -1, 0};
  for (int32_t row = 0; row <= program->forward_rows && row < program->rows;) row = mcuref_run_row(&run, row);
  return run.loss.i32; /* the row behind the forward ones is the loss */
}
