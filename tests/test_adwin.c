/* Change detection and prequential scores: against a plain form of the same rule, known behaviour, and the
 * definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "train/adwin.h"
#include "train/prequential.h"

#include <math.h>
#include <string.h>

/* 1 with probability p: value i of stream `which`. */
static double coin(uint64_t which, uint64_t i, double p)
{
	return ur_rng_unit(11, ur_rng_for(UR_RNG_TEST, which), i) < p;
}

/* What the histogram holds is what the last `width` values were: sum, spread, and how many. */
static void test_window(void **state)
{
	enum { N = 3000 };
	static double x[N];
	ur_adwin a;

	(void)state;
	ur_adwin_start(&a, 0.002);
	for (int i = 0; i < N; i++) {
		double sum = 0, spread = 0;

		x[i] = ur_rng_unit(3, ur_rng_for(UR_RNG_TEST, 1), (uint64_t)i) * (i < 1700 ? 0.5 : 1);
		ur_adwin_add(&a, x[i]);
		assert_true(ur_adwin_sane(&a));
		if (i % 97)
			continue;
		assert_true(a.width <= i + 1);
		for (int j = i + 1 - (int)a.width; j <= i; j++)
			sum += x[j];
		for (int j = i + 1 - (int)a.width; j <= i; j++)
			spread += (x[j] - sum / (double)a.width) * (x[j] - sum / (double)a.width);
		assert_true(fabs(sum - a.sum) < 1e-9 * N && fabs(sum / (double)a.width - ur_adwin_mean(&a)) < 1e-9);
		assert_true(fabs(spread - a.spread) < 1e-8 * N);
	}
	assert_true(a.width < N - 1500); /* it saw the change at 1,700 */
}

/* Memory is O(log n): buckets in use after a million equal values. */
static void test_memory(void **state)
{
	int64_t buckets = 0;
	ur_adwin a;

	(void)state;
	ur_adwin_start(&a, 0.002);
	for (int i = 0; i < 1 << 20; i++)
		assert_int_equal(ur_adwin_add(&a, 0.25), UR_STEADY);
	for (int r = 0; r < UR_ADWIN_ROWS; r++)
		buckets += a.count[r];
	assert_int_equal(a.width, 1 << 20);
	assert_true(a.rows <= 19 && buckets <= (UR_ADWIN_BUCKETS) * 19);
	assert_true(ur_adwin_mean(&a) == 0.25 && a.spread == 0);
}

/* Streams that do not change: alarms at fewer than delta of the times it looks. */
static void test_false_alarms(void **state)
{
	static const double delta[] = { 0.05, 0.3 }, p[] = { 0.1, 0.5 };

	(void)state;
	for (int d = 0; d < 2; d++)
		for (int q = 0; q < 2; q++) {
			int alarms = 0, looks = 0;

			for (uint64_t s = 0; s < 40; s++) {
				ur_adwin a;

				ur_adwin_start(&a, delta[d]);
				for (uint64_t i = 0; i < 5000; i++) {
					alarms += ur_adwin_add(&a, coin(100 + s, i, p[q])) != UR_STEADY;
					looks += i % UR_ADWIN_CLOCK == 0;
				}
			}
			assert_true(alarms < delta[d] * looks);
		}
}

/* A change at 2,000 is seen, soon, as what it is; sooner where it is larger, and nothing is seen before. */
static void test_delay(void **state)
{
	static const double to[] = { 0.3, 0.4, 0.8 };
	double before = 1e9;

	(void)state;
	for (int q = 0; q < 3; q++) {
		double sum = 0;

		for (uint64_t s = 0; s < 20; s++) {
			uint64_t i = 0;
			ur_change change = UR_STEADY;
			ur_adwin a;

			ur_adwin_start(&a, 0.002);
			for (; i < 2000; i++)
				assert_int_equal(ur_adwin_add(&a, coin(s, i, 0.2)), UR_STEADY);
			for (; i < 12000 && change == UR_STEADY; i++)
				change = ur_adwin_add(&a, coin(s, i, to[q]));
			assert_int_equal(change, UR_ROSE);
			sum += (double)(i - 2000) / 20;
			for (; i < 14000; i++) /* and it goes on from there: the mean is soon the new one */
				ur_adwin_add(&a, coin(s, i, to[q]));
			assert_true(fabs(ur_adwin_mean(&a) - to[q]) < 0.05);
		}
		assert_true(sum < before);
		before = sum;
	}
	assert_true(before <= 96); /* from 0.2 to 0.8: within three looks */
}

/* Where river 0.26.1's drift.ADWIN(delta=0.002) sees changes in these six streams (it starts anew after each): value,
 * width of the window left, direction. */
