/* What learning online comes to: rules, chart, table, questions, from the facts alone. */
#include "lab/online.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double Z = 1.959963984540054;
static const double SAME = 1e6;         /* bytes that a process may grow by on its own account */

/* A share of events. */
typedef struct share { double right, n; } share;
static double of(const share *s) { return s->n > 0 ? s->right / s->n : NAN; }

/* a - b with its 95 % interval, as if the events of one and the other were drawn apart: wider than need be, since they
 * are the same. */
typedef struct apart { double mean, low, high; } apart;
static apart apart_of(const share *a, const share *b)
{
	const double p = of(a), q = of(b), wide = Z * sqrt(p * (1 - p) / a->n + q * (1 - q) / b->n);

	return (apart){ p - q, p - q - wide, p - q + wide };
}

/* One model, all of its seeds. */
enum { MOST = 32, MOST_SEEDS = 8 };
typedef struct one {
	char name[32];
	const json_t *first;            /* the run of the first seed */
	int grows, seeds;
	share learning[MOST_SEEDS], frozen[MOST_SEEDS], learnt, froze, before;
	double bytes, grown;            /* the most of its runs; -1: not told */
	double thread, low, high;       /* of an event */
} one;
typedef struct seen { int n; one of[MOST]; int rnn, other; share last, usual; } seen;

static share share_at(const json_t *run, const char *key)
{
	const json_t *s = json_object_get(run, key);
	const share x = { ur_fact_at(s, "right"), ur_fact_at(s, "n") };

	return isnan(x.right) || isnan(x.n) ? (share){ 0, 0 } : x;
}

static void join(share *to, const share *s)
{
	to->right += s->right;
	to->n += s->n;
}

static one *find(seen *q, const char *name, size_t n)
{
	for (int i = 0; i < q->n; i++)
		if (strlen(q->of[i].name) == n && !strncmp(q->of[i].name, name, n))
			return &q->of[i];
	return NULL;
}

static void add_run(one *o, const json_t *run)
{
	const share learning = share_at(run, "learning"), frozen = share_at(run, "frozen"), before = share_at(run,
	                                                                                                      "before");

	o->grows = json_is_true(json_object_get(run, "grows"));
	if (!o->first)
		o->first = run;
	if (o->seeds < MOST_SEEDS) {
		o->learning[o->seeds] = learning;
		o->frozen[o->seeds++] = frozen;
	}
	join(&o->learnt, &learning);
	join(&o->froze, &frozen);
	join(&o->before, &before);
	o->bytes = fmax(o->bytes, ur_fact_at(run, "bytes"));
	o->grown = fmax(o->grown, ur_fact_at(run, "grown"));
}

/* The recurrence that speaks for all is the LSTM, where there is one. */
static seen seen_of(const json_t *facts)
{
	const json_t *costs = json_object_get(facts, "costs");
	seen q = { .rnn = -1, .other = -1 };
	const char *key;
	char name[64];
	json_t *run;

	json_object_foreach((json_t *)(size_t)facts, key, run) {
		const char *end = !strncmp(key, "run/", 4) ? strchr(key + 4, '/') : NULL;
		const size_t n = end ? (size_t)(end - key) - 4 : 0;
		one *o;

		if (!n || n >= sizeof o->name)
			continue;
		if (!(o = find(&q, key + 4, n))) {
			if (q.n == MOST)
				continue;
			o = &q.of[q.n++];
			*o = (one){ .grown = -1, .thread = NAN };
			(void)snprintf(o->name, sizeof o->name, "%.*s", (int)n, key + 4);
		}
		add_run(o, run);
		if (o == q.of) { /* the same for all models */
			const share last = share_at(run, "last"), usual = share_at(run, "usual");
			join(&q.last, &last);
			join(&q.usual, &usual);
		}
	}
	for (int i = 0; i < q.n; i++) {
		one *o = &q.of[i];

		(void)snprintf(name, sizeof name, "%s.thread", o->name);
		o->thread = ur_fact_at(costs, name);
		(void)snprintf(name, sizeof name, "%s.thread_low", o->name);
		o->low = ur_fact_at(costs, name);
		(void)snprintf(name, sizeof name, "%s.thread_high", o->name);
		o->high = ur_fact_at(costs, name);
		if (o->grows)
			q.other = i;
		else if (q.rnn < 0 || !strcmp(o->name, "lstm"))
			q.rnn = i;
	}
	return q;
}

