#include "steps.h"

#include "keep.h"
#include "kernels/hashing.h"
#include "model.h"
#include "samples.h"

static uint32_t arena[MODEL_SRAM_BYTES / 4];
static char line[96]; /* longer than any */

static const void *sample(int32_t i) { return (const uint8_t *)samples + i * sample_bytes; }

static const model_answer *answer(int32_t i) { return answers + i * answer_values; }

/* index, epoch: which stored sample it is, where samples rest, and in which epoch it is shown. */
static mcuref_status train(int32_t i, model_rate rate, int32_t index, int32_t epoch) {
  if (model.rows == model.forward_rows) return MCUREF_SKIPPED; /* a model for inference alone */
#if MODEL_STORED
  return mcuref_train_stored(&model, arena, sample(i), answer(i), rate, index, epoch, 0);
#else
  (void)index, (void)epoch;
  return mcuref_train(&model, arena, sample(i), answer(i), rate, 0);
#endif
}

/* Add text behind `end`; where it ends now. */
static char *add_text(char *end, const char *text) {
  while (*text) *end++ = *text++;
  *end = 0;
  return end;
}

static char *add_number(char *end, int32_t number) {
  char text[12], *digit = text + sizeof text;
  uint32_t left = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
  *--digit = 0;
  do {
    *--digit = (char)('0' + left % 10);
    left /= 10;
  } while (left);
  if (number < 0) *--digit = '-';
  return add_text(end, digit);
}

const char *example_self_check(int32_t *same) {
  mcuref_init(&model, arena);
  const int32_t slots = sample_slots ? sample_slots : sample_count;
  for (int32_t i = 0; i < sample_count; i++) train(i, rates[i], i % slots, i / slots);
  const uint32_t state = fnv1a(arena, model.state_bytes, FNV1A_START);
  uint32_t outputs = FNV1A_START;
  for (int32_t i = 0; i < sample_count; i++) {
    mcuref_infer(&model, arena, sample(i));
    outputs = fnv1a(mcuref_outputs(&model, arena), MODEL_OUTPUTS * (int32_t)sizeof *mcuref_outputs(&model, arena), outputs);
  }
  const int32_t equal = state == trained_state && outputs == trained_outputs;
  if (same) *same = equal;
  return equal ? "self-check: the bits of mcuref" : "self-check: NOT the bits of mcuref";
}

const char *example_start(void) {
  mcuref_init(&model, arena);
  const mcuref_status found = mcuref_restore_slots(&model, arena, keep_slots());
  return found == MCUREF_RESTORED ? "start: what was saved last" : "start: as exported";
}

/* Run the network on a sample and say what it found. */
static char *infer(char *end, int32_t i) {
  end = add_number(add_text(end, "sample "), i);
#if MODEL_LABELS
  end = add_number(add_text(end, ": found "), mcuref_infer(&model, arena, sample(i)));
  return add_number(add_text(end, ", is "), answer(i)[0]);
#elif MODEL_INT8
  return add_number(add_text(end, ": loss "), mcuref_loss(&model, arena, sample(i), answer(i)));
#else
  const float loss = 1000.0f * mcuref_loss(&model, arena, sample(i), answer(i));
  return add_number(add_text(end, ": loss, thousandths, "), loss < 1e9f ? (int32_t)loss : INT32_MAX);
#endif
}

const char *example_step(int32_t saving) {
  static int32_t next, epoch, unsaved;
  char *end = infer(line, next);
  const mcuref_status done = train(next, MODEL_RATE, next, epoch);
  end = add_text(end, done == MCUREF_TRAINED ? ", trained" : done == MCUREF_RESTED ? ", rested" : ", not trained");
  if (++next == sample_count) next = 0, epoch++;
  if (++unsaved >= saving) {
    add_text(end, mcuref_save_slots(&model, arena, keep_slots()) ? ", saved" : ", could not be saved");
    unsaved = 0;
  }
  return line;
}
