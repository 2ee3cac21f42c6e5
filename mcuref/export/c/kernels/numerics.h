/* What the kernels ask of a compiler: float32 arithmetic as IEEE 754 says, each operation rounded once.
 *
 * Every kernel includes this first. It keeps a compiler from fusing a product and a sum into one operation that is rounded
 * once, which some do by default, and from guessing by types which values may be the same bytes of the arena; and it stops
 * where flags that change results can be seen. What it cannot: clang's -ffp-contract=fast and -funsafe-math-optimizations,
 * and clang needs -fno-strict-aliasing. Subnormal numbers must be kept: FPSCR.FZ = 0, as after a reset.
 */
#ifndef MCUREF_NUMERICS_H
#define MCUREF_NUMERICS_H

#include <float.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off", "no-strict-aliasing") /* GCC ignores the standard's pragma */
#if defined(__ARM_FEATURE_MVE)
#pragma GCC optimize("no-tree-vectorize") /* its vectors flush subnormal numbers to 0 */
#endif
#else
#pragma STDC FP_CONTRACT OFF
#endif
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "-ffast-math, and what it consists of, change results: compile without"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "-ffinite-math-only makes NaN and infinity pass unseen: compile without"
#endif
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16 /* 16: half precision, too, has arithmetic of its own */
#error "float expressions must be evaluated in float32 (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif
#if defined(__SIZEOF_INT__) && __SIZEOF_INT__ < 4
#error "int must have 32 bits, which it has not on cores of 8 and 16 bits such as AVR"
#endif

#define MAGNITUDE 0x7FFFFFFF /* all bits of a float32 but the sign */

/* A float32 and its bits. */
typedef union {
  float value;
  int32_t bits;
} mcuref_bits;

/* The bits of a float32. */
static inline int32_t bits_of(float value) {
  const mcuref_bits both = {value};
  return both.bits;
}

/* The float32 with these bits. */
static inline float from_bits(int32_t bits) {
  mcuref_bits both;
  both.bits = bits;
  return both.value;
}

static inline int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

#endif
