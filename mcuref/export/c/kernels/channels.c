#include "channels.h"

#include "draws.h"

static void draw_channels(uint8_t *restrict mask, int32_t *restrict draws, int32_t outputs, int32_t k, uint32_t key) {
  const uint32_t stream = stream_of_selection(draws);
  uint32_t words[2] = {0, 0};
  for (int32_t m = 0; m < (outputs + 7) / 8; m++) mask[m] = 0;
  for (int32_t o = 0; k > 0; o++) {
    if ((o & 1) == 0) random_bits(words, key, stream, (uint32_t)o >> 1);
    if (!is_drawn(words, o, k, outputs)) continue;
    k -= 1;
    mask[o >> 3] = (uint8_t)(mask[o >> 3] | 1 << (o & 7));
  }
}

void renew_channels(uint8_t *restrict mask, int32_t *restrict left, int32_t *restrict draws, int32_t outputs, int32_t k,
                    int32_t every, uint32_t key) {
  if (*left == 0) {
    draw_channels(mask, draws, outputs, k, key);
    *left = every;
  }
  *left -= 1;
}

int32_t keep_channels(mcuref_index *restrict kept, const uint8_t *mask, int32_t count, int32_t outputs) {
  int32_t base = 0, found = 0;
  for (int32_t c = 0; c < count; c++) {
    const int32_t e = (int32_t)kept[c];
    while (e >= base + outputs) base += outputs;
    if (is_in_mask(mask, e - base)) kept[found++] = kept[c];
  }
  return found;
}
