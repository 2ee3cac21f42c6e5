// First whether this board computes the bits of mcuref; then inference and a training step every second.
#include <Arduino.h>
#include <model.h>

#include "steps.h"

void setup() {
  Serial.begin(115200);
  while (!Serial && millis() < 5000) {
  }
  Serial.println(example_self_check(NULL));
  Serial.println(example_start());
}

void loop() {
  Serial.println(example_step(600));
  delay(1000);
}
