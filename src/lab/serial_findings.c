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

/* A number with its 95 % interval, the worst that the intervals it is made of allow. sure 0: one of them was of too few
 * repeats to be one. */
typedef struct estimate { double median, low, high; int sure; } estimate;
static const estimate nothing = { NAN, NAN, NAN, 0 };

static estimate estimate_of(const json_t *times)
{
	return (estimate){ ur_fact_at(times, "median"), ur_fact_at(times, "low"), ur_fact_at(times, "high"),
	                   json_is_true(json_object_get(times, "sure")) };
}

static estimate over(estimate a, estimate b)
{
	return (estimate){ a.median / b.median, a.low / b.high, a.high / b.low, a.sure && b.sure };
}

/* An interval so wide that it says nothing: the machine was at something else. */
static int wide(const estimate *e) { return e->high > 2 * e->low; }

/* How sure it is that a is above b: holds or fails where the whole intervals say so. */
static ur_found above(const estimate *a, const estimate *b)
{
	if (!a->sure || !b->sure)
		return UR_MISSING;
	if (a->low > b->high)
		return UR_HOLDS;
	if (a->high < b->low)
		return UR_FAILS;
	return wide(a) || wide(b) || !(a->median > b->median) ? UR_MISSING : UR_HOLDS_IF;
}

/* What above() comes to, as rules say it; and why it is UR_MISSING. */
#define DECIDED "the whole 95 % intervals say so, and fails if they say the opposite; where they overlap, it holds " \
	"under a condition if the medians say so, else it is open, as it is if an interval's ends are a factor of two " \
	"apart, or of fewer than six repeats"
static const char OVERLAP[] = "the difference of the medians is more than noise, though their intervals overlap";

static const char BUSY[] = " The machine was busy with other things: this tells nothing either way.";

static const char *why_open(const estimate *a, const estimate *b)
{
	return !a->sure || !b->sure ? " Of so few repeats this tells nothing either way."
	       : wide(a) || wide(b) ? BUSY : " The intervals overlap: this tells nothing either way.";
}

/* How many times: a decimal below 10, commas from 1,000 on. */
static const char *tell_times(double x, ur_said out)
{
	if (fabs(x) < 999.5)
		(void)snprintf(out, sizeof(ur_said), "%.*f", fabs(x) < 9.95, x);
	else
		(void)ur_tell_count(rint(x), out);
	return out;
}

static const json_t *units_fact(const json_t *facts, int B, int T)
{
	char name[32];

	(void)snprintf(name, sizeof name, "units/B%d/T%d", B, T);
	return json_object_get(facts, name);
}

/* Of the most threads over one; `nothing` where there is but one, or no fact. */
static estimate speedup_of(const json_t *facts, const char *mixer, int B, int T)
{
	const json_t *each = json_object_get(units_fact(facts, B, T), mixer ? mixer : "");
	const size_t n = json_array_size(each);

	return n < 2 ? nothing : over(estimate_of(json_array_get(each, 0)), estimate_of(json_array_get(each, n - 1)));
}

/* The most threads that were timed. */
static double most_units(const json_t *facts, int B, int T)
{
	const json_t *units = json_object_get(units_fact(facts, B, T), "units");
	const size_t n = json_array_size(units);

	return n ? json_number_value(json_array_get(units, n - 1)) : NAN;
}

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

/* Forward at batch 1, on all threads where there are more than one. */
static const json_t *forward_here(const json_t *facts, const char *mixer, int T)
{
	const json_t *all = forward_time(facts, mixer, T, "all");
	return all ? all : forward_time(facts, mixer, T, "one");
}

/* How many times as long LONG tokens take as one. */
static estimate ratio_here(const json_t *facts, const char *mixer)
{
	return over(estimate_of(forward_here(facts, mixer, LONG)), estimate_of(forward_here(facts, mixer, 1)));
}

static double ratio_many(const json_t *facts, const char *mixer)
{
	return predicted(facts, mixer, "long", MANY) / predicted(facts, mixer, "one", MANY);
}

/* -- verdicts -- */

