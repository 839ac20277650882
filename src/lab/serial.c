/* One step after another: how much of a sequence model's work has to wait for other work of its own, counted from data
 * with counting kernels, and what that makes of more units, measured as far as this machine has them. */
#include "base/machine.h"
#include "lab/rigs.h"
#include "lab/serial_findings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG = 512, SHORT = 64, BATCH = 32, MOST_T = 10, MOST_UNITS = 16, FEW = 100 };

typedef struct plan {
	int width, n, T[MOST_T], batched, batch_T[MOST_T];
	double each;                    /* seconds that the layers of one length share */
} plan;

static plan plan_of(const ur_lab *lab)
{
	static const plan plans[] = {
		[UR_LAB_QUICK] = { 64, 3, { 1, SHORT, LONG }, 1, { SHORT }, 0.5 },
		[UR_LAB_DEFAULT] = { 128, 6, { 1, 16, SHORT, 256, LONG, 1024 }, 3, { 16, SHORT, 256 }, 3.5 },
		[UR_LAB_FULL] = { 256, 8, { 1, 16, SHORT, 256, LONG, 1024, 2048, 4096 }, 4, { 16, SHORT, 256, LONG }, 15 },
	};
	return plans[lab->size];
}

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 6, 60, 400); }

/* -- measuring -- */

static void set(json_t *object, int T, json_t *value)
{
	char key[16];

	(void)snprintf(key, sizeof key, "%d", T);
	(void)json_object_set_new(object, key, value);
}

/* Chains and operations of each mixer by T, at batch 1. */
static ur_status count(ur_lab *lab, const plan *of, ur_err *err)
{
	json_t *fact = json_object();
	ur_status status = UR_OK;

	for (int i = 0; lab->mixer[i].name && !status; i++) {
		const ur_lab_mixer *m = &lab->mixer[i];
		const ur_dims d = ur_rig_dims(m->forward->mixer, of->width);
		json_t *chain = json_object(), *training = json_object(), *flops = json_object();

		for (int t = 0; t < of->n && !status; t++) {
			ur_count forward = { 0 }, both = { 0 };

			status = ur_lab_say(lab, -1, err, "counting at T = %d: %s", of->T[t], m->name);
			if (!status)
				status = ur_count_mixer(m->forward, NULL, &d, of->T[t], 1, UR_PASS_FORWARD, &forward, err);
			if (!status && of->T[t] <= LONG)
				status = ur_count_mixer(m->forward, m->backward, &d, of->T[t], 1, UR_PASS_TRAINING, &both, err);
			set(chain, of->T[t], json_integer(forward.chain));
			set(flops, of->T[t], json_real(forward.flops));
			if (both.chain)
				set(training, of->T[t], json_integer(both.chain));
		}
		(void)json_object_set_new(fact, m->name, json_pack("{s:b,s:o,s:o,s:o}", "grows",
			(m->forward->mixer->flags & UR_STATE_GROWS) != 0, "chain", chain, "training", training, "flops", flops));
	}
	if (!status)
		return ur_lab_keep(lab, fact, err, "counts");
	json_decref(fact);
	return status;
}

/* 1, 2, 4, ... up to the threads there are, those included. */
static int units_here(const ur_lab *lab, int units[MOST_UNITS])
{
	int n = 0;

	for (int u = 1; u < lab->ctx->threads && n < MOST_UNITS - 1; u *= 2)
		units[n++] = u;
	units[n++] = lab->ctx->threads;
	return n;
}

static const double predicted_units[] = { 1, 2, 4, 10, 30, 100, 300, 1000, 3000, 10000 };
enum { PREDICTED = sizeof predicted_units / sizeof *predicted_units };

static json_t *numbers(int n, const double *x)
{
	json_t *out = json_array();

	for (int i = 0; i < n; i++)
		(void)json_array_append_new(out, json_real(x[i]));
	return out;
}

