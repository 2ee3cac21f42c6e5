/* Written by python -m mcuref.export.generate. */
#include "../operations.h"

#include "../../kernels/int8/add.h"

mcuref_next mcuref_run_add_forward_s8(const mcuref_row *row, mcuref_run *run) {
  const int8_t *a = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]);
  add_forward_s8(mcuref_output(run, row->out[0]), a, b, mcuref_input(run, row->in[2]), row->d[1], row->d[2], row->d[3],
                 row->d[4], row->d[5], row->d[6], row->d[7], row->d[8], row->d[9], row->d[10], row->d[11], row->f[0].i32,
                 row->f[1].i32, row->f[2].i32, row->d[0]);
  return MCUREF_GO_ON;
}

mcuref_next mcuref_run_add_backward_s8(const mcuref_row *row, mcuref_run *run) {
  int32_t *dx = mcuref_output(run, row->out[0]), *dx_exponent = mcuref_output(run, row->out[1]);
  const int8_t *a = mcuref_input(run, row->in[0]), *b = mcuref_input(run, row->in[1]);
  const int32_t *a_exponent = mcuref_input(run, row->in[2]);
  add_backward_s8(dx, dx_exponent, a, b, a_exponent, mcuref_input(run, row->in[3]), row->d[1], row->d[2], row->d[3],
                  row->d[4], row->d[0]);
  return MCUREF_GO_ON;
}
