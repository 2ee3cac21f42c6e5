#include "trace.h"

void mark(void) { __asm__ volatile(""); }
