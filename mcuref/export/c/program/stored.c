#include "stored.h"

#include "../kernels/rests.h"
#include "../operations/operations.h"

int32_t mcuref_resting(const mcuref_program *program, const void *arena, int32_t index, int32_t epoch) {
  const mcuref_row *row = program->table; /* rests are decided by the first one */
  if (program->operations[0] != mcuref_run_rest_u8 || !is_stored(index, row->d[0])) return 0;
  return is_hidden((const uint8_t *)arena + row->out[0], index, epoch, row->d[1]);
}
