/* unroll eval of a model of pairs: its loss, its translations, and both by length of the source. */
#include "cli/cli_pairs.h"

#include "base/file.h"
#include "base/machine.h"
#include "measure/translated.h"
#include "train/score_pairs.h"

#include <math.h>
#include <unistd.h>

enum { BATCH = 64 };

/* The pairs of a part; *which: which list of the split they are. */
static int open_part(const ur_args *args, const ur_model *m, const ur_pairs_asked *v, ur_pairs **pairs,
                     ur_pair_split *split, ur_part_of *which)
{
	ur_pairs_request ask = { .path = v->data, .target = v->target };
	ur_err err = { 0 };
	ur_status status;
	int code;

	ur_use_vocabs(m, &ask);
	if ((code = ur_open_pairs(args, &ask, v->quiet, pairs)))
		return code;
	*which = !strcmp(v->part, "train") ? UR_TRAIN : !strcmp(v->part, "test") ? UR_TEST : UR_VAL;
	status = strcmp(v->part, "all") ? ur_pair_split_make(*pairs, v->val, v->test, 0, split, NULL, &err)
	                                : ur_pair_split_all(*pairs, UR_VAL, split, &err);
	if (status)
		return ur_failed(args, status, &err);
	return split->n[*which] ? UR_EXIT_OK : ur_wrong(args, "the %s part has no pair; try --part all", v->part);
}

struct progress { double started, shown; int width; };

static int on_translated(void *arg, int64_t done, int64_t of)
{
	struct progress *p = arg;
	const double now = ur_clock(), rate = (double)done / (now - p->started);
	ur_short a, b, c;

	if (p->width && now - p->started > 1 && now - p->shown > 0.2) {
		p->shown = now;
		(void)fprintf(stderr, "\r\033[Ktranslating: %s of %s sources, %s to go", ur_commas(done, a), ur_commas(of, b),
		              ur_time_text((double)(of - done) / rate, c));
	}
	return ur_stop_signal() != 0;
}

/* null: not told */
static json_t *bleu_json(const ur_length_bin *b)
{
	return b->bleu_told ? json_pack("[f,f,f]", b->bleu, b->bleu_low, b->bleu_high) : json_null();
}

static json_t *bins_json(int n, const ur_length_bin *bin)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++) {
		const ur_length_bin *b = &bin[i];
		json_array_append_new(list, json_pack("{s:i, s:i, s:I, s:[f,f,f], s:[f,f,f], s:[f,f,f], s:o}",
			"from", b->from, "to", b->to, "sources", (json_int_t)b->n,
			"exact", b->exact, b->exact_low, b->exact_high, "token_errors", b->errors, b->errors_low, b->errors_high,
			"word_errors", b->words, b->words_low, b->words_high, "bleu", bleu_json(b)));
	}
	return list;
}

static int show_json(const ur_args *args, const ur_model *m, const ur_pairs_asked *v, const ur_score *s,
                     int64_t left_out, const ur_translated *t)
{
	ur_length_bin bin[UR_LENGTH_BINS + 1];
	json_t *json = json_pack("{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
		"model", ur_json_string(v->model), "spec", m->spec.text, "data", ur_json_string(v->data), "part", v->part,
		"loss", ur_json_number(s->loss), "perplexity", ur_json_number(exp(s->loss)),
		"bits_per_byte", ur_json_number(s->bits_per_byte), "tokens", (json_int_t)s->tokens,
		"bytes", (json_int_t)s->bytes, "left_out", (json_int_t)left_out, "seconds", ur_json_number(s->seconds));

	if (json && t->n)
		json_object_set_new(json, "translations", json_pack(
			"{s:I, s:I, s:i, s:f, s:o, s:f, s:f, s:f, s:I, s:I, s:f, s:o}", "sources", (json_int_t)t->n,
			"pairs", (json_int_t)t->pairs, "beam", v->beam, "length_penalty", v->penalty,
			"bleu", ur_json_number(t->bleu_told ? t->bleu : NAN), "exact", t->exact, "token_errors", t->token_errors,
			"word_errors", t->word_errors, "cut", (json_int_t)t->cut, "tokens", (json_int_t)t->tokens,
			"seconds", t->seconds, "by_source_length", bins_json(ur_length_bins(t, bin), bin)));
	return ur_print_json(args, json);
}

