/* Statistics and curves on made-up numbers: values computed with 40 digits (mpmath), published examples, and
 * simulations whose rates are known. */
#include "small_models.h"

#include "base/rng.h"
#include "compare/curves.h"
#include "compare/statistics.h"

#include <limits.h>
#include <math.h>

static void near_to(double got, double want, double within)
{
	if (!(fabs(got - want) <= within))
		fail_msg("%.15g is not within %g of %.15g", got, within, want);
}

static double noise(uint64_t run, uint64_t i) { return ur_rng_normal(11, ur_rng_for(UR_RNG_TEST, run), i); }

/* -- Student's t -- */

static void test_student(void **state)
{
	static const struct { int n; double x, tail; } tails[] = {
		{ 1, 0.001, 0.99936338043983888 }, { 1, 1, 0.5 }, { 1, 50, 0.012730698201945593 },
		{ 2, 2.5, 0.12961172022151081 }, { 3, 0.7, 0.53432699830476363 }, { 3, 4, 0.028008456010146167 },
		{ 4, 2.776, 0.050022778319976402 }, { 5, 1.5, 0.19390368024247343 }, { 7, 10, 2.1394202890772812e-5 },
		{ 9, 2.262, 0.05001284550245463 }, { 10, 1.812, 0.10007526206584723 }, { 30, 2, 0.054625044962983104 },
		{ 30, 0.1, 0.92100961179027116 }, { 63, 1.998, 0.050037879958987607 }, { 100, 1.2, 0.23297456721824169 },
		{ 1000, 3.3, 0.0010009967250020893 }, { 100000, 1.96, 0.049998563194301634 },
		{ 100000, 0.5, 0.61707617765441804 },
	};
	static const struct { int n; double tail, x; } quantiles[] = {
		{ 1, 0.05, 12.7062047361747 }, { 1, 0.001, 636.61924876872 }, { 2, 0.05, 4.30265272974946 },
		{ 3, 0.05, 3.18244630528371 }, { 4, 0.05, 2.77644510519779 }, { 4, 0.01, 4.60409487134999 },
		{ 5, 0.1, 2.01504837333302 }, { 9, 0.05, 2.26215716279821 }, { 15, 0.001, 4.07276519590379 },
		{ 29, 0.05, 2.0452296421327 }, { 63, 0.05, 1.99834054252074 }, { 120, 0.05, 1.97993040508244 },
		{ 1000, 0.05, 1.96233908082641 }, { 100000, 0.05, 1.95998770753461 }, { 6, 0.9, 0.131075653115726 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		near_to(ur_student_tail(tails[i].x, tails[i].n), tails[i].tail, 1e-12 * fmax(1, 1e3 * tails[i].tail));
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
		near_to(ur_student_quantile(quantiles[i].tail, quantiles[i].n), quantiles[i].x, 1e-10 * quantiles[i].x);
	/* 1 and 2 degrees have closed forms */
	for (double x = 1e-6; x < 1e6; x *= 3.7) {
		near_to(ur_student_tail(x, 1), 1 - 2 / acos(-1) * atan(x), 1e-13);
		near_to(ur_student_tail(x, 2), 1 - x / sqrt(2 + x * x), 1e-13);
	}
	for (double tail = 1e-9; tail < 1; tail *= 2.3) {
		double root = (1 - tail) * sqrt(2 / (tail * (2 - tail)));
		near_to(ur_student_quantile(tail, 2), root, 1e-7 * root);
		for (int n = 1; n < 300; n += 1 + n / 2)
			near_to(ur_student_tail(ur_student_quantile(tail, n), n), tail, 1e-13);
	}
	/* without end it is the normal distribution */
	near_to(ur_student_tail(1.959963984540054, INT_MAX), 0.05, 1e-8);
	near_to(ur_student_quantile(0.05, INT_MAX), 1.959963984540054, 1e-7);

	assert_true(ur_student_tail(0, 3) == 1 && ur_student_tail(-1, 3) == 1 && ur_student_tail(INFINITY, 3) == 0);
	assert_true(ur_student_tail(1e200, 4) == 0);
	assert_true(isnan(ur_student_tail(NAN, 3)) && isnan(ur_student_tail(1, 0)));
	assert_true(isnan(ur_student_quantile(NAN, 3)) && isnan(ur_student_quantile(0.05, 0)));
	assert_true(isnan(ur_student_quantile(0, 3)) && isnan(ur_student_quantile(1, 3)));
}

/* -- means and pairs -- */

/* Hours of sleep gained by ten patients under two drugs ("Student", 1908): t = -4.0621, p = 0.002833. */
static const double sleep_a[10] = { 0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0 };
static const double sleep_b[10] = { 1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4 };

static void test_mean(void **state)
{
	const double x[5] = { 2, 4, 4, 4, 6 }, same[7] = { 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 };
	ur_mean m = ur_mean_of(5, x);

	(void)state;
	/* squares about 4: 8; error sqrt(8 / 4 / 5) */
	assert_int_equal(m.n, 5);
	near_to(m.mean, 4, 1e-15);
	near_to(m.error, sqrt(0.4), 1e-15);
	near_to(m.high, 4 + 2.77644510519779 * sqrt(0.4), 1e-12);
	near_to(m.low, 4 - 2.77644510519779 * sqrt(0.4), 1e-12);
	m = ur_mean_of(7, same);
	assert_true(m.mean == 0.1 && m.error == 0 && m.low == 0.1 && m.high == 0.1);
	m = ur_mean_of(1, x);
	assert_true(m.n == 1 && m.mean == 2 && isnan(m.error) && isnan(m.low) && isnan(m.high));
	m = ur_mean_of(0, x);
	assert_true(m.n == 0 && isnan(m.mean) && isnan(m.error) && isnan(m.low) && isnan(m.high));
}

static void test_pairs(void **state)
{
	const double up[4] = { 1.1, 2.1, 3.1, 4.1 }, x[4] = { 1, 2, 3, 4 }, lost[3] = { 1, NAN, 2 };
	const double whole[4] = { 2, 3, 4, 5 };
	ur_paired p = ur_paired_test(10, sleep_a, sleep_b);

	(void)state;
	near_to(p.difference.mean, -1.58, 1e-14);
	near_to(p.difference.error, 0.3889587238883952, 1e-14);
	near_to(p.difference.low, -2.459885763276983, 1e-12);
	near_to(p.difference.high, -0.700114236723017, 1e-12);
	near_to(p.p, 0.00283289019738427, 1e-13);
	near_to(ur_paired_test(10, sleep_b, sleep_a).p, p.p, 1e-15);

	p = ur_paired_test(4, x, x);
	assert_true(p.difference.mean == 0 && p.p == 1);
	p = ur_paired_test(4, whole, x);
	assert_true(p.difference.mean == 1 && p.difference.low == 1 && p.p == 0);
	assert_true(ur_paired_test(4, up, x).p < 1e-10); /* equal but for rounding */
	p = ur_paired_test(1, up, x);
	assert_true(p.difference.n == 1 && isnan(p.p) && isnan(p.difference.low));
	assert_true(isnan(ur_paired_test(0, up, x).p));
	assert_true(isnan(ur_paired_test(3, lost, x).p));
}

/* Without a difference, p is below 0.05 in one of twenty experiments, and the interval misses 0 as often. */
static void test_null_rate(void **state)
{
	enum { RUNS = 4000 };

	(void)state;
	for (int n = 2; n <= 10; n = n * 2 - 1) {
		const double allowed = 4 * sqrt(0.05 * 0.95 * RUNS);
		int rejected = 0, missed = 0;

		for (int run = 0; run < RUNS; run++) {
			double a[10], b[10];
			ur_paired p;

			for (int i = 0; i < n; i++) {
				double text = 3 * noise((uint64_t)(run + n * RUNS), 100 + (uint64_t)i); /* what pairs share */
				a[i] = text + 0.1 * noise((uint64_t)(run + n * RUNS), (uint64_t)(2 * i));
				b[i] = text + 0.1 * noise((uint64_t)(run + n * RUNS), (uint64_t)(2 * i + 1));
			}
			p = ur_paired_test(n, a, b);
			rejected += p.p < 0.05;
			missed += p.difference.low > 0 || p.difference.high < 0;
		}
		assert_int_equal(rejected, missed);
		near_to(rejected, 0.05 * RUNS, allowed);
	}
}

static void test_holm(void **state)
{
	double p[4] = { 0.01, 0.04, 0.03, 0.005 }, q[5] = { NAN, 0.02, 0.02, NAN, 0.9 }, z[3] = { 0, 1, 0.4 };
	double holes[3] = { NAN, NAN, NAN }, tiny[2] = { 1e-300, 3e-20 }, one = 0.3;

	(void)state;
	ur_holm(4, p); /* the example of p.adjust's and of the textbooks */
	near_to(p[0], 0.03, 1e-15);
	near_to(p[1], 0.06, 1e-15);
	near_to(p[2], 0.06, 1e-15);
	near_to(p[3], 0.02, 1e-15);
	ur_holm(5, q); /* three that count */
	assert_true(isnan(q[0]) && isnan(q[3]));
	near_to(q[1], 0.06, 1e-15);
	near_to(q[2], 0.06, 1e-15);
	near_to(q[4], 0.9, 1e-15);
	ur_holm(3, z);
	assert_true(z[0] == 0 && z[1] == 1 && z[2] == 0.8 && !signbit(z[0]));
	ur_holm(3, holes);
	assert_true(isnan(holes[0]) && isnan(holes[1]) && isnan(holes[2]));
	ur_holm(2, tiny);
	assert_true(tiny[0] == 2e-300 && tiny[1] == 3e-20);
	ur_holm(1, &one);
	assert_true(one == 0.3);
	ur_holm(0, NULL);
}

/* -- power laws -- */

static void test_power(void **state)
{
	const double x[6] = { 1024, 2048, 4096, 8192, 16384, 32768 }, flat[3] = { 5, 5, 5 };
	double y[6];
	ur_power fit;

	(void)state;
	for (double e = -1; e < 3; e += 0.37) {
		for (int i = 0; i < 6; i++)
			y[i] = 3e-7 * pow(x[i], e);
		fit = ur_power_fit(6, x, y);
		assert_int_equal(fit.n, 6);
		near_to(fit.exponent, e, 1e-12);
		near_to(fit.factor, 3e-7, 1e-17);
		near_to(fit.low, e, 1e-10);
		near_to(fit.high, e, 1e-10);
		assert_true(fit.from == 1024 && fit.to == 32768 && fit.low <= fit.high);
	}
	/* logs to base 2 are 0 1 2 over 0 2 1: slope 1/2, residuals -1/2 1 -1/2, so 1.5 / (3 - 2) / 2 is its variance */
	fit = ur_power_fit(3, (double[]){ 1, 2, 4 }, (double[]){ 1, 4, 2 });
	near_to(fit.exponent, 0.5, 1e-14);
	near_to(fit.high - fit.exponent, 12.7062047361747 * sqrt(0.75), 1e-9);
	near_to(fit.exponent - fit.low, 12.7062047361747 * sqrt(0.75), 1e-9);
	/* two points are a line, one is nothing; so are points above each other */
	fit = ur_power_fit(2, x, (double[]){ 1, 4 });
	assert_true(fit.n == 2 && isnan(fit.low) && isnan(fit.high));
	near_to(fit.exponent, 2, 1e-12);
	fit = ur_power_fit(1, x, y);
	assert_true(fit.n == 1 && isnan(fit.exponent) && isnan(fit.factor));
	assert_true(isnan(ur_power_fit(0, x, y).exponent));
	assert_true(isnan(ur_power_fit(3, flat, y).exponent));
	/* what has no logarithm is left out */
	fit = ur_power_fit(6, (double[]){ 0, 1, 2, 3, 4, -5 }, (double[]){ 1, 2, NAN, INFINITY, 8, 1 });
	assert_true(fit.n == 2 && fit.from == 1 && fit.to == 4);
	near_to(fit.exponent, 1, 1e-12);
}

static void test_power_coverage(void **state)
{
	enum { RUNS = 2000 };

	(void)state;
	for (int n = 3; n <= 9; n += 3) {
		int covered = 0;

		for (int run = 0; run < RUNS; run++) {
			double x[9], y[9];
			ur_power fit;

			for (int i = 0; i < n; i++) {
				x[i] = 100 * pow(2, i);
				y[i] = 0.01 * pow(x[i], 1.3) * exp(0.1 * noise((uint64_t)(7000000 + run + n * RUNS), (uint64_t)i));
			}
			fit = ur_power_fit(n, x, y);
			covered += fit.low <= 1.3 && 1.3 <= fit.high;
		}
		near_to(covered, 0.95 * RUNS, 4 * sqrt(0.05 * 0.95 * RUNS));
	}
}

/* -- crossovers -- */

enum { LENGTHS = 7, REPEATS = 5 };
static const double lengths[LENGTHS] = { 256, 512, 1024, 2048, 4096, 8192, 16384 };

/* Times of c T^e, REPEATS each, with multiplicative noise. */
static void times(double c, double e, double sigma, uint64_t run, double *y)
{
	for (int i = 0; i < LENGTHS * REPEATS; i++)
		y[i] = c * pow(lengths[i / REPEATS], e) * exp(sigma * noise(run, (uint64_t)i));
}

static void test_crossover(void **state)
{
	double a[LENGTHS * REPEATS], b[LENGTHS * REPEATS];
	ur_cross c;

	(void)state;
	/* laws are straight in log-log, so the crossing of two is found exactly: T^2 / 1000 = T */
	times(1e-3, 2, 0, 0, a);
	times(1, 1, 0, 0, b);
	c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	assert_int_equal(c.kind, UR_CROSS_AT);
	assert_int_equal(c.first, 0);
	near_to(c.at, 1000, 1e-9);
	near_to(c.low, 1000, 1e-9);
	near_to(c.high, 1000, 1e-9);
	c = ur_crossover(LENGTHS, REPEATS, lengths, b, a);
	assert_int_equal(c.kind, UR_CROSS_AT);
	assert_int_equal(c.first, 1);
	near_to(c.at, 1000, 1e-9);
	/* on a measured length */
	times(1.0 / 2048, 2, 0, 0, a);
	c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	assert_int_equal(c.kind, UR_CROSS_AT);
	near_to(c.at, 2048, 1e-9);
	/* beyond either end */
	times(1e-5, 2, 0, 0, a);
	c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	assert_true(c.kind == UR_CROSS_NONE_A && c.first == 0 && isnan(c.at) && isnan(c.low) && isnan(c.high));
	times(1, 2, 0, 0, a);
	c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	assert_true(c.kind == UR_CROSS_NONE_B && c.first == 1);
	/* more than once: the last */
	c = ur_crossover(4, 1, lengths, (double[]){ 1, 4, 1, 4 }, (double[]){ 2, 2, 2, 2 });
	assert_int_equal(c.kind, UR_CROSS_OFTEN);
	assert_int_equal(c.first, 0);
	near_to(c.at, sqrt(1024.0 * 2048), 1e-9);
	/* they touch, and part as they came */
	c = ur_crossover(3, 1, lengths, (double[]){ 1, 2, 1 }, (double[]){ 2, 2, 2 });
	assert_int_equal(c.kind, UR_CROSS_NONE_A);
	c = ur_crossover(4, 1, lengths, (double[]){ 1, 2, 2, 4 }, (double[]){ 2, 2, 2, 2 });
	assert_int_equal(c.kind, UR_CROSS_AT);
	near_to(c.at, 512, 1e-9);
	c = ur_crossover(4, 1, lengths, (double[]){ 2, 2, 2, 4 }, (double[]){ 1, 2, 2, 2 });
	assert_int_equal(c.kind, UR_CROSS_NONE_B);
	c = ur_crossover(4, 1, lengths, (double[]){ 2, 2, 2, 2 }, (double[]){ 1, 2, 2, 4 });
	assert_true(c.kind == UR_CROSS_AT && c.first == 1);
	near_to(c.at, 512, 1e-9);
	/* nothing to compare */
	assert_int_equal(ur_crossover(LENGTHS, REPEATS, lengths, b, b).kind, UR_CROSS_UNKNOWN);
	assert_int_equal(ur_crossover(0, REPEATS, lengths, a, b).kind, UR_CROSS_UNKNOWN);
	assert_int_equal(ur_crossover(2, 1, lengths, (double[]){ 1, NAN }, (double[]){ NAN, 1 }).kind, UR_CROSS_UNKNOWN);
}

static void test_crossover_noise(void **state)
{
	enum { RUNS = 300 };
	double a[LENGTHS * REPEATS], b[LENGTHS * REPEATS];
	int covered = 0;
	ur_cross c, again;

	(void)state;
	for (int run = 0; run < RUNS; run++) {
		times(1e-3, 2, 0.05, (uint64_t)(9000000 + 2 * run), a);
		times(1, 1, 0.05, (uint64_t)(9000001 + 2 * run), b);
		c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
		assert_int_equal(c.kind, UR_CROSS_AT);
		assert_true(c.low <= c.at && c.at <= c.high && c.low < c.high);
		assert_true(c.low > 800 && c.high < 1250);
		covered += c.low <= 1000 && 1000 <= c.high;
	}
	/* five repeats and a percentile bootstrap: near 95 % */
	near_to(covered, 0.95 * RUNS, 0.05 * RUNS);
	again = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	assert_true(again.at == c.at && again.low == c.low && again.high == c.high);

	/* one measurement that something disturbed changes little, and one that is missing is left out */
	times(1e-3, 2, 0.01, 77, a);
	times(1, 1, 0.01, 78, b);
	a[2 * REPEATS] *= 50;
	b[3 * REPEATS + 1] = NAN;
	c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	near_to(c.at, 1000, 30);
	/* a whole length that is missing, too */
	for (int r = 0; r < REPEATS; r++)
		a[2 * REPEATS + r] = 0;
	c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	assert_int_equal(c.kind, UR_CROSS_AT);
	near_to(c.at, 1000, 30);
	/* a crossing that one resample in ten has not is no interval */
	times(0.02, 1, 0, 0, a);
	times(0.02, 1, 0, 0, b);
	for (int i = 0; i < LENGTHS * REPEATS; i++)
		b[i] *= i < (LENGTHS - 1) * REPEATS ? 1.1 : i % 2 ? 1.1 : 0.9;
	c = ur_crossover(LENGTHS, REPEATS, lengths, a, b);
	assert_int_equal(c.kind, UR_CROSS_AT);
	assert_true(isnan(c.low) && isnan(c.high) && c.at > 8192);
}

/* -- curves -- */

/* Points on the tokens' axis, seconds twice and flops ten times that. */
#define CURVE(...) \
	curve_of((const double[][3]){ __VA_ARGS__ }, sizeof (double[][3]){ __VA_ARGS__ } / sizeof (double[3]))

enum { POINTS = 64 };
static ur_curve_point points[POINTS];
static size_t points_used;

static ur_curve curve_of(const double (*p)[3], size_t n)
{
	ur_curve c = { (int)n, points + points_used };

	assert_true(points_used + n <= POINTS);
	for (size_t i = 0; i < n; i++)
		points[points_used++] = (ur_curve_point){ { p[i][0], 10 * p[i][0], 2 * p[i][0] }, p[i][1], p[i][2] != 0 };
	return c;
}

static void test_curve_at(void **state)
{
	ur_curve c, none = { 0 };

	(void)state;
	points_used = 0;
	c = CURVE({ 0, 9, 0 }, { 100, 4, 0 }, { 1000, 2, 0 }, { 10000, 1, 1 });
	assert_true(ur_curve_at(&c, UR_AXIS_TOKENS, 100) == 4 && ur_curve_at(&c, UR_AXIS_TOKENS, 10000) == 1);
	near_to(ur_curve_at(&c, UR_AXIS_TOKENS, sqrt(100 * 1000)), 3, 1e-12);
	near_to(ur_curve_at(&c, UR_AXIS_SECONDS, 2 * 1000 * pow(10, 0.25)), 1.75, 1e-12);
	near_to(ur_curve_at(&c, UR_AXIS_FLOPS, 10 * 1000 * pow(10, 0.75)), 1.25, 1e-12);
	assert_true(isnan(ur_curve_at(&c, UR_AXIS_TOKENS, 99)) && isnan(ur_curve_at(&c, UR_AXIS_TOKENS, 10001)));
	assert_true(isnan(ur_curve_at(&c, UR_AXIS_TOKENS, 0)) && isnan(ur_curve_at(&c, UR_AXIS_TOKENS, NAN)));
	assert_true(isnan(ur_curve_at(&none, UR_AXIS_TOKENS, 1)));
	assert_string_equal(ur_axis_name(UR_AXIS_TOKENS), "tokens");
	assert_string_equal(ur_axis_name(UR_AXIS_FLOPS), "flops");
	assert_string_equal(ur_axis_name(UR_AXIS_SECONDS), "seconds");
}

static void test_common(void **state)
{
	ur_curve c[3];

	(void)state;
	points_used = 0;
	c[0] = CURVE({ 10, 4, 0 }, { 100, 3, 0 }, { 300, 2, 0 }, { 400, 1, 1 });
	c[1] = CURVE({ 20, 4, 0 }, { 200, 3, 0 }, { 2000, 2, 1 }, { 4000, 1, 1 });
	assert_true(ur_curves_common(2, c, UR_AXIS_TOKENS) == 200);
	assert_true(ur_curves_common(2, c, UR_AXIS_SECONDS) == 400);
	assert_true(ur_curves_common(1, c, UR_AXIS_TOKENS) == 300);
	c[2] = CURVE({ 5, 4, 1 }, { 500, 3, 1 });
	assert_true(ur_curves_common(3, c, UR_AXIS_TOKENS) == 0);
	c[2] = CURVE({ 1, 4, 0 }, { 9, 4, 0 }, { 500, 3, 1 });     /* before the others have begun */
	assert_true(ur_curves_common(3, c, UR_AXIS_TOKENS) == 0);
	c[2] = (ur_curve){ 0 };
	assert_true(ur_curves_common(3, c, UR_AXIS_TOKENS) == 0);
	assert_true(ur_curves_common(0, c, UR_AXIS_TOKENS) == 0);
}

static void expect(const ur_lead *l, double from, double to, int who)
{
	near_to(l->from, from, 1e-9 * from);
	near_to(l->to, to, 1e-9 * to);
	assert_int_equal(l->who, who);
}

static void test_leads(void **state)
{
	ur_curve c[4];
	ur_lead l[8];

	(void)state;
	points_used = 0;
	/* one falls below the other at a third of the decade */
	c[0] = CURVE({ 0, 9, 0 }, { 10, 4, 0 }, { 100, 3, 0 }, { 1000, 2.5, 0 });
	c[1] = CURVE({ 10, 5, 0 }, { 100, 3.5, 0 }, { 1000, 1.5, 0 });
	assert_int_equal(ur_curves_leads(2, c, UR_AXIS_TOKENS, 8, l), 2);
	expect(&l[0], 10, 100 * pow(10, 1.0 / 3), 0);
	expect(&l[1], 100 * pow(10, 1.0 / 3), 1000, 1);
	assert_int_equal(ur_curves_leads(2, c, UR_AXIS_SECONDS, 8, l), 2);
	expect(&l[0], 20, 200 * pow(10, 1.0 / 3), 0);
	assert_int_equal(ur_curves_leads(2, c, UR_AXIS_TOKENS, 1, l), 1);
	expect(&l[0], 10, 100 * pow(10, 1.0 / 3), 0);
	assert_int_equal(ur_curves_leads(2, c, UR_AXIS_TOKENS, 0, l), 0);
	/* begins later, ends earlier */
	c[2] = CURVE({ 50, 1, 0 }, { 200, 1, 0 });
	assert_int_equal(ur_curves_leads(3, c, UR_AXIS_TOKENS, 8, l), 4);
	expect(&l[0], 10, 50, 0);
	expect(&l[1], 50, 200, 2);
	expect(&l[2], 200, 100 * pow(10, 1.0 / 3), 0);
	expect(&l[3], 100 * pow(10, 1.0 / 3), 1000, 1);
	/* three within one stretch, each crossed by the next: 4 to 3.4, 4.4 to 2.4, 6 to 0 */
	points_used = 0;
	c[0] = CURVE({ 1, 4, 0 }, { 10, 3.4, 0 });
	c[1] = CURVE({ 1, 4.4, 0 }, { 10, 2.4, 0 });
	c[2] = CURVE({ 1, 6, 0 }, { 10, 0, 0 });
	assert_int_equal(ur_curves_leads(3, c, UR_AXIS_TOKENS, 8, l), 3);
	expect(&l[0], 1, pow(10, 0.4 / 1.4), 0);
	expect(&l[1], pow(10, 0.4 / 1.4), pow(10, 1.6 / 4), 1);
	expect(&l[2], pow(10, 1.6 / 4), 10, 2);
	/* two that cross the leader at one place */
	points_used = 0;
	c[0] = CURVE({ 1, 4, 0 }, { 100, 4, 0 });
	c[1] = CURVE({ 1, 5, 0 }, { 100, 3, 0 });
	c[2] = CURVE({ 1, 6, 0 }, { 100, 2, 0 });
	assert_int_equal(ur_curves_leads(3, c, UR_AXIS_TOKENS, 8, l), 2);
	expect(&l[0], 1, 10, 0);
	expect(&l[1], 10, 100, 2);
	/* equal ones: no flicker; equal at the start: who falls faster */
	c[0] = CURVE({ 1, 4, 0 }, { 10, 3.4, 0 });
	c[1] = c[0];
	assert_int_equal(ur_curves_leads(2, c, UR_AXIS_TOKENS, 8, l), 1);
	expect(&l[0], 1, 10, 0);
	c[1] = CURVE({ 1, 4, 0 }, { 10, 3.3, 0 });
	assert_int_equal(ur_curves_leads(2, c, UR_AXIS_TOKENS, 8, l), 1);
	expect(&l[0], 1, 10, 1);
	/* a gap belongs to who led before it; a curve that diverged leads nowhere */
	c[0] = CURVE({ 1, 4, 0 }, { 10, 3, 0 });
	c[1] = CURVE({ 100, 5, 0 }, { 1000, 3, 0 });
	c[2] = CURVE({ 1, 1, 0 }, { 10, NAN, 0 }, { 1000, NAN, 0 });
	assert_int_equal(ur_curves_leads(3, c, UR_AXIS_TOKENS, 8, l), 2);
	expect(&l[0], 1, 100, 0);
	expect(&l[1], 100, 1000, 1);
	c[3] = CURVE({ 5, 1, 0 });
	assert_int_equal(ur_curves_leads(1, c + 3, UR_AXIS_TOKENS, 8, l), 0);
	assert_int_equal(ur_curves_leads(0, c, UR_AXIS_TOKENS, 8, l), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_student),
		cmocka_unit_test(test_mean),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_null_rate),
		cmocka_unit_test(test_holm),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_power_coverage),
		cmocka_unit_test(test_crossover),
		cmocka_unit_test(test_crossover_noise),
		cmocka_unit_test(test_curve_at),
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_leads),
	};
	return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
