/* Several architectures on the user's text, or pairs, and machine: the same number of parameters, the same budget,
 * tuned with the same number of trials, several seeds; then what each costs and how good it is, and which one to use.
 *
 * Everything in a comparison was measured in it. The losses are reproducible from the seeds and the tokens; the times
 * are of this machine at that moment. docs/COMPARISON.md describes what comes out. */
#ifndef UR_COMPARE_H
#define UR_COMPARE_H

#include "compare/budget.h"
#include "compare/curves.h"
#include "compare/heldout.h"
#include "compare/journal.h"
#include "compare/paired.h"
#include "compare/statistics.h"
#include "compare/tune.h"
#include "compare/widths.h"
#include "measure/latency.h"
#include "measure/memory.h"
#include "measure/prefill.h"
#include "measure/speed.h"
#include "measure/translated.h"
#include "measure/sentence_cost.h"

enum { UR_MOST_CONTENDERS = 12, UR_MOST_SEEDS = 32, UR_MOST_TUNED = 4, UR_ADVICE = 16384, UR_SAMPLE = 2048 };
enum { UR_TRANSLATE = 500, UR_MOST_SHOWN = 16 };
enum { UR_POSITIONS = 9, UR_LENGTHS = 9, UR_VALIDATIONS = 24, UR_BY_LENGTH = 4 };

/* A difference in loss below this share of the best loss is too small to choose by, however sure it is. */
#define UR_TIE 0.01
/* Costs this close are called equal. */
#define UR_CLOSE 0.10
/* A difference is called significant below this p. */
#define UR_SIGNIFICANT 0.05

struct ur_comparison;

/* What is going on. */
typedef struct ur_stage {
	const char *what;               /* "calibrating", "trial 2 of 3", "training", "scoring", "timing steps", ... */
	int contender, seed;            /* indices; -1: of none */
	int64_t step, steps;            /* of the run that goes on; 0 of 0 where there is none */
	double lr, loss;                /* of training, NaN else */
	double share, eta;              /* of the whole: share that is done, seconds to go */
	const struct ur_comparison *so_far;
} ur_stage;
/* Called often, cheap ones are the callee's concern. Non-zero: stop (UR_E_STOPPED). */
typedef int ur_watch(void *arg, const ur_stage *stage);

typedef struct ur_compare {
	int archs;
	const char *const *arch;        /* specs, at most UR_MOST_CONTENDERS; without LAYERSxWIDTH the width is found */
	const ur_corpus *corpus;        /* a text, where the specs are of models of texts */
	ur_split split;                 /* train, val to tune on, test to compare on; no test: val is compared on too */
	const ur_pairs *pairs;          /* or pairs, where all specs are of pairs, */
	const ur_pair_split *pair_split;        /* in the same three parts */
	int beam;                       /* of their translations; 0: 1 */
	int64_t translate;              /* held-out sources that each run translates at the end; 0: UR_TRANSLATE */
	int show;                       /* sentences shown with what each made of them, 0 .. UR_MOST_SHOWN */
	int64_t parameters;             /* each is sized to it, given shapes too; 0: specs with a shape keep it, and the
	                                 * others match the first of those, or, where there is none, what the budget
	                                 * can train */
	ur_budget_kind kind;
	double budget;                  /* seconds, tokens or operations of each run, or seconds of everything */
	const double *tokens;           /* of UR_BUDGET_TOKENS: each one's own, instead of `budget`; NULL: none */
	int seeds;                      /* 1 .. UR_MOST_SEEDS: seed, seed + 1, ... */
	int trials;                     /* of each tuned setting, 1 .. UR_MOST_TRIALS */
	double share;                   /* of a run that a trial is: its beginning */
	int tuned;                      /* how many settings are tuned, and which; 0: none */
	const ur_tunable *tune[UR_MOST_TUNED];
	const double *lr;               /* instead of tuning it: the learning rate of each; NULL: none */
	int window, step_tokens;        /* tokens of a window and of an optimiser step; 0: by the budget */
	uint64_t seed;
	const ur_ctx *ctx;
	ur_journal *journal;
	const char *out_dir;            /* models go there as NAME.safetensors; NULL: they are not kept */
	const char *command;            /* as typed, for the models' metadata and the document; may be NULL */
	const char *data, *target;      /* path of the text, or of pairs, and of their targets if these have their own; */
	const char *note;               /* a word on the vocabulary; for the document, may be NULL */
	uint64_t fingerprint;           /* of the text's bytes, for the document */
	const char *words;              /* what the command to repeat needs besides: " --vocab byte"; may be NULL */
	ur_watch *watch;
	void *arg;
} ur_compare;

