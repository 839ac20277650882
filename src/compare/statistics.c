/* Student's t.  P(|t| >= x) with n degrees of freedom is I_z(n/2, 1/2), z = n / (n + x^2): the regularised incomplete
 * beta function (Abramowitz and Stegun, 1964, 26.5.27 and 26.7.1), here by its continued fraction
 *
 *     I_z(a, b) = z^a (1 - z)^b / (a B(a, b)) * 1/(1+ d1/(1+ d2/(1+ ...
 *     d_2m = m (b - m) z / ((a + 2m - 1)(a + 2m)),   d_2m+1 = -(a + m)(a + b + m) z / ((a + 2m)(a + 2m + 1))
 *
 * (26.5.8), taken forward by Lentz's method as Thompson and Barnett gave it (1986); where it converges slowly,
 * I_z(a, b) = 1 - I_{1-z}(b, a). Quantiles are found by bisection.
 *
 * Holm: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics, 1979.
 * Bootstrap: the percentile interval of B. Efron, "Bootstrap methods: another look at the jackknife", 1979. */
#include "compare/statistics.h"

#include "base/order.h"
#include "base/rng.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

enum {
	MOST_TERMS = 200000,    /* of the fraction, which needs about the root of n */
	RESAMPLES = 1000
};

/* Gamma(x + 1/2) / Gamma(x): its series in 1/x, from an x that is large enough down by Gamma(x + 1) = x Gamma(x).
 * Two values of lgamma would cancel for many degrees of freedom. */
static double gamma_ratio(double x)
{
	double down = 1, r, series;

	for (; x < 50; x++)
		down *= x / (x + 0.5);
	r = 1 / x;
	series = 1 + r * (-1.0 / 8 + r * (1.0 / 128 + r * (5.0 / 1024 - r * (21.0 / 32768 + r * 399.0 / 262144))));
	return down * sqrt(x) * series;
}

/* 1 + d1/(1 + d2/(1 + ... of I_z(a, b). */
static double fraction(double a, double b, double z)
{
	const double tiny = 1e-300;
	double f = 1, c = 1, d = 0, step = 0;

	for (int j = 1; j <= MOST_TERMS && fabs(step - 1) > 1e-15; j++) {
		const double m = j / 2;
		double term = j % 2 ? -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))
		                    : m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m));

		d = 1 + term * z * d;
		c = 1 + term * z / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		f *= step = c * d;
	}
	return f;
}

double ur_student_tail(double x, int freedom)
{
	const double n = freedom, a = n / 2, ratio = x * x / n, z = 1 / (1 + ratio), rest = 1 / (1 + 1 / ratio);
	double front;

	if (isnan(x) || freedom < 1)
		return NAN;
	if (x <= 0)
		return 1;
	/* z^a (1 - z)^(1/2) / B(a, 1/2), the same for both ways round */
	front = exp(-a * log1p(ratio)) * sqrt(rest) * gamma_ratio(a) / sqrt(acos(-1));
	if (z < (a + 1) / (a + 2.5))
		return front / a / fraction(a, 0.5, z);
	return 1 - 2 * front / fraction(0.5, a, rest);
}

double ur_student_quantile(double tail, int freedom)
{
	double low = 0, high = 1;

	if (!(tail > 0 && tail < 1) || freedom < 1)
		return NAN;
	while (ur_student_tail(high, freedom) > tail) {
		low = high;
		high *= 2;
	}
	for (double x = low + (high - low) / 2; x > low && x < high; x = low + (high - low) / 2) {
		if (ur_student_tail(x, freedom) > tail)
			low = x;
		else
			high = x;
	}
	return high;
}

/* Of a[i] - b[i], or of a[i] where b is NULL. Sums are of what is above the first value, so that equal ones have no
 * error at all. */
static ur_mean mean_of(int n, const double *a, const double *b)
{
	const double first = n > 0 ? a[0] - (b ? b[0] : 0) : NAN;
	ur_mean m = { n > 0 ? n : 0, first, NAN, NAN, NAN };
	double sum = 0, squares = 0, reach;

	for (int i = 1; i < n; i++)
		sum += a[i] - (b ? b[i] : 0) - first;
	m.mean += sum / m.n;
	if (n < 2)
		return m;
	for (int i = 0; i < n; i++) {
		double d = a[i] - (b ? b[i] : 0) - m.mean;
		squares += d * d;
	}
	m.error = sqrt(squares / (n - 1) / n);
	reach = ur_student_quantile(0.05, n - 1) * m.error;
	m.low = m.mean - reach;
	m.high = m.mean + reach;
	return m;
}

ur_mean ur_mean_of(int n, const double *x) { return mean_of(n, x, NULL); }

ur_paired ur_paired_test(int n, const double *a, const double *b)
{
	ur_paired p = { mean_of(n, a, b), NAN };

	if (p.difference.error > 0)
		p.p = ur_student_tail(fabs(p.difference.mean) / p.difference.error, n - 1);
	else if (p.difference.error == 0)
		p.p = p.difference.mean == 0;
	return p;
}

/* From the smallest up, p times the number that are left, and never less than one before. The sign marks those that
 * are done. */
