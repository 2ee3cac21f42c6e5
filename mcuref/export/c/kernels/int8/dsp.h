/* The DSP extension of Cortex-M4, M7, M33 and M55: what kernels of int8 use of it. MCUREF_DSP is 1 where it is there, else
 * 0; MCUREF_MVE where there is the vector extension, too, as on most M55.
 *
 * A pair is two int16 in 32 bits, the low one first. A word of four int8 b0 b1 b2 b3 becomes the pairs (b0, b2), its even
 * bytes, and (b1, b3), its odd ones. With MCUREF_DSP_EMULATED plain C does the same on a computer whose memory is
 * little-endian, too, so that what uses it can be tested there.
 */
#ifndef MCUREF_INT8_DSP_H
#define MCUREF_INT8_DSP_H

#include <stdint.h>

#if defined(__ARM_FEATURE_MVE)
#define MCUREF_MVE (__ARM_FEATURE_MVE & 1)
#else
#define MCUREF_MVE 0
#endif
#if MCUREF_MVE
#include <arm_mve.h>
#endif

#if (defined(__ARM_FEATURE_SIMD32) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARMEB__)) || defined(MCUREF_DSP_EMULATED)
#define MCUREF_DSP 1

/* Four bytes anywhere: these cores load and store words that are not aligned. */
typedef struct {
  uint32_t word;
} __attribute__((packed, may_alias)) four_bytes;

static inline uint32_t load_four(const int8_t *from) { return ((const four_bytes *)from)->word; }
static inline void store_four(int8_t *to, uint32_t word) { ((four_bytes *)to)->word = word; }

/* A pair of the same number twice. */
static inline uint32_t pair_of(int32_t x) { return ((uint32_t)x & 0xFFFF) | (uint32_t)x << 16; }

#ifndef MCUREF_DSP_EMULATED

#define DSP(type, name, arguments, instruction, ...)  \
  static inline type name arguments {                 \
    type result;                                      \
    __asm__(instruction : "=r"(result) : __VA_ARGS__); \
    return result;                                    \
  }

/* The even or odd bytes of a word, without sign, as a pair. */
DSP(uint32_t, even_bytes, (uint32_t word), "uxtb16 %0, %1", "r"(word))
DSP(uint32_t, odd_bytes, (uint32_t word), "uxtb16 %0, %1, ror #8", "r"(word))
/* A pair plus the even or odd bytes of a word. */
DSP(uint32_t, plus_evens, (uint32_t pair, uint32_t word), "sxtab16 %0, %1, %2", "r"(pair), "r"(word))
DSP(uint32_t, plus_odds, (uint32_t pair, uint32_t word), "sxtab16 %0, %1, %2, ror #8", "r"(pair), "r"(word))
/* The even or odd bytes of a word, with their signs. */
DSP(uint32_t, evens, (uint32_t word), "sxtb16 %0, %1", "r"(word))
DSP(uint32_t, odds, (uint32_t word), "sxtb16 %0, %1, ror #8", "r"(word))
/* The low halves, or the high ones, of two words as a pair. */
DSP(uint32_t, lows, (uint32_t a, uint32_t b), "pkhbt %0, %1, %2, lsl #16", "r"(a), "r"(b))
DSP(uint32_t, highs, (uint32_t a, uint32_t b), "pkhtb %0, %2, %1, asr #16", "r"(a), "r"(b))
/* sum + the products of two pairs, or of one of a pair's and the low one of the other; upper bits are lost. */
DSP(int32_t, plus_both, (int32_t sum, uint32_t a, uint32_t b), "smlad %0, %2, %3, %0", "0"(sum), "r"(a), "r"(b))
DSP(int32_t, plus_low, (int32_t sum, uint32_t a, int32_t b), "smlabb %0, %2, %3, %1", "r"(sum), "r"(a), "r"(b))
DSP(int32_t, plus_high, (int32_t sum, uint32_t a, int32_t b), "smlatb %0, %2, %3, %1", "r"(sum), "r"(a), "r"(b))
/* sum + the products of a word's bytes with the pairs of the even and the odd ones: in one piece, that registers suffice. */
static inline int32_t plus_four(int32_t sum, uint32_t even, uint32_t odd, uint32_t word) {
  uint32_t pair;
  __asm__("sxtb16 %1, %2\n\tsmlad %0, %3, %1, %0\n\tsxtb16 %1, %2, ror #8\n\tsmlad %0, %4, %1, %0"
          : "+r"(sum), "=&r"(pair)
          : "r"(word), "r"(even), "r"(odd));
  return sum;
}
/* Adds to four sums, and goes on behind them, four columns of two rows, each less the same pair, times a pair of factors. Of
 * both rows the same bytes are brought together, so that one instruction adds both. */
