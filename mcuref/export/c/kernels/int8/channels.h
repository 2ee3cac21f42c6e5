/* Which output channels of a layer train their weights, int8: the errors of others become 0. */
#ifndef MCUREF_INT8_CHANNELS_H
#define MCUREF_INT8_CHANNELS_H

#include <stdint.h>

#include "../names.h"

/* Of delta[n] entries of channels that are not in the mask become 0; returns how many are not 0. */
int32_t keep_channels_s8(int8_t *restrict delta, const uint8_t *mask, int32_t n, int32_t outputs);

#endif
