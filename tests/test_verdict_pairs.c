/* What a comparison on pairs concludes and says of long sources, from made-up measurements. */
#include "small_models.h"

#include "compare/compare.h"

#include <math.h>

enum { BINS = 4 };

/* Errors on the shortest and the longest sources, in a straight line between, each with an interval of +- wide. */
static ur_contender *invent(ur_comparison *c, const char *name, int attends, double loss, double first, double last,
                            double wide)
{
	ur_contender *k = &c->of[c->n++];

	snprintf(k->name, sizeof k->name, "%s", name);
	snprintf(k->spec.text, sizeof k->spec.text, "seq2seq:%s:2x100", name);
	k->attends = attends;
	k->flops_per_token = 1000;
	k->length_bins = BINS;
	for (int b = 0; b < BINS; b++) {
		const double errors = first + (last - first) * b / (BINS - 1);
		k->length[b] = (ur_length_bin){ .from = 5 * b + 1, .to = 5 * b + 5, .n = 100, .exact = 1 - errors,
			.errors = errors, .errors_low = fmax(errors - wide, 0), .errors_high = errors + wide };
	}
	for (int s = 0; s < c->seeds; s++) {
		ur_trained *r = &k->run[s];
		*r = (ur_trained){ .seed = 1 + (uint64_t)s, .state = UR_RUN_DONE, .tokens = 1000000, .seconds = 20,
			.loss = loss + 0.01 * s, .loss_same = loss + 0.01 * s, .bits_per_byte = loss, .joules = NAN,
			.short_errors = first, .long_errors = last };
		r->translated = (ur_translated){ .n = 200, .pairs = 200, .exact = 1 - last, .bleu = 40, .token_errors = last,
			.word_errors = last, .cut = 2 };
		r->blocks.n = 16;
		for (int i = 0; i < 16; i++)
			r->blocks.mean[i] = loss + 0.1 * sin(i);
		for (int p = 1; p <= 10; p++)
			r->curve[r->points++] = (ur_curve_point){ { 1e5 * p, 1e8 * p, 2 * p }, loss + 1 - log10(p), p > 8 };
	}
	k->sentence = (ur_sentence_cost){ .samples = 50, .p50 = attends ? 3000 : 2000, .p99 = 5000, .source_tokens = 11,
		.target_tokens = 10, .remembered = attends ? 20000 : 0, .state = 800 };
	return k;
}

static ur_comparison *begin(int seeds)
{
	ur_comparison *c = calloc(1, sizeof *c);
	c->seeds = seeds;
	c->pairs = c->own_heldout = 1;
	c->scored = 10000;
	c->speed.flops = 1e9;
	return c;
}

static void advise(ur_comparison *c)
{
	ur_conclude(c, UR_BUDGET_TOKENS);
	ur_recommend(c, &c->advice);
}

static void assert_advice(const ur_comparison *c, const char *part, int there)
{
	if (!strstr(c->advice.text, part) == !!there)
		fail_msg("the advice %s \"%s\":\n%s", there ? "does not say" : "says", part, c->advice.text);
}

static void test_shows(void **state)
{
	ur_comparison *c = begin(3);

	(void)state;
	invent(c, "gru", 0, 1.5, 0.05, 0.60, 0.03);
	invent(c, "gru-luong", 1, 1.0, 0.04, 0.10, 0.03);
	invent(c, "lstm", 0, 1.6, 0.05, 0.30, 0.03); /* of those without the best by loss is asked, not the best here */
	advise(c);
	assert_int_equal(c->bottleneck.kind, UR_BOTTLENECK_SHOWS);
	assert_true(c->bottleneck.without == 0 && c->bottleneck.with == 1 && c->bottleneck.agree == 3);
	assert_advice(c, "The bottleneck shows: on the longest sources gru-luong makes fewer errors than gru", 1);
	assert_advice(c, "every seed says the same", 1);
	assert_advice(c, "on the shortest sources (of 1 to 5 tokens, 100 of them) and on the longest (of 16 to 20 tokens, "
	              "100)", 1);
	assert_advice(c, "- gru, without attention: 5.0% (2.0 to 8.0), then 60.0% (57.0 to 63.0): more on long "
	              "sources.", 1);
	assert_advice(c, "- gru-luong, with attention: 4.0% (1.0 to 7.0), then 10.0% (7.0 to 13.0): not to be told "
	              "apart.", 1);
	/* no words of texts, streams or positions */
	assert_advice(c, "text", 0);
	assert_advice(c, "stream", 0);
	assert_advice(c, "step", 0);
	assert_int_equal(c->lengths, 0);
	assert_true(fabs(c->of[1].cut.mean - 0.01) < 1e-12 && c->of[1].exact.n == 3 && c->of[1].bleu.high <= 100);
	for (int i = 0; i < c->advice.needs; i++)
		assert_string_not_equal(c->advice.need[i].need, "context");
	free(c);
}

