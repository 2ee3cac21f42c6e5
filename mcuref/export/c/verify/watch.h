/* Runs a row in a copy of the memory where all but its operands is a pattern: what it reads beside them changes its outputs,
 * and what it writes beside them is seen. */
#ifndef WATCH_H
#define WATCH_H

#include "trace.h"

#define NO_STRAY INT32_MIN

/* Take the memory that is needed. Returns 0 if there is not so much. */
int32_t watch_begin(const trace_program *traced);

/* From now on, everything that is no operand is one of four patterns, chosen by a number. */
void watch_pattern(int32_t number);

/* Run one row, like mcuref_run_row. *stray: where in the arena it wrote first what is no output of it, or NO_STRAY. */
int32_t watch_row(const trace_program *traced, mcuref_run *run, int32_t row, int32_t *stray);

#endif
