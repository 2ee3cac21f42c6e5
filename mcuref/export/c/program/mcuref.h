/* mcuref on a microcontroller: a network that runs, and goes on learning, in one arena that the caller owns.
 *
 *     static uint32_t arena[MODEL_SRAM_BYTES / 4];                  sizes stand in model.h
 *     mcuref_init(&model, arena);                                   as after a reset
 *     int32_t found = mcuref_infer(&model, arena, sample);          index of the largest output
 *     mcuref_train(&model, arena, sample, &label, rate, &loss);     one step of the update rule
 *     mcuref_train_stored(&model, arena, sample, &label, rate, index, epoch, &loss);   where stored samples may rest
 *     float odd = mcuref_loss(&model, arena, sample, &label);       the loss alone: nothing is learned
 *     mcuref_save(&model, arena, saved);                            what it has learned, into MODEL_SAVED_BYTES
 *     mcuref_restore(&model, arena, saved);
 *
 * Here is what is the same for all programs; what runs one and trains it stands in float32.h, or int8.h, where names end in
 * _s8. model.h includes its own.
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

/* Copy all that training changes into saved, program->state_bytes + 8 bytes: whose state it is, a check sum, the state. */
void mcuref_save(const mcuref_program *program, const void *arena, void *saved);

/* Put back what mcuref_save copied, into an arena that mcuref_init has seen: MCUREF_RESTORED or MCUREF_FOREIGN. */
mcuref_status mcuref_restore(const mcuref_program *program, void *arena, const void *saved);

#ifdef __cplusplus
}
#endif

#endif
