/* Loss on held-out tokens: rows read in order, each token scored once, sums in float64 in a fixed order. */
#include "train/score.h"

#include "base/machine.h"

#include <math.h>

enum { PASS_TOKENS = 4096, LONG_ROWS = 8 };

int ur_score_batch(int window, int batch)
{
	int fill = PASS_TOKENS / window;

	if (window > UR_SCORE_STEPS && batch > LONG_ROWS)
		return LONG_ROWS;
	return fill > batch ? fill : batch;
}

ur_status ur_scorer_plan(ur_scorer *s, const ur_model *m, const ur_ctx *c, const ur_corpus *corpus, int64_t from,
                         int64_t to, int window, int batch, ur_arena *arena, ur_err *err)
{
	const size_t size = ur_model_state_size(m);
	ur_status status;
	int T, B;

	*s = (ur_scorer){ 0 };
	status = ur_batches_init(&s->batches, corpus, from, to, window, ur_score_batch(window, batch), UR_BATCH_SEQUENTIAL,
	                         0, err);
	if (status)
		return status;
	T = s->batches.T;
	B = s->batches.B;
	s->carries = ur_model_limit(m) == 0;
	s->piece = ur_score_piece(T);
	ur_net_plan(&s->net, m, c, s->piece, B, 0, s->carries || s->piece < T, arena);
	s->batch.ids = UR_TAKE(arena, int32_t, ur_batch_size(T, B));
	s->batch.targets = UR_TAKE(arena, int32_t, ur_batch_size(T, B));
	s->losses = UR_TAKE(arena, double, ur_batch_size(s->piece, B));
	if (s->carries || s->piece < T) {
		s->state = UR_TAKE(arena, void *, B);
		s->blocks = UR_TAKE(arena, unsigned char, size * (size_t)B);
		for (int b = 0; b < B && s->state; b++)
			s->state[b] = s->blocks + size * (size_t)b;
	}
	return UR_OK;
}

/* Adds up the losses of the window in s->batch. */
static void add_losses(ur_scorer *s, double *sum)
{
	const size_t B = (size_t)s->batch.B;

	for (int b = 0; s->state && (s->batch.fresh || !s->carries) && b < s->batch.B; b++)
		ur_model_state_clear(s->net.m, s->state[b]);
	for (int from = 0; from < s->batch.T; from += s->piece) {
		const int T = s->batch.T - from < s->piece ? s->batch.T - from : s->piece;
		const ur_pass pass = { .T = T, .B = s->batch.B, .ids = s->batch.ids + (size_t)from * B, .state = s->state };

		ur_net_forward(&s->net, &pass);
		ur_net_losses(&s->net, T * s->batch.B, s->batch.targets + (size_t)from * B, s->losses);
		for (int r = 0; r < T * s->batch.B; r++)
			*sum += s->losses[r];
	}
}

/* Bytes behind what was scored: `steps` tokens of each row. */
static ur_status scored_bytes(const ur_scorer *s, int64_t steps, int64_t *bytes, ur_err *err)
{
	const ur_batches *b = &s->batches;
	*bytes = 0;
	for (int row = 0; row < b->B; row++) {
		int64_t n, from = b->from + row * b->stream + 1;
		ur_status status = ur_corpus_bytes(b->corpus, from, from + steps, &n, err);
		if (status)
			return status;
		*bytes += n;
		/* rows join: where all of each was scored, one look at both ends is enough */
		if (steps == b->stream)
			return ur_corpus_bytes(b->corpus, b->from + 1, b->from + 1 + b->B * b->stream, bytes, err);
	}
	return UR_OK;
}

ur_status ur_scorer_run(ur_scorer *s, int64_t most, double *loss, int64_t *tokens, int64_t *bytes, ur_err *err)
{
	int64_t steps = 0;
	double sum = 0;

	*tokens = 0;
	for (int64_t i = 0; i < ur_batches_count(&s->batches) && (most == 0 || *tokens < most); i++) {
		ur_status status = ur_batches_get(&s->batches, i, &s->batch, err);
		if (status)
			return status;
		add_losses(s, &sum);
		*tokens += (int64_t)s->batch.T * s->batch.B;
		steps += s->batch.T;
	}
	*loss = sum / (double)*tokens;
	return bytes ? scored_bytes(s, steps, bytes, err) : UR_OK;
}

ur_status ur_evaluate(const ur_model *m, const ur_ctx *c, const ur_corpus *corpus, int64_t from, int64_t to, int window,
                      int batch, int64_t most_tokens, ur_score *score, ur_err *err)
{
	ur_arena arena = { 0 };
	ur_scorer s;
	double start = ur_clock();
	int64_t limit = ur_model_limit(m);
	ur_status status;

	if (limit > 0 && window > limit)
		window = (int)limit;
	if ((status = ur_scorer_plan(&s, m, c, corpus, from, to, window, batch, &arena, err)))
		return status;
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "evaluation needs %zu MiB; use a smaller --seq-len or --batch-size",
		               arena.used >> 20);
	status = ur_scorer_plan(&s, m, c, corpus, from, to, window, batch, &arena, err);
	*score = (ur_score){ 0 };
	if (!status)
		status = ur_scorer_run(&s, most_tokens, &score->loss, &score->tokens, &score->bytes, err);
	score->bits_per_byte = score->loss * (double)score->tokens / log(2) / (double)score->bytes;
	score->seconds = ur_clock() - start;
	ur_arena_close(&arena);
	return status;
}
