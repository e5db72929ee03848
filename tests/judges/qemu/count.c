/* Prints the instructions of one inference, where qemu-system-arm runs with -icount shift=0: every
 * instruction then takes a nanosecond of the board's time. Linked instead of run_all's file loop.
 * Compiled as firmware.c is. */
#include <stdint.h>

#include HEADER
#include "semihosting.h"

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

enum { NANOSECONDS_A_TICK = 40 }; /* the timer's clock is 25 MHz */

/* CMSDK APB timer 0 of Arm's MPS2 images; it counts down. */
static volatile uint32_t *const timer = (volatile uint32_t *)0x40000000;
enum { CONTROL = 0, VALUE = 1, RELOAD = 2 };

static void print(uint32_t number) {
  char text[12];
  int i = 11;
  text[i] = '\0';
  do {
    text[--i] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  semihosting(SYS_WRITE0, (uintptr_t)(text + i));
}

void run_all(void) {
  static int8_t output[PASTE(NAME, _OUTPUT_BYTES)];
  int8_t *const input = PASTE(ID, _input)();
  for (int32_t i = 0; i < PASTE(NAME, _INPUT_BYTES); i++) input[i] = (int8_t)(37 * i);
  timer[RELOAD] = UINT32_MAX;
  timer[VALUE] = UINT32_MAX;
  timer[CONTROL] = 1;
  const uint32_t start = timer[VALUE];
  PASTE(ID, _run)(input, output);
  print((start - timer[VALUE]) * NANOSECONDS_A_TICK);
}
