/* The data partition labelled mcuref (see partitions.csv), halved; each half is whole blocks of 4,096 bytes. */
#include <esp_partition.h>

#include "keep.h"

enum { BLOCK = 4096, HALF = (KEEP_BYTES + BLOCK - 1) / BLOCK * BLOCK };

static const esp_partition_t *partition;

static int32_t erase(void *context, int32_t slot) {
  (void)context;
  return !partition || esp_partition_erase_range(partition, (size_t)(slot * HALF), HALF) != ESP_OK;
}

static int32_t write(void *context, int32_t slot, int32_t offset, const void *unit) {
  (void)context;
  return !partition || esp_partition_write(partition, (size_t)(slot * HALF + offset), unit, MCUREF_SLOT_UNIT) != ESP_OK;
}

static int32_t read(void *context, int32_t slot, int32_t offset, void *unit) {
  (void)context;
  return !partition || esp_partition_read(partition, (size_t)(slot * HALF + offset), unit, MCUREF_SLOT_UNIT) != ESP_OK;
}

static const mcuref_slots slots = {0, erase, write, read};

const mcuref_slots *keep_slots(void) {
  partition = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "mcuref");
  return &slots;
}
