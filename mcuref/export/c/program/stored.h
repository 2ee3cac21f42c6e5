/* Samples that are stored and rest: see mcuref_train_stored in float32.h, or mcuref_train_stored_s8 in int8.h. */
#ifndef MCUREF_STORED_H
#define MCUREF_STORED_H

#include "mcuref.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether stored sample `index` rests in this epoch: 1, or 0. Nothing changes. A firmware asks this before it reads a sample
 * from where it lies; mcuref_train_stored, which comes next, reads nothing of one that rests: it may be null. A program with
 * an effort has to be told of those, too: they earn what others may spend. */
int32_t mcuref_resting(const mcuref_program *program, const void *arena, int32_t index, int32_t epoch);

#ifdef __cplusplus
}
#endif

#endif
