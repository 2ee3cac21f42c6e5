#include "numerics.h" /* first: no fused multiply-add */

#include "lanes.h"

static float dot(const float *x, const float *w, int32_t n) {
  float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, a4 = 0.0f, a5 = 0.0f, a6 = 0.0f, a7 = 0.0f;
  const float *end = x + (n & ~7);
  if (x < end) { /* lanes 1 to 7 without the 0 before: see FIRST */
    a0 += w[0] * x[0];
    a1 = w[1] * x[1];
    a2 = w[2] * x[2];
    a3 = w[3] * x[3];
    a4 = w[4] * x[4];
    a5 = w[5] * x[5];
    a6 = w[6] * x[6];
    a7 = w[7] * x[7];
    w += 8;
    while ((x += 8) < end) {
      a0 += w[0] * x[0];
      a1 += w[1] * x[1];
      a2 += w[2] * x[2];
      a3 += w[3] * x[3];
      a4 += w[4] * x[4];
      a5 += w[5] * x[5];
      a6 += w[6] * x[6];
      a7 += w[7] * x[7];
      w += 8;
    }
  }
  n &= 7;
  if (n > 0) a0 += w[0] * x[0];
  if (n > 1) a1 += w[1] * x[1];
  if (n > 2) a2 += w[2] * x[2];
  if (n > 3) a3 += w[3] * x[3];
  if (n > 4) a4 += w[4] * x[4];
  if (n > 5) a5 += w[5] * x[5];
  if (n > 6) a6 += w[6] * x[6];
  return tree(a0, a1, a2, a3, a4, a5, a6, a7);
}

#if defined(__SOFTFP__) || (defined(__riscv) && !defined(__riscv_flen))
#define TWO_ROWS 0 /* float32 is computed by functions, and the lanes of two rows would lie on the stack */
#else
#define TWO_ROWS 1
#endif
#if TWO_ROWS

/* A lane of each of two rows takes a value. */
#define TAKE(l)          \
  do {                   \
    a##l += w[l] * x[l]; \
    b##l += v[l] * x[l]; \
  } while (0)

/* Its first, without the 0 before it: what is lost is the sign of a 0, and the tree adds it to lane 0, never -0. */
#define FIRST(l)        \
  do {                  \
    a##l = w[l] * x[l]; \
    b##l = v[l] * x[l]; \
  } while (0)

/* y[2] = dots of x[n] and the rows of w[2, n], + bias: in one pass, so that x is read once. */
static void dot_2(float *restrict y, const float *x, const float *w, const float *bias, int32_t n) {
  float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, a4 = 0.0f, a5 = 0.0f, a6 = 0.0f, a7 = 0.0f;
  float b0 = 0.0f, b1 = 0.0f, b2 = 0.0f, b3 = 0.0f, b4 = 0.0f, b5 = 0.0f, b6 = 0.0f, b7 = 0.0f;
  const float *v = w + n, *end = x + (n & ~7);
  if (x < end) {
    TAKE(0);
    FIRST(1);
    FIRST(2);
    FIRST(3);
    FIRST(4);
    FIRST(5);
    FIRST(6);
    FIRST(7);
    w += 8;
    v += 8;
    while ((x += 8) < end) {
      TAKE(0);
      TAKE(1);
      TAKE(2);
      TAKE(3);
      TAKE(4);
      TAKE(5);
      TAKE(6);
      TAKE(7);
      w += 8;
      v += 8;
    }
  }
  n &= 7;
  if (n > 0) TAKE(0);
  if (n > 1) TAKE(1);
  if (n > 2) TAKE(2);
  if (n > 3) TAKE(3);
  if (n > 4) TAKE(4);
  if (n > 5) TAKE(5);
  if (n > 6) TAKE(6);
  y[0] = tree(a0, a1, a2, a3, a4, a5, a6, a7) + bias[0];
  y[1] = tree(b0, b1, b2, b3, b4, b5, b6, b7) + bias[1];
}

#endif

void dots(float *restrict y, const float *x, const float *w, const float *b, int32_t rows, int32_t n) {
  int32_t j = 0;
#if TWO_ROWS
  for (; j + 2 <= rows; j += 2) dot_2(y + j, x, w + j * n, b + j, n);
#endif
  for (; j < rows; j++) y[j] = dot(x, w + j * n, n) + b[j];
}

static float magnitude(float value) { return from_bits(bits_of(value) & MAGNITUDE); }

float abs_sum(const float *x, int32_t n) {
  float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, a4 = 0.0f, a5 = 0.0f, a6 = 0.0f, a7 = 0.0f;
  const float *end = x + (n & ~7);
  while (x < end) {
    a0 += magnitude(x[0]);
    a1 += magnitude(x[1]);
    a2 += magnitude(x[2]);
    a3 += magnitude(x[3]);
    a4 += magnitude(x[4]);
    a5 += magnitude(x[5]);
    a6 += magnitude(x[6]);
    a7 += magnitude(x[7]);
    x += 8;
  }
  n &= 7;
  if (n > 0) a0 += magnitude(x[0]);
  if (n > 1) a1 += magnitude(x[1]);
  if (n > 2) a2 += magnitude(x[2]);
  if (n > 3) a3 += magnitude(x[3]);
  if (n > 4) a4 += magnitude(x[4]);
  if (n > 5) a5 += magnitude(x[5]);
  if (n > 6) a6 += magnitude(x[6]);
  return tree(a0, a1, a2, a3, a4, a5, a6, a7);
}
