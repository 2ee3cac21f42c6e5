/* The governor of a run's effort: multiply-accumulates are budgeted as bytes are.
 *
 * The budget is a share E of dense training. The balance is what was earned and not spent: every sample that is due earns, a
 * forward pass and the entries that selections kept spend. While it is negative, samples are left out; up to 2^full, it
 * lowers the rule's threshold; from there on, every sample is shown. It is an int64 in two words: its lowest 30 bits, which
 * are not negative, and the rest.
 */
#ifndef MCUREF_GOVERNOR_H
#define MCUREF_GOVERNOR_H

#include <stdint.h>

#include "names.h"

enum { SHARE_BITS = 15 }; /* behind the point of a share of the threshold */

int64_t balance_of(const int32_t *balance);

/* Add to the balance; returns the new one. */
int64_t change_balance(int32_t *balance, int64_t by);

/* What a sample earns in an epoch of a run of so many, which comes to `part` on average; of 0, epochs are not known. */
int64_t earned(int32_t part, int32_t slope, int32_t epochs, int32_t epoch);

/* Whether a sample is left out with a balance of `left`: 1 or 0; bits 0 if there are no streaks. */
int32_t is_left_out(int64_t left, int32_t full, const uint8_t *streaks, int32_t index, int32_t epoch, int32_t bits);

/* 1 - balance / 2^full within 0 and 1, with 15 bits behind the point; full >= 15. */
int32_t threshold_share(const int32_t *balance, int32_t full);

#endif
