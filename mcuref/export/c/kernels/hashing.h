/* FNV-1a, 32 bits (G. Fowler, L. C. Noll, K.-P. Vo): the hash of the trace. */
#ifndef MCUREF_HASHING_H
#define MCUREF_HASHING_H

#include <stdint.h>

#include "names.h"

#define FNV1A_START 0x811C9DC5u

/* Hash of data[n] bytes, continued from `start` (FNV1A_START for a fresh one). */
uint32_t fnv1a(const void *data, int32_t n, uint32_t start);

#endif
