/* What a comparison concludes and recommends, from made-up measurements. */
#include "small_models.h"

#include "compare/compare.h"

#include <math.h>

/* -- words -- */

/* A made-up comparison: `loss` in every block with a little noise that is the model's own, and in every seed, of which
 * each has moved it by a part of `spread`; times that follow laws. */
static ur_contender *invent_seeds(ur_comparison *c, const char *name, double loss, double noise, double spread,
                                  double us, size_t state, double rate)
{
	static const double moves[UR_MOST_SEEDS] = { -1, 0.2, 0.8, 0.5, -0.5 };
	ur_contender *k = &c->of[c->n++];

	if (c->seeds == 0)
		c->seeds = 1;
	snprintf(k->name, sizeof k->name, "%s", name);
	snprintf(k->spec.text, sizeof k->spec.text, "%s:2x100", name);
	k->flops_per_token = 1000;
	k->recipe.window = 128;
	for (int s = 0; s < c->seeds; s++) {
		ur_trained *r = &k->run[s];
		const double at = loss + spread * moves[s];

		*r = (ur_trained){ .seed = 1 + (uint64_t)s, .state = UR_RUN_DONE, .tokens = 1000000, .seconds = 1e6 / rate,
		                   .loss = at, .loss_same = at + 0.1, .bits_per_byte = at / log(2), .joules = NAN };
		r->blocks.n = 16;
		for (int i = 0; i < 16; i++)
			r->blocks.mean[i] = at + 0.3 * sin(i) + noise * (i % 2 ? 1 : -1);
		/* from 1 nat above, in straight lines of log tokens; the rate falls over the last fifth */
		for (int p = 1; p <= 10; p++)
			r->curve[r->points++] = (ur_curve_point){ { 1e5 * p, 1e8 * p, 1e5 * p / rate }, at + 1 - log10(p), p > 8 };
	}
	k->tuning[0] = (ur_tuning){ .trials = 3, .best = 0,
	                            .trial = { { 1e-3, loss }, { 3e-3, loss + 1 }, { 3e-4, loss + 1 } } };
	k->positions = 2;
	k->latency[0] = (ur_latency){ .position = 0, .p50 = us / 2, .p99 = us, .state = state / 2 };
	k->latency[1] = (ur_latency){ .position = 48, .p50 = us, .p99 = us, .state = state };
	return k;
}

static void invent(ur_comparison *c, const char *name, double loss, double noise, double us, size_t state, double rate)
{
	invent_seeds(c, name, loss, noise, 0, us, state, rate);
}

/* Whole sequences take factor T^exponent, each repeat a little more. */
static void invent_prefill(ur_contender *k, double factor, double exponent)
{
	for (int64_t T = 128; T <= 32768; T *= 2) {
		ur_prefill_time *t = &k->prefill[k->lengths++];
		*t = (ur_prefill_time){ .T = T, .repeats = 3 };
		for (int r = 0; r < 3; r++)
			t->seconds[r] = factor * pow((double)T, exponent) * (1 + 0.001 * r);
	}
}

static void advise(ur_comparison *c)
{
	c->own_heldout = 1;
	c->scored = 100000;
	c->speed.flops = 1e9;
	ur_conclude(c, UR_BUDGET_TOKENS);
	ur_recommend(c, &c->advice);
}

#define assert_advice(c, part) \
	do { \
		if (!strstr((c)->advice.text, part)) \
			fail_msg("the advice does not say \"%s\":\n%s", part, (c)->advice.text); \
	} while (0)
static void assert_need(const ur_comparison *c, const char *need, int who)
{
	for (int i = 0; i < c->advice.needs; i++)
		if (!strcmp(c->advice.need[i].need, need)) {
			assert_int_equal(c->advice.need[i].who, who);
			assert_true(*c->advice.need[i].why && *c->advice.need[i].sure);
			return;
		}
	fail_msg("nobody is named for %s", need);
}

#define assert_no_advice(c, part) \
	do { \
		if (strstr((c)->advice.text, part)) \
			fail_msg("the advice says \"%s\":\n%s", part, (c)->advice.text); \
	} while (0)

