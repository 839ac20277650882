#include "lab/serial_findings.h"

#include "lab/rigs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG = 512, SHORT = 64, BATCH = 32, MOST_T = 16 };
static const double MANY = 10000;

/* -- numbers from facts -- */

static const json_t *forward_time(const json_t *facts, const char *mixer, int T, const char *threads)
{
	char name[32];

	(void)snprintf(name, sizeof name, "forward/B1/T%d", T);
	return json_object_get(json_object_get(json_object_get(facts, name), mixer ? mixer : ""), threads);
}

static double at(const json_t *of, const char *what, int T)
{
	char path[48];

	(void)snprintf(path, sizeof path, "%s.%d", what, T);
	return ur_fact_at(of, path);
}

/* Calls that a token adds to the chain. */
static double slope(const json_t *counts) { return (at(counts, "chain", LONG) - at(counts, "chain",
	SHORT)) / (LONG - SHORT); }

typedef struct speedup { double median, low, high, units; } speedup;

/* Of the most threads over one; NaN where there is but one, or nothing. The interval is the worst that both allow. */
static speedup speedup_of(const json_t *facts, const char *mixer, int B)
{
	const json_t *units = json_object_get(facts, B == 1 ? "units/B1" : "units/B32");
	const json_t *each = json_object_get(units, mixer ? mixer : ""), *one, *all;
	const size_t n = json_array_size(each);
	speedup s = { NAN, NAN, NAN, NAN };

	if (n < 2)
		return s;
	one = json_array_get(each, 0);
	all = json_array_get(each, n - 1);
	s.median = ur_fact_at(one, "median") / ur_fact_at(all, "median");
	s.low = ur_fact_at(one, "low") / ur_fact_at(all, "high");
	s.high = ur_fact_at(one, "high") / ur_fact_at(all, "low");
	s.units = json_number_value(json_array_get(json_object_get(units, "units"), n - 1));
	return s;
}

/* An interval so wide that it says nothing: the machine was at something else. */
static int unclear(const speedup *s) { return s->high > 2 * s->low; }
static const char TOO_WIDE[] = " The machine was busy with other things: this tells nothing either way.";

/* The cost model's seconds for LONG tokens ("long") or one ("one") on so many units. */
static double predicted(const json_t *facts, const char *mixer, const char *what, double units)
{
	const json_t *all = json_object_get(facts, "predicted"), *grid = json_object_get(all, "units");
	const json_t *seconds = json_object_get(json_object_get(all, mixer ? mixer : ""), what);
	json_t *u;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)grid, i, u)
		if (fabs(json_number_value(u) / units - 1) < 1e-9 && i < json_array_size(seconds))
			return json_number_value(json_array_get(seconds, i));
	return NAN;
}

/* How many times as long LONG tokens take as one. */
static double ratio_here(const json_t *facts, const char *mixer)
{
	const json_t *all = forward_time(facts, mixer, LONG, "all"), *first = forward_time(facts, mixer, 1, "all");

	if (!all) {
		all = forward_time(facts, mixer, LONG, "one");
		first = forward_time(facts, mixer, 1, "one");
	}
	return ur_fact_at(all, "median") / ur_fact_at(first, "median");
}

static double ratio_many(const json_t *facts, const char *mixer)
{
	return predicted(facts, mixer, "long", MANY) / predicted(facts, mixer, "one", MANY);
}

/* -- verdicts -- */