/* Whether two mixers were counted alike at every length. */
static int alike(const json_t *counts, const char *a, const char *b)
{
	return json_equal(json_object_get(json_object_get(counts, a), "chain"),
	                  json_object_get(json_object_get(counts, b), "chain"));
}

/* The first mixer with the same chains: itself where there is none before it. */
static const char *first_alike(const json_t *counts, const char *of)
{
	const char *name;
	json_t *c;

	json_object_foreach((json_t *)(uintptr_t)counts, name, c)
		if (alike(counts, name, of))
			return name;
	return of;
}

/* "rnn, gru: 1,027, and 2 more with every token", once for all that are alike; how much was written. */
static size_t say_chains(const json_t *counts, const char *first, char *out, size_t room, int more)
{
	const json_t *c = json_object_get(counts, first);
	const double a_token = slope(c);
	const char *name;
	ur_said chain;
	size_t used;
	json_t *other;

	if (strcmp(first_alike(counts, first), first))
		return 0;
	used = (size_t)snprintf(out, room, "%s%s", more ? "; " : "Dependent calls for 512 tokens, counted: ", first);
	json_object_foreach((json_t *)(uintptr_t)counts, name, other)
		if (strcmp(name, first) && alike(counts, name, first) && used < room - 100)
			used += (size_t)snprintf(out + used, room - used, ", %s", name);
	used += (size_t)snprintf(out + used, room - used, " %s, %.*f a token", ur_tell_count(at(c, "chain", LONG), chain),
		fabs(a_token - rint(a_token)) < 1e-6 ? 0 : 3, a_token);
	return used;
}

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
		if (used < sizeof words - 200)
			used += say_chains(counts, name, words + used, sizeof words - used, used > 0);
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
		.rule = "Attention's speed-up from one thread to all, at batch 1 and 512 tokens, against the largest that any "
			"recurrence may have: holds if it is above and " DECIDED "." };
	const json_t *counts = json_object_get(facts, "counts");
	const estimate a = speedup_of(facts, attention, 1, LONG);
	estimate best = { NAN, NAN, NAN, 1 };
	const char *name, *who = "";
	int spread = 0;
	ur_said t[2];
	json_t *c;

	/* what any of them may reach, and what one of them reaches at least */
	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		const estimate r = speedup_of(facts, name, 1, LONG);

		if (json_is_true(json_object_get(c, "grows")) || isnan(r.median))
			continue;
		if (!(best.median >= r.median))
			who = name;
		best = (estimate){ fmax(best.median, r.median), fmax(best.low, r.low), fmax(best.high, r.high),
		                   best.sure && r.sure };
		spread = spread || wide(&r);
	}
	if (!isnan(predicted(facts, rnn, "long", MANY)) && !isnan(predicted(facts, attention, "long", MANY))) {
		(void)snprintf(prediction, sizeof prediction,
			"On an ideal machine of 10,000 units %s would be %s times as fast as on one, %s %s times.", attention,
			tell_times(predicted(facts, attention, "long", 1) / predicted(facts, attention, "long", MANY), t[0]), rnn,
			tell_times(predicted(facts, rnn, "long", 1) / predicted(facts, rnn, "long", MANY), t[1]));
		f.prediction = prediction;
	}
	if (!isnan(a.median) && !isnan(best.median)) {
		f.found = above(&a, &best);
		if (f.found == UR_HOLDS_IF && spread)
			f.found = UR_MISSING;
		f.condition = f.found == UR_HOLDS_IF ? OVERLAP : NULL;
		(void)snprintf(words, sizeof words,
			"From 1 thread to %.0f: %s %.2f times as fast (%.2f to %.2f), the best recurrence, %s, %.2f times (of all "
			"recurrences at least %.2f and at most %.2f).%s", most_units(facts, 1, LONG), attention, a.median, a.low,
			a.high, who, best.median, best.low, best.high,
			f.found != UR_MISSING ? "" : spread && a.sure && best.sure ? BUSY : why_open(&a, &best));
	} else if (most_units(facts, 1, LONG) <= 1) {
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
		.rule = "The recurrence's speed-up from one thread to all for 64 tokens, at batch 32 against batch 1: holds if "
			"it is above and " DECIDED "." };
	const estimate one = speedup_of(facts, rnn, 1, SHORT), many = speedup_of(facts, rnn, BATCH, SHORT);

	if (!isnan(one.median) && !isnan(many.median)) {
		f.found = above(&many, &one);
		f.condition = f.found == UR_HOLDS_IF ? OVERLAP : NULL;
		(void)snprintf(words, sizeof words,
			"%s, 64 tokens, on %.0f threads instead of one: %.2f times as fast at batch 1 (%.2f to %.2f), %.2f times "
			"at batch 32 (%.2f to %.2f).%s", rnn, most_units(facts, BATCH, SHORT), one.median, one.low, one.high,
			many.median, many.low, many.high, f.found == UR_MISSING ? why_open(&many, &one) : "");
	} else if (most_units(facts, BATCH, SHORT) <= 1) {
		(void)snprintf(words, sizeof words, "This lab has one thread: there is nothing to compare.");
	}
	ur_section_finding(s, &f);
}

