/* What kept models of pairs are like: quality of each run's translations in all and by the length of the source, time
 * and memory of a sentence, and a few sentences with what each made of them and where its steps looked. */
#include "compare/on_pairs.h"

#include "compare/words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sentences to show are no longer than this, where there are such. */
enum { SHOWN_TOKENS = 48, SHOWN_STEPS = 96 };

/* -- translations that runs ended with -- */

static void take_bounds(const json_t *bin, const char *key, double *value, double *low, double *high)
{
	const json_t *list = json_object_get(bin, key);
	*value = json_number_value(json_array_get(list, 0));
	*low = json_number_value(json_array_get(list, 1));
	*high = json_number_value(json_array_get(list, 2));
}

static void take_lengths(const json_t *list, ur_contender *c)
{
	c->length_bins = 0;
	for (size_t i = 0; i < json_array_size(list) && i < UR_LENGTH_BINS; i++) {
		const json_t *from = json_array_get(list, i);
		ur_length_bin *b = &c->length[c->length_bins++];

		*b = (ur_length_bin){ .from = (int)ur_fact_integer(from, "from"), .to = (int)ur_fact_integer(from, "to"),
			.n = ur_fact_integer(from, "n") };
		take_bounds(from, "exact", &b->exact, &b->exact_low, &b->exact_high);
		take_bounds(from, "token_errors", &b->errors, &b->errors_low, &b->errors_high);
		take_bounds(from, "word_errors", &b->words, &b->words_low, &b->words_high);
		take_bounds(from, "bleu", &b->bleu, &b->bleu_low, &b->bleu_high);
		b->bleu_told = json_is_array(json_object_get(from, "bleu"));
	}
}

static double errors_of(const json_t *bin)
{
	return json_number_value(json_array_get(json_object_get(bin, "token_errors"), 0));
}

static ur_status take_translations(ur_comparing *q, ur_contender *c, ur_err *err)
{
	ur_status status = UR_OK;

	for (int s = 0; s < q->out->seeds && !status; s++) {
		ur_trained *of = &c->run[s];
		const json_t *lengths;
		json_t *fact;

		if ((status = ur_recall(q, &fact, err, "translated/%s/%llu", c->name, (unsigned long long)of->seed)))
			break;
		of->translated = (ur_translated){ .n = ur_fact_integer(fact, "sources"),
			.pairs = ur_fact_integer(fact, "pairs"), .cut = ur_fact_integer(fact, "cut"),
			.bleu = ur_fact_number(fact, "bleu"), .exact = ur_fact_number(fact, "exact"),
			.token_errors = ur_fact_number(fact, "token_errors"),
			.word_errors = ur_fact_number(fact, "word_errors"), .seconds = ur_fact_number(fact, "seconds"),
			.tokens = ur_fact_integer(fact, "tokens") };
		of->translated.bleu_told = isfinite(of->translated.bleu);
		lengths = json_object_get(fact, "lengths");
		of->short_errors = errors_of(json_array_get(lengths, 0));
		of->long_errors = errors_of(json_array_get(lengths, json_array_size(lengths) - 1));
		if (s == c->kept) {
			take_lengths(lengths, c);
			q->out->sources = of->translated.n;
		}
		json_decref(fact);
	}
	return status;
}

/* -- time and memory of a sentence -- */

static int wants_stop(void *arg) { return ur_comparing_say(arg, 0, NULL) != UR_OK; }

