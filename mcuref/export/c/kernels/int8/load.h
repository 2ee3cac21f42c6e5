/* Bring a sample from outside (sensor, flash) into the int8 input buffer, in int32 arithmetic:
 * x[n] = (samples[n] multiplier + offset) >> shift, clamped to int8; multiplier[c], offset[c], shift[c], c divides n.
 *
 * Nothing overflows where |multiplier| m + |offset| < 2^31, with m = 255 for uint8, 128 for int8, 32768 for int16; a sum
 * that does loses its upper bits. shift <= 31. What is rounded, and how, is in the offset. */
#ifndef MCUREF_INT8_LOAD_H
#define MCUREF_INT8_LOAD_H

#include <stdint.h>

#include "../names.h"

void load_u8_s8(int8_t *restrict x, const uint8_t *samples, const int32_t *multiplier, const int32_t *offset,
                const int8_t *shift, int32_t n, int32_t c);
void load_i8_s8(int8_t *restrict x, const int8_t *samples, const int32_t *multiplier, const int32_t *offset,
                const int8_t *shift, int32_t n, int32_t c);
void load_i16_s8(int8_t *restrict x, const int16_t *samples, const int32_t *multiplier, const int32_t *offset,
                 const int8_t *shift, int32_t n, int32_t c);

/* x[n] = samples[n]. */
void copy_s8(int8_t *restrict x, const int8_t *samples, int32_t n);

#endif
