/* Comparing: equal sizes, tuning, budgets, differences over blocks of text, words, and the whole on a small text. */
#include "small_models.h"

#include "compare/budget.h"
#include "compare/compare.h"

#include <math.h>
#include <time.h>

/* -- widths -- */

static const char *const names[] = { "rnn", "gru", "lstm", "transformer" };

static int64_t count(const ur_spec *spec, int V)
{
	ur_model *m;
	int64_t n;
	assert_ok(ur_model_shape(spec, &(ur_words){ .V = V }, ur_kernels_pick(NULL), 0, &m, NULL, why));
	n = m->scalars;
	ur_model_free(m);
	return n;
}

/* The least deviation there is among multiples of `step`, by trying all widths. */
static double least_deviation(const ur_spec *like, int V, int64_t target, int step)
{
	double best = INFINITY;
	for (int w = step; w <= 1200; w += step) {
		ur_spec spec;
		double d;
		if (ur_spec_resize(like, w, &spec, NULL))
			continue;
		d = (double)count(&spec, V) / (double)target - 1;
		if (fabs(d) < best)
			best = fabs(d);
		if (d > 2)
			break;
	}
	return best;
}

static void check_width(const char *text, int V, int64_t target)
{
	ur_spec spec;
	ur_width w;
	int open;

	assert_ok(ur_width_parse(text, &spec, &open, why));
	assert_ok(ur_width_solve(&spec, &(ur_words){ .V = V }, target, ur_kernels_pick(NULL), &w, why));
	assert_int_equal(w.parameters, count(&w.spec, V));
	assert_true(fabs(w.deviation - ((double)w.parameters / (double)target - 1)) < 1e-12);
	assert_int_equal(w.spec.layers, spec.layers);
	/* within the tolerance where any width is, and the nearest of all where none is */
	if (fabs(w.deviation) > UR_WIDTH_TOLERANCE)
		assert_true(fabs(w.deviation) <= least_deviation(&spec, V, target, 1) + 1e-12);
	if (least_deviation(&spec, V, target, 8) <= UR_WIDTH_TOLERANCE)
		assert_int_equal(w.spec.width % 8, 0);
	if (least_deviation(&spec, V, target, 16) <= UR_WIDTH_TOLERANCE)
		assert_int_equal(w.spec.width % 16, 0);
}

static void test_widths(void **state)
{
	static const int64_t targets[] = { 20000, 61000, 200000, 500000, 1000000 };

	(void)state;
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 5; j++)
			check_width(names[i], j % 2 ? 256 : 98, targets[j]);
	check_width("transformer,heads=6,context=64", 98, 150000);
	check_width("lstm,block=llama", 98, 150000);
	check_width("lstm:3x16", 98, 150000);
	/* from here on every target is met within the tolerance */
	for (int i = 0; i < 4; i++)
		for (int64_t target = 300000; target < 5000000; target = target * 7 / 3) {
			ur_spec spec;
			ur_width w;
			int open;
			assert_ok(ur_width_parse(names[i], &spec, &open, why));
			assert_ok(ur_width_solve(&spec, &(ur_words){ .V = 98 }, target, ur_kernels_pick(NULL), &w, why));
			assert_true(fabs(w.deviation) <= UR_WIDTH_TOLERANCE);
		}
}

static void test_width_shapes(void **state)
{
	ur_spec spec;
	ur_width w;
	ur_err err = { 0 };
	int open;

	(void)state;
	assert_ok(ur_width_parse("lstm", &spec, &open, why));
	assert_true(open && spec.layers == 2);
	assert_ok(ur_width_parse("transformer,heads=2,context=32", &spec, &open, why));
	assert_true(open && spec.layers == 4 && spec.context == 32);
	assert_ok(ur_width_parse("lstm:3x40", &spec, &open, why));
	assert_true(!open && spec.layers == 3 && spec.width == 40);
	assert_ok(ur_width_measure(&spec, &(ur_words){ .V = 50 }, 0, ur_kernels_pick(NULL), &w, why));
	assert_int_equal(w.parameters, count(&spec, 50));
	assert_true(w.deviation == 0 && w.limit == 0);
	assert_int_equal(ur_width_parse("lstn", &spec, &open, &err), UR_E_INVALID);
	assert_says(err, "lstn");

	/* out of reach: the narrowest, and how far off it is */
	assert_ok(ur_width_parse("transformer,heads=4", &spec, &open, why));
	assert_ok(ur_width_solve(&spec, &(ur_words){ .V = 98 }, 100, ur_kernels_pick(NULL), &w, why));
	assert_true(w.deviation > 1);
	assert_int_equal(w.limit, 256);
	assert_true(fabs(w.deviation - least_deviation(&spec, 98, 100, 1)) < 1e-9);
	assert_int_equal(ur_width_solve(&spec, &(ur_words){ .V = 98 }, 0, ur_kernels_pick(NULL), &w, &err), UR_E_INVALID);
}

