/* Translations counted: against references of one source, by hand; and by length of the source, with intervals. */
#include "measure/translated.h"
#include "pair_jobs.h"
#include "test_folder.h"

#include <math.h>

static ur_ctx one, two;
static ur_pairs *pairs;                 /* what is translated; some sources stand in several pairs */
static ur_model *model;                 /* that reverses most of them */
static int64_t *all;                    /* their numbers */
static int64_t count;

/* -- by hand -- */

static int least(int a, int b) { return a < b ? a : b; }

/* Levenshtein's table, of texts of at most 31 bytes. */
static int distance(const char *a, const char *b)
{
	const int n = (int)strlen(a), m = (int)strlen(b);
	int d[32][32];

	assert_true(n < 32 && m < 32);
	for (int i = 0; i <= n; i++)
		for (int j = 0; j <= m; j++)
			d[i][j] = !i ? j : !j ? i : least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
			                                  1 + least(d[i - 1][j], d[i][j - 1]));
	return d[n][m];
}

/* Every word as a letter, the same in all texts since `known` was 0. */
static char word_known[100][32];
static int known;

static int letters_of_words(const char *text, char out[32])
{
	int n = 0;

	for (const char *at = text + strspn(text, " "); *at; at += strspn(at, " ")) {
		char word[32];
		int w = 0;

		snprintf(word, sizeof word, "%.*s", (int)strcspn(at, " "), at);
		while (w < known && strcmp(word_known[w], word))
			w++;
		assert_true(w < 100 && n < 31);
		if (w == known)
			strcpy(word_known[known++], word);
		out[n++] = (char)(w + 1);
		at += strlen(word);
	}
	out[n] = 0;
	return n;
}

static void text_of(const ur_pairs *p, int64_t i, int side, char out[32])
{
	size_t bytes;
	const char *text = ur_pairs_text(p, i, side, &bytes);

	assert_true(bytes < 32);
	memcpy(out, text, bytes);
	out[bytes] = 0;
}

/* -- the model and what it reads -- */

/* Words of 1 to 3 letters, joined by blanks. */
static void make_text(uint64_t draw, char text[32])
{
	const uint64_t words = 1 + ur_rng_below(3, ur_rng_for(UR_RNG_TEST, 70), draw * 100, 3);
	int n = 0;

	for (uint64_t w = 0; w < words; w++) {
		const uint64_t letters = 1 + ur_rng_below(3, ur_rng_for(UR_RNG_TEST, 70), draw * 100 + 1 + w, 3);
		if (w)
			text[n++] = ' ';
		for (uint64_t l = 0; l < letters; l++)
			text[n++] = (char)('a' + ur_rng_below(3, ur_rng_for(UR_RNG_TEST, 70), draw * 100 + 10 + 4 * w + l, 4));
	}
	text[n] = 0;
}

static void turn(const char *text, char out[32])
{
	const size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		out[i] = text[n - 1 - i];
	out[n] = 0;
}

/* Reversals; `others`: every fifth source comes again with the target of another, before or behind the right one. */
static void write_pairs(const char *path, int n, uint64_t from, int others)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int i = 0; i < n; i++) {
		char text[32], turned[32], other[32], wrong[32];

		make_text(from + (uint64_t)i, text);
		turn(text, turned);
		make_text(from + (uint64_t)i + 1, other);
		turn(other, wrong);
		if (others && i % 10 == 0)
			fprintf(f, "%s\t%s\n", text, wrong);
		fprintf(f, "%s\t%s\n", text, turned);
		if (others && i % 10 == 5)
			fprintf(f, "%s\t%s x\n%s\t%s\n", text, wrong, text, wrong);
	}
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	ur_pairs *train;
	ur_pair_split split;
	ur_outcome o;
	ur_job j;

	if (open_folder(state) || !ur_ctx_open(&one, NULL, 1) || !ur_ctx_open(&two, NULL, 2))
		return -1;
	write_pairs("train.tsv", 1500, 1000, 0);
	train = pairs_with("train.tsv", NULL);
	split = all_of(train, UR_TRAIN);
	j = pair_job(&two, "seq2seq:gru:1x32,attention=bahdanau,encoder=bi", train, &split, NULL);
	j.recipe.steps = 150;
	j.recipe.batch = 32;
	j.recipe.window = 20;
	j.recipe.lr = 1e-2;
	j.recipe.eval_every = 0;
	assert_ok(ur_train(&j, &model, &o, why));
	ur_model_pack(model, &one);
	write_pairs("held.tsv", 300, 5000, 1);
	pairs = pairs_with("held.tsv", train);
	ur_pair_split_free(&split);
	ur_pairs_close(train);
	count = ur_pairs_count(pairs);
	all = malloc((size_t)count * sizeof *all);
	assert_non_null(all);
	for (int64_t i = 0; i < count; i++)
		all[i] = i;
	return 0;
}

