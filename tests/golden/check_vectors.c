/* Checks mcuref's C kernels against vectors.h: what a port of them would do, too. Prints the first difference.
 *
 * Compile with -ffp-contract=off; see README.txt beside vectors.h.
 */
#include <stdio.h>
#include <string.h>

#include "kernels/hashing.h"
#include "program/float32.h"
#include "operations/operations.h"
#include "vectors.h"

static uint32_t arena[VECTORS_SRAM_BYTES / 4];
static mcuref_operation operations[VECTORS_ROWS];
static int32_t hashes; /* compared so far */

/* What runs an opcode. */
static mcuref_operation operation_of(int32_t opcode) {
  switch (opcode) {
#define OPERATION(number, name) \
  case number:                  \
    return mcuref_run_##name;
    VECTORS_OPCODES(OPERATION)
    default:
      return 0;
  }
}

static int different(const char *what, int32_t sample, int32_t row) {
  printf("sample %d: %s differs", (int)sample, what);
  if (row >= 0) printf(" after row %d, %s of %s", (int)row, vectors_row_opcodes[row], vectors_row_layers[row]);
  printf("\n");
  return 1;
}

/* Compare what a row has written; returns 1 if it differs. */
static int compare_row(const mcuref_run *run, int32_t sample, int32_t row) {
  const uint32_t *expected = vectors_hashes + 3 * hashes;
  const int32_t *span = vectors_spans + 6 * row;
  const uint8_t *written = vectors_written + (sample ? 0 : vectors_written_at[hashes]);
  uint32_t hash = FNV1A_START;
  if (hashes++ == VECTORS_HASHES || (int32_t)expected[0] != sample || (int32_t)expected[1] != row)
    return different("the instruction that runs", sample, row);
  if (run->status == MCUREF_NOT_FINITE) return 0; /* it wrote nothing */
  for (int32_t i = 0; i < 3 && span[2 * i] >= 0; i++) {
    int32_t bytes = span[2 * i + 1];
    if (bytes < 0) bytes *= -*(const int32_t *)(const void *)(run->arena + span[2 * i + 2]);
    hash = fnv1a(run->arena + span[2 * i], bytes, hash);
    if (sample) continue;
    if (memcmp(run->arena + span[2 * i], written, (size_t)bytes)) return different("what was written", sample, row);
    written += bytes;
  }
  return hash != expected[2] && different("the hash", sample, row);
}

/* Train on a sample, row by row; returns 1 if something differs. */
static int compare_step(const mcuref_program *program, int32_t i) {
  const int32_t values = sizeof vectors_samples / sizeof *vectors_samples / VECTORS_SAMPLES;
  const int32_t answer = sizeof vectors_answers / sizeof *vectors_answers / VECTORS_SAMPLES;
  mcuref_run run = {program, (uint8_t *)arena, vectors_samples + i * values, vectors_answers + i * answer, {0},
                    {-1.0f}, MCUREF_TRAINED, vectors_stored[2 * i], vectors_stored[2 * i + 1]};
  memcpy(&run.rate, vectors_rates + i, 4);
  for (int32_t row = 0; row < VECTORS_ROWS;) {
    const int32_t done = row;
    row = mcuref_run_row(&run, row);
    if (compare_row(&run, i, done)) return 1;
  }
  if ((int32_t)run.status != vectors_statuses[i]) return different("the status", i, -1);
  return memcmp(&run.loss, vectors_losses + i, 4) && different("the loss", i, -1);
}

int main(void) {
  const mcuref_program program = {
      (const void *)(vectors_flash + VECTORS_TABLE / 4), operations, vectors_flash, (const void *)vectors_images,
      VECTORS_ROWS, VECTORS_FORWARD_ROWS, VECTORS_IMAGES, VECTORS_SRAM_BYTES, VECTORS_STATE_BYTES, VECTORS_OUTPUT,
      VECTORS_OUTPUTS, 0};
  const int32_t values = sizeof vectors_samples / sizeof *vectors_samples / VECTORS_SAMPLES;
  for (int32_t row = 0; row < VECTORS_ROWS; row++)
    if (!(operations[row] = operation_of(vectors_table[32 * row]))) return different("the opcode", 0, row);
  mcuref_init(&program, arena);
  for (int32_t i = 0; i < VECTORS_STEPS; i++)
    if (compare_step(&program, i)) return 1;
  for (int32_t i = 0; i < VECTORS_INFERENCES; i++) {
    const int32_t best = mcuref_infer(&program, arena, vectors_samples + i * values);
    const float *outputs = mcuref_outputs(&program, arena);
    if (memcmp(outputs, vectors_outputs + i * VECTORS_OUTPUTS, 4 * VECTORS_OUTPUTS) || best != vectors_classes[i])
      return different("the inference", i, -1);
  }
  if (memcmp(arena, vectors_state, VECTORS_STATE_BYTES)) return different("the state", -1, -1);
  printf("%d instructions: the same bits\n", (int)hashes);
  return hashes != VECTORS_HASHES;
}
