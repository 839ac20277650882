/* All mixers in one table, made by running them on counting kernels; and the cost model held against this machine. */
#include "lab/rigs.h"

#include "base/order.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 64, MOST_T = 4, MOST_POINTS = 128 };

typedef struct plan { int n, T[MOST_T], points_each; } plan;

static plan plan_of(const ur_lab *lab)
{
	static const plan plans[] = {
		[UR_LAB_QUICK] = { 3, { 64, 512, 2048 }, 2 },
		[UR_LAB_DEFAULT] = { 3, { 64, 512, 4096 }, 4 },
		[UR_LAB_FULL] = { 4, { 64, 512, 4096, 16384 }, 16 },
	};
	return plans[lab->size];
}

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 3, 10, 60); }

/* -- measuring -- */

/* Of one mixer at T: what one sequence's pass and one step after it come to. */
static ur_status count_at(const ur_lab_mixer *m, int T, json_t **out, ur_err *err)
{
	const ur_mixer *mixer = m->forward->mixer;
	ur_rig_spec spec = ur_lab_layer(m, WIDTH, T, 1, UR_PASS_STEP);
	ur_count forward, step;
	size_t state = 0;
	ur_rig rig;
	ur_ctx ctx;
	ur_status status = ur_count_mixer(m->forward, NULL, &spec.dims, T, 1, UR_PASS_FORWARD, &forward, err);

	if (!status)
		status = ur_count_mixer(m->forward, NULL, &spec.dims, T, 1, UR_PASS_STEP, &step, err);
	if (status)
		return status;
	/* the state after T steps, as the mixer says that it would be saved */
	if (!ur_ctx_open(&ctx, NULL, 1))
		return ur_fail(err, UR_E_NOMEM, "out of memory for a layer");
	status = ur_rig_open(&rig, &spec, &ctx, err);
	if (!status) {
		state = mixer->state_used(&rig.spec.dims, rig.state[0]);
		ur_rig_close(&rig);
		*out = json_pack("{s:f,s:I,s:I,s:f,s:I,s:I}", "flops", forward.flops, "calls", (json_int_t)forward.calls,
			"chain", (json_int_t)forward.chain, "step_flops", step.flops, "step_chain", (json_int_t)step.chain, "state",
			(json_int_t)state);
	}
	ur_ctx_close(&ctx);
	return status;
}

static ur_status count(ur_lab *lab, const plan *of, ur_err *err)
{
	json_t *fact = json_object();
	ur_status status = UR_OK;

	for (int i = 0; lab->mixer[i].name && !status; i++) {
		json_t *mixer = json_pack("{s:b}", "grows",
		                          (lab->mixer[i].forward->mixer->flags & UR_STATE_GROWS) != 0);

		for (int t = 0; t < of->n && !status; t++) {
			char key[16];
			json_t *one = NULL;

			(void)snprintf(key, sizeof key, "%d", of->T[t]);
			status = ur_lab_say(lab, -1, err, "counting at T = %d: %s", of->T[t], lab->mixer[i].name);
			if (!status)
				status = count_at(&lab->mixer[i], of->T[t], &one, err);
			if (!status)
				(void)json_object_set_new(mixer, key, one);
		}
		(void)json_object_set_new(fact, lab->mixer[i].name, mixer);
	}
	if (!status)
		return ur_lab_keep(lab, fact, err, "counts");
	json_decref(fact);
	return status;
}

typedef struct point { const ur_lab_mixer *m; int width, T, B; ur_rig_pass pass; } point;