static int tear_down(void **state)
{
	ur_pairs_close(pairs);
	ur_model_free(model);
	free(all);
	ur_ctx_close(&one);
	ur_ctx_close(&two);
	return close_folder(state);
}

static ur_translated measured(const ur_ctx *c, const int64_t *index, int64_t n, int64_t most, int batch, int beam)
{
	ur_translated t;

	assert_ok(ur_translated_measure(model, c, pairs, index, n, most, &(ur_translating){ .beam = beam, .penalty = 1,
		.batch = batch }, NULL, NULL, &t, why));
	return t;
}

static int same_source(int64_t a, int64_t b)
{
	char x[32], y[32];

	text_of(pairs, a, UR_SOURCE, x);
	text_of(pairs, b, UR_SOURCE, y);
	return !strcmp(x, y);
}

/* -- counting -- */

/* Every number from a translator of the test's own, one source at a time. */
static void check_by_hand(const int64_t *index, int64_t n, int beam)
{
	ur_translated t = measured(&two, index, n, 0, 7, beam);
	const ur_translating set = { .beam = beam, .penalty = 1, .batch = 1, .longest = 31 };
	int64_t k = 0, exact = 0, edits = 0, of = 0, word_edits = 0, words = 0, tokens = 0, cut = 0;
	int64_t right_late = 0, many = 0;
	ur_translator *translator;
	ur_bleu bleu = { 0 };

	assert_ok(ur_translator_open(model, &one, &set, &translator, why));
	for (int64_t i = 0; i < n; i++) {
		int length, right = 0, edits_here = 1000, of_here = 0, word_edits_here = 1000, words_here = 0, references = 0;
		const int32_t *source = ur_pairs_tokens(pairs, index[i], UR_SOURCE, &length);
		const ur_sentence *s = &t.sentence[k];
		ur_translation out;
		size_t bytes;
		char *text, mine[32], longest = 0;
		int seen = 0;

		for (int64_t j = 0; j < i && !seen; j++)
			seen = same_source(index[j], index[i]);
		if (seen)
			continue;
		assert_true(k < t.n);
		assert_ok(ur_translate(translator, 1, &source, &length, &out, why));
		text = ur_translation_text(model->vocab, out.tokens, out.n, &bytes);
		assert_non_null(text);
		known = 0;
		(void)letters_of_words(text, mine);
		for (int64_t j = i; j < n; j++) {
			char target[32], theirs[32];
			int words_there, edits_there;

			if (!same_source(index[j], index[i]))
				continue;
			text_of(pairs, index[j], UR_TARGET, target);
			words_there = letters_of_words(target, theirs);
			edits_there = distance(text, target);
			right_late += references && !right && !strcmp(text, target);
			right |= !strcmp(text, target);
			if (edits_there < edits_here) {
				edits_here = edits_there;
				of_here = (int)strlen(target);
			}
			if (distance(mine, theirs) < word_edits_here) {
				word_edits_here = distance(mine, theirs);
				words_here = words_there;
			}
			longest = (char)(words_there > longest ? words_there : longest);
			assert_true(ur_bleu_add(&bleu, text, bytes, target, strlen(target)));
			references++;
		}
		assert_true(s->pair == index[i]);
		assert_int_equal(s->references, references);
		assert_int_equal(s->source_tokens, length);
		assert_int_equal(s->tokens, out.n);
		assert_int_equal(s->ended, out.ended);
		assert_int_equal(s->exact, right);
		assert_int_equal(s->edits, edits_here);
		assert_int_equal(s->of, of_here);
		assert_int_equal(s->word_edits, word_edits_here);
		assert_int_equal(s->words, words_here);
		assert_int_equal(s->longest, longest);
		exact += right;
		edits += edits_here;
		of += of_here;
		word_edits += word_edits_here;
		words += words_here;
		tokens += out.n + out.ended;
		cut += !out.ended;
		many += references > 1;
		free(text);
		k++;
	}
	ur_translator_close(translator);
	assert_int_equal(t.n, k);
	assert_int_equal(t.pairs, n);
	assert_int_equal(t.left_out, 0);
	assert_int_equal(t.tokens, tokens);
	assert_int_equal(t.cut, cut);
	assert_true(fabs(t.exact - (double)exact / (double)k) < 1e-12);
	assert_true(fabs(t.token_errors - (double)edits / (double)of) < 1e-12);
	assert_true(fabs(t.word_errors - (double)word_edits / (double)words) < 1e-12);
	assert_true(fabs(t.bleu - ur_bleu_score(&bleu)) < 1e-9);
	assert_true(t.seconds > 0);
	print_message("  %lld sources, %lld of several references: %lld right, BLEU %.1f, %lld right by a later one\n",
	              (long long)k, (long long)many, (long long)exact, t.bleu, (long long)right_late);
	/* or it would say little */
	assert_true(many > 10 && right_late > 3 && exact > k / 5 && exact < k);
	ur_translated_free(&t);
}

