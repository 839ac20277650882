/* What recurrent.c and recurrent_back.c share, and nobody else needs. */
#ifndef UR_RECURRENT_PARTS_H
#define UR_RECURRENT_PARTS_H

#include "mixer/recurrent.h"

/* Where `saved` is cut, in floats: h before the first step (B, H); activations (T, B, G H) where G > 1; c from before
 * the first step on (T + 1, B, H); the last block of u (T, B, H). */
typedef struct ur_recurrent_saved { size_t h0, a, c, un, total; } ur_recurrent_saved;
ur_recurrent_saved ur_recurrent_saved_layout(const ur_cell *cell, const ur_dims *d, const ur_span *s);
size_t ur_recurrent_back_work(const ur_cell *cell, const ur_dims *d, const ur_span *s);

/* Steps in a chunk: from the shapes alone, never from the number of threads. */
int ur_recurrent_chunk(const ur_cell *cell, const ur_dims *d, const ur_span *s);
/* Rows that memory is laid out for: those of a chunk or more, and no more for fewer steps or sequences. */
size_t ur_recurrent_rows(const ur_cell *cell, const ur_dims *d, const ur_span *s);
/* Units that a product takes before the cell does: whole panels, few enough to stay in cache. Bits do not depend on
 * it. */
int ur_recurrent_group(const ur_kernels *k, int rows, int gates, int H);
/* b_ih + b_hh, for cells that simply add the two halves. */
void ur_recurrent_sum_biases(const ur_kernels *k, const ur_mat *w, float *bias);
/* Room for n floats on lines of their own, after *total, which grows; returns where. */
size_t ur_recurrent_cut(size_t *total, size_t n);

static inline int ur_recurrent_length(const ur_span *s, int b) { return s->len ? s->len[b] : s->T; }

/* One past the last row of [from, to) that is not over at step t. */
static inline int ur_recurrent_last(const ur_span *s, int t, int from, int to)
{
	while (to > from && t >= ur_recurrent_length(s, to - 1))
		to--;
	return to;
}

#endif
