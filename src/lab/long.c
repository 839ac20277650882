/* Beyond 50,000 steps: what still depends on the first input there. Models learn the parity of short rows of bits and
 * are then asked for that of rows a thousand times as long, where each answer hangs on every bit before it. Parity is
 * what a state of fixed size can hold; Hahn 2020 has why attention, whose every input weighs less the more there are,
 * cannot compute it at any length. And what one update on a whole long sequence takes, recomputed chunk by chunk
 * (train/chunked.h; Chen et al. 2016). */
#include "lab/lab.h"

#include "base/machine.h"
#include "compare/statistics.h"
#include "train/score_task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEARNT = 24, BATCH = 64, EVERY = 100, WIDTH = 32, FROM = 50000 };

enum { MOST_T = 8, STEPS = 2, SHORTEST_CHUNK = 8, NEAR = 8192 };
static const double SURELY = 64e6;      /* bytes: what a process grows by beside its plan does not show in as many */

/* How far and over how many sequences a model is asked whose state is fixed, and one whose state grows, which takes the
 * square of it; tokens a run may read; and lengths to train on at once. */
typedef struct plan { struct { int T, n; } far[2]; double tokens; int T[MOST_T]; } plan;

static plan plan_of(const ur_lab *lab)
{
	static const plan plans[] = {
		[UR_LAB_QUICK] = { { { FROM, 8 }, { 8192, 3 } }, 3e5, { 1024, 2048, 4096 } },
		[UR_LAB_DEFAULT] = { { { FROM, 16 }, { 16384, 4 } }, 2e6, { 1024, 4096, 16384, 65536 } },
		[UR_LAB_FULL] = { { { 100000, 16 }, { FROM, 4 } }, 1e7, { 1024, 4096, 16384, 65536, 131072 } },
	};
	return plans[lab->size];
}

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 15, 100, 500); }

/* -- measuring -- */

/* One layer where a state carries what was read, two blocks where all positions are looked at. */
static ur_status spec_of(const ur_mixer *m, int far, ur_spec *spec, ur_err *err)
{
	char text[UR_SPEC_TEXT];

	if (m->flags & UR_NO_ORDER)
		(void)snprintf(text, sizeof text, "%s:2x%d,block=llama,context=%d", m->name, WIDTH, far);
	else
		(void)snprintf(text, sizeof text, "%s:1x%d", m->name, WIDTH);
	return ur_spec_parse(text, spec, err);
}

static int on_step(void *lab, const ur_step_report *r)
{
	if (r->validated && r->task && r->task->accuracy.mean > 0.9999)
		return UR_ENOUGH;
	return ur_lab_stopping(lab);
}

static ur_status learn(ur_lab *lab, const ur_spec *spec, double tokens, ur_model **m, ur_outcome *o, ur_err *err)
{
	ur_job job = { .ctx = lab->ctx, .report = on_step, .arg = lab, .spec = *spec };
	char text[UR_TASK_TEXT];
	ur_task task;
	ur_status status;

	(void)snprintf(text, sizeof text, "task:parity,T=%d", LEARNT);
	if ((status = ur_task_parse(text, &task, err)))
		return status;
	ur_recipe_defaults(&job.recipe, spec);
	job.task = &task;
	job.recipe.batch = BATCH;
	job.recipe.steps = (int64_t)(tokens / (BATCH * (double)task.length)) + 1;
	job.recipe.lr = spec->form->norm ? 3e-3 : 1e-2;
	job.recipe.schedule = "constant";
	job.recipe.warmup = 20;
	job.recipe.eval_every = EVERY;
	job.recipe.seed = lab->seed;
	status = ur_train(&job, m, o, err);
	ur_task_free(&task);
	return status;
}

static ur_status ask_far(ur_lab *lab, const ur_model *m, int T, int n, ur_task_score *score, ur_err *err)
{
	char text[UR_TASK_TEXT];
	ur_task task;
	ur_status status;

	(void)snprintf(text, sizeof text, "task:parity,T=%d", T);
	if ((status = ur_task_parse(text, &task, err)))
		return status;
	status = ur_evaluate_task(m, lab->ctx, &task, UR_VAL, n, score, err);
	ur_task_free(&task);
	return status;
}

