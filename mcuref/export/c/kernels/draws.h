/* Random numbers inside a step: Philox2x32-10, and which entries are drawn.
 *
 * Entry i of n is taken if draw (n - i) < 2^32 left, where left of k are still to be taken and draw is word i mod 2 of block
 * i div 2 of the selection's stream: selection sampling, Knuth's algorithm S.
 */
#ifndef MCUREF_DRAWS_H
#define MCUREF_DRAWS_H

#include <stdint.h>

#include "names.h"

/* Both words of Philox2x32-10 with that key and counter (index, stream). */
void random_bits(uint32_t words[2], uint32_t key, uint32_t stream, uint32_t index);

/* The stream of a selection: 2^31 + 2^30 + *draws, the number of those before it, which is counted; modulo 2^32. */
uint32_t stream_of_selection(int32_t *draws);

/* Whether an entry of n is taken, of which `left` are still to be taken; words are those of its block. */
int32_t is_drawn(const uint32_t words[2], int32_t entry, int32_t left, int32_t n);

#endif
