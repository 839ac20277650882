/* What attention costs: memory and time by length, with its matrix of scores and without, beside recurrences; when
 * which is cheaper. Tiles: Milakov and Gimelshein 2018; Rabe and Staats 2021, "Self-attention does not need O(n^2)
 * memory"; Dao et al. 2022, FlashAttention. Facts: cost_parts.h. */
#include "lab/cost_parts.h"
#include "lab/judge.h"
#include "lab/rigs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 16, MOST_COLUMNS = 40, SHORT = 2048, LONG = 32768 };
/* Results of equal arithmetic in another order are not as far apart. */
static const double SAME = 1e-5;

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 20, 180, 700); }

/* -- curves -- */

static int points(const json_t *curve) { return (int)json_array_size(json_object_get(curve, "T")); }

static double length(const json_t *curve, int i)
{
	return json_number_value(json_array_get(json_object_get(curve, "T"), (size_t)i));
}

/* Of times, those of the thread where the curve is of one. A plain number is its own interval. */
static ur_reach at(const json_t *curve, const char *name, int i)
{
	static const char *const keys[2][3] = { { "median", "low", "high" }, { "thread", "thread_low", "thread_high" } };
	const json_t *v = json_array_get(json_object_get(json_object_get(curve, "of"), name), (size_t)i);
	const char *const *key = keys[json_is_true(json_object_get(curve, "processor"))];
	const double x = json_number_value(v);

	if (json_is_number(v))
		return (ur_reach){ x, x, x, 1, 1 };
	return (ur_reach){ ur_fact_at(v, key[0]), ur_fact_at(v, key[1]), ur_fact_at(v, key[2]),
	               (int)json_integer_value(json_object_get(v, "n")), json_is_true(json_object_get(v, "sure")) };
}

static double value(const json_t *curve, const char *name, int i) { return at(curve, name, i).at; }

/* From T = `from` on. */
static ur_growth fit_from(const json_t *curve, const char *name, double from)
{
	double T[MOST];
	ur_reach y[MOST];
	int n = 0;

	for (int i = 0; i < points(curve) && n < MOST; i++)
		if (length(curve, i) >= from) {
			T[n] = length(curve, i);
			y[n++] = at(curve, name, i);
		}
	return ur_growth_fit(n, T, y);
}

static ur_growth fit(const json_t *curve, const char *name) { return fit_from(curve, name, 0); }

/* Of memory, from where whole heads are packed on: shorter ones are packed where threads have room anyway. */
static ur_growth fit_memory(const json_t *curve, const char *name) { return fit_from(curve, name, 1024); }

static const char wide[] = "quieter measurements agree: intervals were too wide here, or repeats too few";
static const char nothing[] = " This tells nothing either way: intervals are too wide, or repeats too few.";

/* Whether bytes are what the process grew by, and not what the code says that it asks for. */
static int resident(const json_t *fact) { return json_is_true(json_object_get(fact, "resident")); }
static ur_origin origin_of(const json_t *fact) { return resident(fact) ? UR_MEASURED : UR_DERIVED; }

/* What rests on bytes that were not measured was not found here, and is at most predicted. */
static ur_found if_resident(ur_found found, const json_t *fact)
{
	return resident(fact) ? found : found <= UR_HOLDS_IF || found == UR_PREDICTED ? UR_PREDICTED : UR_MISSING;
}

static const char *declared(const json_t *fact)
{
	return resident(fact) ? "" : " This system does not say what a process grew by: bytes here are those that the code "
		"asks for, derived and not measured.";
}

/* The mixer whose state grows, attention, or one whose state does not; NULL: none. */
static const char *typical(const json_t *curve, int grows)
{
	return ur_lab_typical(json_object_get(curve, "mixers"), grows);
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
	const int n = points(curve) < MOST ? points(curve) : MOST;
	double T[MOST], x[MOST], y[MOST];

	if (!a || !b)
		return (ur_cross){ .kind = UR_CROSS_UNKNOWN, .at = NAN };
	for (int i = 0; i < n; i++) {
		T[i] = length(curve, i);
		x[i] = value(curve, a, i);
		y[i] = value(curve, b, i);
	}
	return ur_crossover(n, 1, T, x, y);
}

