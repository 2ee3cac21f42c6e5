#include "mcuref.h"

#include <stddef.h>

#include "../kernels/hashing.h"

/* Words, because the arena is a whole number of them and everything in it is aligned to them. */
static void copy_words(uint32_t *to, const uint32_t *from, int32_t bytes) {
  for (int32_t i = 0; i < bytes / 4; i++) to[i] = from[i];
}

void mcuref_init(const mcuref_program *program, void *arena) {
  uint32_t *words = arena;
  for (int32_t i = 0; i < program->sram_bytes / 4; i++) words[i] = 0;
  for (int32_t i = 0; i < program->image_count; i++) {
    const mcuref_image *image = &program->images[i];
    copy_words(words + image->sram / 4, program->flash + image->flash / 4, image->bytes);
  }
}

int32_t mcuref_infer(const mcuref_program *program, void *arena, const void *sample) {
  mcuref_run run = {program, arena, sample, NULL, {0.0f}, {0.0f}, MCUREF_TRAINED};
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
  mcuref_run run = {program, arena, sample, answer, {rate}, {0.0f}, MCUREF_TRAINED};
  for (int32_t row = 0; row < program->rows;) row = mcuref_run_row(&run, row);
  if (loss) *loss = run.loss.f32;
  return run.status;
}

float mcuref_loss(const mcuref_program *program, void *arena, const void *sample, const void *answer) {
  mcuref_run run = {program, arena, sample, answer, {0.0f}, {-1.0f}, MCUREF_TRAINED};
  for (int32_t row = 0; row <= program->forward_rows && row < program->rows;) row = mcuref_run_row(&run, row);
  return run.loss.f32; /* the row behind the forward ones is the loss */
}

void mcuref_save(const mcuref_program *program, const void *arena, void *saved) {
  uint32_t *words = saved;
  words[0] = program->identity;
  words[1] = fnv1a(arena, program->state_bytes, FNV1A_START);
  copy_words(words + 2, arena, program->state_bytes);
}

mcuref_status mcuref_restore(const mcuref_program *program, void *arena, const void *saved) {
  const uint32_t *words = saved;
  if (words[0] != program->identity || words[1] != fnv1a(words + 2, program->state_bytes, FNV1A_START))
    return MCUREF_FOREIGN;
  copy_words(arena, words + 2, program->state_bytes);
  return MCUREF_RESTORED;
}
