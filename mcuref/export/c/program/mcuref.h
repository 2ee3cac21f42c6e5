/* mcuref on a microcontroller: a network that runs, and goes on learning, in one arena that the caller owns.
 *
 *     static uint32_t arena[MODEL_SRAM_BYTES / 4];                  sizes stand in model.h
 *     mcuref_init(&model, arena);                                   as after a reset
 *     int32_t found = mcuref_infer(&model, arena, sample);          index of the largest output
 *     mcuref_train(&model, arena, sample, &label, rate, &loss);     one step of the update rule
 *     float odd = mcuref_loss(&model, arena, sample, &label);       the loss alone: nothing is learned
 *     mcuref_save(&model, arena, saved);                            what it has learned, into MODEL_SAVED_BYTES
 *     mcuref_restore(&model, arena, saved);
 *
 * No heap, no recursion, no C library, no state but the arena: several models can live side by side (mcuref export --name).
 * An arena and a saved state are aligned to 4 bytes, a sample and an answer as their type; the machine is little-endian.
 * The arena holds values of all types, one after another: gcc and clang need -fno-strict-aliasing. What else keeps the bits
 * stands in numerics.h.
 */
#ifndef MCUREF_H
#define MCUREF_H

#include <stdint.h>

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bring the arena into its start state: parameters from flash, all else 0. */
void mcuref_init(const mcuref_program *program, void *arena);

/* Run the network on a sample; returns the index of its largest output, the lowest of equal ones. */
int32_t mcuref_infer(const mcuref_program *program, void *arena, const void *sample);

/* The outputs of the last mcuref_infer, float[program->outputs]; the next call overwrites them. */
const float *mcuref_outputs(const mcuref_program *program, const void *arena);

/* Train on one sample. answer: one int32_t label, 0 .. outputs - 1, or a float for every output (squared error), or anything
 * (reconstruction); rate: the learning rate of this step, over the batch, finite; loss: the sample's, or null. */
mcuref_status mcuref_train(const mcuref_program *program, void *arena, const void *sample, const void *answer, float rate,
                           float *loss);

/* The loss of a sample, without training on it; of a reconstruction it says how odd the sample is. -1 where there is none: a
 * label that is not 0 .. outputs - 1, or a program for inference alone. */
float mcuref_loss(const mcuref_program *program, void *arena, const void *sample, const void *answer);

/* Copy all that training changes into saved, program->state_bytes + 8 bytes: whose state it is, a check sum, the state. */
void mcuref_save(const mcuref_program *program, const void *arena, void *saved);

/* Put back what mcuref_save copied, into an arena that mcuref_init has seen: MCUREF_RESTORED or MCUREF_FOREIGN. */
mcuref_status mcuref_restore(const mcuref_program *program, void *arena, const void *saved);

#ifdef __cplusplus
}
#endif

#endif
