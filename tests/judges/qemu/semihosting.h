/* Calls to the debugger or emulator (Arm, "Semihosting for AArch32 and AArch64"). */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

enum {
  SYS_OPEN = 0x01,
  SYS_CLOSE = 0x02,
  SYS_WRITE0 = 0x04,
  SYS_WRITE = 0x05,
  SYS_READ = 0x06,
  SYS_EXIT = 0x18
};
enum { APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };

static inline uint32_t semihosting(uint32_t operation, uintptr_t argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register uintptr_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

/* Ends the emulation. */
static inline void stop(uint32_t reason) {
  semihosting(SYS_EXIT, reason);
  for (;;) {
  }
}

#endif