static void counted_by_hand(void **unused)
{
	int64_t half[2000], n = 0;

	(void)unused;
	check_by_hand(all, count, 1);
	check_by_hand(all, count, 3);
	/* pairs that are not in the list are no references */
	for (int64_t i = 0; i < count; i++)
		if (i % 3 != 1)
			half[n++] = i;
	check_by_hand(half, n, 1);
}

static void assert_same(const ur_translated *a, const ur_translated *b)
{
	assert_int_equal(a->n, b->n);
	for (int64_t i = 0; i < a->n; i++) {
		const ur_sentence *x = &a->sentence[i], *y = &b->sentence[i];
		assert_true(x->pair == y->pair && x->references == y->references && x->source_tokens == y->source_tokens &&
		            x->tokens == y->tokens && x->ended == y->ended && x->exact == y->exact && x->edits == y->edits &&
		            x->of == y->of && x->word_edits == y->word_edits && x->words == y->words);
		assert_memory_equal(&x->bleu, &y->bleu, sizeof x->bleu);
	}
	assert_true(a->bleu == b->bleu && a->exact == b->exact && a->token_errors == b->token_errors &&
	            a->word_errors == b->word_errors && a->tokens == b->tokens && a->cut == b->cut && a->pairs == b->pairs);
}

static void batches_and_threads_change_nothing(void **unused)
{
	ur_translated want = measured(&one, all, count, 0, 1, 2);
	static const int batches[] = { 2, 13, 64, 1000 };

	(void)unused;
	for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
		ur_translated t = measured(i % 2 ? &one : &two, all, count, 0, batches[i], 2);
		assert_same(&want, &t);
		ur_translated_free(&t);
	}
	ur_translated_free(&want);
}

/* Of m in the order of the file, number i of k is number i m / k. */
static void a_part_is_taken_evenly(void **unused)
{
	ur_translated whole = measured(&two, all, count, 0, 64, 1);
	const int64_t some[] = { 1, 2, 7, whole.n - 1, whole.n, whole.n + 1, 10 * whole.n };

	(void)unused;
	for (int64_t i = 1; i < whole.n; i++)
		assert_true(whole.sentence[i].pair > whole.sentence[i - 1].pair);
	for (size_t k = 0; k < sizeof some / sizeof *some; k++) {
		ur_translated t = measured(&two, all, count, some[k], 64, 1);

		assert_int_equal(t.n, some[k] < whole.n ? some[k] : whole.n);
		for (int64_t i = 0; i < t.n; i++) {
			const ur_sentence *want = &whole.sentence[i * whole.n / t.n];
			assert_true(t.sentence[i].pair == want->pair && t.sentence[i].edits == want->edits &&
			            t.sentence[i].references == want->references);
		}
		ur_translated_free(&t);
	}
	ur_translated_free(&whole);
}