static const one *rnn_of(const seen *q) { return q->rnn < 0 ? NULL : &q->of[q->rnn]; }
static const one *other_of(const seen *q) { return q->other < 0 ? NULL : &q->of[q->other]; }

/* -- findings -- */

static void find_learning(const seen *q, ur_section *s)
{
	const one *o = rnn_of(q);
	char words[560] = "Not measured yet.";
	int above = 0, below = 0;
	ur_finding f = { .name = "learning", .found = UR_MISSING, .words = words,
		.claim = "Learning from single events as they arrive, a recurrence keeps up with a stream that the same model, "
			"frozen, has lost.",
		.prediction = "The cost model says nothing of quality.",
		.rule = "Of the events behind the change, once there was time to learn: holds if the LSTM that learns is right "
			"more often than the one frozen at the change, outside the 95 % interval in every seed; fails if it is "
			"not so in any; under a condition if only in some." };

	for (int i = 0; o && i < o->seeds; i++) {
		const apart d = apart_of(&o->learning[i], &o->frozen[i]);
		above += d.low > 0;
		below += !isnan(d.low) && d.low <= 0;
	}
	if (above + below) {
		const apart d = apart_of(&o->learnt, &o->froze);

		f.found = !below ? UR_HOLDS : above ? UR_HOLDS_IF : UR_FAILS;
		if (f.found == UR_HOLDS_IF)
			f.condition = "it is so for some starting weights and streams, not for all that were tried";
		(void)snprintf(words, sizeof words, "%s, learning: %.1f %% of answers right behind the change; frozen at the "
			"change: %.1f %%; apart %.1f points (95 %%: %.1f to %.1f), so in %d of %d seeds. Before the change, while "
			"it learnt: %.1f %%.", o->name, 100 * of(&o->learnt), 100 * of(&o->froze), 100 * d.mean, 100 * d.low,
			100 * d.high, above, above + below, 100 * of(&o->before));
	}
	ur_section_finding(s, &f);
}

static void find_memory(const seen *q, ur_section *s)
{
	double grown = -1, bytes = 0;
	char words[400] = "Not measured yet.";
	ur_said a, b;
	ur_finding f = { .name = "memory", .found = UR_MISSING, .words = words,
		.claim = "It does so in memory that never grows.",
		.prediction = "A window, a state, weights, gradients and moments: none depends on the number of events.",
		.rule = "Of what the process had resident at most in the second half of the stream, beyond what it had at half "
			"time: holds if that is under 1 MB for every model, fails otherwise; missing where the kernel does not "
			"tell." };

	for (int i = 0; i < q->n; i++) {
		grown = fmax(grown, q->of[i].grown);
		bytes = fmax(bytes, q->of[i].bytes);
	}
	if (grown >= 0) {
		f.found = grown < SAME ? UR_HOLDS : UR_FAILS;
		(void)snprintf(words, sizeof words, "The process grew by %s at most over the second half of a stream. Planned "
			"before the first event: at most %s for a model, its moments, its frozen copy and its window.",
			ur_tell_bytes(grown, a), ur_tell_bytes(bytes, b));
	} else if (q->n) {
		(void)snprintf(words, sizeof words, "This kernel lets nobody reset the peak of resident memory.");
	}
	ur_section_finding(s, &f);
}

static void find_cost(const seen *q, ur_section *s)
{
	const one *a = rnn_of(q), *b = other_of(q);
	char words[400] = "Not measured yet.";
	ur_said x, y;
	ur_finding f = { .name = "cost", .found = UR_MISSING, .words = words,
		.claim = "To learn from an event costs a recurrence less than attention that sees the same window.",
		.prediction = "Both go over the window forward and back. Of as many parameters, attention multiplies about as "
			"much and looks at all pairs besides; but 16 events are few, so what surrounds the products counts, too.",
		.rule = "Of processor seconds an event, of one thread, in models of about as many parameters: holds if the "
			"LSTM's interval lies below attention's, fails if above; missing where they overlap." };

	if (a && b && !isnan(a->thread) && !isnan(b->thread)) {
		f.found = a->high < b->low ? UR_HOLDS : a->low > b->high ? UR_FAILS : UR_MISSING;
		(void)snprintf(words, sizeof words, "%s %s an event, %s %s: %.2f times as much, windows of %.0f events.%s",
			a->name, ur_tell_time(a->thread, x), b->name, ur_tell_time(b->thread, y), b->thread / a->thread,
			ur_fact_at(a->first, "window"), f.found == UR_MISSING ? " The intervals overlap." : "");
	}
	ur_section_finding(s, &f);
}

