/* What attention costs: memory and time by length, with its matrix of scores and without, beside recurrences; when
 * which is cheaper. Tiles: Milakov and Gimelshein 2018, Rabe and Staats 2021 ("Self-attention does not need O(n^2) "
	"memory"),
 * Dao et al. 2022 (FlashAttention). Facts: cost_parts.h. */
#include "lab/cost_parts.h"

#include "compare/statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 16, SHORT = 2048, LONG = 32768 };

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 20, 150, 700); }

/* -- curves -- */

static int points(const json_t *curve) { return (int)json_array_size(json_object_get(curve, "T")); }

static double length(const json_t *curve, int i)
{
	return json_number_value(json_array_get(json_object_get(curve, "T"), (size_t)i));
}

/* Of one of times: "median", "low", "high"; of the processor where the curve says so. Of a plain number, itself. */
static double value(const json_t *curve, const char *name, int i, const char *which)
{
	const json_t *v = json_array_get(json_object_get(json_object_get(curve, "of"), name), (size_t)i);
	const double share = json_is_true(json_object_get(curve, "processor")) ? fmin(ur_fact_at(v, "cpu"), 1) : 1;

	return json_is_number(v) ? json_number_value(v) : json_is_object(v) ? ur_fact_at(v, which) * share : NAN;
}

static int read(const json_t *curve, const char *name, double *T, double *y)
{
	const int n = points(curve) < MOST ? points(curve) : MOST;

	for (int i = 0; i < n; i++) {
		T[i] = length(curve, i);
		y[i] = value(curve, name, i, "median");
	}
	return n;
}

static ur_power fit(const json_t *curve, const char *name)
{
	double T[MOST], y[MOST];
	const int n = read(curve, name, T, y);
	return ur_power_fit(n, T, y);
}

/* Of memory, from where whole heads are packed on: shorter ones are packed where threads have room anyway. */
static ur_power fit_memory(const json_t *curve, const char *name)
{
	double T[MOST], y[MOST];
	const int n = read(curve, name, T, y);
	int from = 0;

	while (from < n && T[from] < 1024)
		from++;
	return ur_power_fit(n - from, T + from, y + from);
}

/* Whether an exponent lies within [from, to]: with its whole interval, with a part of it, or not at all. */
static ur_found within(const ur_power *p, double from, double to)
{
	if (p->low >= from && p->high <= to)
		return UR_HOLDS;
	return p->high < from || p->low > to ? UR_FAILS : UR_HOLDS_IF;
}

static const char wide[] = "if quieter measurements agree: the intervals of the exponents are too wide to say more";

static ur_found worse(ur_found a, ur_found b) { return a > b ? a : b; }

/* The mixer whose state grows, attention, or one whose state does not, the LSTM where there is one; NULL: none. */
static const char *typical(const json_t *curve, int grows)
{
	const char *name, *found = NULL;
	json_t *is;

	json_object_foreach(json_object_get(curve, "grows"), name, is)
		if (json_is_true(is) == grows && (!found || !strcmp(name, "lstm")))
			found = name;
	return found;
}

/* The fact PASS/WIDTH of the greatest width; NULL: there is none. */
static const json_t *widest(const json_t *facts, const char *pass)
{
	const json_t *found = NULL;
	const size_t n = strlen(pass);
	const char *name;
	json_t *fact;

	json_object_foreach((json_t *)(size_t)facts, name, fact)
		if (!strncmp(name, pass, n) && name[n] == '/' &&
		    (!found || ur_fact_at(fact, "width") > ur_fact_at(found, "width")))
			found = fact;
	return found;
}

/* Where the recurrence becomes cheaper than attention, or the other way. */
static ur_cross crossing(const json_t *curve)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	double T[MOST], x[MOST], y[MOST];

	if (!curve || !a || !b)
		return (ur_cross){ .kind = UR_CROSS_UNKNOWN, .at = NAN };
	(void)read(curve, a, T, x);
	return ur_crossover(read(curve, b, T, y), 1, T, x, y);
}

