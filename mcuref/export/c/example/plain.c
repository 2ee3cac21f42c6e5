/* First whether this machine computes the bits of mcuref; then ten times inference and a training step. */
#include <stdio.h>

#include "steps.h"

int main(void) {
  int32_t same = 0;
  printf("%s\n", example_self_check(&same));
  printf("%s\n", example_start());
  for (int32_t i = 0; i < 10; i++) printf("%s\n", example_step(5));
  return !same;
}