static void find_suits(const seen *q, ur_section *s)
{
	const one *a = rnn_of(q), *b = other_of(q);
	char words[400] = "Not measured yet.";
	ur_finding f = { .name = "suits", .found = UR_MISSING, .words = words,
		.claim = "So learning online suits recurrence better than attention.",
		.prediction = "The cost model says nothing of quality.",
		.rule = "Of the same events behind the change, all seeds together: holds if the LSTM that learns is right more "
			"often than attention that learns, outside the 95 % interval; under a condition if they are equal within 2 "
			"points either way; fails if attention is right more often; missing if the interval leaves that open." };

	if (a && b && a->learnt.n > 0 && b->learnt.n > 0) {
		const apart d = apart_of(&a->learnt, &b->learnt);

		f.found = d.low > 0 ? UR_HOLDS : d.high < 0 ? UR_FAILS : d.low > -0.02 && d.high < 0.02 ? UR_HOLDS_IF
		                                                                                      : UR_MISSING;
		if (f.found == UR_HOLDS_IF)
			f.condition = "cost decides, since both are right equally often on this stream, whose answers depend on "
				"nothing further back than the window";
		(void)snprintf(words, sizeof words, "Learning, behind the change: %s %.1f %% right, %s %.1f %%; apart %.1f "
		               "points "
			"(95 %%: %.1f to %.1f).", a->name, 100 * of(&a->learnt), b->name, 100 * of(&b->learnt), 100 * d.mean,
			100 * d.low, 100 * d.high);
	}
	ur_section_finding(s, &f);
}

/* -- what is shown -- */

static void line_of(ur_section *s, json_t *chart, const one *o, const char *key, const char *format)
{
	const json_t *curve = json_object_get(o->first, key), *y;
	const double events = ur_fact_at(o->first, "events"), n = (double)json_array_size(curve);
	char name[64];
	json_t *line;
	size_t i;

	(void)snprintf(name, sizeof name, "%s%s", o->name, format);
	line = ur_chart_line(s, chart, name, o->name, UR_MEASURED);
	json_array_foreach((json_t *)(size_t)curve, i, y)
		if (json_is_number(y))
			ur_line_point(s, line, events * ((double)i + 1) / n, json_number_value(y), NAN, NAN);
}

static void draw(const seen *q, ur_section *s)
{
	static const ur_axis_of events = { "events", "", 0 }, right = { "answers right", "share", 0 };
	json_t *chart;

	if (!q->n)
		return;
	chart = ur_section_chart(s, "Right before it was learnt", "Share of answers that were right, block by block, of "
	                         "one "
		"stream. Half way the rule changes; the frozen copies are of that moment.", &events, &right);
	for (int i = 0; i < q->n; i++)
		line_of(s, chart, &q->of[i], "curve", "");
	if (rnn_of(q))
		line_of(s, chart, rnn_of(q), "frozen_curve", ", frozen");
}

static void cell(ur_section *s, json_t *row, double x)
{
	if (isnan(x))
		ur_row_cell(s, row, x, UR_MEASURED, "-");
	else
		ur_row_cell(s, row, x, UR_MEASURED, "%.1f %%", 100 * x);
}

static void tabulate(const seen *q, ur_section *s)
{
	static const char *const columns[] = { "model", "parameters", "rate", "right before the change", "behind it, "
		"learning",
	                                       "behind it, frozen", "an event", "memory", NULL };
	json_t *table;
	ur_said text;

	if (!q->n)
		return;
	table = ur_section_table(s, "Models that learn from events", "All seeds together. An event: foretold, scored, "
		"learnt.", columns);
	for (int i = 0; i < q->n; i++) {
		const one *o = &q->of[i];
		const char *spec = json_string_value(json_object_get(o->first, "spec"));
		json_t *row = ur_table_row(s, table, spec ? spec : o->name);

		ur_row_cell(s, row, ur_fact_at(o->first, "parameters"), UR_COUNTED, "%.0f", ur_fact_at(o->first, "parameters"));
		ur_row_cell(s, row, ur_fact_at(o->first, "rate"), UR_MEASURED, "%g", ur_fact_at(o->first, "rate"));
		cell(s, row, of(&o->before));
		cell(s, row, of(&o->learnt));
		cell(s, row, of(&o->froze));
		ur_row_cell(s, row, o->thread, UR_MEASURED, "%s", isnan(o->thread) ? "-" : ur_tell_time(o->thread, text));
		ur_row_cell(s, row, o->bytes, UR_COUNTED, "%s", ur_tell_bytes(o->bytes, text));
	}
	for (int k = 0; k < 2; k++) {
		const share x = k ? q->usual : q->last;
		json_t *row = ur_table_row(s, table, k ? "the commonest answer so far" : "the last answer again");

		for (int i = 0; i < 3; i++)
			ur_row_cell(s, row, NAN, UR_MEASURED, "-");
		cell(s, row, of(&x));
		for (int i = 0; i < 3; i++)
			ur_row_cell(s, row, NAN, UR_MEASURED, "-");
	}
}

