#include "../numerics.h" /* first: no fused multiply-add */

#include "dense.h"

#include "reading.h"

#if defined(__GNUC__)
#define NOT_INLINE __attribute__((noinline)) /* so that the stack is that of one of two, not of both together */
#else
#define NOT_INLINE
#endif

/* The value that x[i] stands for: where all have one pair, and where it is the next one of several. */
#define BY_ONE(i) (((float)x[i] - at.offset) * at.factor)
#define BY_NEXT(i) read_value(&at, (float)x[i])

/* A value times its weights, number i of four rows, added to the sums of a lane. */
#define INTO(lane, value, i) \
  do {                       \
    const float v = (value); \
    lane##0 += w0[i] * v;    \
    lane##1 += w1[i] * v;    \
    lane##2 += w2[i] * v;    \
    lane##3 += w3[i] * v;    \
  } while (0)

/* Four rows a pass, so that a value is normalised once for all four, and of these two lanes: l and l + 4, which the tree
 * adds first; even has the sums of lanes 0, 2, 4 and 6. Rows behind the last are the last once more. */
#define FORWARD(name, type, VALUE)                                                                                        \
  NOT_INLINE static void name(float *restrict out, const type *x, const float *w, const float *b, const float *mean,      \
                              const float *scale, int32_t outputs, int32_t inputs, int32_t c) {                           \
    for (int32_t j = 0; j < outputs; j += 4) {                                                                            \
      const int32_t last = smaller(outputs - j, 4) - 1;                                                                   \
      const float *w0 = w + j * inputs, *w1 = w0 + smaller(1, last) * inputs;                                             \
      const float *w2 = w0 + smaller(2, last) * inputs, *w3 = w0 + last * inputs;                                         \
      float even[4], odd[4];                                                                                              \
      for (int32_t l = 0; l < 4; l++) {                                                                                   \
        float low0 = 0.0f, low1 = 0.0f, low2 = 0.0f, low3 = 0.0f, high0 = 0.0f, high1 = 0.0f, high2 = 0.0f, high3 = 0.0f; \
        float *sums = (l & 1) ? odd : even;                                                                               \
        reading at = begin_reading(mean, scale, c, l, 4);                                                                 \
        int32_t i = l;                                                                                                    \
        for (; i + 4 < inputs; i += 8) {                                                                                  \
          INTO(low, VALUE(i), i);                                                                                         \
          INTO(high, VALUE(i + 4), i + 4);                                                                                \
        }                                                                                                                 \
        if (i < inputs) INTO(low, VALUE(i), i);                                                                           \
        sums[0] = l < 2 ? low0 + high0 : sums[0] + (low0 + high0);                                                        \
        sums[1] = l < 2 ? low1 + high1 : sums[1] + (low1 + high1);                                                        \
        sums[2] = l < 2 ? low2 + high2 : sums[2] + (low2 + high2);                                                        \
        sums[3] = l < 2 ? low3 + high3 : sums[3] + (low3 + high3);                                                        \
      }                                                                                                                   \
      for (int32_t r = 0; r <= last; r++) out[j + r] = (even[r] + odd[r]) + b[j + r];                                     \
    }                                                                                                                     \
  }

#define DENSE_FORWARD(ending, type)                                                                                     \
  FORWARD(forward_by_one_##ending, type, BY_ONE)                                                                        \
  FORWARD(forward_by_next_##ending, type, BY_NEXT)                                                                      \
  void dense_forward_of_##ending(float *restrict out, const type *x, const float *w, const float *b, const float *mean, \
                                 const float *scale, int32_t outputs, int32_t inputs, int32_t c) {                      \
    if (c == 1)                                                                                                         \
      forward_by_one_##ending(out, x, w, b, mean, scale, outputs, inputs, c);                                           \
    else                                                                                                                \
      forward_by_next_##ending(out, x, w, b, mean, scale, outputs, inputs, c);                                          \
  }

DENSE_FORWARD(u8, uint8_t)
DENSE_FORWARD(i8, int8_t)
DENSE_FORWARD(i16, int16_t)
DENSE_FORWARD(f32, float)

/* A value times their steps, taken from its weights, number i of four rows. */
#define OUT_OF_ROWS(value, i) \
  do {                        \
    const float v = (value);  \
    w0[i] -= step0 * v;       \
    w1[i] -= step1 * v;       \
    w2[i] -= step2 * v;       \
    w3[i] -= step3 * v;       \
  } while (0)

/* Four kept rows a pass, then single ones. */
#define DENSE_UPDATE(name, type)                                                                                            \
  void name(float *restrict w, float *restrict b, const float *delta, const type *x, const mcuref_index *kept,              \
            const float *mean, const float *scale, int32_t count, float rate, int32_t dense_bias, int32_t outputs,          \
            int32_t inputs, int32_t c) {                                                                                    \
    int32_t n = 0;                                                                                                          \
    for (; n + 4 <= count; n += 4) {                                                                                        \
      const int32_t j0 = (int32_t)kept[n], j1 = (int32_t)kept[n + 1], j2 = (int32_t)kept[n + 2], j3 = (int32_t)kept[n + 3]; \
      const float step0 = rate * delta[j0], step1 = rate * delta[j1], step2 = rate * delta[j2], step3 = rate * delta[j3];   \
      float *w0 = w + j0 * inputs, *w1 = w + j1 * inputs, *w2 = w + j2 * inputs, *w3 = w + j3 * inputs;                     \
      reading at = begin_reading(mean, scale, c, 0, 1);                                                                     \
      if (c == 1)                                                                                                           \
        for (int32_t i = 0; i < inputs; i++) OUT_OF_ROWS(BY_ONE(i), i);                                                     \
      else                                                                                                                  \
        for (int32_t i = 0; i < inputs; i++) OUT_OF_ROWS(BY_NEXT(i), i);                                                    \
    }                                                                                                                       \
    for (; n < count; n++) {                                                                                                \
      const int32_t j = (int32_t)kept[n];                                                                                   \
      const float step = rate * delta[j];                                                                                   \
      reading at = begin_reading(mean, scale, c, 0, 1);                                                                     \
      for (int32_t i = 0; i < inputs; i++) w[j * inputs + i] -= step * BY_NEXT(i);                                          \
    }                                                                                                                       \
    for (n = 0; n < (dense_bias ? outputs : count); n++) {                                                                  \
      const int32_t j = dense_bias ? n : (int32_t)kept[n];                                                                  \
      b[j] -= rate * delta[j];                                                                                              \
    }                                                                                                                       \
  }

DENSE_UPDATE(dense_update_of_u8, uint8_t)
DENSE_UPDATE(dense_update_of_i8, int8_t)
DENSE_UPDATE(dense_update_of_i16, int16_t)
DENSE_UPDATE(dense_update_of_f32, float)
