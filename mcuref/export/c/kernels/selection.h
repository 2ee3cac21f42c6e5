/* Which entries of an error are trained: top-k by magnitude, k at random, the rules of TinyProp and
 * TinyPropv2, float32.
 *
 * Without the sign bit, the bits of a float32 order like its magnitude. Kept indices come in ascending order; ties go to
 * the lowest index; entries that are exactly 0 are dropped after the selection.
 */
#ifndef MCUREF_SELECTION_H
#define MCUREF_SELECTION_H

#include <stdint.h>

#include "index.h"
#include "names.h"

/* kept[...] = indices of all entries of delta[n] that are not 0; returns how many. */
int32_t keep_nonzero(mcuref_index *restrict kept, const float *delta, int32_t n);

/* The bits of a magnitude from which on the k-th largest of delta[n] is likely to be: 5 powers of two below the largest of
 * up to 33 entries, which lie apart. */
int32_t likely_from(const float *delta, int32_t n);

/* Sum of |delta[i]|, i < n, as abs_sum; and tally[64], how many entries that are not 0 each bin has. Bin b is of magnitudes
 * whose bits are from low + b 2^shift on; the first one has smaller ones, too, and the last one larger ones. */
float sum_and_tally(int32_t *restrict tally, const float *delta, int32_t n, int32_t low, int32_t shift);

/* kept[...] = indices of the k largest magnitudes of delta[n], k >= 1; returns how many (zeros dropped). tally[64] is that
 * of sum_and_tally with low and FIRST_SHIFT, and overwritten. */
int32_t top_k(mcuref_index *restrict kept, int32_t *restrict tally, const float *delta, int32_t n, int32_t k, int32_t low);

/* kept[...] = indices of k <= n entries of delta[n] at random, but for zeros; returns how many. *draws counts selections. */
int32_t random_k(mcuref_index *restrict kept, int32_t *draws, const float *delta, int32_t n, int32_t k, uint32_t key);

enum { FIRST_SHIFT = 20 }; /* 8 bins from one power of two to the next: 8 powers of two have bins of their own */

/* Whether a sum of magnitudes is neither NaN nor infinite. */
int32_t is_finite(float y);

/* S = (S_min + (S_max - S_min) * Y / Y_max) * zeta^l for 0 < y <= y_max (TinyProp, arXiv 2308.09201). */
float back_propagation_ratio(float y, float y_max, float s_min, float s_range, float damping);

/* k = clamp(rint(S * n), 1, n), ties to even; truncated instead of rounded if `truncate`. */
int32_t kept_entries(float ratio, int32_t n, int32_t truncate);

/* Y_max <- max(decay * Y_max, Y) in state[0]; returns the new Y_max. decay is 1 in the paper. */
float raise_maximum(float *state, float y, float decay);

/* D = (D_min + (D_max - D_min) * Y / Y_max) * beta (TinyPropv2, arXiv 2409.07109). */
float decision(float y, float y_max, float d_min, float d_range, float beta);

#endif
