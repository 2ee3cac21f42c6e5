#include "../numerics.h" /* first: no fused multiply-add */

#include "depthwise.h"

#include "../runs.h"
#include "../window.h"
#include "reading.h"

#define DEPTHWISE_FORWARD(name, type)                                                                                  \
  void name(float *restrict out, const type *x, const float *w, const float *b, const float *mean, const float *scale, \
            const int32_t *g, int32_t c) {                                                                             \
    const int32_t channels = g[G_C], end = g[G_HO] * g[G_WO] * channels;                                               \
    window at = first_window(g);                                                                                       \
    while (at.base < end) {                                                                                            \
      clear_run(out, channels);                                                                                        \
      for (int32_t ky = at.ky0; ky < at.ky1; ky++)                                                                     \
        for (int32_t kx = at.kx0; kx < at.kx1; kx++) {                                                                 \
          const int32_t first = under(&at, ky, kx, g);                                                                 \
          const float *tap = w + (ky * g[G_KW] + kx) * channels;                                                       \
          reading next = begin_reading(mean, scale, c, first, 1);                                                      \
          for (int32_t i = 0; i < channels; i++) out[i] += read_value(&next, (float)x[first + i]) * tap[i];            \
        }                                                                                                              \
      for (int32_t i = 0; i < channels; i++) out[i] = out[i] + b[i];                                                   \
      out += channels;                                                                                                 \
      step_window(&at, g);                                                                                             \
      find_taps(&at, g);                                                                                               \
    }                                                                                                                  \
  }

/* The taps of one kept entry: each is a weight of its own, so their order does not matter. */
#define DEPTHWISE_UPDATE(name, type)                                                                                  \
  void name(float *restrict w, float *restrict b, const float *delta, const type *x, const mcuref_index *kept,        \
            const float *mean, const float *scale, int32_t count, float rate, int32_t dense_bias, const int32_t *g,   \
            int32_t c) {                                                                                              \
    const int32_t channels = g[G_C];                                                                                  \
    window at = first_window(g);                                                                                      \
    for (int32_t n = 0; n < count; n++) {                                                                             \
      const int32_t e = (int32_t)kept[n];                                                                             \
      const float step = rate * delta[e];                                                                             \
      walk_to(&at, e, g);                                                                                             \
      for (int32_t ky = at.ky0; ky < at.ky1; ky++) {                                                                  \
        int32_t i = under(&at, ky, at.kx0, g) + (e - at.base);                                                        \
        float *tap = w + (ky * g[G_KW] + at.kx0) * channels + (e - at.base);                                          \
        reading next = begin_reading(mean, scale, c, i, channels);                                                    \
        for (int32_t kx = at.kx0; kx < at.kx1; kx++) {                                                                \
          *tap = *tap - step * read_value(&next, (float)x[i]);                                                        \
          i += channels;                                                                                              \
          tap += channels;                                                                                            \
        }                                                                                                             \
      }                                                                                                               \
      if (!dense_bias) b[e - at.base] = b[e - at.base] - step;                                                        \
    }                                                                                                                 \
    if (dense_bias)                                                                                                   \
      for (int32_t e = 0; e < g[G_HO] * g[G_WO] * channels; e++) b[e % channels] = b[e % channels] - rate * delta[e]; \
  }

#define DEPTHWISE(ending, type)                          \
  DEPTHWISE_FORWARD(depthwise_forward_of_##ending, type) \
  DEPTHWISE_UPDATE(depthwise_update_of_##ending, type)

DEPTHWISE(u8, uint8_t)
DEPTHWISE(i8, int8_t)
DEPTHWISE(i16, int16_t)
DEPTHWISE(f32, float)