static int show(const ur_pairs_asked *v, const ur_score *s, int64_t left_out, const ur_translated *t)
{
	ur_length_bin bin[UR_LENGTH_BINS + 1];
	char name[100];
	ur_short a, b;
	int bins;

	printf("loss          %.4f nats a target token\n", s->loss);
	printf("perplexity    %.4g a token\n", exp(s->loss));
	printf("bits          %.4f a byte of the targets\n", s->bits_per_byte);
	printf("scored        %s target tokens of %s (part: %s)\n", ur_commas(s->tokens, a),
	       ur_visible(ur_path_tail(v->data), name, sizeof name), v->part);
	if (left_out)
		printf("left out      %s pairs, longer than the model's context\n", ur_commas(left_out, a));
	if (!t->n)
		return UR_EXIT_OK;
	if (t->bleu_told)
		printf("BLEU          %.2f\n", t->bleu);
	else
		printf("BLEU          not told: no target has four words\n");
	printf("exact         %.2f %% of sources (wrong: %.2f %%)\n", 100 * t->exact, 100 * (1 - t->exact));
	printf("word errors   %.2f %% of the references' words\n", 100 * t->word_errors);
	printf("token errors  %.2f %% of their tokens\n", 100 * t->token_errors);
	printf("translated    %s sources (%s pairs)", ur_commas(t->n, a), ur_commas(t->pairs, b));
	if (v->beam == 1)
		printf(", greedily");
	else
		printf(", beam %d, length penalty %g", v->beam, v->penalty);
	printf(", in %s", ur_time_text(t->seconds, a));
	printf("%s%s\n", t->cut ? "; cut off for length: " : "", t->cut ? ur_commas(t->cut, a) : "");
	bins = ur_length_bins(t, bin);
	printf("\nsource tokens  sources       exact match, %%      word errors, %%              BLEU   "
	       "(95 %% intervals)\n");
	for (int i = 0; i < bins; i++) {
		const ur_length_bin *l = &bin[i];
		char range[32], bleu[64] = "-";

		if (l->bleu_told)
			(void)snprintf(bleu, sizeof bleu, "%5.1f [%5.1f, %5.1f]", l->bleu, l->bleu_low, l->bleu_high);
		(void)snprintf(range, sizeof range, l->from == l->to ? "%d" : "%d to %d", l->from, l->to);
		printf("%13s  %7s  %5.1f [%5.1f, %5.1f]  %5.1f [%5.1f, %5.1f]  %5s\n", range, ur_commas(l->n, a),
		       100 * l->exact, 100 * l->exact_low, 100 * l->exact_high, 100 * l->words, 100 * l->words_low,
		       100 * l->words_high, bleu);
	}
	return UR_EXIT_OK;
}

int ur_eval_pairs(const ur_args *args, const ur_model *m, const ur_ctx *ctx, const ur_pairs_asked *v)
{
	const ur_translating how = { .beam = v->beam, .penalty = v->penalty, .batch = v->batch ? v->batch : BATCH };
	struct progress progress = { .width = v->quiet ? 0 : ur_terminal_width(STDERR_FILENO) };
	ur_translated translated = { 0 };
	ur_pairs *pairs = NULL;
	ur_pair_split split = { 0 };
	ur_part_of which;
	ur_score score;
	ur_err err = { 0 };
	ur_status status = UR_OK;
	int64_t left_out;
	int code;

	ur_stop_catch(NULL);
	if (!(code = open_part(args, m, v, &pairs, &split, &which))) {
		status = ur_evaluate_pairs(m, ctx, pairs, split.index[which], split.n[which], how.batch, &score, &left_out,
		                           &err);
		progress.started = ur_clock();
		if (!status && v->translate)
			status = ur_translated_measure(m, ctx, pairs, split.index[which], split.n[which],
			                               v->translate > 0 ? v->translate : 0, &how, on_translated, &progress,
			                               &translated, &err);
		if (progress.shown > 0)
			(void)fprintf(stderr, "\r\033[K");
		if (status == UR_E_STOPPED && ur_stop_signal())
			code = 128 + ur_stop_signal();
		else if (status)
			code = ur_failed(args, status, &err);
		else
			code = v->json ? show_json(args, m, v, &score, left_out, &translated)
			               : show(v, &score, left_out, &translated);
	}
	ur_translated_free(&translated);
	ur_pair_split_free(&split);
	ur_pairs_close(pairs);
	return code;
}
