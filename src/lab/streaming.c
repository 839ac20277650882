/* One token at a time: what a step costs and what a stream keeps, by position, of recurrences, of attention, and of
 * attention with a window. Facts: streaming_parts.h. */
#include "lab/streaming_parts.h"

#include "lab/judge.h"
#include "lab/rigs.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A step of attention is in proportion to the position only where reading what it keeps is most of it; and what a state
 * has besides its positions hardly shows from there on. */
enum { FAR = 1024 };

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 3, 20, 100); }

/* -- the steps -- */

static int positions(const json_t *steps) { return (int)json_array_size(json_object_get(steps, "position")); }

static double position(const json_t *steps, int i)
{
	return json_number_value(json_array_get(json_object_get(steps, "position"), (size_t)i));
}

static const json_t *at(const json_t *line, int i) { return json_array_get(json_object_get(line, "at"), (size_t)i); }

static ur_reach reach(const json_t *line, int i, const char *at_key, const char *low, const char *high)
{
	const json_t *p = at(line, i);

	return (ur_reach){ ur_fact_at(p, at_key), ur_fact_at(p, low), ur_fact_at(p, high),
	                   (int)json_integer_value(json_object_get(p, "n")), json_is_true(json_object_get(p, "sure")) };
}

/* By the clock, as whoever waits for the answer has it. */
static ur_reach median(const json_t *line, int i) { return reach(line, i, "p50", "p50_low", "p50_high"); }

/* Of the processor: steps of milliseconds are rarely undisturbed on a machine that others use too. */
static ur_reach given(const json_t *line, int i) { return reach(line, i, "thread", "thread_low", "thread_high"); }

static double state(const json_t *line, int i) { return ur_fact_at(at(line, i), "state"); }

typedef enum sort { RECURRENCE, WHOLE, WINDOWED } sort;

static sort sort_of(const json_t *line)
{
	if (!json_is_true(json_object_get(line, "grows")))
		return RECURRENCE;
	return ur_fact_at(line, "window") > 0 ? WINDOWED : WHOLE;
}

/* The line the lesson speaks of: the LSTM among recurrences, else the first; its name in *name. NULL: there is none. */
static const json_t *typical(const json_t *steps, sort of, const char **name)
{
	const json_t *found = NULL;
	const char *key;
	json_t *line;

	*name = "";
	json_object_foreach(json_object_get(steps, "of"), key, line)
		if (sort_of(line) == of && (!found || !strcmp(key, "lstm"))) {
			found = line;
			*name = key;
		}
	return found;
}

/* The first position from `least` on. */
static int from(const json_t *steps, double least)
{
	int i = 0;

	while (i < positions(steps) - 1 && position(steps, i) < least)
		i++;
	return i;
}

/* How steps, or the state, grow from position `least` on. */
static ur_growth growth(const json_t *steps, const json_t *line, double least, int of_state)
{
	double x[UR_GROWTH_POINTS];
	ur_reach y[UR_GROWTH_POINTS];
	int n = 0;

	for (int i = 0; line && i < positions(steps) && n < UR_GROWTH_POINTS; i++)
		if (position(steps, i) >= least) {
			const double bytes = state(line, i);
			x[n] = position(steps, i);
			y[n++] = of_state ? (ur_reach){ bytes, bytes, bytes, 1, 1 }
			                   : least >= FAR ? given(line, i) : median(line, i);
		}
	return ur_growth_fit(n, x, y);
}

/* Steps at the last position over those at position number `first`, and whether the state is as large. */
static ur_reach risen(const json_t *steps, const json_t *line, int first)
{
	return ur_reach_over(median(line, positions(steps) - 1), median(line, first));
}

static int same_state(const json_t *steps, const json_t *line, int first)
{
	for (int i = first + 1; i < positions(steps); i++)
		if (state(line, i) != state(line, first))
			return 0;
	return 1;
}

/* -- findings -- */

static const char wide[] = "quieter measurements agree: intervals were too wide here, or steps too few";
#define UNSURE " An interval that reaches over a limit, or too few steps for one, never make it fail: then it holds " \
	"under a condition, or nothing is found."

static void add(char *out, size_t room, const char *format, ...) UR_PRINTF(3, 4);
static void add(char *out, size_t room, const char *format, ...)
{
	const size_t used = strlen(out);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(out + used, room - used, format, list);
	va_end(list);
}

