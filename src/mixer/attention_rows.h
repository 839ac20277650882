/* What those who attend to rows in memory share beside the tiles: one query over the rows of a cache, and arrays whose
 * rows beyond each sequence's length may hold anything. */
#ifndef UR_ATTENTION_ROWS_H
#define UR_ATTENTION_ROWS_H

#include "kernel/kernel.h"

/* One query q (heads E) over n >= 1 rows of keys and values, ld floats from row to row; heads / kv_heads query heads
 * share a head of them. o (heads E), or NULL: only weights are wanted. weights: NULL, or (n), the mean over heads of
 * what each row weighed; it sums to 1. work: ur_attend_rows_work(heads) floats. */
typedef struct ur_rows_query {
	int heads, kv_heads, E, n;
	const float *q, *keys, *values;
	ptrdiff_t ld;
	float *o, *weights;
} ur_rows_query;
size_t ur_attend_rows_work(int heads);
void ur_attend_rows(const ur_kernels *k, const ur_rows_query *q, float *work);

/* x (T, B, width), ld floats from row to row. Zeros for steps beyond a sequence's length; len NULL: there are none. */
void ur_clear_tails(const ur_kernels *k, int T, int B, const int *len, float *x, int width, ptrdiff_t ld);
/* Dense x, or where a sequence is shorter than T a copy with zeros beyond each length: what lies there may be anything,
 * and even times 0 may be NaN. */
const float *ur_without_tails(const ur_kernels *k, int T, int B, const int *len, const float *x, int width,
                              float *copy);

#endif