typedef char said[160];

static const char *say_crossing(const json_t *curve, said out)
{
	const ur_cross c = crossing(curve);
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	const int n = points(curve);
	ur_said from, to, at;

	if (c.kind == UR_CROSS_AT || c.kind == UR_CROSS_OFTEN)
		(void)snprintf(out, sizeof(said), "T = %s, %s being faster below", ur_tell_count(round(c.at), at),
		               c.first ? b : a);
	else if (c.kind == UR_CROSS_UNKNOWN || !n)
		(void)snprintf(out, sizeof(said), "not to be told");
	else
		(void)snprintf(out, sizeof(said), "never from %s to %s: %s is faster throughout",
		               ur_tell_count(length(curve, 0), from), ur_tell_count(length(curve, n - 1), to),
		               c.kind == UR_CROSS_NONE_A ? a : b);
	return out;
}

/* Tokens of a batch at length i of a training curve; of other passes one sequence. */
static double tokens(const json_t *curve, int i, int training)
{
	const double T = length(curve, i), all = ur_fact_at(curve, "tokens");
	return training && all > T ? floor(all / T) * T : T;
}

/* -- findings -- */

static void find_matrix(const json_t *memory, ur_section *s)
{
	char words[300] = "Not measured yet.";
	double T = NAN, bytes = NAN;
	ur_finding f = { .name = "matrix", .found = UR_MISSING, .words = words,
		.claim = "Q K^T is T x T: 262,144 values at T = 512, 16.8 million at 4,096, 10 billion at 100,000.",
		.prediction = "T squared values of 4 bytes in float32: 1.05 MB, 67 MB and 40 GB; half of that in bf16.",
		.rule = "Holds if attention that keeps its scores took, at the longest T that was tried, at least those bytes "
			"and at most a fifth more." };

	for (int i = 0; i < points(memory); i++)
		if (value(memory, "scores", i, NULL) > 0) {
			T = length(memory, i);
			bytes = value(memory, "scores", i, NULL);
		}
	if (bytes > 0) {
		const double ratio = bytes / (4 * T * T);
		ur_said took;
		f.found = ratio >= 0.99 && ratio <= 1.2 ? UR_HOLDS : UR_FAILS;
		(void)snprintf(words, sizeof words, "At T = %.0f one head took %s, %.2f times its %.0f scores of 4 bytes.", T,
		               ur_tell_bytes(bytes, took), ratio, T * T);
	}
	ur_section_finding(s, &f);
}

static void find_memory(const json_t *memory, ur_section *s)
{
	const char *attention = typical(memory, 1);
	const ur_power scores = fit_memory(memory, "scores"), tiled = fit_memory(memory, attention ? attention : "");
	char words[400] = "Not measured yet.";
	ur_finding f = { .name = "memory", .found = UR_MISSING, .words = words,
		.claim = "Kept, the scores take memory that grows with the square of the length; in tiles, attention's memory "
			"grows in proportion to it.",
		.prediction = "Exponents 2 and 1: the matrix has T x T values; tiles keep one row of queries, keys and values "
			"a position.",
		.rule = "Holds if the 95 % interval of the fitted exponent of memory beyond weights, input and output lies "
			"within 1.75 to 2.25 with the matrix, and below 1.3 without; fails if an interval lies wholly outside." };

	if (scores.n > 2 && tiled.n > 2) {
		f.found = worse(within(&scores, 1.75, 2.25), within(&tiled, -1, 1.3));
		f.condition = f.found == UR_HOLDS_IF ? wide : NULL;
		(void)snprintf(words, sizeof words, "From T = %.0f to %.0f memory grew with exponent %.2f (%.2f to %.2f) where "
			"scores are kept, with %.2f (%.2f to %.2f) in a whole layer of attention as Unroll has it.", scores.from,
		               scores.to, scores.exponent, scores.low, scores.high, tiled.exponent, tiled.low, tiled.high);
	}
	ur_section_finding(s, &f);
}