/* Nothing is claimed that the intervals, or the seeds, do not bear. */
static void test_not_claimed(void **state)
{
	static const struct { double without[2], with[2], wide; ur_bottleneck_kind kind; const char *says; } cases[] = {
		/* the intervals on the longest overlap */
		{ { 0.05, 0.40 }, { 0.05, 0.35 }, 0.03, UR_BOTTLENECK_NONE, "overlap: no bottleneck shows here" },
		/* attention does better, by as much on the shortest */
		{ { 0.30, 0.50 }, { 0.05, 0.25 }, 0.03, UR_BOTTLENECK_EVERYWHERE, "but that it gains more there than on the "
		  "shortest these do not show" },
		/* by more, but not whatever within the intervals is true */
		{ { 0.15, 0.50 }, { 0.05, 0.35 }, 0.03, UR_BOTTLENECK_EVERYWHERE, "do not show" },
		/* attention does worse */
		{ { 0.05, 0.20 }, { 0.05, 0.60 }, 0.03, UR_BOTTLENECK_NONE, "makes more errors than gru, outside the "
		  "intervals: no" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ur_comparison *c = begin(2);
		invent(c, "gru", 0, 1.5, cases[i].without[0], cases[i].without[1], cases[i].wide);
		invent(c, "gru-luong", 1, 1.0, cases[i].with[0], cases[i].with[1], cases[i].wide);
		advise(c);
		assert_int_equal(c->bottleneck.kind, cases[i].kind);
		assert_advice(c, cases[i].says, 1);
		assert_advice(c, "The bottleneck shows", 0);
		free(c);
	}
}

static void test_seeds_disagree(void **state)
{
	ur_comparison *c = begin(3);

	(void)state;
	invent(c, "gru", 0, 1.5, 0.05, 0.60, 0.03);
	invent(c, "gru-luong", 1, 1.0, 0.04, 0.10, 0.03)->run[2].long_errors = 0.7;
	advise(c);
	assert_int_equal(c->bottleneck.kind, UR_BOTTLENECK_UNSURE);
	assert_advice(c, "only 2 of 3 seeds agree", 1);
	assert_advice(c, "The bottleneck shows", 0);
	free(c);
	/* of one seed there is nothing to agree with, and that is said */
	c = begin(1);
	invent(c, "gru", 0, 1.5, 0.05, 0.60, 0.03);
	invent(c, "gru-luong", 1, 1.0, 0.04, 0.10, 0.03);
	advise(c);
	assert_int_equal(c->bottleneck.kind, UR_BOTTLENECK_SHOWS);
	assert_advice(c, "of one seed, though: another might say otherwise", 1);
	free(c);
}

static void test_one_kind(void **state)
{
	ur_comparison *c = begin(2);

	(void)state;
	invent(c, "gru", 0, 1.5, 0.05, 0.60, 0.03);
	invent(c, "lstm", 0, 1.2, 0.05, 0.50, 0.03);
	advise(c);
	assert_int_equal(c->bottleneck.kind, UR_BOTTLENECK_UNKNOWN);
	assert_advice(c, "All of them work without attention, so what it would change cannot be told", 1);
	free(c);
	/* too few sources for two bins */
	c = begin(2);
	invent(c, "gru", 0, 1.5, 0.05, 0.60, 0.03)->length_bins = 1;
	invent(c, "gru-luong", 1, 1.2, 0.05, 0.50, 0.03)->length_bins = 1;
	advise(c);
	assert_int_equal(c->bottleneck.kind, UR_BOTTLENECK_UNKNOWN);
	assert_advice(c, "too few, or too much alike in length", 1);
	free(c);
	/* one of two is out: nothing is said of it */
	c = begin(2);
	invent(c, "gru", 0, 1.5, 0.05, 0.60, 0.03);
	invent(c, "gru-luong", 1, 1.2, 0.05, 0.10, 0.03)->diverged = 1;
	advise(c);
	assert_int_equal(c->bottleneck.kind, UR_BOTTLENECK_UNKNOWN);
	assert_advice(c, "- gru-luong", 0);
	free(c);
}

/* Of those that tie in loss the one that translates fastest is used. */
static void test_tie(void **state)
{
	ur_comparison *c = begin(3);

	(void)state;
	invent(c, "gru", 0, 1.005, 0.05, 0.10, 0.03);
	invent(c, "gru-luong", 1, 1.0, 0.05, 0.10, 0.03);
	advise(c);
	assert_int_equal(c->advice.best, 1);
	assert_int_equal(c->advice.pick, 0);
	assert_advice(c, "gru is the cheapest to run: 2 ms a sentence and 800 bytes of memory for it, against 3 ms and 20 "
	              "KiB with gru-luong", 1);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shows),
		cmocka_unit_test(test_not_claimed),
		cmocka_unit_test(test_seeds_disagree),
		cmocka_unit_test(test_one_kind),
		cmocka_unit_test(test_tie),
	};
	return cmocka_run_group_tests_name("verdict_pairs", tests, NULL, NULL);
}
