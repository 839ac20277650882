/* The parts of the train command: its plan, its progress, its result, and checkpoints it finds. */
#ifndef UR_CLI_TRAIN_H
#define UR_CLI_TRAIN_H

#include "cli/cli.h"

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

/* ---- what was asked and what came out (cli_result.c) ---- */

typedef struct ur_plan {
	const ur_job *job;
	const ur_spec *spec;
	const char *data;
	const char *note;           /* on the vocabulary; may be empty */
	int64_t parameters;
	size_t bytes;               /* the job needs */
	int64_t memory_free;        /* -1: unknown */
	int validates;
} ur_plan;

void ur_plan_print(FILE *to, const ur_plan *p);
json_t *ur_plan_json(const ur_plan *p);
void ur_result_print(const ur_args *args, const ur_plan *p, const ur_outcome *o);
json_t *ur_result_json(const ur_plan *p, const ur_outcome *o);
/* Where the time of `seconds` went, against what this machine could do at best. */
void ur_profile_print(const ur_profile *profile, const ur_ctx *ctx, double seconds);
json_t *ur_profile_json(const ur_profile *profile, const ur_ctx *ctx, double seconds);

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
/* The vocabulary of the run, from the model it has written to `out` so far; the caller's. NULL: there is none yet. */
ur_vocab *ur_left_vocab(const ur_left *left, const char *out);

#endif
