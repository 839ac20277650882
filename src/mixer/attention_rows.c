/* One query over rows of keys and values with an online softmax (attention_tile.c), and the ends of ragged arrays. A
 * block of rows passes through all heads before the next is touched, so the cache is read once. */
#include "mixer/attention_rows.h"

#include <math.h>

enum { BLOCK = 32 };    /* rows at a time */

size_t ur_attend_rows_work(int heads) { return 2 * (size_t)heads + BLOCK; }

/* The weights again, from each head's maximum and sum, which are all known only now. */
static void fill_weights(const ur_kernels *k, const ur_rows_query *q, const float *m, const float *sum, float *score)
{
	float scale = 1 / sqrtf((float)q->E);

	k->fill(1, q->n, 0, q->weights, q->n);
	for (int at = 0; at < q->n; at += BLOCK) {
		int n = q->n - at < BLOCK ? q->n - at : BLOCK;
		for (int h = 0; h < q->heads; h++) {
			const float *keys = q->keys + at * q->ld + (ptrdiff_t)(h / (q->heads / q->kv_heads)) * q->E;
			k->row_dots(n, q->E, keys, q->ld, q->q + (ptrdiff_t)h * q->E, score);
			k->softmax_again(n, n, scale, m[h] + logf(sum[h]), score);
			k->axpy(n, 1 / (float)q->heads, score, q->weights + at);
		}
	}
}

void ur_attend_rows(const ur_kernels *k, const ur_rows_query *q, float *work)
{
	float *m = work, *sum = m + q->heads, *score = sum + q->heads, scale = 1 / sqrtf((float)q->E);
	ptrdiff_t ld = q->ld;

	if (q->o)
		k->fill(q->heads, q->E, 0, q->o, q->E);
	k->fill(1, q->heads, -INFINITY, m, q->heads);
	k->fill(1, q->heads, 0, sum, q->heads);
	for (int at = 0; at < q->n; at += BLOCK) {
		int n = q->n - at < BLOCK ? q->n - at : BLOCK;
		for (int h = 0; h < q->heads; h++) {
			ptrdiff_t head = at * ld + (ptrdiff_t)(h / (q->heads / q->kv_heads)) * q->E;
			float *out = q->o ? q->o + (ptrdiff_t)h * q->E : NULL, factor;

			k->row_dots(n, q->E, q->keys + head, ld, q->q + (ptrdiff_t)h * q->E, score);
			k->softmax_tile(1, n, n, scale, score, 0, &m[h], &sum[h], &factor);
			if (!out)
				continue;
			k->scale(q->E, factor, out);
			k->row_sum(n, q->E, score, q->values + head, ld, out);
		}
	}
	for (int h = 0; q->o && h < q->heads; h++)
		k->softmax_end(q->E, &m[h], &sum[h], q->o + (ptrdiff_t)h * q->E, NULL);
	if (q->weights)
		fill_weights(k, q, m, sum, score);
}

void ur_clear_tails(const ur_kernels *k, int T, int B, const int *len, float *x, int width, ptrdiff_t ld)
{
	for (int b = 0; len && b < B; b++)
		for (int t = len[b]; t < T; t++)
			k->fill(1, width, 0, x + ((ptrdiff_t)t * B + b) * ld, width);
}

const float *ur_without_tails(const ur_kernels *k, int T, int B, const int *len, const float *x, int width,
                              float *copy)
{
	int ragged = 0;

	for (int b = 0; len && b < B; b++)
		ragged |= len[b] < T;
	if (!ragged)
		return x;
	for (int t = 0; t < T; t++)
		for (int b = 0; b < B; b++) {
			size_t at = ((size_t)t * (size_t)B + (size_t)b) * (size_t)width;
			if (t < len[b])
				k->copy(1, width, x + at, width, copy + at, width);
			else
				k->fill(1, width, 0, copy + at, width);
		}
	return copy;
}
