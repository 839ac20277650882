/* One step of n streams through a whole model: what a streaming program spends its time in. */
#ifndef UR_STEP_H
#define UR_STEP_H

#include "model/model.h"

/* Working memory of a step, for at most n streams. */
typedef struct ur_step {
	const ur_model *m;
	int n;
	float *x, *y;                   /* (n, D): what a layer reads and gives */
	float *normed, *h, *g;          /* (n, D), (n, gates F), (n, F): residual forms only */
	float *work;                    /* the mixer's */
	void **states;                  /* (n) states of one layer */
} ur_step;

/* Measures or cuts it from the arena (base/arena.h). Nothing in it lives from step to step. */
void ur_step_plan(ur_step *s, const ur_model *m, int n, ur_arena *arena);
/* Feeds tokens[i] to the stream whose state is states[i] (ur_model_state_size bytes, distinct), for n streams, at most
 * the plan's, on the calling thread; logits (n, V). Positions move on by one. Tokens are in range, and no state is full
 * (ur_model_limit): the caller has checked. A stream's result does not depend on the others. Allocates nothing. */
void ur_step_many(const ur_step *s, int n, const int32_t *tokens, void *const *states, float *logits);

#endif