static ur_status predict_mixer(const ur_rates *rates, const ur_lab_mixer *m, const plan *of, json_t **out, ur_err *err)
{
	const ur_dims d = ur_rig_dims(m->forward->mixer, of->width);
	json_t *by[2] = { json_object(), json_object() };
	double of_long[PREDICTED], of_one[PREDICTED];
	ur_status status = UR_OK;

	for (int t = 0; t < of->n && !status; t++)
		for (int pass = UR_PASS_FORWARD; pass <= UR_PASS_TRAINING && !status; pass++) {
			double s;
			status = ur_predict(rates, m->forward, m->backward, &d, of->T[t], 1, (ur_rig_pass)pass, &s, err);
			set(by[pass], of->T[t], json_real(s));
		}
	if (!status)
		status = ur_predict_units(rates, m->forward, NULL, &d, LONG, 1, UR_PASS_FORWARD, PREDICTED, predicted_units,
		                          of_long, err);
	if (!status)
		status = ur_predict_units(rates, m->forward, NULL, &d, 1, 1, UR_PASS_FORWARD, PREDICTED, predicted_units,
			of_one, err);
	if (status) {
		json_decref(by[0]);
		json_decref(by[1]);
		return status;
	}
	*out = json_pack("{s:o,s:o,s:o,s:o}", "forward", by[0], "training", by[1], "long", numbers(PREDICTED, of_long),
	                 "one", numbers(PREDICTED, of_one));
	return UR_OK;
}

static ur_status predict(ur_lab *lab, const plan *of, ur_err *err)
{
	json_t *fact = json_pack("{s:o}", "units", numbers(PREDICTED, predicted_units));
	ur_rates rates;
	ur_status status = ur_lab_say(lab, -1, err, "the cost model: timing kernels");

	if (!status)
		status = ur_rates_measure(lab->one, &rates, err);
	for (int i = 0; lab->mixer[i].name && !status; i++) {
		json_t *one = NULL;

		status = ur_lab_say(lab, -1, err, "the cost model: %s", lab->mixer[i].name);
		if (!status)
			status = predict_mixer(&rates, &lab->mixer[i], of, &one, err);
		if (!status)
			(void)json_object_set_new(fact, lab->mixer[i].name, one);
	}
	if (!status)
		return ur_lab_keep(lab, fact, err, "predicted");
	json_decref(fact);
	return status;
}

/* All mixers at one length, on one thread and on all, in turns. */
static ur_status time_length(ur_lab *lab, const plan *of, ur_rig_pass pass, int B, int T, ur_err *err)
{
	const int n = ur_lab_mixer_count(lab), contexts = lab->ctx->threads > 1 ? 2 : 1;
	const ur_ctx *ctx[2 * UR_LAB_MOST_MIXERS];
	ur_rig_spec spec[2 * UR_LAB_MOST_MIXERS];
	ur_times times[2 * UR_LAB_MOST_MIXERS];
	json_t *fact;
	ur_status status;

	if (ur_lab_recall(lab, &status, err, "%s/B%d/T%d", ur_rig_pass_name(pass), B, T) || status)
		return status;
	for (int i = 0; i < contexts * n; i++) {
		spec[i] = ur_lab_layer(&lab->mixer[i / contexts], of->width, T, B, pass);
		ctx[i] = i % contexts ? lab->ctx : lab->one;
	}
	status = ur_lab_say(lab, -1, err, "%s at T = %d, batch %d", ur_rig_pass_name(pass), T, B);
	if (!status)
		status = ur_lab_time_layers(lab, contexts * n, spec, ctx, of->each, times, err);
	if (status)
		return status;
	fact = json_object();
	for (int i = 0; i < n; i++) {
		json_t *one = json_pack("{s:o}", "one", ur_times_json(&times[contexts * i]));
		if (contexts > 1)
			(void)json_object_set_new(one, "all", ur_times_json(&times[contexts * i + 1]));
		(void)json_object_set_new(fact, lab->mixer[i].name, one);
	}
	return ur_lab_keep(lab, fact, err, "%s/B%d/T%d", ur_rig_pass_name(pass), B, T);
}