/* -- tuning -- */

/* A parabola over the log of the value, and divergence above a cliff. */
struct valley { double best, cliff; };

static ur_tuning tuned(const struct valley *v, int trials)
{
	ur_tuning t;

	ur_tune_begin(&t);
	for (int i = 0; i < trials; i++) {
		double value = ur_tune_next(&t, 1e-3);
		for (int j = 0; j < i; j++)
			assert_true(t.trial[j].value != value);
		ur_tune_add(&t, value, value > v->cliff ? NAN : 1 + pow(log(value / v->best), 2));
		assert_int_equal(t.trials, i + 1);
		assert_true(t.trial[i].value == value);
		assert_true(t.best < 0 || t.trial[t.best].loss <= t.trial[i].loss);
	}
	return t;
}

static void test_tune(void **state)
{
	ur_tuning t;

	(void)state;
	/* at the start, above, below */
	t = tuned(&(struct valley){ .best = 1e-3, .cliff = 1 }, 3);
	assert_true(t.best == 0 && t.open == 0);
	assert_true(fabs(t.trial[1].value - 3e-3) < 1e-12 && fabs(t.trial[2].value - 3.33e-4) < 1e-12);
	t = tuned(&(struct valley){ .best = 3e-3, .cliff = 1 }, 3);
	assert_true(t.best == 1 && t.open == 0);
	t = tuned(&(struct valley){ .best = 3e-4, .cliff = 1 }, 3);
	assert_true(t.best == 2 && t.open == -1);
	t = tuned(&(struct valley){ .best = 0.1, .cliff = 1 }, 3);
	assert_true(t.best == 2 && t.open == 1);
	t = tuned(&(struct valley){ .best = 1e-3, .cliff = 1 }, 1);
	assert_true(t.best == 0 && t.open == 1);
	/* with more trials it comes as near as a factor of the square root of 3 and finer */
	t = tuned(&(struct valley){ .best = 2e-2, .cliff = 1 }, 7);
	assert_true(fabs(log(t.trial[t.best].value / 2e-2)) < log(sqrt(3)) && t.open == 0);
}

static void test_tune_divergence(void **state)
{
	ur_tuning t;

	(void)state;
	/* the cliff is a worse neighbour like any other */
	t = tuned(&(struct valley){ .best = 1, .cliff = 2e-3 }, 3);
	assert_true(t.best == 0 && t.open == 0);
	assert_true(isinf(t.trial[1].loss));
	/* below the start: found; nowhere: said */
	t = tuned(&(struct valley){ .best = 1, .cliff = 5e-4 }, 3);
	assert_true(t.best == 1 && isinf(t.trial[0].loss) && t.trial[1].value < 5e-4);
	t = tuned(&(struct valley){ .best = NAN, .cliff = 1 }, 3);
	assert_int_equal(t.best, -1);
	t = tuned(&(struct valley){ .best = 1, .cliff = 0 }, 4);
	assert_int_equal(t.best, -1);
	assert_true(t.trial[3].value < t.trial[2].value && t.trial[2].value < t.trial[1].value);
}

/* -- budgets -- */

