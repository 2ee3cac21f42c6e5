#include "numerics.h" /* first: no fused multiply-add */

#include "selection.h"

#include <stddef.h>

#include "draws.h"
#include "elementary.h"
#include "lanes.h"

enum {
  BINS = 64,
  FEW = BINS,       /* entries of one bin that are listed, in place of the counts */
  SAMPLED = 5,      /* about 2^5 entries are looked at for a guess */
  BELOW = 5 << 23,  /* five powers of two, in the bits of a float32 */
  WHOLE_SHIFT = 25, /* 64 bins are all magnitudes */
  STEP = 5          /* a bin becomes 32 */
};

static int32_t magnitude_bits(float value) { return bits_of(value) & MAGNITUDE; }

int32_t likely_from(const float *delta, int32_t n) {
  int32_t largest = 0;
  for (int32_t i = 0; i < n; i += n >> SAMPLED | 1) largest = larger(largest, magnitude_bits(delta[i]));
  return larger(largest - BELOW, 0);
}

/* An entry goes into its lane and its bin; one that is 0 changes neither. */
#define TAKE(lane, entry)                                                \
  do {                                                                   \
    const int32_t magnitude = magnitude_bits(entry);                     \
    if (magnitude == 0) break;                                           \
    (lane) += from_bits(magnitude);                                      \
    tally[smaller(larger((magnitude - low) >> shift, 0), BINS - 1)] += 1; \
  } while (0)

float sum_and_tally(int32_t *restrict tally, const float *x, int32_t n, int32_t low, int32_t shift) {
  float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, a4 = 0.0f, a5 = 0.0f, a6 = 0.0f, a7 = 0.0f;
  const float *end = x + (n & ~7);
  for (int32_t bin = 0; bin < BINS; bin++) tally[bin] = 0;
  for (; x < end; x += 8) {
    TAKE(a0, x[0]);
    TAKE(a1, x[1]);
    TAKE(a2, x[2]);
    TAKE(a3, x[3]);
    TAKE(a4, x[4]);
    TAKE(a5, x[5]);
    TAKE(a6, x[6]);
    TAKE(a7, x[7]);
  }
  n &= 7;
  if (n > 0) TAKE(a0, x[0]);
  if (n > 1) TAKE(a1, x[1]);
  if (n > 2) TAKE(a2, x[2]);
  if (n > 3) TAKE(a3, x[3]);
  if (n > 4) TAKE(a4, x[4]);
  if (n > 5) TAKE(a5, x[5]);
  if (n > 6) TAKE(a6, x[6]);
  return tree(a0, a1, a2, a3, a4, a5, a6, a7);
}

/* The bin that the k-th largest magnitude lies in, -1 if fewer are not 0; `above` are how many lie in higher ones. */
static int32_t bin_of_largest(const int32_t *tally, int32_t k, int32_t *above) {
  int32_t bin = BINS - 1, count = 0;
  for (; bin >= 0 && count + tally[bin] < k; bin--) count += tally[bin];
  *above = count;
  return bin;
}

/* Holds on to an entry, in held[count], while it is one of the `most` largest that came; of equal ones the first stay. */
static int32_t hold(int32_t *held, int32_t count, int32_t most, const float *delta, int32_t entry) {
  int32_t least = MAGNITUDE, place = 0;
  if (count < most) {
    held[count] = entry;
    return count + 1;
  }
  for (int32_t j = 0; j < count; j++) {
    const int32_t magnitude = magnitude_bits(delta[held[j]]);
    if (magnitude > least) continue;
    least = magnitude;
    place = j;
  }
  if (magnitude_bits(delta[entry]) > least) {
    for (; place < count - 1; place++) held[place] = held[place + 1];
    held[place] = entry;
  }
  return count;
}

/* Puts held[more] between kept[count], both ascending; returns how many there are. */
static int32_t merge(mcuref_index *restrict kept, int32_t count, const int32_t *held, int32_t more) {
  const int32_t total = count + more;
  for (int32_t end = total - 1; more > 0; end--) {
    if (count > 0 && (int32_t)kept[count - 1] > held[more - 1])
      kept[end] = kept[--count];
    else
      kept[end] = (mcuref_index)held[--more];
  }
  return total;
}

/* Most entries are below `least`: they cost a load, a comparison of what is left without the sign, and a branch. */
#define KEEP(entry)                                                  \
  do {                                                               \
    if ((uint32_t)bits_of(delta[entry]) << 1 < unsigned_least) break; \
    if (magnitude_bits(delta[entry]) > most)                         \
      kept[count++] = (mcuref_index)(entry);                         \
    else                                                             \
      more = hold(held, more, wanted, delta, entry);                 \
  } while (0)

