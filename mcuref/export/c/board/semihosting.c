/* Files and text by semihosting: the debugger or emulator answers, with what it has. */
#include "machine.h"
#include "port.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06 };
enum { MODE_RB = 1, MODE_WB = 5 };

static uint32_t address(const void *pointer) { return (uint32_t)(uintptr_t)pointer; }

int32_t port_open(const char *name, int32_t writing) {
  uint32_t length = 0;
  while (name[length]) length++;
  const uint32_t block[3] = {address(name), writing ? MODE_WB : MODE_RB, length};
  return ask(SYS_OPEN, block);
}

int32_t port_read(int32_t file, void *data, int32_t bytes) {
  const uint32_t block[3] = {(uint32_t)file, address(data), (uint32_t)bytes};
  return bytes - ask(SYS_READ, block); /* it answers how many are missing */
}

void port_write(int32_t file, const void *data, int32_t bytes) {
  const uint32_t block[3] = {(uint32_t)file, address(data), (uint32_t)bytes};
  ask(SYS_WRITE, block);
}

void port_close(int32_t file) {
  const uint32_t block[1] = {(uint32_t)file};
  ask(SYS_CLOSE, block);
}

void port_print(const char *text) { ask(SYS_WRITE0, text); }
