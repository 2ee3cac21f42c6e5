/* Rows of weights times int8 values: what dense layers and convolutions consist of.
 *
 * Sums are int32 and lose their upper bits, so that their order changes no bit, and each core may have its own.
 */
#ifndef MCUREF_INT8_ROWS_H
#define MCUREF_INT8_ROWS_H

#include <stdint.h>

#include "../names.h"
#include "inputs.h"

enum {
  ROWS = 4,               /* at once */
  DOT_RUNS = !MCUREF_MVE /* whether it pays to look for runs of inputs before */
};

/* sums[r] = sum over i of (x[i] - zero) w[r, i] for as many rows of w[rows, n] as are done at once: 4, or 1 of fewer.
 * Returns how many that is. Where runs of inputs were looked for, nothing outside them is read. */
int32_t dot_rows(int32_t sums[ROWS], const row_inputs *inputs, const int8_t *w, int32_t rows, int32_t n);

/* A sum and a product; a sum less the product of zero and the sum of the weights: upper bits are lost. */
static inline int32_t plus_one(int32_t sum, int32_t x, int32_t w) { return (int32_t)((uint32_t)sum + (uint32_t)(x * w)); }
static inline int32_t less_zero(int32_t sum, int32_t zero, int32_t weights) {
  return (int32_t)((uint32_t)sum - (uint32_t)zero * (uint32_t)weights);
}

#if MCUREF_MVE
/* The sum of w[n]: with vectors zero is not subtracted from each input but, times this, from a sum. */
int32_t sum_of_row(const int8_t *w, int32_t n);
#endif

/* Rows of int8 that are added to sums, each times a factor of 15 bits; the others, if there are fewer, times 0. */
typedef struct {
  const int8_t *rows[ROWS];
  int32_t factors[ROWS], count;
} weighted_rows;

/* One row more; there is room for it. */
static inline void collect_row(weighted_rows *from, const int8_t *row, int32_t factor) {
  from->rows[from->count] = row;
  from->factors[from->count++] = factor;
}

/* Runs of as many elements, and how far one begins from the other, in sums and in rows. */
typedef struct {
  int32_t count, elements, sums_apart, rows_apart;
} row_runs;

/* y[i] += sum over r of factors[r] (rows[r][i] - zero) for i of those runs. */
void add_rows(int32_t *y, const weighted_rows *from, const row_runs *runs, int32_t zero);

/* y[i] = 0 for i < n. */
void clear_sums(int32_t *y, int32_t n);

#endif
