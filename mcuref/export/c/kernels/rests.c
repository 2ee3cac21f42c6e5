#include "rests.h"

void set_streak(uint8_t *streaks, int32_t index, int32_t bits, int32_t value) {
  const uint32_t place = (uint32_t)index * (uint32_t)bits, shift = place & 7u, mask = (1u << bits) - 1u;
  streaks[place >> 3] = (uint8_t)((streaks[place >> 3] & ~(mask << shift)) | (uint32_t)value << shift);
}

int32_t rests(uint8_t *streaks, int32_t index, int32_t epoch, int32_t most, int32_t bits) {
  const uint32_t place = (uint32_t)index * (uint32_t)bits;
  const int32_t skipped = (int32_t)((uint32_t)streaks[place >> 3] >> (place & 7u) & ((1u << bits) - 1u));
  if (((uint32_t)(epoch + index) & ((1u << skipped) - 1u)) != 0u) return 1;
  set_streak(streaks, index, bits, skipped < most ? skipped + 1 : most);
  return 0;
}
