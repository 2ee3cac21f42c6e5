/* Taps of a window that lie inside the input, of channels that are not summed with each other: what depthwise convolutions
 * and pooling consist of. Sums are int32. */
#ifndef MCUREF_INT8_TAPS_H
#define MCUREF_INT8_TAPS_H

#include <stdint.h>

#include "../names.h"
#include "../window.h"

enum { CHANNELS = 16 }; /* at once, at most */

/* Rows of so many columns, how far values are from one to the next, and from the end of a row to the next one; the number
 * of the first tap, ky kw + kx, and how many are left out between rows. */
typedef struct {
  int32_t rows, columns, step, line, first, skipped;
} tap_grid;

static inline tap_grid grid_of(const window *at, const int32_t *g) {
  const int32_t rows = at->ky1 - at->ky0, columns = at->kx1 - at->kx0, c = g[G_C];
  const tap_grid taps = {rows, columns, c, (g[G_W] - columns) * c, at->ky0 * g[G_KW] + at->kx0, g[G_KW] - columns};
  return taps;
}

/* sums[i] = sum over taps of w[tap, i] (x[tap, i] - zero) for as many channels as are done at once. Weights
 * of so many outputs. Returns how many that is. */
int32_t sum_products(int32_t sums[CHANNELS], const int8_t *x, const int8_t *w, int32_t channels, int32_t outputs,
                     int32_t zero, const tap_grid *taps);

/* sums[i] = sum over taps of x[tap, i], likewise. */
int32_t sum_values(int32_t sums[CHANNELS], const int8_t *x, int32_t channels, const tap_grid *taps);

#endif