/* Forward on 1, 2, 4, ... threads. */
static ur_status time_units(ur_lab *lab, const plan *of, int B, int T, ur_err *err)
{
	const int n = ur_lab_mixer_count(lab);
	int units[MOST_UNITS], many = units_here(lab, units), open = 0;
	const int all = n * many;
	ur_ctx *own = calloc((size_t)many, sizeof *own);
	const ur_ctx **ctx = calloc((size_t)all, sizeof(const ur_ctx *));
	ur_rig_spec *spec = calloc((size_t)all, sizeof *spec);
	ur_times *times = calloc((size_t)all, sizeof *times);
	json_t *fact = NULL, *counts = NULL;
	ur_status status;

	if (!own || !spec || !times || !ctx) {
		status = ur_fail(err, UR_E_NOMEM, "out of memory for %d layers", all);
	} else if (!ur_lab_recall(lab, &status, err, "units/B%d/T%d", B, T) && !status) {
		status = ur_lab_say(lab, -1, err, "forward on 1 to %d threads at T = %d, batch %d", lab->ctx->threads, T, B);
		for (int u = 0; u < many && !status; u++) {
			const int mine = units[u] > 1 && units[u] < lab->ctx->threads;

			if (mine && !ur_ctx_open(&own[open++], lab->ctx->k->name, units[u]))
				status = ur_fail(err, UR_E_NOMEM, "cannot run on %d threads", units[u]);
			for (int i = 0; i < n; i++) {
				ctx[i * many + u] = mine ? &own[open - 1] : units[u] == 1 ? lab->one : lab->ctx;
				spec[i * many + u] = ur_lab_layer(&lab->mixer[i], of->width, T, B, UR_PASS_FORWARD);
			}
		}
		if (!status)
			status = ur_lab_time_layers(lab, all, spec, ctx, 1.5 * of->each, times, err);
		if (!status) {
			fact = json_pack("{s:o}", "units", counts = json_array());
			for (int u = 0; u < many; u++)
				(void)json_array_append_new(counts, json_integer(units[u]));
			for (int i = 0; i < n; i++) {
				json_t *each = json_array();
				for (int u = 0; u < many; u++)
					(void)json_array_append_new(each, ur_times_json(&times[i * many + u]));
				(void)json_object_set_new(fact, lab->mixer[i].name, each);
			}
			status = ur_lab_keep(lab, fact, err, "units/B%d/T%d", B, T);
		}
	}
	while (open)
		ur_ctx_close(&own[--open]);
	free(own);
	free(ctx);
	free(spec);
	free(times);
	return status;
}

/* One stream stepped on: how much of the machine works. */
static ur_status idle(ur_lab *lab, const plan *of, ur_err *err)
{
	json_t *fact;
	ur_status status;

	if (ur_lab_recall(lab, &status, err, "idle") || status)
		return status;
	if ((status = ur_lab_say(lab, -1, err, "steps of one stream")))
		return status;
	fact = json_pack("{s:i,s:f}", "threads", lab->ctx->threads, "peak", lab->speed.flops);
	for (int i = 0; lab->mixer[i].name && !status; i++) {
		const ur_rig_spec spec = ur_lab_layer(&lab->mixer[i], of->width, SHORT, 1, UR_PASS_STEP);
		const double allowed = of->each / ur_lab_mixer_count(lab);
		double start, all, mine;
		int64_t steps = 0;
		ur_count c;
		ur_rig rig;

		status = ur_count_mixer(spec.forward, NULL, &spec.dims, SHORT, 1, UR_PASS_STEP, &c, err);
		if (!status)
			status = ur_rig_open(&rig, &spec, lab->ctx, err);
		if (status)
			break;
		start = ur_clock();
		all = ur_cpu_clock();
		for (mine = ur_thread_clock(); ur_clock() - start < allowed; steps += FEW)
			for (int k = 0; k < FEW; k++)
				ur_rig_run(&rig);
		mine = ur_thread_clock() - mine;
		all = ur_cpu_clock() - all;
		ur_rig_close(&rig);
		(void)json_object_set_new(fact, lab->mixer[i].name, json_pack("{s:f,s:f,s:f}", "seconds", mine / (double)steps,
			"busy", all / mine, "flops", c.flops));
		if (ur_lab_stopping(lab))
			status = ur_fail(err, UR_E_STOPPED, "stopped");
	}
	if (!status)
		return ur_lab_keep(lab, fact, err, "idle");
	json_decref(fact);
	return status;
}

/* -- the smallest example: a sum -- */

enum { LANES = 512, PARTS = 64 };
struct sum_job { const ur_ctx *c; int n; float *x, *lane, result; };