static void find_nearly(const json_t *facts, const char *rnn, const char *attention, ur_section *s)
{
	const estimate here = ratio_here(facts, attention), rnn_here = ratio_here(facts, rnn);
	const double many = ratio_many(facts, attention), rnn_many = ratio_many(facts, rnn);
	char words[400] = "Not measured yet.", far[400] = "Not predicted yet.", prediction[200];
	ur_said t[4];
	ur_finding f = { .name = "nearly", .found = UR_MISSING, .words = words,
		.claim = "Attention takes in 512 tokens nearly as fast as one.",
		.rule = "Measured here on all threads, forward at batch 1: holds if 512 tokens take at most twice as long as "
			"one, by the whole 95 % interval of the ratio, and fails if the whole interval is above 2; if 2 lies in "
			"it, it holds under a condition where the median is below, else it is open. Fewer than six repeats "
			"decide nothing." };
	ur_finding g = { .name = "nearly_many", .found = UR_MISSING, .words = far,
		.claim = "With 10,000 units attention takes in 512 tokens nearly as fast as one, and a recurrence does not.",
		.rule = "Never measured, so never more than predicted: the cost model's times of 512 tokens and of one, for "
			"units that share memory at no cost. Predicted if attention's ratio is at most 4 and at most a tenth of "
			"the recurrence's; it fails if the model says otherwise." };

	if (!isnan(many)) {
		(void)snprintf(prediction, sizeof prediction,
			"On one unit %s times as long as one token, on 10,000 ideal ones %s times.",
			tell_times(predicted(facts, attention, "long", 1) / predicted(facts, attention, "one", 1), t[0]),
			tell_times(many, t[1]));
		f.prediction = prediction;
		g.prediction = prediction;
	}
	if (!isnan(many) && !isnan(rnn_many)) {
		g.found = many <= 4 && many <= rnn_many / 10 ? UR_PREDICTED : UR_FAILS;
		(void)snprintf(far, sizeof far,
			"Predicted for 10,000 units: 512 tokens take %s %s times as long as one, and %s %s times.", attention,
			tell_times(many, t[0]), rnn, tell_times(rnn_many, t[1]));
	}
	if (!isnan(here.median)) {
		const char *end = "";
		char beside[120] = "";

		f.found = !here.sure ? UR_MISSING : here.high <= 2 ? UR_HOLDS : here.low > 2 ? UR_FAILS
		          : here.median <= 2 ? UR_HOLDS_IF : UR_MISSING;
		f.condition = f.found == UR_HOLDS_IF ? "the median is right, though its interval reaches beyond 2" : NULL;
		if (f.found == UR_FAILS)
			end = " With so few units it is the work that counts, not the chain.";
		else if (f.found == UR_MISSING)
			end = here.sure ? " The interval reaches to both sides of 2: this tells nothing either way."
			                : " Of so few repeats this tells nothing either way.";
		if (!isnan(rnn_here.median))
			(void)snprintf(beside, sizeof beside, ", and %s %s times", rnn, tell_times(rnn_here.median, t[3]));
		(void)snprintf(words, sizeof words,
			"On this machine 512 tokens take %s %s times as long as one (%s to %s)%s.%s", attention,
			tell_times(here.median, t[0]), tell_times(here.low, t[1]), tell_times(here.high, t[2]), beside, end);
	}
	ur_section_finding(s, &f);
	ur_section_finding(s, &g);
}

