#include "compare/paired.h"

#include <math.h>

void ur_blocks_make(const float *losses, int64_t n, int64_t least, ur_blocks *blocks)
{
	int64_t count = least > 0 ? n / least : n, size;

	blocks->n = (int)(count < 1 ? 1 : count > UR_MOST_BLOCKS ? UR_MOST_BLOCKS : count);
	blocks->tokens = size = n / blocks->n;
	for (int i = 0; i < blocks->n; i++) {
		int64_t from = i * size, to = i + 1 < blocks->n ? from + size : n;
		double sum = 0;
		for (int64_t j = from; j < to; j++)
			sum += (double)losses[j];
		blocks->mean[i] = sum / (double)(to - from);
	}
}

/* Exact for 1 and 2 degrees of freedom; above, the expansion about the normal quantile of Abramowitz and Stegun
 * (1964), 26.7.5, off by 0.13 % at 3 and less above. */
double ur_student(int freedom)
{
	const double z = 1.959963984540054, n = freedom, z2 = z * z;
	double t;

	if (freedom < 1)
		return NAN;
	if (freedom == 1)
		return 12.706204736174698;
	if (freedom == 2)
		return 4.302652729749464;
	t = 1 + (z2 + 1) / (4 * n) + (((5 * z2 + 16) * z2 + 3) / 96) / (n * n) +
	    ((((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384) / (n * n * n) +
	    (((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160) / (n * n * n * n);
	return z * t;
}

ur_gap ur_paired_gap(const ur_blocks *a, const ur_blocks *b)
{
	ur_gap gap = { 0, NAN, NAN, NAN };
	const int n = a->n;
	double squares = 0, reach;

	for (int i = 0; i < n; i++)
		gap.mean += (a->mean[i] - b->mean[i]) / n;
	if (n < 2)
		return gap;
	for (int i = 0; i < n; i++) {
		double d = a->mean[i] - b->mean[i] - gap.mean;
		squares += d * d;
	}
	gap.error = sqrt(squares / (n - 1) / n);
	reach = ur_student(n - 1) * gap.error;
	gap.low = gap.mean - reach;
	gap.high = gap.mean + reach;
	return gap;
}
