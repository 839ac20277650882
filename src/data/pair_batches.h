/* Batches of pairs of like length. A batch is a pure function of (seed, number), so resuming needs only that.
 *
 * A pass over the pairs: they are shuffled (by seed and pass), cut into pools of UR_PAIR_POOL batches, each pool sorted
 * by length of target then source, cut into batches of B, and the batches of the pass shuffled. In a batch rows stand
 * by falling target length, because a recurrent pass then drops the rows that are over; equal ones by falling source
 * length, then by number. In order (evaluation): sorted in that way once, no shuffling, every pass the same. Either way
 * a pass has every pair exactly once; row r is pair batch->pair[r]. The last batch of a pass may be smaller.
 *
 * Rows are padded to the longest of the batch; the padding is token 0, target -1, and counts nowhere. */
#ifndef UR_PAIR_BATCHES_H
#define UR_PAIR_BATCHES_H

#include "data/pairs.h"

enum { UR_PAIR_POOL = 100 };

typedef struct ur_pair_batch {
	int B, S, T;                    /* rows; the longest source and target of them, the end included */
	int32_t *source;                /* (S, B) time-major: the source, then its end */
	int *source_len;                /* (B), the end included */
	int32_t *ids, *targets;         /* (T, B): what the decoder reads: the end, then the target; what it should say: the
	                                 * target, then its end; -1 beyond */
	int *len;                       /* (B), the end included */
	int64_t *pair;                  /* (B) which pairs */
	int64_t tokens;                 /* targets in it: the sum of len */
} ur_pair_batch;

typedef struct ur_pair_batches {
	const ur_pairs *pairs;
	const int64_t *index;           /* the pairs it is made from, n of them */
	int64_t n;
	int B, S, T;                    /* the most of each in any batch; B is no more than n */
	uint64_t seed;
	int in_order;
	int64_t count;                  /* batches in a pass */
	int64_t tokens;                 /* targets in a pass, ends included */
	int64_t *order;                 /* of pass `pass`: n pair numbers, batch by batch */
	int64_t pass;
	struct ur_pair_place *place;    /* working memory */
} ur_pair_batches;

/* n >= 1 pairs; `index` and `pairs` must outlive it. UR_E_INVALID: n or B below 1, or no such pair. UR_E_NOMEM. After a
 * failure there is nothing to close. */
ur_status ur_pair_batches_open(ur_pair_batches *b, const ur_pairs *pairs, const int64_t *index, int64_t n, int B,
                               int in_order, uint64_t seed, ur_err *err);
void ur_pair_batches_close(ur_pair_batches *b);
/* Batch number `step` >= 0; steps beyond a pass begin another. The arrays of *batch are the caller's: S x B, B, T x B
 * twice, B and B values for the most there can be. It keeps the order of a pass, so it is not for two threads at once,
 * and going back and forth between passes sorts each time. */
void ur_pair_batches_get(ur_pair_batches *b, int64_t step, ur_pair_batch *batch);
/* Targets in batch number `step`. */
int64_t ur_pair_batches_tokens(ur_pair_batches *b, int64_t step);

#endif