static inline int32_t *add_four_columns(int32_t *sums, uint32_t a, uint32_t b, uint32_t less, uint32_t factors) {
  uint32_t pair;
  int32_t s0, s1, s2, s3;
  __asm__("ldrd %1, %2, [%0]\n\t"
          "ldrd %3, %4, [%0, #8]\n\t"
          "pkhbt %5, %6, %7, lsl #16\n\t"
          "pkhtb %7, %7, %6, asr #16\n\t"
          "sxtab16 %6, %8, %5\n\t"
          "sxtab16 %5, %8, %5, ror #8\n\t"
          "smlad %1, %6, %9, %1\n\t"
          "smlad %2, %5, %9, %2\n\t"
          "sxtab16 %6, %8, %7\n\t"
          "sxtab16 %5, %8, %7, ror #8\n\t"
          "smlad %3, %6, %9, %3\n\t"
          "smlad %4, %5, %9, %4\n\t"
          "strd %1, %2, [%0], #8\n\t"
          "strd %3, %4, [%0], #8"
          : "+&r"(sums), "=&r"(s0), "=&r"(s1), "=&r"(s2), "=&r"(s3), "=&r"(pair), "+&r"(a), "+&r"(b)
          : "r"(less), "r"(factors)
          : "memory");
  return sums;
}
/* Sums of pairs, and differences, which saturate. */
DSP(uint32_t, pair_sum, (uint32_t a, uint32_t b), "sadd16 %0, %1, %2", "r"(a), "r"(b))
DSP(uint32_t, pair_difference, (uint32_t a, uint32_t b), "qsub16 %0, %1, %2", "r"(a), "r"(b))

#else

static inline int32_t low_of(uint32_t pair) { return (int16_t)(pair & 0xFFFF); }
static inline int32_t high_of(uint32_t pair) { return (int16_t)(pair >> 16); }
static inline uint32_t both(int32_t low, int32_t high) { return ((uint32_t)low & 0xFFFF) | (uint32_t)high << 16; }
static inline int32_t byte_of(uint32_t word, int32_t place) { return (int8_t)(word >> 8 * place & 0xFF); }
static inline int32_t in_16(int32_t x) { return x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x; }

static inline uint32_t even_bytes(uint32_t word) { return word & 0x00FF00FF; }
static inline uint32_t odd_bytes(uint32_t word) { return word >> 8 & 0x00FF00FF; }
static inline uint32_t plus_evens(uint32_t pair, uint32_t word) {
  return both(low_of(pair) + byte_of(word, 0), high_of(pair) + byte_of(word, 2));
}
static inline uint32_t plus_odds(uint32_t pair, uint32_t word) { return plus_evens(pair, word >> 8); }
static inline uint32_t evens(uint32_t word) { return plus_evens(0, word); }
static inline uint32_t odds(uint32_t word) { return plus_evens(0, word >> 8); }
static inline uint32_t lows(uint32_t a, uint32_t b) { return both((int32_t)a, (int32_t)b); }
static inline uint32_t highs(uint32_t a, uint32_t b) { return both(high_of(a), high_of(b)); }
static inline int32_t plus_low(int32_t sum, uint32_t a, int32_t b) {
  return (int32_t)((uint32_t)sum + (uint32_t)(low_of(a) * low_of((uint32_t)b)));
}
static inline int32_t plus_high(int32_t sum, uint32_t a, int32_t b) { return plus_low(sum, a >> 16, b); }
static inline int32_t plus_both(int32_t sum, uint32_t a, uint32_t b) {
  return plus_high(plus_low(sum, a, low_of(b)), a, high_of(b));
}
static inline int32_t plus_four(int32_t sum, uint32_t even, uint32_t odd, uint32_t word) {
  return plus_both(plus_both(sum, even, evens(word)), odd, odds(word));
}
static inline int32_t *add_four_columns(int32_t *sums, uint32_t a, uint32_t b, uint32_t less, uint32_t factors) {
  for (int32_t i = 0; i < 4; i++, a >>= 8, b >>= 8) {
    const uint32_t pair = lows(plus_evens(less, a), plus_evens(less, b));
    *sums = plus_both(*sums, pair, factors);
    sums++;
  }
  return sums;
}
static inline uint32_t pair_sum(uint32_t a, uint32_t b) { return both(low_of(a) + low_of(b), high_of(a) + high_of(b)); }
static inline uint32_t pair_difference(uint32_t a, uint32_t b) {
  return both(in_16(low_of(a) - low_of(b)), in_16(high_of(a) - high_of(b)));
}

#endif
#else
#define MCUREF_DSP 0
#endif
#endif
