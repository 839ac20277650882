/* One vector for the whole source: letters to be said backwards (reverse), by models of the same size with and without
 * attention, scored by length of the source; and how many letters the final state of an LSTM holds, by its width.
 * Sutskever, Vinyals and Le 2014; Cho et al. 2014 ("On the properties of neural machine translation", where quality
 * falls with length); Bahdanau, Cho and Bengio 2015. Trained, translated and judged by compare/. */
#include "base/file.h"
#include "base/rng.h"
#include "compare/compare.h"
#include "lab/lab.h"
#include "lab/under.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LETTERS = 10, MOST_WIDTHS = 4, STEP_TOKENS = 512 };
static const double RATE = 1e-2; /* of learning; half of it ended higher at these sizes */

/* What is trained, by size of the lab. */
typedef struct plan {
	int longest, seeds, widths, width[MOST_WIDTHS];
	int64_t parameters;
	double tokens, fit_tokens;
} plan;

static plan plan_of(const ur_lab *lab)
{
	static const plan plans[] = {
		[UR_LAB_QUICK] = { 20, 1, 2, { 16, 64 }, 30000, 3e5, 2e5 },
		[UR_LAB_DEFAULT] = { 30, 3, 3, { 16, 32, 64 }, 60000, 8e5, 8e5 },
		[UR_LAB_FULL] = { 60, 3, 4, { 32, 64, 128, 256 }, 150000, 4e6, 2e6 },
	};
	return plans[lab->size];
}

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 18, 130, 900); }

/* -- measuring -- */

/* Sources of 1 to `longest` random letters, each length as often as any other, and the same backwards. */
static ur_status write_pairs(const ur_lab *lab, const char *path, int longest, ur_err *err)
{
	enum { LINES = 20000, ROOM = 256 };
	ur_file *file;
	ur_status status = ur_file_begin(path, &file, err);

	for (int i = 0; i < LINES && !status; i++) {
		const int n = 1 + i % longest;
		char line[ROOM];
		for (int k = 0; k < n; k++) {
			const uint64_t at = (uint64_t)i * ROOM + (uint64_t)k;
			const char letter = (char)('a' + ur_rng_below(lab->seed, ur_rng_for(UR_RNG_BATCH, 0), at, LETTERS));
			line[k] = line[2 * n - k] = letter;
		}
		line[n] = '\t';
		line[2 * n + 1] = '\n';
		status = ur_file_write(file, line, (size_t)(2 * n + 2), err);
	}
	if (status) {
		ur_file_abandon(file);
		return status;
	}
	return ur_file_commit(file, err);
}

typedef struct part { ur_lab *lab; double from, to; const char *what; } part;

static int watch(void *arg, const ur_stage *s)
{
	const part *p = arg;
	return ur_lab_say(p->lab, p->from + (p->to - p->from) * s->share, NULL, "%s: %s", p->what, s->what) != UR_OK;
}

static json_t *real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *contender(const ur_contender *c, int seeds)
{
	json_t *runs = json_array(), *bins = json_array();

	for (int i = 0; i < seeds; i++)
		json_array_append_new(runs, json_pack("{s:I,s:o,s:o}", "seed", (json_int_t)c->run[i].seed, "short",
		                                      real(c->run[i].short_errors), "long", real(c->run[i].long_errors)));
	for (int i = 0; i < c->length_bins; i++) {
		const ur_length_bin *b = &c->length[i];
		json_array_append_new(bins, json_pack("{s:i,s:i,s:I,s:o,s:o,s:o,s:o,s:o,s:o}", "from", b->from, "to", b->to,
			"n", (json_int_t)b->n, "exact", real(b->exact), "exact_low", real(b->exact_low), "exact_high",
			real(b->exact_high), "errors", real(b->errors), "errors_low", real(b->errors_low), "errors_high",
			real(b->errors_high)));
	}
	return json_pack("{s:s,s:s,s:I,s:i,s:i,s:b,s:I,s:I,s:i,s:o,s:o}", "name", c->name, "spec", c->spec.text,
		"parameters", (json_int_t)c->parameters, "layers", c->spec.layers, "width", c->spec.width, "attends",
		c->attends,
		"remembered", (json_int_t)c->sentence.remembered, "state", (json_int_t)c->sentence.state, "source_tokens",
		c->sentence.source_tokens, "runs", runs, "lengths", bins);
}