static ur_status sentences(ur_comparing *q, const ur_models *kept, ur_err *err)
{
	const struct ur_held_pairs *h = q->pairs;
	const ur_translating settings = ur_pairs_settings(q->what);
	ur_comparison *o = q->out;
	const ur_model *m[UR_MOST_CONTENDERS];
	ur_sentence_cost cost[UR_MOST_CONTENDERS];
	int who[UR_MOST_CONTENDERS], n = 0;
	double seconds = 0;
	json_t *fact;
	ur_status status = ur_recall(q, &fact, err, "sentences");

	for (int i = 0; i < o->n; i++)
		if (kept->of[i]) {
			m[n] = kept->of[i];
			seconds += ur_measuring_seconds(q, i);
			who[n++] = i;
		}
	if (!status && !fact && n > 0 && !(status = ur_comparing_begin(q, "timing sentences", -1, -1, err))) {
		status = ur_sentence_costs(n, m, q->what->ctx, q->what->pairs, h->split.index[h->part], h->split.n[h->part],
		                           &settings, seconds / 2, wants_stop, q, cost, err);
		if (!status) {
			fact = json_object();
			for (int i = 0; i < n; i++)
				json_object_set_new(fact, o->of[who[i]].name, json_pack("{s:i, s:f, s:f, s:i, s:i, s:I, s:I}",
					"samples", cost[i].samples, "p50", cost[i].p50, "p99", cost[i].p99,
					"source_tokens", cost[i].source_tokens, "target_tokens", cost[i].target_tokens,
					"remembered", (json_int_t)cost[i].remembered, "state", (json_int_t)cost[i].state));
			status = ur_keep(q, json_incref(fact), err, "sentences");
		}
	}
	for (int i = 0; i < n && !status; i++) {
		const json_t *own = json_object_get(fact, o->of[who[i]].name);
		o->of[who[i]].sentence = (ur_sentence_cost){ (int)ur_fact_integer(own, "samples"), ur_fact_number(own, "p50"),
			ur_fact_number(own, "p99"), (int)ur_fact_integer(own, "source_tokens"),
			(int)ur_fact_integer(own, "target_tokens"), (size_t)ur_fact_integer(own, "remembered"),
			(size_t)ur_fact_integer(own, "state") };
	}
	json_decref(fact);
	return status;
}

/* -- sentences to show -- */

struct shown { int64_t pair; int tokens; };

static int by_length(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;
	return x->tokens != y->tokens ? x->tokens - y->tokens : (x->pair > y->pair) - (x->pair < y->pair);
}

/* Of median length, and longer ones up to nearly the longest; of one the median. Returns how many. */
static int choose(const ur_comparing *q, int64_t pair[UR_MOST_SHOWN])
{
	const struct ur_held_pairs *h = q->pairs;
	const int64_t all = h->split.n[h->part];
	struct shown *list = malloc((size_t)all * sizeof *list);
	int64_t n = 0;
	int count = 0;

	for (int64_t i = 0; list && i < all; i++) {
		struct shown s = { .pair = h->split.index[h->part][i] };
		(void)ur_pairs_tokens(q->what->pairs, s.pair, UR_SOURCE, &s.tokens);
		list[n++] = s;
	}
	if (list)
		qsort(list, (size_t)n, sizeof *list, by_length);
	while (n > 1 && list[n - 1].tokens > SHOWN_TOKENS)
		n--;
	for (int i = 0; i < q->what->show && i < UR_MOST_SHOWN && n > 0; i++) {
		const double at = 0.5 + (q->what->show > 1 ? 0.48 * i / (q->what->show - 1) : 0);
		const int64_t chosen = list[(int64_t)(at * (double)n)].pair;
		if (!count || pair[count - 1] != chosen)
			pair[count++] = chosen;
	}
	free(list);
	return count;
}

static json_t *text_json(const char *bytes, size_t n)
{
	char *copy = malloc(n + 1);
	json_t *json;

	if (!copy)
		return NULL;
	memcpy(copy, bytes, n);
	ur_whole_characters(copy, n);
	json = json_stringn(copy, n);
	free(copy);
	return json;
}

/* Each token's text; the end is null. */
static json_t *tokens_json(const ur_vocab *vocab, const int32_t *tokens, int n, int ended)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++) {
		const char *text;
		size_t bytes = ur_vocab_decode(vocab, tokens[i], &text);
		json_array_append_new(list, text_json(text, bytes > 1 && text[bytes - 1] == ' ' ? bytes - 1 : bytes));
	}
	if (ended)
		json_array_append_new(list, json_null());
	return list;
}

