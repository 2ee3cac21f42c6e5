#include "numerics.h" /* first: no fused multiply-add */

#include "depthwise.h"

#include "runs.h"
#include "window.h"

/* out[8] = sums over the taps of eight channels, in registers, + b[8]; x and w are at the first tap. */
static void sum_8(float *restrict out, const float *x, const float *w, const float *b, const window *at, const int32_t *g) {
  const int32_t c = g[G_C], columns = at->kx1 - at->kx0;
  float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, a4 = 0.0f, a5 = 0.0f, a6 = 0.0f, a7 = 0.0f;
  for (int32_t rows = at->ky1 - at->ky0; rows > 0; rows--) {
    for (int32_t kx = columns; kx > 0; kx--) {
      a0 = a0 + x[0] * w[0];
      a1 = a1 + x[1] * w[1];
      a2 = a2 + x[2] * w[2];
      a3 = a3 + x[3] * w[3];
      a4 = a4 + x[4] * w[4];
      a5 = a5 + x[5] * w[5];
      a6 = a6 + x[6] * w[6];
      a7 = a7 + x[7] * w[7];
      x += c;
      w += c;
    }
    x += (g[G_W] - columns) * c;
    w += (g[G_KW] - columns) * c;
  }
  out[0] = a0 + b[0];
  out[1] = a1 + b[1];
  out[2] = a2 + b[2];
  out[3] = a3 + b[3];
  out[4] = a4 + b[4];
  out[5] = a5 + b[5];
  out[6] = a6 + b[6];
  out[7] = a7 + b[7];
}

/* The same of one channel. */
static float sum_1(const float *x, const float *w, float b, const window *at, const int32_t *g) {
  const int32_t c = g[G_C], columns = at->kx1 - at->kx0;
  float a = 0.0f;
  for (int32_t rows = at->ky1 - at->ky0; rows > 0; rows--) {
    for (int32_t kx = columns; kx > 0; kx--) {
      a = a + *x * *w;
      x += c;
      w += c;
    }
    x += (g[G_W] - columns) * c;
    w += (g[G_KW] - columns) * c;
  }
  return a + b;
}

void depthwise_forward_f32(float *restrict out, const float *x, const float *w, const float *b, const int32_t *g) {
  const int32_t c = g[G_C], end = g[G_HO] * g[G_WO] * c;
  window at = first_window(g);
  while (at.base < end) {
    const float *values = x + under(&at, at.ky0, at.kx0, g), *taps = w + (at.ky0 * g[G_KW] + at.kx0) * c;
    int32_t i = 0;
    for (; i + 8 <= c; i += 8) sum_8(out + i, values + i, taps + i, b + i, &at, g);
    for (; i < c; i++) out[i] = sum_1(values + i, taps + i, b[i], &at, g);
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
  for (int32_t n = 0; n < count;) { /* position by position */
    walk_to(&at, (int32_t)kept[n], g);
    const int32_t end = at.base + c, columns = at.kx1 - at.kx0;
    float *first = dx + under(&at, at.ky0, at.kx0, g);
    const float *taps = w + (at.ky0 * g[G_KW] + at.kx0) * c;
    for (; n < count && (int32_t)kept[n] < end; n++) {
      const int32_t channel = (int32_t)kept[n] - at.base;
      const float *tap = taps + channel, error = delta[kept[n]];
      float *target = first + channel;
      for (int32_t rows = at.ky1 - at.ky0; rows > 0; rows--) {
        for (int32_t kx = columns; kx > 0; kx--) {
          *target = *target + error * *tap;
          target += c;
          tap += c;
        }
        target += (g[G_W] - columns) * c;
        tap += (g[G_KW] - columns) * c;
      }
    }
  }
}

void depthwise_update_f32(float *restrict w, float *restrict b, const float *delta, const float *x,
                          const mcuref_index *kept, int32_t count, float rate, int32_t dense_bias, const int32_t *g) {
  const int32_t c = g[G_C];
  window at = first_window(g);
  for (int32_t n = 0; n < count;) { /* position by position */
    walk_to(&at, (int32_t)kept[n], g);
    const int32_t end = at.base + c, columns = at.kx1 - at.kx0;
    const float *first = x + under(&at, at.ky0, at.kx0, g);
    float *taps = w + (at.ky0 * g[G_KW] + at.kx0) * c;
    for (; n < count && (int32_t)kept[n] < end; n++) {
      const int32_t channel = (int32_t)kept[n] - at.base;
      const float *source = first + channel, step = rate * delta[kept[n]];
      float *tap = taps + channel;
      for (int32_t rows = at.ky1 - at.ky0; rows > 0; rows--) {
        for (int32_t kx = columns; kx > 0; kx--) {
          *tap = *tap - step * *source;
          source += c;
          tap += c;
        }
        source += (g[G_W] - columns) * c;
        tap += (g[G_KW] - columns) * c;
      }
      if (!dense_bias) b[channel] = b[channel] - step;
    }
  }
  if (dense_bias)
    for (int32_t e = 0; e < g[G_HO] * g[G_WO] * c; e++) b[e % c] = b[e % c] - rate * delta[e];
}
