/* Optimisers: a row of the table in optimizer.c each. They run over the flat weights in chunks on the pool. */
#ifndef UR_OPTIMIZER_H
#define UR_OPTIMIZER_H

#include "train/train.h"

typedef struct ur_optimizer {
	const char *name, *about;
	int moments;                    /* arrays as large as the weights that it keeps: 1 or 2 */
	/* n weights of one parameter, `step` from 1; gradients are multiplied by `scale` first */
	void (*update)(const ur_kernels *k, const ur_recipe *r, int64_t step, double lr, double decay, float scale,
	               size_t n, float *w, const float *g, float *m, float *v);
} ur_optimizer;

/* NULL: no such name. */
const ur_optimizer *ur_optimizer_find(const char *name);
/* NULL past the last. */
const ur_optimizer *ur_optimizer_nth(int n);

/* Euclidean norm of all gradients; the same bits at any number of threads. */
double ur_grad_norm(const ur_ctx *c, size_t n, const float *g, double *parts);
/* Doubles that `parts` needs. */
size_t ur_grad_parts(size_t n);
/* One step over every parameter of the model. */
void ur_optimizer_step(const ur_optimizer *o, const ur_ctx *c, const ur_recipe *r, ur_model *m, int64_t step, double lr,
                       float scale, const float *g, float *m1, float *m2);

/* -- learning rate over time: a row of the table in schedule.c each -- */
typedef struct ur_pace {
	double factor;                  /* what plateaus have left of the rate; 1 at the start */
	int stale;                      /* validations since the last progress or decay */
} ur_pace;

typedef struct ur_schedule {
	const char *name, *about;
	/* share of the peak rate at `step` (from 0), warm-up apart; `after`: the share of steps done behind the warm-up */
	double (*share)(const ur_recipe *r, const ur_pace *p, int64_t step, double after);
	/* after a validation; NULL: does not look */
	void (*validated)(const ur_recipe *r, ur_pace *p, int better);
} ur_schedule;

const ur_schedule *ur_schedule_find(const char *name);
const ur_schedule *ur_schedule_nth(int n);
/* The last step taken at the full rate, of a schedule that is constant until it falls; elsewhere where warm-up ends. */
int64_t ur_schedule_fall(const ur_recipe *r);
#define UR_TRAPEZOID_FALL 0.2   /* share of the steps behind the warm-up */
double ur_schedule_rate(const ur_schedule *s, const ur_recipe *r, const ur_pace *p, int64_t step);

#endif
