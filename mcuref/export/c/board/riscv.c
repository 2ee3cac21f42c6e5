/* The first instructions of a RISC-V core: stack pointer and handler of faults, then on in C. */
void reset_handler(void);
void fault_handler(void);

__asm__(
    ".section .vectors, \"ax\", @progbits\n"
    ".option push\n"
    ".option arch, +zicsr\n"
    ".option norvc\n" /* the handler's address ends in two zeros */
    "vectors:\n"
    "  la sp, stack_high\n"
    "  la t0, fault\n"
    "  csrw mtvec, t0\n"
    "  tail reset_handler\n"
    "fault:\n"
    "  la sp, stack_high\n"
    "  tail fault_handler\n"
    ".option pop\n"
    ".text\n");
