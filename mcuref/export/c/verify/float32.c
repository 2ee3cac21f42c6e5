#include "../program/float32.h"

#include "trace.h"

/* Not inlined: what is counted between marks is the same whatever surrounds them. */
#define COUNTED __attribute__((noinline)) static

static mcuref_status offer(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                           mcuref_number rate, mcuref_number *loss) {
  return mcuref_train(program, arena, sample, answer, rate.f32, &loss->f32);
}

COUNTED mcuref_status train(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                            mcuref_number rate, mcuref_number *loss) {
  mark();
  const mcuref_status status = offer(program, arena, sample, answer, rate, loss);
  mark();
  return status;
}

COUNTED mcuref_status train_stored(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                                   mcuref_number rate, int32_t index, int32_t epoch, mcuref_number *loss) {
  mark();
  const mcuref_status status =
      mcuref_train_stored(program, arena, sample, answer, rate.f32, index, epoch, &loss->f32);
  mark();
  return status;
}

COUNTED int32_t infer(const mcuref_program *program, void *arena, const void *sample) {
  mark();
  const int32_t best = mcuref_infer(program, arena, sample);
  mark();
  return best;
}

static const void *outputs(const mcuref_program *program, const void *arena) { return mcuref_outputs(program, arena); }

static mcuref_number loss_of(const mcuref_program *program, void *arena, const void *sample, const void *answer) {
  mcuref_number loss;
  loss.f32 = mcuref_loss(program, arena, sample, answer);
  return loss;
}

const trace_calls trace_float32 = {train, offer, train_stored, infer, outputs, loss_of, {.f32 = -1.0f}};
