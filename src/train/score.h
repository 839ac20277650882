/* Scoring a stretch of a corpus with a model: the buffers, planned once, and the pass. */
#ifndef UR_SCORE_H
#define UR_SCORE_H

#include "train/train.h"

typedef struct ur_scorer {
	ur_net net;
	ur_batches batches;
	ur_batch batch;
	int carries;                    /* state goes on from window to window */
	int piece;                      /* steps of a pass: a long window is read piece by piece */
	void **state;                   /* B blocks */
	double *losses;
	unsigned char *blocks;
} ur_scorer;

/* Windows longer than this are scored in pieces of so many steps, the states carried from one to the next: no
 * activations of all of a window are ever there. */
enum { UR_SCORE_STEPS = 1024 };
/* Steps at a time of windows of T. */
static inline int ur_score_piece(int T) { return T < UR_SCORE_STEPS ? T : UR_SCORE_STEPS; }
/* Rows that fill a pass well: `batch`, or more where windows are short; or fewer where they go in pieces, since each
 * row has a state then, which may be of as many positions. */
int ur_score_batch(int window, int batch);
/* Measures or cuts, for tokens [from, to) (may be too few: then the status says so and nothing is planned). */
ur_status ur_scorer_plan(ur_scorer *s, const ur_model *m, const ur_ctx *c, const ur_corpus *corpus, int64_t from,
                         int64_t to, int window, int batch, ur_arena *arena, ur_err *err);
/* Scores them, or about `most` of them from the start of each row (0: all). `bytes` NULL: not wanted. */
ur_status ur_scorer_run(ur_scorer *s, int64_t most, double *loss, int64_t *tokens, int64_t *bytes, ur_err *err);

#endif
