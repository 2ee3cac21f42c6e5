#include "../numerics.h" /* first: no fused multiply-add */

#include "conv.h"

#include "../dense.h"
#include "../runs.h"
#include "../window.h"
#include "reading.h"

/* patch[kh, kw, channels] = the values under a window; 0 outside of the image. */
#define GATHER(name, type)                                                                                        \
  static void name(float *restrict patch, const type *x, const float *mean, const float *scale, const window *at, \
                   const int32_t *g, int32_t c) {                                                                 \
    const int32_t width = g[G_KW] * g[G_C], run = (at->kx1 - at->kx0) * g[G_C];                                   \
    clear_run(patch, g[G_KH] * width);                                                                            \
    for (int32_t ky = at->ky0; ky < at->ky1; ky++) {                                                              \
      const int32_t first = under(at, ky, at->kx0, g);                                                            \
      float *values = patch + ky * width + at->kx0 * g[G_C];                                                      \
      reading next = begin_reading(mean, scale, c, first, 1);                                                     \
      for (int32_t i = 0; i < run; i++) values[i] = read_value(&next, (float)x[first + i]);                       \
    }                                                                                                             \
  }

#define CONV_FORWARD(name, gather, type)                                                               \
  void name(float *restrict out, float *restrict patch, const type *x, const float *w, const float *b, \
            const float *mean, const float *scale, const int32_t *g, int32_t c) {                      \
    const int32_t size = g[G_KH] * g[G_KW] * g[G_C], end = g[G_HO] * g[G_WO] * g[G_O];                 \
    window at = first_window(g);                                                                       \
    while (at.base < end) {                                                                            \
      gather(patch, x, mean, scale, &at, g, c);                                                        \
      dense_forward_f32(out + at.base, patch, w, b, g[G_O], size);                                     \
      step_window(&at, g);                                                                             \
      find_taps(&at, g);                                                                               \
    }                                                                                                  \
  }

#define CONV_UPDATE(name, gather, type)                                                                            \
  void name(float *restrict w, float *restrict b, float *restrict patch, const float *delta, const type *x,        \
            const mcuref_index *kept, const float *mean, const float *scale, int32_t count, float rate,            \
            int32_t dense_bias, const int32_t *g, int32_t c) {                                                     \
    const int32_t outputs = g[G_O], width = g[G_KW] * g[G_C], size = g[G_KH] * width;                              \
    window at = first_window(g);                                                                                   \
    int32_t gathered = -1; /* the position whose patch there is */                                                 \
    for (int32_t n = 0; n < count; n++) {                                                                          \
      const int32_t e = (int32_t)kept[n];                                                                          \
      const float step = rate * delta[e];                                                                          \
      walk_to(&at, e, g);                                                                                          \
      if (gathered != at.base) gather(patch, x, mean, scale, &at, g, c);                                           \
      gathered = at.base;                                                                                          \
      const int32_t first = at.kx0 * g[G_C], run = (at.kx1 - at.kx0) * g[G_C];                                     \
      float *taps = w + (e - at.base) * size + first;                                                              \
      for (int32_t ky = at.ky0; ky < at.ky1; ky++)                                                                 \
        add_scaled(taps + ky * width, patch + ky * width + first, run, -step);                                     \
      if (!dense_bias) b[e - at.base] = b[e - at.base] - step;                                                     \
    }                                                                                                              \
    if (dense_bias)                                                                                                \
      for (int32_t e = 0; e < g[G_HO] * g[G_WO] * outputs; e++) b[e % outputs] = b[e % outputs] - rate * delta[e]; \
  }

#define CONV(ending, type)                                      \
  GATHER(gather_##ending, type)                                 \
  CONV_FORWARD(conv_forward_of_##ending, gather_##ending, type) \
  CONV_UPDATE(conv_update_of_##ending, gather_##ending, type)

CONV(u8, uint8_t)
CONV(i8, int8_t)
CONV(i16, int16_t)
CONV(f32, float)
