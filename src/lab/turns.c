/* Timing several things against each other: in turns, so that what disturbs the machine disturbs all alike. */
#include "base/machine.h"
#include "base/order.h"
#include "lab/lab.h"

#include <math.h>

/* A repeat shorter than this would show the clock's own cost. */
static const double LEAST = 2e-4;

/* Rank r of the order statistics x(r) and x(n + 1 - r) between which the median lies with 95 %: the largest with
 * P(Binomial(n, 1/2) < r) <= 2.5 %; 0 where n is too small for any. */
static int rank(int n)
{
	double p = pow(0.5, n), below = 0;
	int r = 0;

	while (r < n / 2 && below + p <= 0.025) {
		below += p;
		p *= (double)(n - r) / (r + 1);
		r++;
	}
	return r;
}

typedef struct one { int inner, n; double seconds[UR_LAB_REPEATS], thread[UR_LAB_REPEATS], cpu, wall; } one;

static void repeat(const ur_timed *thing, one *o)
{
	const double cpu = ur_cpu_clock(), own = ur_thread_clock(), start = ur_clock();
	double took;

	for (int i = 0; i < o->inner; i++)
		thing->run(thing->arg);
	took = ur_clock() - start;
	o->cpu += ur_cpu_clock() - cpu;
	o->wall += took;
	o->thread[o->n] = (ur_thread_clock() - own) / o->inner;
	o->seconds[o->n++] = took / o->inner;
}

static void middle(int n, int r, double *x, double *median, double *low, double *high)
{
	*median = ur_median(n, x);
	*low = x[r > 0 ? r - 1 : 0];
	*high = x[r > 0 ? n - r : n - 1];
}

static void conclude(one *o, ur_times *out)
{
	const int r = rank(o->n);

	*out = (ur_times){ .n = o->n, .median = NAN, .low = NAN, .high = NAN, .thread = NAN, .thread_low = NAN,
	                   .thread_high = NAN, .cpu = NAN };
	if (!o->n)
		return;
	out->sure = r > 0;
	middle(o->n, r, o->seconds, &out->median, &out->low, &out->high);
	middle(o->n, r, o->thread, &out->thread, &out->thread_low, &out->thread_high);
	out->cpu = o->cpu / o->wall;
}

enum { MOST = 64 };

static void time_some(int n, const ur_timed *thing, double seconds, ur_times *out, int (*stop)(void *), void *arg)
{
	const double start = ur_clock();
	one of[MOST] = { 0 };
	int stopped = 0;

	/* The first run finds caches cold and pages untouched: it counts only where there is no time for others. */
	for (int i = 0; i < n && !(stopped = stop && stop(arg)); i++) {
		of[i].inner = 1;
		repeat(&thing[i], &of[i]);
		if (of[i].seconds[0] * n * 3 < seconds) {
			const double once = of[i].seconds[0] > 1e-9 ? of[i].seconds[0] : 1e-9;
			of[i] = (one){ .inner = once < LEAST ? (int)(LEAST / once) + 1 : 1 };
		}
	}
	for (int round = 0; round < UR_LAB_REPEATS && !stopped; round++) {
		if (round && ur_clock() - start > seconds)
			break;
		for (int i = 0; i < n && !(stopped = stop && stop(arg)); i++)
			if (of[i].n <= round)
				repeat(&thing[i], &of[i]);
	}
	for (int i = 0; i < n; i++)
		conclude(&of[i], &out[i]);
}

void ur_lab_time(int n, const ur_timed *thing, double seconds, ur_times *out, int (*stop)(void *), void *arg)
{
	for (int from = 0; from < n; from += MOST) {
		const int some = n - from < MOST ? n - from : MOST;
		time_some(some, thing + from, seconds * some / n, out + from, stop, arg);
	}
}

json_t *ur_times_json(const ur_times *t)
{
	return t->n ? json_pack("{s:i,s:f,s:f,s:f,s:b,s:f,s:f,s:f,s:f}", "n", t->n, "median", t->median, "low", t->low,
	                        "high", t->high, "sure", t->sure, "thread", t->thread, "thread_low", t->thread_low,
	                        "thread_high", t->thread_high, "cpu", t->cpu)
	            : json_pack("{s:i}", "n", 0);
}
