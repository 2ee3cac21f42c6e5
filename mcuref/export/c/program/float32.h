/* Programs of float32: see mcuref.h. */
#ifndef MCUREF_FLOAT32_H
#define MCUREF_FLOAT32_H

#include "mcuref.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Run the network on a sample; returns the index of its largest output, the lowest of equal ones. */
int32_t mcuref_infer(const mcuref_program *program, void *arena, const void *sample);

/* The outputs of the last mcuref_infer, float[program->outputs]; the next call overwrites them. */
const float *mcuref_outputs(const mcuref_program *program, const void *arena);

/* Train on one sample. answer: one int32_t label, 0 .. outputs - 1, or a float for every output (squared error), or anything
 * (reconstruction); rate: the learning rate of this step, over the batch, finite; loss: null, or the sample's, -1 where there
 * is none. */
mcuref_status mcuref_train(const mcuref_program *program, void *arena, const void *sample, const void *answer, float rate,
                           float *loss);

/* The same on sample number `index` of those that are stored, from 0, in the epoch of that number, from 0 as well. A program
 * that lets stored samples rest (MODEL_STORED of them) answers MCUREF_RESTED in the epochs in which this one does: nothing is
 * read of the sample then, nor of its answer, and the loss is -1. So do not read it from a card first: stored.h asks. An
 * index that is negative, or MODEL_STORED or more, is of a sample that is not stored and never rests, as mcuref_train's. */
mcuref_status mcuref_train_stored(const mcuref_program *program, void *arena, const void *sample, const void *answer,
                                  float rate, int32_t index, int32_t epoch, float *loss);

/* The loss of a sample, without training on it; of a reconstruction it says how odd the sample is. -1 where there is none: a
 * label that is not 0 .. outputs - 1, or a program for inference alone. */
float mcuref_loss(const mcuref_program *program, void *arena, const void *sample, const void *answer);

#ifdef __cplusplus
}
#endif

#endif