static json_t *average(const ur_average *a)
{
	return json_pack("{s:f,s:f,s:f}", "mean", a->mean, "low", isfinite(a->low) ? a->low : 0, "high",
	                 isfinite(a->high) ? a->high : 1);
}

static ur_status far_of(ur_lab *lab, const ur_lab_mixer *mixer, ur_err *err)
{
	const plan of = plan_of(lab);
	const ur_mixer *kind = mixer->forward->mixer;
	const int grows = (kind->flags & UR_STATE_GROWS) != 0, T = of.far[grows].T, n = of.far[grows].n;
	ur_model *m = NULL;
	ur_task_score far;
	json_t *fact = NULL;
	ur_outcome o;
	ur_spec spec;
	ur_status status = UR_OK;

	if (ur_lab_recall(lab, &status, err, "far/%s", mixer->name) || status)
		return status;
	if ((status = ur_lab_say(lab, -1, err, "%s learns parity", mixer->name)) ||
	    (status = spec_of(kind, T, &spec, err)))
		return status;
	status = learn(lab, &spec, of.tokens, &m, &o, err);
	if (!status && !(status = ur_lab_say(lab, -1, err, "%s over %d steps", mixer->name, T)) &&
	    !(status = ask_far(lab, m, T, n, &far, err)))
		fact = json_pack("{s:s,s:b,s:i,s:I,s:f,s:o,s:i,s:i,s:o,s:f,s:f}", "spec", spec.text, "grows", grows, "learnt_T",
			LEARNT, "tokens", (json_int_t)o.tokens, "train_seconds", o.seconds, "learnt", average(&o.task.accuracy),
			"T", T, "n", n, "far", average(&far.accuracy), "whole", far.whole.mean, "seconds", far.seconds);
	ur_model_free(m);
	if (status == UR_E_DIVERGED) { /* a result, too: it did not learn it */
		fact = json_pack("{s:s,s:b,s:i,s:i}", "spec", spec.text, "grows", grows, "learnt_T", LEARNT, "T", T);
		status = UR_OK;
	}
	return status ? status : ur_lab_keep(lab, fact, err, "far/%s", mixer->name);
}

/* Steps that are timed. */
typedef struct clocked { ur_lab *lab; int n; double before, least; } clocked;

static int on_timed_step(void *arg, const ur_step_report *r)
{
	clocked *c = arg;

	c->least = fmin(c->least, r->trained_seconds - c->before);
	c->before = r->trained_seconds;
	return ++c->n == STEPS || ur_lab_stopping(c->lab);
}

/* Bytes that depend on T, of the chunk that needs least. */
static ur_status least_of(const ur_job *of, int T, double *bytes, int *chunk, ur_err *err)
{
	ur_train_plan tried;
	ur_job job = *of;

	for (int c = SHORTEST_CHUNK; c < T; c += c / 4) {
		ur_status status;

		job.recipe.chunk = c;
		if ((status = ur_train_plan_of(&job, &tried, err)))
			return status;
		if (c == SHORTEST_CHUNK || (double)(tried.states + tried.activations) < *bytes) {
			*bytes = (double)(tried.states + tried.activations);
			*chunk = c;
		}
	}
	return UR_OK;
}

/* Half of what is free; where the system does not tell, 1 GiB. */
static size_t memory_to_take(void)
{
	const int64_t memory = ur_memory_free();
	return memory < 0 ? (size_t)1 << 30 : (size_t)memory / 2;
}

/* {"T", "least": bytes of states and activations in chunks of "chunk", which needs least; and of the fastest that the
 * memory here allows: "plan" of all but validation, "grown": what the process grew by, "seconds": an update} */
