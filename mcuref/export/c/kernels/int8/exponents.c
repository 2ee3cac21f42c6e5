#include "exponents.h"

enum { WINDOW = 64, LARGEST = 15 }; /* samples of which one exponent is made; exponents are from -15 to 15 */

/* How many of y[n] have that value. */
static int32_t number_of(const int8_t *y, int32_t value, int32_t n) {
  int32_t number = 0;
  for (int32_t i = 0; i < n; i++) number += y[i] == value;
  return number;
}

void measure_s8(int32_t *restrict seen, const int8_t *y, int32_t zero, int32_t n) {
  int32_t least = zero, most = zero, ends = 0;
  for (int32_t i = 0; i < n; i++) {
    least = smaller(least, y[i]);
    most = larger(most, y[i]);
  }
  if (least < zero && least == -128) ends += number_of(y, -128, n);
  if (most > zero && most == 127) ends += number_of(y, 127, n);
  seen[0] = ends;
  seen[1] = zero - least;
  seen[2] = most - zero;
}

void adapt_s8(int8_t *restrict exponents, int32_t *restrict state, const int32_t *seen, int32_t slot, int32_t most,
              int32_t below, int32_t above) {
  state[0] += 1;
  state[1] += seen[0];
  state[2] = larger(state[2], seen[1]);
  state[3] = larger(state[3], seen[2]);
  if (state[0] < WINDOW) return;
  const int32_t e = exponents[slot];
  if (state[1] > most)
    exponents[slot] = (int8_t)smaller(e + 1, LARGEST);
  else if (state[2] <= below && state[3] <= above && larger(state[2], state[3]) > 0)
    exponents[slot] = (int8_t)larger(e - 1, -LARGEST);
  for (int32_t i = 0; i < 4; i++) state[i] = 0;
}
