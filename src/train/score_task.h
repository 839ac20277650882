/* How well a model does a task, on sequences that are drawn for it. */
#ifndef UR_SCORE_TASK_H
#define UR_SCORE_TASK_H

#include "train/train.h"

typedef struct ur_task_scorer {
	const ur_task *task;
	ur_net net;
	int B, piece;                   /* sequences at a time, and steps of them (ur_score_piece) */
	void **state;                   /* B blocks, where there are several pieces; else NULL */
	int32_t *ids, *targets, *asked; /* asked: rows of a piece with a target, step by step */
	float *x;                       /* their outputs, row by row */
	double *number;                 /* (V) what a token stands for */
	struct ur_task_answer *answer;
} ur_task_scorer;

/* Measures or cuts. */
void ur_task_scorer_plan(ur_task_scorer *s, const ur_model *m, const ur_ctx *c, const ur_task *task, ur_arena *arena);
/* Scores sequences [0, n) of a held-out part. */
void ur_task_scorer_run(ur_task_scorer *s, ur_part_of part, int64_t n, ur_task_score *score);

/* All of that at once. UR_E_INVALID: the model and the task do not fit; UR_E_NOMEM. */
ur_status ur_evaluate_task(const ur_model *m, const ur_ctx *c, const ur_task *task, ur_part_of part, int64_t n,
                           ur_task_score *score, ur_err *err);

#endif
