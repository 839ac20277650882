/* The parts of the train command: its plan, its progress, its result, its record, and checkpoints it finds. */
#ifndef UR_CLI_TRAIN_H
#define UR_CLI_TRAIN_H

#include "cli/cli_store.h"

#include "train/train.h"

/* ---- progress on standard error (cli_progress.c) ---- */

typedef struct ur_progress_line {
	int quiet;
	int live;                   /* a line is on the terminal that the next one overwrites */
	double started, shown;
	ur_step_report last;        /* as it was reported; step 0: nothing yet */
} ur_progress_line;

void ur_progress_start(ur_progress_line *p, int quiet);
/* A ur_report; arg is the line. Stops when a signal came. */
int ur_progress_step(void *arg, const ur_step_report *r);
/* Takes the live line off, before anything else is written. */
void ur_progress_clear(ur_progress_line *p);

/* ---- how far back it looks (cli_reach.c) ---- */

/* What --log-gradients measured so far. */
typedef struct ur_looking {
	json_t *json;               /* a list; NULL: it was not asked for */
	ur_reach last;
	int64_t step;               /* of the last; -1: none */
} ur_looking;
/* One line: how far back, and how it fades. Returns out. */
typedef char ur_reach_words[240];
const char *ur_reach_text(const ur_reach *r, ur_reach_words out);
/* That and the distances, on `to`. */
void ur_reach_print(FILE *to, const ur_reach *r, int64_t step);

/* ---- what was asked and what came out (cli_result.c) ---- */

typedef struct ur_plan {
	const ur_job *job;
	const ur_spec *spec;
	const char *data;
	const char *note;           /* on the vocabulary; may be empty */
	int64_t parameters;
	size_t bytes;               /* the job needs */
	ur_train_plan parts;        /* of them */
	int64_t memory_free;        /* -1: unknown */
	int64_t memory_most;        /* may be taken: what is free, or less where that was asked for; -1: unknown */
	int64_t memory_before, memory_peak; /* resident at the start of the run, and at most beyond that; -1: unknown */
	int in_parts;               /* memory and time are said part by part */
	double step_seconds;        /* predicted, 0: it is not ... */
	int step_from;              /* ... from sequences of so many tokens */
	int validates;
	int64_t run;                /* its id in the store, once it is recorded; 0: it is not */
	const ur_looking *looking;  /* NULL: not measured */
} ur_plan;

void ur_plan_print(FILE *to, const ur_plan *p);
json_t *ur_plan_json(const ur_plan *p);
void ur_result_print(const ur_args *args, const ur_plan *p, const ur_outcome *o);
json_t *ur_result_json(const ur_plan *p, const ur_outcome *o);
/* Where the time of `seconds` went, against what this machine could do at best. */
void ur_profile_print(const ur_profile *profile, const ur_ctx *ctx, double seconds);
json_t *ur_profile_json(const ur_profile *profile, const ur_ctx *ctx, double seconds);

/* ---- memory and time (cli_long.c) ---- */

typedef struct ur_plan_ask {
	int64_t memory;             /* bytes the run may take; 0: what is free */
	int chunk_set;              /* the recipe's chunk is not to be chosen */
	int in_parts;
} ur_plan_ask;
/* Chooses the chunk of job->recipe, which is settled otherwise, and fills what the plan says of memory; what does not
 * fit is left to ur_plan_fits. An exit code; failures are said. */
int ur_plan_memory(const ur_args *args, const ur_plan_ask *ask, ur_job *job, ur_plan *p);
int ur_plan_fits(const ur_args *args, const ur_plan *p);
/* Predicts the time of a step, in a second or so; does nothing unless the plan is said in parts. */
void ur_plan_time(ur_plan *p);
void ur_plan_print_parts(FILE *to, const ur_plan *p);
json_t *ur_plan_parts_json(const ur_plan *p);
/* Around the run: what it takes at most. */
void ur_peak_begin(ur_plan *p);
void ur_peak_end(ur_plan *p);

/* ---- what the store keeps of it (cli_record.c) ---- */

typedef struct ur_record {
	ur_store *store;            /* NULL: nothing is kept, and every call does nothing */
	int64_t run;                /* its id; 0: none */
	int64_t every;              /* steps from one point of the training curves to the next */
	double step_flops;
	double loss_sum;            /* since the last point */
	int64_t losses;
	ur_store_point *points;     /* not written yet */
	int n, room;
	int failed;                 /* they could not be; only the end tries again */
	double flushed;
} ur_record;

/* `path` NULL: the standard place. A failure leaves a record that does nothing. */
ur_status ur_record_start(ur_record *rec, const char *path, const ur_plan *plan, const char *command, ur_err *err);
/* Fails at most once. */
ur_status ur_record_step(ur_record *rec, const ur_step_report *r, ur_err *err);
/* How far back it looks, under "reach/64" and the like. */
void ur_record_reach(ur_record *rec, const ur_step_report *now, const ur_reach *reach);
/* What ur_train gave; o only where that is UR_OK. */
ur_status ur_record_end(ur_record *rec, ur_status result, const ur_outcome *o, const ur_step_report *last, ur_err *err);

/* ---- a run that was interrupted (cli_resume.c) ---- */

typedef struct ur_left {
	json_t *json;               /* the checkpoint's own; NULL: there is no checkpoint */
	const char *spec;           /* owned by json */
	json_t *recipe;             /* borrowed */
	int64_t step, steps;
	int done;                   /* it stopped early, by itself */
	char path[4096];
} ur_left;

/* Reads what the checkpoint of model file `out` says of itself. A file that is no checkpoint is an error. */
ur_status ur_left_read(const char *out, ur_left *left, ur_err *err);
void ur_left_close(ur_left *left);
/* The checkpoint's recipe over the defaults in *r; texts stay the checkpoint's. */
ur_status ur_left_recipe(const ur_left *left, ur_recipe *r, ur_err *err);
/* The vocabularies of the run, from the model it has written to `out` so far; for ur_words_free. All zero: there is
 * none yet. */
void ur_left_words(const ur_left *left, const char *out, ur_words *words);

#endif
