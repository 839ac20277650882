/* One learning rate for each contender, and what else is named, found with the same number of short runs each. */
#ifndef UR_TUNE_H
#define UR_TUNE_H

#include "train/train.h"

enum { UR_MOST_TRIALS = 9 };

/* What can be tuned: a row of the table in tune.c each. */
typedef struct ur_tunable {
	const char *name, *about;
	size_t at;              /* of a double in ur_recipe */
	double otherwise;       /* where the search begins when the recipe has it at 0 */
} ur_tunable;

/* NULL past the last. */
const ur_tunable *ur_tunable_nth(int n);
/* NULL: no such name. */
const ur_tunable *ur_tunable_find(const char *name);
static inline double *ur_tunable_in(const ur_tunable *t, ur_recipe *r) { return (double *)((char *)r + t->at); }

typedef struct ur_trial {
	double value, loss;     /* nats a token on the validation text; infinity: diverged */
} ur_trial;

typedef struct ur_tuning {
	int trials, best;       /* best: index, -1 where all diverged */
	ur_trial trial[UR_MOST_TRIALS];
	int open;               /* the best has no worse one tried on this side: -1 below, 1 above, 0: both sides tried */
} ur_tuning;

/* To three digits, which is how values are tried, shown and given again. */
double ur_tune_round(double value);
/* An empty search. */
void ur_tune_begin(ur_tuning *t);
/* The value to try next: `start`, then up by a factor of 3, and on in the direction that helps; when the best has a
 * worse one on either side, the rest refine between them. */
double ur_tune_next(const ur_tuning *t, double start);
/* What came of it, at most UR_MOST_TRIALS times: a loss that is no number, or infinity, is a divergence. */
void ur_tune_add(ur_tuning *t, double value, double loss);

#endif
