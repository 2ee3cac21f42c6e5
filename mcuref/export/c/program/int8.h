/* Programs of int8, without a float: see mcuref.h. */
#ifndef MCUREF_INT8_H
#define MCUREF_INT8_H

#include "mcuref.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The learning rate that the program was compiled for, halved so many times, 0 to 31; for what lies between, m 2^(-8 - s) of
 * it is m + 512 s, m from 129 to 256. */
#define MCUREF_RATE_S8(halvings) (256 + 512 * (halvings))

/* Run the network on a sample; returns the index of its largest output, the lowest of equal ones. */
int32_t mcuref_infer_s8(const mcuref_program *program, void *arena, const void *sample);

/* The outputs of the last mcuref_infer_s8, int8_t[program->outputs]; the next call overwrites them. */
const int8_t *mcuref_outputs_s8(const mcuref_program *program, const void *arena);

/* Train on one sample. answer: one int32_t label, 0 .. outputs - 1, or an int32_t for every output, in its scale, within
 * +-2^20 (squared error), or anything (reconstruction); rate: see MCUREF_RATE_S8; loss: null, or what is known of the
 * sample's, in integers: the probability of the label, with 30 bits behind the point, before the step; of other losses the
 * sum of the squares of what outputs are off, in the scale of the outputs, at most 2^31 - 1. */
mcuref_status mcuref_train_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer, int32_t rate,
                              int32_t *loss);

/* The same of a sample without training on it; of a reconstruction it says how odd the sample is. -1 where there is none: a
 * label that is not 0 .. outputs - 1, or a program for inference alone. */
int32_t mcuref_loss_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer);

#ifdef __cplusplus
}
#endif

#endif