static json_t *comparison(const ur_comparison *c)
{
	static const char *const kinds[] = { "unknown", "none", "everywhere", "unsure", "shows" };
	json_t *all = json_array();

	for (int i = 0; i < c->n; i++)
		json_array_append_new(all, contender(&c->of[i], c->seeds));
	return json_pack("{s:s,s:i,s:i,s:i,s:i,s:o}", "kind", kinds[c->bottleneck.kind], "without", c->bottleneck.without,
	                 "with", c->bottleneck.with, "agree", c->bottleneck.agree, "seeds", c->seeds, "contenders", all);
}

/* One comparison under a name; *fact is a new reference. */
static ur_status compare(ur_lab *lab, const char *name, const ur_pairs *pairs, int n, const char *const *specs,
                         int64_t parameters, double tokens, int seeds, part *p, json_t **fact, ur_err *err)
{
	double rates[UR_MOST_CONTENDERS];
	ur_pair_split split;
	ur_under under;
	char where[64];
	ur_comparison *out = calloc(1, sizeof *out);
	ur_compare what = { .archs = n, .arch = specs, .pairs = pairs, .pair_split = &split, .parameters = parameters,
		.kind = UR_BUDGET_TOKENS, .budget = tokens, .seeds = seeds, .lr = rates, .step_tokens = STEP_TOKENS,
		.translate = 1000, .seed = lab->seed, .ctx = lab->ctx, .watch = watch, .arg = p };
	ur_status status;

	if (!out)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a comparison");
	for (int i = 0; i < UR_MOST_CONTENDERS; i++)
		rates[i] = RATE;
	(void)snprintf(where, sizeof where, "bottleneck/%s", name);
	if (!(status = ur_under_open(&under, lab->journal, where, err)) &&
	    !(status = ur_pair_split_make(pairs, 0.02, 0.1, 0, &split, NULL, err))) {
		what.journal = &under.journal;
		status = ur_compare_run(&what, out, err);
		ur_pair_split_free(&split);
	}
	*fact = status ? NULL : comparison(out);
	if (*fact)
		ur_under_close(&under);
	free(out);
	return status;
}

static ur_status quality(ur_lab *lab, const plan *of, const ur_pairs *pairs, ur_err *err)
{
	static const char *const specs[] = { "seq2seq:lstm", "seq2seq:lstm,attention=luong,encoder=bi",
	                                     "seq2seq:transformer,heads=4,context=64" };
	part p = { lab, 0, 0.65, "with and without attention" };
	json_t *fact = NULL;
	ur_status status;

	if (ur_lab_recall(lab, &status, err, "quality") || status)
		return status;
	status = compare(lab, "quality", pairs, lab->size == UR_LAB_FULL ? 3 : 2, specs, of->parameters, of->tokens,
	                 of->seeds, &p, &fact, err);
	return status ? status : ur_lab_keep(lab, fact, err, "quality");
}

static ur_status fit(ur_lab *lab, const plan *of, const ur_pairs *pairs, ur_err *err)
{
	part p = { lab, 0.65, 1, "what a state holds" };
	char text[MOST_WIDTHS][64];
	const char *specs[MOST_WIDTHS];
	json_t *fact = NULL;
	ur_status status;

	if (ur_lab_recall(lab, &status, err, "fit") || status)
		return status;
	for (int i = 0; i < of->widths; i++) {
		(void)snprintf(text[i], sizeof text[i], "seq2seq:lstm:1x%d", of->width[i]);
		specs[i] = text[i];
	}
	status = compare(lab, "fit", pairs, of->widths, specs, 0, of->fit_tokens, 1, &p, &fact, err);
	return status ? status : ur_lab_keep(lab, fact, err, "fit");
}

