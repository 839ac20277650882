/* What a run trains on: windows of a text (task_text.c) or pairs (task_pairs.c). The loop knows neither; which one a job
 * is, its spec says. */
#ifndef UR_TASK_H
#define UR_TASK_H

#include "train/backward.h"
#include "train/checkpoint.h"
#include "train/train.h"

typedef struct ur_task ur_task;

typedef struct ur_task_kind {
	size_t size;                    /* of the kind's own struct, which begins with a ur_task */
	/* Checks what there is to train on. After a failure close is called too. */
	ur_status (*open)(ur_task *t, ur_err *err);
	void (*close)(ur_task *t);
	/* Measures or cuts what passes and validations need; t->m is set. */
	void (*plan)(ur_task *t, ur_arena *a);
	/* Targets in micro-batch `i` (from 0, through all steps). */
	int64_t (*targets)(ur_task *t, int64_t i);
	/* Forward and backward of it: adds to t->back.all. *sum: of the losses, in nats. */
	ur_status (*pass)(ur_task *t, int64_t i, float weight, double *sum, ur_err *err);
	/* Loss a target, of about `most` held-out targets (0: all); bytes (may be NULL): of the text they stand for. */
	ur_status (*validate)(ur_task *t, int64_t most, double *loss, int64_t *targets, int64_t *bytes, ur_err *err);
	/* What checkpoints are held to. */
	ur_status (*identify)(ur_task *t, uint64_t *fingerprint, ur_split *split, ur_err *err);
} ur_task_kind;

struct ur_task {
	const ur_task_kind *kind;
	const ur_job *job;
	const ur_recipe *r;             /* settled */
	ur_model *m;
	ur_net net;
	ur_backward back;
	int validates;                  /* set by plan: there is enough to validate on */
	unsigned char *carried;         /* state from step to step, or NULL */
	size_t carried_bytes;
};

extern const ur_task_kind ur_task_text, ur_task_pairs;

/* The job's kind, open. *task is NULL on failure. */
ur_status ur_task_open(const ur_job *job, const ur_recipe *r, ur_task **task, ur_err *err);
void ur_task_close(ur_task *t);

#endif
