/* Choosing a token from logits. */
#ifndef UR_SAMPLE_H
#define UR_SAMPLE_H

#include "base/status.h"
#include "kernel/kernel.h"

/* Applied in this order. Zero-initialised it is greedy. */
typedef struct ur_sampling {
	double temperature;             /* logits are divided by it; 0: the best token, always */
	int top_k;                      /* only the k best tokens; 0: all */
	double top_p;                   /* only the best tokens that together have this probability; 0 and 1: all */
	uint64_t seed;
} ur_sampling;

/* UR_E_INVALID: a setting out of range; err says which. */
ur_status ur_sampling_check(const ur_sampling *s, ur_err *err);
/* Draws the token at `position` of a text: a function of (settings, logits, position) alone. work: V floats. s has
 * passed ur_sampling_check. UR_E_INVALID: a logit is NaN or +infinity, or all are -infinity (a token at -infinity has
 * probability 0). Allocates nothing; O(V). */
ur_status ur_sample(const ur_kernels *k, const ur_sampling *s, int V, const float *logits, int64_t position,
                    float *work, int32_t *token, ur_err *err);

#endif
