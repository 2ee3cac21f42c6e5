/* Trains the exported model on its samples and writes the trace: see trace.h. */
#include "model.h"
#include "samples.h"
#include "spans.h"
#include "trace.h"

static uint32_t arena[MODEL_SRAM_BYTES / 4];
static uint32_t saved[MODEL_SAVED_BYTES / 4];

int main(void) {
  if (!trace_begin()) return 2;
  mcuref_init(&model, arena);
  for (int32_t i = 0; i < sample_count && model.rows > model.forward_rows; i++)
    trace_step(&model, arena, spans, i, samples + i * MODEL_INPUTS, answers + i * answer_values, rates[i]);
  for (int32_t i = 0; i < sample_count; i++)
    trace_inference(&model, arena, samples + i * MODEL_INPUTS, answers + i * answer_values);
  trace_state(&model, arena, saved, MODEL_FLASH_BYTES);
  if (MODEL_LABELS && model.rows > model.forward_rows) trace_bad_labels(&model, arena, samples);
  trace_end();
  return 0;
}