static void test_river(void **state)
{
	enum { MOST = 8 };
	static const struct { int at, width; ur_change change; } river[6][MOST] = {
		{ { 2687, 1408, UR_ROSE }, { 5279, 352, UR_FELL }, { 7615, 800, UR_ROSE }, { 10143, 1760, UR_FELL },
		  { 12639, 1088, UR_ROSE }, { 15199, 512, UR_FELL }, { 17631, 448, UR_ROSE } },
		{ { 3103, 1568, UR_ROSE }, { 6207, 1056, UR_FELL }, { 9183, 1056, UR_ROSE }, { 12127, 1664, UR_FELL },
		  { 15103, 1440, UR_ROSE }, { 18207, 2592, UR_FELL } },
		{ { 3647, 2624, UR_ROSE }, { 7199, 1120, UR_FELL }, { 10591, 832, UR_ROSE }, { 14207, 416, UR_FELL },
		  { 17599, 704, UR_ROSE } },
		{ { 4063, 480, UR_ROSE }, { 8095, 256, UR_FELL }, { 12063, 640, UR_ROSE }, { 16063, 800, UR_FELL } },
		{ { 4543, 576, UR_ROSE }, { 9087, 384, UR_FELL }, { 13567, 512, UR_ROSE }, { 18079, 672, UR_FELL } },
		{ { 5087, 352, UR_ROSE }, { 10079, 768, UR_FELL }, { 15071, 384, UR_ROSE } },
	};

	(void)state;
	for (uint64_t s = 0; s < 6; s++) {
		int n = 0;
		ur_adwin a;

		ur_adwin_start(&a, 0.002);
		for (uint64_t i = 0; i < 20000; i++) {
			const double p = (i / (2500 + 500 * s)) % 2 ? 0.35 : 0.15;
			const double u = ur_rng_unit(11, ur_rng_for(UR_RNG_TEST, 900 + s), i);
			const ur_change change = ur_adwin_add(&a, s < 3 ? u < p : u * p * 2);

			if (change == UR_STEADY)
				continue;
			assert_true(n < MOST);
			assert_int_equal(i, river[s][n].at);
			assert_int_equal(a.width, river[s][n].width);
			assert_int_equal(change, river[s][n++].change);
			ur_adwin_start(&a, 0.002);
		}
		assert_true(n == MOST || !river[s][n].at);
	}
}

static void test_fall(void **state)
{
	ur_change change = UR_STEADY;
	ur_adwin a;

	(void)state;
	ur_adwin_start(&a, 0.002);
	for (uint64_t i = 0; i < 1000; i++)
		change = ur_adwin_add(&a, coin(7, i, 0.6));
	for (uint64_t i = 1000; i < 1200 && change == UR_STEADY; i++)
		change = ur_adwin_add(&a, coin(7, i, 0.1));
	assert_int_equal(change, UR_FELL);
}

/* A file may say anything: what cannot be is told from what can. */
static void test_sane(void **state)
{
	ur_adwin a, b;

	(void)state;
	ur_adwin_start(&a, 0.002);
	for (uint64_t i = 0; i < 500; i++)
		ur_adwin_add(&a, coin(7, i, 0.5));
	assert_true(ur_adwin_sane(&a));
	b = a;
	b.rows = UR_ADWIN_ROWS + 1;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.count[2] = 7;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.width++;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.sum = NAN;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.delta = 0;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.spread = -1;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.bucket_sum[1][0] = NAN;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.bucket_spread[1][0] = -1;
	assert_false(ur_adwin_sane(&b));
	b = a;
	b.seen = INT64_MAX;
	assert_false(ur_adwin_sane(&b));
}

/* What is no share leaves no trace: the change behind it is found as before. */
static void test_passed_over(void **state)
{
	static const double no_share[] = { NAN, INFINITY, -INFINITY, -0.5, 2 };
	ur_adwin a, b;
	int changes[2] = { 0 };

	(void)state;
	ur_adwin_start(&a, 0.002);
	ur_adwin_start(&b, 0.002);
	for (uint64_t i = 0; i < 2000; i++) {
		const double x = coin(3, i, i < 1000 ? 0.2 : 0.8);

		assert_int_equal(ur_adwin_add(&b, no_share[i % 5]), UR_STEADY);
		changes[0] += ur_adwin_add(&a, x) != UR_STEADY;
		changes[1] += ur_adwin_add(&b, x) != UR_STEADY;
	}
	assert_true(changes[0] > 0 && changes[0] == changes[1]);
	assert_true(ur_adwin_sane(&b));
	assert_memory_equal(&a, &b, sizeof a);
}

/* One attempt that is no number is one that was not made; errors of values have no share that is right. */
static void test_not_finite(void **state)
{
	ur_prequential p, q;
	ur_attempt fine[UR_CONTESTANTS], bad[UR_CONTESTANTS];

	(void)state;
	for (int i = 0; i < UR_CONTESTANTS; i++) {
		fine[i] = (ur_attempt){ 1e9, 2 };
		bad[i] = (ur_attempt){ i % 2 ? INFINITY : NAN, INFINITY };
	}
	ur_prequential_start(&p, 50);
	ur_prequential_start(&q, 50);
	for (int i = 0; i < 20; i++) {
		ur_prequential_add(&p, fine);
		ur_prequential_add(&q, bad);
		ur_prequential_add(&q, fine);
	}
	assert_memory_equal(&p, &q, sizeof p);
	assert_true(ur_prequential_of(&q, UR_OF_MODEL).mae_now > 0.99e9 && isnan(ur_prequential_of(&q, 0).right.mean));
}

