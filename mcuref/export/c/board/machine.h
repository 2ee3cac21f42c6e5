/* What start-up code and semihosting need of an architecture that C cannot say. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

#if defined(__riscv)

/* Ask the debugger or emulator: a breakpoint between two instructions that do nothing (RISC-V's "Semihosting", whose
 * operations and blocks are Arm's), uncompressed and in one page. */
static inline int32_t ask(int32_t operation, const void *argument) {
  register int32_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = argument;
  __asm__ volatile(
      ".option push\n .option norvc\n .balign 16\n"
      "slli zero, zero, 0x1f\n ebreak\n srai zero, zero, 7\n"
      ".option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
}

static inline uint32_t *stack_pointer(void) {
  uint32_t *pointer;
  __asm__ volatile("mv %0, sp" : "=r"(pointer));
  return pointer;
}

static inline void start_fpu(void) {
#if defined(__riscv_flen)
  __asm__ volatile("csrs mstatus, %0\n fscsr zero" : : "r"(0x2000)); /* mstatus.FS; rounding to nearest */
#endif
}

#else

/* Arm's "Semihosting for AArch32 and AArch64": a breakpoint that the debugger or emulator answers. */
static inline int32_t ask(int32_t operation, const void *argument) {
  register int32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static inline uint32_t *stack_pointer(void) {
  uint32_t *pointer;
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
  return pointer;
}

static inline void start_fpu(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE) /* whose vectors are in its registers */
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: coprocessors 10 and 11, the FPU */
  __asm__ volatile("dsb\n isb");
#endif
}

#endif

#endif