static ur_status measure(ur_lab *lab, ur_err *err)
{
	const plan of = plan_of(lab);
	char path[4096];
	ur_pairs_request request = { .path = path };
	ur_pairs *pairs = NULL;
	ur_status status = UR_OK;

	for (int side = 0; side < UR_SIDES; side++)
		request.vocab[side].kind = "char";
	if (snprintf(path, sizeof path, "%s/reverse.tsv", lab->journal->folder) >= (int)sizeof path)
		return ur_fail(err, UR_E_INVALID, "the journal's folder has too long a name");
	if (!(status = ur_lab_say(lab, 0, err, "making letters to say backwards")) &&
	    !(status = write_pairs(lab, path, of.longest, err)) && !(status = ur_pairs_open(&request, &pairs, err)) &&
	    !(status = quality(lab, &of, pairs, err)))
		status = fit(lab, &of, pairs, err);
	ur_pairs_close(pairs);
	(void)unlink(path);
	return status;
}

/* -- concluding -- */

static const json_t *last_bin(const json_t *c)
{
	const json_t *bins = json_object_get(c, "lengths");
	return json_array_get(bins, json_array_size(bins) - 1);
}

/* Length at which half of the sources are still right, between the middles of bins; infinite: at all that were tried;
 * NaN: there are no translations, as of a run that diverged. */
static double half(const json_t *c)
{
	double before = 0, exact = 1;
	size_t i;
	json_t *bin;

	json_array_foreach(json_object_get(c, "lengths"), i, bin) {
		const double at = (ur_fact_at(bin, "from") + ur_fact_at(bin, "to")) / 2, now = ur_fact_at(bin, "exact");
		if (now < 0.5)
			return before + (at - before) * (exact - 0.5) / (exact - now);
		before = at;
		exact = now;
	}
	return before > 0 ? INFINITY : NAN;
}

typedef struct sides { const json_t *without, *with, *first, *longest_without, *longest_with; int known; } sides;

static sides sides_of(const json_t *fact)
{
	const json_t *all = json_object_get(fact, "contenders");
	const double a = ur_fact_at(fact, "without"), b = ur_fact_at(fact, "with");
	sides s = { 0 };

	if (!(a >= 0) || !(b >= 0))
		return s;
	s.without = json_array_get(all, (size_t)a);
	s.with = json_array_get(all, (size_t)b);
	s.first = json_array_get(json_object_get(s.without, "lengths"), 0);
	s.longest_without = last_bin(s.without);
	s.longest_with = last_bin(s.with);
	s.known = s.longest_without && s.longest_with;
	return s;
}

static double percent(const json_t *bin, const char *key) { return 100 * ur_fact_at(bin, key); }

static void find_bottleneck(const json_t *fact, const sides *q, ur_section *s)
{
	static const struct { const char *kind; ur_found found; const char *condition; } of[] = {
		{ "shows", UR_HOLDS, NULL },
		{ "everywhere", UR_HOLDS_IF, "attention does better on long sources, perhaps no more than on short ones" },
		{ "unsure", UR_HOLDS_IF, "the best models show it, but not those of every seed" },
		{ "none", UR_FAILS, NULL },
	};
	const char *kind = json_string_value(json_object_get(fact, "kind"));
	const double seeds = ur_fact_at(fact, "seeds");
	ur_said size[2];
	char words[640] = "Not measured yet.";
	ur_finding f = { .name = "length", .found = UR_MISSING, .words = words,
		.claim = "A recurrent encoder squeezes the source into its last state, so long sources are lost; attention, "
			"which reads every position, removes this.",
		.prediction = "The cost model says nothing of quality. Of memory: one vector whatever the length, against one "
			"row for every source position.",
		.rule = "Holds if errors on the longest sources are fewer with attention, outside both 95 % intervals, by more "
			"than on the shortest, and in every seed of at least two." };

	for (size_t i = 0; kind && q->known && i < sizeof of / sizeof *of; i++)
		if (!strcmp(kind, of[i].kind)) {
			f.found = of[i].found;
			f.condition = of[i].condition;
		}
	if (f.found == UR_HOLDS && !(seeds >= 2)) {
		f.found = UR_HOLDS_IF;
		f.condition = "other seeds, which were not tried, agree with this one";
	}
	if (q->known)
		(void)snprintf(words, sizeof words, "Of sources of %.0f to %.0f letters %s without attention got %.1f %% of "
			"the letters wrong (%.1f to %.1f), %s with attention %.1f %% (%.1f to %.1f), at %s and %s parameters and "
			"the same training; of the shortest, %.1f %% against %.1f %%. Seeds that agree: %.0f of %.0f.",
			ur_fact_at(q->longest_without, "from"), ur_fact_at(q->longest_without, "to"),
			seeds > 1 ? "the best seed" : "one", percent(q->longest_without, "errors"),
			percent(q->longest_without, "errors_low"), percent(q->longest_without, "errors_high"),
			seeds > 1 ? "the best" : "one", percent(q->longest_with, "errors"),
			percent(q->longest_with, "errors_low"), percent(q->longest_with, "errors_high"),
			ur_tell_count(ur_fact_at(q->without, "parameters"), size[0]),
			ur_tell_count(ur_fact_at(q->with, "parameters"), size[1]), percent(q->first, "errors"),
			percent(json_array_get(json_object_get(q->with, "lengths"), 0), "errors"), ur_fact_at(fact, "agree"),
			ur_fact_at(fact, "seeds"));
	ur_section_finding(s, &f);
}

