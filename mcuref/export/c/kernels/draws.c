#include "draws.h"

#define PHILOX 0xD256D193u    /* the multiplier of Philox2x32 */
#define SELECTION 0xC0000000u /* the first stream of selections */

/* The product with Philox's multiplier. */
static inline uint64_t long_product(uint32_t x) {
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) /* no product of 64 bits: by halves of words */
  const uint32_t upper = PHILOX >> 16, lower = PHILOX & 0xFFFF;
  const uint32_t across = (x >> 16) * lower + ((x & 0xFFFF) * lower >> 16);
  const uint32_t high = (x >> 16) * upper + (across >> 16) + (((x & 0xFFFF) * upper + (across & 0xFFFF)) >> 16);
  return (uint64_t)high << 32 | x * PHILOX;
#else
  return (uint64_t)x * PHILOX;
#endif
}

void random_bits(uint32_t words[2], uint32_t key, uint32_t stream, uint32_t index) {
  uint32_t low = index, high = stream;
  for (int32_t round = 0; round < 10; round++) {
    const uint64_t product = long_product(low);
    low = (uint32_t)(product >> 32) ^ key ^ high;
    high = (uint32_t)product;
    key += 0x9E3779B9u;
  }
  words[0] = low;
  words[1] = high;
}

uint32_t stream_of_selection(int32_t *draws) {
  const uint32_t number = (uint32_t)*draws;
  *draws = (int32_t)(number + 1u);
  return SELECTION + number;
}

int32_t is_drawn(const uint32_t words[2], int32_t entry, int32_t left, int32_t n) {
  return (int32_t)((uint64_t)words[entry & 1] * (uint32_t)(n - entry) >> 32) < left;
}