static void find_long(const json_t *fact, ur_section *s)
{
	const double T = ur_fact_at(fact, "T"), bytes = ur_fact_at(fact, "bytes"), matrix = 4 * T * T;
	char words[400] = "Not measured yet.";
	ur_said took, whole, time;
	ur_finding f = { .name = "exact", .found = UR_MISSING, .words = words,
		.claim = "Exact attention over 100,000 positions does not need the 40 GB of its scores: \"impossible to fit\" "
			"is said of keeping the matrix, not of attention.",
		.prediction = "Tiles of 96 queries and 256 keys with an online softmax: packed keys and values of a head, 51 "
			"MB.",
		.rule = "Holds if it ran here in less than a hundredth of the bytes of one head's matrix. Predicted, if only a "
			"shorter one ran." };

	if (bytes > 0) {
		f.found = bytes >= matrix / 100 ? UR_FAILS : T >= UR_COST_FAR ? UR_HOLDS : UR_PREDICTED;
		(void)snprintf(words, sizeof words, "At T = %.0f with %.0f head%s of 64 it took %s and %s beyond input and "
			"output, where the matrix of one head is %s; %.0f %% of the peak of %.0f "
			"thread%s.", T, ur_fact_at(fact, "heads"),
		               ur_fact_at(fact, "heads") > 1 ? "s" : "", ur_tell_time(ur_fact_at(fact, "seconds"), time),
		               ur_tell_bytes(bytes, took), ur_tell_bytes(matrix, whole), 100 * ur_fact_at(fact, "share"),
		               ur_fact_at(fact, "threads"), ur_fact_at(fact, "threads") > 1 ? "s" : "");
	}
	ur_section_finding(s, &f);
}

/* Exponents of all whose state does not grow, the least and the most. */
static ur_found recurrences(const json_t *curve, double *low, double *high)
{
	const char *name;
	json_t *is;
	ur_found found = UR_MISSING;

	*low = INFINITY;
	*high = -INFINITY;
	json_object_foreach(json_object_get(curve, "grows"), name, is) {
		const ur_power p = fit(curve, name);
		const ur_found one = within(&p, 0.8, 1.2);
		if (json_is_true(is) || p.n < 3)
			continue;
		*low = fmin(*low, p.exponent);
		*high = fmax(*high, p.exponent);
		found = found == UR_MISSING ? one : worse(found, one);
	}
	return found;
}

static void find_time(const json_t *core, const json_t *forward, ur_section *s)
{
	const ur_power tiles = fit(core, "tiles"), scores = fit(core, "scores");
	double low, high;
	const ur_found others = recurrences(forward, &low, &high);
	char words[400] = "Not measured yet.";
	ur_finding f = { .name = "time", .found = UR_MISSING, .words = words,
		.claim = "Time over a sequence grows with the square of its length for attention, and in proportion for a "
			"recurrence.",
		.prediction = "T^2 d against T n^2 multiplications: exponents 2 and 1; a whole layer of attention also has "
			"products in proportion to T, so that its exponent is between the two and nears 2 as T grows.",
		.rule = "Holds if the 95 % interval of the fitted exponent of attention proper (one head, in tiles) lies "
			"within 1.75 to 2.25, and that of every recurrence within 0.8 to 1.2; fails if one lies wholly outside." };

	if (tiles.n > 2 && others != UR_MISSING) {
		f.found = worse(within(&tiles, 1.75, 2.25), others);
		f.condition = f.found == UR_HOLDS_IF ? wide : NULL;
		(void)snprintf(words, sizeof words, "One head: exponent %.2f (%.2f to %.2f) in tiles, %.2f with the matrix "
			"kept. Recurrences: %.2f to %.2f.", tiles.exponent, tiles.low, tiles.high, scores.exponent, low, high);
	}
	ur_section_finding(s, &f);
}

