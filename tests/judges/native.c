/* Runs a C export on this machine: reads inputs.bin and writes outputs.bin. Compiled as
 * qemu/firmware.c is. */
#include <stdio.h>

#include HEADER

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

int main(void) {
  static int8_t output[PASTE(NAME, _OUTPUT_BYTES)];
  int8_t *const input = PASTE(ID, _input)();
  FILE *in = fopen("inputs.bin", "rb");
  FILE *out = fopen("outputs.bin", "wb");
  if (in == NULL || out == NULL) return 1;
  while (fread(input, PASTE(NAME, _INPUT_BYTES), 1, in) == 1) {
    if (PASTE(ID, _run)(input, output) != 0) return 1;
    if (fwrite(output, sizeof output, 1, out) != 1) return 1;
  }
  return fclose(out) == 0 ? 0 : 1;
}
