#include "slots.h"

#include <stddef.h>

#include "../kernels/hashing.h"

enum { SEQUENCE, IDENTITY, BYTES, SUM, HEAD_WORDS }; /* words of a slot's first unit */
enum { UNIT = MCUREF_SLOT_UNIT, UNIT_WORDS = UNIT / 4 };

typedef char unit_is_too_small_or_no_words[UNIT >= 4 * HEAD_WORDS && UNIT % 4 == 0 ? 1 : -1];

/* Bytes of the state in the unit that begins at one of its bytes. */
static int32_t part(const mcuref_program *program, int32_t at) {
  return program->state_bytes - at < UNIT ? program->state_bytes - at : UNIT;
}

/* Check sum of a slot's head, the state to be added. */
static uint32_t head_sum(const mcuref_program *program, uint32_t sequence) {
  const uint32_t head[SUM] = {sequence, program->identity, (uint32_t)program->state_bytes};
  return fnv1a(head, sizeof head, FNV1A_START);
}

/* Whether a slot holds a state of this program, all of it; its sequence number. */
static int32_t is_whole(const mcuref_program *program, const mcuref_slots *slots, int32_t slot, uint32_t *sequence) {
  uint32_t unit[UNIT_WORDS];
  if (slots->read(slots->context, slot, 0, unit)) return 0;
  if (unit[IDENTITY] != program->identity || unit[BYTES] != (uint32_t)program->state_bytes) return 0;
  const uint32_t sum = unit[SUM];
  *sequence = unit[SEQUENCE];
  uint32_t found = head_sum(program, *sequence);
  for (int32_t at = 0; at < program->state_bytes; at += UNIT) {
    if (slots->read(slots->context, slot, UNIT + at, unit)) return 0;
    found = fnv1a(unit, part(program, at), found);
  }
  return found == sum;
}

/* The slot with the newest state of this program, and its sequence number; -1 and 0 if there is none. */
static int32_t newest(const mcuref_program *program, const mcuref_slots *slots, uint32_t *sequence) {
  int32_t found = -1;
  *sequence = 0;
  for (int32_t slot = 0; slot < 2; slot++) {
    uint32_t number;
    if (!is_whole(program, slots, slot, &number)) continue;
    if (found >= 0 && number - *sequence > INT32_MAX) continue; /* before it, also where numbers begin again */
    found = slot;
    *sequence = number;
  }
  return found;
}

/* Fill a unit with some words, and the rest with what erased flash holds. */
static void fill(uint32_t *unit, const uint32_t *from, int32_t words) {
  for (int32_t i = 0; i < UNIT_WORDS; i++) unit[i] = i < words ? from[i] : 0xFFFFFFFFu;
}

/* Write the state, then the head; 1 if the driver did all of it. */
static int32_t write_slot(const mcuref_program *program, const void *arena, const mcuref_slots *slots, int32_t slot,
                          uint32_t sequence) {
  uint32_t unit[UNIT_WORDS];
  for (int32_t at = 0; at < program->state_bytes; at += UNIT) {
    fill(unit, (const uint32_t *)arena + at / 4, part(program, at) / 4);
    if (slots->write(slots->context, slot, UNIT + at, unit)) return 0;
  }
  fill(unit, NULL, 0);
  unit[SEQUENCE] = sequence;
  unit[IDENTITY] = program->identity;
  unit[BYTES] = (uint32_t)program->state_bytes;
  unit[SUM] = fnv1a(arena, program->state_bytes, head_sum(program, sequence));
  return !slots->write(slots->context, slot, 0, unit);
}

int32_t mcuref_save_slots(const mcuref_program *program, const void *arena, const mcuref_slots *slots) {
  uint32_t sequence, written;
  const int32_t slot = newest(program, slots, &sequence) == 0 ? 1 : 0;
  if (slots->erase(slots->context, slot)) return 0;
  if (!write_slot(program, arena, slots, slot, sequence + 1)) return 0;
  return is_whole(program, slots, slot, &written) && written == sequence + 1;
}

mcuref_status mcuref_restore_slots(const mcuref_program *program, void *arena, const mcuref_slots *slots) {
  uint32_t unit[UNIT_WORDS], sequence;
  const int32_t slot = newest(program, slots, &sequence);
  if (slot < 0) return MCUREF_FOREIGN;
  for (int32_t at = 0; at < program->state_bytes; at += UNIT) {
    if (slots->read(slots->context, slot, UNIT + at, unit)) { /* it could be read a moment ago */
      mcuref_init(program, arena);
      return MCUREF_FOREIGN;
    }
    uint32_t *to = (uint32_t *)arena + at / 4;
    for (int32_t i = 0; i < part(program, at) / 4; i++) to[i] = unit[i];
  }
  return MCUREF_RESTORED;
}
