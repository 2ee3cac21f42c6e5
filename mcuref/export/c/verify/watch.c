#include "watch.h"

#include "../board/port.h"

#define GUARD 64 /* words before, between and behind the arena, the sample, the answer and the flash part */
#define PARTS (2 * OPERANDS + 2) /* of the memory that a row may use: its operands, the sample, the answer */

/* NaN passes through every sum, 0 through none, -1 changes what is added to it, 1e30 is larger than other values */
static const uint32_t patterns[4] = {0xFFFFFFFFu, 0u, 0xBF800000u, 0x7149F2CAu};
static uint32_t pattern;

static uint32_t *memory, *own_arena, *own_sample, *own_answer, *own_flash; /* in this order */
static int32_t words;

/* Bytes in this memory, and where they belong; empty: an output that has no value before its row. */
typedef struct {
  uint8_t *here, *there;
  int32_t bytes, empty;
} part;

int32_t watch_begin(const trace_program *traced) {
  const int32_t bytes[4] = {traced->program->sram_bytes, traced->sample_bytes, traced->answer_bytes, traced->flash_bytes};
  int32_t at[4];
  words = GUARD;
  for (int32_t i = 0; i < 4; i++) {
    at[i] = words;
    words += (bytes[i] + 3) / 4 + GUARD;
  }
  memory = port_memory(4 * words);
  if (!memory) return 0;
  own_arena = memory + at[0];
  own_sample = memory + at[1];
  own_answer = memory + at[2];
  own_flash = memory + at[3];
  return 1;
}

void watch_pattern(int32_t number) {
  pattern = patterns[number & 3];
  for (int32_t i = 0; i < words; i++) memory[i] = pattern;
}

static part operand(const trace_program *traced, mcuref_operand of) {
  const int32_t sram = traced->program->sram_bytes, offset = of.offset, size = of.bytes < 0 ? -of.bytes : of.bytes;
  if (offset < sram) {
    const part in_sram = {(uint8_t *)own_arena + offset, (uint8_t *)traced->arena + offset, size, of.bytes < 0};
    return in_sram;
  }
  uint8_t *const flash = (uint8_t *)traced->program->flash;
  const part in_flash = {(uint8_t *)own_flash + (offset - sram), flash + (offset - sram), size, 0};
  return in_flash;
}

/* All parts of a row, outputs first. */
static void find_parts(const trace_program *traced, const mcuref_run *run, int32_t row, part *parts) {
  const mcuref_operands *operands = &traced->operands[row];
  for (int32_t i = 0; i < OPERANDS; i++) {
    parts[i] = operand(traced, operands->out[i]);
    parts[i + OPERANDS] = operand(traced, operands->in[i]);
  }
  const part shown = {(uint8_t *)own_sample, (uint8_t *)run->sample, traced->sample_bytes, 0};
  const part asked = {(uint8_t *)own_answer, (uint8_t *)run->answer, traced->answer_bytes, 0};
  parts[2 * OPERANDS] = shown;
  parts[2 * OPERANDS + 1] = asked;
}

static void copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
  for (int32_t i = 0; i < bytes; i++) to[i] = from[i];
}

/* The first byte, from the arena on, that a row changed but that is no output of it, or NO_STRAY. All is pattern again. */
static int32_t find_stray(const part *parts) {
  const uint8_t *first = 0;
  for (int32_t i = 0; i < PARTS; i++)
    for (int32_t j = 0; j < parts[i].bytes && !first; j++)
      if (parts[i].here[j] != parts[i].there[j]) first = parts[i].here + j;
  for (int32_t i = 0; i < PARTS; i++)
    for (int32_t j = 0; j < parts[i].bytes; j++) parts[i].here[j] = ((const uint8_t *)&pattern)[j & 3]; /* aligned, all */
  for (uint32_t *word = memory; word < own_flash; word++) /* nothing writes to a device's flash */
    if (*word != pattern) {
      if (!first) first = (const uint8_t *)word;
      *word = pattern;
    }
  return first ? (int32_t)(first - (const uint8_t *)own_arena) : NO_STRAY;
}

int32_t watch_row(const trace_program *traced, mcuref_run *run, int32_t row, int32_t *stray) {
  part parts[PARTS];
  mcuref_program program = *traced->program;
  program.flash = own_flash;
  mcuref_run own = {&program, (uint8_t *)own_arena, own_sample, own_answer, run->rate, run->loss, run->status,
                    run->index, run->epoch};
  find_parts(traced, run, row, parts);
  for (int32_t i = 0; i < PARTS; i++)
    if (!parts[i].empty) copy(parts[i].here, parts[i].there, parts[i].bytes);
  const int32_t next = mcuref_run_row(&own, row);
  for (int32_t i = 0; i < OPERANDS; i++) copy(parts[i].there, parts[i].here, parts[i].bytes);
  *stray = find_stray(parts);
  run->loss = own.loss;
  run->status = own.status;
  return next;
}
