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
	return part(w->validation_tokens, N / 100, UR_LEAST_VALIDATION);
}

int64_t ur_budget_heldout(const ur_work *w, int64_t N) { return part(w->heldout_tokens, N / 10, UR_LEAST_HELDOUT); }

double ur_budget_seconds(int n, const ur_rate *rate, const ur_work *w, int64_t N)
{
	const double validation = (double)ur_budget_validation(w, N), heldout = (double)ur_budget_heldout(w, N);
	const double trained = (double)N * (1 + w->trials * w->share);
	const double scored = validation * (w->validations + 1 + 2.0 * w->trials) + 2 * heldout;
	double seconds = 0;

	for (int i = 0; i < n; i++)
		seconds += trained / rate[i].train + scored / rate[i].score + w->rest;
	return seconds;
}

int64_t ur_budget_tokens(int n, const ur_rate *rate, const ur_work *w, double seconds, int64_t unit)
{
	int64_t low = 0, high = 1;

	while (high < (int64_t)1 << 40 && ur_budget_seconds(n, rate, w, high * unit) <= seconds)
		high *= 2;
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (ur_budget_seconds(n, rate, w, middle * unit) <= seconds)
			low = middle;
		else
			high = middle;
	}
	return low * unit;
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
