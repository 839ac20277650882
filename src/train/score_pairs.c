/* Held-out pairs, in batches of like length; sums in float64, in the order of batches. */
#include "train/score_pairs.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_TOKENS = 16384 };

/* Attention takes memory by source x target x batch: where a pair is very long, fewer go side by side. */
static int batch_for(const ur_pair_scorer *s, int most)
{
	int longest = 1, batch;

	for (int64_t i = 0; i < s->n; i++)
		for (int side = 0; side < UR_SIDES; side++) {
			int length;
			(void)ur_pairs_tokens(s->pairs, s->index[i], side, &length);
			longest = length >= longest ? length + 1 : longest;
		}
	batch = BATCH_TOKENS / longest;
	return batch < 1 ? 1 : batch < most ? batch : most;
}

ur_status ur_pair_scorer_open(ur_pair_scorer *s, const ur_pairs *pairs, const int64_t *index, int64_t n, int most,
                              int batch, ur_err *err)
{
	ur_status status;

	*s = (ur_pair_scorer){ .pairs = pairs };
	if (!(s->index = malloc((size_t)(n ? n : 1) * sizeof *s->index)))
		return ur_fail(err, UR_E_NOMEM, "no memory for the list of pairs");
	for (int64_t i = 0; i < n; i++)
		if (ur_pairs_fit(pairs, index[i], most))
			s->index[s->n++] = index[i];
		else
			s->left_out++;
	status = s->n == 0 ? ur_fail(err, UR_E_INVALID, "%s has no pair to score%s", ur_pairs_path(pairs, UR_SOURCE),
	                             n ? " that is short enough for the model's context" : "")
	                   : ur_pair_batches_open(&s->batches, pairs, s->index, s->n, batch_for(s, batch), 1, 0, err);
	if (status)
		ur_pair_scorer_close(s);
	return status;
}

void ur_pair_scorer_close(ur_pair_scorer *s)
{
	ur_pair_batches_close(&s->batches);
	free(s->index);
	*s = (ur_pair_scorer){ 0 };
}

void ur_pair_batch_plan(ur_pair_batch *b, int S, int T, int B, ur_arena *arena)
{
	const size_t rows = (size_t)B;

	b->source = UR_TAKE(arena, int32_t, (size_t)S * rows);
	b->source_len = UR_TAKE(arena, int, rows);
	b->ids = UR_TAKE(arena, int32_t, (size_t)T * rows);
	b->targets = UR_TAKE(arena, int32_t, (size_t)T * rows);
	b->len = UR_TAKE(arena, int, rows);
	b->pair = UR_TAKE(arena, int64_t, rows);
}

ur_pass ur_pair_pass(const ur_pair_batch *b)
{
	return (ur_pass){ .T = b->T, .B = b->B, .ids = b->ids, .len = b->len, .S = b->S, .source = b->source,
		.source_len = b->source_len };
}

void ur_pair_scorer_plan(ur_pair_scorer *s, const ur_model *m, const ur_ctx *c, ur_arena *arena)
{
	const ur_pair_batches *b = &s->batches;

	ur_pair_batch_plan(&s->batch, b->S, b->T, b->B, arena);
	s->losses = UR_TAKE(arena, double, (size_t)b->T * (size_t)b->B);
	ur_net_plan_pairs(&s->net, m, c, b->S, b->T, b->B, 0, arena);
}

static int by_number(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

void ur_pair_scorer_run(ur_pair_scorer *s, int64_t most, double *loss, int64_t *targets, int64_t *bytes,
                        ur_pair_loss *of)
{
	const ur_pair_batch *b = &s->batch;
	const int64_t n = s->batches.count;
	int64_t stride = 1;
	double sum = 0;

	*targets = 0;
	if (bytes)
		*bytes = 0;
	/* the longest come first: a part of the pass is taken from all along it, from the middle of each stretch */
	if (most > 0 && most < s->batches.tokens)
		stride = s->batches.tokens / most < n ? s->batches.tokens / most : n;
	for (int64_t i = stride / 2; i < n; i += stride) {
		ur_pass pass;

		ur_pair_batches_get(&s->batches, i, &s->batch);
		pass = ur_pair_pass(b);
		ur_net_forward(&s->net, &pass);
		ur_net_losses(&s->net, b->T * b->B, b->targets, s->losses);
		for (int row = 0; row < b->B; row++) {
			double mine = 0;
			size_t text;

			for (int t = 0; t < b->len[row]; t++)
				mine += s->losses[(size_t)t * (size_t)b->B + (size_t)row];
			sum += mine;
			(void)ur_pairs_text(s->pairs, b->pair[row], UR_TARGET, &text);
			if (bytes)
				*bytes += (int64_t)text + 1;
			if (of) {
				const int64_t *at = bsearch(&b->pair[row], s->index, (size_t)s->n, sizeof *s->index, by_number);
				of[at - s->index] = (ur_pair_loss){ mine, b->len[row] };
			}
		}
		*targets += b->tokens;
	}
	*loss = sum / (double)*targets;
}

ur_status ur_evaluate_pairs(const ur_model *m, const ur_ctx *c, const ur_pairs *pairs, const int64_t *index, int64_t n,
                            int batch, ur_score *score, int64_t *left_out, ur_err *err)
{
	ur_arena arena = { 0 };
	ur_pair_scorer s;
	const double start = ur_clock();
	ur_status status = ur_pair_scorer_open(&s, pairs, index, n, ur_spec_limit(&m->spec), batch, err);

	*score = (ur_score){ 0 };
	if (!status) {
		ur_pair_scorer_plan(&s, m, c, &arena);
		if (!ur_arena_open(&arena))
			status = ur_fail(err, UR_E_NOMEM, "evaluation needs %zu MiB; use a smaller --batch-size", arena.used >> 20);
	}
	if (!status) {
		ur_pair_scorer_plan(&s, m, c, &arena);
		ur_pair_scorer_run(&s, 0, &score->loss, &score->tokens, &score->bytes, NULL);
		score->bits_per_byte = score->loss * (double)score->tokens / log(2) / (double)score->bytes;
	}
	*left_out = s.left_out;
	score->seconds = ur_clock() - start;
	ur_arena_close(&arena);
	ur_pair_scorer_close(&s);
	return status;
}
