#include "patches.h"

#include "dsp.h"

static int8_t *copy_bytes(int8_t *restrict to, const int8_t *from, int32_t n) {
#if MCUREF_MVE
  for (; n >= 16; n -= 16, to += 16, from += 16) vstrbq_s8(to, vldrbq_s8(from));
#endif
#if MCUREF_DSP
  for (; n >= 4; n -= 4, to += 4, from += 4) store_four(to, load_four(from));
#endif
  for (const int8_t *end = from + n; from < end;) *to++ = *from++;
  return to;
}

static int8_t *fill_bytes(int8_t *restrict to, int32_t value, int32_t n) {
  for (const int8_t *end = to + n; to < end;) *to++ = (int8_t)value;
  return to;
}

void gather_patch_s8(int8_t *restrict patch, const int8_t *x, int32_t x_zero, const window *at, const int32_t *g) {
  const int32_t c = g[G_C], width = g[G_KW] * c, first = at->kx0 * c, last = at->kx1 * c, run = last - first;
  const int8_t *from = x + under(at, at->ky0, at->kx0, g);
  if (at->ky0 > 0) patch = fill_bytes(patch, x_zero, at->ky0 * width);
  for (int32_t ky = at->ky0; ky < at->ky1; ky++, from += g[G_W] * c) {
    if (run < width) patch = fill_bytes(patch, x_zero, first);
    patch = copy_bytes(patch, from, run);
    if (run < width) patch = fill_bytes(patch, x_zero, width - last);
  }
  if (at->ky1 < g[G_KH]) fill_bytes(patch, x_zero, (g[G_KH] - at->ky1) * width);
}
