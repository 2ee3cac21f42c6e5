#include "numerics.h" /* first: no fused multiply-add */

#include "conv.h"

#include "dense.h"
#include "runs.h"
#include "window.h"

/* patch[kh, kw, c] = the input under a window; 0 outside it. */
static void gather_patch(float *restrict patch, const float *x, const window *at, const int32_t *g) {
  const int32_t c = g[G_C], width = g[G_KW] * c, rows = at->ky1 - at->ky0, columns = at->kx1 - at->kx0;
  if (rows < g[G_KH] || columns < g[G_KW]) clear_run(patch, g[G_KH] * width);
  copy_rows(patch + at->ky0 * width + at->kx0 * c, width, x + under(at, at->ky0, at->kx0, g), g[G_W] * c, rows, columns * c);
}

/* Whether what lies under a window is one run of the input, nothing outside. */
static int32_t is_run(const window *at, const int32_t *g) {
  return (g[G_KH] == 1 || g[G_KW] == g[G_W]) && at->ky0 == 0 && at->ky1 == g[G_KH] && at->kx0 == 0 && at->kx1 == g[G_KW];
}

void conv_forward_f32(float *restrict out, float *restrict patch, const float *x, const float *w, const float *b,
                      const int32_t *g) {
  const int32_t size = g[G_KH] * g[G_KW] * g[G_C], end = g[G_HO] * g[G_WO] * g[G_O];
  window at = first_window(g);
  while (at.base < end) {
    const float *values = patch;
    if (is_run(&at, g))
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
  const int32_t width = g[G_KW] * g[G_C], size = g[G_KH] * width, line = g[G_W] * g[G_C];
  window at = first_window(g);
  clear_run(dx, g[G_H] * line);
  for (int32_t n = 0; n < count;) { /* position by position */
    walk_to(&at, (int32_t)kept[n], g);
    const int32_t end = at.base + g[G_O], rows = at.ky1 - at.ky0, run = (at.kx1 - at.kx0) * g[G_C];
    const float *taps = w + at.ky0 * width + at.kx0 * g[G_C];
    float *target = dx + under(&at, at.ky0, at.kx0, g);
    while (n < count && (int32_t)kept[n] < end) {
      const int32_t e = (int32_t)kept[n++];
      const float *filter = taps + (e - at.base) * size;
      if (n < count && (int32_t)kept[n] < end) {
        const int32_t next = (int32_t)kept[n++];
        const float *const filters[2] = {filter, taps + (next - at.base) * size}, errors[2] = {delta[e], delta[next]};
        add_scaled_rows_2(target, line, filters, width, rows, run, errors);
      } else {
        add_scaled_rows(target, line, filter, width, rows, run, delta[e]);
      }
    }
  }
}

void conv_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x, const mcuref_index *kept,
                     int32_t count, float rate, int32_t dense_bias, const int32_t *g) {
  const int32_t outputs = g[G_O], width = g[G_KW] * g[G_C], size = g[G_KH] * width, line = g[G_W] * g[G_C];
  window at = first_window(g);
  for (int32_t n = 0; n < count;) { /* position by position */
    walk_to(&at, (int32_t)kept[n], g);
    const int32_t end = at.base + outputs, rows = at.ky1 - at.ky0, run = (at.kx1 - at.kx0) * g[G_C];
    const float *source = x + under(&at, at.ky0, at.kx0, g);
    float *taps = w + at.ky0 * width + at.kx0 * g[G_C];
    for (; n < count && (int32_t)kept[n] < end; n++) {
      const int32_t e = (int32_t)kept[n], channel = e - at.base;
      const float step = rate * delta[e];
      add_scaled_rows(taps + channel * size, width, source, line, rows, run, -step);
      if (!dense_bias) b[channel] = b[channel] - step;
    }
  }
  if (dense_bias)
    for (int32_t e = 0; e < g[G_HO] * g[G_WO] * outputs; e++) b[e % outputs] = b[e % outputs] - rate * delta[e];
}
