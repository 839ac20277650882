/* ADWIN: an exponential histogram, and cuts through it. */
#include "train/adwin.h"

#include <math.h>
#include <string.h>

void ur_adwin_start(ur_adwin *a, double delta) { *a = (ur_adwin){ .delta = delta }; }

double ur_adwin_mean(const ur_adwin *a) { return a->width ? a->sum / (double)a->width : NAN; }

static double size_of(int64_t row) { return (double)((int64_t)1 << row); }

/* The oldest `n` of a row's buckets go. */
static void shift(ur_adwin *a, int64_t row, int64_t n)
{
	const size_t left = (size_t)(a->count[row] - n);

	memmove(a->bucket_sum[row], a->bucket_sum[row] + n, left * sizeof *a->bucket_sum[row]);
	memmove(a->bucket_spread[row], a->bucket_spread[row] + n, left * sizeof *a->bucket_spread[row]);
	a->count[row] -= n;
}

/* Two buckets of a full row become one of the next. */
static void compress(ur_adwin *a)
{
	for (int64_t r = 0; r < a->rows && a->count[r] > UR_ADWIN_BUCKETS && r + 1 < UR_ADWIN_ROWS; r++) {
		const double *sum = a->bucket_sum[r], *spread = a->bucket_spread[r], n = size_of(r);
		const double apart = (sum[0] - sum[1]) / n;
		const int64_t to = r + 1, at = a->count[to]++;

		a->bucket_sum[to][at] = sum[0] + sum[1];
		a->bucket_spread[to][at] = spread[0] + spread[1] + n / 2 * apart * apart;
		shift(a, r, 2);
		if (to == a->rows)
			a->rows++;
	}
}

static void insert(ur_adwin *a, double x)
{
	const double before = (double)a->width, apart = a->width ? x - a->sum / before : 0;

	if (!a->rows)
		a->rows = 1;
	a->bucket_sum[0][a->count[0]] = x;
	a->bucket_spread[0][a->count[0]++] = 0;
	a->width++;
	a->spread += before * apart * apart / (double)a->width;
	a->sum += x;
	compress(a);
}

static void drop_oldest(ur_adwin *a)
{
	const int64_t r = a->rows - 1;
	const double n = size_of(r), sum = a->bucket_sum[r][0];
	double left, apart;

	a->width -= (int64_t)1 << r;
	a->sum -= sum;
	left = (double)a->width;
	apart = a->width ? sum / n - a->sum / left : 0;
	a->spread = fmax(0, a->spread - a->bucket_spread[r][0] - n * left * apart * apart / (n + left));
	shift(a, r, 1);
	while (a->rows && !a->count[a->rows - 1])
		a->rows--;
}

/* Whether n0 older values with sum s0 and n1 newer ones are too far apart. */
static int cut(const ur_adwin *a, double n0, double s0, double n1, double s1)
{
	const double n = (double)a->width, d = log(2 * log(n) / a->delta);
	const double m = 1 / (n0 - UR_ADWIN_LEAST + 1) + 1 / (n1 - UR_ADWIN_LEAST + 1);
	const double eps = sqrt(2 * m * (a->spread / n) * d) + 2.0 / 3 * m * d;

	return fabs(s0 / n0 - s1 / n1) > eps;
}

static int has_cut(const ur_adwin *a)
{
	double n0 = 0, s0 = 0;

	for (int64_t r = a->rows; r-- > 0;)
		for (int64_t i = 0; i < a->count[r]; i++) {
			double n1;

			n0 += size_of(r);
			s0 += a->bucket_sum[r][i];
			n1 = (double)a->width - n0;
			if (n0 >= UR_ADWIN_LEAST && n1 >= UR_ADWIN_LEAST && cut(a, n0, s0, n1, a->sum - s0))
				return 1;
		}
	return 0;
}

ur_change ur_adwin_add(ur_adwin *a, double x)
{
	double before;
	int dropped = 0;

	if (!(x >= 0 && x <= 1))
		return UR_STEADY;
	insert(a, x);
	a->seen++;
	if (a->seen % UR_ADWIN_CLOCK || a->width <= 2 * UR_ADWIN_LEAST)
		return UR_STEADY;
	before = ur_adwin_mean(a);
	while (a->width > 2 * UR_ADWIN_LEAST && has_cut(a)) {
		drop_oldest(a);
		dropped = 1;
	}
	return !dropped ? UR_STEADY : ur_adwin_mean(a) > before ? UR_ROSE : UR_FELL;
}

int ur_adwin_sane(const ur_adwin *a)
{
	int64_t width = 0;

	if (!(a->delta > 0 && a->delta < 1) || a->rows < 0 || a->rows > UR_ADWIN_ROWS || !isfinite(a->sum) ||
	    !(a->spread >= 0 && isfinite(a->spread)) || a->seen < a->width || a->seen > INT64_MAX / 2)
		return 0;
	for (int64_t r = 0; r < UR_ADWIN_ROWS; r++) {
		if (a->count[r] < 0 || a->count[r] > UR_ADWIN_BUCKETS || (r >= a->rows) > !a->count[r] ||
		    (r == a->rows - 1 && !a->count[r]))
			return 0;
		for (int64_t i = 0; i < a->count[r]; i++)
			if (!isfinite(a->bucket_sum[r][i]) || !(a->bucket_spread[r][i] >= 0 && isfinite(a->bucket_spread[r][i])))
				return 0;
		width += a->count[r] << r;
	}
	return width == a->width;
}
