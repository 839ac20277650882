/* Numbers in order. */
#include "base/order.h"

#include <math.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void ur_sort(int n, double *x)
{
	if (n > 1)
		qsort(x, (size_t)n, sizeof *x, by_size);
}

double ur_median(int n, double *x)
{
	if (n < 1)
		return NAN;
	ur_sort(n, x);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}