static void find_steps(const json_t *counts, ur_section *s)
{
	char words[600] = "Not counted yet.";
	ur_finding f = { .name = "steps", .found = UR_MISSING, .words = words,
		.claim = "A recurrent network takes one dependent step after another, as many as there are tokens; attention "
			"takes a number of them that hardly grows.",
		.prediction = "By their equations: at least one dependent call for every token of a recurrence; for attention "
			"a constant, and a few more for every tile of keys that is merged.",
		.rule = "Counted on the kernels between T = 64 and T = 512: holds if every recurrence adds at least one "
			"dependent call a token, and no attention more than one in ten tokens." };
	const char *name;
	int recurrent = 0, growing = 0, wrong = 0;
	size_t used = 0;
	json_t *c;

	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		const int grows = json_is_true(json_object_get(c, "grows"));

		if (isnan(slope(c)))
			continue;
		recurrent += !grows;
		growing += grows;
		wrong += grows ? slope(c) > 0.1 : slope(c) < 1;
		if (used < sizeof words - 120)
			used += (size_t)snprintf(words + used, sizeof words - used,
				"%s%s %.0f dependent calls for 512 tokens (%.2f a "
			                         "token)", used ? ", " : "Counted: ", name, at(c, "chain", LONG), slope(c));
	}
	if (recurrent && growing) {
		f.found = wrong ? UR_FAILS : UR_HOLDS;
		(void)snprintf(words + used, sizeof words - used, ".");
	}
	ur_section_finding(s, &f);
}

static void find_units(const json_t *facts, const char *rnn, const char *attention, ur_section *s)
{
	char words[500] = "Not measured yet.", prediction[300];
	ur_finding f = { .name = "units", .found = UR_MISSING, .words = words,
		.claim = "More units make attention faster on one long sequence; a recurrent network hardly notices them.",
		.rule = "Holds if attention's speed-up from one thread to all, at batch 1 and 512 tokens, is above that of "
			"every recurrence, outside both 95 % intervals; with a condition if it is above, but not outside them. An "
			"interval whose ends are a factor of two apart decides nothing." };
	const json_t *counts = json_object_get(facts, "counts");
	const speedup a = speedup_of(facts, attention, 1);
	speedup best = { NAN, NAN, NAN, NAN };
	const char *name, *who = "";
	json_t *c;

	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		const speedup r = speedup_of(facts, name, 1);

		if (json_is_true(json_object_get(c, "grows")) || isnan(r.median) || best.median >= r.median)
			continue;
		best = r;
		who = name;
	}
	if (!isnan(predicted(facts, rnn, "long", MANY))) {
		(void)snprintf(prediction, sizeof prediction,
			"On an ideal machine of 10,000 units %s would be %.0f times as fast as "
			"on one, %s %.0f times.", attention ? attention : "attention",
			predicted(facts, attention, "long", 1) / predicted(facts, attention, "long", MANY), rnn ? rnn : "",
			predicted(facts, rnn, "long", 1) / predicted(facts, rnn, "long", MANY));
		f.prediction = prediction;
	}
	if (!isnan(a.median) && !isnan(best.median)) {
		f.found = a.low > best.high ? UR_HOLDS : unclear(&a) || unclear(&best) ? UR_MISSING
		          : a.median > best.median ? UR_HOLDS_IF : UR_FAILS;
		f.condition = f.found == UR_HOLDS_IF ? "the medians say so, their intervals do not tell them apart" : NULL;
		(void)snprintf(words, sizeof words,
			"From 1 thread to %.0f: %s %.2f times as fast (%.2f to %.2f), the best recurrence, "
			"%s, %.2f times (%.2f to %.2f).%s", a.units, attention, a.median, a.low, a.high, who, best.median, best.low,
			best.high, f.found == UR_MISSING ? TOO_WIDE : "");
	} else if (json_object_get(facts, "units/B1")) {
		(void)snprintf(words, sizeof words, "This lab has one thread: there is nothing to compare.");
	}
	ur_section_finding(s, &f);
}