/* A sum anew, of some. */
static void sums_of_some(void **unused)
{
	ur_translated t = measured(&two, all, count, 0, 64, 1);
	const int64_t n = t.n;
	double mean = 0, before = t.exact;

	(void)unused;
	ur_translated_sum(&t);
	assert_true(t.exact == before);
	t.n = 10;
	for (int i = 0; i < 10; i++)
		mean += t.sentence[i].exact / 10.0;
	ur_translated_sum(&t);
	assert_true(fabs(t.exact - mean) < 1e-12);
	t.n = 0;
	ur_translated_sum(&t);
	assert_true(t.exact == 0 && t.bleu == 0 && t.token_errors == 0 && t.word_errors == 0 && !t.bleu_told && !t.pairs);
	t.n = n;
	ur_translated_free(&t);
}

/* -- contexts, stopping, nothing to do -- */

static ur_model *limited(const char *spec_text)
{
	ur_spec spec;
	ur_model *m;

	assert_ok(ur_spec_parse(spec_text, &spec, why));
	assert_ok(ur_model_create(&spec, &(ur_words){ .V = ur_pairs_outputs(pairs, UR_TARGET),
		.vocab = ur_pairs_vocab(pairs, UR_TARGET), .source_V = ur_pairs_outputs(pairs, UR_SOURCE),
		.source = ur_pairs_vocab(pairs, UR_SOURCE) }, one.k, 0, &m, why));
	ur_model_init(m, 1);
	ur_model_pack(m, &one);
	return m;
}

static void sources_beyond_the_context(void **unused)
{
	ur_model *m = limited("seq2seq:transformer:1x16,heads=2,context=6"), *tiny;
	ur_translated t, whole = measured(&two, all, count, 0, 64, 1);
	int64_t fit = 0;
	ur_err err = { 0 };
	const ur_translating set = { .beam = 1, .batch = 8 };

	(void)unused;
	for (int64_t i = 0; i < whole.n; i++)
		fit += whole.sentence[i].source_tokens <= 5;
	assert_true(fit > 5 && fit < whole.n - 5);
	assert_ok(ur_translated_measure(m, &two, pairs, all, count, 0, &set, NULL, NULL, &t, why));
	assert_int_equal(t.n, fit);
	assert_int_equal(t.left_out, whole.n - fit);
	for (int64_t i = 0; i < t.n; i++)
		assert_true(t.sentence[i].source_tokens <= 5 && t.sentence[i].tokens <= 5);
	ur_translated_free(&t);
	/* `most` is of those that fit */
	assert_ok(ur_translated_measure(m, &two, pairs, all, count, fit - 1, &set, NULL, NULL, &t, why));
	assert_int_equal(t.n, fit - 1);
	assert_int_equal(t.left_out, whole.n - fit);
	ur_translated_free(&t);
	ur_translated_free(&whole);
	ur_model_free(m);

	tiny = limited("seq2seq:transformer:1x16,heads=2,context=2");
	for (int64_t i = 0; i < count; i++) {
		int n;
		(void)ur_pairs_tokens(pairs, i, UR_SOURCE, &n);
		if (n > 1) {
			assert_int_equal(ur_translated_measure(tiny, &two, pairs, &i, 1, 0, &set, NULL, NULL, &t, &err),
			                 UR_E_INVALID);
			assert_says(err, "held.tsv has no source to translate that is short enough for the model's context");
			assert_null(t.sentence);
			break;
		}
	}
	ur_model_free(tiny);
	assert_int_equal(ur_translated_measure(model, &two, pairs, all, 0, 0, &set, NULL, NULL, &t, &err), UR_E_INVALID);
	assert_says(err, "held.tsv has no source to translate");
	ur_translated_free(&t);
}

struct seen { int64_t done, of; int calls, stop_at; };

static int on_batch(void *arg, int64_t done, int64_t of)
{
	struct seen *s = arg;

	assert_true(done > s->done && done <= of && (!s->of || s->of == of));
	s->done = done;
	s->of = of;
	return ++s->calls == s->stop_at;
}