static const char *predicted(const json_t *curve, char *out, size_t room)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	size_t used = (size_t)snprintf(out, room, "T^2 d against T n^2: a recurrence costs the same a token at any length, "
		"attention in proportion to T.");

	for (int i = 0; a && b && i < points(curve) && used < room; i++)
		used += (size_t)snprintf(out + used, room - used, "%s T = %.0f %.2f and %.2f us", i ? "," : " The cost model "
			"expects of attention and the other, a token on one thread: at", length(curve, i),
			1e6 * value(curve, a, i, NULL) / tokens(curve, i, 1), 1e6 * value(curve, b, i, NULL) / tokens(curve, i, 1));
	return out;
}

/* Who is faster from `from` to `to`; the finding but for its name, claim and rule. */
static void find_training(const json_t *curve, ur_finding *f, double from, double to, double factor, int wins,
                          ur_section *s)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	char words[500] = "Not measured yet.", range[40];
	double least = INFINITY, most = -INFINITY;
	ur_said where;
	said crosses;

	for (int i = 0; a && b && i < points(curve); i++) {
		const double x = value(curve, a, i, "median"), y = value(curve, b, i, "median"), T = length(curve, i);
		if (T < from || T > to || !(x > 0) || !(y > 0))
			continue;
		least = fmin(least, x / y);
		most = fmax(most, x / y);
	}
	f->words = words;
	f->found = UR_MISSING;
	if (most > 0) {
		f->found = (wins ? most < factor : least > factor) ? UR_HOLDS : UR_FAILS;
		(void)snprintf(range, sizeof range, most > least ? "%.2f to %.2f" : "%.2f", least, most);
		(void)snprintf(words, sizeof words, "At width %.0f attention took %s times the time of the %s for a token. "
		               "They cross at: %s. This is time alone: what either learns in it was not measured here.",
		               ur_fact_at(curve, "width"), range, b, say_crossing(curve, crosses));
	} else if (points(curve)) {
		(void)snprintf(words, sizeof words, "No length %s %s was trained at this size of the lab.",
		               wins ? "below" : "from", ur_tell_count(wins ? SHORT : LONG, where));
	}
	ur_section_finding(s, f);
}

static void find_winners(const json_t *curve, const json_t *model, ur_section *s)
{
	char before[500];
	ur_finding below = { .name = "short", .claim = "Transformers win below T = 2,048.",
		.prediction = predicted(model, before, sizeof before),
		.rule = "By time per token in training at equal width, on all threads: holds if attention is faster than the "
			"recurrence at every length measured below 2,048." };
	ur_finding above = { .name = "far", .claim = "Above T = 32,768 the cost of attention is prohibitive.",
		.prediction = "By arithmetic alone a token of attention costs T / 8n + 1/2 times one of an LSTM as wide: 64 "
			"times at T = 32,768 and width 64, 16 times at width 256.",
		.rule = "By the same times: holds if attention takes more than twice as long for a token as the recurrence at "
			"every length measured from 32,768 on." };

	find_training(curve, &below, 0, SHORT - 1, 1, 1, s);
	find_training(curve, &above, LONG, INFINITY, 2, 0, s);
}

static void find_streaming(const json_t *curve, ur_section *s)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	const int last = points(curve) - 1;
	char words[400] = "Not measured yet.";
	said where;
	ur_said one, two;
	ur_finding f = { .name = "streaming", .found = UR_MISSING, .words = words,
		.claim = "One token more costs a recurrence the same wherever it stands, and attention the more, the more came "
			"before.",
		.prediction = "A step of attention reads a row of keys and values for every position before it; a recurrence "
			"reads its state and weights.",
		.rule = "Holds if, from the first position measured to the last, attention's step takes more than twice as "
			"long and the recurrence's less than 1.25 times." };

	if (a && b && last > 0 && value(curve, a, last, "median") > 0 && value(curve, b, last, "median") > 0) {
		const double grew = value(curve, a, last, "median") / value(curve, a, 0, "median");
		const double stayed = value(curve, b, last, "median") / value(curve, b, 0, "median");

		f.found = grew > 2 && stayed < 1.25 ? UR_HOLDS : UR_FAILS;
		(void)snprintf(words, sizeof words, "From position %.0f to %.0f a step of %s took %.1f times as long (%s at "
			"the end), one of %s %.2f times (%s). They cross at: %s.", length(curve, 0), length(curve, last), a, grew,
		               ur_tell_time(value(curve, a, last, "median"), one), b, stayed,
		               ur_tell_time(value(curve, b, last, "median"), two), say_crossing(curve, where));
	}
	ur_section_finding(s, &f);
}

