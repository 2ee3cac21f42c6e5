/* The type of kept indices: positions in the error of a layer. */
#ifndef MCUREF_INDEX_H
#define MCUREF_INDEX_H

#include <stdint.h>

typedef uint16_t mcuref_index;

#endif