/* Share of the lab's threads that had nothing to do while the mixer was stepped on. */
static double idle_of(const json_t *facts, const char *mixer)
{
	const json_t *idle = json_object_get(facts, "idle");
	const double left = 1 - ur_fact_at(json_object_get(idle, mixer ? mixer : ""), "busy") / ur_fact_at(idle, "threads");
	return left < 0 ? 0 : left;
}

/* Useful operations of one sequence of LONG tokens in the time it took on all threads, over what the machine can do. */
static estimate useful(const json_t *facts, const char *mixer)
{
	const json_t *counts = json_object_get(json_object_get(facts, "counts"), mixer ? mixer : "");
	const double least = at(counts, "flops", LONG) / ur_fact_at(json_object_get(facts, "idle"), "peak");

	return over((estimate){ least, least, least, 1 }, estimate_of(forward_here(facts, mixer, LONG)));
}

static int idle_known(const json_t *facts, const char *mixer)
{
	return !isnan(idle_of(facts, mixer)) && ur_fact_at(json_object_get(facts, "idle"), "threads") > 1;
}

static void find_idle(const json_t *facts, const char *rnn, const char *attention, ur_section *s)
{
	const double threads = ur_fact_at(json_object_get(facts, "idle"), "threads");
	const estimate r = useful(facts, rnn), a = useful(facts, attention);
	char words[500] = "Not measured yet.";
	ur_finding f = { .name = "idle", .found = UR_MISSING, .words = words,
		.claim = "On one sequence a recurrent network leaves more of the machine unused than attention does.",
		.prediction = "A recurrence's step is a product of one row, which waits for the one before it: of P units most "
			"wait. Attention's products have hundreds of rows that do not.",
		.rule = "512 tokens at batch 1 on all threads, counted operations over what the machine can do in the time "
			"they took: attention's share against the recurrence's. It holds if it is above and " DECIDED "." };

	if (threads <= 1) {
		(void)snprintf(words, sizeof words, "This lab has one thread: none can be idle beside it.");
	} else if (!isnan(r.median) && !isnan(a.median)) {
		size_t used;

		f.found = above(&a, &r);
		f.condition = f.found == UR_HOLDS_IF ? OVERLAP : NULL;
		used = (size_t)snprintf(words, sizeof words,
			"Of the operations that %.0f threads can do, %s did %.1f %% (%.1f to %.1f) while it took in 512 tokens, %s "
			"%.1f %% (%.1f to %.1f).%s", threads, rnn, 100 * r.median, 100 * r.low, 100 * r.high, attention,
			100 * a.median, 100 * a.low, 100 * a.high, f.found == UR_MISSING ? why_open(&a, &r) : "");
		if (idle_known(facts, rnn) && used < sizeof words)
			(void)snprintf(words + used, sizeof words - used,
				" Stepping on one stream, which is done on one thread, left %.0f %% of the processor time unused.",
				100 * idle_of(facts, rnn));
	}
	ur_section_finding(s, &f);
}