void ur_holm(int n, double *p)
{
	double most = 0;
	int left = 0;

	for (int i = 0; i < n; i++) {
		left += !isnan(p[i]);
		p[i] = fabs(p[i]);
	}
	for (; left > 0; left--) {
		int least = -1;

		for (int i = 0; i < n; i++)
			if (!isnan(p[i]) && !signbit(p[i]) && (least < 0 || p[i] < p[least]))
				least = i;
		most = fmax(most, fmin(1, left * p[least]));
		p[least] = -most;
	}
	for (int i = 0; i < n; i++)
		p[i] = fabs(p[i]);
}

static int usable(double x) { return isfinite(x) && x > 0; }

ur_power ur_power_fit(int n, const double *x, const double *y)
{
	ur_power fit = { 0, NAN, NAN, NAN, NAN, NAN, NAN };
	double mx = 0, my = 0, xx = 0, xy = 0, rest = 0, reach;

	for (int i = 0; i < n; i++) {
		if (!usable(x[i]) || !usable(y[i]))
			continue;
		fit.n++;
		fit.from = fmin(fit.from, x[i]); /* of a number and NaN: the number */
		fit.to = fmax(fit.to, x[i]);
		mx += log(x[i]);
		my += log(y[i]);
	}
	if (fit.n < 2 || fit.from == fit.to)
		return fit;
	mx /= fit.n;
	my /= fit.n;
	for (int i = 0; i < n; i++)
		if (usable(x[i]) && usable(y[i])) {
			xx += (log(x[i]) - mx) * (log(x[i]) - mx);
			xy += (log(x[i]) - mx) * (log(y[i]) - my);
		}
	fit.exponent = xy / xx;
	fit.factor = exp(my - fit.exponent * mx);
	if (fit.n == 2)
		return fit;
	for (int i = 0; i < n; i++)
		if (usable(x[i]) && usable(y[i])) {
			double off = log(y[i]) - my - fit.exponent * (log(x[i]) - mx);
			rest += off * off;
		}
	reach = ur_student_quantile(0.05, fit.n - 2) * sqrt(rest / (fit.n - 2) / xx);
	fit.low = fit.exponent - reach;
	fit.high = fit.exponent + reach;
	return fit;
}

/* Log of the median of the measurements that can be used, or of as many drawn from them with replacement where
 * `sample` is not 0; `which` tells draws apart. NaN: there are none. The median, because what disturbs a time only ever
 * makes it longer. */
static double centre(int repeats, const double *y, int sample, uint64_t which)
{
	double known[UR_CROSS_REPEATS], drawn[UR_CROSS_REPEATS];
	int n = 0;

	for (int r = 0; r < repeats && n < UR_CROSS_REPEATS; r++)
		if (usable(y[r]))
			known[n++] = y[r];
	for (int r = 0; r < n; r++) {
		uint64_t lo = which * UR_CROSS_REPEATS + (uint64_t)r;
		drawn[r] = known[sample ? ur_rng_below(0, ur_rng_for(UR_RNG_RESAMPLE, (uint64_t)sample), lo, (uint64_t)n)
		                        : (uint64_t)r];
	}
	ur_sort(n, drawn);
	return n ? (log(drawn[n / 2]) + log(drawn[(n - 1) / 2])) / 2 : NAN;
}

/* Kind, at and first of one sample (0: what was measured). */
static ur_cross cross(int n, int repeats, const double *x, const double *a, const double *b, int sample)
{
	ur_cross found = { UR_CROSS_UNKNOWN, NAN, NAN, NAN, 0 };
	double last_x = 0, last = NAN, zero = NAN;
	int cheaper = -1, crossings = 0;        /* cheaper: who was, where they last differed */

	for (int i = 0; i < n; i++) {
		const ptrdiff_t at = (ptrdiff_t)i * repeats;
		double here = log(x[i]), ahead = centre(repeats, b + at, sample, 2 * (uint64_t)i) -
		                                 centre(repeats, a + at, sample, 2 * (uint64_t)i + 1);

		if (isnan(ahead))
			continue;
		/* where the line from the last point reaches 0: here at the latest, if it does */
		if (last != 0 && (ahead == 0 || (ahead > 0) != (last > 0)))
			zero = last_x + (here - last_x) * last / (last - ahead);
		if (ahead != 0) {
			int now = ahead < 0;

			if (cheaper >= 0 && now != cheaper) {
				crossings++;
				found.at = exp(zero);
				found.first = cheaper;
			}
			cheaper = now;
		}
		last_x = here;
		last = ahead;
	}
	if (crossings)
		found.kind = crossings == 1 ? UR_CROSS_AT : UR_CROSS_OFTEN;
	else if (cheaper >= 0) {
		found.kind = cheaper == 0 ? UR_CROSS_NONE_A : UR_CROSS_NONE_B;
		found.first = cheaper;
	}
	return found;
}

ur_cross ur_crossover(int n, int repeats, const double *x, const double *a, const double *b)
{
	ur_cross found = cross(n, repeats, x, a, b, 0);
	double at[RESAMPLES];
	int crossed = 0;

	/* a single measurement says nothing of how sure it is */
	if (repeats < 2 || (found.kind != UR_CROSS_AT && found.kind != UR_CROSS_OFTEN))
		return found;
	for (int i = 1; i <= RESAMPLES; i++) {
		at[crossed] = cross(n, repeats, x, a, b, i).at;
		crossed += !isnan(at[crossed]);
	}
	if (crossed < RESAMPLES * 95 / 100)
		return found;
	ur_sort(crossed, at);
	found.low = at[(int)(0.025 * (crossed - 1) + 0.5)];
	found.high = at[(int)(0.975 * (crossed - 1) + 0.5)];
	return found;
}
