/* Embedding: y = table[id] (+ position[t]). Backward scatters rows; each task owns a range of columns and adds all rows
 * in order, so the sums are the same at any number of threads. */
#include "block/block.h"

#include <string.h>

struct embed_job {
	const ur_ctx *c;
	int T, B, D, first;
	const int32_t *ids;
	const float *table, *positions, *dy;
	float *y, *dtable, *dpositions;
};

static void forward_rows(void *arg, int from, int to, int thread)
{
	const struct embed_job *j = arg;
	(void)thread;
	for (int r = from; r < to; r++) {
		float *y = j->y + (size_t)r * (size_t)j->D;
		memcpy(y, j->table + (size_t)j->ids[r] * (size_t)j->D, (size_t)j->D * sizeof *y);
		if (j->positions)
			j->c->k->add(j->D, j->positions + (size_t)(j->first + r / j->B) * (size_t)j->D, y);
	}
}

void ur_embed_forward(const ur_ctx *c, int T, int B, int D, const int32_t *ids, const float *table,
                      const float *positions, int first, float *y)
{
	struct embed_job j = { .c = c, .T = T, .B = B, .D = D, .first = first, .ids = ids, .table = table,
	                       .positions = positions, .y = y };
	ur_for_chunks(c, T * B, forward_rows, &j);
}

enum { COLUMNS = 64 };

static void backward_task(void *arg, int task, int thread)
{
	const struct embed_job *j = arg;
	int from = task * COLUMNS, n = j->D - from < COLUMNS ? j->D - from : COLUMNS;
	(void)thread;

	for (int r = 0; r < j->T * j->B; r++)
		j->c->k->add(n, j->dy + (size_t)r * (size_t)j->D + from, j->dtable + (size_t)j->ids[r] * (size_t)j->D + from);
	if (j->dpositions)
		for (int t = 0; t < j->T; t++)
			j->c->k->column_sums(j->B, n, j->dy + (size_t)t * (size_t)j->B * (size_t)j->D + from, j->D,
			                     j->dpositions + (size_t)t * (size_t)j->D + from);
}

void ur_embed_backward(const ur_ctx *c, int T, int B, int D, const int32_t *ids, const float *dy, float *dtable,
                       float *dpositions)
{
	struct embed_job j = { .c = c, .T = T, .B = B, .D = D, .ids = ids, .dy = dy, .dtable = dtable,
	                       .dpositions = dpositions };
	ur_pool_run(c->pool, (D + COLUMNS - 1) / COLUMNS, backward_task, &j);
}