/* -- what is shown -- */

static void draw(ur_section *s, const char *title, const char *about, const char *x, const json_t *curve,
                 const char *unit, double scale, int training)
{
	const ur_axis_of across = { x, "", 1 }, up = { training ? "time per "
		"token" : unit[0] == 'B' ? "memory" : "time", unit, 1 };
	json_t *chart, *line, *list;
	const char *name;

	if (!points(curve))
		return;
	chart = ur_section_chart(s, title, about, &across, &up);
	json_object_foreach(json_object_get(curve, "of"), name, list) {
		const int mixer = json_object_get(json_object_get(curve, "grows"), name) != NULL;
		const char *shown = !strcmp(name, "scores") ? "attention, scores kept" : !strcmp(name, "tiles") ? "attention, "
			"tiles" : name;

		line = ur_chart_line(s, chart, shown, mixer ? name : NULL, UR_MEASURED);
		for (int i = 0; i < points(curve); i++) {
			const double of = scale / (training ? tokens(curve, i, 1) : 1), y = value(curve, name, i, "median");
			if (y > 0)
				ur_line_point(s, line, length(curve, i), y * of, value(curve, name, i, "low") * of,
				              value(curve, name, i, "high") * of);
		}
	}
}

static void tabulate_matrix(const json_t *memory, const json_t *far, ur_section *s)
{
	static const char *const columns[] = { "T", "values", "float32", "bf16", "took with them kept", "took in "
		"tiles", NULL };
	static const double lengths[] = { 512, 4096, UR_COST_FAR };
	const char *attention = typical(memory, 1);
	json_t *table = ur_section_table(s, "The matrix of scores of one head", "Values and bytes are counted. What took "
		"memory here is measured beyond input and output; in tiles it is a whole layer of width 256 but at 100,000, "
		"which is the heads alone.",
		columns);

	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		const double T = lengths[k], n = T * T;
		double kept = NAN, tiled = ur_fact_at(far, "T") == T ? ur_fact_at(far, "bytes") : NAN;
		ur_said text;
		json_t *row = ur_table_row(s, table, ur_tell_count(T, text));

		for (int i = 0; i < points(memory); i++)
			if (length(memory, i) == T) {
				kept = value(memory, "scores", i, NULL);
				tiled = attention ? value(memory, attention, i, NULL) : tiled;
			}
		ur_row_cell(s, row, n, UR_COUNTED, "%s", ur_tell_count(n, text));
		ur_row_cell(s, row, 4 * n, UR_DERIVED, "%s", ur_tell_bytes(4 * n, text));
		ur_row_cell(s, row, 2 * n, UR_DERIVED, "%s", ur_tell_bytes(2 * n, text));
		ur_row_cell(s, row, kept, UR_MEASURED, "%s", kept > 0 ? ur_tell_bytes(kept, text) : "not tried");
		ur_row_cell(s, row, tiled, UR_MEASURED, "%s", tiled > 0 ? ur_tell_bytes(tiled, text) : "not tried");
	}
}

