/* A program: the table of instructions that a network, its update rule and its optimiser were compiled to.
 *
 * The table is that of mcuref/operators/columns.py and docs/operators.md, row by row; operands are byte offsets into
 * [sram | flash].
 */
#ifndef MCUREF_PROGRAM_H
#define MCUREF_PROGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A number of the program's arithmetic. */
typedef union {
  float f32;
  int32_t i32;
} mcuref_number;

/* One instruction; -1 stands for no operand. Operands for which out and in are too few lie in reserved, d[13], f[5], f[4]. */
typedef struct {
  int32_t opcode, layer, jump, reserved;
  int32_t out[3];
  int32_t in[5];
  int32_t d[14];      /* dimensions */
  mcuref_number f[6]; /* constants */
} mcuref_row;

typedef struct mcuref_run mcuref_run;

/* What an instruction says about the one that comes next. */
typedef enum { MCUREF_GO_ON, MCUREF_JUMP, MCUREF_END } mcuref_next;

/* What runs an instruction: one per opcode, in operations/. */
typedef mcuref_next (*mcuref_operation)(const mcuref_row *row, mcuref_run *run);

/* The start image of a trained parameter: `bytes` from offset `flash` of the flash part go to offset `sram`. */
typedef struct {
  int32_t sram, flash, bytes;
} mcuref_image;

/* A compiled program: all of it constant, most of it in flash. */
typedef struct {
  const mcuref_row *table;           /* inside the flash part */
  const mcuref_operation *operations; /* what runs each row */
  const uint32_t *flash;             /* the flash part of the arena: constants, weights, start images, table */
  const mcuref_image *images;
  int32_t rows, forward_rows, image_count;
  int32_t sram_bytes;  /* of the arena, which the caller owns */
  int32_t state_bytes; /* its beginning: what outlives a sample */
  int32_t output;      /* byte offset of the network's outputs after the forward rows */
  int32_t outputs;
  uint32_t identity; /* FNV-1a of the flash part: whose state it is */
} mcuref_program;

typedef enum {
  MCUREF_TRAINED,
  MCUREF_RESTORED = MCUREF_TRAINED,
  MCUREF_SKIPPED,    /* the rule decided that this sample is not worth a step */
  MCUREF_NOT_FINITE, /* an error was NaN or infinite: layers from there to the input stay as they were */
  MCUREF_FOREIGN,    /* the saved state is another program's, or damaged: nothing was changed */
  MCUREF_BAD_LABEL,  /* the label is not 0 .. outputs - 1: nothing was learned, there is no loss */
  MCUREF_RESTED      /* a stored sample that is not shown in this epoch: nothing was computed, there is no loss */
} mcuref_status;

/* A sample on its way through a program. */
struct mcuref_run {
  const mcuref_program *program;
  uint8_t *arena;
  const void *sample; /* of the type that the network's input takes */
  const void *answer; /* one int32_t label, or a number for every output */
  mcuref_number rate; /* learning rate of this step */
  mcuref_number loss; /* of the sample, after the loss row */
  mcuref_status status;
  int32_t index, epoch; /* which stored sample it is, -1 for none, and in which epoch it is shown: of rules with rests */
};

/* Run one row; returns the row that comes next, which is the number of rows where the step ends. */
int32_t mcuref_run_row(mcuref_run *run, int32_t row);

/* Operands of a row: null where there is none. */
void *mcuref_output(const mcuref_run *run, int32_t offset);
const void *mcuref_input(const mcuref_run *run, int32_t offset);

#ifdef __cplusplus
}
#endif

#endif
