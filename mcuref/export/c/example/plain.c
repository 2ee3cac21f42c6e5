/* First whether this machine computes the bits of mcuref; then ten times inference and a training step. */
#include <stdio.h>

#include "steps.h"

int main(void) {
  int32_t same = 0;
  puts(example_self_check(&same));
  puts(example_start());
  for (int32_t i = 0; i < 10; i++) puts(example_step(5));
  return !same;
}
