/* Peaks. Arithmetic: fused multiply-adds on registers. Memory: sums over a buffer larger than the last cache, each
 * thread on a part of its own. */
#include "measure/speed.h"

#include "base/machine.h"

#include <stdlib.h>
#include <unistd.h>

enum { FLOP_RUNS = 8, READ_RUNS = 4, MIB = 1 << 20, LEAST_MIB = 64, MOST_MIB = 256, READ_TASKS = 64 };

struct flop_job { const ur_ctx *c; size_t n; double *flops; };

static void flop_task(void *arg, int task, int thread)
{
	const struct flop_job *j = arg;
	(void)thread;
	j->flops[task] = j->c->k->peak(j->n);
}

/* Operations a second of one run of n multiply-adds on every thread; *seconds it took. */
static double flop_run(const struct flop_job *j, double *seconds)
{
	double start = ur_clock(), flops = 0;

	ur_pool_run(j->c->pool, j->c->threads, flop_task, (void *)j);
	*seconds = ur_clock() - start;
	for (int t = 0; t < j->c->threads; t++)
		flops += j->flops[t];
	return *seconds > 0 ? flops / *seconds : 0;
}

static double peak_flops(const ur_ctx *c)
{
	struct flop_job j = { c, 100000, calloc((size_t)c->threads, sizeof(double)) };
	double best = 0, seconds = 0;

	if (!j.flops)
		return 0;
	/* long enough that starting the threads does not count: from 4 ms up */
	while (flop_run(&j, &seconds) > 0 && seconds < 0.004 && j.n < (size_t)1 << 40)
		j.n *= 2;
	for (int i = 0; i < FLOP_RUNS; i++) {
		double rate = flop_run(&j, &seconds);
		if (rate > best)
			best = rate;
	}
	free(j.flops);
	return best;
}

struct read_job { const ur_ctx *c; const float *data; size_t part; double *sums; };

static void read_task(void *arg, int task, int thread)
{
	const struct read_job *j = arg;
	(void)thread;
	j->sums[task] = j->c->k->sum_squares(j->part, j->data + (size_t)task * j->part);
}

/* The first touch, by the threads that read: pages then lie near them. */
static void touch_task(void *arg, int task, int thread)
{
	const struct read_job *j = arg;
	float *at = (float *)j->data + (size_t)task * j->part;
	(void)thread;
	for (size_t i = 0; i < j->part; i++)
		at[i] = 1;
}

static double bandwidth(const ur_ctx *c)
{
	long cache = -1;
	int64_t free_bytes = ur_memory_free();
	size_t mib = LEAST_MIB;
	double best = 0, sums[READ_TASKS];
	struct read_job j = { .c = c, .sums = sums };
	ur_arena arena = { 0 };

#ifdef _SC_LEVEL3_CACHE_SIZE
	cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
	if (cache > 0 && (size_t)cache / MIB * 4 > mib)
		mib = (size_t)cache / MIB * 4;
	if (mib > MOST_MIB)
		mib = MOST_MIB;
	if (free_bytes >= 0 && (uint64_t)free_bytes / MIB / 4 < mib)
		mib = (size_t)free_bytes / MIB / 4;
	if (mib < LEAST_MIB)
		return 0;
	j.part = mib * MIB / sizeof(float) / READ_TASKS;
	(void)UR_TAKE(&arena, float, j.part * READ_TASKS);
	if (!ur_arena_open(&arena))
		return 0;
	j.data = UR_TAKE(&arena, float, j.part * READ_TASKS);
	ur_pool_run(c->pool, READ_TASKS, touch_task, &j);
	for (int i = 0; i < READ_RUNS; i++) {
		double start = ur_clock(), rate;
		ur_pool_run(c->pool, READ_TASKS, read_task, &j);
		rate = (double)(j.part * READ_TASKS * sizeof(float)) / (ur_clock() - start);
		if (rate > best)
			best = rate;
	}
	ur_arena_close(&arena);
	return best;
}

void ur_speed_measure(const ur_ctx *c, ur_speed *out)
{
	out->flops = peak_flops(c);
	out->bandwidth = bandwidth(c);
}
