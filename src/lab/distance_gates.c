/* What the forget gates of an LSTM do, by running its cell. */
#include "lab/distance.h"

#include "base/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 500, SOME = 100, SEQUENCES = 8, BINS = 10 };

/* One LSTM layer's weights, as nn.LSTM has them: gates i f g o. */
typedef struct cell { int in, H; const float *w_ih, *w_hh, *b_ih, *b_hh; } cell;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* One step; f: the forget gates. */
static void step(const cell *l, const float *x, double *h, double *c, double *a, double *f)
{
	for (int r = 0; r < 4 * l->H; r++) {
		double sum = (double)l->b_ih[r] + l->b_hh[r];
		for (int j = 0; j < l->in; j++)
			sum += (double)l->w_ih[(size_t)r * (size_t)l->in + (size_t)j] * x[j];
		for (int j = 0; j < l->H; j++)
			sum += l->w_hh[(size_t)r * (size_t)l->H + (size_t)j] * h[j];
		a[r] = sum;
	}
	for (int u = 0; u < l->H; u++) {
		f[u] = sigmoid(a[l->H + u]);
		c[u] = f[u] * c[u] + sigmoid(a[u]) * tanh(a[2 * l->H + u]);
		h[u] = sigmoid(a[3 * l->H + u]) * tanh(c[u]);
	}
}

/* What is kept by the middle unit and by the one that keeps most. */
static void kept(int H, const double *logs, double *middle, double *most)
{
	double *of = malloc((size_t)H * sizeof *of);

	*middle = *most = NAN;
	if (!of)
		return;
	memcpy(of, logs, (size_t)H * sizeof *of);
	*middle = exp(ur_median(H, of));
	*most = exp(of[H - 1]); /* in order now */
	free(of);
}

static json_t *summary(int H, double *gates, const double *some, const double *all)
{
	const int n = STEPS * SEQUENCES * H;
	double mean = 0, above = 0, kept_100, kept_500, slowest_100, slowest_500;
	int bin[BINS] = { 0 };
	json_t *bins = json_array();

	for (int i = 0; i < n; i++) {
		const int at = (int)(gates[i] * BINS);
		mean += gates[i] / n;
		above += (gates[i] > 0.99) / (double)n;
		bin[at < BINS ? at : BINS - 1]++;
	}
	for (int i = 0; i < BINS; i++)
		json_array_append_new(bins, json_real(bin[i] / (double)n));
	kept(H, some, &kept_100, &slowest_100);
	kept(H, all, &kept_500, &slowest_500);
	ur_sort(n, gates);
	return json_pack("{s:f,s:f,s:f,s:f,s:f,s:o,s:f,s:f,s:f,s:f}", "mean", mean, "low", gates[n / 10], "median",
		gates[n / 2], "high", gates[n - 1 - n / 10], "above", above, "bins", bins, "kept_100", kept_100,
		"kept_500", kept_500, "slowest_100", slowest_100, "slowest_500", slowest_500);
}

static const float *weights_of(const ur_model *m, const char *local)
{
	for (int i = 0; i < m->params; i++)
		if (m->param[i].layer == 0 && !strcmp(m->param[i].local, local))
			return m->weights + m->param[i].at;
	return NULL;
}

ur_status ur_distance_gates(const ur_model *m, const char *text, json_t **fact, ur_err *err)
{
	const cell l = { m->stack.layer[0].dims.in, m->stack.layer[0].dims.out, weights_of(m, "mixer.weight_ih"),
		weights_of(m, "mixer.weight_hh"), weights_of(m, "mixer.bias_ih"), weights_of(m, "mixer.bias_hh") };
	const size_t H = (size_t)l.H;
	double *gates, *room;
	int32_t *ids, *targets;
	ur_status status;
	ur_task task;

	*fact = NULL;
	if (m->stack.layer[0].kind != ur_mixer_find("lstm") || !l.w_ih || !l.w_hh || !l.b_ih || !l.b_hh)
		return ur_fail(err, UR_E_INVALID, "%s has no forget gates to look at", m->spec.text);
	if ((status = ur_task_parse(text, &task, err)))
		return status;
	if (task.length < STEPS || ur_vocab_size(task.vocab) != m->V) {
		ur_task_free(&task);
		return ur_fail(err, UR_E_INVALID, "%s is not of %d steps of the model's tokens", text, STEPS);
	}
	gates = malloc((size_t)STEPS * SEQUENCES * H * sizeof *gates);
	room = calloc(10 * H, sizeof *room); /* h, c, a (4), f; logs over some steps and all; one spare */
	ids = malloc((size_t)task.length * sizeof *ids);
	targets = malloc((size_t)task.length * sizeof *targets);
	if (gates && room && ids && targets) {
		double *h = room, *c = h + H, *a = c + H, *f = a + 4 * H, *some = f + H, *all = some + H;

		for (int b = 0; b < SEQUENCES; b++) {
			memset(room, 0, 2 * H * sizeof *room);
			ur_task_draw(&task, 0, UR_TEST, b, 1, ids, targets);
			for (int t = 0; t < STEPS; t++) {
				step(&l, m->mat[m->stack.embedding].data + (size_t)ids[t] * (size_t)l.in, h, c, a, f);
				memcpy(gates + ((size_t)b * STEPS + (size_t)t) * H, f, H * sizeof *f);
				for (size_t u = 0; u < H; u++) {
					all[u] += log(f[u]) / SEQUENCES;
					some[u] += t < SOME ? log(f[u]) / SEQUENCES : 0;
				}
			}
		}
		*fact = summary(l.H, gates, some, all);
	}
	if (!*fact)
		status = ur_fail(err, UR_E_NOMEM, "no memory to look at forget gates");
	free(gates);
	free(room);
	free(ids);
	free(targets);
	ur_task_free(&task);
	return status;
}
