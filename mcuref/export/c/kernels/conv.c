#include "numerics.h" /* first: no fused multiply-add */

#include "conv.h"

#include "dense.h"
#include "runs.h"
#include "window.h"

/* patch[kh, kw, c] = the input under a window; 0 outside it. */
static void gather_patch(float *restrict patch, const float *x, const window *at, const int32_t *g) {
  const int32_t c = g[G_C], width = g[G_KW] * c;
  for (int32_t ky = 0; ky < g[G_KH]; ky++) {
    if (ky < at->ky0 || ky >= at->ky1 || at->kx0 == at->kx1) {
      clear_run(patch, width);
    } else {
      clear_run(patch, at->kx0 * c);
      copy_run(patch + at->kx0 * c, x + under(at, ky, at->kx0, g), (at->kx1 - at->kx0) * c);
      clear_run(patch + at->kx1 * c, width - at->kx1 * c);
    }
    patch += width;
  }
}

void conv_forward_f32(float *restrict out, float *restrict patch, const float *x, const float *w, const float *b,
                      const int32_t *g) {
  const int32_t size = g[G_KH] * g[G_KW] * g[G_C], end = g[G_HO] * g[G_WO] * g[G_O];
  window at = first_window(g);
  while (at.base < end) {
    const float *values = patch;
    if (g[G_KH] == 1 && at.ky1 == 1 && at.ky0 == 0 && at.kx0 == 0 && at.kx1 == g[G_KW])
      values = x + under(&at, 0, 0, g);
    else
      gather_patch(patch, x, &at, g);
    dense_forward_f32(out + at.base, values, w, b, g[G_O], size);
    step_window(&at, g);
    find_taps(&at, g);
  }
}

void conv_backward_input_f32(float *restrict dx, const float *delta, const float *w, const mcuref_index *kept,
                             int32_t count, const int32_t *g) {
  const int32_t width = g[G_KW] * g[G_C], size = g[G_KH] * width;
  window at = first_window(g);
  clear_run(dx, g[G_H] * g[G_W] * g[G_C]);
  for (int32_t n = 0; n < count; n++) {
    const int32_t e = (int32_t)kept[n];
    walk_to(&at, e, g);
    const float *taps = w + (e - at.base) * size + at.kx0 * g[G_C];
    const int32_t run = (at.kx1 - at.kx0) * g[G_C];
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      add_scaled(dx + under(&at, ky, at.kx0, g), taps + ky * width, run, delta[e]);
  }
}

void conv_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x, const mcuref_index *kept,
                     int32_t count, float rate, int32_t dense_bias, const int32_t *g) {
  const int32_t outputs = g[G_O], width = g[G_KW] * g[G_C], size = g[G_KH] * width;
  window at = first_window(g);
  for (int32_t n = 0; n < count; n++) {
    const int32_t e = (int32_t)kept[n];
    const float step = rate * delta[e];
    walk_to(&at, e, g);
    float *taps = w + (e - at.base) * size + at.kx0 * g[G_C];
    const int32_t run = (at.kx1 - at.kx0) * g[G_C];
    for (int32_t ky = at.ky0; ky < at.ky1; ky++)
      add_scaled(taps + ky * width, x + under(&at, ky, at.kx0, g), run, -step);
    if (!dense_bias) b[e - at.base] = b[e - at.base] - step;
  }
  if (dense_bias)
    for (int32_t e = 0; e < g[G_HO] * g[G_WO] * outputs; e++) b[e % outputs] = b[e % outputs] - rate * delta[e];
}
