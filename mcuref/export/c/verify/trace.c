#include "trace.h"

#include "../kernels/hashing.h"
#include "../board/port.h"
#include "watch.h"

static trace_request request;
static int32_t answer_file, watched;

static void write_word(int32_t word) { port_write(answer_file, &word, 4); }

int32_t trace_begin(void) {
  const int32_t file = port_open("request.bin", 0);
  if (file < 0 || port_read(file, &request, sizeof request) != sizeof request) return 0;
  port_close(file);
  answer_file = port_open("answer.bin", 1);
  mark(); /* an empty measurement, to subtract */
  mark();
  return answer_file >= 0;
}

/* Bytes of one output of a row that has run. */
static int32_t bytes_of(const mcuref_span *span, const uint8_t *arena) {
  if (span->bytes >= 0) return span->bytes;
  const int32_t *count = (const void *)(arena + span[1].offset);
  return -span->bytes * *count;
}

static uint32_t hash_outputs(const mcuref_span *spans, int32_t count, const uint8_t *arena) {
  uint32_t hash = FNV1A_START;
  for (int32_t i = 0; i < count && spans[i].offset >= 0; i++)
    hash = fnv1a(arena + spans[i].offset, bytes_of(&spans[i], arena), hash);
  return hash;
}

static void dump_outputs(const mcuref_span *spans, int32_t count, const uint8_t *arena) {
  const int32_t file = port_open("dump.bin", 1);
  for (int32_t i = 0; i < count && spans[i].offset >= 0; i++) {
    const int32_t bytes = bytes_of(&spans[i], arena);
    port_write(file, &bytes, 4);
    port_write(file, arena + spans[i].offset, bytes);
  }
  port_close(file);
}

/* Not inlined: what is counted between marks is the same whatever surrounds them. */
__attribute__((noinline)) static int32_t run_row(mcuref_run *run, int32_t row, int32_t *done) {
  mark();
  const int32_t next = mcuref_run_row(run, row);
  *done = row;
  mark();
  return next;
}

static void trace_rows(const trace_program *traced, mcuref_run *run, int32_t index) {
  if (watched) watch_pattern(request.pattern + index);
  for (int32_t row = 0; row < run->program->rows;) {
    int32_t done = row, stray = NO_STRAY;
    write_word(done);
    row = watched ? watch_row(traced, run, done, &stray) : run_row(run, row, &done);
    if (run->status == MCUREF_NOT_FINITE) { /* nothing was written, not even how many entries are kept */
      write_word(0);
    } else {
      const mcuref_span *spans = traced->spans + done * traced->row_spans;
      write_word((int32_t)hash_outputs(spans, traced->row_spans, run->arena));
      if (request.sample == index && request.row == done) dump_outputs(spans, traced->row_spans, run->arena);
    }
    if (stray != NO_STRAY) {
      write_word(-2);
      write_word(stray);
    }
  }
}

void trace_start(const trace_program *traced) {
  watched = request.mode == WATCHED && traced->operands && watch_begin(traced);
  write_word(TRACE_FORMAT + watched);
}

void trace_step(const trace_program *traced, int32_t index, const void *sample, const void *answer, mcuref_number rate) {
  const trace_calls *calls = traced->calls;
  const int32_t stored = traced->slots ? index % traced->slots : -1, epoch = traced->slots ? index / traced->slots : 0;
  mcuref_run run = {traced->program, traced->arena, sample, answer, rate, calls->none, MCUREF_TRAINED, stored, epoch};
  if (request.mode != STEPS)
    trace_rows(traced, &run, index);
  else if (stored < 0)
    run.status = calls->train(run.program, run.arena, sample, answer, rate, &run.loss);
  else
    run.status = calls->train_stored(run.program, run.arena, sample, answer, rate, stored, epoch, &run.loss);
  write_word(-1);
  write_word((int32_t)run.status);
  write_word(run.loss.i32);
}

void trace_inference(const trace_program *traced, int32_t index, const void *sample, const void *answer) {
  const mcuref_program *program = traced->program;
  if (request.mode != STEPS && program->rows == program->forward_rows) {
    mcuref_run run = {program, traced->arena, sample, answer, {.i32 = 0}, {.i32 = 0}, MCUREF_TRAINED, -1, 0};
    trace_rows(traced, &run, index);
    write_word(-1);
  }
  write_word(traced->calls->infer(program, traced->arena, sample));
  port_write(answer_file, traced->calls->outputs(program, traced->arena), traced->output_bytes);
  write_word(request.mode == STEPS ? 0 : traced->calls->loss(program, traced->arena, sample, answer).i32);
}

static uint32_t state_hash(const mcuref_program *program, const void *arena) {
  return fnv1a(arena, program->state_bytes, FNV1A_START);
}

/* Try to restore what was saved, with one word of it changed; write the answer. */
static void try_damaged(const mcuref_program *program, void *arena, uint32_t *saved, int32_t word) {
  saved[word] ^= 1u;
  write_word((int32_t)mcuref_restore(program, arena, saved));
  saved[word] ^= 1u;
}

void trace_state(const trace_program *traced, uint32_t *saved) {
  const mcuref_program *program = traced->program;
  void *arena = traced->arena;
  write_word((int32_t)program->identity);
  write_word((int32_t)fnv1a(program->flash, traced->flash_bytes, FNV1A_START));
  mcuref_save(program, arena, saved);
  port_write(answer_file, saved + 2, program->state_bytes);
  mcuref_init(program, arena);
  try_damaged(program, arena, saved, 0); /* another program's */
  try_damaged(program, arena, saved, 1); /* a check sum that is wrong */
  write_word((int32_t)state_hash(program, arena));
  write_word((int32_t)mcuref_restore(program, arena, saved));
  port_write(answer_file, arena, program->state_bytes);
}

void trace_bad_labels(const trace_program *traced, const void *sample, mcuref_number rate) {
  const mcuref_program *program = traced->program;
  void *arena = traced->arena;
  const int32_t labels[2] = {-1, program->outputs};
  mcuref_number loss;
  const uint32_t before = state_hash(program, arena);
  for (int32_t i = 0; i < 2; i++) write_word((int32_t)traced->calls->offer(program, arena, sample, &labels[i], rate, &loss));
  write_word(state_hash(program, arena) == before);
}

void trace_end(void) { port_close(answer_file); }
