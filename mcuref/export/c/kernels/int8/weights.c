#include "weights.h"

#include "../numerics.h"
#include "steps.h"

enum {
  HIGHEST_16 = 127 << 16,  /* of M with 16 bits */
  FINE = 20,               /* bits of a change that is truncated */
  NARROWEST = 24,          /* with shifts from here on steps by int8 values are 0 */
  FAR = 1 << 29,           /* no weight is as far from another, in whatever steps */
  BIAS_LIMIT = 1 << 30
};

static inline int32_t within(int32_t x, int32_t limit) { return x > limit ? limit : x < -limit ? -limit : x; }

weight_step step_of(const uint8_t *rate, int32_t sample_rate, int32_t exponent, int32_t x_exponent) {
  const int32_t shift = rate[1] - 128 + (sample_rate >> 9) - exponent - x_exponent;
  const weight_step step = {(rate[0] * (sample_rate & 511) + 128) >> 8, shift < STEP_LEFTMOST ? STEP_LEFTMOST : shift};
  return step;
}

/* v / 2^shift, to the nearest, halves up, of |v| < 2^61 and any shift; or +-2^33 where it is beyond that. */
static int64_t shifted_far(int64_t v, int32_t shift) {
  if (shift > 0) {
    const int32_t right = shift < 62 ? shift : 62;
    return (v + ((int64_t)1 << (right - 1))) >> right;
  }
  const int32_t left = shift < -33 ? 33 : -shift;
  const int64_t most = ((int64_t)1 << 33) >> left;
  return (v > most ? most : v < -most ? -most : v) * ((int64_t)1 << left);
}

int32_t moved_bias(int32_t b, int64_t v, int32_t shift) {
  const int64_t moved = b - shifted_far(v, shift);
  return (int32_t)(moved > BIAS_LIMIT ? BIAS_LIMIT : moved < -BIAS_LIMIT ? -BIAS_LIMIT : moved);
}

static inline int32_t saturated(int64_t x) { return (int32_t)(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x); }

int32_t added(int32_t a, int64_t v, int32_t shift) { return saturated(a + shifted_far(v, shift)); }

void random_bits(uint32_t words[2], uint32_t stream, uint32_t index) {
  uint32_t low = index, high = stream, key = 0;
  for (int32_t round = 0; round < 10; round++) {
    const uint64_t product = (uint64_t)low * 0xD256D193u;
    low = (uint32_t)(product >> 32) ^ key ^ high;
    high = (uint32_t)product;
    key += 0x9E3779B9u;
  }
  words[0] = low;
  words[1] = high;
}

/* -- changes: v / 2^shift, v = factor g, within +-2^29 where 32 bits do not hold more -------------------------------- */

/* (factor g + half) / 2^right in 32 bits, where these are enough for all g of a row; a shift to the left is in the factor. */
typedef struct {
  int32_t factor, half, right, shift, nearest, wide;
} change;

/* Of magnitudes of g up to the largest; to the nearest, halves up, or downward. shift >= -19. */
static change change_of(int32_t factor, int32_t shift, int32_t nearest, uint32_t largest) {
  change by = {factor, 0, 0, shift, nearest, 1};
  const uint64_t product = (uint64_t)largest * (uint32_t)(factor < 0 ? -factor : factor);
  if (shift > 30 || product >= 1u << 30) return by;
  if (shift > 0) {
    by.right = shift;
    by.half = nearest ? 1 << (shift - 1) : 0;
    by.wide = (uint32_t)product + (uint32_t)by.half >= 1u << 30;
  } else {
    by.wide = (uint32_t)product >= (1u << 30) >> -shift;
    if (!by.wide) by.factor = (int32_t)((uint32_t)factor << -shift);
  }
  return by;
}

static int32_t change_by(const change *by, int32_t g) {
  if (!by->wide) return (by->factor * g + by->half) >> by->right;
  const int64_t v = (int64_t)by->factor * g;
  const int64_t moved = by->nearest || by->shift <= 0 ? shifted_far(v, by->shift) : v >> by->shift;
  return (int32_t)(moved > FAR ? FAR : moved < -FAR ? -FAR : moved);
}

static uint32_t largest_of(const int32_t *sums, int32_t stride, int32_t n) {
  int32_t least = 0, most = 0;
  for (int32_t i = 0; i < n; i++, sums += stride) {
    if (*sums > most) most = *sums;
    if (*sums < least) least = *sums;
  }
  return (uint32_t)most > 0u - (uint32_t)least ? (uint32_t)most : 0u - (uint32_t)least;
}

/* -- weights that are changed ------------------------------------------------------------------------------------------ */

static void move_16(int8_t *w, int8_t *r, int8_t *r2, int32_t by) {
  const int32_t whole = within(*w * 65536 + *r * 256 + (uint8_t)*r2 - by, HIGHEST_16);
  const int32_t upper = (whole + 32768) >> 16;
  *w = (int8_t)upper;
  *r = (int8_t)((whole - upper * 65536) >> 8);
  *r2 = (int8_t)whole;
}

/* The number'th of four draws of 16 bits. */
static int32_t draw_of(const uint32_t words[2], int32_t number) {
  return (int32_t)(words[number >> 1 & 1] >> ((number & 1) * 16) & 0xFFFF);
}