static void test_clear_winner(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);

	(void)state;
	invent(c, "gru", 1.5, 0.01, 30, 800, 50000);
	invent(c, "lstm", 1.3, 0, 29, 800, 51000);
	advise(c);
	assert_int_equal(c->advice.pick, 1);
	assert_int_equal(c->advice.best, 1);
	assert_true(c->advice.tied[1] && !c->advice.tied[0]);
	assert_advice(c, "Use lstm (lstm:2x100). It has the lowest loss on the held-out text: 1.300 nats a token");
	assert_advice(c, "The next best, gru, is 0.200 higher (95% interval over the text 0.19");
	assert_advice(c, "Nothing measured here speaks for another");
	assert_no_advice(c, "tie: ");
	assert_no_advice(c, "Choose otherwise");
	free(c);
}

static void test_tie(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);

	(void)state;
	/* 0.005 of 1.3 is below one percent, however sure; the cheaper step takes it, the slower is named for quality */
	invent(c, "lstm", 1.3, 0, 60, 1600, 50000);
	invent(c, "gru", 1.305, 0, 40, 800, 60000);
	invent(c, "rnn", 1.7, 0, 39, 700, 60000);
	advise(c);
	assert_int_equal(c->advice.pick, 1);
	assert_int_equal(c->advice.best, 0);
	assert_true(c->advice.tied[0] && c->advice.tied[1] && !c->advice.tied[2]);
	assert_advice(c, "In quality lstm and gru tie, within 1%: lstm has the lowest loss");
	assert_advice(c, "Of these gru is the cheapest to run: 40 us a step and a state of 800 bytes, against 60 us and "
		"1600 bytes with lstm");
	assert_advice(c, "The next, rnn, is 0.400 higher");
	assert_advice(c, "- For the last bit of quality: lstm, 0.005 lower; the difference is small but larger than the "
		"text's noise");
	free(c);

	/* of a larger difference that the text cannot tell from chance nobody knows; it is no tie */
	c = calloc(1, sizeof *c);
	invent(c, "lstm", 1.3, 0, 40, 1600, 50000);
	invent(c, "gru", 1.34, 0.2, 60, 800, 50000);
	advise(c);
	assert_true(!c->advice.tied[1] && c->of[1].gap.low < 0 && c->of[1].verdict == UR_UNSURE);
	assert_int_equal(c->advice.pick, 0);
	assert_advice(c, "gru, is 0.040 higher (95% interval over the text -");
	assert_advice(c, "the held-out text is too short to tell that from chance");
	free(c);

	/* steps as fast as each other: the smaller state */
	c = calloc(1, sizeof *c);
	invent(c, "lstm", 1.3, 0, 40, 1600, 50000);
	invent(c, "gru", 1.301, 0, 42, 800, 50000);
	advise(c);
	assert_int_equal(c->advice.pick, 1);
	free(c);
}

static void test_trade_off(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);

	(void)state;
	invent(c, "rnn", 1.8, 0, 10, 400, 90000);
	invent(c, "lstm", 1.5, 0, 30, 1600, 50000);
	invent(c, "transformer", 1.2, 0, 60, 250000, 70000);
	c->of[2].limit = 256;
	advise(c);
	assert_int_equal(c->advice.pick, 2);
	assert_need(c, "quality", 2);
	assert_need(c, "latency", 0);
	assert_need(c, "memory", 0);
	assert_need(c, "training speed", 0);
	/* of those whose streams have no end */
	assert_need(c, "context", 1);
	assert_advice(c, "Choose otherwise:");
	assert_advice(c, "- For the fastest step: rnn, 10 us instead of 60 us (6.0 times as fast), for a loss 0.600 "
	              "higher");
	assert_advice(c, "- For the smallest state of a live stream: rnn, 400 bytes instead of 244 KiB");
	assert_advice(c, "- For the fastest training: rnn, 90k tokens a second instead of 70k");
	assert_advice(c, "transformer sees at most 256 tokens back");
	free(c);
}

