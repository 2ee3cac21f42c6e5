#include "depthwise.h"

#include "../window.h"
#include "exponents.h"
#include "scaling.h"
#include "taps.h"
#include "weights.h"

/* Channels that go over all positions before others do. */
typedef struct {
  channel_scaling scaling;
  int32_t x_zero, count, outputs;
  int32_t each;              /* whether each output has a channel of its own */
  int32_t channel[CHANNELS]; /* of the input, that an output sees */
} channel_group;

/* The outputs of one position; x and w are those of its first tap. */
static void one_position(int8_t *restrict z, const int8_t *x, const int8_t *w, const tap_grid *taps,
                         const channel_group *of) {
  const int32_t count = of->count;
  int32_t sums[CHANNELS];
  for (int32_t i = 0; i < count;)
    i += sum_products(sums + i, x + of->channel[i], w + i, of->each ? count : 1, of->outputs, of->x_zero, taps);
  scale_sums(z, sums, count, &of->scaling);
}

void depthwise_forward_s8(int8_t *restrict z, const int8_t *x, const int8_t *w, const int32_t *b, const int32_t *multiplier,
                          const int8_t *shift, const int8_t *exponents, int32_t x_zero, int32_t z_zero, int32_t low,
                          int32_t high, int32_t x_slot, int32_t z_slot, const int32_t *g) {
  const int32_t ex = exponent(exponents, x_slot), more = ex - exponent(exponents, z_slot);
  const int32_t outputs = g[G_O], copies = outputs / g[G_C], end = g[G_HO] * g[G_WO] * outputs;
  channel_group of;
  of.scaling.zero = z_zero;
  of.scaling.low = low;
  of.scaling.high = high;
  of.x_zero = x_zero;
  of.outputs = outputs;
  of.each = copies == 1;
  for (int32_t first = 0; first < outputs; first += CHANNELS) {
    of.count = smaller(outputs - first, CHANNELS);
    find_scaling(&of.scaling, b + first, multiplier + first, shift + first, of.count, ex, more);
    for (int32_t i = 0; i < of.count; i++) of.channel[i] = (first + i) / copies;
    for (window at = first_window(g); at.base < end; find_taps(&at, g)) {
      const tap_grid taps = grid_of(&at, g);
      one_position(z + at.base + first, x + under(&at, at.ky0, at.kx0, g), w + taps.first * outputs + first, &taps, &of);
      step_window(&at, g);
    }
  }
}

/* Send v w of one entry back to the taps of its window, of one channel. */
static inline void send_taps(int32_t *restrict dx, const int8_t *w, int32_t v, const window *at, int32_t c,
                             int32_t outputs, int32_t line, int32_t across) {
  for (int32_t ky = at->ky0; ky < at->ky1; ky++) {
    int32_t *target = dx;
    const int8_t *weight = w;
    for (int32_t kx = at->kx0; kx < at->kx1; kx++) {
      *target += v * *weight;
      target += c;
      weight += outputs;
    }
    dx += line;
    w += across;
  }
}

void depthwise_backward_input_s8(int32_t *restrict dx, const int8_t *delta, const int8_t *w, const uint8_t *share,
                                 int32_t halvings, const int32_t *g) {
  const int32_t c = g[G_C], outputs = g[G_O], copies = outputs / c, end = g[G_HO] * g[G_WO] * outputs;
  const int32_t line = g[G_W] * c, across = g[G_KW] * outputs, half = (1 << halvings) >> 1;
  for (int32_t i = 0; i < g[G_H] * line; i++) dx[i] = 0;
  for (window at = first_window(g); at.base < end; find_taps(&at, g)) {
    const int8_t *weights = w + at.ky0 * across + at.kx0 * outputs;
    int32_t *target = dx + under(&at, at.ky0, at.kx0, g);
    for (int32_t o = 0, left = copies; o < outputs; o++) {
      const int32_t q = *delta++;
      if (q != 0) send_taps(target, weights + o, (q * share[o] + half) >> halvings, &at, c, outputs, line, across);
      if (--left > 0) continue;
      left = copies;
      target++;
    }
    step_window(&at, g);
  }
}

