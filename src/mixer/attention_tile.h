/* Softmax attention over whole sequences, tile by tile: softmax(Q K^T / sqrt(E) + mask) V and its gradient, exact, in
 * memory that grows with the number of positions and not with its square. A query sees the positions up to its own,
 * all of its sequence, or all of another sequence. */
#ifndef UR_ATTENTION_TILE_H
#define UR_ATTENTION_TILE_H

#include "kernel/gemm.h"

enum { UR_HEAD_MOST = 512 }; /* widest head: a tile of queries and its accumulators must fit a thread's scratch */

/* Step t of sequence b is row t * B + b of q, k, v and out; head h of a row begins at h * E.
 * Before step 0 of sequence b there may be `count` earlier positions. Position i of them is row (first + i) % ring of
 * `rows`, which holds its keys (kv_heads x E) and then its values. */
typedef struct ur_past {
	const float *rows;
	int count, first, ring;
} ur_past;

typedef struct ur_attention {
	int T, B, heads, kv_heads, E;   /* heads / kv_heads query heads share a head of keys and values */
	int window;                     /* 0, or how many positions a position attends to, itself included */
	int whole;                      /* 1: a query sees all keys; no window and no `past` then */
	const int *len;                 /* (B), 0..T, or NULL: all T; rows beyond are neither read nor written */
	int S;                          /* 0: keys and values are of the queries' own steps. Else k and v are (S, B, ...),
	                                 * rows ldk apart, of sequences that are seen whole: `whole` is implied ... */
	const int *slen;                /* ... and have lengths of their own, as len; zeros are what an empty one gives */
	const float *q, *k, *v;
	ptrdiff_t ld, ldk;              /* floats from row to row: of q, and of k and v where S is 0; of k and v else */
	float *out;                     /* (T, B, heads E), rows ldo apart; may be q */
	ptrdiff_t ldo;
	float *lse;                     /* (T, B, heads), log of the sum of exponentials, or NULL: not wanted */
	/* the earlier positions of sequence b; `past` NULL: none anywhere */
	ur_past (*past)(const void *arg, int b);
	const void *past_arg;
	int past_most;                  /* no sequence has more than so many */
} ur_attention;

/* Floats of working memory. Reads every field but the pointers to data, and of `past` only past_most, so that it may
 * be asked before there is any: what is enough for past_most positions is enough for fewer, and so for fewer steps and
 * sequences. */
size_t ur_attention_work(const ur_ctx *c, const ur_attention *a);
/* Fills out, and lse where wanted. Tasks are (sequence, head, tile of queries). */
void ur_attention_forward(const ur_ctx *c, const ur_attention *a, float *work);

/* Where the gradients of a sequence's keys and values lie that are in the state before or after the call: position i,
 * counted from the first of the earlier ones, is row (first + i) % ring of `rows`, laid out as in ur_past. */
typedef struct ur_past_grad {
	float *rows;
	int first, ring;
} ur_past_grad;

/* Gradients, each row of which is written (=) for steps within len, dk and dv within slen where S is not 0. dout
 * (T, B, heads E), rows ldd apart; dq, dk, dv laid out as q, k, v with rows ldg apart, ldgk those of dk and dv where S
 * is not 0. a->out and a->lse are what forward left. One task is a (sequence, head of keys): fewer of those than
 * threads leave threads idle, which is the price of sums in a fixed order without a copy of the gradient per thread. */
typedef struct ur_attention_grad {
	const float *dout;
	ptrdiff_t ldd;
	float *dq, *dk, *dv;
	ptrdiff_t ldg, ldgk;
	/* NULL: the earlier positions are constants, and nobody after this call looked back. Else a sequence's rows hold,
	 * in, the gradients of the last `ring` positions it has after the call, and, out, those of the earlier ones. */
	ur_past_grad (*past)(const void *arg, int b);
} ur_attention_grad;

size_t ur_attention_back_work(const ur_ctx *c, const ur_attention *a);
void ur_attention_backward(const ur_ctx *c, const ur_attention *a, const ur_attention_grad *g, float *work);

/* Pairs of positions (query, key) that a causal mask leaves for T queries after `past` positions. */
double ur_attention_pairs(int T, int past, int window);

#endif
