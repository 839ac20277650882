/* What translating takes, one sentence at a time on one thread, as a program that serves one user would run it. */
#ifndef UR_SENTENCE_COST_H
#define UR_SENTENCE_COST_H

#include "data/pairs.h"
#include "run/translate.h"

typedef struct ur_sentence_cost {
	int samples;                    /* sources timed */
	double p50, p99;                /* microseconds a sentence */
	int source_tokens, target_tokens;       /* medians of the sources timed and of their references, ends included */
	size_t remembered;              /* bytes kept of a source of that length while it is translated, ... */
	size_t state;                   /* ... and of one hypothesis' state at that length of target */
} ur_sentence_cost;

/* Asked between sentences. Non-zero: stop (UR_E_STOPPED). */
typedef int ur_sentence_watch(void *arg);

/* n models on the sources of pairs index[count], evenly taken, each source by all of them in turns: at least 16 sources
 * where there are as many, at most 256, as many as about `seconds` allow. Of settings beam and penalty count. c has the
 * kernels; threads are one. UR_E_INVALID: a source is too long for a model. UR_E_NOMEM. */
ur_status ur_sentence_costs(int n, const ur_model *const *m, const ur_ctx *c, const ur_pairs *pairs,
                            const int64_t *index, int64_t count, const ur_translating *settings, double seconds,
                            ur_sentence_watch *watch, void *arg, ur_sentence_cost *out, ur_err *err);

#endif
