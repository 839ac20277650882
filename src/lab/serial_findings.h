/* What serial.c's facts come to: rules, charts and questions of the experiment "serial". */
#ifndef UR_SERIAL_FINDINGS_H
#define UR_SERIAL_FINDINGS_H

#include "lab/lab.h"

/* ur_experiment.conclude */
void ur_serial_conclude(const json_t *facts, const json_t *others, ur_section *s);

#endif
