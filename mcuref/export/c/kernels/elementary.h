/* exp, log and round-to-even for float32 out of + - * / and bit operations: the same bits on every core.
 *
 * No C library is asked: newlib, glibc and the prebuilt Cortex-M4F library disagree in the last bit. The polynomials are
 * those of the Cephes library (S. L. Moshier, expf.c and logf.c, single precision).
 */
#ifndef MCUREF_ELEMENTARY_H
#define MCUREF_ELEMENTARY_H

#include "names.h"

/* x rounded to the nearest integer, ties to even; |x| < 2^22. */
float rint_f32(float x);

/* e^x within 1 unit in the last place; 0 below -87.33654, infinity above 88.72283. */
float exp_f32(float x);

/* Natural logarithm of a finite normal x > 0; NaN of NaN. */
float log_f32(float x);

#endif
