#include "taps.h"

/* The values of four channels are taken at once, what is left one by one. */
#define FOURS(n) ((n) & ~3)

static void products_of_four(int32_t *sums, const int8_t *x, const int8_t *w, int32_t outputs, int32_t zero,
                             const tap_grid *taps) {
  const int32_t step = taps->step, across = taps->skipped * outputs;
  int32_t a = 0, b = 0, c = 0, d = 0;
  for (int32_t ky = taps->rows; ky > 0; ky--, x += taps->line, w += across)
    for (int32_t kx = taps->columns; kx > 0; kx--, x += step, w += outputs) {
      a += w[0] * (x[0] - zero);
      b += w[1] * (x[1] - zero);
      c += w[2] * (x[2] - zero);
      d += w[3] * (x[3] - zero);
    }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

int32_t sum_products(int32_t sums[CHANNELS], const int8_t *x, const int8_t *w, int32_t channels, int32_t outputs,
                     int32_t zero, const tap_grid *taps) {
  const int32_t n = smaller(channels, CHANNELS), across = taps->skipped * outputs;
  int32_t i = 0;
  for (; i < FOURS(n); i += 4) products_of_four(sums + i, x + i, w + i, outputs, zero, taps);
  for (; i < n; i++) {
    const int8_t *value = x + i, *weight = w + i;
    int32_t sum = 0;
    for (int32_t ky = taps->rows; ky > 0; ky--, value += taps->line, weight += across)
      for (int32_t kx = taps->columns; kx > 0; kx--, value += taps->step, weight += outputs)
        sum += *weight * (*value - zero);
    sums[i] = sum;
  }
  return n;
}

int32_t sum_values(int32_t sums[CHANNELS], const int8_t *x, int32_t channels, const tap_grid *taps) {
  const int32_t n = smaller(channels, CHANNELS), step = taps->step;
  for (int32_t i = 0; i < n;) {
    const int8_t *value = x + i;
    int32_t a = 0, b = 0, c = 0, d = 0;
    if (i < FOURS(n)) {
      for (int32_t ky = taps->rows; ky > 0; ky--, value += taps->line)
        for (int32_t kx = taps->columns; kx > 0; kx--, value += step) {
          a += value[0];
          b += value[1];
          c += value[2];
          d += value[3];
        }
      sums[i + 1] = b;
      sums[i + 2] = c;
      sums[i + 3] = d;
    } else {
      for (int32_t ky = taps->rows; ky > 0; ky--, value += taps->line)
        for (int32_t kx = taps->columns; kx > 0; kx--, value += step) a += *value;
    }
    sums[i] = a;
    i += i < FOURS(n) ? 4 : 1;
  }
  return n;
}
