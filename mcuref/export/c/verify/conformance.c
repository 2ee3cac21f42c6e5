/* Runs programs that come as data, from cases.bin, one after the other: for checks of every operation on one build.
 *
 * A case is a header of words, the start images, the outputs of every row (spans), if the header says so the operands of
 * every row, the flash part, and then for each training step the sample, its answer and the learning rate, and the samples
 * to infer, with answers; all padded to words.
 */
#include "../operations/operations.h"
#include "../board/port.h"
#include "trace.h"

#ifndef POOL_BYTES
#define POOL_BYTES 0x300000
#endif

/* Arena, flash part, tables and sample of the case at hand; aligned for pointers. */
static union {
  uint32_t words[POOL_BYTES / 4];
  void *pointer;
} pool;
static uint32_t *free_words;

#define WORDS ((int32_t)(sizeof(void *) / 4)) /* of a pointer: everything is aligned to that */

typedef struct {
  int32_t magic, rows, forward_rows, image_count, sram_bytes, state_bytes, flash_bytes, table, output, outputs;
  int32_t steps, inferences, sample_bytes, answer_bytes, output_bytes, labels, watched, row_spans, int8, slots;
  uint32_t identity;
} header;

#define MAGIC 0x4655434D /* "MCUF" */

static void *take(int32_t bytes) {
  uint32_t *memory = free_words;
  free_words += (bytes + 4 * WORDS - 1) / (4 * WORDS) * WORDS;
  return free_words <= pool.words + POOL_BYTES / 4 ? memory : 0;
}

static void *take_from(int32_t file, int32_t bytes) {
  void *memory = take(bytes);
  if (memory) port_read(file, memory, (bytes + 3) / 4 * 4);
  return memory;
}

/* What runs an opcode. */
static mcuref_operation operation_of(int32_t opcode) {
  switch (opcode) {
#define OPERATION(number, name) \
  case number:                  \
    return mcuref_run_##name;
#include "opcodes.h"
#undef OPERATION
    default:
      return 0;
  }
}

/* Returns 0 if the case does not fit, or names an opcode that there is not. */
static int32_t run_case(int32_t file, const header *h) {
  mcuref_program program = {0, 0, 0, 0, h->rows, h->forward_rows, h->image_count, h->sram_bytes,
                            h->state_bytes, h->output, h->outputs, h->identity};
  free_words = pool.words;
  program.images = take_from(file, h->image_count * 12);
  const mcuref_span *spans = take_from(file, h->rows * h->row_spans * (int32_t)sizeof *spans);
  const mcuref_operands *rows = h->watched ? take_from(file, h->rows * (int32_t)sizeof *rows) : 0;
  program.flash = take_from(file, h->flash_bytes);
  mcuref_operation *operations = take(h->rows * (int32_t)sizeof(mcuref_operation));
  uint32_t *arena = take(h->sram_bytes), *saved = take(h->state_bytes + 8);
  uint32_t *sample = take(h->sample_bytes), *answer = take(h->answer_bytes + 4);
  if (!answer) return 0;
  program.table = (const void *)(program.flash + h->table / 4);
  program.operations = operations;
  for (int32_t row = 0; row < h->rows; row++) {
    operations[row] = operation_of(program.table[row].opcode);
    if (!operations[row]) return 0;
  }
  const trace_program traced = {&program,     h->int8 ? &trace_int8 : &trace_float32,
                                arena,        spans,
                                rows,         h->row_spans,
                                h->sample_bytes, h->answer_bytes,
                                h->output_bytes, h->flash_bytes,
                                h->slots};
  mcuref_number rate = {.i32 = 0};
  mcuref_init(&program, arena);
  trace_start(&traced);
  for (int32_t i = 0; i < h->steps; i++) {
    port_read(file, sample, (h->sample_bytes + 3) / 4 * 4);
    port_read(file, answer, h->answer_bytes);
    port_read(file, &rate, 4);
    trace_step(&traced, i, sample, answer, rate);
  }
  for (int32_t i = 0; i < h->inferences; i++) {
    port_read(file, sample, (h->sample_bytes + 3) / 4 * 4);
    port_read(file, answer, h->answer_bytes);
    trace_inference(&traced, i, sample, answer);
  }
  trace_state(&traced, saved);
  if (h->labels && h->steps) trace_bad_labels(&traced, sample, rate);
  return 1;
}

int main(void) {
  const int32_t file = port_open("cases.bin", 0);
  header h;
  if (file < 0 || !trace_begin()) return 2;
  while (port_read(file, &h, sizeof h) == sizeof h)
    if (h.magic != MAGIC || !run_case(file, &h)) return 3;
  trace_end();
  return 0;
}
