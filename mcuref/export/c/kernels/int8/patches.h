/* Patches of a convolution, int8: the input under a window as one run. */
#ifndef MCUREF_INT8_PATCHES_H
#define MCUREF_INT8_PATCHES_H

#include <stdint.h>

#include "../names.h"
#include "../window.h"

/* patch[kh, kw, c] = the input under a window; x_zero outside it. */
void gather_patch_s8(int8_t *restrict patch, const int8_t *x, int32_t x_zero, const window *at, const int32_t *g);

#endif
