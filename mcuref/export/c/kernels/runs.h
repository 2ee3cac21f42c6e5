/* Runs: element-wise operations on contiguous float32, with one element per output, so there is no order to define. */
#ifndef MCUREF_RUNS_H
#define MCUREF_RUNS_H

#include <stdint.h>

#include "names.h"

/* y[i] = 0, i < n. */
void clear_run(float *y, int32_t n);

/* y[i] = x[i], i < n, of `rows` runs, y_step and x_step apart: what a window and a patch have in common. */
void copy_rows(float *restrict y, int32_t y_step, const float *restrict x, int32_t x_step, int32_t rows, int32_t n);

/* y[i] = y[i] + a * x[i], i < n; the two do not overlap. */
void add_scaled(float *restrict y, const float *restrict x, int32_t n, float a);

/* The same of `rows` runs, y_step and x_step apart: what a window and a filter have in common. */
void add_scaled_rows(float *restrict y, int32_t y_step, const float *restrict x, int32_t x_step, int32_t rows, int32_t n,
                     float a);

/* Two of add_scaled_rows into the same runs, one after the other, in one pass: x[r] and a[r] belong together. */
void add_scaled_rows_2(float *restrict y, int32_t y_step, const float *const x[2], int32_t x_step, int32_t rows, int32_t n,
                       const float a[2]);

/* Four of add_scaled into the same run, one after the other, in one pass: x[r] and a[r] belong together. */
void add_scaled_4(float *restrict y, const float *const x[4], int32_t n, const float a[4]);

#endif
