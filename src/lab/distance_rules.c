/* What the facts come to: findings, figures, charts, tables, questions. */
#include "lab/distance.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MIXERS = 16, TASKS = UR_DISTANCE_TASKS, WORDS = 700 };

/* One mixer on one task. */
typedef struct on_task {
	int tried, solved;              /* the longest lengths; 0: none */
	int runs, did;                  /* at the longest tried: seeds, and how many of them solved it */
	double decay;                   /* of the model that solved the longest length, else of the shortest; a mean */
	double mse, loss;               /* at the longest tried, mean of seeds; NaN: none */
	const json_t *reach;            /* of its first seed */
} on_task;

typedef struct seen {
	const char *name;
	const json_t *start;            /* reach before training, or NULL */
	double start_decay;
	on_task on[TASKS];
} seen;

typedef struct facts_seen {
	int shortest, longest, seeds, reach;
	double tokens;
	int n;
	seen of[MIXERS];
	const seen *rnn, *lstm, *gru, *attention;       /* NULL: not measured */
	const char *cheat;              /* a mixer that looks ahead, or NULL */
	double cheats;                  /* by so much */
	const json_t *gates[TASKS];     /* of the LSTM that was trained on the longest; NULL: none */
	int gates_at[TASKS];
} facts_seen;

/* -- reading -- */

static const json_t *run_of(const json_t *facts, int task, const char *mixer, int T, int seed)
{
	char key[160];
	(void)snprintf(key, sizeof key, "run/%s/%s/%d/%d", ur_distance_tasks[task], mixer, T, seed);
	return json_object_get(facts, key);
}

/* The mean of a number over the seeds of a cell that have it. */
static double mean_of(const json_t *facts, int task, const char *mixer, int T, int seeds, const char *path)
{
	double sum = 0;
	int n = 0;

	for (int s = 0; s < seeds; s++) {
		const double x = ur_fact_at(run_of(facts, task, mixer, T, s), path);
		if (!isnan(x)) {
			sum += x;
			n++;
		}
	}
	return n ? sum / n : NAN;
}

static void note_cheat(facts_seen *f, const char *name, double ahead)
{
	if (ahead > f->cheats) {
		f->cheat = name;
		f->cheats = ahead;
	}
}

static void read_task(const json_t *facts, facts_seen *f, seen *m, int task)
{
	on_task *on = &m->on[task];
	int of;

	on->decay = on->mse = on->loss = NAN;
	for (int T = f->shortest; T > 0 && T <= f->longest; T *= 2) {
		int runs = 0, did = 0;
		for (int s = 0; s < f->seeds; s++) {
			const json_t *run = run_of(facts, task, m->name, T, s);
			runs += run != NULL;
			did += json_is_true(json_object_get(run, "solved"));
			note_cheat(f, m->name, ur_fact_at(run, "reach.ahead"));
		}
		if (!runs)
			break;
		on->tried = T;
		on->runs = runs;
		on->did = did;
		if (2 * did >= runs)
			on->solved = T;
	}
	if (!on->tried)
		return;
	of = on->solved ? on->solved : f->shortest;
	on->decay = mean_of(facts, task, m->name, of, f->seeds, "reach.decay");
	on->mse = mean_of(facts, task, m->name, on->tried, f->seeds, "mse");
	on->loss = mean_of(facts, task, m->name, on->tried, f->seeds, "loss");
	on->reach = json_object_get(run_of(facts, task, m->name, of, 0), "reach");
}

static seen *mixer_of(facts_seen *f, const char *name)
{
	for (int i = 0; i < f->n; i++)
		if (!strcmp(f->of[i].name, name))
			return &f->of[i];
	if (f->n == MIXERS)
		return NULL;
	f->of[f->n] = (seen){ .name = name, .start_decay = NAN };
	return &f->of[f->n++];
}

