/* Gradients over sequences longer than there is memory for all activations of. A sequence of T steps is cut into chunks
 * of C, and each step's activations are there twice, a chunk at a time:
 *
 *     forward     through all chunks; of each, only the states at its beginning are kept
 *     back        from the last chunk to the first: its states put back, forward again, head and loss of its own
 *                 targets, backward; the gradient of its first states is that of the last states of the one before
 *
 * (Chen et al., "Training deep nets with sublinear memory cost", 2016, along time.) The gradient is the whole one, none
 * truncated. Memory is that of T / C states and of C steps, least where the two are equal: O(sqrt(T)) where a state
 * is of one size. States that hold an entry a step, attention's without a window, are there once for all chunks, with
 * their gradient: O(T), of keys and values alone. The arithmetic is a forward pass more, but for the last chunk.
 *
 * Sums over chunks run in an order of their own, so bits depend on C; on nothing else. */
#ifndef UR_CHUNKED_H
#define UR_CHUNKED_H

#include "train/backward.h"

typedef struct ur_chunked {
	ur_net *net;                    /* the caller's, planned here */
	ur_backward *back;
	int T, B, C, chunks;            /* C T and chunks 1: no chunks, states only as a pass brings them */
	void **now, **dnow;             /* B blocks each: the states as they go on, and their gradients */
	unsigned char *border;          /* (chunks - 1) x B blocks of border_bytes: where a chunk before the last starts */
	size_t border_bytes;
	int *len;                       /* (B) within a chunk */
	size_t bytes;                   /* of all these: what states take */
} ur_chunked;

/* Chunks there are of T steps. `chunk` 0, or T and more: 1. */
static inline int ur_chunk_count(int T, int chunk) { return chunk > 0 && chunk < T ? (T + chunk - 1) / chunk : 1; }
/* Measures or cuts net, back and the states, for passes over at most (T, B); `carries`: passes bring states. */
void ur_chunked_plan(ur_chunked *q, ur_net *net, ur_backward *back, const ur_model *m, const ur_ctx *c, int T, int B,
                     int chunk, int carries, ur_arena *arena);
/* Forward and back: adds the gradient of the weighted sum of losses to back->all, and returns the sum of the losses.
 * States that the pass brings are left as the whole forward pass leaves them; no gradient flows into them. */
double ur_chunked_pass(ur_chunked *q, const ur_pass *pass, const ur_aim *aim);

#endif
