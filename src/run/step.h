/* One step of n streams through a whole model: what a streaming program spends its time in; and of n hypotheses of a
 * translation, which read their source's remembered products besides. */
#ifndef UR_STEP_H
#define UR_STEP_H

#include "model/model.h"

/* What the decoder's steps want of one source, worked out once: the summary where the model reads it, then each layer's
 * products of the encoder's outputs. */
typedef struct ur_remembered {
	int S;                          /* positions of the source, its end included */
	float *made;                    /* ur_remembered_size floats */
} ur_remembered;

size_t ur_remembered_size(const ur_model *m, int S);
/* memory (S, encoder.out): the encoder's outputs; summary (D), read only where the model wants it. */
void ur_remember(const ur_model *m, const float *memory, const float *summary, const ur_remembered *source);

/* Working memory of a step, for at most n streams. */
typedef struct ur_step {
	const ur_model *m;
	int n;
	float *x, *y;                   /* (n, D): what a layer reads and gives */
	float *first;                   /* (n, in) what the first layer reads, where that is more */
	float *normed, *h, *g;          /* (n, D), (n, gates F), (n, F): residual forms only */
	float *work;                    /* the mixer's */
	void **states;                  /* (n) states of one layer */
	const float **memory;           /* (n) a layer's products of each stream's source, and its length; pairs */
	int *mlen;
} ur_step;

/* Measures or cuts it from the arena (base/arena.h). Nothing in it lives from step to step. */
void ur_step_plan(ur_step *s, const ur_model *m, int n, ur_arena *arena);

typedef struct ur_step_call {
	int n;                          /* streams, at most the plan's */
	const int32_t *tokens;          /* in range */
	const float *values;            /* models of values, instead: (n, inputs), as ur_port_see makes them */
	void *const *states;            /* n of ur_model_state_size bytes, distinct, none full (ur_model_limit) */
	const ur_remembered *const *source;     /* pairs: each stream's */
	float *const *weights;          /* pairs: NULL, or n pointers to S floats: where the top layer looked */
	float *logits;                  /* (n, V), of values as the layers say them; without a head (n, width) */
} ur_step_call;

/* Feeds a token to each stream on the calling thread; positions move on by one. The caller has checked everything. A
 * stream's result does not depend on the others. Allocates nothing. */
void ur_step_streams(const ur_step *s, const ur_step_call *call);
/* The same of streams without a source. */
void ur_step_many(const ur_step *s, int n, const int32_t *tokens, void *const *states, float *logits);

#endif