static ur_status update(ur_lab *lab, const ur_mixer *kind, int T, json_t **fact, ur_err *err)
{
	clocked clock = { .lab = lab, .least = INFINITY };
	ur_job job = { .ctx = lab->ctx, .report = on_timed_step, .arg = &clock };
	ur_train_plan fast = { 0 };
	char text[UR_TASK_TEXT];
	double grown = 0, least = 0;
	int chunk = 0;
	ur_task task;
	ur_status status;

	(void)snprintf(text, sizeof text, "task:parity,T=%d", T);
	if ((status = spec_of(kind, T, &job.spec, err)) || (status = ur_task_parse(text, &task, err)))
		return status;
	ur_recipe_defaults(&job.recipe, &job.spec);
	job.task = &task;
	job.recipe.batch = 1;
	job.recipe.steps = STEPS + 1; /* stopped before the last, after which it would validate */
	job.recipe.seed = lab->seed;
	if (!(status = least_of(&job, task.length, &least, &chunk, err)) &&
	    !(status = ur_train_fit(&job, memory_to_take(), &job.recipe.chunk, &fast, err))) {
		const int resets = ur_memory_peak_reset();
		const int64_t before = ur_memory_peak();

		status = ur_train(&job, NULL, NULL, err);
		if (resets && before >= 0)
			grown = (double)(ur_memory_peak() - before);
	}
	ur_task_free(&task);
	if (status == UR_E_STOPPED && clock.n == STEPS)
		status = UR_OK;
	if (!status)
		*fact = json_pack("{s:i,s:f,s:i,s:f,s:f,s:f}", "T", T, "least", least, "chunk", chunk, "plan",
			(double)(fast.all - fast.validation), "grown", grown, "seconds", clock.least);
	return status;
}

static ur_status updates(ur_lab *lab, const ur_lab_mixer *mixer, ur_err *err)
{
	const plan of = plan_of(lab);
	ur_status status = UR_OK;

	for (int i = 0; i < MOST_T && of.T[i] && !status; i++) {
		json_t *fact = NULL;

		if (ur_lab_recall(lab, &status, err, "update/%s/%d", mixer->name, of.T[i]) || status)
			continue;
		if (!(status = ur_lab_say(lab, -1, err, "%s learns from %d steps at once", mixer->name, of.T[i])) &&
		    !(status = update(lab, mixer->forward->mixer, of.T[i], &fact, err)))
			status = ur_lab_keep(lab, fact, err, "update/%s/%d", mixer->name, of.T[i]);
	}
	return status;
}

/* The two that the lesson speaks of. */
static int typical(const ur_lab_mixer *m)
{
	return (m->forward->mixer->flags & UR_STATE_GROWS) || !strcmp(m->name, "lstm");
}

static ur_status measure(ur_lab *lab, ur_err *err)
{
	ur_status status = UR_OK;

	for (const ur_lab_mixer *m = lab->mixer; m->name && !status; m++)
		status = far_of(lab, m, err);
	for (const ur_lab_mixer *m = lab->mixer; m->name && !status; m++)
		if (typical(m))
			status = updates(lab, m, err);
	return status;
}

/* -- concluding -- */

static const double RIGHT = 0.99;       /* share of answers; chance is a half */

typedef struct one { const char *name; const json_t *fact; int grows; double T, learnt, far, low, high; } one;
enum { MOST = 32 };
typedef struct seen { int n; one of[MOST]; int best, other; } seen;

/* The recurrence that is right most often out there, and the model that keeps every position. */
static seen seen_of(const json_t *facts)
{
	seen s = { .best = -1, .other = -1 };
	const char *name;
	json_t *fact;

	json_object_foreach((json_t *)(size_t)facts, name, fact) {
		one *o = &s.of[s.n];
		if (strncmp(name, "far/", 4) || s.n == MOST)
			continue;
		*o = (one){ name + 4, fact, json_is_true(json_object_get(fact, "grows")), ur_fact_at(fact, "T"),
			ur_fact_at(fact, "learnt.mean"),
		            ur_fact_at(fact, "far.mean"), ur_fact_at(fact, "far.low"), ur_fact_at(fact, "far.high") };
		if (o->grows)
			s.other = s.n;
		else if (!isnan(o->far) && (s.best < 0 || o->low > s.of[s.best].low))
			s.best = s.n;
		s.n++;
	}
	return s;
}