typedef char said[160];

static const char *say_crossing(const json_t *curve, said out)
{
	const ur_cross c = crossing(curve);
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	const int n = points(curve);
	ur_said from, to, where;

	if (c.kind == UR_CROSS_AT || c.kind == UR_CROSS_OFTEN)
		(void)snprintf(out, sizeof(said), "%sT = %s, %s being faster %s",
		               c.kind == UR_CROSS_OFTEN ? "more than once, last at " : "", ur_tell_count(round(c.at), where),
		               c.first ? b : a, c.kind == UR_CROSS_OFTEN ? "just before" : "below");
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
	char words[400] = "Not measured yet.";
	double T = NAN, bytes = NAN;
	ur_finding f = { .name = "matrix", .found = UR_MISSING, .words = words,
		.claim = "Q K^T is T x T: 262,144 values at T = 512, 16.8 million at 4,096, 10 billion at 100,000.",
		.prediction = "T squared values of 4 bytes in float32: 1.05 MB, 67 MB and 40 GB; half of that in bf16.",
		.rule = "Holds if attention that keeps its scores took, at the longest T that was tried, at least those bytes "
			"and at most a fifth more; else it fails. Predicted at most, where the system does not tell what a process "
			"grew by." };

	for (int i = 0; i < points(memory); i++)
		if (value(memory, "scores", i) > 0) {
			T = length(memory, i);
			bytes = value(memory, "scores", i);
		}
	if (bytes > 0) {
		const double ratio = bytes / (4 * T * T);
		ur_said took, at_T, n;
		f.found = if_resident(ratio >= 0.99 && ratio <= 1.2 ? UR_HOLDS : UR_FAILS, memory);
		(void)snprintf(words, sizeof words, "At T = %s one head took %s, %.2f times its %s scores of 4 bytes.%s",
		               ur_tell_count(T, at_T), ur_tell_bytes(bytes, took), ratio, ur_tell_count(T * T, n),
		               declared(memory));
	}
	ur_section_finding(s, &f);
}

static void find_memory(const json_t *memory, ur_section *s)
{
	const ur_growth scores = fit_memory(memory, "scores"), tiled = fit_memory(memory, typical(memory, 1));
	char words[600] = "Not measured yet.";
	ur_said from, to;
	ur_finding f = { .name = "memory", .found = UR_MISSING, .words = words,
		.claim = "Kept, the scores take memory that grows with the square of the length; in tiles, attention's memory "
			"grows in proportion to it.",
		.prediction = "Exponents 2 and 1: the matrix has T x T values; tiles keep one row of queries, keys and values "
			"a position.",
		.rule = "Holds if the 95 % interval of the fitted exponent of memory beyond weights, input and output lies "
			"within 1.75 to 2.25 with the matrix, and below 1.3 without; fails if an interval lies wholly outside. "
			"Predicted at most, where the system does not tell what a process grew by." };

	if (scores.of.n > 2 && tiled.of.n > 2) {
		f.found = if_resident(ur_judge_both(ur_judge_within(&scores, 1.75, 2.25), ur_judge_within(&tiled, -1, 1.3)),
		                      memory);
		f.condition = f.found == UR_HOLDS_IF ? wide : NULL;
		(void)snprintf(words, sizeof words, "From T = %s to %s memory grew with exponent %.2f (%.2f to %.2f) where "
			"scores are kept, with %.2f (%.2f to %.2f) in a whole layer of attention as Unroll has it.%s%s",
		               ur_tell_count(scores.of.from, from), ur_tell_count(scores.of.to, to), scores.of.exponent,
		               scores.of.low, scores.of.high, tiled.of.exponent, tiled.of.low, tiled.of.high, declared(memory),
		               f.found == UR_MISSING && resident(memory) ? nothing : "");
	}
	ur_section_finding(s, &f);
}

