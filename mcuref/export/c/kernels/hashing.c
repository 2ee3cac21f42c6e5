#include "hashing.h"

uint32_t fnv1a(const void *data, int32_t n, uint32_t start) {
  const uint8_t *bytes = data;
  uint32_t value = start;
  for (int32_t i = 0; i < n; i++) value = (value ^ bytes[i]) * 0x01000193u;
  return value;
}
