/* Intervals: of a share, of a mean. */
#include "base/interval.h"

#include <math.h>

static const double Z = 1.959963984540054;

void ur_wilson(int64_t k, int64_t n, double *low, double *high)
{
	const double p = (double)k / (double)n, z2 = Z * Z / (double)n, middle = p + z2 / 2;
	const double wide = Z * sqrt(p * (1 - p) / (double)n + z2 / (4 * (double)n));

	*low = (middle - wide) / (1 + z2);
	*high = (middle + wide) / (1 + z2);
	if (k == 0)
		*low = 0;
	if (k == n)
		*high = 1;
}

ur_average ur_average_of(int64_t n, double sum, double squares)
{
	const double mean = sum / (double)n, spread = fmax(0, squares / (double)n - mean * mean);
	const double wide = n > 1 ? Z * sqrt(spread / (double)(n - 1)) : NAN;

	return (ur_average){ mean, mean - wide, mean + wide };
}
