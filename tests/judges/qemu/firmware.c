/* Runs a C export on a Cortex-M without any operating system: reads inputs.bin, writes
 * outputs.bin, both by semihosting (Arm, "Semihosting for AArch32 and AArch64"), and stops.
 * Compiled with -DHEADER='"name.h"' -DID=name -DNAME=NAME. */
#include <stddef.h>
#include <stdint.h>

#include HEADER

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define INPUT_BYTES PASTE(NAME, _INPUT_BYTES)
#define OUTPUT_BYTES PASTE(NAME, _OUTPUT_BYTES)

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 };
enum { APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };
enum { BATCH = 256 }; /* inputs a semihosting call: one call costs as much as many inferences */

static int8_t inputs[BATCH * INPUT_BYTES];
static int8_t outputs[BATCH * OUTPUT_BYTES];

static uint32_t semihosting(uint32_t operation, uintptr_t argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register uintptr_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void stop(uint32_t reason) {
  semihosting(SYS_EXIT, reason);
  for (;;) {
  }
}

static uint32_t open_file(const char *name, size_t length, uint32_t mode) {
  const uintptr_t arguments[3] = {(uintptr_t)name, mode, length};
  const uint32_t handle = semihosting(SYS_OPEN, (uintptr_t)arguments);
  if (handle == UINT32_MAX) stop(RUN_TIME_ERROR);
  return handle;
}

/* Bytes that were not transferred. */
static uint32_t transfer(uint32_t operation, uint32_t handle, int8_t *bytes, size_t count) {
  const uintptr_t arguments[3] = {handle, (uintptr_t)bytes, count};
  return semihosting(operation, (uintptr_t)arguments);
}

static void run_all(void) {
  const uint32_t in = open_file("inputs.bin", 10, READ_BINARY);
  const uint32_t out = open_file("outputs.bin", 11, WRITE_BINARY);
  for (;;) {
    const size_t count =
        (sizeof inputs - transfer(SYS_READ, in, inputs, sizeof inputs)) / INPUT_BYTES;
    if (count == 0) break;
    for (size_t i = 0; i < count; i++) {
      if (PASTE(ID, _run)(inputs + i * INPUT_BYTES, outputs + i * OUTPUT_BYTES) != 0) {
        stop(RUN_TIME_ERROR);
      }
    }
    if (transfer(SYS_WRITE, out, outputs, count * OUTPUT_BYTES) != 0) stop(RUN_TIME_ERROR);
  }
  const uintptr_t handle = out;
  semihosting(SYS_CLOSE, (uintptr_t)&handle);
}

extern uint32_t data_source[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];

void reset(void) {
  uint32_t *from = data_source;
  for (uint32_t *to = data_start; to < data_end; to++) *to = *from++;
  for (uint32_t *to = bss_start; to < bss_end; to++) *to = 0;
  run_all();
  stop(APPLICATION_EXIT);
}

static void fault(void) {
  stop(RUN_TIME_ERROR);
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,     (uintptr_t)fault, (uintptr_t)fault,
};