static void find_long(const json_t *fact, const json_t *same, ur_section *s)
{
	const double T = ur_fact_at(fact, "T"), bytes = ur_fact_at(fact, "bytes"), far = UR_COST_FAR;
	const double matrix = 4 * far * far, scaled = bytes * far / T, apart = ur_fact_at(same, "most");
	char words[700] = "Not measured yet.", shorter[100] = "", agree[160];
	ur_said took, whole, time, all, at_T;
	ur_finding f = { .name = "exact", .found = UR_MISSING, .words = words,
		.claim = "Exact attention over 100,000 positions does not need the 40 GB of its scores: \"impossible to fit\" "
			"is said of keeping the matrix, not of attention.",
		.prediction = "Tiles of 192 queries and 256 keys with an online softmax: packed keys and values of a head, "
			"51 MB.",
		.rule = "Holds if it ran here in less than a hundredth of the bytes of one head's matrix, and if tiles and "
			"matrix differ nowhere by more than 0.00001 where both were worked out; else it fails. If only a shorter "
			"one ran, its bytes are scaled to 100,000, and it is predicted at most; so it is where the system does not "
			"tell what a process grew by." };

	if (bytes > 0) {
		const ur_found small = scaled >= matrix / 100 ? UR_FAILS : T >= far ? UR_HOLDS : UR_PREDICTED;

		f.found = ur_judge_both(if_resident(small, fact), isnan(apart) ? UR_MISSING
		                                                  : apart <= SAME ? UR_HOLDS : UR_FAILS);
		if (T < far)
			(void)snprintf(shorter, sizeof shorter, ", which makes %s at 100,000", ur_tell_bytes(scaled, all));
		if (isnan(apart))
			(void)snprintf(agree, sizeof agree, "Whether it gives what the matrix gives was not measured.");
		else
			(void)snprintf(agree, sizeof agree, "At T = %s its results and those with the matrix kept differ by %.2g "
			               "at most.", ur_tell_count(ur_fact_at(same, "T"), at_T), apart);
		(void)snprintf(words, sizeof words, "At T = %s with %.0f head%s of 64 it took %s and %s beyond input and "
			"output%s; the matrix of one head is %s at 100,000. It ran once, at %.0f %% of the peak of %.0f thread%s. "
			"%s%s", ur_tell_count(T, (ur_said){ 0 }), ur_fact_at(fact, "heads"),
		               ur_fact_at(fact, "heads") > 1 ? "s" : "", ur_tell_time(ur_fact_at(fact, "seconds"), time),
		               ur_tell_bytes(bytes, took), shorter, ur_tell_bytes(matrix, whole),
		               100 * ur_fact_at(fact, "share"), ur_fact_at(fact, "threads"),
		               ur_fact_at(fact, "threads") > 1 ? "s" : "", agree, declared(fact));
	}
	ur_section_finding(s, &f);
}

/* All whose state does not grow: the least and the most of their exponents; *few: one of too few lengths, or NULL. */
static ur_found recurrences(const json_t *curve, double *low, double *high, const char **few)
{
	const char *name;
	json_t *of;
	ur_found found = UR_MISSING;
	int n = 0;

	*low = INFINITY;
	*high = -INFINITY;
	*few = NULL;
	json_object_foreach(json_object_get(curve, "mixers"), name, of) {
		const ur_growth g = fit(curve, name);
		const ur_found one = ur_judge_within(&g, 0.8, 1.2);

		if (json_is_true(json_object_get(of, "grows")))
			continue;
		if (g.of.n < 3)
			*few = name;
		*low = fmin(*low, g.of.exponent);
		*high = fmax(*high, g.of.exponent);
		found = n++ ? ur_judge_both(found, one) : one;
	}
	return found;
}