/* kept[...] = indices of all magnitudes above `most`, and of the `wanted` largest from `least` to there; how many. */
static int32_t keep_largest(mcuref_index *restrict kept, int32_t *restrict held, const float *delta, int32_t n,
                            int32_t least, int32_t most, int32_t wanted) {
  const uint32_t unsigned_least = (uint32_t)least << 1;
  int32_t count = 0, more = 0, i = 0;
  for (; i + 4 <= n; i += 4) {
    KEEP(i);
    KEEP(i + 1);
    KEEP(i + 2);
    KEEP(i + 3);
  }
  for (; i < n; i++) KEEP(i);
  return merge(kept, count, held, more);
}

/* kept[...] = indices of all magnitudes from `least` on; returns how many. */
static int32_t keep_reaching(mcuref_index *restrict kept, const float *delta, int32_t n, int32_t least) {
  return keep_largest(kept, NULL, delta, n, least, least - 1, 0);
}

int32_t keep_nonzero(mcuref_index *restrict kept, const float *delta, int32_t n) { return keep_reaching(kept, delta, n, 1); }

/* kept[...] = indices of all magnitudes above `least`, and of the first so many that equal it; returns how many. */
static int32_t keep_first(mcuref_index *restrict kept, const float *delta, int32_t n, int32_t least, int32_t ties) {
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) {
    const int32_t magnitude = magnitude_bits(delta[i]);
    if (magnitude > least || (magnitude == least && --ties >= 0)) kept[count++] = (mcuref_index)i;
  }
  return count;
}

int32_t top_k(mcuref_index *restrict kept, int32_t *restrict tally, const float *delta, int32_t n, int32_t k, int32_t low) {
  int32_t shift = FIRST_SHIFT, above, begin, bin;
  if (k >= n) return keep_nonzero(kept, delta, n);
  for (int32_t guessed = 1;; guessed = 0) {
    bin = bin_of_largest(tally, k, &above);
    if (bin < 0) return keep_nonzero(kept, delta, n);
    const int32_t is_open = guessed && (bin == 0 || bin == BINS - 1), wanted = k - above;
    begin = low + (bin << shift);
    const int32_t least = is_open && bin == 0 ? 1 : larger(begin, 1);
    const int32_t most = is_open && bin > 0 ? MAGNITUDE : begin + ((1 << shift) - 1);
    if (tally[bin] == wanted) return keep_reaching(kept, delta, n, least);
    if (tally[bin] <= FEW) return keep_largest(kept, tally, delta, n, least, most, wanted);
    if (shift == 0) return keep_first(kept, delta, n, least, wanted);
    if (is_open) {
      low = 0;
      shift = WHOLE_SHIFT;
    } else {
      shift -= STEP;
      low = begin - (1 << shift); /* its first bin is of what lies below */
    }
    sum_and_tally(tally, delta, n, low, shift);
  }
}

int32_t random_k(mcuref_index *restrict kept, int32_t *draws, const float *delta, int32_t n, int32_t k, uint32_t key) {
  const uint32_t stream = stream_of_selection(draws);
  uint32_t words[2] = {0, 0};
  int32_t count = 0;
  for (int32_t i = 0; k > 0; i++) {
    if ((i & 1) == 0) random_bits(words, key, stream, (uint32_t)i >> 1);
    if (!is_drawn(words, i, k, n)) continue;
    k -= 1;
    if (delta[i] != 0.0f) kept[count++] = (mcuref_index)i;
  }
  return count;
}

int32_t is_finite(float y) { return y <= FLT_MAX; }

float back_propagation_ratio(float y, float y_max, float s_min, float s_range, float damping) {
  return (s_min + s_range * (y / y_max)) * damping;
}

int32_t kept_entries(float ratio, int32_t n, int32_t truncate) {
  const float value = ratio * (float)n;
  if (value >= (float)n) return n;
  if (!(value >= 1.0f)) return 1;
  return smaller(larger((int32_t)(truncate ? value : rint_f32(value)), 1), n);
}

float raise_maximum(float *state, float y, float decay) {
  const float aged = decay * state[0];
  state[0] = y > aged ? y : aged;
  return state[0];
}

float decision(float y, float y_max, float d_min, float d_range, float beta) {
  return (d_min + d_range * (y / y_max)) * beta;
}