static void progress_is_told_and_can_stop(void **unused)
{
	const ur_translating set = { .beam = 1, .batch = 16 };
	struct seen s = { .stop_at = 0 };
	ur_translated t;
	ur_err err = { 0 };

	(void)unused;
	assert_ok(ur_translated_measure(model, &two, pairs, all, count, 0, &set, on_batch, &s, &t, why));
	assert_true(s.done == t.n && s.of == t.n && s.calls == (int)((t.n + 15) / 16));
	ur_translated_free(&t);
	s = (struct seen){ .stop_at = 3 };
	assert_int_equal(ur_translated_measure(model, &two, pairs, all, count, 0, &set, on_batch, &s, &t, &err),
	                 UR_E_STOPPED);
	assert_says(err, "after 48 sources");
	assert_true(s.calls == 3 && !t.sentence && t.n == 0);
	assert_int_equal(ur_translated_measure(model, &two, pairs, all, count, 0, &(ur_translating){ .batch = 1 }, NULL, NULL,
	                                       &t, &err), UR_E_INVALID);
	assert_says(err, "a beam of 0");
	assert_null(t.sentence);
}

/* -- by length -- */

/* n sentences; who wants others changes them. */
static ur_translated made_up(int64_t n, int lengths, uint64_t seed)
{
	ur_translated t = { .n = n, .sentence = calloc((size_t)n + 1, sizeof *t.sentence) };

	assert_non_null(t.sentence);
	for (int64_t i = 0; i < n; i++) {
		const uint64_t use = ur_rng_for(UR_RNG_TEST, 71);
		ur_sentence *s = &t.sentence[i];
		const int length = 1 + (int)ur_rng_below(seed, use, (uint64_t)i * 8, (uint64_t)lengths);
		const int64_t edits = (int64_t)ur_rng_below(seed, use, (uint64_t)i * 8 + 1, 4);

		*s = (ur_sentence){ .pair = i, .references = 1, .source_tokens = length, .exact = edits == 0, .edits = edits,
			.of = 8, .word_edits = edits > 1, .words = 3, .longest = 6,
			.bleu = { { 6 - edits, 5 - edits, 4 - edits, 3 - edits }, { 6, 5, 4, 3 }, 6, 6 } };
	}
	return t;
}

static void check_bins(const ur_translated *t)
{
	ur_length_bin bin[UR_LENGTH_BINS + 1], again[UR_LENGTH_BINS + 1];
	const int bins = ur_length_bins(t, bin);
	int64_t in_all = 0;

	assert_true(bins >= 1 && bins <= UR_LENGTH_BINS);
	memset(again, 0, sizeof again);
	assert_int_equal(ur_length_bins(t, again), bins);
	for (int b = 0; b < bins; b++) {
		const ur_length_bin *l = &bin[b];
		int64_t n = 0, exact = 0, edits = 0, of = 0, word_edits = 0, words = 0;
		ur_bleu bleu = { 0 };

		assert_true(l->from <= l->to && (!b || l->from > bin[b - 1].to));
		for (int64_t i = 0; i < t->n; i++) {
			const ur_sentence *s = &t->sentence[i];
			if (s->source_tokens < l->from || s->source_tokens > l->to)
				continue;
			n++;
			exact += s->exact;
			edits += s->edits;
			of += s->of;
			word_edits += s->word_edits;
			words += s->words;
			ur_bleu_sum(&bleu, &s->bleu);
		}
		assert_int_equal(l->n, n);
		assert_true(bins == 1 || n >= 20);
		assert_true(fabs(l->exact - (double)exact / (double)n) < 1e-12);
		assert_true(fabs(l->errors - (double)edits / (double)of) < 1e-12);
		assert_true(fabs(l->words - (double)word_edits / (double)words) < 1e-12);
		assert_true(fabs(l->bleu - ur_bleu_score(&bleu)) < 1e-9);
		assert_true(l->exact_low <= l->exact && l->exact <= l->exact_high && l->exact_low >= 0 && l->exact_high <= 1);
		assert_true(l->errors_low <= l->errors && l->errors <= l->errors_high);
		assert_true(l->words_low <= l->words && l->words <= l->words_high);
		assert_true(l->bleu_low <= l->bleu + 1e-9 && l->bleu <= l->bleu_high + 1e-9);
		in_all += n;
		/* the same again */
		assert_true(again[b].from == l->from && again[b].to == l->to && again[b].errors_low == l->errors_low &&
		            again[b].errors_high == l->errors_high && again[b].words_low == l->words_low &&
		            again[b].words_high == l->words_high && again[b].bleu_low == l->bleu_low &&
		            again[b].bleu_high == l->bleu_high);
	}
	assert_int_equal(in_all, t->n);
	assert_true(bin[0].from <= bin[0].to);
}

