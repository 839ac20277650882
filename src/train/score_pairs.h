/* Loss of pairs under a model: each target token from its source and the target tokens before it. */
#ifndef UR_SCORE_PAIRS_H
#define UR_SCORE_PAIRS_H

#include "data/pair_batches.h"
#include "train/train.h"

typedef struct ur_pair_scorer {
	const ur_pairs *pairs;
	ur_pair_batches batches;
	ur_pair_batch batch;
	int64_t *index, n, left_out;    /* those that fit the model, and how many do not */
	ur_net net;
	double *losses;
} ur_pair_scorer;

/* Pairs index[n]; those longer than `most` tokens on a side (the end included; 0: none) are left out. UR_E_INVALID:
 * nothing is left. After a failure there is nothing to close. At most `batch` pairs go side by side, long ones
 * fewer. */
ur_status ur_pair_scorer_open(ur_pair_scorer *s, const ur_pairs *pairs, const int64_t *index, int64_t n, int most,
                              int batch, ur_err *err);
void ur_pair_scorer_close(ur_pair_scorer *s);
/* Measures or cuts. */
void ur_pair_scorer_plan(ur_pair_scorer *s, const ur_model *m, const ur_ctx *c, ur_arena *arena);

typedef struct ur_pair_loss { double sum; int64_t targets; } ur_pair_loss;
/* Mean loss a target of about `most` targets (0: all). bytes (may be NULL): of the target texts and their line ends.
 * of (may be NULL): each pair's, in order of s->index. */
void ur_pair_scorer_run(ur_pair_scorer *s, int64_t most, double *loss, int64_t *targets, int64_t *bytes,
                        ur_pair_loss *of);
/* All of that at once, for those pairs that fit the model; *left_out: how many do not. */
ur_status ur_evaluate_pairs(const ur_model *m, const ur_ctx *c, const ur_pairs *pairs, const int64_t *index, int64_t n,
                            int batch, ur_score *score, int64_t *left_out, ur_err *err);
/* A batch's arrays, for B pairs of at most S and T. */
void ur_pair_batch_plan(ur_pair_batch *b, int S, int T, int B, ur_arena *arena);
/* The pass of a batch, without dropout. */
ur_pass ur_pair_pass(const ur_pair_batch *b);

#endif
