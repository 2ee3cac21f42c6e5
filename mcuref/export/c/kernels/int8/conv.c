#include "conv.h"

#include "../window.h"
#include "exponents.h"
#include "patches.h"
#include "rows.h"
#include "scaling.h"
#include "weights.h"

/* The outputs of one position, of `count` channels. */
static void one_position(int8_t *restrict z, const row_inputs *patch, const int8_t *w, int32_t count, int32_t n,
                         const channel_scaling *by) {
  int32_t sums[SCALED];
  for (int32_t o = 0; o < count;) {
    const int32_t more = dot_rows(sums + o, patch, w, count - o, n);
    w += more * n;
    o += more;
  }
  scale_sums(z, sums, count, by);
}

/* The outputs of all positions, of `count` channels of which z has the first. */
static void all_positions(int8_t *restrict z, int8_t *restrict patch, const int8_t *x, const int8_t *w, int32_t count,
                          int32_t x_zero, const channel_scaling *by, const int32_t *g) {
  const int32_t size = g[G_KH] * g[G_KW] * g[G_C], end = g[G_HO] * g[G_WO] * g[G_O];
  row_inputs from;
  for (window at = first_window(g); at.base < end; find_taps(&at, g)) {
    take_inputs(&from, patch, MCUREF_MVE ? 0 : x_zero);
    if (g[G_KH] == 1 && at.ky1 == 1 && at.ky0 == 0 && at.kx0 == 0 && at.kx1 == g[G_KW])
      from.x = x + under(&at, 0, 0, g);
    else
      gather_patch_s8(patch, x, x_zero, &at, g);
    one_position(z + at.base, &from, w, count, size, by);
    step_window(&at, g);
  }
}

void conv_forward_s8(int8_t *restrict z, int8_t *restrict patch, const int8_t *x, const int8_t *w, const int32_t *b,
                     const int32_t *multiplier, const int8_t *shift, const int8_t *exponents, int32_t x_zero,
                     int32_t z_zero, int32_t low, int32_t high, int32_t x_slot, int32_t z_slot, const int32_t *g) {
  const int32_t ex = exponent(exponents, x_slot), more = ex - exponent(exponents, z_slot);
  const int32_t size = g[G_KH] * g[G_KW] * g[G_C];
  channel_scaling by;
  by.zero = z_zero;
  by.low = low;
  by.high = high;
  for (int32_t o = 0; o < g[G_O]; o += SCALED, w += SCALED * size) {
    const int32_t count = smaller(SCALED, g[G_O] - o);
    find_scaling(&by, b + o, multiplier + o, shift + o, count, ex, more);
#if MCUREF_MVE
    for (int32_t i = 0; i < count; i++) /* inputs are taken as they are */
      by.bias[i] = less_zero(by.bias[i], x_zero, sum_of_row(w + i * size, size));
#endif
    all_positions(z + o, patch, x, w, count, x_zero, &by, g);
  }
}

/* What the entries of one position send back; begins anew. */
static void send_back(int32_t *dx, weighted_rows *from, const window *at, const int32_t *g) {
  const int32_t c = g[G_C];
  const row_runs runs = {at->ky1 - at->ky0, (at->kx1 - at->kx0) * c, g[G_W] * c, g[G_KW] * c};
  add_rows(dx + under(at, at->ky0, at->kx0, g), from, &runs, 0);
  from->count = 0;
}

void conv_backward_input_s8(int32_t *restrict dx, const int8_t *delta, const int8_t *w, const uint8_t *share,
                            int32_t halvings, const int32_t *g) {
  const int32_t outputs = g[G_O], size = g[G_KH] * g[G_KW] * g[G_C], end = g[G_HO] * g[G_WO] * outputs;
  weighted_rows from;
  window at = first_window(g);
  from.count = 0;
  clear_sums(dx, g[G_H] * g[G_W] * g[G_C]);
  for (; at.base < end; step_window(&at, g)) {
    int32_t found = 0;
    for (int32_t o = 0; o < outputs; o++) {
      const int32_t q = delta[at.base + o];
      if (q == 0) continue;
      if (!found) find_taps(&at, g);
      found = 1;
      collect_row(&from, w + o * size + (at.ky0 * g[G_KW] + at.kx0) * g[G_C], rsh_s32(q * share[o], halvings));
      if (from.count == ROWS) send_back(dx, &from, &at, g);
    }
    if (from.count > 0) send_back(dx, &from, &at, g);
  }
}