static const seen *known(const facts_seen *f, const char *name)
{
	for (int i = 0; i < f->n; i++)
		if (!strcmp(f->of[i].name, name))
			return &f->of[i];
	return NULL;
}

static void read_gates(const json_t *facts, facts_seen *f)
{
	for (int task = 0; task < TASKS; task++)
		for (int T = f->shortest; T > 0 && T <= f->longest; T *= 2) {
			char key[160];
			const json_t *gates;
			(void)snprintf(key, sizeof key, "gates/%s/%d/0", ur_distance_tasks[task], T);
			if ((gates = json_object_get(facts, key))) {
				f->gates[task] = gates;
				f->gates_at[task] = T;
			}
		}
}

static void read_facts(const json_t *facts, facts_seen *f)
{
	const json_t *plan = json_object_get(facts, "plan");
	const char *key;
	json_t *fact;

	*f = (facts_seen){ 0 };
	if (plan) {
		f->shortest = (int)ur_fact_at(plan, "shortest");
		f->longest = (int)ur_fact_at(plan, "longest");
		f->seeds = (int)ur_fact_at(plan, "seeds");
		f->reach = (int)ur_fact_at(plan, "reach");
		f->tokens = ur_fact_at(plan, "tokens");
	}
	json_object_foreach((json_t *)(uintptr_t)facts, key, fact) {
		const int start = !strncmp(key, "start/", 6), ahead = !strncmp(key, "ahead/", 6);
		seen *m = start || ahead ? mixer_of(f, key + 6) : NULL;

		if (m && start) {
			m->start = fact;
			m->start_decay = ur_fact_at(fact, "decay");
			note_cheat(f, m->name, ur_fact_at(fact, "ahead"));
		} else if (m) {
			note_cheat(f, m->name, ur_fact_at(fact, "output"));
			note_cheat(f, m->name, ur_fact_at(fact, "gradient"));
		}
	}
	for (int i = 0; i < f->n; i++)
		for (int task = 0; task < TASKS; task++)
			read_task(facts, f, &f->of[i], task);
	f->rnn = known(f, "rnn");
	f->lstm = known(f, "lstm");
	f->gru = known(f, "gru");
	f->attention = known(f, "attention");
	read_gates(facts, f);
}

/* -- findings -- */

static void add(char *words, const char *format, ...) UR_PRINTF(2, 3);
static void add(char *words, const char *format, ...)
{
	const size_t n = strlen(words);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(words + n, WORDS - n, format, list);
	va_end(list);
}

static void put(ur_section *s, const facts_seen *f, ur_finding *finding)
{
	char words[WORDS] = "";

	if (f->cheat) { /* whoever looks ahead makes every comparison worthless */
		add(words, "%s looks ahead: an earlier output depends on a later input, by up to %.3g, where it must be "
			"exactly 0. Nothing measured with it counts.", f->cheat, f->cheats);
		finding->found = UR_FAILS;
		finding->condition = NULL;
		finding->words = words;
	}
	ur_section_finding(s, finding);
}

static const double FADES = 0.95;

