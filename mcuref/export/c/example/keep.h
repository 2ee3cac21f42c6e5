/* Where the example keeps what was learned: two slots of this platform's flash. */
#ifndef KEEP_H
#define KEEP_H

#include "model.h"
#include "program/slots.h"

enum { KEEP_BYTES = MCUREF_SLOT_BYTES(MODEL_SAVED_BYTES) }; /* of a slot */

/* A driver of them; where there is no flash for them, all of its functions fail. */
const mcuref_slots *keep_slots(void);

#endif
