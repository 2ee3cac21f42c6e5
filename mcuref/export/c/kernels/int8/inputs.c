#include "inputs.h"

#include "../numerics.h"

/* How long the run is that begins with x: up to GAP zeros, and no longer than n, in whole blocks. */
static int32_t length_of_run(const int8_t *x, int32_t zero, int32_t n) {
  int32_t length = 0, zeros = 0;
  for (int32_t i = 0; i < n && zeros < GAP; i++) {
    zeros++;
    if (x[i] == zero) continue;
    length = i + 1;
    zeros = 0;
  }
  return smaller((length + BLOCK - 1) & -BLOCK, n);
}

void find_runs(row_inputs *inputs, int32_t n) {
  const int8_t *x = inputs->x;
  const int32_t zero = inputs->zero;
  int32_t i = 0;
  if (inputs->count > 0) return;
  for (; i < n && inputs->count < RUNS; inputs->count++) {
    int32_t gap = 0;
    for (const int32_t most = smaller(n - i, UINT8_MAX); gap < most && x[i] == zero; gap++) i++;
    const int32_t length = length_of_run(x + i, zero, smaller(n - i, LONGEST_RUN));
    inputs->gaps[inputs->count] = (uint8_t)gap;
    inputs->lengths[inputs->count] = (uint8_t)length;
    i += length;
  }
}
