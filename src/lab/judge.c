#include "lab/judge.h"

#include <math.h>

ur_reach ur_reach_over(ur_reach x, ur_reach y)
{
	return (ur_reach){ x.at / y.at, x.low / y.high, x.high / y.low, x.repeats < y.repeats ? x.repeats : y.repeats,
	                   x.sure && y.sure };
}

ur_found ur_judge_beyond(ur_reach r, double threshold, int above)
{
	static const double far = 1.5;
	const double worst = above ? r.low / threshold : threshold / r.high;
	const double middle = above ? r.at / threshold : threshold / r.at;
	const double best = above ? r.high / threshold : threshold / r.low;

	if (!r.sure)
		return worst > far ? UR_HOLDS_IF : UR_MISSING;
	return worst > 1 ? UR_HOLDS : best <= 1 ? UR_FAILS : middle > 1 ? UR_HOLDS_IF : UR_MISSING;
}

ur_growth ur_growth_fit(int n, const double *x, const ur_reach *y)
{
	double at[UR_GROWTH_POINTS] = { 0 }, of[UR_GROWTH_POINTS] = { 0 }, half[UR_GROWTH_POINTS];
	double mean = 0, square = 0, error = 0;
	ur_growth g = { .sure = 1 };
	int used = 0;

	for (int i = 0; i < n && used < UR_GROWTH_POINTS; i++) {
		if (!(y[i].at > 0))
			continue;
		at[used] = x[i];
		of[used] = y[i].at;
		half[used] = log(y[i].high / y[i].low) / 2;
		mean += log(at[used++]);
		g.sure = g.sure && y[i].sure;
	}
	g.of = ur_power_fit(used, at, of);
	if (used < 2)
		return g;
	mean /= used;
	for (int i = 0; i < used; i++) {
		square += pow(log(at[i]) - mean, 2);
		error += pow((log(at[i]) - mean) * half[i], 2);
	}
	error = sqrt(error) / square;
	g.of.low = fmin(g.of.low, g.of.exponent - error);
	g.of.high = fmax(g.of.high, g.of.exponent + error);
	return g;
}

ur_found ur_judge_within(const ur_growth *g, double from, double to)
{
	const ur_power *p = &g->of;

	if (p->n < 3)
		return UR_MISSING;
	if (p->low >= from && p->high <= to)
		return g->sure ? UR_HOLDS : UR_HOLDS_IF;
	if (g->sure && (p->high < from || p->low > to))
		return UR_FAILS;
	return p->exponent >= from && p->exponent <= to ? UR_HOLDS_IF : UR_MISSING;
}

ur_found ur_judge_both(ur_found a, ur_found b)
{
	return a == UR_FAILS || b == UR_FAILS ? UR_FAILS : a > b ? a : b;
}
