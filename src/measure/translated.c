/* Translating held-out sources in batches of like length, and counting. */
#define _GNU_SOURCE
#include "measure/translated.h"

#include "base/machine.h"
#include "quality/edits.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_TOKENS = 16384 }; /* where sources are very long, fewer go side by side */

/* ---- which sources ---- */

/* A source, and its pairs: chain[at] is the next pair with the same source, -1 at the last. */
typedef struct listed { int64_t pair; int length; } listed;

typedef struct sources {
	const ur_pairs *pairs;
	int64_t *sorted, n;             /* pairs by text of source, then number */
	listed *list;                   /* distinct sources */
	int64_t count;
} sources;

static int compare_text(const ur_pairs *p, int64_t a, int64_t b)
{
	size_t n, m;
	const char *x = ur_pairs_text(p, a, UR_SOURCE, &n), *y = ur_pairs_text(p, b, UR_SOURCE, &m);
	const int order = memcmp(x, y, n < m ? n : m);
	return order ? order : (n > m) - (n < m);
}

static int by_source(const void *a, const void *b, void *arg)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	const int order = compare_text(arg, x, y);
	return order ? order : (x > y) - (x < y);
}

static int by_pair(const void *a, const void *b)
{
	const listed *x = a, *y = b;
	return (x->pair > y->pair) - (x->pair < y->pair);
}

static int by_length(const void *a, const void *b)
{
	const listed *x = a, *y = b;
	return x->length != y->length ? (x->length > y->length) - (x->length < y->length) : by_pair(a, b);
}

static ur_status list_sources(sources *s, const int64_t *index, int64_t n, int limit, int64_t most, int64_t *left_out,
                              ur_err *err)
{
	int64_t kept = 0;

	s->sorted = malloc((size_t)(n ? n : 1) * sizeof *s->sorted);
	s->list = malloc((size_t)(n ? n : 1) * sizeof *s->list);
	if (!s->sorted || !s->list)
		return ur_fail(err, UR_E_NOMEM, "no memory for the list of sources");
	memcpy(s->sorted, index, (size_t)n * sizeof *index);
	s->n = n;
	qsort_r(s->sorted, (size_t)n, sizeof *s->sorted, by_source, (void *)(uintptr_t)s->pairs);
	*left_out = 0;
	for (int64_t i = 0; i < n; i++) {
		int length;

		if (i && !compare_text(s->pairs, s->sorted[i - 1], s->sorted[i]))
			continue;
		(void)ur_pairs_tokens(s->pairs, s->sorted[i], UR_SOURCE, &length);
		if (limit && length > limit)
			++*left_out;
		else
			s->list[s->count++] = (listed){ s->sorted[i], length };
	}
	qsort(s->list, (size_t)s->count, sizeof *s->list, by_pair);
	for (int64_t i = 0; most > 0 && most < s->count && i < most; i++)
		s->list[kept++] = s->list[i * s->count / most];
	if (kept)
		s->count = kept;
	qsort(s->list, (size_t)s->count, sizeof *s->list, by_length);
	return s->count ? UR_OK : ur_fail(err, UR_E_INVALID, "%s has no source to translate%s",
		ur_pairs_path(s->pairs, UR_SOURCE), n ? " that is short enough for the model's context" : "");
}

/* ---- scoring ---- */

