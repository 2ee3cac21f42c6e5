#include "stored.h"

#include "../kernels/governor.h"
#include "../kernels/rests.h"
#include "../operations/operations.h"

int32_t mcuref_resting(const mcuref_program *program, const void *arena, int32_t index, int32_t epoch) {
  const mcuref_row *row = program->table; /* rests are decided by the first one */
  const mcuref_operation decides = program->operations[0];
  const int32_t *d = row->d, governed = decides == mcuref_run_govern_i32;
  if ((decides != mcuref_run_rest_u8 && !governed) || !is_stored(index, d[0])) return 0;
  const uint8_t *bytes = arena;
  if (!governed) return is_hidden(bytes + row->out[0], index, epoch, d[1]);
  const int64_t left = balance_of((const void *)(bytes + row->out[0])) + earned(d[3], d[4], d[5], epoch);
  return is_left_out(left, d[7], bytes + row->out[1], index, epoch, d[1]);
}
