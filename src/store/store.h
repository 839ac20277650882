/* What was run, kept: one SQLite file with every run (spec, data, seed, machine, versions, command), its metrics over
 * time, and comparisons with the facts they are made of.
 *
 * Any number of processes may use a store at once: it is in write-ahead mode, and a writer waits for another's short
 * transaction. Whatever a call wrote is in the file when it returns, whole or not at all, so a process killed at any
 * moment, or a disk that fills, leaves what was stored before. A store belongs to one thread at a time, and does not
 * go through fork(). Beside the file PATH lie PATH-wal and PATH-shm while it is in use, and the folder PATH.d.
 *
 * Texts are bytes: whatever is written is read back, NULL as "". Metric names and facts are UTF-8.
 *
 * UR_E_IO: the file cannot be read, written or grown (err says which, and what to do). UR_E_FORMAT: it is no store, is
 * damaged, or was made by a newer Unroll. UR_E_NOMEM. */
#ifndef UR_STORE_H
#define UR_STORE_H

#include "base/status.h"

#include <jansson.h>

typedef struct ur_store ur_store;

enum { UR_STORE_PATH = 4096 };

/* Where the store is unless the user says otherwise: $UNROLL_STORE, $XDG_DATA_HOME/unroll/runs.db or
 * ~/.local/share/unroll/runs.db. UR_E_INVALID: none of them is set, or it is too long. */
ur_status ur_store_path(char path[UR_STORE_PATH], ur_err *err);

typedef enum ur_store_mode {
	UR_STORE_WRITE,         /* made with its folders when it is not there */
	UR_STORE_READ,          /* UR_E_IO when it is not there, or empty; its data is never written */
} ur_store_mode;

ur_status ur_store_open(const char *path, ur_store_mode mode, ur_store **store, ur_err *err);
/* NULL is fine. */
void ur_store_close(ur_store *store);

/* ---- runs: one training of one model ---- */

typedef struct ur_store_run {
	int64_t id;                     /* of the store; from 1, never given twice */
	int64_t comparison;             /* it belongs to; 0: a run of its own (unroll train) */
	const char *kind;               /* "train", "trial", "main" */
	const char *name;               /* in its comparison: "lstm", "lstm/trial-2"; of a run of its own the model file */
	const char *spec;
	int64_t seed;
	const char *data;               /* path, as given */
	uint64_t fingerprint;           /* of the data's bytes */
	const char *command, *machine, *version;    /* machine: one line, the processor and threads */
	double started, finished;       /* Unix time; finished 0: not yet */
	const char *status;             /* "running", "done", "diverged", "stopped"; "killed" when listed and
	                                 * nobody runs it */
	int64_t steps, tokens;          /* done */
	double seconds;                 /* of training */
	double loss;                    /* final, nats a token; NaN: none */
	json_t *recipe;                 /* borrowed by calls that write, owned by the list that is read; may be NULL */
} ur_store_run;

/* Starts a run and gives its id. One with the same comparison (not 0), kind, name and seed goes on instead: its id is
 * given, its start stays, and so do its points and figures until it ends; the rest is as it is given now. started 0:
 * now. id, finished, status and figures are not read. The run counts as running until it is ended or the store is
 * closed; listed after that it is "killed". UR_E_INVALID: there is no such comparison. */
ur_status ur_store_run_begin(ur_store *store, const ur_store_run *run, int64_t *id, ur_err *err);
/* What came out; status as above. UR_E_INVALID: this store did not begin it, or has ended it. */
ur_status ur_store_run_end(ur_store *store, int64_t id, const char *status, int64_t steps, int64_t tokens,
                           double seconds, double loss, ur_err *err);

/* One value over time. A value of the same run, name and step is replaced: a resumed run writes its steps anew. */
typedef struct ur_store_point {
	const char *name;               /* "train_loss", "val_loss", "lr", "grad_norm" */
	int64_t step, tokens;           /* done */
	double seconds, flops;          /* of training so far: measured, counted */
	double value;                   /* NaN is kept as such */
} ur_store_point;