static void find_far(const seen *q, ur_section *s)
{
	const one *best = q->best < 0 ? NULL : &q->of[q->best], *other = q->other < 0 ? NULL : &q->of[q->other];
	char words[640] = "Not measured yet.", rule[560];
	ur_said T, near;
	ur_finding f = { .name = "far", .found = UR_MISSING, .words = words, .rule = rule,
		.claim = "Beyond 50,000 steps recurrence may be the only practical choice: its state still knows what came "
			"first.",
		.prediction = "The cost model says nothing of quality. A bit of parity fits into any state; a softmax gives "
			"each of T inputs about 1 / T of its weight, so one bit more or less hardly shows." };

	(void)snprintf(rule, sizeof rule, "Models learn parity over %d bits. Holds, under a condition, if a recurrence is "
		"right in %.0f %% of the answers over %d bits or more (lower end of 95 %%), where each hangs on all bits "
		"before it, and attention is not over %d or more (upper end): under a condition, since the task is one of a "
		"kind and nothing was trained at that length. Fails if none is, or attention is as well.", (int)LEARNT,
		100 * RIGHT, (int)FROM,
		(int)NEAR);
	if (best && other && best->T >= FROM && other->T >= NEAR) {
		const int knew = other->learnt >= RIGHT, reached = other->low >= RIGHT;

		f.found = best->high < RIGHT || reached ? UR_FAILS : best->low < RIGHT || !(isnan(other->far) ||
			other->high < RIGHT) ? UR_MISSING : UR_HOLDS_IF;
		if (f.found == UR_HOLDS_IF)
			f.condition = knew ? "the task is one that a small state can hold, and attention was asked far beyond the "
				"lengths it was trained on" : "the task is one that a small state can hold; attention of this size did "
				"not learn it over short rows either, so this says nothing of what attention does with things it can "
				"learn";
		(void)snprintf(words, sizeof words, "Learnt over %d bits, %s is right in %.2f %% of the answers over %s bits "
			"(95 %%: %.2f to %.2f), where the last hangs on a bit %s steps before. %s: %.1f %% over the short rows, "
			"%.1f %% over %s; guessing is right in half.%s", (int)LEARNT, best->name, 100 * best->far,
			ur_tell_count(best->T, T), 100 * best->low, 100 * best->high, T, other->name, 100 * other->learnt,
			100 * other->far, ur_tell_count(other->T, near),
			f.found == UR_MISSING ? " The interval leaves open which." : "");
	} else if (best && best->T < FROM) {
		(void)snprintf(words, sizeof words, "Asked over %s steps alone, short of what the claim is about.",
		               ur_tell_count(best->T, T));
	}
	ur_section_finding(s, &f);
}

static void tabulate(const seen *q, ur_section *s)
{
	static const char *const columns[] = { "model", "trained on", "right, short rows", "asked over", "right there",
	                                       "rows without a wrong answer", "time a step there", NULL };
	json_t *table;
	char about[240];
	ur_said text;

	if (!q->n)
		return;
	(void)snprintf(about, sizeof about, "Trained on rows of %d bits, until all answers were right or the tokens were "
		"used up. A step's time is that of scoring many steps at once.", (int)LEARNT);
	table = ur_section_table(s, "Parity, far beyond what was trained on", about, columns);
	for (int i = 0; i < q->n; i++) {
		const one *o = &q->of[i];
		const char *spec = json_string_value(json_object_get(o->fact, "spec"));
		json_t *row = ur_table_row(s, table, spec ? spec : o->name);
		const double step = ur_fact_at(o->fact, "seconds") / (ur_fact_at(o->fact, "n") * o->T);

		if (isnan(o->far)) {
			ur_row_cell(s, row, NAN, UR_MEASURED, "diverged");
			continue;
		}
		ur_row_cell(s, row, ur_fact_at(o->fact, "tokens"), UR_MEASURED, "%s tokens",
		            ur_tell_count(ur_fact_at(o->fact, "tokens"), text));
		ur_row_cell(s, row, o->learnt, UR_MEASURED, "%.1f %%", 100 * o->learnt);
		ur_row_cell(s, row, o->T, UR_MEASURED, "%s steps", ur_tell_count(o->T, text));
		ur_row_cell(s, row, o->far, UR_MEASURED, "%.2f %% (%.2f to %.2f)", 100 * o->far, 100 * o->low, 100 * o->high);
		ur_row_cell(s, row, ur_fact_at(o->fact, "whole"), UR_MEASURED, "%.0f of %.0f",
		            ur_fact_at(o->fact, "whole") * ur_fact_at(o->fact, "n"), ur_fact_at(o->fact, "n"));
		ur_row_cell(s, row, step, UR_MEASURED, "%s", ur_tell_time(step, text));
	}
}

