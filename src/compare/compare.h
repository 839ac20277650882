/* Several architectures on the user's text and machine: the same number of parameters, the same training tokens, one
 * tuned learning rate each; then what each costs and how good it is, and which one to use.
 *
 * Everything in a comparison was measured in it. The losses are reproducible from the seed and the token budget; the
 * times are of this machine at that moment. */
#ifndef UR_COMPARE_H
#define UR_COMPARE_H

#include "compare/heldout.h"
#include "compare/paired.h"
#include "compare/tune.h"
#include "compare/widths.h"
#include "measure/latency.h"
#include "measure/memory.h"
#include "measure/speed.h"

enum { UR_MOST_CONTENDERS = 12, UR_POSITIONS = 3, UR_ADVICE = 16384 };

/* A difference in loss below this share of the best loss is called a tie, whatever its interval: one seed was trained,
 * and another would move each result a little. */
#define UR_TIE 0.01
/* Costs this close are called equal. */
#define UR_CLOSE 0.10

/* What is going on; `share` of the whole is done. */
typedef struct ur_stage {
	const char *what;               /* "calibrating", "trial 2 of 3", "training", "scoring", "timing steps" */
	const char *name;               /* the contender's */
	int64_t step, steps;            /* 0 of 0 where there are none */
	double lr, loss;                /* of training, NaN else */
	double share, seconds, eta;
	int64_t tokens;                 /* each contender's budget, once known; else 0 */
} ur_stage;
/* Called often, cheap ones are the callee's concern. Non-zero: stop (UR_E_STOPPED). */
typedef int ur_watch(void *arg, const ur_stage *stage);

typedef struct ur_compare {
	int archs;
	const char *const *arch;        /* specs, at most UR_MOST_CONTENDERS; without LAYERSxWIDTH the width is found */
	const ur_corpus *corpus;
	ur_split split;                 /* train, val to tune on, test to compare on; no test: val is compared on too */
	int64_t parameters;             /* each is sized to it, given shapes too; 0: specs with a shape keep it, and the others
	                                 * match the first of those, or, where there is none, what the budget can train */
	int64_t tokens;                 /* of each main run; 0: as many as fit in ... */
	double seconds;                 /* ... this, all contenders and everything together */
	int trials;                     /* learning rates tried for each, 1 .. UR_MOST_TRIALS */
	double share;                   /* of a main run that a trial is: its beginning */
	const double *lr;               /* instead of trials: the learning rate of each; NULL: none */
	int window, step_tokens;        /* tokens of a window and of an optimiser step; 0: by the budget */
	uint64_t seed;
	const ur_ctx *ctx;
	const char *out_dir;            /* models go there as NAME.safetensors; NULL: they are not kept */
	const char *command;            /* kept in the models' metadata; may be NULL */
	ur_watch *watch;
	void *arg;
} ur_compare;

typedef struct ur_contender {
	char name[64];                  /* unique, fit for a file name: "lstm" */
	ur_spec spec;
	int64_t parameters;
	double deviation;               /* from the target: 0.02 is 2 % over */
	int64_t limit;                  /* steps it can take, 0: any number */
	double lr;                      /* of the main run: the best that was tried, or as given */
	ur_tuning tuning;               /* no trials where rates were given */
	int64_t trial_tokens;
	int diverged;                   /* in all trials, or in the main run; then what follows is not there */
	char why[256];                  /* how */
	ur_recipe recipe;               /* of the main run */
	ur_outcome outcome;
	ur_memory memory;               /* of the main run */
	double tokens_per_second;       /* of training, median over steps */
	double share_of_peak;           /* arithmetic of training at that rate, of the processor's peak */
	double loss, bits_per_byte;     /* held-out */
	ur_blocks blocks;
	ur_gap gap;                     /* above the best of all */
	ur_latency latency[UR_POSITIONS];
	size_t weight_bytes;
	int64_t file_bytes;             /* 0: not saved */
	char path[4096];
} ur_contender;

/* Which one, and why. Indices of contenders; -1: none. */
typedef struct ur_advice {
	int pick;                       /* of those that tie with the best, the cheapest to run */
	int best;                       /* lowest loss */
	int fastest_step, smallest_state, fastest_training;
	int tied[UR_MOST_CONTENDERS];   /* in quality with the best; the best itself too */
	char text[UR_ADVICE];           /* paragraphs, '\n' between lines, not wrapped */
} ur_advice;

typedef struct ur_comparison {
	int n;
	ur_contender of[UR_MOST_CONTENDERS];
	int64_t target;                 /* parameters; 0: as the specs had them */
	int64_t tokens;                 /* each main run's budget */
	double share, passes;           /* a trial's tokens by a main run's; of a main run over the training text */
	int window, step_tokens;
	uint64_t seed;
	int64_t train_tokens;           /* in the training text */
	int64_t scored, scored_bytes;   /* held-out */
	int own_heldout;                /* 0: no test part, what tuned was compared on as well */
	int positions;                  /* at which steps were timed */
	ur_speed speed;
	double seconds;                 /* in all */
	ur_advice advice;
} ur_comparison;

/* Fills *out, which the caller allocates (it is large). A contender that diverges is reported, not an error. */
ur_status ur_compare_run(const ur_compare *what, ur_comparison *out, ur_err *err);

/* From the measurements in *c alone: gaps must be there. Pure. */
void ur_recommend(const ur_comparison *c, ur_advice *advice);

#endif
