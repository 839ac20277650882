/* One mixer alone with all that a call of it needs: weights, input, states, gradients, working memory. What is timed
 * and what is counted (count.h, cost_model.h, the lab) is a rig, so that both are the same call. */
#ifndef UR_MIXER_RIG_H
#define UR_MIXER_RIG_H

#include "base/status.h"
#include "mixer/mixer.h"

typedef enum ur_rig_pass {
	UR_PASS_FORWARD,        /* over T steps of B sequences, nothing kept */
	UR_PASS_TRAINING,       /* forward, dy = y (the gradient of half the sum of squares), backward */
	UR_PASS_STEP,           /* one step of B streams that have taken T before it */
	UR_PASSES
} ur_rig_pass;
const char *ur_rig_pass_name(ur_rig_pass pass);         /* "forward", "training", "step" */

typedef struct ur_rig_spec {
	const ur_mixer_forward *forward;
	const ur_mixer_backward *backward;      /* UR_PASS_TRAINING; else may be NULL */
	ur_dims dims;                           /* context is set here */
	int T, B;
	ur_rig_pass pass;
	int S;                                  /* rows of each source, for mixers that read one; 0: T */
	int ragged, indexed, stateful;          /* whole sequences: lengths differ, x by index, states given and taken */
	int empty;                              /* 1: all values are 0 and weights are not packed; for dry counting */
} ur_rig_spec;

/* A layer of `width` with its mixer's standard options; where the mixer has heads, as many of them as check() allows
 * from the standard number down. */
ur_dims ur_rig_dims(const ur_mixer *m, int width);

typedef struct ur_rig {
	ur_rig_spec spec;
	const ur_ctx *ctx;                      /* what calls run with: may be changed between them, but for another nr */
	ur_arena memory;
	size_t inputs;                          /* bytes at the start of memory.base that calls read and did not write */
	ur_span span;
	int n;
	ur_mat w[UR_MIXER_PARAMS];
	float *dw[UR_MIXER_PARAMS];
	float *dy, *dx, *dmemory, *saved, *work, *source;
	void **state, **dstate, **kept;         /* kept: as they were before the first call */
	const float **made;
	float **made_at;
	int *mlen;
	size_t state_size;
	int since;                              /* calls since states were as at first */
} ur_rig;

/* UR_E_INVALID: the mixer's check() refuses the dims. UR_E_NOMEM. */
ur_status ur_rig_open(ur_rig *rig, const ur_rig_spec *spec, const ur_ctx *ctx, ur_err *err);
/* One call of the pass. Steps move on, by 64 or a quarter of T, before they start again where they were. */
void ur_rig_run(ur_rig *rig);
/* States as they were before the first call, and how many steps can follow before a call does that by itself. */
void ur_rig_restart(ur_rig *rig);
int ur_rig_steps(const ur_rig *rig);
void ur_rig_close(ur_rig *rig);

#endif
