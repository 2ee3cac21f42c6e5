#include "operations.h"

#include "../kernels/load.h"

/* in0 mean[c], in1 scale[c] -> out0 x[n]; d0 = n, d1 = c; the sample comes from outside */
#define RUN_LOAD(name)                                                                                               \
  mcuref_next mcuref_run_##name(const mcuref_row *row, mcuref_run *run) {                                            \
    const float *mean = mcuref_input(run, row->in[0]), *scale = mcuref_input(run, row->in[1]);                       \
    name(mcuref_output(run, row->out[0]), run->sample, mean, scale, row->d[0], row->d[1]);                           \
    return MCUREF_GO_ON;                                                                                             \
  }

RUN_LOAD(load_u8)
RUN_LOAD(load_i8)
RUN_LOAD(load_i16)
RUN_LOAD(load_f32)
