/* The loss of every token of a stretch of text that no training saw: the same tokens for every model, each with as much
 * past as the model would have had in use.
 *
 * N tokens are cut into B rows of S predictions. Models that run on for ever carry their state through a whole row. A
 * model of L positions reads windows of L that overlap by half, and each token is scored in the first window that holds
 * it, so that behind the first window every token has at least L / 2 tokens of past; unroll_generate streams such a
 * model in the same way. */
#ifndef UR_HELDOUT_H
#define UR_HELDOUT_H

#include "data/corpus.h"
#include "model/net.h"

typedef struct ur_heldout {
	int32_t *tokens;        /* B S + 1, owned */
	int B;
	int64_t S;
	int64_t scored;         /* B S */
	int64_t bytes;          /* of the text that the scored tokens are */
} ur_heldout;

/* Tokens [from, to) of the corpus, or the first `most` of them (0: all). */
ur_status ur_heldout_open(ur_heldout *h, const ur_corpus *corpus, int64_t from, int64_t to, int64_t most, ur_err *err);
void ur_heldout_close(ur_heldout *h);
/* losses (h->scored): nats, in the order of the text. context 0: with all that the model can use, as above. Above 0 (at
 * most the model's limit): windows of that many tokens, each read from a fresh state, that overlap by half, so that
 * every model has the same past: behind the first window from context / 2 to context tokens of it. */
ur_status ur_heldout_score(const ur_heldout *h, const ur_model *m, const ur_ctx *c, int64_t context, float *losses,
                           ur_err *err);

/* Loss by position in a fresh window: the rows cut into windows of `length` tokens (at most the model's limit), each
 * read from a fresh state, and positions gathered in bins 1, 2, 3 to 4, 5 to 8, ... */
enum { UR_POSITION_BINS = 24 };
typedef struct ur_position_loss {
	int64_t from, to;               /* positions, from 1 */
	double loss, low, high;         /* mean over windows, and its 95 % interval */
	int windows;
} ur_position_loss;
/* Fills at most UR_POSITION_BINS; *n how many. A length above the rows' is cut to them. */
ur_status ur_heldout_positions(const ur_heldout *h, const ur_model *m, const ur_ctx *c, int64_t length,
                               ur_position_loss *bins, int *n, ur_err *err);

#endif
