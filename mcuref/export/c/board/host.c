#include <stdio.h>
#include <stdlib.h>

#include "port.h"

static FILE *files[8];

int32_t port_open(const char *name, int32_t writing) {
  for (int32_t i = 0; i < 8; i++)
    if (!files[i]) {
      files[i] = fopen(name, writing ? "wb" : "rb");
      if (files[i] && writing) setvbuf(files[i], NULL, _IONBF, 0); /* it is all there if the program crashes */
      return files[i] ? i : -1;
    }
  return -1;
}

int32_t port_read(int32_t file, void *data, int32_t bytes) {
  return (int32_t)fread(data, 1, (size_t)bytes, files[file]);
}

void port_write(int32_t file, const void *data, int32_t bytes) { fwrite(data, 1, (size_t)bytes, files[file]); }

void port_close(int32_t file) {
  fclose(files[file]);
  files[file] = NULL;
}

void port_print(const char *text) { fputs(text, stdout); }

void *port_memory(int32_t bytes) {
  static void *memory;
  free(memory);
  memory = malloc((size_t)bytes);
  return memory;
}

int32_t port_stack(void) { return -1; }