/* Each addition waits for the one before: C does not let a compiler order float additions anew. */
static void sum_serially(void *arg)
{
	struct sum_job *j = arg;
	float sum = 0;

	for (int i = 0; i < j->n; i++)
		sum += j->x[i];
	j->result = sum;
}

/* A part of the numbers: LANES sums side by side, then halves onto halves. */
static void sum_part(void *arg, int task, int thread)
{
	const struct sum_job *j = arg;
	const int rows = j->n / PARTS / LANES;
	float *lane = j->lane + (size_t)task * LANES;
	(void)thread;

	j->c->k->fill(1, LANES, 0, lane, LANES);
	j->c->k->column_sums(rows, LANES, j->x + (size_t)task * (size_t)rows * LANES, LANES, lane);
	for (int half = LANES / 2; half; half /= 2)
		j->c->k->add(half, lane + half, lane);
}

static void sum_as_tree(void *arg)
{
	struct sum_job *j = arg;

	ur_pool_run(j->c->pool, PARTS, sum_part, j);
	for (int half = PARTS / 2; half; half /= 2)
		for (int i = 0; i < half; i++)
			j->lane[(size_t)i * LANES] += j->lane[(size_t)(half + i) * LANES];
	j->result = j->lane[0];
}

/* Additions that wait for each other in the sum of 1 to 100, in order and as a tree. */
static ur_status count_sum(const ur_kernels *k, int tree, double *sum, int64_t *chain, ur_err *err)
{
	float x[FEW];
	ur_counter *c;
	ur_count n;
	ur_status status = ur_counter_open(k, 0, &c, err);

	if (status)
		return status;
	k = ur_counter_kernels(c);
	for (int i = 0; i < FEW; i++)
		x[i] = (float)(i + 1);
	ur_counter_declare(c, x, sizeof x);
	for (int i = 1; i < FEW && !tree; i++)
		k->add(1, x + i, x);
	for (int left = FEW; left > 1 && tree; left = (left + 1) / 2)
		for (int i = 0; i < left / 2; i++)
			k->add(1, x + (left + 1) / 2 + i, x + i);
	status = ur_counter_read(c, &n, err);
	*sum = (double)x[0];
	*chain = n.chain;
	ur_counter_close(c);
	return status;
}

static ur_status sums(ur_lab *lab, const plan *of, ur_err *err)
{
	const int n = 1 << 20;
	ur_arena memory = { 0 };
	struct sum_job one = { .c = lab->one, .n = n }, all;
	ur_times times[3];
	double serial, tree;
	int64_t serial_chain, tree_chain;
	ur_status status;

	if (ur_lab_recall(lab, &status, err, "sum") || status)
		return status;
	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&memory))
			return ur_fail(err, UR_E_NOMEM, "no memory for %d numbers", n);
		one.x = UR_TAKE(&memory, float, n);
		one.lane = UR_TAKE(&memory, float, PARTS * LANES);
	}
	lab->one->k->fill(1, n, 1, one.x, n);
	all = one;
	all.c = lab->ctx;
	status = ur_lab_say(lab, -1, err, "a sum of %d numbers", n);
	if (!status)
		status = ur_lab_turns(lab, 3, (const ur_timed[]){ { sum_serially, &one }, { sum_as_tree, &one },
		                                                  { sum_as_tree, &all } }, of->each, times, err);
	if (!status)
		status = count_sum(lab->one->k, 0, &serial, &serial_chain, err);
	if (!status)
		status = count_sum(lab->one->k, 1, &tree, &tree_chain, err);
	ur_arena_close(&memory);
	if (status)
		return status;
	return ur_lab_keep(lab, json_pack("{s:i,s:f,s:f,s:I,s:I,s:i,s:o,s:o,s:o}", "n", n, "in_order", serial, "as_tree",
		tree, "serial_chain", (json_int_t)serial_chain, "tree_chain", (json_int_t)tree_chain, "threads",
		lab->ctx->threads, "serial", ur_times_json(&times[0]), "tree", ur_times_json(&times[1]), "all",
		ur_times_json(&times[2])), err, "sum");
}

