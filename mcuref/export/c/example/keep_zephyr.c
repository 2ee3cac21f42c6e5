/* The flash partition labelled storage_partition, halved; each half is to be whole pages. A board without one saves nothing. */
#include <zephyr/storage/flash_map.h>

#include "keep.h"

static const struct flash_area *area;
static int32_t half; /* bytes */

static int32_t erase(void *context, int32_t slot) {
  (void)context;
  return half < KEEP_BYTES || flash_area_erase(area, (off_t)slot * half, (size_t)half) != 0;
}

static int32_t write(void *context, int32_t slot, int32_t offset, const void *unit) {
  (void)context;
  return half < KEEP_BYTES || flash_area_write(area, (off_t)slot * half + offset, unit, MCUREF_SLOT_UNIT) != 0;
}

static int32_t read(void *context, int32_t slot, int32_t offset, void *unit) {
  (void)context;
  return half < KEEP_BYTES || flash_area_read(area, (off_t)slot * half + offset, unit, MCUREF_SLOT_UNIT) != 0;
}

static const mcuref_slots slots = {0, erase, write, read};

const mcuref_slots *keep_slots(void) {
#if FIXED_PARTITION_EXISTS(storage_partition)
  if (!area && flash_area_open(FIXED_PARTITION_ID(storage_partition), &area) == 0) half = (int32_t)(area->fa_size / 2);
#endif
  return &slots;
}
