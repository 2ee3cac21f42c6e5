#include "../operations.h"

#include "../../kernels/int8/load.h"

/* in0 multiplier[c], in1 offset[c], in2 shift[c] -> out0 x[n]; d0 = n, d1 = c; the sample comes from outside */
#define RUN_LOAD(name)                                                                                               \
  mcuref_next mcuref_run_##name(const mcuref_row *row, mcuref_run *run) {                                            \
    const int32_t *multiplier = mcuref_input(run, row->in[0]), *offset = mcuref_input(run, row->in[1]);              \
    const int8_t *shift = mcuref_input(run, row->in[2]);                                                             \
    name(mcuref_output(run, row->out[0]), run->sample, multiplier, offset, shift, row->d[0], row->d[1]);             \
    return MCUREF_GO_ON;                                                                                             \
  }

RUN_LOAD(load_u8_s8)
RUN_LOAD(load_i8_s8)
RUN_LOAD(load_i16_s8)

/* -> out0 x[n]; d0 = n; the sample is such values already */
mcuref_next mcuref_run_load_s8(const mcuref_row *row, mcuref_run *run) {
  copy_s8(mcuref_output(run, row->out[0]), run->sample, row->d[0]);
  return MCUREF_GO_ON;
}