static void figures(const seen *q, ur_section *s)
{
	const one *of_two[] = { rnn_of(q), other_of(q) };
	static const char *const names[][3] = { { "rnn_learning", "rnn_frozen", "rnn_event" },
	                                        { "attention_learning", "attention_frozen", "attention_event" } };
	ur_said text;

	for (int k = 0; k < 2; k++) {
		const one *o = of_two[k];

		if (!o || !(o->learnt.n > 0))
			continue;
		ur_section_figure(s, names[k][0], of(&o->learnt), UR_MEASURED, "%.1f %%", 100 * of(&o->learnt));
		ur_section_figure(s, names[k][1], of(&o->froze), UR_MEASURED, "%.1f %%", 100 * of(&o->froze));
		if (!isnan(o->thread))
			ur_section_figure(s, names[k][2], o->thread, UR_MEASURED, "%s", ur_tell_time(o->thread, text));
	}
}

static void ask(const seen *q, ur_section *s)
{
	static const char *const more[] = { "By less than 1 point", "By 1 to 10 points", "By more than 10 points", NULL };
	static const char *const lost[] = { "Nothing: it is right as often", "Less than 10 points", "10 points or more",
		NULL };
	static const char *const times[] = { "Less than the LSTM's", "Up to twice as much", "More than twice as much",
		NULL };
	static const char *const grew[] = { "Not at all", "As the number of events", "As its square root", NULL };
	const one *a = rnn_of(q), *b = other_of(q);
	char because[240];

	if (a && a->learnt.n > 0 && a->froze.n > 0) {
		const double gain = of(&a->learnt) - of(&a->froze), loss = of(&a->before) - of(&a->froze);

		(void)snprintf(because, sizeof because, "%.1f %% right against %.1f %%.", 100 * of(&a->learnt),
		               100 * of(&a->froze));
		ur_section_question(s, "The rule of a stream changes. By how much is a model that learns from each event, "
		                    "once, "
			"right more often than the same model frozen at the change?", more, gain > 0.1 ? 2 : gain >= 0.01 ? 1 : 0,
			because);
		(void)snprintf(because, sizeof because, "%.1f %% before, while it learnt, %.1f %% behind.",
		               100 * of(&a->before),
		               100 * of(&a->froze));
		ur_section_question(s, "And what does the frozen one lose, against the time before the change?", lost,
			loss >= 0.1 ? 2 : loss > 0 ? 1 : 0, because);
	}
	if (a && b && !isnan(a->thread) && !isnan(b->thread)) {
		const double ratio = b->thread / a->thread;

		(void)snprintf(because, sizeof because, "%.2f times as much, in windows of %.0f events.", ratio,
		               ur_fact_at(a->first, "window"));
		ur_section_question(s, "Attention of as many parameters learns from the same events in the same window. "
		                    "What does "
			"an event cost it, in processor time?", times, ratio > 2 ? 2 : ratio >= 1 ? 1 : 0, because);
	}
	if (a && a->grown >= 0) {
		ur_said text;

		(void)snprintf(because, sizeof because, "The process grew by %s over the second half of the stream.",
		               ur_tell_bytes(a->grown, text));
		if (a->grown < SAME)
			ur_section_question(s, "With the number of events learnt from, how does the memory grow that it takes?",
			                    grew, 0,
				because);
	}
}

void ur_online_conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const seen q = seen_of(facts);

	(void)others;
	find_learning(&q, s);
	find_memory(&q, s);
	find_cost(&q, s);
	find_suits(&q, s);
	draw(&q, s);
	figures(&q, s);
	tabulate(&q, s);
	ask(&q, s);
}