/* Times a token in training by length, and who is fastest. */
static void tabulate_training(const json_t *curve, ur_section *s)
{
	const char *columns[MOST + 3] = { "T" }, *name;
	int n = 1;
	char about[160];
	json_t *table, *is;

	if (!points(curve))
		return;
	json_object_foreach(json_object_get(curve, "grows"), name, is)
		if (n <= MOST)
			columns[n++] = name;
	columns[n] = "fastest";
	(void)snprintf(about, sizeof about, "Width %.0f, batches of %.0f tokens or one sequence, all threads.",
	               ur_fact_at(curve, "width"), ur_fact_at(curve, "tokens"));
	table = ur_section_table(s, "Training, time per token", about, columns);
	for (int i = 0; i < points(curve); i++) {
		ur_said text;
		json_t *row = ur_table_row(s, table, ur_tell_count(length(curve, i), text));
		const char *best = "none";
		double least = INFINITY;

		for (int k = 1; k < n; k++) {
			const double each = value(curve, columns[k], i, "median") / tokens(curve, i, 1);
			if (each < least) {
				least = each;
				best = columns[k];
			}
			ur_row_cell(s, row, each, UR_MEASURED, "%s", each > 0 ? ur_tell_time(each, text) : "not measured");
		}
		ur_row_cell(s, row, NAN, UR_MEASURED, "%s", best);
	}
}

static void tabulate_crossings(const json_t *facts, ur_section *s)
{
	static const char *const columns[] = { "width", "training", "prefill", "streaming", NULL };
	static const char *const passes[] = { "training", "forward", "step" };
	json_t *table = NULL;

	for (int width = 1; width <= 1 << 14; width++) {
		char name[64];
		json_t *row;

		(void)snprintf(name, sizeof name, "training/%d", width);
		if (!json_object_get(facts, name))
			continue;
		if (!table)
			table = ur_section_table(s, "Where the faster one changes", "Attention and the LSTM (or what recurrence "
				"there is) at equal width, between the lengths measured. Prefill: one sequence, forward. Streaming: "
				"one step.", columns);
		(void)snprintf(name, sizeof name, "%d", width);
		row = ur_table_row(s, table, name);
		for (size_t k = 0; k < sizeof passes / sizeof *passes; k++) {
			const json_t *curve;
			said where;

			(void)snprintf(name, sizeof name, "%s/%d", passes[k], width);
			curve = json_object_get(facts, name);
			ur_row_cell(s, row, crossing(curve).at, UR_MEASURED, "%s", say_crossing(curve, where));
		}
	}
}

static void exponent(ur_section *s, const char *name, const ur_power *p)
{
	if (p->n > 2)
		ur_section_figure(s, name, p->exponent, UR_MEASURED, "exponent %.2f", p->exponent);
}

static void figures(const json_t *facts, ur_section *s)
{
	const json_t *memory = json_object_get(facts, "memory"), *forward = widest(facts, "forward");
	const json_t *far = json_object_get(facts, "long"), *training = widest(facts, "training");
	const json_t *step = widest(facts, "step");
	const char *rnn = typical(forward, 0), *own = typical(memory, 1);
	const ur_power attention = fit(json_object_get(facts, "core"), "tiles"), scores = fit_memory(memory, "scores");
	const ur_power recurrence = fit(forward, rnn ? rnn : ""), tiled = fit_memory(memory, own ? own : "");
	const double matrix = 4.0 * UR_COST_FAR * UR_COST_FAR, ratio = UR_COST_FAR / ur_fact_at(far, "T");
	const ur_origin origin = ratio == 1 ? UR_MEASURED : UR_DERIVED;
	ur_said text;
	said where;

	if (memory)
		ur_section_figure(s, "matrix_100k_bytes", matrix, UR_DERIVED, "%s", ur_tell_bytes(matrix, text));
	exponent(s, "attention_exponent", &attention);
	exponent(s, "rnn_exponent", &recurrence);
	exponent(s, "attention_memory_exponent", &scores);
	exponent(s, "tiled_memory_exponent", &tiled);
	if (far) {
		ur_section_figure(s, "tiled_100k_seconds", ur_fact_at(far, "seconds") * ratio * ratio, origin, "%s",
		                  ur_tell_time(ur_fact_at(far, "seconds") * ratio * ratio, text));
		ur_section_figure(s, "tiled_100k_bytes", ur_fact_at(far, "bytes") * ratio, origin, "%s",
		                  ur_tell_bytes(ur_fact_at(far, "bytes") * ratio, text));
		ur_section_figure(s, "tiled_share", ur_fact_at(far, "share"), UR_MEASURED, "%.0f %% of peak",
		                  100 * ur_fact_at(far, "share"));
	}
	if (training)
		ur_section_figure(s, "crossover_training", crossing(training).at, UR_MEASURED, "%s",
		                  say_crossing(training, where));
	if (forward)
		ur_section_figure(s, "crossover_prefill", crossing(forward).at, UR_MEASURED, "%s",
		                  say_crossing(forward, where));
	if (step)
		ur_section_figure(s, "crossover_streaming", crossing(step).at, UR_MEASURED, "%s",
		                  say_crossing(step, where));
}

