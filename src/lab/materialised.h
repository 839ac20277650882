/* Attention as its equations are written: the T x T matrix of scores is worked out, kept, turned into weights and read.
 * No mixer: what the lab holds attention in tiles against. One head, causal, through the same packed products. */
#ifndef UR_MATERIALISED_H
#define UR_MATERIALISED_H

#include "kernel/gemm.h"

/* q, k, v and out (T, E), rows ld floats apart. */
typedef struct ur_materialised {
	int T, E;
	const float *q, *k, *v;
	float *out;
	ptrdiff_t ld;
} ur_materialised;

/* Floats of working memory: the matrix, and packed keys and values. */
size_t ur_materialised_work(const ur_kernels *k, int T, int E);
/* Scores of all pairs, then the causal mask and the softmax, then the sums: each a pass over the whole matrix. */
void ur_materialised_forward(const ur_ctx *c, const ur_materialised *a, float *work);

#endif
