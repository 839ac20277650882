/* Layers of the lab's mixers, to be timed, counted and predicted: what experiments about cost share. */
#ifndef UR_RIGS_H
#define UR_RIGS_H

#include "lab/lab.h"
#include "measure/cost_model.h"

/* Mixers that the lab measures, at most so many of those it was given. */
enum { UR_LAB_MOST_MIXERS = 32 };
int ur_lab_mixer_count(const ur_lab *lab);

/* A layer of that width of the mixer, with its standard options. */
ur_rig_spec ur_lab_layer(const ur_lab_mixer *m, int width, int T, int B, ur_rig_pass pass);
/* n layers timed in turns for about so many seconds, each on its context; opened and closed here. A turn is some calls
 * in a row, so that caches are warm. Where finding out how many took all the time, that was the one repeat.
 * UR_E_STOPPED, asked before each layer and each turn; UR_E_NOMEM. */
ur_status ur_lab_time_layers(ur_lab *lab, int n, const ur_rig_spec *spec, const ur_ctx *const *ctx, double seconds,
                             ur_times *out, ur_err *err);
/* Facts are {"lstm": ..., "attention": ...}: the value of the model the lesson speaks of. The name of a mixer whose
 * state grows (attention), or of one whose state does not (the LSTM where there is one); NULL: there is none.
 * `counts` has of each mixer whether its state "grows". */
const char *ur_lab_typical(const json_t *counts, int grows);

#endif
