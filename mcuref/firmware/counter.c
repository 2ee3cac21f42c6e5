/* Counts executed instructions in QEMU: a plugin for its TCG plugin interface, version 1 (QEMU 4.2 to 8.x).
 *
 *   -plugin counter.so,mark=0xADDRESS,marks=FILE,functions=FILE
 *
 * mark       address of a function. Whenever its first instruction runs, the number of instructions so far is appended
 *            to the file `marks`, as uint64.
 * functions  at the end, "address count" in hexadecimal and decimal for every address that ran, in ascending order.
 *
 * All counts are exact and the same in every run. What is declared here is what the plugin uses of the interface, so
 * that no header of QEMU is needed.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;   /* a block of instructions that is being translated */
struct qemu_plugin_insn; /* one of them */
struct qemu_info_t;
enum { NO_REGISTERS = 0, ADD_U64 = 0 }; /* QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_INLINE_ADD_U64 */

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id, const struct qemu_info_t *, int, char **);

enum { PAGE_BITS = 12, PAGES = 1 << 20, HALFWORDS = 1 << (PAGE_BITS - 1) }; /* 32-bit addresses, Thumb instructions */

static uint64_t total;
static uint64_t *pages[PAGES]; /* a counter for every halfword of the pages that hold code */
static uint64_t mark_address = UINT64_MAX;
static FILE *marks, *functions;

static uint64_t *counter_of(uint64_t address) {
  uint64_t **page = &pages[(address >> PAGE_BITS) % PAGES];
  if (!*page) *page = calloc(HALFWORDS, sizeof **page);
  if (!*page) abort();
  return &(*page)[(address >> 1) % HALFWORDS];
}

static void on_mark(unsigned processor, void *unused) {
  (void)processor, (void)unused;
  fwrite(&total, sizeof total, 1, marks);
}

/* A block is translated once and runs many times: plant counters into it. */
static void on_translation(plugin_id id, struct qemu_plugin_tb *block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
    const uint64_t address = qemu_plugin_insn_vaddr(instruction);
    if (marks && address == mark_address)
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark, NO_REGISTERS, NULL);
    qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, &total, 1);
    if (functions) qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, counter_of(address), 1);
  }
}

static void on_end(plugin_id id, void *unused) {
  (void)id, (void)unused;
  if (marks) fclose(marks);
  if (!functions) return;
  for (uint64_t page = 0; page < PAGES; page++)
    for (uint64_t i = 0; pages[page] && i < HALFWORDS; i++)
      if (pages[page][i])
        fprintf(functions, "%llx %llu\n", (unsigned long long)(page << PAGE_BITS | i << 1),
                (unsigned long long)pages[page][i]);
  fclose(functions);
}

/* The value of an argument "name=value", or null. */
static const char *value_of(const char *argument, const char *name) {
  const size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int count, char **arguments) {
  (void)info;
  for (int i = 0; i < count; i++) {
    const char *value;
    FILE **file = NULL;
    if ((value = value_of(arguments[i], "mark")))
      mark_address = strtoull(value, NULL, 0);
    else if ((value = value_of(arguments[i], "marks")))
      file = &marks;
    else if ((value = value_of(arguments[i], "functions")))
      file = &functions;
    else
      return 1;
    if (file && !(*file = fopen(value, "wb"))) return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_end, NULL);
  return 0;
}