static void find_constant(const json_t *steps, const json_t *before, ur_section *s)
{
	char words[900] = "Not measured yet.", prediction[200];
	const char *name;
	json_t *line;
	int n = 0;
	const int last = positions(steps) - 1;
	ur_said one, two, bytes;
	ur_finding f = { .name = "constant", .found = UR_MISSING, .words = words, .prediction = prediction,
		.claim = "A recurrent network takes one token more in the same time and memory, wherever the token stands.",
		.rule = "Holds if for every recurrence the median of a step at the last position is less than 1.25 times that "
			"at the first, by the 95 % interval of the ratio, and its state has the same bytes at all of them; fails "
			"if a state has not, or an interval lies wholly above." UNSURE };

	(void)snprintf(prediction, sizeof prediction, "Exponent 0: a step reads its weights and a state of width %.0f, and "
	               "nothing else.", before ? ur_fact_at(before, "width") : ur_fact_at(steps, "width"));
	if (!before && !steps)
		f.prediction = "Exponent 0: a step reads its weights and a state of fixed size, and nothing else.";
	json_object_foreach(json_object_get(steps, "of"), name, line) {
		const ur_reach r = risen(steps, line, 0);
		ur_found one_of;

		if (sort_of(line) != RECURRENCE || last < 1 || !(r.at > 0))
			continue;
		one_of = same_state(steps, line, 0) ? ur_judge_beyond(r, 1.25, 0) : UR_FAILS;
		f.found = n++ ? ur_judge_both(f.found, one_of) : one_of;
		if (n == 1)
			(void)snprintf(words, sizeof words, "From position %s to %s:", ur_tell_count(position(steps, 0), one),
			               ur_tell_count(position(steps, last), two));
		add(words, sizeof words, "%s %s %s to %s, %.2f times (%.2f to %.2f), %s of state %s", n > 1 ? ";" : "", name,
		    ur_tell_time(median(line, 0).at, one), ur_tell_time(median(line, last).at, two), r.at, r.low, r.high,
		    ur_tell_bytes(state(line, last), bytes), same_state(steps, line, 0) ? "throughout" : "at the end");
	}
	if (n)
		add(words, sizeof words, ".%s", f.found == UR_MISSING ? " This tells nothing either way." : "");
	f.condition = f.found == UR_HOLDS_IF ? wide : NULL;
	ur_section_finding(s, &f);
}

static void find_grows(const json_t *steps, const json_t *before, ur_section *s)
{
	const char *name;
	const json_t *line = typical(steps, WHOLE, &name);
	const int last = positions(steps) - 1;
	const double width = ur_fact_at(before, "width"), far = ur_fact_at(before, "last");
	char words[700] = "Not measured yet.", prediction[300];
	ur_said one, two, three, four;
	ur_finding f = { .name = "grows", .found = UR_MISSING, .words = words, .prediction = prediction,
		.claim = "Attention's step gets dearer with every position before it, in the end in proportion, and so does "
			"what it keeps.",
		.rule = "Holds if the median of a step at the last position is more than twice that at the first, by the 95 % "
			"interval of the ratio, and if the fitted exponents from position 1,024 on lie within 0.6 to 1.4 for "
			"processor time and 0.9 to 1.1 for bytes of state, with their intervals; fails if one of the three lies "
			"wholly on the other side." UNSURE };

	if (width > 0)
		(void)snprintf(prediction, sizeof prediction, "Exponent 1: keys and values are 8 bytes for each of %.0f widths "
		               "and each position, at %s %s, and reading them from memory takes one thread %s here.", width,
		               ur_tell_count(far, one), ur_tell_bytes(8 * width * far, two),
		               ur_tell_time(8 * width * far / ur_fact_at(before, "bandwidth"), three));
	else
		f.prediction = "Exponent 1: a step reads a row of keys and values for every position before it.";
	if (line && last > 0) {
		const ur_reach r = risen(steps, line, 0);
		const ur_growth time = growth(steps, line, FAR, 0), bytes = growth(steps, line, FAR, 1);

		f.found = ur_judge_both(ur_judge_beyond(r, 2, 1), ur_judge_both(ur_judge_within(&time, 0.6, 1.4),
		                                                                ur_judge_within(&bytes, 0.9, 1.1)));
		f.condition = f.found == UR_HOLDS_IF ? wide : NULL;
		(void)snprintf(words, sizeof words, "From position %s to %s: %s to %s, %.0f times (%.0f to %.0f); exponent "
			"%.2f (%.2f to %.2f) from 1,024 on. State %s to %s, exponent %.2f.%s",
			ur_tell_count(position(steps, 0), one),
		               ur_tell_count(position(steps, last), two), ur_tell_time(median(line, 0).at, three),
		               ur_tell_time(median(line, last).at, four), r.at, r.low, r.high, time.of.exponent, time.of.low,
		               time.of.high, ur_tell_bytes(state(line, 0), (ur_said){ 0 }),
		               ur_tell_bytes(state(line, last), (ur_said){ 0 }), bytes.of.exponent,
		               f.found == UR_MISSING ? " This tells nothing either way." : "");
	}
	ur_section_finding(s, &f);
}

