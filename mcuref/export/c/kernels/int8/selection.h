/* Which entries of an error are trained: top-k by magnitude, k at random, the rules of TinyProp and
 * TinyPropv2, in integers.
 *
 * n is the size of an error delta, int8 from -127 to 127, which stands for delta 2^E. What is not kept is set to 0. Constants
 * and ratios have 15 bits behind the point; products are of 64 bits, which fit where constants are within +-2^29 and n is at
 * most 65,536, and nothing is divided but by shifts and subtractions.
 *
 * A sum of magnitudes Y = sum |delta| 2^E, and the largest one seen, are packed as (e + 64) 2^24 + m, which stands for m 2^e
 * with 2^23 <= m < 2^24; 0 stands for 0. So they order like what they stand for.
 */
#ifndef MCUREF_INT8_SELECTION_H
#define MCUREF_INT8_SELECTION_H

#include <stdint.h>

#include "../index.h"
#include "../names.h"

/* Y of delta[n], packed; the sum fits int32 up to n = 16,909,320. */
int32_t sum_of_magnitudes(const int8_t *delta, int32_t exponent, int32_t n);

/* Y_max <- max(decay Y_max, Y), packed; returns it. The product is cut off to 24 bits; decay 32768 is 1. */
int32_t raise_maximum_s8(int32_t *y_max, int32_t y, int32_t decay);

/* alpha = Y / Y_max, to the nearest of 2^-15, halves up; 0 < Y <= Y_max, packed. */
int32_t ratio_q15(int32_t y, int32_t y_max);

/* S = (S_min + (S_max - S_min) alpha) zeta^l (TinyProp, arXiv 2308.09201). */
int64_t back_propagation_ratio_s8(int32_t alpha, int32_t s_min, int32_t s_range, int32_t damping);

/* k = clamp(S n, 1, n), to the nearest, halves up; truncated if `truncate`. */
int32_t kept_entries_s8(int64_t ratio, int32_t n, int32_t truncate);

/* D = (D_min + (D_max - D_min) alpha) (beta + beta_range alpha) (TinyPropv2, arXiv 2409.07109). */
int64_t decision_s8(int32_t alpha, int32_t d_min, int32_t d_range, int32_t beta, int32_t beta_range);

/* How many of delta[n] are not 0. */
int32_t count_nonzero(const int8_t *delta, int32_t n);

/* Y of delta[n], n > 0, packed, as above; and in tally[m] how many magnitudes are m, 0 < m < 128. Its type has an index of
 * every entry: a count of n entries may be one more than it holds, and is one less then. */
int32_t sum_and_tally_s8(mcuref_index *restrict tally, const int8_t *delta, int32_t exponent, int32_t n);

/* Keep the k >= 1 largest magnitudes of delta[n], ties to the lowest index; returns how many are not 0.
 *
 * Where k < n, sum_and_tally_s8 comes first: the k-th largest magnitude is where the counts, from that of 127 on, come to k.
 * tally[0] ends the search where they do not. */
int32_t top_k_s8(int8_t *restrict delta, mcuref_index *restrict tally, int32_t n, int32_t k);

/* Keep k <= n entries of delta[n] at random; returns how many are not 0. *draws counts selections. */
int32_t random_k_s8(int8_t *restrict delta, int32_t *draws, int32_t n, int32_t k, uint32_t key);

#endif
