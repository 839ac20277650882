/* Embedding: y = scale table[id] (+ position[t]), or of values W values + b (+ position[t]). Backward scatters rows;
 * each task owns a range of columns and adds all rows in order, so the sums are the same at any number of threads. */
#include "block/block.h"

#include <string.h>

struct embed_job { const ur_ctx *c; const ur_embed_call *q; };

static void forward_rows(void *arg, int from, int to, int thread)
{
	const struct embed_job *j = arg;
	const ur_embed_call *q = j->q;
	const size_t D = (size_t)q->D;
	(void)thread;

	for (int r = from; r < to; r++) {
		float *y = q->y + (size_t)r * D;
		if (!q->values) {
			memcpy(y, q->table + (size_t)q->ids[r] * D, D * sizeof *y);
			if (q->scale != 1)
				j->c->k->scale(q->D, q->scale, y);
		}
		if (q->positions)
			j->c->k->add(q->D, q->positions + (size_t)(q->first + r / q->B) * D, y);
	}
}

void ur_embed_forward(const ur_ctx *c, const ur_embed_call *q)
{
	if (q->values)
		ur_linear(c, q->T * q->B, q->w, q->bias, q->values, q->inputs, q->y, q->D, 0);
	if (!q->values || q->positions)
		ur_for_chunks(c, q->T * q->B, forward_rows, &(struct embed_job){ c, q });
}

enum { COLUMNS = 64 };

static void backward_task(void *arg, int task, int thread)
{
	const struct embed_job *j = arg;
	const ur_embed_call *q = j->q;
	const int from = task * COLUMNS, n = q->D - from < COLUMNS ? q->D - from : COLUMNS;
	const size_t D = (size_t)q->D;
	(void)thread;

	for (int r = 0; !q->values && r < q->T * q->B; r++)
		j->c->k->axpy(n, q->scale, q->dy + (size_t)r * D + from, q->dtable + (size_t)q->ids[r] * D + from);
	for (int t = 0; q->dpositions && t < q->T; t++)
		j->c->k->column_sums(q->B, n, q->dy + (size_t)t * (size_t)q->B * D + from, q->D,
		                     q->dpositions + (size_t)(q->first + t) * D + from);
}

void ur_embed_backward(const ur_ctx *c, const ur_embed_call *q)
{
	if (q->values)
		ur_linear_grad(c, q->T * q->B, q->D, q->inputs, q->dy, q->D, q->values, q->inputs, q->dw, q->dbias);
	if (!q->values || q->dpositions)
		ur_pool_run(c->pool, (q->D + COLUMNS - 1) / COLUMNS, backward_task, &(struct embed_job){ c, q });
}
