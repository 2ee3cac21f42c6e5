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
 * sum of the squares of what outputs are off, in the scale of the outputs, at most 2^31 - 1; -1 where there is none. */
mcuref_status mcuref_train_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer, int32_t rate,
                              int32_t *loss);

/* The same on sample number `index` of those that are stored, from 0, in the epoch of that number, from 0 as well. A program
 * that lets stored samples rest (MODEL_STORED of them) answers MCUREF_RESTED in the epochs in which this one does: nothing is
 * read of the sample then, nor of its answer, and the loss is -1. So do not read it from a card first: stored.h asks. An
 * index that is negative, or MODEL_STORED or more, is of a sample that is not stored and never rests, as mcuref_train_s8's. */
mcuref_status mcuref_train_stored_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                                     int32_t rate, int32_t index, int32_t epoch, int32_t *loss);

/* What is known of a sample's loss, without training on it; of a reconstruction it says how odd the sample is. -1 where there is none: a
 * label that is not 0 .. outputs - 1, or a program for inference alone. */
int32_t mcuref_loss_s8(const mcuref_program *program, void *arena, const void *sample, const void *answer);

#ifdef __cplusplus
}
#endif

#endif
