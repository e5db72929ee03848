/* Runs a C export on all of inputs.bin and writes outputs.bin, both by semihosting.
 * Compiled with -DHEADER='"name.h"' -DID=name -DNAME=NAME. */
#include <stddef.h>
#include <stdint.h>

#include HEADER
#include "semihosting.h"

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define INPUT_BYTES PASTE(NAME, _INPUT_BYTES)
#define OUTPUT_BYTES PASTE(NAME, _OUTPUT_BYTES)

enum { READ_BINARY = 1, WRITE_BINARY = 5 };
enum { BATCH = 256 }; /* inputs a semihosting call, which costs as much as many inferences */

static int8_t inputs[BATCH * INPUT_BYTES];
static int8_t outputs[BATCH * OUTPUT_BYTES];

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

void run_all(void) {
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
