#include "numerics.h" /* first: no fused multiply-add */

#include "depthwise.h"

#include "runs.h"
#include "window.h"

void depthwise_forward_f32(float *restrict out, const float *x, const float *w, const float *b, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  window at = first_window(g);
  while (at.base < end) {
    clear_run(out, c);
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      for (int32_t kx = at.kx0; kx < at.kx1; kx++)
        add_products(out, x + under(&at, ky, kx, g), w + (ky * g[G_KW] + kx) * c, c);
    for (int32_t i = 0; i < c; i++) out[i] = out[i] + b[i];
    out += c;
    step_window(&at, g);
    find_taps(&at, g);
  }
}

/* The taps of one kept entry: each is a dx, or a weight, of its own, so their order does not matter. */

void depthwise_backward_input_f32(float *restrict dx, const float *delta, const float *w, const mcuref_index *kept,
                                  int32_t count, const int32_t *g) {
  const int32_t c = g[G_C];
  window at = first_window(g);
  clear_run(dx, g[G_H] * g[G_W] * c);
  for (int32_t n = 0; n < count; n++) {
    const int32_t e = (int32_t)kept[n];
    walk_to(&at, e, g);
    for (int32_t ky = at.ky0; ky < at.ky1; ky++) {
      float *target = dx + under(&at, ky, at.kx0, g) + (e - at.base);
      const float *tap = w + (ky * g[G_KW] + at.kx0) * c + (e - at.base);
      for (int32_t kx = at.kx0; kx < at.kx1; kx++) {
        *target = *target + delta[e] * *tap;
        target += c;
        tap += c;
      }
    }
  }
}

void depthwise_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x,
                          const mcuref_index *kept, int32_t count, float rate, int32_t dense_bias, const int32_t *g) {
  const int32_t c = g[G_C];
  window at = first_window(g);
  for (int32_t n = 0; n < count; n++) {
    const int32_t e = (int32_t)kept[n];
    const float step = rate * delta[e];
    walk_to(&at, e, g);
    for (int32_t ky = at.ky0; ky < at.ky1; ky++) {
      const float *source = x + under(&at, ky, at.kx0, g) + (e - at.base);
      float *tap = w + (ky * g[G_KW] + at.kx0) * c + (e - at.base);
      for (int32_t kx = at.kx0; kx < at.kx1; kx++) {
        *tap = *tap - step * *source;
        source += c;
        tap += c;
      }
    }
    if (!dense_bias) b[e - at.base] = b[e - at.base] - step;
  }
  if (dense_bias)
    for (int32_t e = 0; e < g[G_HO] * g[G_WO] * c; e++) b[e % c] = b[e % c] - rate * delta[e];
}