typedef struct held { int n; double width[MOST_WIDTHS], half[MOST_WIDTHS]; } held;

static held held_of(const json_t *fact)
{
	held h = { 0 };
	size_t i;
	json_t *c;

	json_array_foreach(json_object_get(fact, "contenders"), i, c)
		if (h.n < MOST_WIDTHS) {
			h.width[h.n] = ur_fact_at(c, "width");
			h.half[h.n++] = half(c);
		}
	return h;
}

static void find_capacity(const held *h, ur_section *s)
{
	char words[512] = "Not measured yet.";
	size_t used = 0;
	int rising = 1, known = 0;
	double last = 0;
	ur_finding f = { .name = "capacity", .found = UR_MISSING, .words = words,
		.claim = "What the last state holds is limited by its width.",
		.prediction = "None of quality. By counting, a letter of ten is 3.3 bits and a number of a state 32, so a "
			"state has room for far more letters than training teaches it to keep.",
		.rule = "Holds, of one training each, if at three widths or more the length at which half of the sources come "
			"back without an error rises by a tenth or more with every wider state, and is passed by the longest "
			"sources. Fails if a wider state holds less." };

	for (int i = 0; i < h->n; i++) {
		if (isnan(h->half[i]))
			continue;
		rising = h->half[i] < last ? -1 : rising > 0 && h->half[i] >= 1.1 * last;
		known += isfinite(h->half[i]);
		last = h->half[i];
		used += (size_t)snprintf(words + used, sizeof words - used,
			isinf(h->half[i]) ? "%sH = %.0f: more than were tried" : "%sH = %.0f: %.1f letters",
			used ? ", " : "Half of the sources are right up to, at ", h->width[i], h->half[i]);
	}
	if (known > 1) {
		f.found = rising < 0 ? UR_FAILS : rising && known > 2 && isfinite(last) ? UR_HOLDS : UR_HOLDS_IF;
		f.condition = f.found != UR_HOLDS_IF ? NULL : !rising ? "differences of less than a tenth are taken for real"
			: isinf(last) ? "the widest, which held all that was tried, has its limit further out"
			: "two widths are taken to be enough";
		(void)snprintf(words + used, sizeof words - used, ", after the same training of one seed.");
	}
	ur_section_finding(s, &f);
}

static void draw(const json_t *quality, const json_t *fit, ur_section *s)
{
	static const ur_axis_of length = { "source length", "letters", 0 }, wrong = { "wrong letters", "%", 0 },
		right = { "sources without an error", "%", 0 };
	const struct { const json_t *fact; const char *title, *about, *key; const ur_axis_of *y; } of[] = {
		{ quality, "Errors by length of the source", "Letters said backwards; 95 % intervals over held-out sources.",
		  "errors", &wrong },
		{ fit, "How many letters fit into the last state", "LSTMs of one layer without attention, by width.", "exact",
		  &right } };

	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		json_t *chart, *c, *bin;
		size_t k, b;

		if (!of[i].fact)
			continue;
		chart = ur_section_chart(s, of[i].title, of[i].about, &length, of[i].y);
		json_array_foreach(json_object_get(of[i].fact, "contenders"), k, c) {
			const char *spec = json_string_value(json_object_get(c, "spec"));
			const char *name = i ? NULL : json_string_value(json_object_get(c, "name"));
			json_t *line = ur_chart_line(s, chart, spec ? spec : "", name, UR_MEASURED);
			json_array_foreach(json_object_get(c, "lengths"), b, bin) {
				char low[32], high[32];
				(void)snprintf(low, sizeof low, "%s_low", of[i].key);
				(void)snprintf(high, sizeof high, "%s_high", of[i].key);
				ur_line_point(s, line, (ur_fact_at(bin, "from") + ur_fact_at(bin, "to")) / 2, percent(bin, of[i].key),
				              percent(bin, low), percent(bin, high));
			}
		}
	}
}

