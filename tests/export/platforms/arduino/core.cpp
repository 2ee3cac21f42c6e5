#include "Arduino.h"

#include <stdio.h>

#include "../steps.h"

Printer Serial;

void Printer::begin(unsigned long) {}
size_t Printer::println(const char *text) { return static_cast<size_t>(puts(text)); }
unsigned long millis() { return 0; }
void delay(unsigned long) {}

int main() {
  setup();
  for (int i = 0; i < STEPS; i++) loop();
}
