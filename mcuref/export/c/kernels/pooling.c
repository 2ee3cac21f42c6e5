#include "numerics.h" /* first: no fused multiply-add */

#include "pooling.h"

#include "runs.h"
#include "window.h"

/* Take the values x[c] of one tap into the maxima out[c]. */
static void take_tap(float *restrict out, uint8_t *restrict taps, const float *restrict x, int32_t c, int32_t tap,
                     int32_t fresh) {
  for (int32_t i = 0; i < c; i++) {
    const float value = x[i];
    if (fresh || value > out[i] || value != value) {
      out[i] = value;
      if (taps) taps[i] = (uint8_t)tap;
    }
  }
}

void max_pool_forward_f32(float *restrict out, uint8_t *restrict taps, const float *x, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  window at = first_window(g);
  while (at.base < end) {
    int32_t fresh = 1;
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      for (int32_t kx = at.kx0; kx < at.kx1; kx++) {
        take_tap(out + at.base, taps ? taps + at.base : taps, x + under(&at, ky, kx, g), c, ky * g[G_KW] + kx, fresh);
        fresh = 0;
      }
    step_window(&at, g);
    find_taps(&at, g);
  }
}

void max_pool_backward_f32(float *restrict dx, const float *dy, const uint8_t *taps, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  window at = first_window(g);
  clear_run(dx, g[G_H] * g[G_W] * c);
  while (at.base < end) {
    for (int32_t i = 0; i < c; i++) {
      const int32_t tap = taps[at.base + i], ky = tap / g[G_KW];
      float *target = dx + under(&at, ky, tap - ky * g[G_KW], g) + i;
      *target = *target + dy[at.base + i];
    }
    step_window(&at, g);
  }
}

/* How many values of the input lie under a window. */
static float number_of(const window *at) { return (float)((at->ky1 - at->ky0) * (at->kx1 - at->kx0)); }

void average_pool_forward_f32(float *restrict out, const float *x, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  window at = first_window(g);
  while (at.base < end) {
    const float number = number_of(&at);
    clear_run(out, c);
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      for (int32_t kx = at.kx0; kx < at.kx1; kx++) {
        const float *values = x + under(&at, ky, kx, g);
        for (int32_t i = 0; i < c; i++) out[i] = out[i] + values[i];
      }
    for (int32_t i = 0; i < c; i++) out[i] = out[i] / number;
    out += c;
    step_window(&at, g);
    find_taps(&at, g);
  }
}

void average_pool_backward_f32(float *restrict dx, const float *dy, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  window at = first_window(g);
  clear_run(dx, g[G_H] * g[G_W] * c);
  while (at.base < end) {
    const float number = number_of(&at);
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      for (int32_t kx = at.kx0; kx < at.kx1; kx++) {
        float *target = dx + under(&at, ky, kx, g);
        for (int32_t i = 0; i < c; i++) target[i] = target[i] + dy[i] / number;
      }
    dy += c;
    step_window(&at, g);
    find_taps(&at, g);
  }
}
