#include "lab/materialised.h"

#include <math.h>

enum { ROWS = 96 }; /* of a task */

typedef struct job {
	const ur_ctx *c;
	const ur_materialised *a;
	float *scores, *keys, *values;
} job;

size_t ur_materialised_work(const ur_kernels *k, int T, int E)
{
	return (size_t)T * (size_t)T + ur_panels_size(k, T, E, 1) + ur_panels_size(k, E, T, 1);
}

static int rows_of(const job *j, int task) { return j->a->T - task * ROWS < ROWS ? j->a->T - task * ROWS : ROWS; }

static void score(void *arg, int task, int thread)
{
	const job *j = arg;
	const ur_kernels *k = j->c->k;
	const ur_materialised *a = j->a;
	const ptrdiff_t from = task * ROWS;

	(void)thread;
	k->product[UR_F32](&(ur_product){ .M = rows_of(j, task), .N = a->T, .K = a->E, .blocks = 1,
		.A = a->q + from * a->ld, .row = a->ld, .col = 1, .panels = j->keys, .p1 = ur_panel_count(k, a->T, 1),
		.C = j->scores + from * a->T, .ldc = a->T });
}

static void weigh(void *arg, int task, int thread)
{
	const job *j = arg;
	const ur_kernels *k = j->c->k;
	const int T = j->a->T;

	(void)thread;
	for (int t = task * ROWS; t < task * ROWS + rows_of(j, task); t++) {
		float *row = j->scores + (size_t)t * (size_t)T, m = -INFINITY, sum = 0, back;
		k->softmax_tile(1, t + 1, T, 1 / sqrtf((float)j->a->E), row, T, &m, &sum, &back);
		k->scale(t + 1, 1 / sum, row);
	}
}

static void gather(void *arg, int task, int thread)
{
	const job *j = arg;
	const ur_kernels *k = j->c->k;
	const ur_materialised *a = j->a;
	const ptrdiff_t from = task * ROWS;

	(void)thread;
	k->product[UR_F32](&(ur_product){ .M = rows_of(j, task), .N = a->E, .K = a->T, .blocks = 1,
		.A = j->scores + from * a->T, .row = a->T, .col = 1, .panels = j->values, .p1 = ur_panel_count(k, a->E, 1),
		.C = a->out + from * a->ld, .ldc = a->ld });
}

void ur_materialised_forward(const ur_ctx *c, const ur_materialised *a, float *work)
{
	job j = { .c = c, .a = a, .scores = work };
	const int tasks = (a->T + ROWS - 1) / ROWS;

	j.keys = work + (size_t)a->T * (size_t)a->T;
	j.values = j.keys + ur_panels_size(c->k, a->T, a->E, 1);
	ur_pack(c->k, a->T, a->E, 1, a->k, a->ld, 1, j.keys);
	ur_pack(c->k, a->E, a->T, 1, a->v, 1, a->ld, j.values);
	ur_pool_run(c->pool, tasks, score, &j);
	ur_pool_run(c->pool, tasks, weigh, &j);
	ur_pool_run(c->pool, tasks, gather, &j);
}
