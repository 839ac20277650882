/* The two halves of the experiment "streaming": what it measures (streaming_measure.c), and what follows from it
 * (streaming.c).
 *
 * Facts:
 *     predicted     {"width", "last": position, "bandwidth": bytes a second that one thread reads}, before any step
 *     steps         {"width", "window", "position": [...], "of": {name: {"grows": whether its state does by itself,
 *                   "window": of it, 0: none, "at": [one a position: {"n": steps timed, "sure": there were enough
 *                   for an interval of the median, "p50", "p50_low", "p50_high", "p99", "p99_low", "p99_high": seconds by the
 *                   clock, "thread", "thread_low", "thread_high": that the processor gave, the median of turns' means,
 *                   "state": bytes that matter}]}}} */
#ifndef UR_STREAMING_PARTS_H
#define UR_STREAMING_PARTS_H

#include "lab/lab.h"

enum { UR_STREAMING_POSITIONS = 16 };

typedef struct ur_streaming_plan {
	int width, window;                      /* of layers; of attention's second form */
	int position[UR_STREAMING_POSITIONS];   /* steps taken before; rising, ends with 0 */
	double seconds;                         /* for steps, once all states are there */
} ur_streaming_plan;

/* Steps of all mixers at all positions, in turns, on one thread; of those whose state grows also with a window, where
 * they can have one. *fact: "steps", a new reference. UR_E_STOPPED, UR_E_NOMEM. */
ur_status ur_streaming_steps(ur_lab *lab, const ur_streaming_plan *plan, json_t **fact, ur_err *err);
/* What the experiment measures. */
ur_status ur_streaming_measure(ur_lab *lab, ur_err *err);

#endif