static void find_batch(const json_t *facts, const char *rnn, ur_section *s)
{
	char words[400] = "Not measured yet.";
	ur_finding f = { .name = "batch", .found = UR_MISSING, .words = words,
		.claim = "A batch gives a recurrent network independent chains, and with them a use for more units.",
		.prediction = "32 sequences are 32 chains: up to 32 units could work at every step.",
		.rule = "Holds if the recurrence's speed-up from one thread to all at batch 32 is above that at batch 1, "
			"outside both 95 % intervals; with a condition if it is above, but not outside them. An interval whose "
			"ends are a factor of two apart decides nothing." };
	const speedup one = speedup_of(facts, rnn, 1), many = speedup_of(facts, rnn, BATCH);

	if (!isnan(one.median) && !isnan(many.median)) {
		f.found = many.low > one.high ? UR_HOLDS : unclear(&one) || unclear(&many) ? UR_MISSING
		          : many.median > one.median ? UR_HOLDS_IF : UR_FAILS;
		f.condition = f.found == UR_HOLDS_IF ? "the medians say so, their intervals do not tell them apart" : NULL;
		(void)snprintf(words, sizeof words,
			"%s on %.0f threads instead of one: %.2f times as fast at batch 1 (%.2f to %.2f), "
			"%.2f times at batch 32 (%.2f to %.2f).%s", rnn, many.units, one.median, one.low, one.high, many.median,
			many.low, many.high, f.found == UR_MISSING ? TOO_WIDE : "");
	} else if (json_object_get(facts, "units/B32")) {
		(void)snprintf(words, sizeof words, "This lab has one thread: there is nothing to compare.");
	}
	ur_section_finding(s, &f);
}

static void find_nearly(const json_t *facts, const char *rnn, const char *attention, ur_section *s)
{
	const double here = ratio_here(facts, attention), rnn_here = ratio_here(facts, rnn);
	const double many = ratio_many(facts, attention), rnn_many = ratio_many(facts, rnn);
	char words[400] = "Not measured yet.", far[400] = "Not predicted yet.", prediction[200];
	ur_finding f = { .name = "nearly", .found = UR_MISSING, .words = words,
		.claim = "Attention takes in 512 tokens nearly as fast as one.",
		.rule = "Measured here on all threads, forward at batch 1: holds if 512 tokens take at most twice as long as "
			"one." };
	ur_finding g = { .name = "nearly_many", .found = UR_MISSING, .words = far,
		.claim = "With 10,000 units attention takes in 512 tokens nearly as fast as one, and a recurrence does not.",
		.rule = "Never measured, so never more than predicted: the cost model's times of 512 tokens and of one, for "
			"units that share memory at no cost. Predicted if attention's ratio is at most 4 and at most a tenth of "
			"the recurrence's; it fails if the model says otherwise." };

	if (!isnan(many)) {
		(void)snprintf(prediction, sizeof prediction,
			"On one unit %.0f times as long as one token, on 10,000 ideal ones %.1f "
			"times.", predicted(facts, attention, "long", 1) / predicted(facts, attention, "one", 1), many);
		f.prediction = prediction;
		g.prediction = prediction;
		g.found = many <= 4 && many <= rnn_many / 10 ? UR_PREDICTED : UR_FAILS;
		(void)snprintf(far, sizeof far,
			"Predicted for 10,000 units: 512 tokens take %s %.1f times as long as one, and %s %.0f "
			"times.", attention, many, rnn, rnn_many);
	}
	if (!isnan(here) && !isnan(rnn_here)) {
		f.found = here <= 2 ? UR_HOLDS : UR_FAILS;
		(void)snprintf(words, sizeof words,
			"On this machine 512 tokens take %s %.0f times as long as one, and %s %.0f times: "
			"with so few units it is the work that counts, not the chain.", attention, here, rnn, rnn_here);
	}
	ur_section_finding(s, &f);
	ur_section_finding(s, &g);
}

/* Share of the lab's threads that had nothing to do while the mixer was stepped on. */
static double idle_of(const json_t *facts, const char *mixer)
{
	const json_t *idle = json_object_get(facts, "idle");
	return fmax(0, 1 - ur_fact_at(json_object_get(idle, mixer ? mixer : ""), "busy") / ur_fact_at(idle, "threads"));
}