static void bins_have_each_once(void **unused)
{
	static const int sizes[] = { 1, 2, 19, 20, 21, 39, 40, 41, 100, 400, 2000 };
	static const int spread[] = { 1, 2, 5, 12, 13, 40, 300 };
	(void)unused;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t j = 0; j < sizeof spread / sizeof *spread; j++) {
			ur_translated t = made_up(sizes[i], spread[j], i * 10 + j);
			check_bins(&t);
			/* a few of many lengths, as corpora have them: most are short, some are very long */
			for (int64_t k = 0; k < t.n; k++)
				t.sentence[k].source_tokens = 1 + t.sentence[k].source_tokens * t.sentence[k].source_tokens / 10 +
					(k == t.n - 1 ? 500 : 0);
			check_bins(&t);
			ur_translated_free(&t);
		}
	{
		ur_length_bin bin[UR_LENGTH_BINS + 1];
		assert_int_equal(ur_length_bins(&(ur_translated){ .n = 0 }, bin), 0);
	}
}

/* each: how many sentences of length i + 1; the edges that come of it. */
static void expect_edges(const int *each, int lengths, const char *expected)
{
	ur_translated t = made_up(10000, 1, 1);
	ur_length_bin bin[UR_LENGTH_BINS + 1];
	char text[300] = "";
	int64_t n = 0;
	int bins;

	for (int i = 0; i < lengths; i++)
		for (int k = 0; k < each[i]; k++)
			t.sentence[n++].source_tokens = i + 1;
	t.n = n;
	bins = ur_length_bins(&t, bin);
	for (int b = 0; b < bins; b++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d-%d:%d", b ? " " : "", bin[b].from, bin[b].to,
		         (int)bin[b].n);
	assert_string_equal(text, expected);
	t.n = 10000;
	ur_translated_free(&t);
}

static void edges_of_bins(void **unused)
{
	(void)unused;
	expect_edges((int[]){ 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20 }, 12,
	             "1-1:20 2-2:20 3-3:20 4-4:20 5-5:20 6-6:20 7-7:20 8-8:20 9-9:20 10-10:20 11-11:20 12-12:20");
	/* wider where there are more lengths than bins */
	expect_edges((int[]){ 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20 }, 13,
	             "1-2:40 3-4:40 5-6:40 7-8:40 9-10:40 11-12:40 13-13:20");
	/* few are joined to the longer ones, at the end to the shorter; lengths that nothing has are no edge */
	expect_edges((int[]){ 5, 20, 30, 7, 8, 5, 40, 3 }, 8, "1-2:25 3-3:30 4-6:20 7-8:43");
	expect_edges((int[]){ 0, 0, 30, 0, 0, 30 }, 6, "3-3:30 6-6:30");
	expect_edges((int[]){ 19 }, 1, "1-1:19");
	expect_edges((int[]){ 19, 1 }, 2, "1-2:20");
	expect_edges((int[]){ 20, 19 }, 2, "1-2:39");
}

/* k of n right, all of one length. */
static void expect_wilson(int k, int n, double low, double high)
{
	ur_translated t = made_up(n, 1, 2);
	ur_length_bin bin[UR_LENGTH_BINS + 1];

	for (int i = 0; i < n; i++)
		t.sentence[i].exact = i < k;
	assert_int_equal(ur_length_bins(&t, bin), 1);
	if (!(fabs(bin[0].exact_low - low) < 5.1e-5 && fabs(bin[0].exact_high - high) < 5.1e-5))
		fail_msg("%d of %d: [%.5f, %.5f], not [%.4f, %.4f]", k, n, bin[0].exact_low, bin[0].exact_high, low, high);
	ur_translated_free(&t);
}

/* The first four are in Newcombe 1998, table I, method 3 ("score"). */
static void shares_have_wilson_s_interval(void **unused)
{
	(void)unused;
	expect_wilson(81, 263, 0.2553, 0.3662);
	expect_wilson(15, 148, 0.0624, 0.1605);
	expect_wilson(0, 20, 0, 0.1611);
	expect_wilson(1, 29, 0.0061, 0.1718);
	expect_wilson(0, 10, 0, 0.2775);
	expect_wilson(5, 10, 0.2366, 0.7634);
	expect_wilson(10, 10, 0.7225, 1);
	expect_wilson(1, 1, 0.2065, 1);
}

