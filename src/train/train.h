/* Training a model on a text, on pairs or on a task: what to do (ur_recipe), what is happening (ur_step_report), and
 * the loop.
 *
 * The same recipe, data and seed give the same weights, bit for bit, at any number of threads; a run that was killed
 * resumes from its checkpoint to the same weights it would have had. */
#ifndef UR_TRAIN_H
#define UR_TRAIN_H

#include "base/interval.h"
#include "base/profile.h"
#include "data/batches.h"
#include "data/corpus.h"
#include "data/pairs.h"
#include "data/split.h"
#include "data/task.h"
#include "model/net.h"
#include "train/reach.h"

/* Everything that decides the result. Zero-initialise, then ur_recipe_defaults. */
typedef struct ur_recipe {
	int64_t steps;                  /* optimiser steps in all */
	int batch, window;              /* B sequences of T tokens a micro-batch; pairs: B pairs of at most T tokens a side,
	                                 * the end included (longer ones are left out); a task has its own T */
	int accumulate;                 /* micro-batches a step */
	int chunk;                      /* steps at a time of whose activations there is memory, the rest worked out again
	                                 * (chunked.h); 0: a sequence's all at once; not of pairs */
	const char *windows;            /* "carried" (truncated backpropagation through time), "random" (fresh); NULL:
	                                 * carried for mixers whose state is of one size, random for the rest */
	const char *optimizer;          /* a name of ur_optimizer_find */
	double lr, min_lr;              /* peak and final learning rate */
	double beta1, beta2, eps, momentum, weight_decay;
	const char *schedule;           /* a name of ur_schedule_find */
	int64_t warmup;                 /* steps of linear warm-up */
	double decay;                   /* factor of step decay and of decay on plateau */
	int64_t decay_every;            /* steps between step decays; evaluations without progress before a plateau decay */
	double clip;                    /* gradient norm at most this; 0: no clipping */
	double smoothing;               /* of labels: the share of a target's probability spread over all tokens */
	int64_t eval_every;             /* steps between validations; 0: only at the end */
	int64_t eval_tokens;            /* of the validation split at a time; 0: all of it */
	int patience;                   /* validations without progress before stopping; 0: never */
	uint64_t seed;
} ur_recipe;

void ur_recipe_defaults(ur_recipe *r, const ur_spec *spec);
/* What was left open (windows NULL, min_lr below 0) as training will have it. */
void ur_recipe_settle(ur_recipe *r, const ur_spec *spec);
/* Names, ranges and what must agree. */
ur_status ur_recipe_check(const ur_recipe *r, const ur_spec *spec, ur_err *err);
/* As JSON (a new reference) and back, for checkpoints; strings of the second belong to the JSON. */
json_t *ur_recipe_to_json(const ur_recipe *r);

/* How well a task is done, on held-out sequences; intervals are over sequences. */
typedef struct ur_task_score {
	int64_t sequences, targets;
	ur_average loss;                /* nats a target */
	ur_average accuracy;            /* share of targets that are the likeliest token */
	ur_average whole;               /* share of sequences with no target wrong; Wilson's interval */
	ur_average mse;                 /* of the mean of what is said, where answers are numbers; else NaN */
	double seconds;
} ur_task_score;
enum { UR_TASK_HELD_OUT = 512 };    /* sequences, unless said otherwise */

typedef struct ur_step_report {
	int64_t step, steps;            /* done, in all */
	double loss;                    /* nats a token, of the last step */
	double grad_norm, lr;
	int64_t tokens;                 /* targets trained on so far; of a task, tokens read */
	double tokens_per_second;       /* since the last report */
	double seconds, eta;            /* so far; still to go, as far as one can tell */
	double trained_seconds;         /* of training in all, validations apart, resumed parts included */
	double val_loss, best_loss;     /* NaN before the first validation */
	int64_t best_step;
	int validated;                  /* this report comes with a validation */
	const ur_task_score *task;      /* of a task: the last validation's, NULL before the first; else NULL */
} ur_step_report;

/* Called after every step and validation, cheap ones are the callee's concern. Non-zero: stop, keep a checkpoint;
 * UR_ENOUGH: this was the last step, and the run is done; said to a report with a validation, the weights that it was
 * about are the ones kept, whatever the best ones before. */
enum { UR_ENOUGH = 2 };
typedef int ur_report(void *arg, const ur_step_report *r);

/* How far back the model looks, before the first step, at each validation and at the end (reach.h). */
typedef void ur_gradients(void *arg, const ur_step_report *now, const ur_reach *reach);