static double useful(const json_t *facts, const char *mixer)
{
	const json_t *idle = json_object_get(facts, "idle"), *m = json_object_get(idle, mixer ? mixer : "");
	return ur_fact_at(m, "flops") / ur_fact_at(m, "seconds") / ur_fact_at(idle, "peak");
}

static int idle_known(const json_t *facts, const char *mixer)
{
	return !isnan(useful(facts, mixer)) && ur_fact_at(json_object_get(facts, "idle"), "threads") > 1;
}

static void find_idle(const json_t *facts, const char *rnn, ur_section *s)
{
	const double threads = ur_fact_at(json_object_get(facts, "idle"), "threads");
	char words[400] = "Not measured yet.";
	ur_finding f = { .name = "idle", .found = UR_MISSING, .words = words,
		.claim = "While a recurrent network takes its steps, most of the machine has nothing to do.",
		.prediction = "A step of one stream is a chain of small calls on one unit: of P units, P - 1 wait.",
		.rule = "Holds if, while one stream is stepped on, at most 1.2 threads' worth of processor time is used, and "
			"the useful operations are under half of the machine's peak." };

	if (idle_known(facts, rnn)) {
		const double share = idle_of(facts, rnn), work = useful(facts, rnn);
		f.found = (1 - share) * threads <= 1.2 && work < 0.5 ? UR_HOLDS : UR_FAILS;
		(void)snprintf(words, sizeof words,
			"Stepping on one stream of %s left %.0f %% of the processor time of %.0f threads "
			"unused; its useful operations were %.1f %% of what the machine can do.", rnn, 100 * share, threads,
			100 * work);
	} else if (threads <= 1) {
		(void)snprintf(words, sizeof words, "This lab has one thread: none can be idle beside it.");
	}
	ur_section_finding(s, &f);
}

static void find_sum(const json_t *sum, ur_section *s)
{
	const double in_order = ur_fact_at(sum, "serial.median"), tree = ur_fact_at(sum, "tree.median");
	char words[400] = "Not measured yet.";
	ur_finding f = { .name = "sum", .found = UR_MISSING, .words = words,
		.claim = "The same additions go faster when fewer of them wait for each other.",
		.prediction = "The sum of 1 to 100 has 99 additions either way: 99 in a chain in order, 7 as a tree.",
		.rule = "Holds if the counted chains are 99 and 7 with equal sums, and a million numbers add up faster side "
			"by side than in order, on one thread, outside both 95 % intervals." };

	if (!isnan(in_order) && !isnan(tree)) {
		const int counted = ur_fact_at(sum, "serial_chain") == 99 && ur_fact_at(sum, "tree_chain") == 7 &&
		                    ur_fact_at(sum, "in_order") == ur_fact_at(sum, "as_tree");
		ur_said a, b, c;

		f.found = counted && ur_fact_at(sum, "tree.high") < ur_fact_at(sum, "serial.low") ? UR_HOLDS : UR_FAILS;
		(void)snprintf(words, sizeof words,
			"Counted: %.0f dependent additions in order, %.0f as a tree. %.0f numbers took %s in "
			"order, %s side by side on one thread and %s on all: %.0f and %.0f times as fast.",
			ur_fact_at(sum, "serial_chain"), ur_fact_at(sum, "tree_chain"), ur_fact_at(sum, "n"),
				ur_tell_time(in_order, a),
			ur_tell_time(tree, b), ur_tell_time(ur_fact_at(sum, "all.median"), c), in_order / tree,
			in_order / ur_fact_at(sum, "all.median"));
	}
	ur_section_finding(s, &f);
}

/* -- pictures -- */

/* Lengths for which there is a fact of this kind, rising. */
static int lengths(const json_t *facts, const char *pass, int B, int T[MOST_T])
{
	char form[32];
	const char *name;
	json_t *value;
	int n = 0;

	(void)snprintf(form, sizeof form, "%s/B%d/T", pass, B);
	json_object_foreach((json_t *)(uintptr_t)facts, name, value)
		if (!strncmp(name, form, strlen(form)) && n < MOST_T) {
			const int t = atoi(name + strlen(form));
			int i = n++;
			for (; i > 0 && T[i - 1] > t; i--)
				T[i] = T[i - 1];
			T[i] = t;
		}
	return n;
}

