/* Where the inputs of a layer are not 0: most of an image is, and half of what a ReLU puts out. */
#ifndef MCUREF_INT8_INPUTS_H
#define MCUREF_INT8_INPUTS_H

#include <stdint.h>

#include "../names.h"
#include "dsp.h"

enum {
  RUNS = 40,         /* of an image of handwriting 25 */
  LONGEST_RUN = 248, /* whole blocks */
#if MCUREF_MVE
  BLOCK = 8, /* inputs that are taken at once: runs consist of them */
  GAP = 16   /* zeros that end a run: fewer cost less than a run more */
#elif MCUREF_DSP
  BLOCK = 4,
  GAP = 8
#else
  BLOCK = 1,
  GAP = 4
#endif
};

/* The inputs x - zero, and runs outside which all are 0: how many lie before each, and how long it is. What lies behind the
 * last of them has no run: all of it, where none were looked for. */
typedef struct {
  const int8_t *x;
  int32_t zero, count;
  uint8_t gaps[RUNS], lengths[RUNS];
} row_inputs;

static inline void take_inputs(row_inputs *inputs, const int8_t *x, int32_t zero) {
  inputs->x = x;
  inputs->zero = zero;
  inputs->count = 0;
}

/* Look for runs in n inputs, unless that was done: for all rows of weights once. A run is of whole blocks, but for one that
 * ends with the inputs. */
void find_runs(row_inputs *inputs, int32_t n);

#endif
