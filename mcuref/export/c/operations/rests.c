#include "operations.h"

#include "../kernels/rests.h"

/* out0 streaks of d0 samples; d1 bits of a streak, d2 the most that one counts; jumps if the sample rests in this epoch */
mcuref_next mcuref_run_rest_u8(const mcuref_row *row, mcuref_run *run) {
  if (!is_stored(run->index, row->d[0])) return MCUREF_GO_ON;
  if (!rests(mcuref_output(run, row->out[0]), run->index, run->epoch, row->d[2], row->d[1])) return MCUREF_GO_ON;
  run->status = MCUREF_RESTED;
  return MCUREF_JUMP;
}

/* out0 streaks of d0 samples; d1 bits of a streak */
mcuref_next mcuref_run_wake_u8(const mcuref_row *row, mcuref_run *run) {
  if (is_stored(run->index, row->d[0])) set_streak(mcuref_output(run, row->out[0]), run->index, row->d[1], 0);
  return MCUREF_GO_ON;
}