static void find_sum(const json_t *sum, ur_section *s)
{
	const estimate in_order = estimate_of(json_object_get(sum, "serial")), tree = estimate_of(json_object_get(sum,
		"tree"));
	char words[400] = "Not measured yet.";
	ur_finding f = { .name = "sum", .found = UR_MISSING, .words = words,
		.claim = "The same additions go faster when fewer of them wait for each other.",
		.prediction = "The sum of 1 to 100 has 99 additions either way: 99 in a chain in order, 7 as a tree.",
		.rule = "Fails unless the counted chains are 99 and 7 with equal sums. Then a million numbers on one thread, "
			"in order against side by side: holds if the time in order is above and " DECIDED "." };

	if (!isnan(in_order.median) && !isnan(tree.median)) {
		const int counted = ur_fact_at(sum, "serial_chain") == 99 && ur_fact_at(sum, "tree_chain") == 7 &&
		                    ur_fact_at(sum, "in_order") == ur_fact_at(sum, "as_tree");
		const double all = ur_fact_at(sum, "all.median");
		ur_said t[6];

		f.found = counted ? above(&in_order, &tree) : UR_FAILS;
		f.condition = f.found == UR_HOLDS_IF ? OVERLAP : NULL;
		(void)snprintf(words, sizeof words,
			"Counted: %.0f dependent additions in order, %.0f as a tree. %s numbers took %s in order; side by side %s "
			"on one thread (%s times as fast) and %s on all (%s times).%s", ur_fact_at(sum, "serial_chain"),
			ur_fact_at(sum, "tree_chain"), ur_tell_count(ur_fact_at(sum, "n"), t[0]),
			ur_tell_time(in_order.median, t[1]),
			ur_tell_time(tree.median, t[2]), tell_times(in_order.median / tree.median, t[3]), ur_tell_time(all, t[4]),
			tell_times(in_order.median / all, t[5]), f.found == UR_MISSING ? why_open(&in_order, &tree) : "");
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

static void cell_time(ur_section *s, json_t *row, double seconds, ur_origin origin)
{
	ur_said text;

	ur_row_cell(s, row, seconds, origin, "%s", isnan(seconds) ? "-" : ur_tell_time(seconds, text));
}

/* What was timed at one length alone is no line. */
static void tabulate_times(const json_t *facts, const char *pass, int B, int T, const char *title, ur_section *s)
{
	static const char *const columns[] = { "mixer", "1 thread", "all threads", NULL };
	char key[48], about[120];
	const char *name;
	json_t *table, *f;

	(void)snprintf(key, sizeof key, "%s/B%d/T%d", pass, B, T);
	(void)snprintf(about, sizeof about, "%d tokens of each of %d sequences at once; medians.", T, B);
	table = ur_section_table(s, title, about, columns);
	json_object_foreach(json_object_get(facts, key), name, f) {
		json_t *row = ur_table_row(s, table, name);

		cell_time(s, row, ur_fact_at(f, "one.median"), UR_MEASURED);
		cell_time(s, row, ur_fact_at(f, "all.median"), UR_MEASURED);
	}
}

static void draw_times(const json_t *facts, const char *pass, int B, const char *title, ur_section *s)
{
	static const ur_axis_of tokens = { "length", "tokens", 1 }, time = { "time", "s", 1 };
	const json_t *counts = json_object_get(facts, "counts");
	int T[MOST_T], n = lengths(facts, pass, B, T);
	const char *name;
	json_t *chart, *c;

	if (n == 1)
		tabulate_times(facts, pass, B, T[0], title, s);
	if (n < 2)
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
	char about[500] = "The longest chain of kernel calls, each of which needs a result of the one before, in a forward "
		"pass.";
	size_t used = strlen(about);
	json_t *chart, *c, *point;
	const char *name, *T;

	if (!counts)
		return;
	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		const char *under = first_alike(counts, name);
		if (strcmp(under, name) && used < sizeof about - 100)
			used += (size_t)snprintf(about + used, sizeof about - used, " The lines of %s and %s coincide.",
			                         name, under);
	}
	chart = ur_section_chart(s, "What has to wait", about, &tokens, &calls);
	json_object_foreach((json_t *)(uintptr_t)counts, name, c) {
		json_t *line = ur_chart_line(s, chart, name, name, UR_COUNTED);
		json_object_foreach(json_object_get(c, "chain"), T, point)
			ur_line_point(s, line, atof(T), json_number_value(point), NAN, NAN);
	}
}

static void draw_units(const json_t *facts, ur_section *s)
{
	static const ur_axis_of units = { "units", "", 1 }, faster = { "times as fast as one", "", 1 };
	const json_t *here = units_fact(facts, 1, LONG), *model = json_object_get(facts, "predicted");
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
		const double here = ratio_here(facts, name).median, many = ratio_many(facts, name);
		json_t *row = ur_table_row(s, table, name);
		ur_said text;

		ur_row_cell(s, row, at(c, "chain", LONG), UR_COUNTED, "%s", ur_tell_count(at(c, "chain", LONG), text));
		ur_row_cell(s, row, at(c, "training", LONG), UR_COUNTED, "%s", ur_tell_count(at(c, "training", LONG), text));
		cell_time(s, row, ur_fact_at(forward_time(facts, name, LONG, "one"), "median"), UR_MEASURED);
		cell_time(s, row, ur_fact_at(forward_time(facts, name, LONG, "all"), "median"), UR_MEASURED);
		ur_row_cell(s, row, here, UR_MEASURED, "%s times", tell_times(here, text));
		cell_time(s, row, predicted(facts, name, "long", MANY), UR_FORETOLD);
		ur_row_cell(s, row, many, UR_FORETOLD, "%s times", tell_times(many, text));
	}
}

