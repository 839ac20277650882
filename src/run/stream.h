/* A stream: one live sequence through a model. One block holds this header, the working memory of a step, the logits
 * and the state, in that order; the state comes last because only its leading part is ever touched. */
#ifndef UR_STREAM_H
#define UR_STREAM_H

#include "run/step.h"

typedef struct ur_prefill ur_prefill;

struct ur_stream {
	const ur_model *m;
	ur_step step;
	float *logits;                  /* (V) */
	void *state;                    /* ur_model_state_size bytes */
	ur_arena memory;                /* of the block, when it is the stream's own */
	ur_prefill *prefill;            /* NULL before the first prefill */
	ur_arena prefill_memory;
};

/* UR_E_INVALID unless a stream at `position` can take these n tokens. */
ur_status ur_stream_check(const ur_stream *s, const int32_t *tokens, int64_t n, ur_err *err);

#endif
