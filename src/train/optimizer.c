/* AdamW (Loshchilov and Hutter 2019) and SGD with momentum, as PyTorch defines both. */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 1 << 15 };

static void adamw(const ur_kernels *k, const ur_recipe *r, int64_t step, double lr, double decay, float scale, size_t n,
                  float *w, const float *g, float *m, float *v)
{
	ur_adamw o = {
		.lr = (float)lr, .beta1 = (float)r->beta1, .beta2 = (float)r->beta2, .eps = (float)r->eps,
		.decay = (float)decay, .bias1 = (float)(1 - pow(r->beta1, (double)step)),
		.bias2 = (float)(1 - pow(r->beta2, (double)step)), .scale = scale,
	};
	k->adamw(n, &o, w, g, m, v);
}

static void sgd(const ur_kernels *k, const ur_recipe *r, int64_t step, double lr, double decay, float scale, size_t n,
                float *w, const float *g, float *m, float *v)
{
	(void)step;
	(void)v;
	k->sgd(n, (float)lr, (float)r->momentum, (float)decay, scale, w, g, m);
}

static const ur_optimizer optimizers[] = {
	{ "adamw", "Adam with decoupled weight decay", 2, adamw },
	{ "sgd", "stochastic gradient descent with momentum", 1, sgd },
};

const ur_optimizer *ur_optimizer_nth(int n)
{
	return n >= 0 && n < (int)(sizeof optimizers / sizeof *optimizers) ? &optimizers[n] : NULL;
}

const ur_optimizer *ur_optimizer_find(const char *name)
{
	for (int i = 0; ur_optimizer_nth(i); i++)
		if (!strcmp(optimizers[i].name, name))
			return &optimizers[i];
	return NULL;
}

struct norm_job { const ur_ctx *c; size_t n; const float *g; double *parts; };

static void norm_task(void *arg, int task, int thread)
{
	const struct norm_job *j = arg;
	size_t from = (size_t)task * CHUNK, n = j->n - from < CHUNK ? j->n - from : CHUNK;
	(void)thread;
	j->parts[task] = j->c->k->sum_squares(n, j->g + from);
}

size_t ur_grad_parts(size_t n) { return (n + CHUNK - 1) / CHUNK; }

double ur_grad_norm(const ur_ctx *c, size_t n, const float *g, double *parts)
{
	double sum = 0;
	ur_pool_run(c->pool, (int)ur_grad_parts(n), norm_task, &(struct norm_job){ c, n, g, parts });
	for (size_t i = 0; i < ur_grad_parts(n); i++)
		sum += parts[i];
	return sqrt(sum);
}

struct step_job {
	const ur_optimizer *o;
	const ur_ctx *c;
	const ur_recipe *r;
	ur_model *m;
	int64_t step;
	double lr;
	float scale;
	const float *g;
	float *m1, *m2;
};

/* Task numbers run over the chunks of all parameters in order. */
static void step_task(void *arg, int task, int thread)
{
	const struct step_job *j = arg;
	(void)thread;

	for (int i = 0; i < j->m->params; i++) {
		const ur_parameter *p = &j->m->param[i];
		int chunks = (int)((p->count + CHUNK - 1) / CHUNK);
		if (task < chunks) {
			size_t from = (size_t)task * CHUNK, at = p->at + from;
			size_t n = p->count - from < CHUNK ? p->count - from : CHUNK;
			j->o->update(j->c->k, j->r, j->step, j->lr, p->decay ? j->r->weight_decay : 0, j->scale, n,
			             j->m->weights + at, j->g + at, j->m1 + at, j->m2 ? j->m2 + at : NULL);
			return;
		}
		task -= chunks;
	}
}

void ur_optimizer_step(const ur_optimizer *o, const ur_ctx *c, const ur_recipe *r, ur_model *m, int64_t step, double lr,
                       float scale, const float *g, float *m1, float *m2)
{
	struct step_job j = { o, c, r, m, step, lr, scale, g, m1, m2 };
	int tasks = 0;
	for (int i = 0; i < m->params; i++)
		tasks += (int)((m->param[i].count + CHUNK - 1) / CHUNK);
	ur_pool_run(c->pool, tasks, step_task, &j);
}
