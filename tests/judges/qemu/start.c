/* What runs before and after run_all() on a Cortex-M without an operating system. */
#include "semihosting.h"

extern uint32_t data_source[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];

void run_all(void);
void reset(void);

void reset(void) {
  const uint32_t *from = data_source;
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
