/* Layers of the lab's mixers, to be timed, counted and predicted: what experiments about cost share. */
#ifndef UR_RIGS_H
#define UR_RIGS_H

#include "lab/lab.h"
#include "measure/cost_model.h"

/* A layer of that width of the mixer, with its standard options. */
ur_rig_spec ur_lab_layer(const ur_lab_mixer *m, int width, int T, int B, ur_pass pass);
/* ur_timed.run of an ur_rig. */
void ur_lab_run_rig(void *rig);
/* n layers timed in turns for about so many seconds, each on its context; opened and closed here. */
ur_status ur_lab_time_layers(ur_lab *lab, int n, const ur_rig_spec *spec, const ur_ctx *const *ctx, double seconds,
                             ur_times *out, ur_err *err);
/* Processor seconds of the one thread a repeat took: what the cost model predicts. */
double ur_lab_cpu_seconds(const json_t *times);

/* Facts are {"lstm": ..., "attention": ...}: the value of the model the lesson speaks of. The name of a mixer whose
 * state grows (attention), or of one whose state does not (the LSTM where there is one); NULL: there is none.
 * `counts` has of each mixer whether its state "grows". */
const char *ur_lab_typical(const json_t *counts, int grows);

#endif
