/* The vector table of a Cortex-M: initial stack pointer, then handlers. */
#include <stdint.h>

extern uint32_t stack_high[];
void reset_handler(void);
void fault_handler(void);

struct vectors {
  uint32_t *stack;
  void (*handlers[15])(void);
};
extern const struct vectors vectors;
__attribute__((section(".vectors"), used)) const struct vectors vectors = {
    stack_high, {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler}};