/* Updates on sequences of rising lengths, of one model. */
typedef struct curve { const char *name; int n; const json_t *at[MOST_T]; ur_power memory; } curve;

static double last(const curve *c, const char *key) { return c->n ? ur_fact_at(c->at[c->n - 1], key) : NAN; }

/* That of the recurrence (grows 0) or of the model that keeps every position, in order of length. */
static curve curve_of(const json_t *facts, const seen *q, int grows)
{
	curve c = { .memory = { .exponent = NAN, .low = NAN, .high = NAN } };
	double T[MOST_T], bytes[MOST_T];
	const char *key;
	json_t *fact;

	for (int i = 0; i < q->n; i++) {
		char start[64];

		(void)snprintf(start, sizeof start, "update/%s/", q->of[i].name);
		json_object_foreach((json_t *)(size_t)facts, key, fact) {
			int at = c.n;

			if (q->of[i].grows != grows || strncmp(key, start, strlen(start)) || c.n == MOST_T)
				continue;
			for (; at > 0 && ur_fact_at(c.at[at - 1], "T") > ur_fact_at(fact, "T"); at--)
				c.at[at] = c.at[at - 1];
			c.at[at] = fact;
			c.name = q->of[i].name;
			c.n++;
		}
	}
	for (int i = 0; i < c.n; i++) {
		T[i] = ur_fact_at(c.at[i], "T");
		bytes[i] = ur_fact_at(c.at[i], "least");
	}
	if (c.n > 1)
		c.memory = ur_power_fit(c.n, T, bytes);
	return c;
}

/* The largest relative difference between what was planned and what the process grew by, where that is told and
 * means something; NaN. */
static double off_plan(const curve *c)
{
	double off = NAN;

	for (int i = 0; i < c->n; i++) {
		const double grown = ur_fact_at(c->at[i], "grown"), planned = ur_fact_at(c->at[i], "plan");
		if (grown > 0 && planned > SURELY)
			off = fmax(off, fabs(grown / planned - 1));
	}
	return off;
}

static void find_memory(const curve *few, const curve *many, ur_section *s)
{
	char words[640] = "Not measured yet.", told[120] = "";
	ur_said a, b, T;
	ur_finding f = { .name = "memory", .found = UR_MISSING, .words = words,
		.claim = "A recurrence can be trained on very long sequences in memory that grows with the square root of "
			"their length; attention has to keep every position.",
		.prediction = "Chunks of C steps need their own activations and a state at each border, C a + (T / C) s bytes: "
			"least, and in proportion to the square root of T, where the two are equal. Keys and values of all T "
			"positions, and their gradients, are in proportion to T.",
		.rule = "Of the bytes of states and activations that depend on T, in the chunk that needs least (of lengths a "
			"quarter apart), counted from the plan: holds if the exponent over T is 0.35 to 0.65 for the recurrence "
			"and at least 0.85 for attention (intervals may reach beyond), over three lengths or more; fails "
			"otherwise." };

	if (few->n >= 3 && many->n >= 3) {
		const double off = fmax(off_plan(few), off_plan(many));

		f.found = few->memory.exponent >= 0.35 && few->memory.exponent <= 0.65 && many->memory.exponent >= 0.85
		          ? UR_HOLDS : UR_FAILS;
		if (!isnan(off))
			(void)snprintf(told, sizeof told, " Where an update was to take over %.0f MB, what the process grew "
			               "by was within %.0f %% of it.", SURELY / 1e6, 100 * off);
		(void)snprintf(words, sizeof words, "Exponents %.2f (%s) and %.2f (%s). For %s steps at once %s against %s, in "
			"chunks of %.0f and %.0f steps.%s", few->memory.exponent, few->name, many->memory.exponent, many->name,
			ur_tell_count(last(few, "T"), T), ur_tell_bytes(last(few, "least"), a),
			ur_tell_bytes(last(many, "least"), b),
			last(few, "chunk"), last(many, "chunk"), told);
	}
	ur_section_finding(s, &f);
}

