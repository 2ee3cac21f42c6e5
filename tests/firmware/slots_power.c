/* Flash of which power can be cut: while any byte is erased or written. test_slots.py compiles it with slots.c. */
#include <stdint.h>

#include "kernels/hashing.h"
#include "program/slots.h"

enum { STATE = 4 * STATE_WORDS, SLOT = MCUREF_SLOT_BYTES(STATE + 8) };

typedef char slot_is_whole_units[SLOT % MCUREF_SLOT_UNIT == 0 && SLOT >= STATE + 16 ? 1 : -1];

typedef struct {
  uint8_t bytes[2][SLOT];
  int32_t left;      /* bytes that can still be changed before power is cut */
  int32_t backwards; /* it erases from the end of a slot */
  uint32_t noise;    /* what a byte at which power was cut holds */
  int32_t misuse;    /* a unit that was written twice, or beside the slot */
} chip;

static mcuref_program program(void) {
  mcuref_program made = {0};
  made.sram_bytes = made.state_bytes = STATE;
  made.identity = 0x1234567u;
  return made;
}

/* One more byte is changed: 1 if power lasts, and 0, or bits of both, if it does not. */
static int32_t change(chip *flash, uint8_t *byte, uint8_t value) {
  if (flash->left-- > 0) {
    *byte = value;
    return 1;
  }
  if (flash->left == -1) {
    flash->noise = flash->noise * 1664525u + 1013904223u;
    const uint8_t mask = (uint8_t)(flash->noise >> 24);
    *byte = (uint8_t)((*byte & mask) | (value & ~mask));
  }
  return 0;
}

static int32_t erase(void *context, int32_t slot) {
  chip *flash = context;
  for (int32_t i = 0; i < SLOT; i++)
    if (!change(flash, &flash->bytes[slot][flash->backwards ? SLOT - 1 - i : i], 0xFF)) return 1;
  return 0;
}

static int32_t write(void *context, int32_t slot, int32_t offset, const void *unit) {
  chip *flash = context;
  const uint8_t *from = unit;
  if (offset < 0 || offset % MCUREF_SLOT_UNIT || offset + MCUREF_SLOT_UNIT > SLOT) flash->misuse = 1;
  for (int32_t i = 0; i < MCUREF_SLOT_UNIT; i++) {
    uint8_t *byte = &flash->bytes[slot][offset + i];
    if (*byte != 0xFF) flash->misuse = 1;
    if (!change(flash, byte, from[i])) return 1;
  }
  return 0;
}

static int32_t read(void *context, int32_t slot, int32_t offset, void *unit) {
  const chip *flash = context;
  uint8_t *to = unit;
  for (int32_t i = 0; i < MCUREF_SLOT_UNIT; i++) to[i] = flash->bytes[slot][offset + i];
  return 0;
}

/* A state that no other number has; `tail` is what it ends with. */
static void learn(uint32_t *arena, uint32_t number, uint32_t tail) {
  for (uint32_t i = 0; i < STATE_WORDS; i++) arena[i] = number * 2654435761u + i * 40503u;
  arena[STATE_WORDS - 1] = tail;
}

static int32_t is_state(const uint32_t *arena, uint32_t number, uint32_t tail) {
  uint32_t wanted[STATE_WORDS];
  learn(wanted, number, tail);
  for (int32_t i = 0; i < STATE_WORDS; i++)
    if (arena[i] != wanted[i]) return 0;
  return 1;
}

/* Save state `number` with power for `left` bytes; 1 if saving says it is done. */
static int32_t save(chip *flash, uint32_t number, uint32_t tail, int32_t left) {
  const mcuref_program model = program();
  const mcuref_slots slots = {flash, erase, write, read};
  uint32_t arena[STATE_WORDS];
  learn(arena, number, tail);
  flash->left = left;
  return mcuref_save_slots(&model, arena, &slots);
}

/* After a reset: whether state `number` is found; of 0, whether none is, and the arena is as it was. */
static int32_t holds(chip *flash, uint32_t number, uint32_t tail) {
  const mcuref_program model = program();
  const mcuref_slots slots = {flash, erase, write, read};
  uint32_t arena[STATE_WORDS] = {0};
  if (mcuref_restore_slots(&model, arena, &slots) == MCUREF_RESTORED) return is_state(arena, number, tail) && number;
  for (int32_t i = 0; i < STATE_WORDS; i++)
    if (arena[i]) return 0;
  return !number;
}

/* Save state `number` with power for `left` bytes over flash that holds `kept`; which of the two it holds after a reset, or
 * -1 if neither or the wrong one. */
static int32_t save_and_reset(chip *flash, uint32_t kept, uint32_t number, uint32_t tail, int32_t left) {
  const int32_t done = save(flash, number, tail, left);
  const uint32_t now = holds(flash, number, tail) ? number : kept;
  if (!holds(flash, now, tail) || flash->misuse) return -1;
  if (done && now != number) return -1;
  return done || left < 2 * SLOT ? (int32_t)now : -1;
}

/* How many bytes saving changes. */
int32_t bytes_of_a_save(void) { return 2 * SLOT; }

/* Flash full of anything; `saved` states are saved, the next with power for `first` bytes, the next for `second`, and one
 * without a cut, with a reset after each. 0, or the number of the save after which another state than the newest whole one is
 * found. `tail` is the last word of every state. */
int32_t cut(int32_t saved, int32_t first, int32_t second, int32_t backwards, uint32_t tail, uint32_t seed) {
  chip flash = {{{0}}, 0, backwards, seed, 0};
  for (int32_t i = 0; i < SLOT; i++) flash.bytes[0][i] = flash.bytes[1][i] = (uint8_t)(seed >> i % 24);
  int32_t kept = 0;
  for (int32_t number = 1; number <= saved + 3; number++) {
    const int32_t left = number == saved + 1 ? first : number == saved + 2 ? second : INT32_MAX;
    kept = save_and_reset(&flash, (uint32_t)kept, (uint32_t)number, tail, left);
    if (kept < 0) return number;
  }
  return kept != saved + 3;
}

/* Whether the newest state is found when sequence numbers begin again at 0. */
int32_t numbers_begin_again(void) {
  chip flash = {{{0}}, 0, 0, 0, 0};
  save(&flash, 1, 0, INT32_MAX); /* slot 0, number 1 */
  uint32_t *head = (uint32_t *)(void *)flash.bytes[0];
  head[0] = 0xFFFFFFFEu;
  head[3] = fnv1a(flash.bytes[0] + MCUREF_SLOT_UNIT, STATE, fnv1a(head, 12, FNV1A_START));
  for (uint32_t number = 2; number < 6; number++)
    if (!save(&flash, number, 0, INT32_MAX) || !holds(&flash, number, 0)) return 0;
  return 1;
}

/* Whether a state of another program is none, and one more save of this one is found beside it. */
int32_t others_are_none(void) {
  chip flash = {{{0}}, 0, 0, 0, 0};
  save(&flash, 1, 0, INT32_MAX);
  flash.bytes[0][4] ^= 1; /* whose it is */
  return holds(&flash, 0, 0) && save(&flash, 2, 0, INT32_MAX) && holds(&flash, 2, 0);
}
