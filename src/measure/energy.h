/* Energy of the processor's packages, where the machine tells it: Linux's powercap (RAPL). Elsewhere, and in most
 * virtual machines, there is nothing to read, and nothing is made up. */
#ifndef UR_ENERGY_H
#define UR_ENERGY_H

/* Joules used by all packages since some moment in the past; NaN: this machine does not tell. `root` is put before
 * the paths that are read ("": the real ones). Counters wrap: ur_energy_between knows, once. They wrap after
 * some 260 kJ, which is half an hour of a large machine at work: read more often, and add up. */
typedef struct ur_energy { int n; double joules[8], most[8]; } ur_energy;
void ur_energy_read(const char *root, ur_energy *e);
/* Joules from a to b; NaN where either has none. At most half an hour or so apart, as above. */
double ur_energy_between(const ur_energy *a, const ur_energy *b);

#endif
