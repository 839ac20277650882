/* The document's "pairs". */
#include "compare/document_parts.h"
#include "compare/on_pairs.h"

#include <math.h>

static json_t *bounds(double value, double low, double high)
{
	return json_pack("{s:f, s:f, s:f}", "value", value, "low", low, "high", high);
}

static json_t *lengths_json(const ur_contender *k)
{
	json_t *list = json_array();

	for (int i = 0; i < k->length_bins; i++) {
		const ur_length_bin *b = &k->length[i];
		list = ur_also(list, json_pack("{s:i, s:i, s:I, s:o, s:o, s:o, s:o}", "from", b->from, "to", b->to,
			"n", (json_int_t)b->n, "exact", bounds(b->exact, b->exact_low, b->exact_high),
			"token_errors", bounds(b->errors, b->errors_low, b->errors_high),
			"word_errors", bounds(b->words, b->words_low, b->words_high),
			"bleu", b->bleu_told ? bounds(b->bleu, b->bleu_low, b->bleu_high) : json_null()));
	}
	return list;
}

static json_t *runs_json(const ur_comparison *c, const ur_contender *k)
{
	json_t *list = json_array();

	for (int s = 0; s < c->seeds; s++) {
		const ur_translated *t = &k->run[s].translated;
		list = ur_also(list, json_pack("{s:I, s:o, s:o, s:o, s:o, s:I}", "seed", (json_int_t)k->run[s].seed,
			"exact", ur_fact_real(t->exact), "bleu", ur_fact_real(t->bleu_told ? t->bleu : NAN),
			"token_errors", ur_fact_real(t->token_errors), "word_errors", ur_fact_real(t->word_errors),
			"cut", (json_int_t)t->cut));
	}
	return list;
}

static json_t *cost_json(const ur_contender *k)
{
	const ur_sentence_cost *s = &k->sentence;

	if (!s->samples)
		return json_null();
	return json_pack("{s:i, s:o, s:o, s:i, s:i, s:I, s:I}", "samples", s->samples, "p50_us", ur_fact_real(s->p50),
		"p99_us", ur_fact_real(s->p99), "source_tokens", s->source_tokens, "target_tokens", s->target_tokens,
		"remembered_bytes", (json_int_t)s->remembered, "state_bytes", (json_int_t)s->state);
}

static json_t *model_json(const ur_comparison *c, const ur_contender *k)
{
	const ur_translated *kept = &k->run[k->kept].translated;
	json_t *json = json_pack("{s:s, s:b, s:o}", "name", k->name, "attends", k->attends, "runs", runs_json(c, k));

	json = ur_with(json, "exact", ur_interval(&k->exact));
	json = ur_with(json, "bleu", kept->bleu_told ? ur_interval(&k->bleu) : json_null());
	json = ur_with(json, "token_errors", ur_interval(&k->token_errors));
	json = ur_with(json, "word_errors", ur_interval(&k->word_errors));
	json = ur_with(json, "cut", ur_interval(&k->cut));
	json = ur_with(json, "by_source_length", lengths_json(k));
	json = ur_with(json, "sentence", cost_json(k));
	return ur_with(json, "sentences_per_second",
	                    ur_fact_real(kept->seconds > 0 ? (double)kept->n / kept->seconds : NAN));
}

static json_t *bottleneck_json(const ur_comparison *c)
{
	static const char *const kinds[] = { "unknown", "none", "everywhere", "unsure", "shows" };
	const ur_bottleneck *b = &c->bottleneck;

	return json_pack("{s:s, s:s?, s:s?, s:i}", "kind", kinds[b->kind], "without",
		b->without < 0 ? NULL : c->of[b->without].name, "with", b->with < 0 ? NULL : c->of[b->with].name,
		"seeds_agree", b->agree);
}

/* What is kept as it is to be shown; only a comparison that is done has it. */
static json_t *shown_json(const ur_compare *what, const ur_comparison *c)
{
	json_t *fact = NULL;

	if (!c->done || !what->journal || what->journal->get(what->journal->arg, "shown", &fact, NULL) || !fact)
		return json_array();
	return fact;
}

/* Null before the models are known, whose limits say which pairs there are. */
static json_t *count_json(const ur_comparison *c, ur_part_of part)
{
	return c->pairs_of[UR_TRAIN] > 0 ? json_integer((json_int_t)c->pairs_of[part]) : json_null();
}

json_t *ur_pairs_json(const ur_compare *what, const ur_comparison *c)
{
	const ur_vocab *source = ur_pairs_vocab(what->pairs, UR_SOURCE);
	const ur_translating set = ur_pairs_settings(what);
	json_t *models = json_array(), *json;

	for (int i = 0; i < c->n && c->done; i++)
		if (!c->of[i].diverged)
			models = ur_also(models, model_json(c, &c->of[i]));
	json = json_pack("{s:s, s:i, s:o, s:o, s:o, s:i}", "source_vocabulary", ur_vocab_kind_of(source),
		"source_vocabulary_size", ur_vocab_size(source), "train_pairs", count_json(c, UR_TRAIN),
		"val_pairs", count_json(c, UR_VAL), "test_pairs", count_json(c, UR_TEST), "longest", c->window);
	json = ur_with(json, "left_out", json_integer((json_int_t)c->left_out));
	json = ur_with(json, "sources", c->sources > 0 ? json_integer((json_int_t)c->sources) : json_null());
	json = ur_with(json, "beam", json_integer(set.beam));
	json = ur_with(json, "models", models);
	json = ur_with(json, "bottleneck", c->done ? bottleneck_json(c) : json_null());
	return ur_with(json, "shown", shown_json(what, c));
}