static void test_budget(void **state)
{
	const ur_rate rate[2] = { { 1000, 4000, 0 }, { 500, 2000, 0 } };
	const double seconds[2] = { 10, 20 };
	ur_work w = { .seeds = 3, .trials = 2, .share = 0.25, .validations = 8, .validation_tokens = 100,
	              .heldout_tokens = 1000, .measuring = 0.1, .least = 1.5, .most = 60 };

	(void)state;
	/* 10 s a run: 3 runs and 2 trials of a quarter; 100 x (3 x 9 + 2 x 2) + 3 x 4 x 1,000 scored;
	 * the least measuring */
	assert_true(fabs(ur_budget_cost(1, rate, &w, seconds) - (35 + 15100.0 / 4000 + 1.5)) < 1e-9);
	assert_true(fabs(ur_budget_cost(2, rate, &w, seconds) -
	                 (35 + 70 + 15100.0 / 4000 + 15100.0 / 2000 + 1.5 + 2)) < 1e-9);
	assert_true(ur_budget_measuring(&w, 1e4) == 60);
	/* there and back */
	for (double total = 40; total < 1e6; total *= 3.7) {
		double each = ur_budget_each(2, rate, &w, total);
		assert_true(each > 0);
		assert_true(fabs(ur_budget_cost(2, rate, &w, (double[]){ each, each }) - total) < 1e-6 * total);
	}
	assert_true(ur_budget_each(2, rate, &w, 5) == 0);
	assert_true(ur_budget_each(2, rate, &w, -1) == 0);

	/* no more than there is, no less than a minimum */
	w.validation_tokens = 1000000;
	w.heldout_tokens = 20000;
	assert_int_equal(ur_budget_validation(&w, 1000), UR_LEAST_VALIDATION);
	assert_int_equal(ur_budget_validation(&w, 30000000), 100000);
	assert_int_equal(ur_budget_heldout(&w, 1000), 20000);

	assert_int_equal(ur_budget_step(10000), 1024);
	assert_int_equal(ur_budget_step(2000000), 1024);
	assert_int_equal(ur_budget_step(4000000), 2048);
	assert_int_equal(ur_budget_step((int64_t)1 << 40), 16384);
	assert_true(ur_budget_window(100000) == 64 && ur_budget_window(10000000) == 128 &&
	            ur_budget_window(1000000000) == 256);
	/* 6 operations a parameter and token, at a fifth of the peak: 100 s x 60e9 / 5 / 4 / (6 x 50,000) */
	assert_int_equal(ur_budget_guess(4, 100, 60e9, 50000), 1000000);
	assert_int_equal(ur_budget_guess(4, 0, 60e9, 50000), 1);

	/* a hundredfold time is a tenfold size */
	assert_int_equal(ur_budget_parameters(4, 100, 60e9), 71000);
	assert_int_equal(ur_budget_parameters(4, 10000, 60e9), 710000);
	assert_int_equal(ur_budget_parameters(4, 1e-9, 60e9), 10000);
	assert_int_equal(ur_budget_parameters(4, 100, 0), 10000);
}

/* -- what can be tuned -- */

static void test_tunables(void **state)
{
	ur_recipe r = { .lr = 1, .weight_decay = 2, .clip = 3 };

	(void)state;
	assert_true(*ur_tunable_in(ur_tunable_find("lr"), &r) == 1);
	assert_true(*ur_tunable_in(ur_tunable_find("weight-decay"), &r) == 2);
	assert_true(*ur_tunable_in(ur_tunable_find("clip"), &r) == 3);
	assert_null(ur_tunable_find("lrr"));
}

/* -- statistics -- */

static void test_paired(void **state)
{
	float losses[1000];
	ur_blocks a = { .n = 4, .mean = { 1, 2, 3, 4 } }, b = { .n = 4, .mean = { 0.5, 1.7, 2.5, 3.3 } };
	ur_gap g = ur_paired_gap(&a, &b);

	(void)state;
	/* differences 0.5 0.3 0.5 0.7: mean 0.5, deviation sqrt(0.08 / 3), t(3) = 3.182446 */
	assert_true(fabs(g.mean - 0.5) < 1e-12);
	assert_true(fabs(g.error - sqrt(0.08 / 3 / 4)) < 1e-12);
	assert_true(fabs(g.high - (0.5 + 3.182446 * sqrt(0.08 / 3 / 4))) < 1e-6 && fabs(g.low + g.high - 1) < 1e-12);
	g = ur_paired_gap(&a, &a);
	assert_true(g.mean == 0 && g.error == 0 && g.low == 0 && g.high == 0);
	a.n = b.n = 1;
	g = ur_paired_gap(&a, &b);
	assert_true(g.mean == 0.5 && isnan(g.error) && isnan(g.low));

	for (int i = 0; i < 1000; i++)
		losses[i] = (float)(i / 250);
	ur_blocks_make(losses, 1000, 250, &a);
	assert_true(a.n == 4 && a.tokens == 250 && a.mean[0] == 0 && a.mean[3] == 3);
	ur_blocks_make(losses, 1000, 300, &a);
	assert_true(a.n == 3 && a.tokens == 333);
	assert_true(fabs(a.mean[0] * 333 + a.mean[1] * 333 + a.mean[2] * 334 - 1500) < 1e-9);
	ur_blocks_make(losses, 1000, 5000, &a);
	assert_true(a.n == 1 && fabs(a.mean[0] - 1.5) < 1e-9);
	ur_blocks_make(losses, 1000, 1, &a);
	assert_int_equal(a.n, UR_MOST_BLOCKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_width_shapes),
		cmocka_unit_test(test_tune),
		cmocka_unit_test(test_tune_divergence),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_tunables),
		cmocka_unit_test(test_paired),
	};
	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