static void tabulate(const json_t *fact, ur_section *s)
{
	static const char *const columns[] = { "model", "parameters", "wrong, shortest", "wrong, longest",
	                                       "kept of a source", NULL };
	json_t *table = ur_section_table(s, "The models", "Wrong letters of the shortest and longest sources, mean over "
		"seeds; what decoding keeps of a source of middle length.", columns), *c, *run;
	size_t i, k;

	json_array_foreach(json_object_get(fact, "contenders"), i, c) {
		const char *spec = json_string_value(json_object_get(c, "spec"));
		json_t *row = ur_table_row(s, table, spec ? spec : ""), *runs = json_object_get(c, "runs");
		const double n = (double)json_array_size(runs), tokens = ur_fact_at(c, "source_tokens");
		const double kept = ur_fact_at(c, "remembered");
		double shortest = 0, longest = 0;
		ur_said text;

		json_array_foreach(runs, k, run) {
			shortest += ur_fact_at(run, "short") / n;
			longest += ur_fact_at(run, "long") / n;
		}
		ur_row_cell(s, row, ur_fact_at(c, "parameters"), UR_MEASURED, "%s",
		            ur_tell_count(ur_fact_at(c, "parameters"), text));
		ur_row_cell(s, row, shortest, UR_MEASURED, "%.1f %%", 100 * shortest);
		ur_row_cell(s, row, longest, UR_MEASURED, "%.1f %%", 100 * longest);
		if (kept > 0)
			ur_row_cell(s, row, kept, UR_MEASURED, "%s for %.0f tokens", ur_tell_bytes(kept, text), tokens);
		else
			ur_row_cell(s, row, ur_fact_at(c, "state"), UR_MEASURED, "%s, whatever the length",
			            ur_tell_bytes(ur_fact_at(c, "state"), text));
	}
}

static void figures(const sides *q, const held *h, ur_section *s)
{
	const double rows = ur_fact_at(q->with, "source_tokens"), kept = ur_fact_at(q->with, "remembered");
	ur_said text;

	ur_section_figure(s, "errors_without", ur_fact_at(q->longest_without, "errors"), UR_MEASURED, "%.1f %%",
	                  percent(q->longest_without, "errors"));
	ur_section_figure(s, "errors_with", ur_fact_at(q->longest_with, "errors"), UR_MEASURED, "%.1f %%",
	                  percent(q->longest_with, "errors"));
	ur_section_figure(s, "kept_with", kept / rows, UR_MEASURED, "%s", ur_tell_bytes(kept / rows, text));
	for (int i = 0; i < h->n; i++) {
		char name[32];
		(void)snprintf(name, sizeof name, "half_%.0f", h->width[i]);
		if (isfinite(h->half[i]))
			ur_section_figure(s, name, h->half[i], UR_MEASURED, "%.1f letters", h->half[i]);
	}
}