static void find_window(const json_t *steps, ur_section *s)
{
	const char *name;
	const json_t *line = typical(steps, WINDOWED, &name);
	const int last = positions(steps) - 1, first = from(steps, ur_fact_at(line, "window"));
	char words[500] = "Not measured yet.";
	ur_said one, two, three, four, bytes;
	ur_finding f = { .name = "window", .found = UR_MISSING, .words = words,
		.claim = "A window bounds both: from as many positions on as it has, attention too takes a step in constant "
			"time and memory, and forgets what lies further back.",
		.prediction = "Exponent 0 from there on: a ring of as many positions is kept and read.",
		.rule = "Holds if with a window the median of a step at the last position is less than 1.25 times that at the "
			"first position at or beyond the window, by the 95 % interval of the ratio, and its state has the same "
			"bytes from there on; fails if the state has not, or the interval lies wholly above." UNSURE };

	if (line && last > first) {
		const ur_reach r = risen(steps, line, first);

		f.found = same_state(steps, line, first) ? ur_judge_beyond(r, 1.25, 0) : UR_FAILS;
		f.condition = f.found == UR_HOLDS_IF ? wide : NULL;
		(void)snprintf(words, sizeof words, "%s: from position %s to %s %s to %s, %.2f times (%.2f to %.2f), with %s "
			"of state %s.%s", name, ur_tell_count(position(steps, first), one),
			ur_tell_count(position(steps, last), two),
		               ur_tell_time(median(line, first).at, three), ur_tell_time(median(line, last).at, four), r.at,
		               r.low, r.high, ur_tell_bytes(state(line, last), bytes),
		               same_state(steps, line, first) ? "throughout" : "at the end",
		               f.found == UR_MISSING ? " This tells nothing either way." : "");
	}
	ur_section_finding(s, &f);
}

/* -- what is shown -- */

static void figures(const json_t *steps, ur_section *s)
{
	static const struct { sort of; const char *step, *state, *exponent; } of[] = {
		{ RECURRENCE, "recurrence_step", "recurrence_state", "recurrence_exponent" },
		{ WHOLE, "attention_step", "attention_state", "attention_exponent" },
		{ WINDOWED, "window_step", "window_state", "window_exponent" },
	};
	const int last = positions(steps) - 1;
	char where[60];
	ur_said text;

	for (size_t k = 0; k < sizeof of / sizeof *of && last >= 0; k++) {
		const char *name;
		const json_t *line = typical(steps, of[k].of, &name);
		const double took = line ? median(line, last).at : NAN;
		const ur_growth g = growth(steps, line, of[k].of == RECURRENCE ? 0 : FAR, 0);

		if (!(took > 0))
			continue;
		(void)snprintf(where, sizeof where, " at position %s", ur_tell_count(position(steps, last), text));
		ur_section_figure(s, of[k].step, took, UR_MEASURED, "%s%s", ur_tell_time(took, text),
		                  of[k].of == WINDOWED ? "" : where);
		ur_section_figure(s, of[k].state, state(line, last), UR_COUNTED, "%s", ur_tell_bytes(state(line, last), text));
		if (g.of.n > 2)
			ur_section_figure(s, of[k].exponent, g.of.exponent, UR_MEASURED, "exponent %.2f", g.of.exponent);
	}
}

static void draw(const json_t *steps, ur_section *s, const char *title, const char *about, const char *key,
                 const char *unit, ur_origin origin)
{
	const ur_axis_of across = { "position", "", 1 }, up = { *unit == 'B' ? "state" : "time of a step", unit, 1 };
	json_t *chart = ur_section_chart(s, title, about, &across, &up), *line;
	const char *name;
	char low[16], high[16];

	(void)snprintf(low, sizeof low, "%s_low", key);
	(void)snprintf(high, sizeof high, "%s_high", key);
	json_object_foreach(json_object_get(steps, "of"), name, line) {
		json_t *to = ur_chart_line(s, chart, name, sort_of(line) == WINDOWED ? NULL : name, origin);

		for (int i = 0; i < positions(steps); i++) {
			const json_t *p = at(line, i);
			if (ur_fact_at(p, key) > 0)
				ur_line_point(s, to, position(steps, i), ur_fact_at(p, key), ur_fact_at(p, low), ur_fact_at(p, high));
		}
	}
}