/* Take q (x - zero) of the taps of a window into their sums, of one channel. */
static inline void add_taps(int32_t *restrict sums, const int8_t *x, int32_t q, const window *at, int32_t zero,
                            const int32_t *g) {
  for (int32_t ky = at->ky0; ky < at->ky1; ky++) {
    const int8_t *value = x + under(at, ky, at->kx0, g);
    for (int32_t kx = at->kx0; kx < at->kx1; kx++) {
      sums[ky * g[G_KW] + kx] += q * (*value - zero);
      value += g[G_C];
    }
  }
}

/* sums[kh, kw] = sum over positions p of delta[p] (x under the tap - zero), of the channel whose first values are there;
 * what lies outside adds nothing. *total is the sum of delta[p]. Returns whether there is any. */
static int32_t sum_channel(int32_t *restrict sums, int32_t *restrict total, const int8_t *delta, const int8_t *x,
                           int32_t zero, const int32_t *g) {
  int32_t any = 0;
  window at = {0, 0, -g[G_TOP], 0, 0, 0, 0, 0};
  *total = 0;
  for (int32_t i = 0; i < g[G_KH] * g[G_KW]; i++) sums[i] = 0;
  for (int32_t oy = 0; oy < g[G_HO]; oy++, at.top += g[G_SH])
    for (int32_t ox = 0; ox < g[G_WO]; ox++, delta += g[G_O]) {
      if (*delta == 0) continue;
      at.left = ox * g[G_SW] - g[G_LEFT];
      find_taps(&at, g);
      add_taps(sums, x, *delta, &at, zero, g);
      *total += *delta;
      any = 1;
    }
  return any;
}

void depthwise_update_s8(int8_t *restrict w, int32_t *restrict b, int8_t *restrict r, int8_t *restrict r2,
                         int32_t *restrict draws, int32_t *restrict sums, const int8_t *delta, const int8_t *x,
                         const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents, int32_t sample_rate,
                         int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g) {
  const stored_weights weights = weights_stored(w, r, r2, draws);
  const int32_t outputs = g[G_O], copies = outputs / g[G_C], n = g[G_KH] * g[G_KW], ex = exponent(exponents, x_slot);
  int32_t trained = 0, total;
  for (int32_t o = 0; o < outputs; o++) {
    const weight_step by = step_of(rate + 2 * o, sample_rate, delta_exponent[0], ex);
    if (!sum_channel(sums, &total, delta + o, x + o / copies, x_zero, g) || by.shift > STEP_RIGHTMOST) continue;
    const weight_row row = {o, outputs, o * n, n};
    update_row_by_sums(&weights, &row, sums, 1, by.factor, by.shift);
    b[o] = moved_bias(b[o], (int64_t)(total * by.factor) * bias_multiplier, by.shift + ex + bias_shift);
    trained = 1;
  }
  if (trained) count_draws(&weights);
}

void depthwise_gradient_s8(int32_t *restrict a, int32_t *restrict a_bias, int32_t *restrict sums, const int8_t *delta,
                           const int8_t *x, const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents,
                           int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g) {
  const int32_t outputs = g[G_O], copies = outputs / g[G_C], n = g[G_KH] * g[G_KW], ex = exponent(exponents, x_slot);
  int32_t total;
  for (int32_t o = 0; o < outputs; o++) {
    const weight_step by = step_of(rate + 2 * o, STEP_WHOLE, delta_exponent[0], ex);
    if (!sum_channel(sums, &total, delta + o, x + o / copies, x_zero, g) || by.shift > STEP_RIGHTMOST) continue;
    const int32_t finer = by.shift - 8;
    add_row_of_sums(a + o, outputs, sums, n, by.factor, finer);
    a_bias[o] = added(a_bias[o], (int64_t)(total * by.factor) * bias_multiplier, finer + ex + bias_shift);
  }
}
