/* Trains the exported model on its samples and writes the trace: see trace.h. */
#include "../model.h"
#include "../samples.h"
#include "spans.h"
#include "trace.h"

static uint32_t arena[MODEL_SRAM_BYTES / 4];
static uint32_t saved[MODEL_SAVED_BYTES / 4];

int main(void) {
  const int32_t answer_bytes = answer_values * (int32_t)sizeof *answers;
  const trace_program traced = {&model,       &CALLS,       arena,        spans,        operands,
                                SPANS,        sample_bytes, answer_bytes, OUTPUT_BYTES, MODEL_FLASH_BYTES,
                                SLOTS};
  const int32_t trains = model.rows > model.forward_rows;
  if (!trace_begin()) return 2;
  mcuref_init(&model, arena);
  trace_start(&traced);
  mcuref_number rate = {.i32 = 0};
  for (int32_t i = 0; i < sample_count && trains; i++) {
    rate.RATE = rates[i];
    trace_step(&traced, i, samples + i * MODEL_INPUTS, answers + i * answer_values, rate);
  }
  for (int32_t i = 0; i < sample_count; i++)
    trace_inference(&traced, i, samples + i * MODEL_INPUTS, answers + i * answer_values);
  trace_state(&traced, saved);
  if (MODEL_LABELS && trains) trace_bad_labels(&traced, samples, rate);
  trace_end();
  return 0;
}