static void tabulate(const json_t *steps, ur_section *s)
{
	static const char *const columns[] = { "layer", "step, first", "step, last", "exponent", "99 % within, last",
	                                       "state, first", "state, last", NULL };
	const int last = positions(steps) - 1;
	char about[200];
	ur_said text, first_text;
	const char *name;
	json_t *table, *line;

	(void)snprintf(about, sizeof about, "One layer of width %.0f on one thread, medians; first and last: after %s and "
	               "%s steps. Exponents are fitted to all positions, of what grows from 1,024 on.",
	               ur_fact_at(steps, "width"), ur_tell_count(position(steps, 0), first_text),
	               ur_tell_count(position(steps, last), text));
	table = ur_section_table(s, "A step and a state", about, columns);
	json_object_foreach(json_object_get(steps, "of"), name, line) {
		json_t *row = ur_table_row(s, table, name);
		const ur_growth g = growth(steps, line, sort_of(line) == RECURRENCE ? 0 : FAR, 0);
		const double slow = ur_fact_at(at(line, last), "p99");

		ur_row_cell(s, row, median(line, 0).at, UR_MEASURED, "%s", ur_tell_time(median(line, 0).at, text));
		ur_row_cell(s, row, median(line, last).at, UR_MEASURED, "%s", ur_tell_time(median(line, last).at, text));
		ur_row_cell(s, row, g.of.exponent, UR_MEASURED, "%.3f (%.3f to %.3f)", g.of.exponent, g.of.low, g.of.high);
		ur_row_cell(s, row, slow, UR_MEASURED, "%s", ur_tell_time(slow, text));
		ur_row_cell(s, row, state(line, 0), UR_COUNTED, "%s", ur_tell_bytes(state(line, 0), text));
		ur_row_cell(s, row, state(line, last), UR_COUNTED, "%s", ur_tell_bytes(state(line, last), text));
	}
}

/* Every position, every layer: its median, the 99 % point, and what it keeps. */
static void tabulate_positions(const json_t *steps, ur_section *s)
{
	const char *columns[UR_GROWTH_POINTS + 2] = { "after" }, *name;
	int n = 1;
	json_t *table, *line;

	json_object_foreach(json_object_get(steps, "of"), name, line)
		if (n <= UR_GROWTH_POINTS)
			columns[n++] = name;
	table = ur_section_table(s, "By position", "After so many steps: the median of a step, what 99 of 100 were within, "
		"and the bytes of state.", columns);
	for (int i = 0; i < positions(steps); i++) {
		ur_said text, slow, bytes;
		json_t *row = ur_table_row(s, table, ur_tell_count(position(steps, i), text));

		for (int k = 1; k < n; k++) {
			const json_t *of = json_object_get(json_object_get(steps, "of"), columns[k]);

			ur_row_cell(s, row, median(of, i).at, UR_MEASURED, "%s, %s, %s", ur_tell_time(median(of, i).at, text),
			            ur_tell_time(ur_fact_at(at(of, i), "p99"), slow), ur_tell_bytes(state(of, i), bytes));
		}
	}
}

/* -- questions -- */

static void ask_ratio(const json_t *steps, sort of, const char *format, double least, ur_section *s)
{
	static const char *const choices[] = { "About as much", "2 to 10 times as much", "10 to 100 times as much",
	                                       "More than 100 times as much", NULL };
	const char *name;
	const json_t *line = typical(steps, of, &name);
	const int last = positions(steps) - 1, first = from(steps, least);
	const ur_reach r = line ? risen(steps, line, first) : (ur_reach){ NAN, NAN, NAN, 0, 0 };
	char question[240], because[200];
	ur_said a, b, x, y;

	if (!(r.at > 0) || last <= first)
		return;
	(void)snprintf(question, sizeof question, "%s A step after %s others: what does it cost beside one after %s?",
		format,
	               ur_tell_count(position(steps, last), a), ur_tell_count(position(steps, first), b));
	(void)snprintf(because, sizeof because, "%s beside %s, %.2f times as much (%s, one thread).",
	               ur_tell_time(median(line, last).at, x), ur_tell_time(median(line, first).at, y), r.at, name);
	ur_section_question(s, question, choices, r.at < 2 ? 0 : r.at < 10 ? 1 : r.at < 100 ? 2 : 3, because);
}

