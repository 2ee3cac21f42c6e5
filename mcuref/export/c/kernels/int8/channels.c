#include "channels.h"

#include "../channels.h"

int32_t keep_channels_s8(int8_t *restrict delta, const uint8_t *mask, int32_t n, int32_t outputs) {
  int32_t o = 0, count = 0;
  for (int32_t e = 0; e < n; e++) {
    if (!is_in_mask(mask, o)) delta[e] = 0;
    count += delta[e] != 0;
    if (++o == outputs) o = 0;
  }
  return count;
}