typedef enum ur_run_state { UR_RUN_WAITING, UR_RUN_RUNNING, UR_RUN_DONE, UR_RUN_DIVERGED } ur_run_state;

/* One contender with one seed. */
typedef struct ur_trained {
	uint64_t seed;
	int64_t id;                     /* the journal's; 0: not begun */
	ur_run_state state;
	int64_t step, tokens;
	double seconds;                 /* of training */
	double train_loss;              /* of the last step */
	double val_loss;                /* the last while it runs, then the best, whose weights are scored */
	double loss, loss_same;         /* held-out: with all context, with the same */
	double bits_per_byte;
	ur_blocks blocks;               /* of loss */
	double joules;                  /* NaN: not told */
	ur_memory memory;
	ur_translated translated;       /* of pairs: totals; n 0: not known, sentence NULL; */
	double short_errors, long_errors;       /* share of wrong tokens, of the shortest and of the longest sources */
	int points;
	ur_curve_point curve[2 * UR_VALIDATIONS];
	char why[256];                  /* how it diverged */
} ur_trained;

/* Against the best. */
typedef enum ur_verdict { UR_BEST, UR_WORSE, UR_TIED, UR_UNSURE } ur_verdict;

typedef struct ur_contender {
	char name[64];                  /* unique, fit for a file name: "lstm" */
	ur_spec spec;
	int64_t parameters;
	double deviation;               /* from the target: 0.02 is 2 % over */
	int64_t limit;                  /* steps it can take, 0: any number */
	double flops_per_token;         /* of training, counted */
	ur_rate rate;                   /* from calibration */
	int64_t tokens;                 /* of each run */
	ur_tuning tuning[UR_MOST_TUNED];
	double trial_rate;              /* tokens a second in trials; 0: there were none */
	ur_recipe recipe;               /* of the runs, but for the seed */
	ur_trained run[UR_MOST_SEEDS];
	int diverged;                   /* in all trials, or a run; then what follows is not there */
	char why[256];                  /* how */
	ur_mean loss, loss_same, bits_per_byte;
	double tokens_per_second;       /* of training, all runs */
	double share_of_peak;           /* arithmetic of training at that rate, of the processor's peak */
	ur_memory memory;               /* the largest peak of its runs */
	double joules_per_token;        /* NaN: not told */
	int rank;                       /* 1: the lowest loss */
	ur_verdict verdict;
	ur_paired above;                /* loss above the best, over seeds */
	double p_holm;                  /* adjusted for all pairs of contenders: which is best is known from
	                                 * the same losses */
	ur_gap gap;                     /* the same over blocks of the text, seeds averaged; a standard error */
	int bins;
	ur_position_loss by_position[UR_POSITION_BINS];
	int positions;
	ur_latency latency[UR_POSITIONS];
	int stretched[UR_POSITIONS];    /* measured on the same layers built for more positions */
	ur_power step_fit, state_fit, prefill_fit;
	int lengths;
	ur_prefill_time prefill[UR_LENGTHS];
	size_t weight_bytes;
	int64_t file_bytes;             /* 0: not saved */
	char path[4096];
	char sample[UR_SAMPLE];
	/* of pairs */
	int attends;                    /* its steps look at all the source, not only at what an encoder made of it */
	int length_bins;
	ur_length_bin length[UR_LENGTH_BINS];   /* of the kept model's translations */
	ur_mean exact, bleu, token_errors, word_errors, cut;    /* over seeds; cut: share of translations */
	ur_sentence_cost sentence; /* samples 0: not measured */

	int kept;                       /* the run whose model is kept: the lowest validation loss */
} ur_contender;

/* Losses where all had the same of something. */
typedef struct ur_equal {
	ur_axis axis;
	double at, low, high;           /* mean, least and most: of runs' ends they are equal only to a point */
	int finished;                   /* the runs' ends; else read from curves before the rate falls */
	ur_mean loss[UR_MOST_CONTENDERS];
	int leader, tied[UR_MOST_CONTENDERS];
} ur_equal;

typedef struct ur_pair_cross { int a, b; ur_cross cross; } ur_pair_cross;

/* Had every sequence been T long: predicted. */
typedef struct ur_by_length {
	int64_t T;
	double tokens[UR_MOST_CONTENDERS], loss[UR_MOST_CONTENDERS];    /* NaN: not to be told */
	int winner;                     /* -1: none */
} ur_by_length;

enum { UR_MOST_CROSSINGS = UR_MOST_CONTENDERS * (UR_MOST_CONTENDERS - 1) / 2, UR_MOST_LEADS = 16, UR_MOST_NEEDS = 8 };