/* The shapes that the cost model is held against: every mixer at some. */
static int points_of(const ur_lab *lab, const plan *of, point *out)
{
	static const struct { int width, T, B; ur_rig_pass pass; } shapes[] = {
		{ 128, 256, 1, UR_PASS_FORWARD }, { 128, 128, 1, UR_PASS_STEP }, { 64, 128, 32, UR_PASS_TRAINING },
		{ 256, 128, 1, UR_PASS_TRAINING }, { 32, 512, 1, UR_PASS_FORWARD }, { 256, 512, 1, UR_PASS_STEP },
		{ 64, 2048, 1, UR_PASS_FORWARD }, { 128, 64, 32, UR_PASS_FORWARD }, { 64, 512, 1, UR_PASS_TRAINING },
		{ 128, 128, 32, UR_PASS_STEP }, { 512, 128, 1, UR_PASS_FORWARD }, { 256, 64, 32, UR_PASS_TRAINING },
		{ 512, 64, 1, UR_PASS_TRAINING }, { 64, 1024, 1, UR_PASS_STEP }, { 128, 1024, 1, UR_PASS_FORWARD },
		{ 32, 256, 32, UR_PASS_TRAINING },
	};
	int n = 0;

	for (int i = 0; lab->mixer[i].name; i++)
		for (int k = 0; k < of->points_each && n < MOST_POINTS; k++)
			out[n++] = (point){ &lab->mixer[i], shapes[k].width, shapes[k].T, shapes[k].B, shapes[k].pass };
	return n;
}

static ur_status predict(ur_lab *lab, int n, const point *p, ur_err *err)
{
	json_t *fact = json_array();
	ur_rates rates;
	ur_status status = ur_lab_say(lab, -1, err, "the cost model: timing kernels");

	if (!status)
		status = ur_rates_measure(lab->one, &rates, err);
	for (int i = 0; i < n && !status; i++) {
		const ur_dims d = ur_rig_dims(p[i].m->forward->mixer, p[i].width);
		double s;

		status = ur_predict(&rates, p[i].m->forward, p[i].m->backward, &d, p[i].T, p[i].B, p[i].pass, &s, err);
		if (!status)
			(void)json_array_append_new(fact, json_pack("{s:s,s:s,s:i,s:i,s:i,s:f}", "mixer", p[i].m->name, "pass",
				ur_rig_pass_name(p[i].pass), "T", p[i].T, "B", p[i].B, "width", p[i].width, "seconds", s));
	}
	if (!status)
		return ur_lab_keep(lab, fact, err, "predicted");
	json_decref(fact);
	return status;
}

static ur_status time_points(ur_lab *lab, int n, const point *p, ur_err *err)
{
	ur_rig_spec spec[MOST_POINTS];
	const ur_ctx *ctx[MOST_POINTS];
	ur_times took[MOST_POINTS];
	json_t *fact;
	ur_status status = ur_lab_say(lab, -1, err, "the cost model against this machine");

	for (int i = 0; i < n; i++) {
		spec[i] = ur_lab_layer(p[i].m, p[i].width, p[i].T, p[i].B, p[i].pass);
		ctx[i] = lab->one;
	}
	if (!status)
		status = ur_lab_time_layers(lab, n, spec, ctx, ur_lab_pick(lab, 1.5, 6, 40), took, err);
	if (status)
		return status;
	fact = json_array();
	for (int i = 0; i < n; i++)
		(void)json_array_append_new(fact, ur_times_json(&took[i]));
	return ur_lab_keep(lab, fact, err, "measured");
}

static ur_status measure(ur_lab *lab, ur_err *err)
{
	const plan of = plan_of(lab);
	point points[MOST_POINTS];
	const int n = points_of(lab, &of, points);
	ur_status status;

	if (!ur_lab_recall(lab, &status, err, "counts") && !status)
		status = count(lab, &of, err);
	if (!status && !ur_lab_recall(lab, &status, err, "predicted") && !status)
		status = predict(lab, n, points, err);
	if (!status && !ur_lab_recall(lab, &status, err, "measured") && !status)
		status = time_points(lab, n, points, err);
	return status;
}

/* -- concluding -- */

/* The shortest and the longest T that were counted, and what stands there. */
typedef struct ends { int T[2]; const json_t *at[2]; } ends;

static ends ends_of(const json_t *mixer)
{
	ends e = { { 0, 0 }, { NULL, NULL } };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)mixer, key, value) {
		const int T = atoi(key);
		if (T > 0 && (!e.at[0] || T < e.T[0])) {
			e.T[0] = T;
			e.at[0] = value;
		}
		if (T > 0 && T > e.T[1]) {
			e.T[1] = T;
			e.at[1] = value;
		}
	}
	return e;
}