static void ask_state(const json_t *steps, ur_section *s)
{
	static const char *const choices[] = { "Less than 10 times as much", "10 to 1,000 times", "1,000 to 10,000 times",
	                                       "More than 10,000 times", NULL };
	const char *one, *two;
	const json_t *a = typical(steps, WHOLE, &one), *b = typical(steps, RECURRENCE, &two);
	const int last = positions(steps) - 1;
	const double x = a ? state(a, last) : NAN, y = b ? state(b, last) : NAN;
	char question[200], because[200];
	ur_said place, kept, other;

	if (!(x / y > 0))
		return;
	(void)snprintf(question, sizeof question, "How much does a stream of attention keep after %s tokens, beside the %s "
	               "of equal width?", ur_tell_count(position(steps, last), place), two);
	(void)snprintf(because, sizeof because, "%s beside %s: %.0f times as much.", ur_tell_bytes(x, kept),
	               ur_tell_bytes(y, other), x / y);
	ur_section_question(s, question, choices, x / y < 10 ? 0 : x / y < 1000 ? 1 : x / y < 10000 ? 2 : 3, because);
}

static void conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const json_t *steps = json_object_get(facts, "steps"), *before = json_object_get(facts, "predicted");

	(void)others;
	find_constant(steps, before, s);
	find_grows(steps, before, s);
	find_window(steps, s);
	if (!positions(steps))
		return;
	figures(steps, s);
	tabulate(steps, s);
	tabulate_positions(steps, s);
	draw(steps, s, "A step, by position", "Median of steps of one stream, one thread, with 95 % intervals.", "p50", "s",
	     UR_MEASURED);
	draw(steps, s, "The slowest steps", "99 of 100 steps took no longer than this. Others on the machine show here "
	     "first.", "p99", "s", UR_MEASURED);
	draw(steps, s, "What a stream keeps", "Bytes that saving it would write.", "state", "B", UR_COUNTED);
	ask_ratio(steps, RECURRENCE, "A recurrent network.", 0, s);
	ask_ratio(steps, WHOLE, "Attention over all that came before.", 0, s);
	ask_ratio(steps, WINDOWED, "Attention with a window, which is full.", ur_fact_at(steps, "window"), s);
	ask_state(steps, s);
}

static const char *const lesson[] = {
	"Training sees whole sequences; use often does not. A keyboard, a microphone, a sensor, a log, and every model "
	"that writes text, hand over one token at a time and want an answer before the next.",
	"A recurrent network is made for that. What it knows of the past is its state, a vector or two: `h' = f(h, x)`. A "
	"step reads the weights, the state and the token, and writes the state. The millionth step is the first one again.",
	"Attention keeps the past itself. So that no key and value is worked out twice they are put in a cache, and each "
	"step reads all of it: `softmax(q K^T) V` over as many rows as there were tokens. The step is cheap at the start "
	"and grows without end, and so does the cache, for each stream that is open. Reading is what costs: a "
	"multiplication a number read is less than memory can deliver.",
	"A window is the way out that gives something up. Only the last so many keys and values are kept, in a ring; step "
	"and memory are constant, and what lies further back is gone but for what layers below passed on.",
	NULL };
static const char *const how[] = {
	"One layer of each mixer, equally wide, is brought to each position by its pass over the whole sequence. Then "
	"steps are timed one by one, by the clock, on one thread: 15 in a row of one stream, after one that does not "
	"count, then the next stream, all mixers and positions in turns, until time is over. After each turn the stream is "
	"put back where it was; at the first positions, where 15 steps would be many positions, after fewer, and from the "
	"first step each step counts. The state is what saving the stream would write.",
	"A time is the median over turns of the turns' medians, with a 95 % interval by the binomial over turns, since the "
	"steps of one turn are alike; the 99 % point is of all steps, with an interval where there are enough of them. The "
	"clock's own 30 ns or so are in them. Exponents are fitted by least squares on logarithms, their intervals being "
	"the wider of what distances from the line and the points' own intervals allow. Attention's are fitted from "
	"position 1,024 on, since before that its products in and out cost more than what it reads, and to the seconds "
	"that the processor gave: on a machine that others use, few steps of milliseconds are left alone. Where what is "
	"read no longer fits a cache, each row costs more: there the exponent is above 1.",
	"Which is cheaper from which position on is with what attention costs, where widths differ.",
	NULL };

const ur_experiment ur_experiment_streaming = {
	.name = "streaming", .title = "One token at a time", .claims = "L5", .lesson = lesson, .how = how,
	.question = "What does one step more cost, and what is kept for it, after one token and after very many?",
	.seconds = seconds, .measure = ur_streaming_measure, .conclude = conclude,
};