/* One translation against all pairs of its source. */
static ur_status score(const sources *s, const ur_model *m, const ur_translation *t, int64_t pair, ur_sentence *out,
                       ur_err *err)
{
	const ur_pairs *p = s->pairs;
	const int64_t *at;
	int64_t low = 0, high = s->n;
	size_t bytes;
	char *text = ur_translation_text(m->vocab, t->tokens, t->n, &bytes);
	int length, failed = !text;

	(void)ur_pairs_tokens(p, pair, UR_SOURCE, &length);
	*out = (ur_sentence){ .pair = pair, .source_tokens = length, .tokens = t->n, .ended = t->ended };
	while (low < high) { /* the first pair of this source in s->sorted */
		const int64_t middle = low + (high - low) / 2;
		if (compare_text(p, s->sorted[middle], pair) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (at = s->sorted + low; !failed && at < s->sorted + s->n && !compare_text(p, *at, pair); at++) {
		int n;
		size_t reference_bytes;
		const int32_t *tokens = ur_pairs_tokens(p, *at, UR_TARGET, &n);
		const char *reference = ur_pairs_text(p, *at, UR_TARGET, &reference_bytes);
		const int64_t before = out->bleu.reference;
		int64_t words, edits = ur_edits(t->n, t->tokens, n, tokens);
		int64_t word_edits = ur_word_edits(text, bytes, reference, reference_bytes, &words);

		failed = edits < 0 || word_edits < 0 || !ur_bleu_add(&out->bleu, text, bytes, reference, reference_bytes);
		if (out->bleu.reference - before > out->longest)
			out->longest = out->bleu.reference - before;
		out->exact |= bytes == reference_bytes && !memcmp(text, reference, bytes);
		if (!out->references || edits < out->edits) {
			out->edits = edits;
			out->of = n;
		}
		if (!out->references++ || word_edits < out->word_edits) {
			out->word_edits = word_edits;
			out->words = words;
		}
	}
	free(text);
	return failed ? ur_fail(err, UR_E_NOMEM, "no memory to score a translation") : UR_OK;
}

void ur_translated_sum(ur_translated *t)
{
	ur_bleu bleu = { 0 };
	int64_t exact = 0, edits = 0, of = 0, word_edits = 0, words = 0;

	t->pairs = t->tokens = t->cut = t->bleu_told = 0;
	for (int64_t i = 0; i < t->n; i++) {
		const ur_sentence *s = &t->sentence[i];

		ur_bleu_sum(&bleu, &s->bleu);
		exact += s->exact;
		edits += s->edits;
		of += s->of;
		word_edits += s->word_edits;
		words += s->words;
		t->pairs += s->references;
		t->tokens += s->tokens + s->ended;
		t->cut += !s->ended;
		t->bleu_told |= s->longest >= UR_BLEU_ORDER;
	}
	t->bleu = ur_bleu_score(&bleu);
	t->exact = t->n ? (double)exact / (double)t->n : 0;
	t->token_errors = of ? (double)edits / (double)of : 0;
	t->word_errors = words ? (double)word_edits / (double)words : 0;
}

static int by_place(const void *a, const void *b)
{
	const ur_sentence *x = a, *y = b;
	return (x->pair > y->pair) - (x->pair < y->pair);
}

static ur_status translate_all(const ur_model *m, const ur_ctx *c, const sources *s, const ur_translating *settings,
                               ur_translated_watch *watch, void *arg, ur_translated *out, ur_err *err)
{
	const size_t most = (size_t)(s->count < settings->batch ? s->count : settings->batch);
	ur_translating set = *settings;
	const int32_t **source = malloc(most * sizeof *source);
	int *len = malloc(most * sizeof *len);
	ur_translation *translation = malloc(most * sizeof *translation);
	ur_translator *t = NULL;
	ur_status status = source && len && translation ? UR_OK : ur_fail(err, UR_E_NOMEM, "no memory to translate");

	set.alignments = 0;
	for (int64_t i = 0; i < s->count && !status;) {
		const int64_t left = s->count - i, together = BATCH_TOKENS / (s->list[i].length + 1) + 1;
		const int64_t n = left < (int64_t)most ? (left < together ? left : together)
		                                       : (int64_t)most < together ? (int64_t)most : together;
		const double started = ur_clock();
		const int longest = s->list[i + n - 1].length;

		/* a translator is made for a length: as sources grow, a larger one takes its place */
		if (!t || longest > set.longest) {
			ur_translator_close(t);
			set.batch = (int)n; /* later ones are no more, because their sources are no shorter */
			set.longest = longest + longest / 4;
			if (ur_source_limit(m) && set.longest > ur_source_limit(m))
				set.longest = ur_source_limit(m);
			status = ur_translator_open(m, c, &set, &t, err);
		}
		for (int64_t k = 0; k < n; k++)
			source[k] = ur_pairs_tokens(s->pairs, s->list[i + k].pair, UR_SOURCE, &len[k]);
		if (!status)
			status = ur_translate(t, (int)n, source, len, translation, err);
		out->seconds += ur_clock() - started;
		for (int64_t k = 0; k < n && !status; k++)
			status = score(s, m, &translation[k], s->list[i + k].pair, &out->sentence[out->n++], err);
		i += n;
		if (!status && watch && watch(arg, i, s->count))
			status = ur_fail(err, UR_E_STOPPED, "stopped on request after %lld sources", (long long)i);
	}
	ur_translator_close(t);
	free(translation);
	free(len);
	free(source);
	return status;
}

ur_status ur_translated_measure(const ur_model *m, const ur_ctx *c, const ur_pairs *pairs, const int64_t *index,
                                int64_t n, int64_t most, const ur_translating *settings, ur_translated_watch *watch,
                                void *arg, ur_translated *out, ur_err *err)
{
	sources s = { .pairs = pairs };
	ur_status status = list_sources(&s, index, n, ur_source_limit(m), most, &out->left_out, err);

	*out = (ur_translated){ .left_out = status ? 0 : out->left_out };
	if (!status && !(out->sentence = malloc((size_t)s.count * sizeof *out->sentence)))
		status = ur_fail(err, UR_E_NOMEM, "no memory for the scores");
	if (!status)
		status = translate_all(m, c, &s, settings, watch, arg, out, err);
	free(s.sorted);
	free(s.list);
	if (status) {
		ur_translated_free(out);
		return status;
	}
	qsort(out->sentence, (size_t)out->n, sizeof *out->sentence, by_place);
	ur_translated_sum(out);
	return UR_OK;
}

void ur_translated_free(ur_translated *t)
{
	free(t->sentence);
	t->sentence = NULL;
	t->n = 0;
}