/* How what is called `key` grows from the shortest to the longest T, by token. */
static double growth(const ends *e, const char *key)
{
	return e->at[0] && e->T[1] > e->T[0]
	               ? (ur_fact_at(e->at[1], key) - ur_fact_at(e->at[0], key)) / (e->T[1] - e->T[0]) : NAN;
}

/* A chain that grows with every token passes from position to position; else any two are one step apart. */
static int passes_on(const ends *e) { return growth(e, "chain") >= 1; }

static void find_trade(const json_t *counts, ur_section *s)
{
	char words[600] = "Not counted yet.";
	ur_finding f = { .name = "trade", .found = UR_MISSING, .words = words,
		.claim = "A mixer either passes a state of fixed size from step to step, or keeps every position and reaches "
			"it in one step: none has the short path and the small state at once.",
		.prediction = "By their equations: a recurrence's chain grows with every token and its state never; "
			"attention's state grows with every token and its chain hardly.",
		.rule = "Between the shortest and the longest sequence, calls counted and the state as the mixer tells its "
			"size: holds if of every mixer exactly one grows with the tokens, the chain by at least one call a token "
			"or the state by at least one byte a token; fails if of any mixer both do or neither." };
	const char *name;
	int n = 0, wrong = 0;
	size_t used = 0;
	json_t *c;

	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		const ends e = ends_of(c);

		if (isnan(growth(&e, "chain")))
			continue;
		n++;
		wrong += passes_on(&e) == (growth(&e, "state") >= 1);
		if (used < sizeof words - 150)
			used += (size_t)snprintf(words + used, sizeof words - used, "%s%s %.2f calls and %.0f bytes", used ? ", "
				: "For every token more, calls counted and the state by the mixer's word: ", name, growth(&e, "chain"),
				growth(&e, "state"));
	}
	if (n) {
		f.found = wrong ? UR_FAILS : UR_HOLDS;
		(void)snprintf(words + used, sizeof words - used, ".");
	}
	ur_section_finding(s, &f);
}

static void find_steps(const json_t *counts, ur_section *s)
{
	char words[600] = "Not counted yet.";
	ur_finding f = { .name = "step", .found = UR_MISSING, .words = words,
		.claim = "A recurrence's next step costs the same after any number of tokens; attention's costs more the more "
			"it has seen.",
		.prediction = "By their equations: constant arithmetic a step, against two multiply-adds for every number of "
			"every key and value that is kept.",
		.rule = "Counted operations of one step, late against early: holds if they are equal where the state keeps "
			"its size, and where it grows each token adds at least two for every number of a position's width." };
	const char *name;
	int n = 0, wrong = 0;
	size_t used = 0;
	json_t *c;

	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		const ends e = ends_of(c);
		const double more = growth(&e, "step_flops");

		if (isnan(more))
			continue;
		n++;
		/* two dots a kept position: at least 2 operations a value of one head's width, were there but one */
		wrong += growth(&e, "state") >= 1 ? more < 2 * WIDTH : fabs(more) > 1e-9;
		if (used < sizeof words - 150)
			used += (size_t)snprintf(words + used, sizeof words - used, "%s%s %.0f", used ? ", "
				: "Operations that one more token adds to the next step: ", name, more);
	}
	if (n) {
		f.found = wrong ? UR_FAILS : UR_HOLDS;
		(void)snprintf(words + used, sizeof words - used, ".");
	}
	ur_section_finding(s, &f);
}

/* Processor seconds of point i; NaN where it was not measured. */
static double took_of(const json_t *measured, size_t i) { return ur_fact_at(json_array_get(measured, i), "thread"); }

/* |predicted / measured - 1| of the points that were measured, and the least that their intervals allow: 0 where there
 * were too few repeats for one. */
typedef struct model_errors {
	int n;
	double error[MOST_POINTS], least[MOST_POINTS];
	size_t worst;                           /* index in "predicted" */
} model_errors;

