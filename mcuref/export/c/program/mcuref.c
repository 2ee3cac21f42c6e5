#include "mcuref.h"

#include "../kernels/hashing.h"

/* Words, because the arena is a whole number of them and everything in it is aligned to them; of int8 values the last one
 * may be theirs in part. */
static void copy_words(uint32_t *to, const uint32_t *from, int32_t bytes) {
  for (int32_t i = 0; i < (bytes + 3) / 4; i++) to[i] = from[i];
}

void mcuref_init(const mcuref_program *program, void *arena) {
  uint32_t *words = arena;
  for (int32_t i = 0; i < program->sram_bytes / 4; i++) words[i] = 0;
  for (int32_t i = 0; i < program->image_count; i++) {
    const mcuref_image *image = &program->images[i];
    copy_words(words + image->sram / 4, program->flash + image->flash / 4, image->bytes);
  }
}

void mcuref_save(const mcuref_program *program, const void *arena, void *saved) {
  uint32_t *words = saved;
  words[0] = program->identity;
  words[1] = fnv1a(arena, program->state_bytes, FNV1A_START);
  copy_words(words + 2, arena, program->state_bytes);
}

mcuref_status mcuref_restore(const mcuref_program *program, void *arena, const void *saved) {
  const uint32_t *words = saved;
  if (words[0] != program->identity || words[1] != fnv1a(words + 2, program->state_bytes, FNV1A_START))
    return MCUREF_FOREIGN;
  copy_words(arena, words + 2, program->state_bytes);
  return MCUREF_RESTORED;
}