static void find_time(const json_t *core, const json_t *forward, ur_section *s)
{
	const ur_growth tiles = fit(core, "tiles"), scores = fit(core, "scores");
	double low, high;
	const char *few;
	const ur_found others = recurrences(forward, &low, &high, &few);
	char words[600] = "Not measured yet.";
	ur_finding f = { .name = "time", .found = UR_MISSING, .words = words,
		.claim = "Time over a sequence grows with the square of its length for attention, and in proportion for a "
			"recurrence.",
		.prediction = "T^2 d against T n^2 multiplications: exponents 2 and 1; a whole layer of attention also has "
			"products in proportion to T, so that its exponent is between the two and nears 2 as T grows.",
		.rule = "Holds if the 95 % interval of the fitted exponent of attention proper (one head, in tiles) lies "
			"within 1.75 to 2.25, and that of every recurrence within 0.8 to 1.2; fails if one lies wholly outside. "
			"Intervals that reach over a limit, times of fewer repeats than a 95 % interval takes, and a recurrence of "
			"fewer than 3 lengths never make it fail: then it holds under a condition, or nothing is found." };

	if (tiles.of.n > 2 && high > low - 1) {
		f.found = ur_judge_both(ur_judge_within(&tiles, 1.75, 2.25), others);
		f.condition = f.found == UR_HOLDS_IF ? wide : NULL;
		(void)snprintf(words, sizeof words, "One head: exponent %.2f (%.2f to %.2f) in tiles, %.2f with the matrix "
			"kept. Recurrences: %.2f to %.2f.%s%s%s", tiles.of.exponent, tiles.of.low, tiles.of.high,
		               scores.of.exponent, low, high, few ? " Too few lengths were measured of: " : "", few ? few : "",
		               few ? "." : f.found == UR_MISSING ? nothing : "");
	}
	ur_section_finding(s, &f);
}

static const char *predicted(const json_t *curve, char *out, size_t room)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	ur_said T, x, y;
	size_t used = (size_t)snprintf(out, room, "T^2 d against T n^2: a recurrence costs the same a token at any length, "
		"attention in proportion to T.");

	if (a && b && used < room)
		used += (size_t)snprintf(out + used, room - used, " At width %.0f the cost model expects of %s and %s, a token "
			"on one thread:", ur_fact_at(curve, "width"), a, b);
	for (int i = 0; a && b && i < points(curve) && used < room; i++)
		used += (size_t)snprintf(out + used, room - used, "%s T = %s %s and %s", i ? "," : "",
		                         ur_tell_count(length(curve, i), T),
		                         ur_tell_time(value(curve, a, i) / tokens(curve, i, 1), x),
		                         ur_tell_time(value(curve, b, i) / tokens(curve, i, 1), y));
	return out;
}

/* Adds what is not sure of a ratio at T to the text of a condition. */
static void doubt(char *out, size_t room, ur_reach r, double T)
{
	const size_t used = strlen(out);
	const char *sep = used ? ", and " : "";
	ur_said where;

	(void)ur_tell_count(T, where);
	if (r.sure)
		(void)snprintf(out + used, room - used, "%smedians count at T = %s, where intervals are too wide", sep, where);
	else if (r.repeats > 1)
		(void)snprintf(out + used, room - used, "%s%d repeats are enough at T = %s", sep, r.repeats, where);
	else
		(void)snprintf(out + used, room - used, "%sone repeat is enough at T = %s", sep, where);
}

