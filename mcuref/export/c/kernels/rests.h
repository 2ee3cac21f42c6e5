/* Rests: how often each stored sample was skipped in a row, and whether it is left out because of that.
 *
 * A sample that was skipped s times in a row is shown only every 2^s-th epoch: in epoch e, the one of index i is visited if
 * the lowest s bits of e + i are 0. Streaks s lie behind one another in 1, 2 or 4 bits each, the first in the lowest bits.
 */
#ifndef MCUREF_RESTS_H
#define MCUREF_RESTS_H

#include <stdint.h>

#include "names.h"

/* Whether there is a streak of a sample: 1, or 0 if it is none of those that are stored. */
int32_t is_stored(int32_t index, int32_t stored);

/* Write a streak below 2^bits; the others stay. */
void set_streak(uint8_t *streaks, int32_t index, int32_t bits, int32_t value);

/* Whether a sample rests in this epoch: 1 or 0. */
int32_t is_hidden(const uint8_t *streaks, int32_t index, int32_t epoch, int32_t bits);

/* A sample counts as skipped once more, up to `most`; where it is trained after all, set_streak makes that 0. */
void count_skip(uint8_t *streaks, int32_t index, int32_t most, int32_t bits);

/* Whether a sample rests in this epoch: 1 or 0; one that does not is counted as skipped. */
int32_t rests(uint8_t *streaks, int32_t index, int32_t epoch, int32_t most, int32_t bits);

#endif