static model_errors errors_of(const json_t *facts)
{
	const json_t *predicted = json_object_get(facts, "predicted"), *measured = json_object_get(facts, "measured");
	model_errors out = { 0 };
	double most = -1;
	json_t *p;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)predicted, i, p) {
		const json_t *t = json_array_get(measured, i);
		const double said = ur_fact_at(p, "seconds"), error = fabs(said / took_of(measured, i) - 1);
		const double low = ur_fact_at(t, "thread_low"), high = ur_fact_at(t, "thread_high");
		const int within = !json_is_true(json_object_get(t, "sure")) || !(said < low || said > high);

		if (!isfinite(error) || out.n == MOST_POINTS)
			continue;
		if (error > most) {
			most = error;
			out.worst = i;
		}
		out.error[out.n] = error;
		out.least[out.n++] = within ? 0 : fmin(fabs(said / low - 1), fabs(said / high - 1));
	}
	return out;
}

static double model_error(const json_t *facts)
{
	model_errors e = errors_of(facts);
	return e.n ? ur_median(e.n, e.error) : NAN;
}

static void find_model(const json_t *facts, ur_section *s)
{
	char words[400] = "Not measured yet.";
	model_errors e = errors_of(facts);
	ur_finding f = { .name = "model", .found = UR_MISSING, .words = words,
		.claim = "What a layer takes on one thread can be told from what its kernels take, and what small layers take "
			"between them.",
		.prediction = "The predictions themselves: each stands in the table beside what was then measured.",
		.rule = "The median of |predicted / measured - 1| over all points, in processor seconds: holds up to 20 %, and "
			"fails beyond; it is open if the points' own 95 % intervals (of fewer than six repeats there is none) "
			"allow an error within 20 %." };

	if (e.n) {
		const json_t *p = json_array_get(json_object_get(facts, "predicted"), e.worst);
		const double most = fabs(ur_fact_at(p, "seconds") / took_of(json_object_get(facts, "measured"), e.worst) - 1);
		const double middle = ur_median(e.n, e.error);

		f.found = middle <= 0.2 ? UR_HOLDS : ur_median(e.n, e.least) <= 0.2 ? UR_MISSING : UR_FAILS;
		(void)snprintf(words, sizeof words,
			"Median error %.0f %% over %d points, the worst %.0f %%: %s, %s at T = %.0f, batch %.0f, width %.0f.%s",
			100 * middle, e.n, 100 * most, json_string_value(json_object_get(p, "mixer")),
			json_string_value(json_object_get(p, "pass")), ur_fact_at(p, "T"), ur_fact_at(p, "B"),
			ur_fact_at(p, "width"), f.found == UR_MISSING ? " The intervals are too wide, or of too few repeats, to "
			"say that it is more than 20 %." : "");
	}
	ur_section_finding(s, &f);
}

static void tabulate(const json_t *counts, ur_section *s)
{
	static const char *const columns[] = { "mixer and length", "dependent calls", "path between the ends", "state",
	                                       "operations, all tokens", "operations, next step", NULL };
	json_t *table, *c, *value;
	const char *name, *key;

	if (!counts)
		return;
	table = ur_section_table(s, "Every mixer",
		"One layer of width 64, one sequence, standard options. Calls and operations are counted. The path, in steps "
		"from the first position to the last, is derived from how the chain of calls grows; the state is what the "
		"mixer says it would save.", columns);
	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		const ends e = ends_of(c);

		json_object_foreach(c, key, value) {
			const int T = atoi(key);
			const double state = ur_fact_at(value, "state"), path = passes_on(&e) ? T - 1 : 1;
			const double chain = ur_fact_at(value, "chain");
			char label[64];
			ur_said text;
			json_t *row;

			if (T < 1)
				continue;
			(void)snprintf(label, sizeof label, "%s, T = %d", name, T);
			row = ur_table_row(s, table, label);
			ur_row_cell(s, row, chain, UR_COUNTED, "%s", ur_tell_count(chain, text));
			ur_row_cell(s, row, path, UR_DERIVED, "%s", ur_tell_count(path, text));
			ur_row_cell(s, row, state, UR_DERIVED, "%s", ur_tell_bytes(state, text));
			ur_row_cell(s, row, ur_fact_at(value, "flops"), UR_COUNTED, "%s", ur_tell_count(ur_fact_at(value, "flops"),
				text));
			ur_row_cell(s, row, ur_fact_at(value, "step_flops"), UR_COUNTED, "%s",
			            ur_tell_count(ur_fact_at(value, "step_flops"), text));
		}
	}
}

