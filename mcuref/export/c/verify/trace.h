/* Trains like mcuref_train, row by row, and writes down what every instruction wrote: the trace that Python compares.
 *
 * answer.bin gets TRACE_FORMAT, 1 more if the rows are watched (see watch.h); then for each sample (row, FNV-1a of its
 * outputs) of every instruction run, then -1, the status and the bits of the loss. A row that wrote what is no output of it
 * is followed by -2 and where that lies, in bytes from the start of the arena. A row's number is written before it runs, and
 * is the last word if it never ends. Where whole steps are wanted, there are no rows: mcuref_train itself takes those steps.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

#include "../program/mcuref.h"

/* One output of a row: bytes from an offset in the arena; of kept entries -1 or the negative size of an index, their
 * number stands in the next one. */
typedef struct {
  int32_t offset, bytes;
} mcuref_span;

#define TRACE_FORMAT 0x4D435452

/* An operand of a row: where it lies in [SRAM | flash], and its bytes; negative of an output that has no value before the row
 * runs; 0 where there is none. */
typedef struct {
  int32_t offset, bytes;
} mcuref_operand;

#define OPERANDS 6 /* outputs, and inputs, that a row may have */

typedef struct {
  mcuref_operand out[OPERANDS], in[OPERANDS];
} mcuref_operands;

/* What a firmware calls, of the program's arithmetic; those that train, and infer, have a mark before and behind the
 * call, offer, which trains too, has none. */
typedef struct {
  mcuref_status (*train)(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                         mcuref_number rate, mcuref_number *loss);
  mcuref_status (*offer)(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                         mcuref_number rate, mcuref_number *loss);
  mcuref_status (*train_stored)(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                                mcuref_number rate, int32_t index, int32_t epoch, mcuref_number *loss);
  int32_t (*infer)(const mcuref_program *program, void *arena, const void *sample);
  const void *(*outputs)(const mcuref_program *program, const void *arena);
  mcuref_number (*loss)(const mcuref_program *program, void *arena, const void *sample, const void *answer);
  mcuref_number none; /* where there is no loss */
} trace_calls;

extern const trace_calls trace_float32, trace_int8;

/* A program, and all that it may use. */
typedef struct {
  const mcuref_program *program;
  const trace_calls *calls;
  void *arena;
  const mcuref_span *spans;        /* row_spans for every row; an offset of -1 where there is none */
  const mcuref_operands *operands; /* one for every row; null: the program is never watched */
  int32_t row_spans, sample_bytes, answer_bytes, output_bytes, flash_bytes;
  int32_t slots; /* step i shows stored sample i % slots in epoch i / slots; 0: samples are not stored */
} trace_program;

/* What request.bin asks for. */
enum { TRACE, STEPS, WATCHED };
typedef struct {
  int32_t mode;        /* TRACE: row by row, with hashes; STEPS: whole steps between two marks, nothing hashed; WATCHED: as
                        * TRACE, each row with nothing but its operands; inference row by row too, if that is all there is */
  int32_t sample, row; /* of which the outputs are wanted in dump.bin, each behind its length; -1: of none */
  int32_t pattern;     /* of the first sample's watched rows; the others have the following ones */
} trace_request;

/* Called before and after what is measured: a profiler counts the instructions between. */
void mark(void);

/* Read request.bin and open answer.bin. Returns 0 if that could not be done. */
int32_t trace_begin(void);

/* Begin with a program, whose arena is as mcuref_init leaves it. */
void trace_start(const trace_program *traced);

/* Train on sample number `index`. */
void trace_step(const trace_program *traced, int32_t index, const void *sample, const void *answer, mcuref_number rate);

/* Run the network on sample number `index`; writes the class, the outputs and, but in mode STEPS, the bits of its loss, else
 * 0. In mode WATCHED, of a program for inference alone, the rows come before that, and -1. */
void trace_inference(const trace_program *traced, int32_t index, const void *sample, const void *answer);

/* Write what the flash part is, the state, and what saving and restoring makes of it. */
void trace_state(const trace_program *traced, uint32_t *saved);

/* Write what training with labels that are out of range answers, and whether the state is as before. */
void trace_bad_labels(const trace_program *traced, const void *sample, mcuref_number rate);

void trace_end(void);

#endif
