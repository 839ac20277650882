/* What a run trains on: windows of a text (subject_text.c), pairs (subject_pairs.c) or a task (subject_task.c). The
 * loop knows none of them; which one a job is, its spec and its data say. */
#ifndef UR_SUBJECT_H
#define UR_SUBJECT_H

#include "train/checkpoint.h"
#include "train/chunked.h"
#include "train/train.h"

typedef struct ur_subject ur_subject;

typedef struct ur_subject_kind {
	size_t size;                    /* of the kind's own struct, which begins with a ur_subject */
	/* Checks what there is to train on. After a failure close is called too. */
	ur_status (*open)(ur_subject *t, ur_err *err);
	void (*close)(ur_subject *t);
	/* Measures or cuts what passes and validations need; t->m is set. */
	void (*plan)(ur_subject *t, ur_arena *a);
	/* Targets in micro-batch `i` (from 0, through all steps). */
	int64_t (*targets)(ur_subject *t, int64_t i);
	/* Tokens read in it, where they are not its targets; may be NULL. */
	int64_t (*tokens)(ur_subject *t, int64_t i);
	/* Forward and backward of it: adds to t->back.all. *sum: of the losses, in nats. */
	ur_status (*pass)(ur_subject *t, int64_t i, float weight, double *sum, ur_err *err);
	/* Loss a target, of about `most` held-out targets (0: all); bytes (may be NULL): of the text they stand for. */
	ur_status (*validate)(ur_subject *t, int64_t most, double *loss, int64_t *targets, int64_t *bytes, ur_err *err);
	/* B held-out sequences of T tokens, the same at every call: what is read, and in the last row of targets what the
	 * end is asked for. NULL: it has none of one length. */
	ur_status (*sample)(ur_subject *t, int T, int B, int32_t *ids, int32_t *targets, ur_err *err);
	/* What checkpoints are held to. */
	ur_status (*identify)(ur_subject *t, uint64_t *fingerprint, ur_split *split, ur_err *err);
} ur_subject_kind;

struct ur_subject {
	const ur_subject_kind *kind;
	const ur_job *job;
	const ur_recipe *r;             /* settled */
	ur_model *m;
	ur_net net;
	ur_backward back;
	ur_chunked chunked;             /* over net and back; not of pairs */
	ur_train_plan plan;             /* set by plan: data, states and validation, where they are told apart */
	int validates;                  /* set by plan: there is enough to validate on */
	unsigned char *carried;         /* state from step to step, or NULL */
	size_t carried_bytes;
	ur_task_score task_score;       /* of a task: the last validation's */
};

extern const ur_subject_kind ur_subject_text, ur_subject_pairs, ur_subject_task;

/* The job's kind, open. *subject is NULL on failure. */
ur_status ur_subject_open(const ur_job *job, const ur_recipe *r, ur_subject **subject, ur_err *err);
void ur_subject_close(ur_subject *t);

#endif