static void find_time(const curve *few, const curve *many, ur_section *s)
{
	const double T = fmin(last(few, "T"), last(many, "T")), ratio = last(many, "seconds") / last(few, "seconds");
	char words[480] = "Not measured yet.";
	ur_said a, b, steps;
	ur_finding f = { .name = "time", .found = UR_MISSING, .words = words,
		.claim = "Learning from more than 50,000 steps at once is practical for a recurrence and not for attention.",
		.prediction = "Every pair of positions is multiplied three times over: T^2 against T.",
		.rule = "Of an update on one sequence of that length: holds if attention takes at least 10 times as long, "
			"under a condition from 2 times on, fails below that. One sitting, the faster of two updates: no interval, "
			"and the thresholds stand far apart for that reason." };

	if (few->n && many->n && last(few, "T") != last(many, "T")) {
		(void)snprintf(words, sizeof words, "Not measured at the same length.");
	} else if (few->n && many->n) {
		f.found = T < FROM ? UR_MISSING : ratio >= 10 ? UR_HOLDS : ratio >= 2 ? UR_HOLDS_IF : UR_FAILS;
		if (f.found == UR_HOLDS_IF)
			f.condition = "several times as long is taken for impractical";
		(void)snprintf(words, sizeof words, "An update on %s steps: %s %s, %s %s, %.1f times as long.%s",
			ur_tell_count(T, steps), few->name, ur_tell_time(last(few, "seconds"), a), many->name,
			ur_tell_time(last(many, "seconds"), b), ratio,
			T < FROM ? " That is short of what the claim is about." : "");
	}
	ur_section_finding(s, &f);
}

static void draw(const curve *c[2], ur_section *s)
{
	static const ur_axis_of length = { "steps", "", 1 }, memory = { "states and activations", "B", 1 },
		time = { "an update", "s", 1 };
	const struct { const char *title, *about, *key; const ur_axis_of *y; ur_origin origin; } of[] = {
		{ "Memory to learn from T steps at once", "What depends on T, in chunks of the length that needs least.",
		  "least", &memory, UR_COUNTED },
		{ "Time of one update", "One sequence, all of its gradient, in the longest chunks that the memory here "
		  "allows.", "seconds", &time,
		  UR_MEASURED } };

	for (size_t i = 0; i < sizeof of / sizeof *of && c[0]->n + c[1]->n; i++) {
		json_t *chart = ur_section_chart(s, of[i].title, of[i].about, &length, of[i].y);
		for (int k = 0; k < 2; k++) {
			json_t *line = c[k]->n ? ur_chart_line(s, chart, c[k]->name, c[k]->name, of[i].origin) : NULL;
			for (int j = 0; j < c[k]->n; j++)
				ur_line_point(s, line, ur_fact_at(c[k]->at[j], "T"), ur_fact_at(c[k]->at[j], of[i].key), NAN, NAN);
		}
	}
}

static void figures(const seen *q, const curve *c[2], ur_section *s)
{
	ur_said text, T;

	for (int k = 0; k < 2; k++) {
		const int at = k ? q->other : q->best;

		if (at >= 0 && !isnan(q->of[at].far))
			ur_section_figure(s, k ? "attention_far" : "rnn_far", q->of[at].far, UR_MEASURED, "%.1f %% of %s steps",
			                  100 * q->of[at].far, ur_tell_count(q->of[at].T, T));
	}
	for (int k = 0; k < 2; k++)
		if (c[k]->n) {
			ur_section_figure(s, k ? "attention_update" : "rnn_update", last(c[k], "seconds"), UR_MEASURED,
			                  "%s for %s steps", ur_tell_time(last(c[k], "seconds"), text),
			                  ur_tell_count(last(c[k], "T"), T));
			ur_section_figure(s, k ? "attention_memory" : "rnn_memory", last(c[k], "least"), UR_COUNTED,
			                  "%s for %s steps", ur_tell_bytes(last(c[k], "least"), text),
			                  ur_tell_count(last(c[k], "T"), T));
		}
}

