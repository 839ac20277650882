/* Batches of windows of a corpus. A batch is a pure function of its step number, so resuming needs only that.
 *
 * A range of N tokens holds P = N - 1 predictions: prediction i is asked from token i and answered by token i + 1.
 *
 * random: row r of step s is predictions p .. p + T - 1 with p drawn from [0, P - T] by (seed, r, s). Always fresh.
 *
 * carried (truncated backpropagation through time): B streams; stream b is predictions [b S, (b + 1) S), S = P / B
 *   rounded down, so that its last answer is the first token of the next stream. A pass is W = S / T (down) windows of
 *   all streams; step s is window s % W and fresh where that is 0. Left out: fewer than T predictions at the end of
 *   each stream, and fewer than B at the end of the range.
 *
 * sequential: the same streams, read to the end: W = S / T rounded up, the last window shorter where T does not divide
 *   S. Each of the first B S predictions is scored exactly once; left out are the P % B < B last ones, and the first
 *   token, which nothing precedes. What is scored is one stretch of tokens (ur_batches_scored), so bits per byte are
 *   exact. A range shorter than B or T asks for gets fewer rows or shorter windows: see B and T of ur_batches. */
#ifndef UR_BATCHES_H
#define UR_BATCHES_H

#include "data/corpus.h"

typedef enum ur_batch_mode {
#define UR_BATCH_MODE(name, text, about) UR_BATCH_##name,
#include "data/batches.def"
#undef UR_BATCH_MODE
	UR_BATCH_MODES
} ur_batch_mode;

const char *ur_batch_mode_name(ur_batch_mode mode);
const char *ur_batch_mode_about(ur_batch_mode mode);
/* UR_E_INVALID: no such mode; err lists them. */
ur_status ur_batch_mode_find(const char *name, ur_batch_mode *mode, ur_err *err);

/* One batch. ids and targets are the caller's, ur_batch_size(T, B) values each; (T, B), time-major and dense:
 * ids[t * B + b]; targets are the tokens that follow. ur_batches_get sets T, B and fresh. */
typedef struct ur_batch {
	int T, B;
	int32_t *ids, *targets;
	int fresh;              /* the rows start here: their state must be empty */
} ur_batch;

typedef struct ur_batches {
	const ur_corpus *corpus;
	int64_t from, to;       /* its tokens */
	int T, B;               /* every batch has B rows and at most T steps; only sequential may lower what was asked */
	ur_batch_mode mode;
	uint64_t seed;
	int64_t stream;         /* S above; random: starts there are */
	int64_t windows;        /* W above; random: the batches that together have as many predictions as the range */
} ur_batches;

/* Values in each of a batch's arrays. */
static inline size_t ur_batch_size(int T, int B) { return (size_t)T * (size_t)B; }

/* Whether n tokens are enough. UR_E_INVALID: err says how many there are, how many it takes and what to change. */
ur_status ur_batches_check(int64_t n, int T, int B, ur_batch_mode mode, ur_err *err);
/* Batches of tokens [from, to); checks them. The corpus must outlive *b; nothing is allocated. */
ur_status ur_batches_init(ur_batches *b, const ur_corpus *corpus, int64_t from, int64_t to, int T, int B,
                          ur_batch_mode mode, uint64_t seed, ur_err *err);
/* Batches in one pass over the range; steps beyond it begin another. */
int64_t ur_batches_count(const ur_batches *b);
/* Predictions in one pass; random: in `count` batches. */
int64_t ur_batches_predictions(const ur_batches *b);
/* The tokens that one pass of sequential asks for, [*from, *to), each once. */
void ur_batches_scored(const ur_batches *b, int64_t *from, int64_t *to);
/* Batch number `step` >= 0. Fails as ur_corpus_read does. Safe from any thread. */
ur_status ur_batches_get(const ur_batches *b, int64_t step, ur_batch *batch, ur_err *err);

#endif