/* Rows of tokens, the end's included, over the source's; in thousandths, which is what an eye can tell. */
static json_t *weights_json(const ur_translation *t, int rows)
{
	json_t *list = json_array();

	for (int r = 0; r < rows; r++) {
		json_t *row = json_array();
		for (int s = 0; s < t->S; s++)
			json_array_append_new(row, json_real(round(1000 * (double)t->weights[(size_t)r * (size_t)t->S +
				(size_t)s]) / 1000));
		json_array_append_new(list, row);
	}
	return list;
}

static ur_status show_one(ur_comparing *q, const ur_contender *c, const ur_model *m, int64_t pair, json_t *outputs,
                          ur_err *err)
{
	const ur_vocab *vocab = ur_pairs_vocab(q->what->pairs, UR_TARGET);
	ur_translating set = ur_pairs_settings(q->what);
	ur_translator *t;
	ur_translation out;
	int length, n, ended;
	size_t bytes;
	const int32_t *tokens = ur_pairs_tokens(q->what->pairs, pair, UR_SOURCE, &length);
	char *text;
	ur_status status;

	set.batch = 1;
	set.longest = length;
	set.alignments = c->attends;
	if ((status = ur_translator_open(m, q->what->ctx, &set, &t, err)))
		return status;
	status = ur_translate(t, 1, &tokens, &length, &out, err);
	if (!status && !(text = ur_translation_text(vocab, out.tokens, out.n, &bytes)))
		status = ur_fail(err, UR_E_NOMEM, "no memory for a translation");
	if (!status) {
		n = out.n < SHOWN_STEPS ? out.n : SHOWN_STEPS;
		ended = out.ended && n == out.n;
		json_array_append_new(outputs, json_pack("{s:s, s:o, s:b, s:o, s:o}", "name", c->name,
			"text", text_json(text, bytes), "ended", out.ended, "tokens", tokens_json(vocab, out.tokens, n, ended),
			"weights", c->attends ? weights_json(&out, n + ended) : json_null()));
		free(text);
	}
	ur_translator_close(t);
	return status;
}

static ur_status show(ur_comparing *q, const ur_models *kept, ur_err *err)
{
	const ur_pairs *p = q->what->pairs;
	int64_t pair[UR_MOST_SHOWN];
	const int n = choose(q, pair);
	json_t *fact, *list;
	ur_status status = ur_recall(q, &fact, err, "shown");

	if (status || fact) {
		json_decref(fact);
		return status;
	}
	if ((status = ur_comparing_begin(q, "writing samples", -1, -1, err)))
		return status;
	list = json_array();
	for (int i = 0; i < n && !status; i++) {
		json_t *outputs = json_array();
		int length;
		size_t bytes;
		const int32_t *tokens = ur_pairs_tokens(p, pair[i], UR_SOURCE, &length);
		const char *text = ur_pairs_text(p, pair[i], UR_TARGET, &bytes);

		for (int k = 0; k < q->out->n && !status; k++)
			if (kept->of[k])
				status = show_one(q, &q->out->of[k], kept->of[k], pair[i], outputs, err);
		json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:o}", "line", (json_int_t)pair[i] + 1,
			"source", tokens_json(ur_pairs_vocab(p, UR_SOURCE), tokens, length, 1),
			"reference", text_json(text, bytes), "outputs", outputs));
	}
	if (!status)
		return ur_keep(q, list, err, "shown");
	json_decref(list);
	return status;
}

ur_status ur_pair_costs(ur_comparing *q, ur_err *err)
{
	ur_comparison *o = q->out;
	ur_models kept = { 0 };
	ur_status status = ur_models_open(q, &kept, err);

	for (int i = 0; i < o->n && !status; i++)
		if (kept.of[i] && !(status = take_translations(q, &o->of[i], err)))
			status = ur_models_save(q, &o->of[i], err);
	for (int i = 0; i < o->n; i++)
		q->done += ur_measuring_seconds(q, i) / 2;
	if (!status)
		status = sentences(q, &kept, err);
	if (!status)
		status = show(q, &kept, err);
	ur_models_close(&kept);
	return status;
}