/* Adds the patches collected, all with these taps, to the sums of a channel; begins anew. */
static void add_patches(int32_t *sums, weighted_rows *from, const window *at, int32_t x_zero, const int32_t *g) {
  const int32_t c = g[G_C], width = g[G_KW] * c;
  const row_runs runs = {at->ky1 - at->ky0, (at->kx1 - at->kx0) * c, width, g[G_W] * c};
  add_rows(sums + at->ky0 * width + at->kx0 * c, from, &runs, x_zero);
  from->count = 0;
}

static int32_t same_taps(const window *a, const window *b) {
  return a->kx0 == b->kx0 && a->kx1 == b->kx1 && a->ky0 == b->ky0 && a->ky1 == b->ky1;
}

/* sums[kh, kw, c] = sum over positions p of delta[p, channel] (patch of p - x_zero); what lies outside adds nothing. *total
 * is the sum of delta[p, channel], of which delta has the first. Returns whether there is any: else sums are not written. */
static int32_t sum_channel(int32_t *restrict sums, int32_t *total, const int8_t *delta, const int8_t *x, int32_t x_zero,
                           const int32_t *g) {
  const int32_t outputs = g[G_O], across = g[G_WO], stride = g[G_SW];
  weighted_rows from;
  window at = first_window(g), first = at;
  int32_t any = 0;
  *total = from.count = 0;
  for (int32_t oy = 0; oy < g[G_HO]; oy++, at.top += g[G_SH]) {
    at.left = -g[G_LEFT];
    for (int32_t ox = 0; ox < across; ox++, delta += outputs, at.left += stride) {
      const int32_t q = *delta;
      if (q == 0) continue;
      if (!any) clear_sums(sums, g[G_KH] * g[G_KW] * g[G_C]);
      find_taps(&at, g);
      if (from.count == ROWS || !same_taps(&at, &first)) add_patches(sums, &from, &first, x_zero, g);
      if (from.count == 0) first = at;
      collect_row(&from, x + under(&at, at.ky0, at.kx0, g), q);
      *total += q;
      any = 1;
    }
  }
  add_patches(sums, &from, &first, x_zero, g);
  return any;
}

void conv_update_s8(int8_t *restrict w, int32_t *restrict b, int8_t *restrict r, int8_t *restrict r2,
                    int32_t *restrict draws, int32_t *restrict sums, const int8_t *delta, const int8_t *x,
                    const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents, int32_t sample_rate,
                    int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g) {
  const stored_weights weights = weights_stored(w, r, r2, draws);
  const int32_t outputs = g[G_O], n = g[G_KH] * g[G_KW] * g[G_C], ex = exponent(exponents, x_slot);
  int32_t trained = 0, total;
  for (int32_t o = 0; o < outputs; o++) {
    const weight_step by = step_of(rate + 2 * o, sample_rate, delta_exponent[0], ex);
    if (by.shift > STEP_RIGHTMOST || !sum_channel(sums, &total, delta + o, x, x_zero, g)) continue;
    const weight_row row = {o * n, 1, o * n, n};
    update_row_by_sums(&weights, &row, sums, 1, by.factor, by.shift);
    b[o] = moved_bias(b[o], (int64_t)(total * by.factor) * bias_multiplier, by.shift + ex + bias_shift);
    trained = 1;
  }
  if (trained) count_draws(&weights);
}

void conv_gradient_s8(int32_t *restrict a, int32_t *restrict a_bias, int32_t *restrict sums, const int8_t *delta,
                      const int8_t *x, const uint8_t *rate, const int32_t *delta_exponent, const int8_t *exponents,
                      int32_t x_zero, int32_t x_slot, int32_t bias_multiplier, int32_t bias_shift, const int32_t *g) {
  const int32_t outputs = g[G_O], n = g[G_KH] * g[G_KW] * g[G_C], ex = exponent(exponents, x_slot);
  int32_t total;
  for (int32_t o = 0; o < outputs; o++) {
    const weight_step by = step_of(rate + 2 * o, STEP_WHOLE, delta_exponent[0], ex);
    if (by.shift > STEP_RIGHTMOST || !sum_channel(sums, &total, delta + o, x, x_zero, g)) continue;
    const int32_t finer = by.shift - 8;
    add_row_of_sums(a + o * n, 1, sums, n, by.factor, finer);
    a_bias[o] = added(a_bias[o], (int64_t)(total * by.factor) * bias_multiplier, finer + ex + bias_shift);
  }
}
