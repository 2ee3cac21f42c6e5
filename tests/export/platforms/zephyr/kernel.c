#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/sys/printk.h>

#include "../steps.h"

static uint8_t bytes[32768];
static const struct flash_area storage = {3, 0, sizeof bytes};

void printk(const char *fmt, ...) {
  va_list arguments;
  va_start(arguments, fmt);
  vprintf(fmt, arguments);
  va_end(arguments);
}

int32_t k_msleep(int32_t ms) {
  static int slept;
  (void)ms;
  if (++slept == STEPS) exit(0);
  return 0;
}

int flash_area_open(uint8_t id, const struct flash_area **fa) {
  *fa = &storage;
  return id != storage.fa_id;
}

static int beside(off_t off, size_t len) { return off < 0 || (size_t)off + len > sizeof bytes; }

int flash_area_read(const struct flash_area *fa, off_t off, void *dst, size_t len) {
  if (fa != &storage || beside(off, len)) return -22;
  memcpy(dst, bytes + off, len);
  return 0;
}

int flash_area_write(const struct flash_area *fa, off_t off, const void *src, size_t len) {
  if (fa != &storage || beside(off, len) || off % 4 || len % 4) return -22;
  memcpy(bytes + off, src, len);
  return 0;
}

int flash_area_erase(const struct flash_area *fa, off_t off, size_t len) {
  if (fa != &storage || beside(off, len) || off % 4096 || len % 4096) return -22;
  memset(bytes + off, 0xFF, len);
  return 0;
}
