/* The geometry of a window that slides over an image: what convolution and pooling have in common.
 *
 * g is int32[12]: height, width, channels of the input; height, width, channels of the output; height and width of the
 * window; strides down and across; padding above and to the left. Output (oy, ox) sees the window that begins at row
 * oy * stride down - padding above, column ox * stride across - padding left; what lies outside the input counts as 0.
 * Activations are [height, width, channels], flat.
 */
#ifndef MCUREF_WINDOW_H
#define MCUREF_WINDOW_H

#include <stdint.h>

#include "index.h"
#include "numerics.h"

enum { G_H, G_W, G_C, G_HO, G_WO, G_O, G_KH, G_KW, G_SH, G_SW, G_TOP, G_LEFT };

/* One position of the window: its first output, its top left corner, and which of its taps lie inside the input. */
typedef struct {
  int32_t base, ox, top, left; /* flat index of its first output, output column, corner in the input */
  int32_t ky0, ky1, kx0, kx1;  /* taps inside: ky0 <= ky < ky1, kx0 <= kx < kx1 */
} window;

/* Which taps of a window with its corner at (top, left) lie inside the input. */
static inline void find_taps(window *at, const int32_t *g) {
  at->ky0 = larger(0, -at->top);
  at->ky1 = larger(at->ky0, smaller(g[G_KH], g[G_H] - at->top));
  at->kx0 = larger(0, -at->left);
  at->kx1 = larger(at->kx0, smaller(g[G_KW], g[G_W] - at->left));
}

/* The first position. */
static inline window first_window(const int32_t *g) {
  window at = {0, 0, -g[G_TOP], -g[G_LEFT], 0, 0, 0, 0};
  find_taps(&at, g);
  return at;
}

/* On to the next position, row by row. */
static inline void step_window(window *at, const int32_t *g) {
  at->base += g[G_O];
  at->ox += 1;
  at->left += g[G_SW];
  if (at->ox == g[G_WO]) {
    at->ox = 0;
    at->left = -g[G_LEFT];
    at->top += g[G_SH];
  }
}

/* On to the position of output e, which does not come before the present one: cheaper than a division. */
static inline void walk_to(window *at, int32_t e, const int32_t *g) {
  if (e < at->base + g[G_O]) return;
  while (e >= at->base + g[G_O]) step_window(at, g);
  find_taps(at, g);
}

/* Flat index of the input's element (ky, kx, channel 0) under a window. */
static inline int32_t under(const window *at, int32_t ky, int32_t kx, const int32_t *g) {
  return ((at->top + ky) * g[G_W] + at->left + kx) * g[G_C];
}

#endif
