/* What the examples and checks ask of the machine they run on: files, text, and how deep the stack has been.
 *
 * host.c answers with the C library; semihosting.c, on a board, asks the debugger or emulator.
 */
#ifndef PORT_H
#define PORT_H

#include <stdint.h>

/* Open a file for reading, or for writing a new one; a handle, or -1. */
int32_t port_open(const char *name, int32_t writing);

/* Read up to `bytes`; how many came. */
int32_t port_read(int32_t file, void *data, int32_t bytes);

void port_write(int32_t file, const void *data, int32_t bytes);
void port_close(int32_t file);
void port_print(const char *text);

/* Memory that nothing else uses, aligned for pointers, the same at every call; null if there is not so much. */
void *port_memory(int32_t bytes);

/* Bytes of stack that have been used since the reset, or -1 where nobody knows. */
int32_t port_stack(void);

#endif