static void draw_times(const json_t *facts, const char *pass, int B, const char *title, ur_section *s)
{
	static const ur_axis_of tokens = { "length", "tokens", 1 }, time = { "time", "s", 1 };
	const json_t *counts = json_object_get(facts, "counts");
	int T[MOST_T], n = lengths(facts, pass, B, T);
	const char *name;
	json_t *chart, *c;

	if (!n)
		return;
	chart = ur_section_chart(s, title,
		B == 1 ? "On one thread and on all; dashed: what the cost model predicted for one."
	                                          : "32 sequences at once, on one thread and on all.", &tokens, &time);
	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		char label[64];
		json_t *one, *all, *model;

		(void)snprintf(label, sizeof label, "%s, 1 thread", name);
		one = ur_chart_line(s, chart, label, name, UR_MEASURED);
		(void)snprintf(label, sizeof label, "%s, all threads", name);
		all = ur_chart_line(s, chart, label, name, UR_MEASURED);
		(void)snprintf(label, sizeof label, "%s, predicted", name);
		model = B == 1 ? ur_chart_line(s, chart, label, name, UR_FORETOLD) : NULL;
		for (int i = 0; i < n; i++) {
			char key[48];
			const json_t *f, *t;
			double p;

			(void)snprintf(key, sizeof key, "%s/B%d/T%d", pass, B, T[i]);
			f = json_object_get(json_object_get(facts, key), name);
			if ((t = json_object_get(f, "one")))
				ur_line_point(s, one, T[i], ur_fact_at(t, "median"), ur_fact_at(t, "low"), ur_fact_at(t, "high"));
			if ((t = json_object_get(f, "all")))
				ur_line_point(s, all, T[i], ur_fact_at(t, "median"), ur_fact_at(t, "low"), ur_fact_at(t, "high"));
			p = at(json_object_get(json_object_get(facts, "predicted"), name), pass, T[i]);
			if (model && !isnan(p))
				ur_line_point(s, model, T[i], p, NAN, NAN);
		}
	}
}

static void draw_chains(const json_t *counts, ur_section *s)
{
	static const ur_axis_of tokens = { "length", "tokens", 1 }, calls = { "dependent calls", "", 1 };
	json_t *chart, *c, *point;
	const char *name, *T;

	if (!counts)
		return;
	chart = ur_section_chart(s, "What has to wait",
		"The longest chain of kernel calls, each of which needs a result of the "
		"one before, in a forward pass.", &tokens, &calls);
	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		json_t *line = ur_chart_line(s, chart, name, name, UR_COUNTED);
		json_object_foreach(json_object_get(c, "chain"), T, point)
			ur_line_point(s, line, atof(T), json_number_value(point), NAN, NAN);
	}
}

static void draw_units(const json_t *facts, ur_section *s)
{
	static const ur_axis_of units = { "units", "", 1 }, faster = { "times as fast as one", "", 1 };
	const json_t *here = json_object_get(facts, "units/B1"), *model = json_object_get(facts, "predicted");
	const json_t *grid = json_object_get(model, "units");
	json_t *chart, *c, *u;
	const char *name;
	size_t i;

	if (!model)
		return;
	chart = ur_section_chart(s, "What more units make of it",
		"512 tokens at batch 1, forward. Measured as far as this machine "
		"has threads; dashed: predicted for ideal units, from counts and what kernels take on one thread.", &units,
			&faster);
	json_object_foreach((json_t *)(uintptr_t)json_object_get(facts, "counts"), name, c) {
		const json_t *each = json_object_get(here, name);
		const double one = ur_fact_at(json_array_get(each, 0), "median"), first = predicted(facts, name, "long", 1);
		char label[64];
		json_t *line;

		if (json_array_size(each) > 1) {
			line = ur_chart_line(s, chart, name, name, UR_MEASURED);
			json_array_foreach(json_object_get(here, "units"), i, u) {
				const json_t *t = json_array_get(each, i);
				ur_line_point(s, line, json_number_value(u), one / ur_fact_at(t, "median"), one / ur_fact_at(t, "high"),
				              one / ur_fact_at(t, "low"));
			}
		}
		(void)snprintf(label, sizeof label, "%s, predicted", name);
		line = ur_chart_line(s, chart, label, name, UR_FORETOLD);
		json_array_foreach((json_t *)(uintptr_t)grid, i, u) {
			const double p = predicted(facts, name, "long", json_number_value(u));
			if (!isnan(p))
				ur_line_point(s, line, json_number_value(u), first / p, NAN, NAN);
		}
	}
}