/* The definitions, by hand: four events. */
static void test_prequential(void **state)
{
	static const double model[] = { 1, 0, 0, 1 }, last[] = { 1, 1, 0, 1 };
	const double keep = 0.75, n = 1 + 0.75 + 0.5625 + 0.421875;
	ur_prequential p;
	ur_standing s;

	(void)state;
	ur_prequential_start(&p, 4);
	for (int i = 0; i < 4; i++)
		ur_prequential_add(&p, (ur_attempt[UR_CONTESTANTS]){ { model[i], 2.0 * i }, { NAN, NAN }, { last[i], NAN },
			{ 0, NAN } });
	s = ur_prequential_of(&p, UR_OF_MODEL);
	assert_int_equal(s.n, 4);
	assert_true(s.right.mean == 0.5 && s.right.low < 0.5 && s.right.high > 0.5);
	assert_true(fabs(s.right_now.mean - (1 - (1 + keep * keep * keep) / n)) < 1e-12);
	assert_true(s.right_now.low < s.right_now.mean && s.right_now.mean < s.right_now.high);
	assert_true(s.loss == 3 && fabs(s.loss_now - (6 + 4 * keep + 2 * keep * keep) / n) < 1e-12);
	assert_true(s.behind.mean == 0);
	/* who said nothing has no score, and does not touch the others' */
	assert_int_equal(ur_prequential_of(&p, UR_OF_FROZEN).n, 0);
	assert_true(isnan(ur_prequential_of(&p, UR_OF_FROZEN).right.mean));
	assert_true(isnan(ur_prequential_of(&p, UR_OF_FROZEN).behind.mean));
	s = ur_prequential_of(&p, UR_OF_LAST);
	assert_true(s.right.mean == 0.25 && isnan(s.loss) && fabs(s.behind.mean - 0.25) < 1e-12);
	assert_true(fabs(ur_prequential_kappa(&p, UR_OF_MODEL, 0) - (0.5 - 0.25) / 0.75) < 1e-12);
	assert_true(isnan(ur_prequential_kappa(&p, UR_OF_USUAL, 1)) == 0);
	/* kappa is of the events one was scored on: right in 9 of 10 where the last answer nearly always was is
	 * less, whatever that did before */
	ur_prequential_start(&p, 50);
	for (int i = 0; i < 200; i++)
		ur_prequential_add(&p, (ur_attempt[UR_CONTESTANTS]){ { i % 10 == 0, 1 }, { i < 100 ? NAN : i % 10 == 0, NAN },
			{ i < 100 || i == 150, NAN }, { 1, NAN } });
	assert_true(fabs(ur_prequential_kappa(&p, UR_OF_FROZEN, 0) - (0.9 - 0.99) / 0.01) < 1e-9);
	assert_true(ur_prequential_kappa(&p, UR_OF_FROZEN, 1) < 0);
	assert_true(fabs(ur_prequential_kappa(&p, UR_OF_MODEL, 0) - (0.9 - 0.495) / 0.505) < 1e-9);
	/* numbers: errors have signs */
	ur_prequential_start(&p, 0);
	for (int i = 0; i < 4; i++)
		ur_prequential_add(&p, (ur_attempt[UR_CONTESTANTS]){ { i - 1.5, 1 }, { 3, 1 }, { NAN, NAN }, { NAN, NAN } });
	s = ur_prequential_of(&p, UR_OF_MODEL);
	assert_true(s.mae == 1 && s.mae_now == 1 && fabs(s.rmse - sqrt(1.25)) < 1e-12);
	assert_true(ur_prequential_of(&p, UR_OF_FROZEN).behind.mean == 2);
}

/* Fading forgets: long after a change the fading share is the new one, the other is the mean of both. */
static void test_fading(void **state)
{
	ur_prequential p;
	ur_standing s;

	(void)state;
	ur_prequential_start(&p, 100);
	for (int i = 0; i < 4000; i++)
		ur_prequential_add(&p, (ur_attempt[UR_CONTESTANTS]){ { i < 2000, 0 }, { 0, 0 }, { 1, NAN }, { 1, NAN } });
	s = ur_prequential_of(&p, UR_OF_MODEL);
	assert_true(s.right.mean == 0.5 && s.right_now.mean > 0.999999);
	/* weights of 0.99^i are worth (1 + a) / (1 - a) = 199 events */
	assert_true(fabs(s.right_now.high - s.right_now.low - 3.841 / (199 + 3.841)) < 1e-3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window), cmocka_unit_test(test_memory), cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(test_delay), cmocka_unit_test(test_river),
		cmocka_unit_test(test_fall), cmocka_unit_test(test_sane),
		cmocka_unit_test(test_passed_over), cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_prequential), cmocka_unit_test(test_fading),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
