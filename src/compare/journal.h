/* Where a comparison keeps what it has found, so that one that was killed goes on where it was and ends with the same
 * numbers: facts (JSON under a name), runs, and their metrics over time. The tool keeps them in its store; a program
 * that needs nothing kept has one in memory.
 *
 * Facts whose names begin with "shared/" hold for every comparison that asks the same: speeds and budgets, which decide
 * how many tokens are trained on. So asking again gives the same losses. */
#ifndef UR_JOURNAL_H
#define UR_JOURNAL_H

#include "base/status.h"

#include <jansson.h>

typedef struct ur_journal_run {
	const char *kind;               /* "trial", "main" */
	const char *name, *spec;
	int64_t seed;
	json_t *recipe;                 /* borrowed */
} ur_journal_run;

/* Of training so far: steps and tokens done, seconds measured, arithmetic counted. */
typedef struct ur_journal_point {
	const char *name;               /* "train_loss", "val_loss", "lr" */
	int64_t step, tokens;
	double seconds, flops, value;
} ur_journal_point;

typedef struct ur_journal {
	void *arg;
	const char *folder;             /* models and checkpoints of runs go there */
	/* A new reference, NULL: not known. */
	ur_status (*get)(void *arg, const char *name, json_t **fact, ur_err *err);
	/* Kept for good when it returns. */
	ur_status (*put)(void *arg, const char *name, const json_t *fact, ur_err *err);
	/* Begins a run, or goes on with the one of this kind, name and seed. */
	ur_status (*begin)(void *arg, const ur_journal_run *run, int64_t *id, ur_err *err);
	ur_status (*end)(void *arg, int64_t id, const char *status, int64_t steps, int64_t tokens, double seconds,
	                 double loss, ur_err *err);
	/* A point of the same run, name and step is replaced. */
	ur_status (*points)(void *arg, int64_t id, int n, const ur_journal_point *points, ur_err *err);
	/* {"val_loss": [[step, tokens, seconds, flops, value], ...], ...}, steps rising; a new reference. */
	ur_status (*curves)(void *arg, int64_t id, json_t **curves, ur_err *err);
} ur_journal;

/* One in memory, with a folder of its own under $TMPDIR that goes when it is closed. */
ur_status ur_journal_open(ur_journal **journal, ur_err *err);
void ur_journal_close(ur_journal *journal);

#endif
