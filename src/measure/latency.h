/* How long a step of a live stream takes, and how large its state is, at stated positions: measured through
 * unroll_step, one stream on one thread, as a program that streams would run it. */
#ifndef UR_LATENCY_H
#define UR_LATENCY_H

#include "unroll.h"

typedef struct ur_latency {
	int64_t position;       /* steps taken before the first one timed */
	int samples;            /* steps timed */
	double p50, p99;        /* microseconds */
	size_t state;           /* bytes of state that matter at that position: what saving the stream would write */
} ur_latency;

/* Steps timed in a row from a position on; the last position that can be asked for is the model's limit less this. */
enum { UR_LATENCY_RUN = 16 };

/* The last position latency can be measured at, at most `want`; a model that takes fewer steps than UR_LATENCY_RUN is
 * measured at 0. */
int64_t ur_latency_last(const ur_model *m, int64_t want);

/* For each of n positions (rising ones go on from each other): brings a stream there with tokens[0 .. count) (count
 * >= 1; repeated as often as needed), then times `samples` steps in runs of UR_LATENCY_RUN that each start at that
 * position again. p50 and p99 are of all of them but the first of each run, which finds the caches as the rewinding
 * left them. UR_E_INVALID: a position or a token the model has not; UR_E_NOMEM. */
ur_status ur_latency_measure(const ur_model *m, const int32_t *tokens, int64_t count, int samples, int n,
                             const int64_t *positions, ur_latency *out, ur_err *err);

#endif