static ur_length_bin bin_of(const ur_translated *t)
{
	ur_length_bin bin[UR_LENGTH_BINS + 1];
	assert_int_equal(ur_length_bins(t, bin), 1);
	return bin[0];
}

/* A mean's resampled interval is 1.96 standard errors to either side. */
static void intervals_are_of_the_right_width(void **unused)
{
	double before = INFINITY;

	(void)unused;
	for (int n = 50; n <= 3200; n *= 4) {
		ur_translated t = made_up(n, 1, 3);
		const ur_length_bin b = bin_of(&t);
		double mean = 0, square = 0, half;

		for (int i = 0; i < n; i++) {
			mean += (double)t.sentence[i].edits / 8 / n;
			square += pow((double)t.sentence[i].edits / 8, 2) / n;
		}
		half = 1.96 * sqrt((square - mean * mean) / n);
		assert_true(fabs((b.errors_high - b.errors_low) / 2 / half - 1) < 0.15);
		assert_true(fabs((b.errors_high + b.errors_low) / 2 - mean) < 0.3 * half);
		assert_true(b.bleu_high - b.bleu_low > 0 && b.words_high > b.words_low);
		assert_true(b.errors_high - b.errors_low < 0.7 * before);
		before = b.errors_high - b.errors_low;
		ur_translated_free(&t);
	}
}

/* Where all are alike there is nothing to be unsure of; and the order of the list is none of theirs. */
static void intervals_of_likes_and_in_any_order(void **unused)
{
	ur_translated t = made_up(60, 1, 4);
	ur_length_bin a, b;

	(void)unused;
	for (int i = 0; i < 60; i++)
		t.sentence[i].source_tokens = 3;
	a = bin_of(&t);
	for (int i = 0; i < 30; i++) {
		const ur_sentence swap = t.sentence[i];
		t.sentence[i] = t.sentence[59 - i];
		t.sentence[59 - i] = swap;
	}
	b = bin_of(&t);
	assert_true(a.errors_low == b.errors_low && a.errors_high == b.errors_high && a.bleu_low == b.bleu_low);
	for (int i = 1; i < 60; i++) {
		const int64_t pair = t.sentence[i].pair;
		t.sentence[i] = t.sentence[0];
		t.sentence[i].pair = pair;
	}
	a = bin_of(&t);
	assert_true(a.errors_low == a.errors && a.errors_high == a.errors && a.words_low == a.words &&
	            a.bleu_low == a.bleu && a.bleu_high == a.bleu);
	ur_translated_free(&t);
}

/* BLEU is told of where a reference has four words. */
static void bleu_needs_four_words(void **unused)
{
	ur_translated t = made_up(60, 2, 5);
	ur_length_bin bin[UR_LENGTH_BINS + 1];

	(void)unused;
	for (int i = 0; i < 60; i++) {
		t.sentence[i].source_tokens = 1 + i / 30;
		t.sentence[i].longest = 3;
	}
	ur_translated_sum(&t);
	assert_int_equal(t.bleu_told, 0);
	t.sentence[45].longest = 4;
	ur_translated_sum(&t);
	assert_int_equal(t.bleu_told, 1);
	assert_int_equal(ur_length_bins(&t, bin), 2);
	assert_true(!bin[0].bleu_told && bin[1].bleu_told);
	ur_translated_free(&t);
	/* as it comes of translating: words of at most three a text, and four with the odd "x" behind three */
	t = measured(&two, all, count, 0, 64, 1);
	for (int64_t i = 0, most = 0; i < t.n; i++) {
		most = t.sentence[i].longest > most ? t.sentence[i].longest : most;
		assert_true(i < t.n - 1 || (most == 4 && t.bleu_told));
	}
	ur_translated_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counted_by_hand), cmocka_unit_test(batches_and_threads_change_nothing),
		cmocka_unit_test(a_part_is_taken_evenly), cmocka_unit_test(sums_of_some),
		cmocka_unit_test(sources_beyond_the_context), cmocka_unit_test(progress_is_told_and_can_stop),
		cmocka_unit_test(bins_have_each_once), cmocka_unit_test(edges_of_bins),
		cmocka_unit_test(shares_have_wilson_s_interval), cmocka_unit_test(intervals_are_of_the_right_width),
		cmocka_unit_test(intervals_of_likes_and_in_any_order), cmocka_unit_test(bleu_needs_four_words),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