static void test_doubts(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);

	(void)state;
	invent(c, "rnn", 1.8, 0, 10, 400, 90000);
	invent(c, "lstm", 1.5, 0, 30, 1600, 50000);
	invent(c, "gru", 1.4, 0, 30, 1600, 50000);
	c->target = 100000;
	c->of[0].deviation = -0.081;
	c->of[1].tuning[0].open = 1;
	c->of[2].diverged = 1;
	c->tuned = 1;
	c->tune[0] = ur_tunable_find("lr");
	snprintf(c->of[2].why, sizeof c->of[2].why, "every learning rate tried diverged");
	advise(c);
	assert_int_equal(c->advice.pick, 1);
	assert_advice(c, "rnn has 8% fewer parameters than the target");
	assert_advice(c, "lstm did best with the highest lr tried, 0.001");
	assert_advice(c, "gru is out: every learning rate tried diverged");
	assert_advice(c, "1 seed.");
	assert_no_advice(c, "no test part");
	free(c);

	c = calloc(1, sizeof *c);
	invent(c, "rnn", 1.8, 0, 10, 400, 90000);
	c->of[0].diverged = 1;
	advise(c);
	assert_true(c->advice.pick == -1 && c->advice.best == -1);
	assert_advice(c, "every one diverged");
	free(c);

	/* one alone, on a text too short for intervals */
	c = calloc(1, sizeof *c);
	invent(c, "rnn", 1.8, 0, 10, 400, 90000);
	c->of[0].run[0].blocks.n = 1;
	advise(c);
	assert_int_equal(c->advice.pick, 0);
	assert_advice(c, "the only one that finished");
	assert_advice(c, "too short for intervals");
	assert_no_advice(c, "nan");
	free(c);
}

/* All the advice there can be fits. */
static void test_long_advice(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);
	size_t n;

	(void)state;
	c->seeds = 3;
	for (int i = 0; i < UR_MOST_CONTENDERS; i++) {
		char name[64];
		snprintf(name, sizeof name, "an-architecture-with-a-very-long-name-number-%02d-indeed", i);
		invent(c, name, 1.3 + 0.0001 * i, 0, 90.5 - i, 250000, 1000 + 200 * i);
		c->of[i].limit = 256;
		c->of[i].deviation = 0.05;
		c->of[i].tuning[0].open = 1;
	}
	c->target = 1;
	advise(c);
	n = strlen(c->advice.text);
	assert_true(n > 3000 && n < UR_ADVICE - 1);
	assert_int_equal(c->advice.text[n - 1], '\n');
	free(c);
}

/* -- seeds -- */

static void test_seeds(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);

	(void)state;
	/* differences between pairs are the same for every seed but for 1 in a hundred: far beyond chance */
	c->seeds = 5;
	invent_seeds(c, "lstm", 1.3, 0, 0.100, 40, 1600, 50000);
	invent_seeds(c, "gru", 1.5, 0, 0.102, 40, 1600, 50000);
	invent_seeds(c, "rnn", 1.305, 0, 0.101, 80, 1600, 50000);
	advise(c);
	assert_int_equal(c->of[0].verdict, UR_BEST);
	assert_int_equal(c->of[1].verdict, UR_WORSE);
	assert_true(c->of[1].p_holm < 1e-6 && fabs(c->of[1].above.difference.mean - 0.2) < 1e-12);
	assert_true(c->of[0].rank == 1 && c->of[1].rank == 3 && c->of[2].rank == 2);
	assert_true(c->of[0].loss.n == 5 && fabs(c->of[0].loss.mean - 1.3) < 1e-12);
	/* Holm, of all three pairs: the smallest p counts three times, or less where another is smaller still */
	assert_true(c->of[1].p_holm >= 2 * c->of[1].above.p && c->of[1].p_holm <= 3 * c->of[1].above.p * (1 + 1e-12));
	/* significant, but below what matters: it may be picked, and costs more, so it is not */
	assert_true(c->advice.tied[2] && !c->advice.tied[1]);
	assert_int_equal(c->advice.pick, 0);
	assert_true(c->same_order && c->ordered == 3 && c->order[0][2] == 1);
	assert_advice(c, "5 seeds");
	assert_advice(c, "the same each time");
	free(c);

	/* as large a difference, but seeds disagree: not to be told, and said so */
	c = calloc(1, sizeof *c);
	c->seeds = 3;
	invent_seeds(c, "lstm", 1.3, 0, 0.3, 40, 1600, 50000);
	invent_seeds(c, "gru", 1.4, 0, -0.3, 40, 1600, 50000);
	advise(c);
	assert_int_equal(c->of[1].verdict, UR_UNSURE);
	assert_true(c->of[1].p_holm > 0.05);
	assert_advice(c, "do not tell it from the best");
	assert_false(c->same_order);
	assert_advice(c, "not the same each time");
	assert_true(!c->advice.tied[1]);
	free(c);

	/* seeds agree, but the text alone would explain it */
	c = calloc(1, sizeof *c);
	c->seeds = 3;
	invent_seeds(c, "lstm", 1.3, 0, 0.1, 40, 1600, 50000);
	invent_seeds(c, "gru", 1.32, 0.5, 0.1001, 40, 1600, 50000);
	advise(c);
	assert_true(c->of[1].p_holm < 0.05 && c->of[1].gap.low < 0);
	assert_true(c->of[1].verdict == UR_UNSURE);
	free(c);
}