static void cell_time(ur_section *s, json_t *row, double seconds, ur_origin origin)
{
	ur_said text;

	ur_row_cell(s, row, seconds, origin, "%s", isnan(seconds) ? "-" : ur_tell_time(seconds, text));
}

static void tabulate(const json_t *facts, ur_section *s)
{
	static const char *const columns[] = { "mixer", "dependent calls", "the same, training", "1 thread", "all threads",
	                                       "512 tokens over one", "10,000 units", "512 over one, 10,000 units", NULL };
	const char *name;
	json_t *table, *c;

	if (!forward_time(facts, ur_lab_typical(json_object_get(facts, "counts"), 0), LONG, "one"))
		return;
	table = ur_section_table(s, "512 tokens at batch 1",
		"Forward, but for the second column. What 10,000 units would take is "
		"predicted, for ideal ones.", columns);
	json_object_foreach((json_t *)(uintptr_t)json_object_get(facts, "counts"), name, c) {
		json_t *row = ur_table_row(s, table, name);

		ur_row_cell(s, row, at(c, "chain", LONG), UR_COUNTED, "%.0f", at(c, "chain", LONG));
		ur_row_cell(s, row, at(c, "training", LONG), UR_COUNTED, "%.0f", at(c, "training", LONG));
		cell_time(s, row, ur_fact_at(forward_time(facts, name, LONG, "one"), "median"), UR_MEASURED);
		cell_time(s, row, ur_fact_at(forward_time(facts, name, LONG, "all"), "median"), UR_MEASURED);
		ur_row_cell(s, row, ratio_here(facts, name), UR_MEASURED, "%.0f times", ratio_here(facts, name));
		cell_time(s, row, predicted(facts, name, "long", MANY), UR_FORETOLD);
		ur_row_cell(s, row, ratio_many(facts, name), UR_FORETOLD, "%.1f times", ratio_many(facts, name));
	}
}

static void figures(const json_t *facts, const char *rnn, const char *attention, ur_section *s)
{
	const json_t *counts = json_object_get(facts, "counts");
	const struct { const char *name, *mixer; } of[] = { { "rnn", rnn }, { "attention", attention } };

	for (int i = 0; i < 2; i++) {
		const double chain = at(json_object_get(counts, of[i].mixer ? of[i].mixer : ""), "chain", LONG);
		const double time = ur_fact_at(forward_time(facts, of[i].mixer, LONG, "one"), "median");
		const speedup up = speedup_of(facts, of[i].mixer, 1);
		char name[40];
		ur_said text;

		(void)snprintf(name, sizeof name, "%s_chain_512", of[i].name);
		if (!isnan(chain))
			ur_section_figure(s, name, chain, UR_COUNTED, "%.0f", chain);
		(void)snprintf(name, sizeof name, "%s_forward_512", of[i].name);
		if (!isnan(time))
			ur_section_figure(s, name, time, UR_MEASURED, "%s", ur_tell_time(time, text));
		(void)snprintf(name, sizeof name, "speedup_%s", of[i].name);
		if (!isnan(up.median))
			ur_section_figure(s, name, up.median, UR_MEASURED, "%.2f times on %.0f threads", up.median, up.units);
	}
	if (idle_known(facts, rnn))
		ur_section_figure(s, "idle_rnn", idle_of(facts, rnn), UR_MEASURED, "%.0f %%", 100 * idle_of(facts, rnn));
}