static ur_status measure(ur_lab *lab, ur_err *err)
{
	const plan of = plan_of(lab);
	ur_status status;

	if (!ur_lab_recall(lab, &status, err, "counts") && !status)
		status = count(lab, &of, err);
	/* said before anything is timed */
	if (!status && !ur_lab_recall(lab, &status, err, "predicted") && !status)
		status = predict(lab, &of, err);
	if (!status)
		status = sums(lab, &of, err);
	for (int pass = UR_PASS_FORWARD; pass <= UR_PASS_TRAINING; pass++) {
		for (int t = 0; t < of.n && !status; t++)
			status = time_length(lab, &of, (ur_rig_pass)pass, 1, of.T[t], err);
		for (int t = 0; t < of.batched && !status; t++)
			status = time_length(lab, &of, (ur_rig_pass)pass, BATCH, of.batch_T[t], err);
	}
	if (!status)
		status = time_units(lab, &of, 1, LONG, err);
	/* what a batch brings is found at one length */
	if (!status)
		status = time_units(lab, &of, 1, SHORT, err);
	if (!status)
		status = time_units(lab, &of, BATCH, SHORT, err);
	return status ? status : idle(lab, &of, err);
}

static const char *const lesson[] = {
	"Add the numbers from 1 to 100. In order, it takes 99 additions, and each waits for the sum before it: a hundred "
	"helpers would stand and watch. In pairs, then pairs of pairs, it is still 99 additions, but only 7 rounds of "
	"them. What separates the two is not how much there is to do but how much of it has to wait: the chain of "
	"dependent steps.",
	"A recurrent network adds in order. `h_t = f(W x_t + U h_{t-1})` cannot begin before `h_{t-1}` is there, so a "
	"sequence of T tokens has a chain that grows with T, in training as in use (back through time it is the same "
	"chain, reversed). What may be done beside it is one step's own work, a product of a matrix and a vector, which is "
	"far too small to keep a large machine busy.",
	"Attention works out the outputs of all positions from their inputs: one product for all queries and keys, a "
	"softmax row by row, one more product. It does more arithmetic, not less, and that grows with the square of T. But "
	"hardly any of it waits, so it can be spread over as many units as there are. By Brent's theorem a computation of "
	"work `W` and chain `C` takes between `max(W / P, C)` and `W / P + C` on P units: with one unit the work decides, "
	"with thousands the chain.",
	"A batch is the recurrent network's way out: 32 sequences are 32 independent chains, and each step's product has "
	"32 rows. It helps training a great deal, and a single stream not at all.",
	NULL };
static const char *const how[] = {
	"Dependent steps are counted, not reasoned: the layer runs on kernels that keep, for every number in memory, how "
	"long the longest chain of kernel calls was that led to it. One call is a product, a row of gates, a softmax of a "
	"tile. The two calls a token of a recurrence are its product and its gates. Attention's few more calls at longer T "
	"come from tiles of keys whose partial results are merged one after the other.",
	"Times are of one layer (a mixer with its projections, no feed-forward half) of this lab's width, forward alone or "
	"forward and backward, in turns so that what disturbs the machine disturbs all alike; medians with 95 % intervals "
	"by order statistics, which take at least six repeats: where there was time for fewer, nothing is concluded. One "
	"thread is one context without a pool; the others are pinned, one a processor.",
	"Predicted numbers are the cost model's. It knows how long each kernel takes here on one thread, and what goes on "
	"between kernels, which is fitted to whole layers, forward over 64 tokens at batch 1 and widths 32 and 64, that it "
	"times itself; so predictions of such layers are no surprise, and of larger and longer ones they are. Many "
	"units are an idealisation: they share memory at no cost, never wait for each other without need, and split a "
	"kernel down to one row of one panel. No machine does that; it is a bound, of the same kind for all.",
	"Idle is counted in processor time, so that what others do on the machine is no part of it: for each second that "
	"the thread which steps has had, how many seconds had all threads of the lab? Stepping runs on the caller's "
	"thread alone, and the others sleep. In a whole-sequence pass workers spin for a while before they sleep, and "
	"processor time would call them busy. So what decides is another number: the operations that 512 tokens need, "
	"counted, over what the machine can do in the time they took on all threads, both measured.",
	NULL };

const ur_experiment ur_experiment_serial = { "serial", "One step after another",
	"How much of the work has to wait for other work, and what do more units make of the rest?", "L1", lesson, how,
		seconds, measure, ur_serial_conclude };
