/* What the kernels ask of a compiler: float32 arithmetic as IEEE 754 says, each operation rounded once.
 *
 * Compile with -ffp-contract=off (no fused multiply-add) and without -ffast-math; see the Makefile.
 */
#ifndef MCUREF_NUMERICS_H
#define MCUREF_NUMERICS_H

#include <float.h>
#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__)
#error "-ffast-math changes results: compile without it"
#endif
#if FLT_EVAL_METHOD != 0
#error "float expressions must be evaluated in float32 (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

#define MAGNITUDE 0x7FFFFFFF /* all bits of a float32 but the sign */

/* The bits of a float32. */
static inline int32_t bits_of(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* The float32 with these bits. */
static inline float from_bits(int32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

#endif
