/* What was learned, kept in flash through power cuts: two slots, of which one is whole at any moment.
 *
 *     static const mcuref_slots slots = {&chip, erase, write, read};   your driver of the flash
 *     mcuref_init(&model, arena);
 *     mcuref_restore_slots(&model, arena, &slots);    after a reset: the newest state that is whole, if there is one
 *     mcuref_save_slots(&model, arena, &slots);       into the other slot; wherever power is cut, one of the two is whole
 *
 * A slot begins with a unit of which 16 bytes are used: sequence number, whose state it is (program->identity), bytes of
 * the state, check sum (FNV-1a) of those three and the state; the rest is 0xFF. The state follows, filled up with 0xFF to
 * a whole unit. The first unit is written last. Nothing else is in RAM than a unit on the stack.
 */
#ifndef MCUREF_SLOTS_H
#define MCUREF_SLOTS_H

#include "mcuref.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that are written at once: what the flash can program, or a multiple, of 16 or more. 32 suits all that program 1, 2,
 * 4, 8, 16 or 32 bytes; where pages of 64 or more are programmed whole, compile everything with that. */
#ifndef MCUREF_SLOT_UNIT
#define MCUREF_SLOT_UNIT 32
#endif

/* Bytes that a slot needs, given MODEL_SAVED_BYTES; what the flash erases at once is at least a slot of its own. */
#define MCUREF_SLOT_BYTES(saved_bytes) \
  (MCUREF_SLOT_UNIT + ((saved_bytes)-8 + MCUREF_SLOT_UNIT - 1) / MCUREF_SLOT_UNIT * MCUREF_SLOT_UNIT)

/* A driver of two slots, 0 and 1. Each function returns 0 if it did what it was asked. */
typedef struct {
  void *context; /* given to each of them */

  /* Erase all of a slot: every byte is 0xFF then. */
  int32_t (*erase)(void *context, int32_t slot);

  /* Write a unit of MCUREF_SLOT_UNIT bytes, aligned to 4, at a multiple of it; each is written once after an erasure. */
  int32_t (*write)(void *context, int32_t slot, int32_t offset, const void *unit);

  /* Read a unit; not 0 also where a power cut left bytes that the flash cannot read (error correction). */
  int32_t (*read)(void *context, int32_t slot, int32_t offset, void *unit);
} mcuref_slots;

/* Save all that training changes into the slot that does not hold the newest state, and read it again to see that it is
 * there: 1 if it is. If the driver fails, or power is cut, what mcuref_restore_slots finds is this state or the one before. */
int32_t mcuref_save_slots(const mcuref_program *program, const void *arena, const mcuref_slots *slots);

/* Put the newest state of this program into an arena that mcuref_init has seen: MCUREF_RESTORED, or MCUREF_FOREIGN if no
 * slot holds one that is whole; the arena is in its start state then. */
mcuref_status mcuref_restore_slots(const mcuref_program *program, void *arena, const mcuref_slots *slots);

#ifdef __cplusplus
}
#endif

#endif