static void tabulate_model(const json_t *facts, ur_section *s)
{
	static const char *const columns[] = { "layer", "predicted", "measured", "error", NULL };
	const json_t *measured = json_object_get(facts, "measured");
	json_t *table, *p;
	size_t i;

	if (!measured)
		return;
	table = ur_section_table(s, "The cost model", "Predicted before it was measured; processor seconds of one thread, "
		"medians.", columns);
	json_array_foreach(json_object_get(facts, "predicted"), i, p) {
		const double took = took_of(measured, i), said = ur_fact_at(p, "seconds");
		char label[96];
		ur_said text;
		json_t *row;

		(void)snprintf(label, sizeof label, "%s, %s, T = %.0f, batch %.0f, width %.0f",
			json_string_value(json_object_get(p, "mixer")), json_string_value(json_object_get(p, "pass")),
				ur_fact_at(p, "T"), ur_fact_at(p, "B"), ur_fact_at(p, "width"));
		row = ur_table_row(s, table, label);
		ur_row_cell(s, row, said, UR_FORETOLD, "%s", ur_tell_time(said, text));
		ur_row_cell(s, row, took, UR_MEASURED, "%s", isnan(took) ? "-" : ur_tell_time(took, text));
		ur_row_cell(s, row, said / took - 1, UR_DERIVED, "%+.0f %%", 100 * (said / took - 1));
	}
}

static void draw(const json_t *counts, ur_section *s)
{
	static const ur_axis_of tokens = { "length", "tokens", 1 }, bytes = { "state", "bytes", 1 },
		flops = { "operations of the next step", "", 1 };
	static const struct { const char *title, *about, *key; const ur_axis_of *y; ur_origin origin; } of[] = {
		{ "What has to be kept", "Bytes of state after so many tokens, as each mixer says that it would save them.",
		  "state", &bytes, UR_DERIVED },
		{ "What the next step costs", "Operations of one step after so many tokens, counted.", "step_flops", &flops,
		  UR_COUNTED },
	};
	json_t *c, *value;
	const char *name, *key;

	for (size_t i = 0; counts && i < sizeof of / sizeof *of; i++) {
		json_t *chart = ur_section_chart(s, of[i].title, of[i].about, &tokens, of[i].y);

		json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
			json_t *line = ur_chart_line(s, chart, name, name, of[i].origin);
			json_object_foreach(c, key, value)
				if (atoi(key) > 0)
					ur_line_point(s, line, atoi(key), ur_fact_at(value, of[i].key), NAN, NAN);
		}
	}
}

