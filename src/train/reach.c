/* Gradients by distance. */
#include "train/reach.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double SHARE = 0.99;
static const double LEAST = 100.0 * FLT_MIN; /* norms below it have lost bits, or are 0 because they were */

void ur_reach_plan(ur_reach_meter *r, const ur_model *m, const ur_ctx *c, int T, int B, ur_arena *arena)
{
	const size_t rows = (size_t)T * (size_t)B;

	*r = (ur_reach_meter){ .T = T, .B = B };
	ur_net_plan_inputs(&r->net, m, c, T, B, arena);
	ur_backward_plan(&r->back, &r->net, arena);
	r->dinput = UR_TAKE(arena, float, rows * (size_t)m->spec.width);
	r->back.dinput = r->dinput;
	r->ids = UR_TAKE(arena, int32_t, rows);
	r->targets = UR_TAKE(arena, int32_t, rows);
	r->square = UR_TAKE(arena, double, rows);
	r->sum = UR_TAKE(arena, double, T);
	r->curve.mean = UR_TAKE(arena, double, T);
	r->curve.typical = UR_TAKE(arena, double, T);
}

/* The logarithm of what is not negative; of 0, minus infinity. */
static double log_of(double x) { return x == 0 ? -INFINITY : log(x); }

/* Fills square with what an answer at one position sends to each; `row` of the targets has what is asked, and is moved
 * to `at`. */
static void gradient(ur_reach_meter *r, int at, int row)
{
	const size_t B = (size_t)r->B, D = (size_t)r->net.m->spec.width;
	const ur_pass pass = { .T = r->T, .B = r->B, .ids = r->ids };

	if (at != row)
		memcpy(r->targets + (size_t)at * B, r->targets + (size_t)row * B, B * sizeof *r->targets);
	for (int t = 0; t < r->T; t++)
		for (int b = 0; b < r->B && t != at; b++)
			r->targets[(size_t)t * B + (size_t)b] = -1;
	ur_net_forward(&r->net, &pass);
	/* the parameters' gradients are of no interest, and add up */
	memset(r->back.all, 0, r->net.m->floats * sizeof *r->back.all);
	(void)ur_net_backward(&r->back, &pass, &(ur_aim){ .targets = r->targets, .weight = 1 });
	for (size_t i = 0; i < (size_t)r->T * B; i++) {
		double sum = 0; /* float32 squares of such small numbers would be 0 */
		for (size_t j = 0; j < D; j++)
			sum += (double)r->dinput[i * D + j] * r->dinput[i * D + j];
		r->square[i] = sum;
	}
}

void ur_reach_measure(ur_reach_meter *r, ur_reach *out)
{
	const int T = r->T, B = r->B, middle = T / 2;
	double ahead = 0;

	/* the middle first; what is asked there may be any token */
	gradient(r, middle, T - 1);
	for (size_t i = (size_t)(middle + 1) * (size_t)B; i < (size_t)T * (size_t)B; i++)
		ahead = ur_norm_larger(ahead, sqrt(r->square[i]));
	gradient(r, T - 1, middle);
	for (int d = 0; d < T; d++) {
		const double *square = r->square + (size_t)(T - 1 - d) * (size_t)B;
		double norms = 0, logs = 0;

		r->sum[d] = 0;
		for (int b = 0; b < B; b++) {
			r->sum[d] += square[b];
			norms += sqrt(square[b]);
			logs += 0.5 * log_of(square[b]);
		}
		r->curve.mean[d] = norms / B;
		r->curve.typical[d] = exp(logs / B);
	}
	ur_reach_of(T, B, r->sum, &r->curve, out);
	out->ahead = ahead;
}

static double within(int T, const double *squares)
{
	double all = 0, sum = 0;

	for (int d = 0; d < T; d++)
		all += squares[d];
	if (!isfinite(all))
		return NAN;
	for (int d = 0; d < T; d++) {
		if (sum + squares[d] >= SHARE * all && squares[d] > 0)
			return d == 0 ? 0 : d - 1 + (SHARE * all - sum) / squares[d];
		sum += squares[d];
	}
	return 0; /* there is no gradient */
}

void ur_reach_of(int T, int sequences, const double *squares, const ur_reach_curve *curve, ur_reach *out)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0;

	*out = (ur_reach){ .T = T, .sequences = sequences, .within = within(T, squares), .decay = NAN };
	while (out->fitted + 1 < T && curve->typical[out->fitted + 1] > LEAST)
		out->fitted++;
	for (int d = 1; d <= out->fitted; d++) {
		const double v = log(curve->typical[d]);
		n++;
		x += d;
		y += v;
		xx += (double)d * d;
		xy += d * v;
	}
	if (n >= 2)
		out->decay = exp((xy - x * y / n) / (xx - x * x / n));
	for (int from = 0; from < T && out->bins < UR_REACH_BINS; from = from ? 2 * from : 1) {
		ur_reach_bin *bin = &out->bin[out->bins++];
		double mean = 0, logs = 0;

		*bin = (ur_reach_bin){ .from = from, .to = from ? 2 * from - 1 : 0 };
		if (bin->to >= T)
			bin->to = T - 1;
		for (int d = bin->from; d <= bin->to; d++) {
			mean += curve->mean[d];
			logs += log_of(curve->typical[d]);
		}
		bin->mean = mean / (bin->to - bin->from + 1);
		bin->typical = exp(logs / (bin->to - bin->from + 1));
	}
}

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

json_t *ur_reach_json(const ur_reach *r)
{
	json_t *bins = json_array();

	for (int i = 0; i < r->bins; i++)
		json_array_append_new(bins, json_pack("[i, i, o, o]", r->bin[i].from, r->bin[i].to,
		                                      number(r->bin[i].mean), number(r->bin[i].typical)));
	return json_pack("{s:o, s:o, s:o, s:i, s:o}", "within", number(r->within), "decay", number(r->decay), "ahead",
	                 number(r->ahead), "fitted", r->fitted, "bins", bins);
}

const char *ur_reach_name(int bin)
{
	static const char *const names[UR_REACH_BINS] = {
		"reach/0", "reach/1", "reach/2", "reach/4", "reach/8", "reach/16", "reach/32", "reach/64", "reach/128",
		"reach/256", "reach/512", "reach/1024", "reach/2048", "reach/4096", "reach/8192", "reach/16384", "reach/32768",
		"reach/65536", "reach/131072", "reach/262144", "reach/524288", "reach/1048576", "reach/2097152",
		"reach/4194304", "reach/8388608",
	};
	return names[bin];
}
