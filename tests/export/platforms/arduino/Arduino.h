#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

struct Printer {
  void begin(unsigned long baud);
  size_t println(const char *text);
  explicit operator bool() const { return true; }
};
extern Printer Serial;

unsigned long millis();
void delay(unsigned long milliseconds);
void setup();
void loop();

#endif
