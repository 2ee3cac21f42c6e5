#include "numerics.h" /* first: no fused multiply-add */

#include "selection.h"

#include "elementary.h"

static int32_t magnitude_bits(float value) { return bits_of(value) & MAGNITUDE; }

int32_t keep_nonzero(mcuref_index *restrict kept, const float *delta, int32_t n) {
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++)
    if (magnitude_bits(delta[i])) kept[count++] = (mcuref_index)i;
  return count;
}

/* How many magnitudes reach a value, which is not 0: the sign of value - 1 - magnitude is the answer, without a branch.
 * Four a pass, because selections spend their time here. */
static int32_t count_reaching(const float *delta, int32_t n, int32_t value) {
  const int32_t below = value - 1;
  uint32_t count = 0;
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    count += (uint32_t)(below - magnitude_bits(delta[i])) >> 31;
    count += (uint32_t)(below - magnitude_bits(delta[i + 1])) >> 31;
    count += (uint32_t)(below - magnitude_bits(delta[i + 2])) >> 31;
    count += (uint32_t)(below - magnitude_bits(delta[i + 3])) >> 31;
  }
  for (; i < n; i++) count += (uint32_t)(below - magnitude_bits(delta[i])) >> 31;
  return (int32_t)count;
}

/* The bits of the k-th largest magnitude (1 <= k < n), or any value that parts the k largest from the rest: bisection
 * from the highest bit; a bit stays set while at least k magnitudes reach the value. */
static int32_t threshold_bits(const float *delta, int32_t n, int32_t k, int32_t *reaching) {
  int32_t threshold = 0;
  *reaching = n;
  for (int32_t bit = 1 << 30; bit; bit >>= 1) {
    const int32_t count = count_reaching(delta, n, threshold | bit);
    if (count < k) continue;
    threshold |= bit;
    *reaching = count;
    if (count == k) break;
  }
  return threshold;
}

int32_t top_k(mcuref_index *restrict kept, const float *delta, int32_t n, int32_t k) {
  int32_t reaching, count = 0, ties = k;
  /* with so few, as behind a ReLU or a pool, there is no need to look for a threshold */
  if (k >= n || count_reaching(delta, n, 1) <= k) return keep_nonzero(kept, delta, n);
  const int32_t threshold = threshold_bits(delta, n, k, &reaching);
  if (reaching > k) ties -= count_reaching(delta, n, threshold + 1); /* of those that equal the threshold, how many fit */
  for (int32_t i = 0; i < n; i++) {
    const int32_t magnitude = magnitude_bits(delta[i]);
    if (magnitude > threshold) {
      kept[count++] = (mcuref_index)i;
    } else if (magnitude == threshold && ties > 0) {
      kept[count++] = (mcuref_index)i;
      ties -= 1;
    }
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
