/* What this machine is and has now: a clock, memory, the processor's name. */
#ifndef UR_MACHINE_H
#define UR_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* Seconds on a clock that only goes forward; its zero means nothing. */
double ur_clock(void);
/* Seconds of processor time that the calling thread has had: what a wall clock shows where nobody else is at work. */
double ur_thread_clock(void);
/* Processor seconds that all threads of this process have used. */
double ur_cpu_clock(void);

/* Bytes this process could still take without swapping: what the kernel says is available, or what is left under the
 * memory limit of its control group or any group above (version 1 or 2), whichever is least. File pages that the
 * kernel would drop first count as free. -1: unknown. */
int64_t ur_memory_free(void);
/* The same, with every file looked up under `root` ("": the real ones). */
int64_t ur_memory_free_under(const char *root);

/* Most bytes of memory this process has had resident since it started, or since the last reset that worked.
 * -1: unknown. */
int64_t ur_memory_peak(void);
/* Starts the peak anew from what is resident now. True where the kernel allows it; else the peak stays as it was. */
int ur_memory_peak_reset(void);

/* The processor's model, "AMD EPYC 9B45", cut to `room` bytes with its final 0; the architecture's name where the
 * system does not say. */
void ur_cpu_name(char *text, size_t room);

#endif
