#include "operations.h"

#include "../kernels/governor.h"
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

/* out0 balance, out1 streaks of d0 samples, or none; d1 bits of a streak, d2 the most that one counts, d3 what a sample earns
 * on average, d4 by how much that falls in half an epoch, d5 epochs of the run or 0, d6 what a forward pass spends, d7 the
 * logarithm of a full balance; jumps if the sample is left out */
mcuref_next mcuref_run_govern_i32(const mcuref_row *row, mcuref_run *run) {
  const int32_t *d = row->d, bits = d[1];
  int32_t *balance = mcuref_output(run, row->out[0]);
  uint8_t *streaks = mcuref_output(run, row->out[1]);
  if (!is_stored(run->index, d[0])) return MCUREF_GO_ON;
  const int64_t left = change_balance(balance, earned(d[3], d[4], d[5], run->epoch));
  if (is_left_out(left, d[7], streaks, run->index, run->epoch, bits)) {
    run->status = MCUREF_RESTED;
    return MCUREF_JUMP;
  }
  if (bits > 0) count_skip(streaks, run->index, d[2], bits);
  change_balance(balance, -(int64_t)d[6]);
  return MCUREF_GO_ON;
}

/* out0 balance, in0 how many entries were kept; d0 what each spends on the way back, d1 what is spent in any case */
mcuref_next mcuref_run_spend_i32(const mcuref_row *row, mcuref_run *run) {
  const int32_t *count = mcuref_input(run, row->in[0]);
  if (is_stored(run->index, run->program->table->d[0]))
    change_balance(mcuref_output(run, row->out[0]), -((int64_t)*count * row->d[0] + row->d[1]));
  return MCUREF_GO_ON;
}
