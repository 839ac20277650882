#include "compare/paired.h"

#include "compare/statistics.h"

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

ur_gap ur_paired_gap(const ur_blocks *a, const ur_blocks *b)
{
	ur_mean d = ur_paired_test(a->n, a->mean, b->mean).difference;
	return (ur_gap){ d.mean, d.error, d.low, d.high };
}
