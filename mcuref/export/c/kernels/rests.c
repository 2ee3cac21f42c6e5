#include "rests.h"

int32_t is_stored(int32_t index, int32_t stored) { return 0 <= index && index < stored; }

/* The streak of a sample. */
static int32_t streak(const uint8_t *streaks, int32_t index, int32_t bits) {
  const uint32_t place = (uint32_t)index * (uint32_t)bits;
  return (int32_t)((uint32_t)streaks[place >> 3] >> (place & 7u) & ((1u << bits) - 1u));
}

void set_streak(uint8_t *streaks, int32_t index, int32_t bits, int32_t value) {
  const uint32_t place = (uint32_t)index * (uint32_t)bits, shift = place & 7u, mask = (1u << bits) - 1u;
  streaks[place >> 3] = (uint8_t)((streaks[place >> 3] & ~(mask << shift)) | (uint32_t)value << shift);
}

int32_t is_hidden(const uint8_t *streaks, int32_t index, int32_t epoch, int32_t bits) {
  const uint32_t turn = (uint32_t)epoch + (uint32_t)index;
  return (turn & ((1u << streak(streaks, index, bits)) - 1u)) != 0u;
}

void count_skip(uint8_t *streaks, int32_t index, int32_t most, int32_t bits) {
  const int32_t skipped = streak(streaks, index, bits);
  set_streak(streaks, index, bits, skipped < most ? skipped + 1 : most);
}

int32_t rests(uint8_t *streaks, int32_t index, int32_t epoch, int32_t most, int32_t bits) {
  if (is_hidden(streaks, index, epoch, bits)) return 1;
  count_skip(streaks, index, most, bits);
  return 0;
}
