/* Runs of weights with residuals of 8 bits, M = 2^8 w + r, that take a step: what training spends most of its time with. */
#ifndef MCUREF_INT8_STEPS_H
#define MCUREF_INT8_STEPS_H

#include <stdint.h>

#include "../names.h"

/* M less so much, within +-127 2^8. */
static inline void move_weight(int8_t *w, int8_t *r, int32_t by) {
  const int32_t whole = *w * 256 + *r - by, highest = 127 << 8;
  if ((uint32_t)(whole + highest) <= 2u * (uint32_t)highest) {
    *w = (int8_t)((whole + 128) >> 8);
    *r = (int8_t)whole;
  } else {
    *w = whole < 0 ? -127 : 127;
    *r = 0;
  }
}

/* M[i] -= (factor x[i] + offset) / 2^right, downward, for i < n; 0 <= right < 24, nothing has more bits than 32. */
void move_run(int8_t *restrict w, int8_t *restrict r, const int8_t *x, int32_t n, int32_t factor, int32_t offset,
              int32_t right);

#endif
