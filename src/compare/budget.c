#include "compare/budget.h"

#include <math.h>

#define TOKENS_A_PARAMETER 10.0
#define SHARE_OF_PEAK 0.2

static int64_t part(int64_t there, int64_t wanted, int64_t least)
{
	int64_t n = wanted > least ? wanted : least;
	return n < there ? n : there;
}

int64_t ur_budget_validation(const ur_work *w, int64_t N)
{
	return part(w->validation_tokens, N / 300, UR_LEAST_VALIDATION);
}

int64_t ur_budget_heldout(const ur_work *w, int64_t N) { return part(w->heldout_tokens, N / 10, UR_LEAST_HELDOUT); }

double ur_budget_measuring(const ur_work *w, double seconds)
{
	return fmin(fmax(w->measuring * seconds, w->least), w->most);
}

double ur_budget_scoring(const ur_rate *rate, const ur_work *w, int64_t N)
{
	const double validation = (double)ur_budget_validation(w, N), heldout = (double)ur_budget_heldout(w, N);
	return (validation * (w->validations + 1) + 4 * heldout) / rate->score + rate->after;
}

double ur_budget_cost(int n, const ur_rate *rate, const ur_work *w, const double *seconds)
{
	double cost = 0, tokens = 1e15;
	int64_t N;

	for (int i = 0; i < n; i++)
		tokens = fmin(tokens, rate[i].train * seconds[i]);
	N = (int64_t)tokens;
	for (int i = 0; i < n; i++)
		cost += w->seeds * (seconds[i] + ur_budget_scoring(&rate[i], w, N)) + ur_budget_measuring(w, seconds[i]) +
		        w->trials * (w->share * seconds[i] + 2 * (double)ur_budget_validation(w, N) / rate[i].score);
	return cost;
}

static double cost_of_each(int n, const ur_rate *rate, const ur_work *w, double each)
{
	double seconds[64];

	for (int i = 0; i < n && i < 64; i++)
		seconds[i] = each;
	return ur_budget_cost(n, rate, w, seconds);
}

double ur_budget_each(int n, const ur_rate *rate, const ur_work *w, double total)
{
	double low = 0, high = total;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;
		if (cost_of_each(n, rate, w, middle) <= total)
			low = middle;
		else
			high = middle;
	}
	return low > total * 1e-9 ? low : 0;
}

int ur_budget_step(int64_t N)
{
	int step = 1024;

	while (step < 16384 && (double)N / step > 2000 * 1.4142)
		step *= 2;
	return step;
}

int ur_budget_window(int64_t N) { return N < 5000000 ? 64 : N < 50000000 ? 128 : 256; }

int64_t ur_budget_guess(int n, double seconds, double peak_flops, int64_t parameters)
{
	const double work = 6.0 * (double)(parameters > 0 ? parameters : 1);
	double tokens = SHARE_OF_PEAK * peak_flops * seconds / (n > 0 ? n : 1) / work;
	return tokens > 1e15 ? (int64_t)1e15 : tokens > 1 ? (int64_t)tokens : 1;
}

int64_t ur_budget_parameters(int n, double seconds, double peak_flops)
{
	double p = sqrt(SHARE_OF_PEAK * peak_flops * seconds / (n > 0 ? n : 1) / (6 * TOKENS_A_PARAMETER)), unit;

	if (!(p >= 1e4)) /* NaN too */
		p = 1e4;
	if (p > 1e9)
		p = 1e9;
	unit = pow(10, floor(log10(p)) - 1);
	return (int64_t)(floor(p / unit + 0.5) * unit + 0.5);
}
