/* From reset to main on a Cortex-M: FPU on, .data and .bss filled, stack painted; main's result becomes the exit status. */
#include <stdint.h>

#include "port.h"

extern uint32_t stack_low[], stack_high[], ram_end[], data_load[], data_start[], data_end[], bss_start[], bss_end[];
int main(void);
void reset_handler(void);
void fault_handler(void);

#define PAINT 0xC5C5C5C5u
#define UNPAINTED 8 /* words below the stack pointer that painting itself may use */

static void leave(uint32_t status) {
  uint32_t block[2] = {0x20026u, status}; /* ADP_Stopped_ApplicationExit */
  register uint32_t r0 __asm__("r0") = 0x20u; /* SYS_EXIT_EXTENDED */
  register uint32_t *r1 __asm__("r1") = block;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  for (;;) {
  }
}

/* Not inlined: what lies below this function's frame is free. */
__attribute__((noinline)) static void paint_stack(void) {
  uint32_t *pointer;
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
  for (volatile uint32_t *p = stack_low; p < pointer - UNPAINTED; p++) *p = PAINT;
}

int32_t port_stack(void) {
  const uint32_t *p = stack_low;
  while (p < stack_high && *p == PAINT) p++;
  return (int32_t)((stack_high - p) * 4);
}

void *port_memory(int32_t bytes) { return bytes <= (ram_end - stack_high) * 4 ? stack_high : 0; }

void reset_handler(void) {
#if defined(__ARM_FP)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: coprocessors 10 and 11, the FPU */
  __asm__ volatile("dsb\n isb");
#endif
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

/* The vector table: initial stack pointer, then handlers. */
struct vectors {
  uint32_t *stack;
  void (*handlers[15])(void);
};
extern const struct vectors vectors;
__attribute__((section(".vectors"), used)) const struct vectors vectors = {
    stack_high, {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler}};