/* Who is faster from `from` to `to`; the finding but for its name, claim and rule. */
static void find_training(const json_t *curve, ur_finding *f, double from, double to, double factor, int wins,
                          ur_section *s)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0);
	char words[700] = "Not measured yet.", range[40], unsure[400] = "";
	ur_reach all = { INFINITY, INFINITY, -INFINITY, 0, 1 };
	double most = -INFINITY;
	ur_said where;
	said crosses;

	f->words = words;
	f->found = UR_MISSING;
	for (int i = 0; a && b && i < points(curve); i++) {
		const double T = length(curve, i);
		const ur_reach r = ur_reach_over(at(curve, a, i), at(curve, b, i));
		const ur_found one = ur_judge_beyond(r, factor, !wins);

		if (T < from || T > to || !(r.at > 0))
			continue;
		f->found = most > 0 ? ur_judge_both(f->found, one) : one;
		all = (ur_reach){ fmin(all.at, r.at), fmin(all.low, r.low), fmax(all.high, r.high), 0, all.sure && r.sure };
		most = fmax(most, r.at);
		if (one == UR_HOLDS_IF || one == UR_MISSING)
			doubt(unsure, sizeof unsure, r, T);
	}
	if (most > 0) {
		f->condition = f->found == UR_HOLDS_IF ? unsure : NULL;
		(void)snprintf(range, sizeof range, most > all.at ? "%.2f to %.2f" : "%.2f", all.at, most);
		(void)snprintf(words, sizeof words, "At width %.0f attention took %s times the time of the %s for a token "
		               "(%s: %.2f to %.2f). They cross at: %s. This is time alone: what either learns in it was not "
		               "measured here.%s", ur_fact_at(curve, "width"), range, b, all.sure ? "95 % intervals" : "least "
		               "and most, of too few repeats for an interval", all.low, all.high, say_crossing(curve, crosses),
		               f->found == UR_MISSING ? nothing : "");
	} else if (points(curve)) {
		(void)snprintf(words, sizeof words, "No length %s %s was trained at this size of the lab.",
		               wins ? "below" : "from", ur_tell_count(wins ? SHORT : LONG, where));
	}
	ur_section_finding(s, f);
}

#define UNSURE " An interval that reaches over that, or one or few repeats, never make it fail: then it holds under a" \
	" condition, or nothing is found."

static void find_winners(const json_t *curve, const json_t *model, ur_section *s)
{
	char before[600], arithmetic[240];
	const double n = ur_fact_at(curve ? curve : model, "width");
	ur_finding below = { .name = "short", .claim = "Transformers win below T = 2,048.",
		.prediction = predicted(model, before, sizeof before),
		.rule = "By time per token in training at equal width, the widest measured, on all threads: holds if attention "
			"is faster than the recurrence at every length measured below 2,048, by the 95 % interval of the ratio; "
			"fails if it is not, by that interval, at one of them." UNSURE };
	ur_finding above = { .name = "far", .claim = "Above T = 32,768 the cost of attention is prohibitive.",
		.prediction = arithmetic,
		.rule = "By the same times: holds if attention takes more than twice as long for a token as the recurrence at "
			"every length measured from 32,768 on, by the 95 % interval of the ratio; fails if it does not, by that "
			"interval, at one of them." UNSURE };
	const size_t used = (size_t)snprintf(arithmetic, sizeof arithmetic, "By arithmetic alone a token of attention "
		"costs T / 8n + 1/2 times one of an LSTM as wide");

	if (n > 0)
		(void)snprintf(arithmetic + used, sizeof arithmetic - used, ": %.1f times at T = 32,768 and width %.0f.",
		               LONG / (8 * n) + 0.5, n);
	else
		(void)snprintf(arithmetic + used, sizeof arithmetic - used, ", n being the width.");
	find_training(curve, &below, 0, SHORT - 1, 1, 1, s);
	find_training(curve, &above, LONG, INFINITY, 2, 0, s);
}

/* -- what is shown -- */

