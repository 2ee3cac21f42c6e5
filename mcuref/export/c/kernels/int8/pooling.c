#include "pooling.h"

#include "../window.h"
#include "exponents.h"
#include "fixed.h"
#include "taps.h"

/* Begin the maxima y[c] with the values of a window's first tap. */
static void begin_with_tap(int8_t *restrict y, uint8_t *restrict taps, const int8_t *restrict x, int32_t c, int32_t tap) {
  for (int32_t i = 0; i < c; i++) y[i] = x[i];
  if (taps)
    for (int32_t i = 0; i < c; i++) taps[i] = (uint8_t)tap;
}

/* Take the values x[c] of another tap into them. */
static void take_tap(int8_t *restrict y, uint8_t *restrict taps, const int8_t *restrict x, int32_t c, int32_t tap) {
  for (int32_t i = 0; i < c; i++)
    if (x[i] > y[i]) {
      y[i] = x[i];
      if (taps) taps[i] = (uint8_t)tap;
    }
}

void max_pool_forward_s8(int8_t *restrict y, uint8_t *restrict taps, const int8_t *x, int32_t low, int32_t high,
                         const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  window at = first_window(g);
  for (; at.base < end; find_taps(&at, g)) {
    int8_t *out = y + at.base;
    uint8_t *which = taps ? taps + at.base : taps;
    begin_with_tap(out, which, x + under(&at, at.ky0, at.kx0, g), c, at.ky0 * g[G_KW] + at.kx0);
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      for (int32_t kx = at.kx0 + (ky == at.ky0); kx < at.kx1; kx++)
        take_tap(out, which, x + under(&at, ky, kx, g), c, ky * g[G_KW] + kx);
    step_window(&at, g);
  }
  if (low > -128 || high < 127)
    for (int32_t i = 0; i < end; i++) y[i] = clamped(y[i], 0, low, high);
}

/* Offset from the window's corner of a tap's first value. Windows are small: to subtract is cheaper than to divide. */
static inline int32_t offset_of(int32_t tap, int32_t width, int32_t line, int32_t c) {
  int32_t offset = 0;
  for (; tap >= width; tap -= width) offset += line;
  return offset + tap * c;
}

void max_pool_backward_s8(int32_t *restrict dx, const int8_t *dy, const uint8_t *taps, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c, line = g[G_W] * c, width = g[G_KW];
  for (int32_t i = 0; i < g[G_H] * line; i++) dx[i] = 0;
  for (window at = first_window(g); at.base < end; step_window(&at, g)) {
    const int32_t corner = under(&at, 0, 0, g);
    for (int32_t i = 0; i < c; i++)
      if (dy[at.base + i] != 0) dx[corner + i + offset_of(taps[at.base + i], width, line, c)] += dy[at.base + i];
  }
}

void max_pool_apart_backward_s8(int8_t *restrict dx, const int8_t *dy, const uint8_t *taps, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c, line = g[G_W] * c, width = g[G_KW];
  for (int32_t i = 0; i < g[G_H] * line; i++) dx[i] = 0;
  for (window at = first_window(g); at.base < end; step_window(&at, g)) {
    const int32_t corner = under(&at, 0, 0, g);
    for (int32_t i = 0; i < c; i++)
      if (dy[at.base + i] != 0) dx[corner + i + offset_of(taps[at.base + i], width, line, c)] = dy[at.base + i];
  }
}

void average_pool_apart_backward_s8(int8_t *restrict dx, const int8_t *dy, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  for (int32_t i = 0; i < g[G_H] * g[G_W] * c; i++) dx[i] = 0;
  for (window at = first_window(g); at.base < end; find_taps(&at, g)) {
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      for (int32_t kx = at.kx0; kx < at.kx1; kx++) {
        int8_t *target = dx + under(&at, ky, kx, g);
        for (int32_t i = 0; i < c; i++) target[i] = dy[i];
      }
    dy += c;
    step_window(&at, g);
  }
}

/* How many values of a channel lie under a window. */
static inline int32_t number_of(const window *at) { return (at->ky1 - at->ky0) * (at->kx1 - at->kx0); }

enum { SHARED = 360, BITS = 24 }; /* up to so many values they are divided by a product: 129 360^2 < 2^24 */

/* total / number to the nearest, halves away from 0, |total| <= 128 number; reciprocal = 2^24 / number, rounded up.
 *
 * A magnitude N below 129 n is divided by n as N R / 2^24, rounded down. R is less than 1 too large, so the product less
 * than N / 2^24, and that is below 1 / n as long as 129 n^2 <= 2^24; N R is below 2^32 then. Of more values the division is
 * little beside their sum. */
static inline int32_t mean_of(int32_t total, uint32_t number, uint32_t reciprocal) {
  const uint32_t n = (uint32_t)(total < 0 ? -total : total) + (number >> 1);
  const int32_t mean = (int32_t)(number <= SHARED ? (n * reciprocal) >> BITS : n / number);
  return total < 0 ? -mean : mean;
}

void average_pool_forward_s8(int8_t *restrict y, const int8_t *x, int32_t low, int32_t high, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  uint32_t number = 0, reciprocal = 0;
  int32_t sums[CHANNELS];
  for (window at = first_window(g); at.base < end; find_taps(&at, g)) {
    const tap_grid taps = grid_of(&at, g);
    const int8_t *source = x + under(&at, at.ky0, at.kx0, g);
    if (number != (uint32_t)number_of(&at)) {
      number = (uint32_t)number_of(&at);
      reciprocal = ((1u << BITS) + number - 1) / number;
    }
    for (int32_t i = 0; i < c;) {
      const int32_t last = i + sum_values(sums, source + i, c - i, &taps);
      for (const int32_t *sum = sums; i < last; i++) *y++ = clamped(mean_of(*sum++, number, reciprocal), 0, low, high);
    }
    step_window(&at, g);
  }
}

void average_pool_backward_s8(int32_t *restrict dx, const int8_t *dy, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  int32_t number = 0, m = 0;
  for (int32_t i = 0; i < g[G_H] * g[G_W] * c; i++) dx[i] = 0;
  for (window at = first_window(g); at.base < end; find_taps(&at, g)) {
    if (number != number_of(&at)) {
      number = number_of(&at);
      m = ((1 << 14) + (number >> 1)) / number;
    }
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      for (int32_t kx = at.kx0; kx < at.kx1; kx++) {
        int32_t *target = dx + under(&at, ky, kx, g);
        for (int32_t i = 0; i < c; i++) target[i] += dy[i] * m;
      }
    dy += c;
    step_window(&at, g);
  }
}

void mean_forward_s8(int8_t *restrict y, const int8_t *x, const int8_t *exponents, const int8_t *slots, int32_t x_zero,
                     int32_t y_zero, int32_t multiplier, int32_t shift, int32_t low, int32_t high, const int32_t *g) {
  const int32_t c = g[G_C], count = g[G_H] * g[G_W];
  const int32_t moved = slots ? moved_shift(shift, exponent(exponents, slots[0]) - exponent(exponents, slots[1])) : shift;
  const tap_grid taps = {1, count, c, 0, 0, 0};
  int32_t sums[CHANNELS];
  for (int32_t i = 0; i < c;) {
    const int32_t last = i + sum_values(sums, x + i, c - i, &taps);
    for (const int32_t *sum = sums; i < last; i++)
      y[i] = clamped(scaled_twice(*sum++ - count * x_zero, multiplier, moved), y_zero, low, high);
  }
}
