/* One learning rate for each contender, found with the same number of short runs each. */
#ifndef UR_TUNE_H
#define UR_TUNE_H

#include "base/status.h"

enum { UR_MOST_TRIALS = 9 };

typedef struct ur_trial {
	double lr, loss;        /* nats a token on the validation text; infinity: diverged */
} ur_trial;

typedef struct ur_tuning {
	int trials, best;       /* best: index, -1 where all diverged */
	ur_trial trial[UR_MOST_TRIALS];
	int open;               /* the best has no worse rate tried on this side: -1 below, 1 above, 0: both sides tried */
} ur_tuning;

/* One short run. UR_E_DIVERGED is an outcome, not a failure; a loss of infinity or NaN counts as one too. */
typedef ur_status ur_trial_run(void *arg, int trial, double lr, double *loss, ur_err *err);

/* To three digits, which is how rates are tried, shown and given again. */
double ur_tune_round(double lr);
/* `trials` runs (1 .. UR_MOST_TRIALS) at rates spaced by a factor of 3, starting at `start`, then up, and on in the
 * direction that helps; when the best rate has a worse one on either side, the rest refine between them. Fails as `run`
 * does. */
ur_status ur_tune(double start, int trials, ur_trial_run *run, void *arg, ur_tuning *out, ur_err *err);

#endif