static void ask(const seen *q, const curve *c[2], ur_section *s)
{
	static const char *const shares[] = { "About half: no better than guessing", "Most, but not all",
	                                      "All, or all but one in a hundred", NULL };
	static const char *const growth[] = { "It stays the same", "It grows by less than 10 times",
	                                      "It grows by 10 times or more", NULL };
	char question[320], because[240];
	ur_said T;

	for (int i = 0; i < 2; i++) {
		const int at = i ? q->other : q->best;
		const one *o = at < 0 ? NULL : &q->of[at];

		if (!o || isnan(o->far))
			continue;
		(void)snprintf(question, sizeof question, "%s was trained to say whether rows of %d bits have an even number "
			"of ones. Asked at every place of rows of %s bits, how many answers are right?", o->name, (int)LEARNT,
			ur_tell_count(o->T, T));
		(void)snprintf(because, sizeof because, "%.2f %% there; %.1f %% over rows as long as those it learnt from.",
		               100 * o->far, 100 * o->learnt);
		ur_section_question(s, question, shares, o->far >= RIGHT ? 2 : o->far > 0.6 ? 1 : 0, because);
	}
	for (int k = 0; k < 2; k++)
		if (c[k]->n > 1) {
			const double times = last(c[k], "T") / ur_fact_at(c[k]->at[0], "T");
			const double more = last(c[k], "least") / ur_fact_at(c[k]->at[0], "least");

			(void)snprintf(question, sizeof question, "%s learns from sequences %.0f times as long, with all of their "
				"gradient, in the chunks that need least memory. What happens to that memory?", c[k]->name, times);
			(void)snprintf(because, sizeof because, "It grew %.1f times.", more);
			ur_section_question(s, question, growth, more < 1.05 ? 0 : more < 10 ? 1 : 2, because);
		}
}

static void conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const seen q = seen_of(facts);
	const curve few = curve_of(facts, &q, 0), many = curve_of(facts, &q, 1), *c[2] = { &few, &many };

	(void)others;
	find_far(&q, s);
	find_memory(&few, &many, s);
	find_time(&few, &many, s);
	draw(c, s);
	figures(&q, c, s);
	tabulate(&q, s);
	ask(&q, c, s);
}

static const char *const lesson[] = {
	"A state of fixed size costs the same after a hundred thousand steps as after ten. What it cannot do is keep "
	"everything; what it can do is keep something for as long as it takes. The parity of a row of bits is one bit, it "
	"changes with every bit read, and the answer at step 50,000 is wrong if a single step before it was.",
	"Attention reaches back to any position in one step, but it has to keep all of them, and a softmax over 50,000 "
	"inputs gives each about a fifty-thousandth of its weight: one bit more or less hardly shows.",
	"Learning from such a sequence at once needs what lies between the first step and the last. It need not all be "
	"kept: cut into chunks, a recurrence keeps the state at each border and works out the rest again on the way back. "
	"With chunks of about `sqrt(T)` steps, that many states and that many steps' activations are all there is.",
	NULL };
static const char *const how[] = {
	"Every mixer is trained on parity over short rows, in a layer of its own (attention: two blocks with rotary "
	"positions), until all held-out answers are right or its tokens are used up; then it is asked at every place of "
	"rows that are far longer, fewer of them where every position is kept. Intervals are over rows.",
	"Updates are whole optimiser steps on one sequence: forward and backward over all of it, head and loss included, "
	"by the same code as `unroll train --context`. Memory is counted from the plan that training makes before it "
	"starts, beside what the process really grew by.",
	NULL };

const ur_experiment ur_experiment_long = { "long", "Beyond 50,000 steps",
	"What can still be learnt, and answered, when sequences are very long?", "L8", lesson, how, seconds, measure,
	conclude };
