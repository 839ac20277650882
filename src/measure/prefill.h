/* How long a whole sequence of T tokens takes (prefill: a forward pass at batch 1 whose state is kept), by T. */
#ifndef UR_PREFILL_TIMES_H
#define UR_PREFILL_TIMES_H

#include "model/model.h"

enum { UR_PREFILL_REPEATS = 5, UR_PREFILL_POINTS = 16 };

typedef struct ur_prefill_time {
	int64_t T;
	int repeats;
	double seconds[UR_PREFILL_REPEATS];     /* each measured, after one that was not counted */
} ur_prefill_time;

/* Their median; NaN: none. */
double ur_prefill_seconds(const ur_prefill_time *t);

/* The same layers built for at least `positions` steps: m itself (*out = NULL) where it takes that many, else a model
 * of the same spec with that context and untrained weights, which cost the same time. UR_E_NOMEM: it does not fit. */
ur_status ur_stretched(const ur_model *m, int64_t positions, const ur_ctx *c, ur_model **out, ur_err *err);

/* For each of n rising lengths: times UR_PREFILL_REPEATS prefills of tokens[0 .. count) repeated as often as needed, on
 * the threads of c, the models of a list taking turns so that noise hits all alike. Model i stops (its *done[i] says at
 * how many lengths) before a length that it cannot take, or whose repeats would by the growth so far take longer than
 * `seconds`. Fewer repeats (at least one) are fine where a single one takes more than a fifth of that. stop(arg), asked
 * before every few thousand tokens (NULL: nobody is): non-zero ends it, UR_E_STOPPED; what was done stays. */
ur_status ur_prefill_measure(int models, const ur_model *const *m, const ur_ctx *c, const int32_t *tokens,
                             int64_t count, int n, const int64_t *T, double seconds,
                             ur_prefill_time *const *out, int *done, int (*stop)(void *arg), void *arg, ur_err *err);

#endif