/* Of the changes of weights without residuals ``bits`` are behind the point: draws of as many are added to them. */
static void draw_row(const stored_weights *weights, const weight_row *row, const int8_t *x, const int32_t *sums,
                     int32_t stride, int32_t zero, const change *by, int32_t bits) {
  int8_t *w = weights->w + row->first;
  uint32_t words[2] = {0, 0};
  for (int32_t i = 0; i < row->elements; i++, w += row->stride) {
    const int32_t number = row->number + i, g = sums ? sums[i * stride] : x[i] - zero;
    if (i == 0 || (number & 3) == 0) random_bits(words, (uint32_t)*weights->draws, (uint32_t)number >> 2);
    *w = (int8_t)within(*w - ((change_by(by, g) + (draw_of(words, number) >> (16 - bits))) >> bits), 127);
  }
}

/* The same, and what is behind the point of the new weight is cut off. */
static void truncate_row(int8_t *w, const weight_row *row, const int8_t *x, const int32_t *sums, int32_t stride,
                         int32_t zero, const change *by, int32_t bits) {
  for (int32_t i = 0; i < row->elements; i++, w += row->stride) {
    const int32_t g = sums ? sums[i * stride] : x[i] - zero, whole = *w * (1 << bits) - change_by(by, g);
    *w = (int8_t)within((whole + (whole < 0 ? (1 << bits) - 1 : 0)) >> bits, 127);
  }
}

/* Any way of storing weights, and any changes; of sums or, where these are null, of x - zero. */
static void change_row(const stored_weights *weights, const weight_row *row, const int8_t *x, const int32_t *sums,
                       int32_t stride, int32_t zero, uint32_t largest, int32_t factor, int32_t shift) {
  int32_t at = row->first;
  if (!weights->r) {
    const int32_t most = weights->draws ? 16 : FINE, bits = weights->draws && shift < most ? shift : most;
    const int32_t behind = shift > 0 ? bits : 0;
    const change by = change_of(factor, shift - behind, !weights->draws, largest);
    if (weights->draws)
      draw_row(weights, row, x, sums, stride, zero, &by, behind);
    else
      truncate_row(weights->w + at, row, x, sums, stride, zero, &by, behind);
    return;
  }
  const change by = change_of(factor, shift, 1, largest);
  for (int32_t i = 0; i < row->elements; i++, at += row->stride) {
    const int32_t moved = change_by(&by, sums ? sums[i * stride] : x[i] - zero);
    if (weights->r2)
      move_16(weights->w + at, weights->r + at, weights->r2 + at, moved);
    else
      move_weight(weights->w + at, weights->r + at, moved);
  }
}

/* -- what training spends most of its time with: residuals of 8 bits, and steps of 32 ---------------------------------- */

/* M[i] -= (factor (x[i] - zero) + half) / 2^right, where inputs are not 0. */
static void move_row(int8_t *restrict w, int8_t *restrict r, const row_inputs *inputs, int32_t n, int32_t factor,
                     int32_t half, int32_t right) {
  const int32_t offset = half - inputs->zero * factor;
  int32_t i = 0;
  for (int32_t run = 0; run < inputs->count; run++) {
    i += inputs->gaps[run];
    move_run(w + i, r + i, inputs->x + i, inputs->lengths[run], factor, offset, right);
    i += inputs->lengths[run];
  }
  move_run(w + i, r + i, inputs->x + i, n - i, factor, offset, right); /* what there was no room to list */
}

void update_row(const stored_weights *weights, const weight_row *row, row_inputs *inputs, int32_t factor, int32_t shift) {
  const int32_t zero = inputs->zero;
  if (!weights->r || weights->r2) {
    change_row(weights, row, inputs->x, NULL, 0, zero, 255, factor, shift);
  } else if (shift < NARROWEST) {
    const int32_t left = shift < 0 ? -shift : 0, right = shift > 0 ? shift : 0, half = 1 << right >> 1;
    if (larger(127 - zero, zero + 128) * (factor < 0 ? -factor : factor) < half) return; /* all steps are 0 */
    find_runs(inputs, row->elements);
    move_row(weights->w + row->first, weights->r + row->first, inputs, row->elements, factor * (1 << left), half, right);
  }
}

void update_row_by_sums(const stored_weights *weights, const weight_row *row, const int32_t *sums, int32_t stride,
                        int32_t factor, int32_t shift) {
  const uint32_t largest = largest_of(sums, stride, row->elements);
  const change by = change_of(factor, shift, 1, largest);
  if (!weights->r || weights->r2 || by.wide) {
    change_row(weights, row, NULL, sums, stride, 0, largest, factor, shift);
    return;
  }
  int8_t *w = weights->w + row->first, *r = weights->r + row->first;
  for (int32_t i = 0; i < row->elements; i++, sums += stride, w += row->stride, r += row->stride) {
    const int32_t moved = (*sums * by.factor + by.half) >> by.right;
    if (moved != 0) move_weight(w, r, moved);
  }
}

void add_row(int32_t *a, int32_t stride, const int8_t *x, int32_t zero, int32_t n, int32_t factor, int32_t shift) {
  const change by = change_of(factor, shift, 1, 255);
  for (int32_t i = 0; i < n; i++, a += stride)
    *a = by.wide ? added(*a, (int64_t)factor * (x[i] - zero), shift) : saturated((int64_t)*a + change_by(&by, x[i] - zero));
}

void add_row_of_sums(int32_t *a, int32_t stride, const int32_t *sums, int32_t n, int32_t factor, int32_t shift) {
  const change by = change_of(factor, shift, 1, largest_of(sums, 1, n));
  for (int32_t i = 0; i < n; i++, a += stride)
    *a = by.wide ? added(*a, (int64_t)factor * sums[i], shift) : saturated((int64_t)*a + change_by(&by, sums[i]));
}
