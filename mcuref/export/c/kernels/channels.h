/* Which output channels of a layer train their weights: some at random, drawn anew after a number of trained samples.
 *
 * The mask has a bit for each channel o, bit o % 8 of byte o / 8. Entry e of an error is of channel e mod outputs.
 */
#ifndef MCUREF_CHANNELS_H
#define MCUREF_CHANNELS_H

#include <stdint.h>

#include "index.h"
#include "names.h"

/* Draw k channels at random where *left is 0, which becomes `every` then; one sample less is left. */
void renew_channels(uint8_t *restrict mask, int32_t *restrict left, int32_t *restrict draws, int32_t outputs, int32_t k,
                    int32_t every, uint32_t key);

/* Whether a channel is in the mask. */
static inline int32_t is_in_mask(const uint8_t *mask, int32_t o) { return mask[o >> 3] >> (o & 7) & 1; }

/* Of kept[count], ascending, those whose channels are in the mask stay, in order; returns how many. */
int32_t keep_channels(mcuref_index *restrict kept, const uint8_t *mask, int32_t count, int32_t outputs);

#endif
