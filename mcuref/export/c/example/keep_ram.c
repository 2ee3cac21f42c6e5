/* In the place of flash, memory that is lost with power: write the three functions anew for the flash of your board. A slot
 * must be erased without the other, so each has blocks of its own. */
#include "keep.h"

#ifndef KEEP_MOST
#define KEEP_MOST 8192 /* bytes of memory that may be spent on this; of a larger model nothing is saved */
#endif

enum { FITS = 2 * KEEP_BYTES <= KEEP_MOST };

static uint8_t kept[2][FITS ? KEEP_BYTES : 1];

static int32_t erase(void *context, int32_t slot) {
  (void)context;
  for (int32_t i = 0; FITS && i < KEEP_BYTES; i++) kept[slot][i] = 0xFF;
  return !FITS;
}

static int32_t write(void *context, int32_t slot, int32_t offset, const void *unit) {
  const uint8_t *from = unit;
  (void)context;
  for (int32_t i = 0; FITS && i < MCUREF_SLOT_UNIT; i++) kept[slot][offset + i] = from[i];
  return !FITS;
}

static int32_t read(void *context, int32_t slot, int32_t offset, void *unit) {
  uint8_t *to = unit;
  (void)context;
  for (int32_t i = 0; FITS && i < MCUREF_SLOT_UNIT; i++) to[i] = kept[slot][offset + i];
  return !FITS;
}

static const mcuref_slots slots = {0, erase, write, read};

const mcuref_slots *keep_slots(void) { return &slots; }
