/* The parts of the experiment "online": what is measured (online.c) and what it comes to (online_tell.c). */
#ifndef UR_LAB_ONLINE_H
#define UR_LAB_ONLINE_H

#include "lab/lab.h"
#include "train/learner.h"

/* From "run/NAME/SEED", "rate/NAME" and "costs". */
void ur_online_conclude(const json_t *facts, const json_t *others, ur_section *s);

#endif
