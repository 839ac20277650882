#include "compare/heldout.h"

#include <stdlib.h>
#include <string.h>

enum { ROW_TOKENS = 1024, MOST_ROWS = 32, CARRIED_WINDOW = 128, PASS_TOKENS = 8192 };

ur_status ur_heldout_open(ur_heldout *h, const ur_corpus *corpus, int64_t from, int64_t to, int64_t most, ur_err *err)
{
	int64_t predictions = to - from - 1, rows;
	ur_status status;

	*h = (ur_heldout){ 0 };
	if (predictions < 1)
		return ur_fail(err, UR_E_INVALID, "the part of the text to compare on has %lld tokens, too few; use a larger --test, "
		               "or more text", (long long)(to - from));
	if (most > 0 && predictions > most)
		predictions = most;
	rows = predictions / ROW_TOKENS;
	h->B = (int)(rows < 1 ? 1 : rows > MOST_ROWS ? MOST_ROWS : rows);
	h->S = predictions / h->B;
	h->scored = h->B * h->S;
	h->tokens = calloc((size_t)h->scored + 1, sizeof *h->tokens);
	if (!h->tokens)
		return ur_fail(err, UR_E_NOMEM, "no memory for %lld tokens to compare on", (long long)h->scored);
	status = ur_corpus_read(corpus, from, h->scored + 1, h->tokens, err);
	if (!status)
		status = ur_corpus_bytes(corpus, from + 1, from + 1 + h->scored, &h->bytes, err);
	if (status)
		ur_heldout_close(h);
	return status;
}

void ur_heldout_close(ur_heldout *h)
{
	free(h->tokens);
	*h = (ur_heldout){ 0 };
}

/* One pass's buffers: at most R rows of at most T steps. */
struct pass {
	ur_net net;
	int T, R, carries;
	int32_t *ids, *targets;
	double *losses;
	void **state;
	unsigned char *blocks;
	size_t block;
};

static void plan(struct pass *p, const ur_heldout *h, const ur_model *m, const ur_ctx *c, ur_arena *arena)
{
	const int64_t limit = ur_model_limit(m), window = limit > 0 ? limit : CARRIED_WINDOW;

	p->carries = limit == 0;
	p->T = (int)(window < h->S ? window : h->S);
	p->R = PASS_TOKENS / p->T < 1 ? 1 : PASS_TOKENS / p->T < h->B ? PASS_TOKENS / p->T : h->B;
	p->ids = UR_TAKE(arena, int32_t, (size_t)p->T * (size_t)p->R);
	p->targets = UR_TAKE(arena, int32_t, (size_t)p->T * (size_t)p->R);
	p->losses = UR_TAKE(arena, double, (size_t)p->T * (size_t)p->R);
	p->block = ur_model_state_size(m);
	if (p->carries) {
		p->state = UR_TAKE(arena, void *, p->R);
		p->blocks = UR_TAKE(arena, unsigned char, p->block * (size_t)p->R);
		for (int r = 0; r < p->R && p->state; r++)
			p->state[r] = p->blocks + p->block * (size_t)r;
	}
	ur_net_plan(&p->net, m, c, p->T, p->R, 0, p->carries, arena);
}

/* Steps [at, at + T) of rows [row, row + R), of which those from step `score` on are scored. */
static void run(struct pass *p, const ur_heldout *h, int row, int R, int64_t at, int T, int64_t score, float *losses)
{
	for (int t = 0; t < T; t++)
		for (int r = 0; r < R; r++) {
			const int32_t *token = h->tokens + (row + r) * h->S + at + t;
			p->ids[t * R + r] = token[0];
			p->targets[t * R + r] = at + t >= score ? token[1] : -1;
		}
	ur_net_forward(&p->net, &(ur_pass){ .T = T, .B = R, .ids = p->ids, .state = p->carries ? p->state : NULL });
	ur_net_losses(&p->net, T * R, p->targets, p->losses);
	for (int t = 0; t < T; t++)
		for (int r = 0; r < R; r++)
			if (at + t >= score)
				losses[(row + r) * h->S + at + t] = (float)p->losses[t * R + r];
}

ur_status ur_heldout_score(const ur_heldout *h, const ur_model *m, const ur_ctx *c, float *losses, ur_err *err)
{
	ur_arena arena = { 0 };
	struct pass p = { 0 };

	plan(&p, h, m, c, &arena);
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "scoring %s needs %zu MiB, more than there is", m->spec.text, arena.used >> 20);
	plan(&p, h, m, c, &arena);
	for (int row = 0; row < h->B; row += p.R) {
		int R = h->B - row < p.R ? h->B - row : p.R;

		if (p.carries)
			memset(p.blocks, 0, p.block * (size_t)p.R);
		for (int64_t done = 0; done < h->S;) {
			int64_t at = done;
			int T;
			if (!p.carries && done > 0) {
				at = done - (p.T - p.T / 2);
				if (at + p.T > h->S)
					at = h->S - p.T;
				if (p.T == 1)
					at = done;
			}
			T = (int)(h->S - at < p.T ? h->S - at : p.T);
			run(&p, h, row, R, at, T, done, losses);
			done = at + T;
		}
	}
	ur_arena_close(&arena);
	return UR_OK;
}