static void draw(ur_section *s, const char *title, const char *about, const char *x, const json_t *curve,
                 const char *unit, int training)
{
	const ur_axis_of across = { x, "", 1 };
	const ur_axis_of up = { training ? "time per token" : unit[0] == 'B' ? "memory" : "time", unit, 1 };
	const ur_origin origin = unit[0] == 'B' ? origin_of(curve) : UR_MEASURED;
	json_t *chart, *line, *list;
	const char *name;

	if (!points(curve))
		return;
	chart = ur_section_chart(s, title, about, &across, &up);
	json_object_foreach(json_object_get(curve, "of"), name, list) {
		const int mixer = json_object_get(json_object_get(curve, "mixers"), name) != NULL;
		const char *shown = !strcmp(name, "scores") ? "attention, scores kept"
		                    : !strcmp(name, "tiles") ? "attention, tiles" : name;

		line = ur_chart_line(s, chart, shown, mixer ? name : NULL, origin);
		for (int i = 0; i < points(curve); i++) {
			const double of = training ? tokens(curve, i, 1) : 1;
			const ur_reach y = at(curve, name, i);
			if (y.at > 0)
				ur_line_point(s, line, length(curve, i), y.at / of, y.low < y.high ? y.low / of : NAN,
				              y.low < y.high ? y.high / of : NAN);
		}
	}
}

static void tabulate_matrix(const json_t *memory, const json_t *far, ur_section *s)
{
	static const char *const columns[] = { "T", "values", "float32", "bf16", "took with them kept", "took in tiles",
	                                       NULL };
	static const double lengths[] = { 512, 4096, UR_COST_FAR };
	const char *attention = typical(memory, 1), *about = resident(memory) ? "Values and bytes are counted. What took "
		"memory here is beyond input and output; in tiles it is a whole layer of width 256 but at 100,000, which is "
		"the heads alone." : "Values and bytes are counted. What took memory is what the code asks for beyond input "
		"and output, derived; in tiles it is a whole layer of width 256 but at 100,000, which is the heads alone.";
	json_t *table = ur_section_table(s, "The matrix of scores of one head", about, columns);

	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		const double T = lengths[k], n = T * T;
		double kept = NAN, tiled = ur_fact_at(far, "T") == T ? ur_fact_at(far, "bytes") : NAN;
		const ur_origin in_tiles = origin_of(tiled > 0 ? far : memory);
		ur_said text;
		json_t *row = ur_table_row(s, table, ur_tell_count(T, text));

		for (int i = 0; i < points(memory); i++)
			if (length(memory, i) == T) {
				kept = value(memory, "scores", i);
				tiled = attention ? value(memory, attention, i) : tiled;
			}
		ur_row_cell(s, row, n, UR_COUNTED, "%s", ur_tell_count(n, text));
		ur_row_cell(s, row, 4 * n, UR_DERIVED, "%s", ur_tell_bytes(4 * n, text));
		ur_row_cell(s, row, 2 * n, UR_DERIVED, "%s", ur_tell_bytes(2 * n, text));
		ur_row_cell(s, row, kept, origin_of(memory), "%s", kept > 0 ? ur_tell_bytes(kept, text) : "not tried");
		ur_row_cell(s, row, tiled, in_tiles, "%s", tiled > 0 ? ur_tell_bytes(tiled, text) : "not tried");
	}
}

