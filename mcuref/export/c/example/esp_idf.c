/* First whether this chip computes the bits of mcuref; then inference and a training step every second. */
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "steps.h"

void app_main(void) {
  puts(example_self_check(NULL));
  puts(example_start());
  for (;;) {
    puts(example_step(600));
    vTaskDelay(pdMS_TO_TICKS(1000));
  }
}
