/* A stream: one live sequence through a model. One block holds this header, the working memory of a step, what a step
 * reads and gives, and the state, in that order; the state comes last because only its leading part is ever touched. */
#ifndef UR_STREAM_H
#define UR_STREAM_H

#include "run/step.h"

typedef struct ur_prefill ur_prefill;

struct ur_stream {
	const ur_model *m;
	int64_t limit;                  /* ur_model_limit */
	int chosen;                     /* 1 while a group looks whether its streams differ */
	ur_step step;
	float *out;                     /* (outputs) */
	float *seen;                    /* (inputs), as ur_port_see makes them; NULL: it reads tokens */
	void *state;                    /* ur_model_state_size bytes */
	ur_arena memory;                /* of the block, when it is the stream's own */
	ur_prefill *prefill;            /* NULL before the first prefill */
	ur_arena prefill_memory;
};

/* What streams are fed: n tokens, or (n, inputs) values in the units of the data. The other is NULL. */
typedef struct ur_fed {
	const int32_t *tokens;
	const float *values;
} ur_fed;

/* Whether a model can be fed these. UR_E_INVALID: it reads the other kind, a token that it lacks, or a value that is
 * infinite or too large (unroll.h). `seen` (inputs) is written over. */
ur_status ur_fed_check(const ur_model *m, ur_fed fed, int64_t n, float *seen, ur_err *err);
/* UR_E_FULL unless the stream can take n more steps. */
ur_status ur_stream_room(const ur_stream *s, int64_t n, ur_err *err);
/* n rows of values as the layers see them. */
void ur_fed_see(const ur_model *m, const float *values, int64_t n, float *seen);
/* n rows of outputs in the units of the data, in place; logits stay as they are. */
void ur_given_say(const ur_model *m, int64_t n, float *out);

#endif