/* Times a token in training by length, and who is fastest. */
static void tabulate_training(const json_t *curve, ur_section *s)
{
	const char *columns[MOST_COLUMNS + 2] = { "T" }, *name;
	int n = 1;
	char about[160];
	json_t *table, *of;
	ur_said all;

	if (!points(curve))
		return;
	json_object_foreach(json_object_get(curve, "mixers"), name, of)
		if (n < MOST_COLUMNS)
			columns[n++] = name;
	columns[n] = "fastest by median";
	(void)snprintf(about, sizeof about, "Width %.0f, batches of %s tokens or one sequence, all threads.",
	               ur_fact_at(curve, "width"), ur_tell_count(ur_fact_at(curve, "tokens"), all));
	table = ur_section_table(s, "Training, time per token", about, columns);
	for (int i = 0; i < points(curve); i++) {
		ur_said text;
		json_t *row = ur_table_row(s, table, ur_tell_count(length(curve, i), text));
		const char *best = "none";
		double least = INFINITY;

		for (int k = 1; k < n; k++) {
			const double each = value(curve, columns[k], i) / tokens(curve, i, 1);
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

static void exponent(ur_section *s, const char *name, const ur_growth *g, ur_origin origin)
{
	if (g->of.n > 2)
		ur_section_figure(s, name, g->of.exponent, origin, "exponent %.2f", g->of.exponent);
}

static void figures(const json_t *facts, ur_section *s)
{
	const json_t *memory = json_object_get(facts, "memory"), *forward = widest(facts, "forward");
	const json_t *far = json_object_get(facts, "long"), *training = widest(facts, "training");
	const json_t *step = widest(facts, "step");
	const ur_growth attention = fit(json_object_get(facts, "core"), "tiles"), scores = fit_memory(memory, "scores");
	const ur_growth recurrence = fit(forward, typical(forward, 0)), tiled = fit_memory(memory, typical(memory, 1));
	const double matrix = 4.0 * UR_COST_FAR * UR_COST_FAR, ratio = UR_COST_FAR / ur_fact_at(far, "T");
	const ur_origin origin = ratio == 1 ? UR_MEASURED : UR_DERIVED;
	ur_said text;
	said where;

	if (memory)
		ur_section_figure(s, "matrix_100k_bytes", matrix, UR_DERIVED, "%s", ur_tell_bytes(matrix, text));
	exponent(s, "attention_exponent", &attention, UR_MEASURED);
	exponent(s, "rnn_exponent", &recurrence, UR_MEASURED);
	exponent(s, "attention_memory_exponent", &scores, origin_of(memory));
	exponent(s, "tiled_memory_exponent", &tiled, origin_of(memory));
	if (far) {
		ur_section_figure(s, "tiled_100k_seconds", ur_fact_at(far, "seconds") * ratio * ratio, origin, "%s",
		                  ur_tell_time(ur_fact_at(far, "seconds") * ratio * ratio, text));
		ur_section_figure(s, "tiled_100k_bytes", ur_fact_at(far, "bytes") * ratio,
		                  resident(far) ? origin : UR_DERIVED, "%s",
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
	char because[300];

	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		const double e = fit_memory(memory, of[i].name).of.exponent;
		const int answer = !(e > 0.5) ? 0 : e < 1.5 ? 1 : e < 2.5 ? 2 : 3;
		if (isnan(e))
			continue;
		(void)snprintf(because, sizeof because, "%semory grew by a factor of %.2f for each doubling.%s",
		               resident(memory) ? "Measured here, m" : "M", pow(2, e), declared(memory));
		ur_section_question(s, of[i].question, times, answer, because);
	}
}

/* Not asked where measurements do not tell. */
static void ask_faster(const json_t *curve, int i, ur_section *s)
{
	const char *a = typical(curve, 1), *b = typical(curve, 0), *choices[] = { a, b, NULL };
	const ur_reach ratio = ur_reach_over(at(curve, a, i), at(curve, b, i));
	const int slower = ur_judge_beyond(ratio, 1, 1) <= UR_HOLDS_IF && ratio.low > 1;
	const int faster = ur_judge_beyond(ratio, 1, 0) <= UR_HOLDS_IF && ratio.high < 1;
	char question[200], because[200];
	ur_said T, x, y;

	if (!slower && !faster)
		return;
	(void)snprintf(question, sizeof question, "Which trains faster here per token at T = %s, both %.0f wide?",
	               ur_tell_count(length(curve, i), T), ur_fact_at(curve, "width"));
	(void)snprintf(because, sizeof because, "%s took %s a token, %s %s%s.", a,
	               ur_tell_time(value(curve, a, i) / tokens(curve, i, 1), x), b,
	               ur_tell_time(value(curve, b, i) / tokens(curve, i, 1), y),
	               ratio.repeats == 1 ? ", with one repeat" : "");
	ur_section_question(s, question, choices, slower, because);
}

static void ask_far(const json_t *far, ur_section *s)
{
	static const char *const choices[] = { "Less than 1 GB", "1 to 39 GB", "40 GB or more", NULL };
	const double bytes = ur_fact_at(far, "bytes") * UR_COST_FAR / ur_fact_at(far, "T");
	const char *how = ur_fact_at(far, "T") < UR_COST_FAR ? "in proportion to what a shorter one took"
	                  : resident(far) ? "measured here" : "derived";
	char because[300];
	ur_said took;

	if (!(bytes > 0))
		return;
	(void)snprintf(because, sizeof because, "%s beyond input and output, %s.%s", ur_tell_bytes(bytes, took), how,
	               declared(far));
	ur_section_question(s, "The scores of one head over 100,000 positions are 40 GB in float32. What does exact "
		"attention over them need in tiles?", choices, bytes < 1e9 ? 0 : bytes < 4e10 ? 1 : 2, because);
}

static void conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const json_t *memory = json_object_get(facts, "memory"), *core = json_object_get(facts, "core");
	const json_t *far = json_object_get(facts, "long"), *forward = widest(facts, "forward");
	const json_t *training = widest(facts, "training");

	(void)others;
	find_matrix(memory, s);
	find_memory(memory, s);
	find_long(far, json_object_get(facts, "same"), s);
	find_time(core, forward, s);
	find_winners(training, json_object_get(facts, "predicted"), s);
	figures(facts, s);
	if (memory)
		tabulate_matrix(memory, far, s);
	tabulate_training(training, s);
	tabulate_crossings(facts, s);
	draw(s, "Memory by length", "One forward pass, beyond weights, input and output.", "T", memory, "B", 0);
	draw(s, "One head of attention", "Forward over T positions, one thread: the same products, with the matrix and "
		"without.", "T", core, "s", 0);
	draw(s, "A layer over one sequence", "Forward, one thread.", "T", forward, "s", 0);
	draw(s, "Training, by length", "Forward and backward, all threads.", "T", training, "s", 1);
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
	"the maximum moves. Then a tile of 96 or 192 queries meets a tile of 256 keys, its scores are used and thrown "
	"away, and the next tile follows. The result is exact, and memory grows in proportion to T.",
	"What tiles do not save is work. All pairs are still multiplied: `T^2 d` operations, where a recurrence of width n "
	"needs `T n^2`. So there is always a length beyond which the recurrence is cheaper, and the question is only where "
	"it lies. Two things push it far out: attention's operations are large products that keep a processor busy, while "
	"a recurrence's steps wait for each other; and in training short sequences can be put side by side, but a long one "
	"is alone.",
	"When one token comes at a time the picture is another one: that is the experiment after this one. Here its times "
	"only say which is cheaper from where on.",
	NULL };
static const char *const how[] = {
	"Memory is what the process grew by at most during one forward pass of a layer of width 256, less its output. The "
	"form that keeps its scores is one head of 64, written for this experiment on the same packed products; like the "
	"formula, it works out all T x T scores and masks half of them.",
	"One head is timed with and without the matrix, in turns, on one thread, as are layers (with their products in and "
	"out) over one sequence, and steps of one stream after so many others; these are seconds that the processor gave "
	"to that thread, medians with 95 % intervals by order statistics. Training is forward and backward over batches of "
	"8,192 tokens, or one sequence where it is longer, on all threads, by the clock; the longest have time for one or "
	"two repeats, which is said where it matters. Exponents are fitted by least squares on logarithms, with 95 % "
	"intervals; crossings are read off between measured lengths, where both curves are straight in logarithms.",
	"Attention at T = 100,000 runs once, on all threads; its share of peak is of what multiply-adds in registers "
	"reach. At the quick size 16,384 is run instead and 100,000 derived from it. That tiles give what the matrix gives "
	"is checked at T = 4,096, at the quick size 1,024: the greatest difference of any output, with inputs of -1 to 1.",
	NULL };

const ur_experiment ur_experiment_cost = {
	.name = "cost", .title = "What attention costs", .claims = "L4", .lesson = lesson, .how = how,
	.question = "How do memory and time grow with length, with attention and with recurrence, and where does the "
		"cheaper one change?",
	.seconds = seconds, .measure = ur_cost_measure, .conclude = conclude,
};
