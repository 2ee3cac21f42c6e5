/* A sample, read where it lies: v[i] = (x[i] - mean[i % c]) * scale[i % c], as a load would write it. */
#ifndef MCUREF_SAMPLE_READING_H
#define MCUREF_SAMPLE_READING_H

#include <stdint.h>

#include "../numerics.h"

/* Where values are read one after another: the pair of mean and scale that the next one has. */
typedef struct {
  const float *mean, *scale;
  int32_t c, pair, step; /* step: pairs from one value to the next */
  float offset, factor;
} reading;

/* Begin at x[first], and go on by so many elements each time. */
static inline reading begin_reading(const float *mean, const float *scale, int32_t c, int32_t first, int32_t step) {
  const reading begun = {mean, scale, c, c > 1 ? first % c : 0, c > 1 ? step % c : 0, mean[0], scale[0]};
  return begun;
}

/* The value that the next element stands for. */
static inline float read_value(reading *at, float element) {
  if (at->c > 1) {
    at->offset = at->mean[at->pair];
    at->factor = at->scale[at->pair];
    at->pair += at->step;
    if (at->pair >= at->c) at->pair -= at->c;
  }
  return (element - at->offset) * at->factor;
}

#endif