typedef struct ur_job {
	ur_recipe recipe;
	ur_spec spec;                   /* of a new model */
	ur_model *start;                /* or weights to go on from (fine-tuning), with its own spec; kept by the caller */
	const ur_corpus *corpus;        /* of a plain model */
	ur_split split;
	const ur_task *task;            /* or what a plain model trains on instead of a corpus */
	const ur_pairs *pairs;          /* of a model of pairs, and which of them train and validate */
	const ur_pair_split *pair_split;
	const ur_pairs *val_pairs;      /* NULL, or pairs of their own to validate on, with the same vocabularies */
	const ur_pair_split *val_split;
	const ur_ctx *ctx;
	const char *out;                /* model file: the best weights by validation; NULL: nothing is written */
	int64_t checkpoint_every;       /* steps between checkpoints; 0: by time, about every 30 seconds */
	int resume;                     /* go on from out's checkpoint */
	ur_report *report;
	ur_gradients *gradients;        /* NULL: not measured; not of pairs */
	void *arg;
	ur_profile *profile;            /* NULL: none */
	const char *command;            /* kept in the model's metadata; may be NULL */
} ur_job;

typedef struct ur_outcome {
	int64_t steps, tokens;          /* steps taken in all, tokens trained on in all */
	double seconds;                 /* of training in all, validations apart */
	double train_loss;              /* mean since the last validation but one */
	double val_loss, best_loss;     /* at the end, at the best step; NaN: the split is too short to validate */
	int64_t best_step;
	int64_t scored;                 /* tokens behind val_loss */
	double bits_per_byte;           /* of best_loss */
	ur_task_score task;             /* of a task, the best weights; else sequences is 0 */
	int stopped_early;
} ur_outcome;

/* Of the model that the job trains. */
static inline const ur_spec *ur_job_spec(const ur_job *job) { return job->start ? &job->start->spec : &job->spec; }
/* Its recipe as training will have it: what was left open, and what its data decides. */
void ur_job_settle(const ur_job *job, ur_recipe *r);
/* Whether it can be, as far as spec and recipe say. */
ur_status ur_job_check(const ur_job *job, const ur_recipe *r, ur_err *err);
/* Whether a model of this spec can read a task. UR_E_INVALID. */
ur_status ur_task_fits(const ur_task *task, const ur_spec *spec, ur_err *err);
/* The tokens of its data. */
ur_words ur_job_words(const ur_job *job);
/* Its pairs: those it trains and validates on, and those that are too long for that. */
typedef struct ur_job_pairs { int64_t train, train_long, val, val_long; } ur_job_pairs;
ur_job_pairs ur_job_count_pairs(const ur_job *job);
/* Arithmetic of one of its steps, of pairs with sides as long as they are on average; 0: not to be told. */
double ur_job_step_flops(const ur_job *job);
/* Targets of one of its steps, of pairs on average; of a task, tokens read. */
double ur_job_step_tokens(const ur_job *job);
/* Bytes the job needs, before it takes them. */
typedef struct ur_train_plan {
	size_t weights;                 /* and their packed forms */
	size_t optimiser;               /* gradients, moments, the best weights so far */
	size_t states;                  /* from step to step and from chunk to chunk, and their gradients */
	size_t data;                    /* a batch's tokens and targets */
	size_t validation;
	size_t activations;             /* of a step, or of a chunk of it, and working memory; of pairs, all of a batch */
	size_t all;
	int64_t parameters;
} ur_train_plan;
ur_status ur_train_plan_of(const ur_job *job, ur_train_plan *plan, ur_err *err);
/* The largest chunk (0: none, the fastest) with which the job fits into `memory` bytes, and its plan;
 * job->recipe.chunk is not read. UR_E_NOMEM: none does; both are of the least that would do. */
ur_status ur_train_fit(const ur_job *job, size_t memory, int *chunk, ur_train_plan *plan, ur_err *err);
ur_status ur_train_memory(const ur_job *job, size_t *bytes, int64_t *parameters, ur_err *err);
/* Runs it. *model (may be NULL) gets the best weights and is the caller's. UR_E_DIVERGED: err names the tensor and
 * step; the last good checkpoint stands. */
ur_status ur_train(const ur_job *job, ur_model **model, ur_outcome *outcome, ur_err *err);

/* Loss on tokens [from, to) of a corpus: windows of T, state carried where the mixer can, each token scored once. */
typedef struct ur_score {
	double loss, bits_per_byte;     /* nats a token; bits a byte of the text those tokens came from */
	int64_t tokens, bytes;
	double seconds;
} ur_score;
ur_status ur_evaluate(const ur_model *m, const ur_ctx *c, const ur_corpus *corpus, int64_t from, int64_t to, int window,
                      int batch, int64_t most_tokens, ur_score *score, ur_err *err);

/* The checkpoint's path for a model file: "NAME.ckpt.safetensors" beside it. Returns length as snprintf. */
int ur_checkpoint_path(const char *out, char *path, size_t room);

#endif