static void ask(int shows, const sides *q, const held *h, ur_section *s)
{
	static const char *const who[] = { "The one without attention", "The one with attention",
	                                   "Neither, as far as can be told", NULL };
	static const char *const growth[] = { "It stays the same", "It grows, but by less than twice",
	                                      "It doubles, or more", NULL };
	static const char *const kept[] = { "One vector, whatever the length", "A row for every source token",
	                                    "A row for every pair of source tokens", NULL };
	const double a = ur_fact_at(q->longest_without, "errors"), b = ur_fact_at(q->longest_with, "errors");
	const double short_a = ur_fact_at(q->first, "errors");
	const double short_b = ur_fact_at(json_array_get(json_object_get(q->with, "lengths"), 0), "errors");
	const int fewer_with = ur_fact_at(q->longest_without, "errors_low") > ur_fact_at(q->longest_with, "errors_high");
	const int fewer_without = ur_fact_at(q->longest_with, "errors_low") > ur_fact_at(q->longest_without, "errors_high");
	ur_said size;
	char because[400];

	(void)snprintf(because, sizeof because, "Wrong letters on the longest sources here: %.1f %% without, %.1f %% with "
	               "attention.", 100 * a, 100 * b);
	ur_section_question(s, "Two models of the same size were trained on the same pairs. Which one made fewer errors on "
		"the longest sources?", who, fewer_without ? 0 : fewer_with ? 1 : 2, because);
	if (shows) {
		(void)snprintf(because, sizeof because, "On the shortest sources they differ by %.1f points, on the longest by "
		               "%.1f.", 100 * fabs(short_a - short_b), 100 * fabs(a - b));
		ur_section_question(s, "Where do the two differ more?", (const char *const[]){ "On the shortest sources",
			"On the longest sources", NULL }, fabs(a - b) > fabs(short_a - short_b), because);
	}
	if (h->n > 1 && isfinite(h->half[0]) && isfinite(h->half[1])) {
		const double wider = h->width[1] / h->width[0], more = h->half[1] / h->half[0];
		char question[200];
		(void)snprintf(question, sizeof question, "The last state is made %.0f times as wide (%.0f to %.0f numbers). "
		               "What happens to the number of letters it holds?", wider, h->width[0], h->width[1]);
		(void)snprintf(because, sizeof because, "From %.1f to %.1f letters, %.2f times as many.", h->half[0],
		               h->half[1], more);
		ur_section_question(s, question, growth, more < 1.05 ? 0 : more < 1.95 ? 1 : 2, because);
	}
	(void)snprintf(because, sizeof because, "The model with attention kept %s for a source of %.0f tokens: a row each.",
	               ur_tell_bytes(ur_fact_at(q->with, "remembered"), size), ur_fact_at(q->with, "source_tokens"));
	ur_section_question(s, "What does decoding with attention keep of the source?", kept,
	                    ur_fact_at(q->with, "remembered") > 0, because);
}

static void conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	const json_t *quality = json_object_get(facts, "quality"), *fit = json_object_get(facts, "fit");
	const char *kind = json_string_value(json_object_get(quality, "kind"));
	const sides q = sides_of(quality);
	const held h = held_of(fit);

	(void)others;
	find_bottleneck(quality, &q, s);
	find_capacity(&h, s);
	draw(quality, fit, s);
	if (!q.known)
		return;
	figures(&q, &h, s);
	tabulate(quality, s);
	ask(kind && !strcmp(kind, "shows"), &q, &h, s);
}

static const char *const lesson[] = {
	"A sequence-to-sequence model of the first kind reads the source with one recurrent network, the encoder, and "
	"hands its last state, `h_T`, to another, the decoder, which says the target. All that the decoder will ever know "
	"of the source is in that one vector. Its size is fixed before anybody knows how long the source is.",
	"Attention keeps the encoder's output at every position and lets each step of the decoder weigh them: \"what did "
	"the encoder say at position 7?\" is then a question that has an answer. Nothing has to be squeezed, and the price "
	"is a memory of one row for every source token, read again at every step.",
	"Saying letters backwards shows it without any doubt about what counts as right: every letter matters, none can be "
	"guessed from another, and the first one read is the last one asked for.",
	NULL };
static const char *const how[] = {
	"20,000 sources of random letters (an alphabet of ten), every length as often as any other; a tenth, split off by "
	"a hash of the source, is never trained on. Models are sized to the same number of parameters and trained on the "
	"same number of target tokens, with one learning rate for all; each seed is a run of its own. What they say is "
	"compared letter by letter (edit distance), greedily decoded.",
	"How much fits is read off models of one layer: the length at which half of the held-out sources come back without "
	"a single error, interpolated between lengths. Longer training would move it, so it is a statement about this "
	"training as much as about the state.",
	NULL };

const ur_experiment ur_experiment_bottleneck = { "bottleneck", "One vector for everything",
	"How much of a long source survives being squeezed into one state, and does attention help?", "L2", lesson, how,
	seconds, measure, conclude };
