/* What the processor can do at best: the ceilings that training and steps are held against. */
#ifndef UR_SPEED_H
#define UR_SPEED_H

#include "kernel/gemm.h"

typedef struct ur_speed {
	double flops;       /* float32 operations a second, all threads at once, from registers */
	double bandwidth;   /* bytes read a second, all threads at once, from memory behind the caches; 0: no
	                     * room to tell */
} ur_speed;

/* The best of several short runs, a quarter of a second in all: others on the machine can only slow a run down. */
void ur_speed_measure(const ur_ctx *c, ur_speed *out);

#endif
