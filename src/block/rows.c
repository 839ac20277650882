/* Chunks of rows on the pool. */
#include "block/block.h"

#include <string.h>

struct chunk_job { ur_rows_fn *fn; void *arg; int rows, chunk; };

static void chunk_task(void *arg, int task, int thread)
{
	const struct chunk_job *j = arg;
	int from = task * j->chunk, to = from + j->chunk < j->rows ? from + j->chunk : j->rows;
	j->fn(j->arg, from, to, thread);
}

void ur_for_chunks(const ur_ctx *c, int rows, ur_rows_fn *fn, void *arg)
{
	struct chunk_job j = { fn, arg, rows, UR_CHUNK };

	while (j.chunk > 12 && (rows + j.chunk - 1) / j.chunk < 2 * c->threads)
		j.chunk /= 2;
	ur_pool_run(c->pool, (rows + j.chunk - 1) / j.chunk, chunk_task, &j);
}

struct copy_job { int D; const float *x; ptrdiff_t ldx; float *y; ptrdiff_t ldy; };

static void copy_chunk(void *arg, int from, int to, int thread)
{
	const struct copy_job *j = arg;
	(void)thread;
	for (int r = from; r < to; r++)
		memcpy(j->y + r * j->ldy, j->x + r * j->ldx, (size_t)j->D * sizeof *j->y);
}

void ur_copy_rows(const ur_ctx *c, int rows, int D, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy)
{
	ur_for_chunks(c, rows, copy_chunk, &(struct copy_job){ D, x, ldx, y, ldy });
}
