#include "../../kernels/int8/channels.h"

#include "../../kernels/channels.h"
#include "../operations.h"

/* out2 mask, reserved samples left, d13 number of the selection; d0 outputs, d1 k, d2 every, d3 n; f0 key */
mcuref_next mcuref_run_keep_channels_s8(const mcuref_row *row, mcuref_run *run) {
  const int32_t outputs = row->d[0];
  uint8_t *mask = mcuref_output(run, row->out[2]);
  int32_t *count = mcuref_output(run, row->out[1]), *left = mcuref_output(run, row->reserved);
  renew_channels(mask, left, mcuref_output(run, row->d[13]), outputs, row->d[1], row->d[2], (uint32_t)row->f[0].i32);
  *count = keep_channels_s8(mcuref_output(run, row->out[0]), mask, row->d[3], outputs);
  return MCUREF_GO_ON;
}