static void find_fades(const facts_seen *f, ur_section *s)
{
	ur_finding g = { .name = "fades",
		.claim = "In a vanilla RNN the gradient of an answer fades exponentially with the distance to what caused it.",
		.prediction = "A fresh recurrent matrix with entries drawn from -1/sqrt(H) to 1/sqrt(H) has a spectral radius "
			"near sqrt(1/3) = 0.577, and the slope of tanh only lowers it: about 0.55 to 0.6 a step.",
		.rule = "The factor a step fitted to the RNN's gradients before training is below 0.95 (0.95 to the 100th is "
			"0.006).",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "";

	if (f->rnn && !isnan(f->rnn->start_decay)) {
		const double d = f->rnn->start_decay;
		g.found = d < FADES ? UR_HOLDS : UR_FAILS;
		add(words, "Each step back leaves %.3f of the gradient: %.1e after 50 steps (0.99 a step would leave 0.61).", d,
		    pow(d, 50));
		for (int task = 0; task < TASKS; task++)
			if (!isnan(f->rnn->on[task].decay))
				add(words, "%s %.3f on %s", task ? "," : " After training:",
					f->rnn->on[task].decay, ur_distance_tasks[task]);
		add(words, "%s", isnan(f->rnn->on[0].decay) ? "" : ".");
		g.words = words;
	}
	put(s, f, &g);
}

static void find_gates_reach(const facts_seen *f, ur_section *s)
{
	ur_finding g = { .name = "gates_reach",
		.claim = "Gates carry the gradient further than the vanilla RNN does, once they are trained.",
		.prediction = "Along an LSTM's cell the factor a step is its forget gate, about a half before training and as "
			"near to 1 as it learns to be; a GRU's is 1 less its update gate.",
		.rule = "After training, the fitted factor a step of LSTM and of GRU is above that of the RNN on each task "
			"(on some: under that condition).",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "", condition[WORDS] = "only on";
	int n = 0, wins = 0;

	for (int task = 0; f->rnn && f->lstm && f->gru && task < TASKS; task++) {
		const double rnn = f->rnn->on[task].decay, lstm = f->lstm->on[task].decay, gru = f->gru->on[task].decay;
		if (isnan(rnn) || isnan(lstm) || isnan(gru))
			continue;
		add(words, "%s%s: RNN %.3f, LSTM %.3f, GRU %.3f a step", n ? "; "
			"" : "", ur_distance_tasks[task], rnn, lstm, gru);
		if (lstm > rnn && gru > rnn)
			add(condition, "%s %s", wins++ ? "," : "", ur_distance_tasks[task]);
		n++;
	}
	if (n) {
		g.found = wins == n ? UR_HOLDS : wins ? UR_HOLDS_IF : UR_FAILS;
		g.condition = g.found == UR_HOLDS_IF ? condition : NULL;
		add(words, ". Before training: RNN %.3f, LSTM %.3f, GRU %.3f.", f->rnn->start_decay, f->lstm->start_decay,
		    f->gru->start_decay);
		g.words = words;
	}
	put(s, f, &g);
}

static const double FLAT = 0.98;

static void find_flat(const facts_seen *f, ur_section *s)
{
	ur_finding g = { .name = "attention_flat",
		.claim = "With attention the gradient does not fade exponentially with distance: any position is one step "
			"away.",
		.prediction = "Fresh attention weighs all positions about alike, so the gradient is about as large at every "
			"distance: a factor of 1 a step.",
		.rule = "The factor a step fitted to attention's gradients from distance 1 on is at least 0.98 before "
			"training, and after training, on every task, above that of the RNN.",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "";
	const double start = f->attention ? f->attention->start_decay : NAN;
	int above = 0, n = 0;

	if (!isnan(start)) {
		add(words, "Each step back leaves %.4f of the gradient before training", start);
		for (int task = 0; task < TASKS; task++) {
			const double d = f->attention->on[task].decay, rnn = f->rnn ? f->rnn->on[task].decay : NAN;
			if (isnan(d) || isnan(rnn))
				continue;
			add(words, "%s %.4f on %s", n ? "," : "; after it", d, ur_distance_tasks[task]);
			n++;
			above += d > rnn;
		}
		add(words, ".");
		g.found = !(start >= FLAT) ? UR_FAILS : above == n ? UR_HOLDS : UR_HOLDS_IF;
		g.condition = g.found == UR_HOLDS_IF ? "before training: after it, not on every task" : NULL;
		g.words = words;
	}
	put(s, f, &g);
}

static const double KEPT_99 = 0.00657048; /* 0.99^500 */

/* The task whose LSTM was trained on the longest sequences. */
static int gates_task(const facts_seen *f)
{
	int best = -1;
	for (int task = 0; task < TASKS; task++)
		if (f->gates[task] && (best < 0 || f->gates_at[task] > f->gates_at[best]))
			best = task;
	return best;
}

static void find_forget(const facts_seen *f, ur_section *s)
{
	ur_finding g = { .name = "forget",
		.claim = "Gates slow the fading and do not end it: a forget gate of 0.99 keeps 0.0066 after 500 steps, and "
			"those of a trained LSTM are further from 1 than that.",
		.prediction = "0.99 to the 100th is 0.37, to the 500th 0.0066.",
		.rule = "What the middle unit of the trained LSTM keeps over 500 steps, the product of its forget gates, is "
			"below 0.0066; where it is but the slowest unit keeps more: under that condition.",
		.found = UR_MISSING, .words = "Not measured yet." };
	const int task = gates_task(f);
	char words[WORDS] = "", condition[WORDS] = "";

	if (task >= 0) {
		const double kept = ur_fact_at(f->gates[task], "kept_500"), slowest = ur_fact_at(f->gates[task], "slowest_500");

		g.found = !(kept < KEPT_99) ? UR_FAILS : slowest < KEPT_99 ? UR_HOLDS : UR_HOLDS_IF;
		add(condition, "of the typical unit: the slowest keeps %.2g after 500 steps", slowest);
		g.condition = g.found == UR_HOLDS_IF ? condition : NULL;
		add(words, "On %s at T = %d forget gates are %.3f on average (80 %% of them from %.3f to %.3f). The middle "
			"unit keeps %.2g over 100 steps and %.2g over 500, the slowest %.2g and %.2g.",
			ur_distance_tasks[task], f->gates_at[task],
		    ur_fact_at(f->gates[task], "mean"), ur_fact_at(f->gates[task], "low"), ur_fact_at(f->gates[task], "high"),
		    ur_fact_at(f->gates[task], "kept_100"), kept, ur_fact_at(f->gates[task], "slowest_100"), slowest);
		g.words = words;
	}
	put(s, f, &g);
}

/* "64", "none" */
static const char *length_text(int T, char out[16])
{
	(void)snprintf(out, 16, T ? "%d" : "none", T);
	return out;
}

/* Whether two have been told apart: who solved less was tried longer, and failed. */
static int told_apart(const on_task *a, const on_task *b)
{
	const int a_failed = a->tried > a->solved, b_failed = b->tried > b->solved;
	return a->solved > b->solved ? b_failed : a->solved < b->solved ? a_failed : a_failed && b_failed;
}

static void find_solved(const facts_seen *f, ur_section *s)
{
	ur_finding g = { .name = "solved",
		.claim = "Within the same number of tokens read, attention learns longer tasks than a vanilla RNN.",
		.prediction = NULL,
		.rule = "On every task that tells them apart, where at least the lesser one failed at the next length, the "
			"longest "
			"length that at least half of the seeds solve is longer with attention than with the RNN (on some, and on "
			"none "
			"shorter: under that condition).",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "", condition[WORDS] = "only on";
	int n = 0, apart = 0, more = 0, less = 0;

	for (int task = 0; f->rnn && f->attention && task < TASKS; task++) {
		const on_task *a = &f->attention->on[task], *r = &f->rnn->on[task];
		if (!a->tried || !r->tried)
			continue;
		add(words, "%s%s:", n++ ? "; " : "Longest solved, ", ur_distance_tasks[task]);
		for (int i = 0; i < f->n; i++) {
			char T[16];
			add(words, "%s %s %s", i ? "," : "", f->of[i].name, length_text(f->of[i].on[task].solved, T));
		}
		if (!told_apart(a, r))
			continue;
		apart++;
		less += a->solved < r->solved;
		if (a->solved > r->solved)
			add(condition, "%s %s", more++ ? "," : "", ur_distance_tasks[task]);
	}
	if (n) {
		ur_said tokens;
		add(words, ". Each run read at most %s tokens; lengths double from %d, at most to %d.",
		    ur_tell_count(f->tokens, tokens), f->shortest, f->longest);
		if (!apart)
			add(words, " No task told attention and the RNN apart.");
		g.found = !apart ? UR_MISSING : more == apart ? UR_HOLDS : more && !less ? UR_HOLDS_IF : UR_FAILS;
		g.condition = g.found == UR_HOLDS_IF ? condition : NULL;
		g.words = words;
	}
	put(s, f, &g);
}

/* -- charts, tables, figures -- */

/* The geometric means of each stretch of distances, as a share of the one at distance 1. */
static void line_of(ur_section *s, json_t *chart, const char *name, const json_t *reach)
{
	const json_t *bins = json_object_get(reach, "bins");
	const double one = json_number_value(json_array_get(json_array_get(bins, 1), 3));
	json_t *line, *bin;
	size_t i;

	if (!(one > 0))
		return;
	line = ur_chart_line(s, chart, name, name, UR_MEASURED);
	json_array_foreach((json_t *)(uintptr_t)bins, i, bin) {
		const double from = json_number_value(json_array_get(bin, 0)), to = json_number_value(json_array_get(bin, 1));
		const double share = json_number_value(json_array_get(bin, 3)) / one;
		if (i && share > 1e-30) /* smaller ones float32 does not hold */
			ur_line_point(s, line, sqrt(from * to), share, NAN, NAN);
	}
}

static void draw(const facts_seen *f, ur_section *s)
{
	static const ur_axis_of x = { "distance", "steps", 1 }, y = { "gradient, as a share of that at distance 1", "", 1 };

	for (int task = -1; task < TASKS; task++) {
		char title[120], about[300];
		json_t *chart, *line;
		int any = 0;

		for (int i = 0; i < f->n; i++)
			any |= (task < 0 ? f->of[i].start : f->of[i].on[task].reach) != NULL;
		if (!any)
			continue;
		(void)snprintf(title, sizeof title, task < 0 ? "The gradient of an answer, before training" :
		               "The gradient of an answer, after training on %s", task < 0 ? "" : ur_distance_tasks[task]);
		(void)snprintf(about, sizeof about, "Geometric means over stretches of distances, along sequences of T = %d. "
			"The dashed line is 0.99 to the power of the distance.", f->reach);
		chart = ur_section_chart(s, title, about, &x, &y);
		for (int i = 0; i < f->n; i++)
			line_of(s, chart, f->of[i].name, task < 0 ? f->of[i].start : f->of[i].on[task].reach);
		line = ur_chart_line(s, chart, "0.99 a step", NULL, UR_DERIVED);
		for (int d = 1; d <= f->reach; d *= 2)
			ur_line_point(s, line, d, pow(0.99, d - 1), NAN, NAN);
	}
}

static void cell(ur_section *s, json_t *row, double x, const char *format)
{
	if (isnan(x))
		ur_row_cell(s, row, NAN, UR_MEASURED, "not measured");
	else
		ur_row_cell(s, row, x, UR_MEASURED, format, x);
}

static void tabulate(const facts_seen *f, ur_section *s)
{
	static const char *const decays[] = { "Mixer", "before training", "adding", "copy", "recall", NULL };
	static const char *const lengths[] = { "Mixer", "adding", "copy", "recall", "adding, squared error", NULL };
	static const char *const gates[] = { "Trained on", "mean", "10 %", "median", "90 %", "kept over 100", "over 500",
		"slowest, over 500", NULL };
	char about[600];
	ur_said tokens;
	json_t *t;
	int any = 0;

	t = ur_section_table(s, "What a step back leaves of the gradient", "The factor a step that was fitted, before "
		"training and after training on each task (the longest length solved, else the shortest).", decays);
	for (int i = 0; i < f->n; i++) {
		json_t *row = ur_table_row(s, t, f->of[i].name);
		cell(s, row, f->of[i].start_decay, "%.3f");
		for (int task = 0; task < TASKS; task++)
			cell(s, row, f->of[i].on[task].decay, "%.3f");
	}
	(void)snprintf(about, sizeof about, "The longest T that at least half of %d seed%s solved, each within %s tokens. "
		"Published, at many times the size (Bai et al. 2018): adding, T = 600, squared error: LSTM .164, GRU 5.3e-5, "
		"RNN .177 (always answering 1: .1767; here: .1650); copy, T = 1000, loss over all positions: LSTM .0204, GRU "
		".0197, RNN .0202 (no learning: .0206).", f->seeds, f->seeds == 1 ? "" : "s", ur_tell_count(f->tokens, tokens));
	t = ur_section_table(s, "The longest length solved", about, lengths);
	for (int i = 0; i < f->n; i++) {
		json_t *row = ur_table_row(s, t, f->of[i].name);
		for (int task = 0; task < TASKS; task++) {
			const on_task *on = &f->of[i].on[task];
			if (!on->tried)
				ur_row_cell(s, row, NAN, UR_MEASURED, "not run");
			else if (on->solved == on->tried)
				ur_row_cell(s, row, on->solved, UR_MEASURED, "%d (no longer one was tried)", on->solved);
			else if (on->solved)
				ur_row_cell(s, row, on->solved, UR_MEASURED, "%d (T = %d not within %s tokens)", on->solved, on->tried,
				            ur_tell_count(f->tokens, tokens));
			else
				ur_row_cell(s, row, 0, UR_MEASURED, "T = %d not solved within %s tokens", on->tried,
				            ur_tell_count(f->tokens, tokens));
		}
		if (isnan(f->of[i].on[0].mse))
			ur_row_cell(s, row, NAN, UR_MEASURED, "not measured");
		else
			ur_row_cell(s, row, f->of[i].on[0].mse, UR_MEASURED, "%.2g at T = %d",
				f->of[i].on[0].mse, f->of[i].on[0].tried);
	}
	for (int task = 0; task < TASKS; task++)
		any |= f->gates[task] != NULL;
	if (!any)
		return;
	t = ur_section_table(s, "Forget gates of trained LSTMs", "All units at all of 500 steps; and what a unit keeps of "
		"what it held, the product of its gates: of the middle unit, and of the one that keeps most.", gates);
	for (int task = 0; task < TASKS; task++) {
		static const char *const paths[] = { "mean", "low", "median", "high", "kept_100", "kept_500", "slowest_500" };
		char name[60];
		json_t *row;

		if (!f->gates[task])
			continue;
		(void)snprintf(name, sizeof name, "%s, T = %d", ur_distance_tasks[task], f->gates_at[task]);
		row = ur_table_row(s, t, name);
		for (int k = 0; k < 7; k++)
			cell(s, row, ur_fact_at(f->gates[task], paths[k]), k < 4 ? "%.3f" : "%.2g");
	}
	t = ur_table_row(s, t, "always 0.99");
	for (int k = 0; k < 7; k++) {
		const double x = pow(0.99, k == 4 ? 100 : k > 4 ? 500 : 1);
		ur_row_cell(s, t, x, UR_DERIVED, k < 4 ? "%.3f" : "%.2g", x);
	}
}

static void figures(const facts_seen *f, ur_section *s)
{
	const int task = gates_task(f);
	char name[60];

	for (int i = 0; i < f->n; i++) {
		const seen *m = &f->of[i];
		const double trained = m->on[0].decay;
		if (!isnan(m->start_decay)) {
			(void)snprintf(name, sizeof name, "decay_start_%s", m->name);
			ur_section_figure(s, name, m->start_decay, UR_MEASURED, "%.3f", m->start_decay);
		}
		if (!isnan(trained)) {
			(void)snprintf(name, sizeof name, "decay_%s", m->name);
			ur_section_figure(s, name, trained, UR_MEASURED, "%.3f", trained);
		}
		if (m->on[0].tried) {
			char T[16];
			(void)snprintf(name, sizeof name, "solved_%s", m->name);
			ur_section_figure(s, name, m->on[0].solved, UR_MEASURED, "%s", length_text(m->on[0].solved, T));
		}
	}
	if (task >= 0) {
		ur_section_figure(s, "gate_product_100", ur_fact_at(f->gates[task], "kept_100"), UR_MEASURED, "%.2g",
		                  ur_fact_at(f->gates[task], "kept_100"));
		ur_section_figure(s, "gate_product_500", ur_fact_at(f->gates[task], "kept_500"), UR_MEASURED, "%.2g",
		                  ur_fact_at(f->gates[task], "kept_500"));
	}
}

/* -- questions -- */

static void ask(const facts_seen *f, ur_section *s)
{
	static const char *const left[] = { "More than half", "Less than half, more than a thousandth", "Less than a "
		"thousandth",
	                                    NULL };
	static const char *const who[] = { "The RNN's", "The new LSTM's", "They are within a tenth of each other", NULL };
	static const char *const longer[] = { "Attention", "The RNN", "Both the same", NULL };
	static const char *const gates[] = { "More than 0.99 a step would", "Less than 0.99 a step would", NULL };
	const int task = gates_task(f);
	char because[300], T[2][16];

	if (f->rnn && !isnan(f->rnn->start_decay)) {
		const double x = pow(f->rnn->start_decay, 20);
		(void)snprintf(because, sizeof because, "%.3f a step was fitted here; to the 20th that is %.2g.",
		               f->rnn->start_decay, x);
		ur_section_question(s, "How much of the gradient does a new vanilla RNN send back over 20 steps?", left,
		                    x > 0.5 ? 0 : x > 0.001 ? 1 : 2, because);
	}
	if (f->rnn && f->lstm && !isnan(f->rnn->start_decay) && !isnan(f->lstm->start_decay)) {
		const double r = f->rnn->start_decay, l = f->lstm->start_decay;
		(void)snprintf(because, sizeof because, "Before training: RNN %.3f, LSTM %.3f a step. A new forget gate "
			"stands near a half: what it can do it has yet to learn.", r, l);
		ur_section_question(s, "Before any training, whose gradient reaches further back, a step being worth more?",
			who,
		                    fabs(r - l) < 0.1 * fmax(r, l) ? 2 : r > l ? 0 : 1, because);
	}
	if (f->rnn && f->attention && f->rnn->on[0].tried && f->attention->on[0].tried) {
		const int a = f->attention->on[0].solved, r = f->rnn->on[0].solved;
		(void)snprintf(because, sizeof because, "Longest adding problem solved: attention %s, RNN %s.",
			length_text(a, T[0]),
		               length_text(r, T[1]));
		ur_section_question(s, "Which learns the longer adding problem from the same number of tokens?", longer,
		                    a > r ? 0 : a < r ? 1 : 2, because);
	}
	if (task >= 0) {
		const double kept = ur_fact_at(f->gates[task], "kept_500");
		(void)snprintf(because, sizeof because, "The middle unit's gates multiply to %.2g over 500 steps; 0.99 to the "
			"500th is 0.0066.", kept);
		ur_section_question(s, "What does the middle unit of a trained LSTM keep over 500 steps?",
			gates, kept < KEPT_99,
		                    because);
	}
}

void ur_distance_conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	facts_seen f;

	(void)others;
	read_facts(facts, &f);
	find_fades(&f, s);
	find_gates_reach(&f, s);
	find_flat(&f, s);
	find_forget(&f, s);
	find_solved(&f, s);
	if (!f.n || !f.seeds)
		return;
	draw(&f, s);
	tabulate(&f, s);
	if (f.cheat) /* no number of it may stand in the summary */
		return;
	figures(&f, s);
	ask(&f, s);
}
