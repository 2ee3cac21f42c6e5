#include "weights.h"

#include "../draws.h"
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

/* -- changes: v / 2^shift, v = factor g, within +-2^29 where 32 bits do not hold more -------------------------------- */

/* (factor g + half) / 2^right in 32 bits, where these are enough for all g of a row; left shifts are in the factor. */
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

static int32_t wide_change(const change *by, int32_t g) {
  const int64_t v = (int64_t)by->factor * g;
  const int64_t moved = by->nearest || by->shift <= 0 ? shifted_far(v, by->shift) : v >> by->shift;
  return (int32_t)(moved > FAR ? FAR : moved < -FAR ? -FAR : moved);
}

static inline int32_t change_by(const change *by, int32_t g) {
  return by->wide ? wide_change(by, g) : (by->factor * g + by->half) >> by->right;
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

/* A row that is changed, in any way of storing it, by x - zero or, where x is null, by sums. Of the changes of weights
 * without residuals `bits` are behind the point. */
typedef struct {
  const stored_weights *weights;
  const weight_row *row;
  const int8_t *x;
  const int32_t *sums;
  int32_t zero, stride, bits;
  change by;
  uint32_t words[2]; /* draws for four weights */
  int32_t four;      /* which four these are */
} row_change;

/* The draw of a weight, of as many bits as are behind the point. */
static int32_t draw_of(row_change *of, int32_t number) {
  if (number >> 2 != of->four) {
    of->four = number >> 2;
    random_bits(of->words, 0, (uint32_t)*of->weights->draws, (uint32_t)of->four);
  }
  return (int32_t)(of->words[number >> 1 & 1] >> ((number & 1) * 16) & 0xFFFF) >> (16 - of->bits);
}

/* What a weight becomes whose change has bits behind the point, if these are cut off. */
static int32_t truncated(int32_t w, int32_t by, int32_t bits) {
  const int32_t whole = w * (1 << bits) - by;
  return (whole + (whole < 0 ? (1 << bits) - 1 : 0)) >> bits;
}

/* The weights from i on, before the last; one that is not to be changed stays as it is. */
static void change_some(row_change *of, int32_t i, int32_t last) {
  const stored_weights *weights = of->weights;
  int32_t at = of->row->first + i * of->row->stride;
  for (; i < last; i++, at += of->row->stride) {
    const int32_t g = of->x ? of->x[i] - of->zero : of->sums[i * of->stride];
    if (g == 0) continue;
    const int32_t by = change_by(&of->by, g);
    int8_t *w = weights->w + at;
    if (weights->r2)
      move_16(w, weights->r + at, weights->r2 + at, by);
    else if (weights->r)
      move_weight(w, weights->r + at, by);
    else if (weights->draws)
      *w = (int8_t)within(*w - ((by + draw_of(of, of->row->number + i)) >> of->bits), 127);
    else
      *w = (int8_t)within(truncated(*w, by, of->bits), 127);
  }
}

/* A row that is to be changed by magnitudes of g up to the largest. */
static row_change changed_row(const stored_weights *weights, const weight_row *row, int32_t factor, int32_t shift,
                              uint32_t largest) {
  row_change of;
  of.weights = weights;
  of.row = row;
  of.x = NULL;
  of.bits = weights->r || shift <= 0 ? 0 : !weights->draws ? FINE : smaller(shift, 16);
  of.by = change_of(factor, shift - of.bits, weights->r || !weights->draws, largest);
  of.four = -1;
  return of;
}

/* -- what training spends most of its time with: residuals of 8 bits, and steps of 32 ---------------------------------- */

/* M[i] -= (factor x[i] + offset) / 2^right in the runs of inputs. */
static void move_row(const stored_weights *weights, const weight_row *row, const row_inputs *inputs, int32_t factor,
                     int32_t offset, int32_t right) {
  int8_t *w = weights->w + row->first, *r = weights->r + row->first;
  int32_t i = 0;
  for (int32_t run = 0; run < inputs->count; run++) {
    i += inputs->gaps[run];
    move_run(w + i, r + i, inputs->x + i, inputs->lengths[run], factor, offset, right);
    i += inputs->lengths[run];
  }
  move_run(w + i, r + i, inputs->x + i, row->elements - i, factor, offset, right); /* what there was no room to list */
}

/* The same of any way of storing. */
static void change_row(row_change *of, const row_inputs *inputs) {
  int32_t i = 0;
  of->x = inputs->x;
  of->zero = inputs->zero;
  for (int32_t run = 0; run < inputs->count; run++) {
    i += inputs->gaps[run];
    change_some(of, i, i + inputs->lengths[run]);
    i += inputs->lengths[run];
  }
  change_some(of, i, of->row->elements);
}

void update_row(const stored_weights *weights, const weight_row *row, row_inputs *inputs, int32_t factor, int32_t shift) {
  const int32_t zero = inputs->zero, left = shift < 0 ? -shift : 0, right = shift > 0 ? shift : 0;
  if (weights->r) {
    if (shift >= NARROWEST) return;
    const int32_t largest = larger(127 - zero, zero + 128) * (factor < 0 ? -factor : factor);
    if (largest < 1 << right >> 1) return; /* all steps are 0 */
  }
  find_runs(inputs, row->elements);
  if (weights->r && !weights->r2) {
    const int32_t multiplier = factor * (1 << left);
    move_row(weights, row, inputs, multiplier, (1 << right >> 1) - zero * multiplier, right);
  } else {
    row_change of = changed_row(weights, row, factor, shift, 255);
    change_row(&of, inputs);
  }
}

void update_row_by_sums(const stored_weights *weights, const weight_row *row, const int32_t *sums, int32_t stride,
                        int32_t factor, int32_t shift) {
  row_change of = changed_row(weights, row, factor, shift, largest_of(sums, stride, row->elements));
  if (!weights->r || weights->r2 || of.by.wide) {
    of.sums = sums;
    of.stride = stride;
    change_some(&of, 0, row->elements);
    return;
  }
  int8_t *w = weights->w + row->first, *r = weights->r + row->first;
  for (int32_t i = 0; i < row->elements; i++, sums += stride, w += row->stride, r += row->stride) {
    const int32_t by = (*sums * of.by.factor + of.by.half) >> of.by.right;
    if (by != 0) move_weight(w, r, by);
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
