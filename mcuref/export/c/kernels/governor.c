#include "governor.h"

#include "rests.h"

enum { LOW = 30 }; /* bits of the balance in its first word */

int64_t balance_of(const int32_t *balance) { return (int64_t)balance[1] * (1 << LOW) + balance[0]; }

int64_t change_balance(int32_t *balance, int64_t by) {
  const int64_t value = balance_of(balance) + by;
  balance[0] = (int32_t)(value & ((1 << LOW) - 1));
  balance[1] = (int32_t)(value >> LOW);
  return value;
}

int64_t earned(int32_t part, int32_t slope, int32_t epochs, int32_t epoch) {
  if (0 < epochs && epochs <= epoch) return 0;
  return part + (int64_t)slope * (epochs - 1 - 2 * epoch);
}

int32_t is_left_out(int64_t left, int32_t full, const uint8_t *streaks, int32_t index, int32_t epoch, int32_t bits) {
  if (left < 0) return 1;
  return bits > 0 && left >> full == 0 && is_hidden(streaks, index, epoch, bits);
}

int32_t threshold_share(const int32_t *balance, int32_t full) {
  const int64_t whole = (int64_t)1 << full, left = balance_of(balance);
  if (left <= 0) return 1 << SHARE_BITS;
  return left < whole ? (int32_t)((whole - left) >> (full - SHARE_BITS)) : 0;
}
