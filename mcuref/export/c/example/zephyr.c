/* First whether this board computes the bits of mcuref; then inference and a training step every second. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "steps.h"

int main(void) {
  printk("%s\n", example_self_check(NULL));
  printk("%s\n", example_start());
  for (;;) {
    printk("%s\n", example_step(600));
    k_msleep(1000);
  }
}
