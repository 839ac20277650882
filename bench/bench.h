/* What the benchmarks of training share: a machine's peak, and the middle of several measurements. */
#ifndef BENCH_H
#define BENCH_H

#include "base/machine.h"
#include "kernel/gemm.h"

#include <stdio.h>
#include <stdlib.h>

struct bench_peak { const ur_ctx *c; double flops[256]; };

static inline void bench_peak_task(void *arg, int task, int thread)
{
	struct bench_peak *j = arg;
	(void)thread;
	j->flops[task] = j->c->k->peak(50000000);
}

/* Operations a second that multiply-and-adds on all of the context's threads reach, the best of several tries. */
static inline double bench_peak_of(const ur_ctx *c)
{
	double best = 0;

	for (int i = 0; i < 9; i++) {
		struct bench_peak j = { .c = c };
		double start = ur_clock(), seconds, flops = 0;
		ur_pool_run(c->pool, c->threads, bench_peak_task, &j);
		seconds = ur_clock() - start;
		for (int t = 0; t < c->threads; t++)
			flops += j.flops[t];
		if (flops / seconds > best)
			best = flops / seconds;
	}
	return best;
}

static inline int bench_by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Sorts; 0 where there are none. */
static inline double bench_median(int n, double *values)
{
	if (n == 0)
		return 0;
	qsort(values, (size_t)n, sizeof *values, bench_by_size);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

#endif
