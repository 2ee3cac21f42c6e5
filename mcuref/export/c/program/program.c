#include "program.h"

#include <stddef.h>

int32_t mcuref_run_row(mcuref_run *run, int32_t row) {
  const mcuref_row *instruction = &run->program->table[row];
  switch (run->program->operations[row](instruction, run)) {
    case MCUREF_GO_ON:
      return row + 1;
    case MCUREF_JUMP:
      return instruction->jump;
    default:
      return run->program->rows;
  }
}

void *mcuref_output(const mcuref_run *run, int32_t offset) { return offset < 0 ? NULL : run->arena + offset; }

const void *mcuref_input(const mcuref_run *run, int32_t offset) {
  const int32_t sram = run->program->sram_bytes;
  if (offset < 0) return NULL;
  return offset < sram ? run->arena + offset : (const uint8_t *)run->program->flash + (offset - sram);
}