/* -- equal budgets, crossings, lengths -- */

static void test_equal(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);

	(void)state;
	/* after the same tokens lstm leads, after the same time gru, which is four times as fast */
	invent(c, "lstm", 1.3, 0, 40, 1600, 25000);
	invent(c, "gru", 1.5, 0, 40, 1600, 100000);
	advise(c);
	assert_int_equal(c->equals, 3);
	assert_true(c->equal[UR_AXIS_TOKENS].finished && c->equal[UR_AXIS_TOKENS].leader == 0);
	assert_true(fabs(c->equal[UR_AXIS_TOKENS].at - 1e6) < 1 && !c->equal[UR_AXIS_TOKENS].tied[1]);
	assert_true(fabs(c->equal[UR_AXIS_TOKENS].loss[1].mean - 1.5) < 1e-12);
	/* read where the faster one's rate had not begun to fall: 8 of its 10 points, at 8 s, when the other
	 * is at its second */
	assert_true(!c->equal[UR_AXIS_SECONDS].finished && c->equal[UR_AXIS_SECONDS].leader == 1);
	assert_true(fabs(c->equal[UR_AXIS_SECONDS].at - 8) < 1e-9);
	assert_true(fabs(c->equal[UR_AXIS_SECONDS].loss[1].mean - (2.5 - log10(8))) < 1e-9);
	assert_true(fabs(c->equal[UR_AXIS_SECONDS].loss[0].mean - (2.3 - log10(2))) < 1e-9);
	/* who leads: over time first gru, alone on the field, and lstm once gru has stopped or fallen behind */
	assert_true(c->leads[UR_AXIS_TOKENS] == 1 && c->lead[UR_AXIS_TOKENS][0].who == 0);
	assert_true(c->leads[UR_AXIS_SECONDS] >= 2 && c->lead[UR_AXIS_SECONDS][0].who == 1);
	assert_need(c, "training time", 1);
	free(c);
}

static void test_lengths(void **state)
{
	ur_comparison *c = calloc(1, sizeof *c);
	const ur_pair_cross *p;

	(void)state;
	invent(c, "lstm", 1.4, 0, 40, 1600, 50000);
	invent(c, "transformer", 1.3, 0, 40, 1600, 50000);
	invent_prefill(&c->of[0], 1e-5, 1);
	invent_prefill(&c->of[1], 1e-8, 2); /* as fast at T = 1,000 */
	c->of[1].limit = 128;
	advise(c);
	assert_int_equal(c->crossings[0], 1);
	p = &c->crossing[0][0];
	assert_true(p->cross.kind == UR_CROSS_AT && p->cross.first == 1 && fabs(p->cross.at - 1000) < 5);
	assert_advice(c, "transformer reads them faster up to about 1000 tokens");
	assert_true(fabs(c->of[1].prefill_fit.exponent - 2) < 1e-3 && fabs(c->of[0].prefill_fit.exponent - 1) < 1e-3);
	/* had sequences been long, it would have had 4, 16, 64, 256 times less of them, and lost its lead */
	assert_int_equal(c->lengths, 4);
	for (int l = 0; l < 4; l++) {
		assert_int_equal(c->by_length[l].T, 512 << (2 * l));
		assert_true(fabs(c->by_length[l].tokens[0] - 8e5) < 1);
		assert_true(fabs(c->by_length[l].tokens[1] / (8e5 * 128 / (double)c->by_length[l].T) - 1) < 1e-3);
		assert_int_equal(c->by_length[l].winner, 0);
	}
	/* too few tokens to have a point of the curve: not to be told */
	assert_true(isnan(c->by_length[3].loss[1]) && isfinite(c->by_length[0].loss[1]));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clear_winner),
		cmocka_unit_test(test_tie),
		cmocka_unit_test(test_trade_off),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_long_advice),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_lengths),
	};
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