/* -- questions -- */

static void ask_growth(const json_t *memory, ur_section *s)
{
	static const char *const times[] = { "About as much as before", "About twice as much", "About four times as much",
	                                     "About eight times as much", NULL };
	const char *attention = typical(memory, 1);
	const struct { const char *question, *name; } of[] = {
		{ "A sequence becomes twice as long. How much memory does attention take that keeps its scores?", "scores" },
		{ "And attention in tiles, which keeps none?", attention } };
	char because[200];

	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		const ur_power p = fit_memory(memory, of[i].name ? of[i].name : "");
		const int answer = !(p.exponent > 0.5) ? 0 : p.exponent < 1.5 ? 1 : p.exponent < 2.5 ? 2 : 3;
		if (p.n < 2)
			continue;
		(void)snprintf(because, sizeof because, "Measured here, memory grew by a factor of %.2f for each doubling.",
		               pow(2, p.exponent));
		ur_section_question(s, of[i].question, times, answer, because);
	}
}

static void ask_faster(const json_t *curve, int i, ur_section *s)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0), *choices[] = { a, b, NULL };
	const double x = a ? value(curve, a, i, "median") : NAN, y = b ? value(curve, b, i, "median") : NAN;
	char question[200], because[200];

	if (!(x > 0) || !(y > 0))
		return;
	(void)snprintf(question, sizeof question, "Which trains faster here per token at T = %.0f, both %.0f wide?",
	               length(curve, i), ur_fact_at(curve, "width"));
	(void)snprintf(because, sizeof because, "%s took %.2f us a token, %s %.2f.", a, 1e6 * x / tokens(curve, i, 1), b,
	               1e6 * y / tokens(curve, i, 1));
	ur_section_question(s, question, choices, y < x, because);
}

static void ask_far(const json_t *far, ur_section *s)
{
	static const char *const choices[] = { "Less than 1 GB", "1 to 39 GB", "40 GB or more", NULL };
	const double bytes = ur_fact_at(far, "bytes") * UR_COST_FAR / ur_fact_at(far, "T");
	char because[200];
	ur_said took;

	if (!(bytes > 0))
		return;
	(void)snprintf(because, sizeof because, "%s beyond input and output%s.", ur_tell_bytes(bytes, took),
	               ur_fact_at(far, "T") < UR_COST_FAR ? ", in proportion to what a shorter one took here" : ", "
		"measured here");
	ur_section_question(s, "The scores of one head over 100,000 positions are 40 GB in float32. What does exact "
		"attention over them need in tiles?", choices, bytes < 1e9 ? 0 : bytes < 4e10 ? 1 : 2, because);
}

