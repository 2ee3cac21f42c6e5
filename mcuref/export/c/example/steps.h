/* What the example does, one step after another, each with a line of text that says what came of it; how the text is
 * printed is the platform's part, and where the model is kept is keep.h's. */
#ifndef STEPS_H
#define STEPS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Train on the samples compiled in, run all of them, and compare state and outputs with mcuref's, by their hashes; same, if
 * not null, becomes 1 if this machine computed the same bits. What was learned before is gone then: this comes first. */
const char *example_self_check(int32_t *same);

/* Bring the model into its start state, or, if flash holds one, the newest that was saved. */
const char *example_start(void);

/* Run the network on the next sample, from the first again behind the last, and train on it; save what was learned after
 * every `saving` such steps: flash can be erased some 10,000 times. */
const char *example_step(int32_t saving);

#ifdef __cplusplus
}
#endif

#endif
