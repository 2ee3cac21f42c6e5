/* What weights become in training, int8: what dense layers, convolutions and sums of batches have in common.
 *
 * A weight is a whole number M, in steps of 2^-bits of its scale. Residuals say how it is stored, and with what it is
 * rounded:
 *
 *     r and r2    M = 2^16 w + 2^8 r + (r2 mod 256), 16 bits; to the nearest
 *     r           M = 2^8 w + r, 8 bits; to the nearest
 *     draws       M = w; stochastic, by random numbers of a stream
 *     neither     M = w; the new weight is truncated toward 0, as a conversion from float32 to int8 in C does it
 *
 * w is what the forward pass reads: the nearest to M / 2^bits, halves up. M stays within +-127 2^bits. A step is
 * D = v / 2^T, rounded so, and M becomes M - D. A row is the weights of one output; weights are numbered row by row.
 */
#ifndef MCUREF_INT8_WEIGHTS_H
#define MCUREF_INT8_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "../names.h"
#include "inputs.h"

enum {
  STEP_LEFTMOST = -7, /* shifts T: beyond the one it is this, */
  STEP_RIGHTMOST = 62, /* beyond the other nothing changes */
  STEP_WHOLE = 256 /* the sample_rate that changes no factor and no shift */
};

/* The weights of a layer as they are stored, null what there is none of; draws counts instructions that took some. */
typedef struct {
  int8_t *w, *r, *r2;
  int32_t *draws;
} stored_weights;

/* Weights with what an instruction has for them: draws are for those without residuals. */
static inline stored_weights weights_stored(int8_t *w, int8_t *r, int8_t *r2, int32_t *draws) {
  const stored_weights weights = {w, r, r2, r ? NULL : draws};
  return weights;
}

/* The weights of an output: where the first is, how far the others are apart, the number of the first, and how many. */
typedef struct {
  int32_t first, stride, number, elements;
} weight_row;

/* By what the errors of an output are multiplied: factor / 2^shift. */
typedef struct {
  int32_t factor, shift;
} weight_step;

/* (factor, T) of a row with the rate {factor of 128 to 255, shift + 128}. sample_rate is s << 9 | m, and stands for
 * m 2^(-8 - s), m from 129 to 256. The factor is at most 255, and T = shift + s - exponent - x_exponent, at least -7. */
weight_step step_of(const uint8_t *rate, int32_t sample_rate, int32_t exponent, int32_t x_exponent);

/* b - v / 2^shift, to the nearest, halves up, within +-2^30; |v| < 2^61, any shift. */
int32_t moved_bias(int32_t b, int64_t v, int32_t shift);

/* a + v / 2^shift, to the nearest, halves up; the end of int32 that it is beyond. |v| < 2^61, any shift. */
int32_t added(int32_t a, int64_t v, int32_t shift);

/* M[i] -= factor (x[i] - zero) / 2^shift of a row, -7 <= shift <= 62; |factor| <= 127 255. */
void update_row(const stored_weights *weights, const weight_row *row, row_inputs *inputs, int32_t factor, int32_t shift);

/* M[i] -= factor sums[i stride] / 2^shift of a row, 0 <= factor <= 256, -7 <= shift <= 62. */
void update_row_by_sums(const stored_weights *weights, const weight_row *row, const int32_t *sums, int32_t stride,
                        int32_t factor, int32_t shift);

/* Count an instruction that has changed weights: the next one draws from another stream. */
static inline void count_draws(const stored_weights *weights) {
  if (weights->draws) *weights->draws = (int32_t)((uint32_t)*weights->draws + 1u);
}

/* a[i stride] += factor (x[i] - zero) / 2^shift, to the nearest, for i < n; saturating in int32. */
void add_row(int32_t *a, int32_t stride, const int8_t *x, int32_t zero, int32_t n, int32_t factor, int32_t shift);

/* a[i stride] += factor sums[i] / 2^shift, to the nearest, for i < n; saturating in int32. */
void add_row_of_sums(int32_t *a, int32_t stride, const int32_t *sums, int32_t n, int32_t factor, int32_t shift);

#endif