static void conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const json_t *memory = json_object_get(facts, "memory"), *core = json_object_get(facts, "core");
	const json_t *far = json_object_get(facts, "long"), *forward = widest(facts, "forward");
	const json_t *training = widest(facts, "training"), *step = widest(facts, "step");

	(void)others;
	find_matrix(memory, s);
	find_memory(memory, s);
	find_long(far, s);
	find_time(core, forward, s);
	find_winners(training, json_object_get(facts, "predicted"), s);
	find_streaming(step, s);
	figures(facts, s);
	if (memory)
		tabulate_matrix(memory, far, s);
	tabulate_training(training, s);
	tabulate_crossings(facts, s);
	draw(s, "Memory by length", "One forward pass, beyond weights, input and output.", "T", memory, "B", 1, 0);
	draw(s, "One head of attention", "Forward over T positions, one thread: the same products, with the matrix and "
		"without.",
	     "T", core, "s", 1, 0);
	draw(s, "A layer over one sequence", "Forward, one thread.", "T", forward, "s", 1, 0);
	draw(s, "Training, by length", "Forward and backward, all threads.", "T", training, "us", 1e6, 1);
	draw(s, "One step more", "One stream, one thread.", "position", step, "us", 1e6, 0);
	ask_growth(memory, s);
	ask_far(far, s);
	if (points(training)) {
		ask_faster(training, 0, s);
		ask_faster(training, points(training) - 1, s);
	}
}

static const char *const lesson[] = {
	"Attention compares every position with every other. Written down as its formula is, `softmax(Q K^T / sqrt(d)) V`, "
	"it makes a matrix of T rows and T columns for each head: 262,144 numbers at T = 512, 16.8 million at 4,096, and "
	"ten thousand million at 100,000, which is 40 GB in float32, for one head of one layer of one sequence. Double the "
	"length and the matrix is four times as large.",
	"But nobody asked for the matrix. What is wanted is each row's weighted sum of values, and a weighted sum can be "
	"gathered piece by piece. The softmax seems to stand in the way, as its denominator is known only at the end of "
	"the row; the way round is to keep a running maximum and a running sum, and to rescale what was gathered whenever "
	"the maximum moves. Then a tile of 96 queries meets a tile of 256 keys, its scores are used and thrown away, and "
	"the next tile follows. The result is exact, and memory grows in proportion to T.",
	"What tiles do not save is work. All pairs are still multiplied: `T^2 d` operations, where a recurrence of width n "
	"needs `T n^2`. So there is always a length beyond which the recurrence is cheaper, and the question is only where "
	"it lies. Two things push it far out: attention's operations are large products that keep a processor busy, while "
	"a recurrence's steps wait for each other; and in training short sequences can be put side by side, but a long one "
	"is alone.",
	"When one token comes at a time the picture is another one. A recurrence does the same work at every position. "
	"Attention reads back through all the keys and values it has kept, and each step is a little dearer than the one "
	"before.",
	NULL };
static const char *const how[] = {
	"Memory is what the process grew by at most during one forward pass of a layer of width 256, less its output. The "
	"form that keeps its scores is one head of 64, written for this experiment on the same packed products; like the "
	"formula, it works out all T x T scores and masks half of them.",
	"One head is timed with and without the matrix, in turns, on one thread, as are layers (with their products in and "
	"out) over one sequence, and steps of one stream after so many others; these are seconds of the processor. "
	"Training is forward and backward over batches of 8,192 tokens, or one sequence where it is longer, on all "
	"threads. Exponents are fitted by least squares on logarithms, with 95 % intervals; crossings are read off between "
	"measured lengths, where both curves are straight in logarithms.",
	"Attention at T = 100,000 runs once, on all threads; its share of peak is of what multiply-adds in registers "
	"reach. At the quick size 16,384 is run instead and 100,000 derived from it.",
	NULL };

const ur_experiment ur_experiment_cost = {
	.name = "cost", .title = "What attention costs", .claims = "L4", .lesson = lesson, .how = how,
	.question = "How do memory and time grow with length, with attention and with recurrence, and where does the "
		"cheaper one change?",
	.seconds = seconds, .measure = ur_cost_measure, .conclude = conclude,
};
