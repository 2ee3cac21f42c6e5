/* Sums in eight lanes: the order in which every float32 dot product and absolute sum is added up.
 *
 * Lane l takes the elements i = l, l + 8, l + 16, ... in order, the tail included; then the lanes are added as a tree:
 * a[l] += a[l + 4] for l < 4, then + 2, then + 1.
 */
#ifndef MCUREF_LANES_H
#define MCUREF_LANES_H

#include <stdint.h>

#include "names.h"

/* y[rows] = dot products of x[n] and the rows of w[rows, n], each + b of its row. */
void dots(float *restrict y, const float *x, const float *w, const float *b, int32_t rows, int32_t n);

/* Sum of |x[i]|, i < n; NaN and infinity propagate. */
float abs_sum(const float *x, int32_t n);

/* Sum of eight lanes. */
static inline float tree(float a0, float a1, float a2, float a3, float a4, float a5, float a6, float a7) {
  a0 += a4;
  a1 += a5;
  a2 += a6;
  a3 += a7;
  a0 += a2;
  a1 += a3;
  return a0 + a1;
}

#endif