typedef struct ur_by_need { const char *need; int who; char why[320], sure[200]; } ur_by_need;

/* Pairs: what becomes of long sources with and without attention, the best of each by loss. A bottleneck is said to
 * show where errors on the longest sources are fewer with attention, outside both intervals, and this difference is
 * larger than that on the shortest, whatever values within the intervals one takes; and where every seed says so. */
typedef enum ur_bottleneck_kind {
	UR_BOTTLENECK_UNKNOWN,          /* one of the two is not there, or lengths are too much alike */
	UR_BOTTLENECK_NONE,             /* on the longest, intervals overlap, or attention does worse */
	UR_BOTTLENECK_EVERYWHERE,       /* attention does better there, but perhaps as much so on the shortest */
	UR_BOTTLENECK_UNSURE,           /* the kept models show it, but not all seeds do */
	UR_BOTTLENECK_SHOWS
} ur_bottleneck_kind;
typedef struct ur_bottleneck {
	ur_bottleneck_kind kind;
	int without, with;              /* contenders, -1: none */
	int agree;                      /* seeds whose errors differ more on the longest than on the shortest, this way */
} ur_bottleneck;

/* Which one, and why. Indices of contenders; -1: none. */
typedef struct ur_advice {
	int pick;                       /* of those that tie with the best, the cheapest to run */
	int best;                       /* lowest loss */
	int tied[UR_MOST_CONTENDERS];   /* not to be told from the best; the best itself too */
	int needs;
	ur_by_need need[UR_MOST_NEEDS];
	char text[UR_ADVICE];           /* paragraphs, '\n' between lines, not wrapped */
} ur_advice;

typedef struct ur_comparison {
	int n, seeds;
	ur_contender of[UR_MOST_CONTENDERS];
	int64_t target;                 /* parameters; 0: as the specs had them */
	double share;                   /* a trial's part of a run */
	int window, step_tokens;
	int64_t context;                /* of loss_same; 0: pairs, which have no less */
	int pairs;                      /* compared on pairs; tokens are those of targets, ends included */
	int64_t train_tokens;           /* in the training text */
	int64_t val_tokens, test_tokens;
	int64_t pairs_of[UR_PARTS];     /* of pairs: of each part that are trained and validated on, or held out; all 0: not
	                                 * known yet */
	int64_t sources;                /* of pairs: translated by each run; */
	int64_t left_out;               /* held-out pairs too long for the most limited */
	int64_t scored, scored_bytes;   /* held-out */
	int own_heldout;                /* 0: no test part, what tuned was compared on as well */
	ur_speed speed;
	double started;                 /* Unix time */
	double seconds;                 /* in all, interruptions apart */
	int done;
	int equals;
	ur_equal equal[UR_AXES];
	int leads[UR_AXES];
	ur_lead lead[UR_AXES][UR_MOST_LEADS];
	int crossings[2];               /* of prefill, of steps */
	ur_pair_cross crossing[2][UR_MOST_CROSSINGS];
	int lengths;
	ur_by_length by_length[UR_BY_LENGTH];
	int order[UR_MOST_SEEDS][UR_MOST_CONTENDERS], ordered, same_order;  /* names by loss, best first, for each seed */
	char prompt[512];               /* of the samples */
	int energy;                     /* whether this machine tells */
	int64_t memory_free;            /* at the start; -1: unknown */
	int tuned;
	const ur_tunable *tune[UR_MOST_TUNED];
	ur_bottleneck bottleneck;       /* of pairs */
	ur_advice advice;
} ur_comparison;

/* Fills *out, which the caller allocates (it is large). A contender that diverges is reported, not an error. What the
 * journal knows already is taken from there; UR_E_STOPPED leaves it so that the same call goes on. */
ur_status ur_compare_run(const ur_compare *what, ur_comparison *out, ur_err *err);

/* The document of docs/COMPARISON.md; stage NULL: it is done. A new reference, NULL: no memory. */
json_t *ur_comparison_json(const ur_compare *what, const ur_comparison *c, const ur_stage *stage);

/* ---- parts, from the measurements in *c alone; pure ---- */

/* Means over seeds, differences from the best, ranks, equal budgets, leads, crossings, lengths (verdict.c). */
void ur_conclude(ur_comparison *c, ur_budget_kind kind);
/* The largest position at which a step of every contender was timed on the model as it is; -1: there is none. */
int64_t ur_common_position(const ur_comparison *c);
/* What was timed at a position, NULL: nothing. */
const ur_latency *ur_latency_at(const ur_contender *k, int64_t position);
/* Words (recommend.c): ur_conclude has been called. */
void ur_recommend(const ur_comparison *c, ur_advice *advice);

#endif