/* All of them or none, in one transaction. UR_E_INVALID: there is no such run. */
ur_status ur_store_points(ur_store *store, int64_t run, int n, const ur_store_point *points, ur_err *err);
/* A run's points in order of name, then step: {"val_loss": [[step, tokens, seconds, flops, value], ...], ...}; a new
 * reference. A NaN is null. An unknown run has none: {}. */
ur_status ur_store_points_json(ur_store *store, int64_t run, json_t **points, ur_err *err);

/* ---- comparisons ---- */

typedef struct ur_store_comparison {
	int64_t id;                     /* from 1, never given twice */
	const char *key;                /* text that is equal for equal questions: resuming and repeating go by it */
	const char *data, *command, *machine, *version;
	uint64_t fingerprint;
	double started, finished;
	const char *status;             /* "running", "done", "killed": not done and nobody is at it */
	int runs;
} ur_store_comparison;

/* Starts a comparison, or goes on with the newest one of the same key that is not done and that nobody is at
 * (*resumed). `fresh`: always a new one. The caller is at it until the store is closed or the process ends. Its facts
 * whose names begin with "shared/" are, when it starts, those of the newest finished comparison of the same key, unless
 * fresh. One that goes on keeps its start; the rest is as it is given now. started 0: now. id, finished, status, runs
 * are not read. */
ur_status ur_store_comparison_begin(ur_store *store, const ur_store_comparison *c, int fresh, int64_t *id, int *resumed,
                                    ur_err *err);
/* UR_E_INVALID: this store is not at it. */
ur_status ur_store_comparison_end(ur_store *store, int64_t id, ur_err *err);
/* A folder of this comparison's own, made if need be: the store's path, absolute and past symbolic links, + ".d/" + id.
 * It goes when the comparison ends (what is in it is removed) or is deleted. UR_E_INVALID: there is no such comparison,
 * or it is done. */
ur_status ur_store_comparison_folder(ur_store *store, int64_t id, char path[UR_STORE_PATH], ur_err *err);

/* Facts: JSON under a name, written once or replaced. get gives a new reference, NULL where there is none. put gives
 * UR_E_INVALID where there is no such comparison. */
ur_status ur_store_fact_get(ur_store *store, int64_t comparison, const char *name, json_t **fact, ur_err *err);
ur_status ur_store_fact_put(ur_store *store, int64_t comparison, const char *name, const json_t *fact, ur_err *err);
/* The fact named "document" is the comparison as docs/COMPARISON.md describes it; it is replaced as it grows. */
#define UR_STORE_DOCUMENT "document"

/* ---- looking and deleting ---- */

typedef struct ur_store_filter {
	int64_t comparison;             /* 0: any; -1: runs of their own only; of comparisons: the one, 0 or -1: any */
	const char *spec, *data, *status, *kind;    /* part of the text (status and kind: all of it); NULL: any */
	int64_t limit;                  /* newest so many; 0: all */
	int64_t run;                    /* this one; 0: any */
} ur_store_filter;

/* Newest first. Texts live as long as the list. */
typedef struct ur_store_runs { int n; ur_store_run *run; void *own; } ur_store_runs;
typedef struct ur_store_comparisons { int n; ur_store_comparison *comparison; void *own; } ur_store_comparisons;

ur_status ur_store_list_runs(ur_store *store, const ur_store_filter *filter, ur_store_runs *out, ur_err *err);
/* Of the filter: comparison, spec (of any of its runs), data, status, limit. */
ur_status ur_store_list_comparisons(ur_store *store, const ur_store_filter *filter, ur_store_comparisons *out,
                                    ur_err *err);
void ur_store_runs_free(ur_store_runs *list);
void ur_store_comparisons_free(ur_store_comparisons *list);
/* One run with its points. UR_E_INVALID: there is none of this id, or it or its comparison is running. */
ur_status ur_store_delete_run(ur_store *store, int64_t id, ur_err *err);
/* One comparison with its runs, facts and folder; as above. */
ur_status ur_store_delete_comparison(ur_store *store, int64_t id, ur_err *err);

#endif
