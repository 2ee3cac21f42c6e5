/* The type of kept indices, positions in the error of a layer: uint32_t where a trained layer has more than 65,536. */
#ifndef MCUREF_INDEX_H
#define MCUREF_INDEX_H

#include <stdint.h>

#ifndef MCUREF_INDEX
#define MCUREF_INDEX uint16_t
#endif

typedef MCUREF_INDEX mcuref_index;

#endif