static void ask(const json_t *facts, const char *rnn, const char *attention, ur_section *s)
{
	static const char *const chains[] = { "About as many", "Hundreds fewer", "Hundreds more", NULL };
	static const char *const sums[] = { "Both took about as long", "Side by side, at least twice as fast",
	                                    "In order, at least twice as fast", NULL };
	const json_t *counts = json_object_get(facts, "counts"), *sum = json_object_get(facts, "sum");
	const double r = at(json_object_get(counts, rnn), "chain", LONG);
	const double a = at(json_object_get(counts, attention), "chain", LONG);
	const double here = ratio_here(facts, attention), times = ur_fact_at(sum, "serial.median") / ur_fact_at(sum,
		"tree.median");
	char because[300], question[200];

	(void)snprintf(because, sizeof because, "Counted: %.0f dependent calls for attention, %.0f for %s.", a, r, rnn);
	(void)snprintf(question, sizeof question,
		"512 tokens pass through one layer. How many dependent steps does attention take "
	               "beside %s?", rnn);
	ur_section_question(s, question, chains, a < r - 100 ? 1 : a > r + 100 ? 2 : 0, because);
	if (!isnan(times)) {
		(void)snprintf(because, sizeof because,
			"On one thread adding in order took %.1f times as long as adding side by side.",
		               times);
		ur_section_question(s,
			"A million numbers were added on one thread, once in order and once side by side. What came out?",
		                    sums, times >= 2 ? 1 : times <= 0.5 ? 2 : 0, because);
	}
	if (!isnan(here)) {
		static const char *const nearly[] = { "Nearly as long as one token: at most twice", "2 to 100 times as long",
		                                      "More than 100 times as long", NULL };
		(void)snprintf(because, sizeof because,
			"It took %.0f times as long; predicted for 10,000 ideal units: %.1f times.",
		               here, ratio_many(facts, attention));
		ur_section_question(s, "How long did attention take for 512 tokens on this machine, beside one token?", nearly,
		                    here <= 2 ? 0 : here <= 100 ? 1 : 2, because);
	}
	if (idle_known(facts, rnn)) {
		static const char *const shares[] = { "Less than a tenth", "A tenth to a half", "About a half or more", NULL };
		const double idle = idle_of(facts, rnn);
		(void)snprintf(because, sizeof because, "%.0f %% of the processor time of all threads was unused.", 100 * idle);
		ur_section_question(s, "One stream is stepped on by a recurrent network. How much of this machine was idle?",
			shares,
		                    idle < 0.1 ? 0 : idle < 0.45 ? 1 : 2, because);
	}
}

void ur_serial_conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const json_t *counts = json_object_get(facts, "counts");
	const char *rnn = ur_lab_typical(counts, 0), *attention = ur_lab_typical(counts, 1);

	(void)others;
	find_steps(counts, s);
	find_units(facts, rnn, attention, s);
	find_batch(facts, rnn, s);
	find_nearly(facts, rnn, attention, s);
	find_idle(facts, rnn, s);
	find_sum(json_object_get(facts, "sum"), s);
	if (!rnn || !attention)
		return;
	figures(facts, rnn, attention, s);
	draw_chains(counts, s);
	draw_times(facts, "forward", 1, "Forward, by length", s);
	draw_times(facts, "training", 1, "Training, by length", s);
	draw_times(facts, "forward", BATCH, "Forward at batch 32", s);
	draw_times(facts, "training", BATCH, "Training at batch 32", s);
	draw_units(facts, s);
	tabulate(facts, s);
	ask(facts, rnn, attention, s);
}