static void figures(const json_t *facts, const char *rnn, const char *attention, ur_section *s)
{
	const json_t *counts = json_object_get(facts, "counts");
	const struct { const char *name, *mixer; } of[] = { { "rnn", rnn }, { "attention", attention } };

	for (int i = 0; i < 2; i++) {
		const double chain = at(json_object_get(counts, of[i].mixer ? of[i].mixer : ""), "chain", LONG);
		const double time = ur_fact_at(forward_time(facts, of[i].mixer, LONG, "one"), "median");
		const double up = speedup_of(facts, of[i].mixer, 1, LONG).median;
		char name[40];
		ur_said text;

		(void)snprintf(name, sizeof name, "%s_chain_512", of[i].name);
		if (!isnan(chain))
			ur_section_figure(s, name, chain, UR_COUNTED, "%s", ur_tell_count(chain, text));
		(void)snprintf(name, sizeof name, "%s_forward_512", of[i].name);
		if (!isnan(time))
			ur_section_figure(s, name, time, UR_MEASURED, "%s", ur_tell_time(time, text));
		(void)snprintf(name, sizeof name, "speedup_%s", of[i].name);
		if (!isnan(up))
			ur_section_figure(s, name, up, UR_MEASURED, "%.2f times on %.0f threads", up, most_units(facts, 1, LONG));
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
	const double here = ratio_here(facts, attention).median, times = ur_fact_at(sum, "serial.median") / ur_fact_at(sum,
		"tree.median");
	char because[300], question[200];
	ur_said t[2];

	(void)snprintf(because, sizeof because, "Counted: %s dependent calls for attention, %s for %s.",
	               ur_tell_count(a, t[0]),
		ur_tell_count(r, t[1]), rnn);
	(void)snprintf(question, sizeof question,
		"512 tokens pass through one layer. How many dependent steps does attention take "
	               "beside %s?", rnn);
	ur_section_question(s, question, chains, a < r - 100 ? 1 : a > r + 100 ? 2 : 0, because);
	if (!isnan(times)) {
		(void)snprintf(because, sizeof because,
			"On one thread adding in order took %s times as long as adding side by side.", tell_times(times, t[0]));
		ur_section_question(s,
			"A million numbers were added on one thread, once in order and once side by side. What came out?",
		                    sums, times >= 2 ? 1 : times <= 0.5 ? 2 : 0, because);
	}
	if (!isnan(here)) {
		static const char *const nearly[] = { "Nearly as long as one token: at most twice", "2 to 100 times as long",
		                                      "More than 100 times as long", NULL };
		(void)snprintf(because, sizeof because,
			"It took %s times as long; predicted for 10,000 ideal units: %s times.", tell_times(here, t[0]),
			tell_times(ratio_many(facts, attention), t[1]));
		ur_section_question(s, "How long did attention take for 512 tokens on this machine, beside one token?", nearly,
		                    here <= 2 ? 0 : here <= 100 ? 1 : 2, because);
	}
	if (idle_known(facts, rnn)) {
		static const char *const shares[] = { "Less than a tenth", "A tenth to a half", "About a half or more", NULL };
		const double idle = idle_of(facts, rnn);
		(void)snprintf(because, sizeof because, "%.0f %% of the processor time of all threads was unused.", 100 * idle);
		ur_section_question(s, "One stream is stepped on by a recurrent network. How much of this machine was idle?",
			shares, idle < 0.1 ? 0 : idle < 0.45 ? 1 : 2, because);
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
	find_idle(facts, rnn, attention, s);
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
