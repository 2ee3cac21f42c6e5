/* From reset to main on a board: FPU on, .data and .bss filled, stack painted; main's result becomes the exit status. */
#include <stdint.h>

#include "machine.h"
#include "port.h"

extern uint32_t stack_low[], stack_high[], ram_end[], data_load[], data_start[], data_end[], bss_start[], bss_end[];
int main(void);
void reset_handler(void);
void fault_handler(void);

#define PAINT 0xC5C5C5C5u
#define UNPAINTED 8 /* words below the stack pointer that painting itself may use */

static void leave(uint32_t status) {
  const uint32_t block[2] = {0x20026u, status}; /* ADP_Stopped_ApplicationExit */
  ask(0x20, block);                             /* SYS_EXIT_EXTENDED */
  for (;;) {
  }
}

/* Not inlined: what lies below this function's frame is free. */
__attribute__((noinline)) static void paint_stack(void) {
  const uint32_t *pointer = stack_pointer();
  for (volatile uint32_t *p = stack_low; p < pointer - UNPAINTED; p++) *p = PAINT;
}

int32_t port_stack(void) {
  const uint32_t *p = stack_low;
  while (p < stack_high && *p == PAINT) p++;
  return (int32_t)((stack_high - p) * 4);
}

void *port_memory(int32_t bytes) { return bytes <= (ram_end - stack_high) * 4 ? stack_high : 0; }

void reset_handler(void) {
  start_fpu();
  const uint32_t *from = data_load;
  for (uint32_t *to = data_start; to < data_end; to++) *to = *from++;
  for (uint32_t *to = bss_start; to < bss_end; to++) *to = 0;
  paint_stack();
  leave((uint32_t)main());
}

void fault_handler(void) {
  port_print("fault\n");
  leave(99);
}
