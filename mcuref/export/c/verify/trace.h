/* Trains like mcuref_train, row by row, and writes down what every instruction wrote: the trace that Python compares.
 *
 * answer.bin gets, for each sample, (row, FNV-1a of its outputs) of every instruction run, then -1, the status and the
 * bits of the loss. request.bin says what else is wanted. Where whole steps are wanted, there are no rows: those steps are
 * taken by mcuref_train itself.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

#include "mcuref.h"

/* One output of a row: bytes from an offset in the arena; of kept entries -1 or the negative size of an index, their
 * number stands in the next one. */
typedef struct {
  int32_t offset, bytes;
} mcuref_span;

#define SPANS 3 /* outputs of a row; an offset of -1 where there is none */

/* What request.bin asks for. */
enum { TRACE, STEPS };
typedef struct {
  int32_t mode;        /* TRACE: row by row, with hashes; STEPS: whole steps between two marks, nothing hashed */
  int32_t sample, row; /* of which the outputs are wanted in dump.bin, each behind its length; -1: of none */
} trace_request;

/* Called before and after what is measured: a profiler counts the instructions between. */
void mark(void);

/* Read request.bin and open answer.bin. Returns 0 if that could not be done. */
int32_t trace_begin(void);

/* Train on sample number `index`. */
void trace_step(const mcuref_program *program, void *arena, const mcuref_span *spans, int32_t index, const void *sample,
                const void *answer, float rate);

/* Run the network on a sample; writes the class, the outputs and, in mode TRACE, the bits of its loss, else 0. */
void trace_inference(const mcuref_program *program, void *arena, const void *sample, const void *answer);

/* Write what the flash part is, the state, and what saving and restoring makes of it. */
void trace_state(const mcuref_program *program, void *arena, uint32_t *saved, int32_t flash_bytes);

/* Write what training with labels that are out of range answers, and whether the state is as before. */
void trace_bad_labels(const mcuref_program *program, void *arena, const void *sample);

void trace_end(void);

#endif