static void ask(const json_t *facts, const json_t *counts, const char *rnn, const char *attention, ur_section *s)
{
	static const char *const grows[] = { "Both", "Only attention's", "Only the recurrence's", "Neither", NULL };
	const ends r = ends_of(json_object_get(counts, rnn)), a = ends_of(json_object_get(counts, attention));
	const int states = (growth(&r, "state") >= 1) << 1 | (growth(&a, "state") >= 1);
	const int chains = passes_on(&r) << 1 | passes_on(&a);
	static const int answer[] = { 3, 1, 2, 0 };
	static const char *const errors[] = { "Within 20 %", "Between 20 and 40 %", "Worse", NULL };
	const double error = model_error(facts);
	const double early = ur_fact_at(a.at[0], "step_flops"), late = ur_fact_at(a.at[1], "step_flops");
	static const char *const times[] = { "Less than twice", "2 to 10 times", "More than 10 times", NULL };
	char because[300], question[240];
	ur_said said[2];

	if (isnan(growth(&r, "state")) || isnan(growth(&a, "state")))
		return;
	(void)snprintf(question, sizeof question, "Of %s and attention: whose state grows with the text it has read?", rnn);
	(void)snprintf(because, sizeof because, "By the mixers' own word, for every token more: %.0f bytes for %s, %.0f "
	               "for %s.",
	               growth(&r, "state"), rnn, growth(&a, "state"), attention);
	ur_section_question(s, question, grows, answer[states], because);
	(void)snprintf(because, sizeof because, "For every token more: %.2f dependent calls for %s, %.2f for %s.",
	               growth(&r, "chain"), rnn, growth(&a, "chain"), attention);
	ur_section_question(s, "And whose chain of dependent calls grows with every token?", grows, answer[chains],
		because);
	(void)snprintf(question, sizeof question,
		"How many times the operations does attention's next step take after %s tokens, beside after %s?",
	               ur_tell_count(a.T[1], said[0]), ur_tell_count(a.T[0], said[1]));
	(void)snprintf(because, sizeof because, "%s operations against %s: %.1f times.", ur_tell_count(late, said[0]),
	               ur_tell_count(early, said[1]), late / early);
	ur_section_question(s, question, times, late < 2 * early ? 0 : late <= 10 * early ? 1 : 2, because);
	if (!isnan(error)) {
		(void)snprintf(because, sizeof because, "Its median error was %.0f %%.", 100 * error);
		ur_section_question(s, "How well did the cost model say beforehand what layers would take on this machine?",
			errors, error <= 0.2 ? 0 : error <= 0.4 ? 1 : 2, because);
	}
}

static void conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const json_t *counts = json_object_get(facts, "counts");
	const char *rnn = ur_lab_typical(counts, 0), *attention = ur_lab_typical(counts, 1);

	(void)others;
	find_trade(counts, s);
	find_steps(counts, s);
	find_model(facts, s);
	tabulate(counts, s);
	draw(counts, s);
	tabulate_model(facts, s);
	if (!isnan(model_error(facts)))
		ur_section_figure(s, "model_error", model_error(facts), UR_DERIVED, "%.0f %%", 100 * model_error(facts));
	if (rnn && attention)
		ask(facts, counts, rnn, attention, s);
}

static const char *const lesson[] = {
	"A mixer is the part of a layer that carries information along time, and there are two ways to do that. One is to "
	"keep a summary: `h_t` is made of `h_{t-1}` and `x_t`, its size is fixed, and a word from long ago has been "
	"rewritten at every step since. The other is to keep everything: position t looks at each earlier position "
	"directly, so a word is one step away however long ago it was, and room is needed for all of them.",
	"From this follow the three numbers in the table. The chain of dependent calls says how much of the work has to "
	"wait. The path says through how many steps a gradient has to come back from the last position to the first. The "
	"state says what a stream has to carry along. Each mixer buys some of them with the others.",
	NULL };
static const char *const how[] = {
	"Each layer was run on kernels that count instead of computing: operations, calls, and the longest chain of calls "
	"that need each other's results, found from the memory they read and write. The same counts come out with the "
	"arithmetic done (a test holds them equal). States were made by taking that many steps; their size is what the "
	"mixer would save, by its own account.",
	"The cost model times every kernel once, on one thread, in one to two seconds, and adds up what the counted calls "
	"should take, with what it costs that an operand was last touched long ago. What goes on between kernels is fitted "
	"to whole layers that it times too: forward over 64 tokens at batch 1, widths 32 and 64, of every mixer. None of "
	"these is in the table, whose predictions were kept before its first layer was timed. It knows nothing of strides, "
	"and little of memory that several streams compete for; steps of many long streams of attention are where it errs "
	"most.",
	NULL };

const ur_experiment ur_experiment_mixers = { "mixers", "What each mixer costs",
	"How do chain, path, state and arithmetic of every mixer grow with length?", "L1, L3", lesson, how, seconds,
		measure, conclude };
