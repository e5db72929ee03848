#pragma once

#include <string_view>

namespace hwnas::measurement {

// Files of a firmware beside the network; firmware.cpp fills in what stands between '@'.

/// Memory: the stack lies below all data, so that its overflow spoils nothing that is counted.
inline constexpr std::string_view kLinkerScript = R"(MEMORY
{
  FLASH (rx) : ORIGIN = @flash_origin@, LENGTH = @flash_bytes@
  RAM (rw) : ORIGIN = @ram_origin@, LENGTH = @ram_bytes@
}
ENTRY(reset)
SECTIONS
{
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(4); } > FLASH
  .ARM.exidx : { *(.ARM.exidx*) } > FLASH
  .stack (NOLOAD) : { stack_bottom = .; . = . + @stack_bytes@; stack_top = .; } > RAM
  .data : ALIGN(16) { data_start = .; *(.data*) . = ALIGN(4); data_end = .; } > RAM AT > FLASH
  data_source = LOADADDR(.data);
  .bss (NOLOAD) : ALIGN(16) { bss_start = .; *(.bss*) *(COMMON) . = ALIGN(4); bss_end = .; } > RAM
}
)";

/// Vectors, start-up, and the measurement. SysTick has 24 bits; its interrupt counts the wraps, in
/// some ten instructions every 2^24 ticks.
inline constexpr std::string_view kMeasuringSource = R"C(#include <stdint.h>

extern uint32_t data_source[], data_start[], data_end[], bss_start[], bss_end[];
extern uint32_t stack_bottom[], stack_top[];

void prepare(void);
int run_once(void);
void reset(void);

enum { SYS_WRITE0 = 0x04, SYS_EXIT = 0x18 };
enum { APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };
#define UNUSED_STACK 0xA5C3A5C3u

static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010;
static volatile uint32_t *const coprocessors = (volatile uint32_t *)0xE000ED88;
enum { CONTROL = 0, RELOAD = 1, VALUE = 2 };
static volatile uint32_t wraps;

/* Arm, "Semihosting for AArch32 and AArch64". */
static void semihosting(uint32_t operation, uintptr_t argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register uintptr_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void stop(uint32_t reason) {
  semihosting(SYS_EXIT, reason);
  for (;;) {
  }
}

static void print(const char *name, uint64_t number) {
  char text[] = " 0x0000000000000000\n";
  for (int digit = 18; digit > 2; digit--, number >>= 4) {
    text[digit] = "0123456789abcdef"[number & 15];
  }
  semihosting(SYS_WRITE0, (uintptr_t)name);
  semihosting(SYS_WRITE0, (uintptr_t)text);
}

static uint64_t ticks(void) {
  uint32_t before, value;
  do {
    before = wraps;
    value = systick[VALUE];
  } while (before != wraps);
  return ((uint64_t)before << 24) + (0xFFFFFF - value);
}

static int nothing(void) {
  return 0;
}

static uint64_t ticks_of(int (*volatile run)(void)) {
  const uint64_t start = ticks();
  if (run() != 0) stop(RUN_TIME_ERROR);
  return ticks() - start;
}

static uint32_t *stack_pointer(void) {
  uint32_t *pointer;
  __asm__ volatile("mov %0, sp" : "=r"(pointer));
  return pointer;
}

void reset(void) {
  *coprocessors |= 0xF << 20; /* floating point and vectors, where the core has them */
  __asm__ volatile("dsb\n isb");
  const uint32_t *from = data_source;
  for (volatile uint32_t *to = data_start; to < data_end; to++) *to = *from++;
  for (volatile uint32_t *to = bss_start; to < bss_end; to++) *to = 0;
  for (volatile uint32_t *to = stack_bottom; to < stack_pointer() - 16; to++) *to = UNUSED_STACK;
  systick[RELOAD] = 0xFFFFFF;
  systick[VALUE] = 0;
  systick[CONTROL] = 7; /* the core's clock, with interrupt */
  prepare();
  ticks_of(run_once);
  prepare();
  const uint64_t overhead = ticks_of(nothing);
  const uint64_t total = ticks_of(run_once);
  if (*(volatile uint32_t *)stack_bottom != UNUSED_STACK) {
    semihosting(SYS_WRITE0, (uintptr_t)"the stack overflowed: give it more than stack_bytes\n");
    stop(RUN_TIME_ERROR);
  }
  const volatile uint32_t *used = stack_bottom;
  while (used < stack_top && *used == UNUSED_STACK) used++;
  print("ticks", total - overhead);
  print("stack_bytes", (uintptr_t)stack_top - (uintptr_t)used);
  stop(APPLICATION_EXIT);
}

static void fault(void) {
  stop(RUN_TIME_ERROR);
}

static void on_systick(void) {
  wraps++;
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,     (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault,
    0, 0, 0, (uintptr_t)fault, (uintptr_t)fault, 0, (uintptr_t)fault, (uintptr_t)on_systick,
};
)C";

/// prepare and run_once for a C export.
inline constexpr std::string_view kRunExport = R"(#include "@name@.h"

void prepare(void);
int run_once(void);

void prepare(void) {
  for (int32_t i = 0; i < @NAME@_INPUT_BYTES; i++) @id@_input()[i] = (int8_t)(37 * i);
}

int run_once(void) {
  static int8_t output[@NAME@_OUTPUT_BYTES];
  return @id@_run(@id@_input(), output);
}
)";

}  // namespace hwnas::measurement
