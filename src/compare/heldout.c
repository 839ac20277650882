#include "compare/heldout.h"

#include "compare/statistics.h"

#include <stdlib.h>
#include <string.h>

enum { ROW_TOKENS = 1024, MOST_ROWS = 32, CARRIED_WINDOW = 128, PASS_TOKENS = 8192 };

ur_status ur_heldout_open(ur_heldout *h, const ur_corpus *corpus, int64_t from, int64_t to, int64_t most, ur_err *err)
{
	int64_t predictions = to - from - 1, rows;
	ur_status status;

	*h = (ur_heldout){ 0 };
	if (predictions < 1)
		return ur_fail(err, UR_E_INVALID, "the part of the text to compare on has %lld tokens, too few; use a larger "
		               "--test, or more text", (long long)(to - from));
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

/* Reading: at most R rows of at most T steps at a time, from fresh states or from those left by the last call. */
struct reading {
	ur_net net;
	const ur_heldout *h;
	int T, R, carries;
	int64_t *start;                 /* (R) where each row's steps begin in the text */
	int32_t *ids, *targets;
	double *losses;                 /* (T, rows of the call) */
	void **state;
	unsigned char *blocks;
	size_t block;
	ur_arena memory;
};

static void plan(struct reading *p, const ur_model *m, const ur_ctx *c, ur_arena *arena)
{
	const size_t steps = (size_t)p->T * (size_t)p->R;

	p->start = UR_TAKE(arena, int64_t, p->R);
	p->ids = UR_TAKE(arena, int32_t, steps);
	p->targets = UR_TAKE(arena, int32_t, steps);
	p->losses = UR_TAKE(arena, double, steps);
	p->block = ur_model_state_size(m);
	if (p->carries) {
		p->state = UR_TAKE(arena, void *, p->R);
		p->blocks = UR_TAKE(arena, unsigned char, p->block * (size_t)p->R);
		for (int r = 0; r < p->R && p->state; r++)
			p->state[r] = p->blocks + p->block * (size_t)r;
	}
	ur_net_plan(&p->net, m, c, p->T, p->R, 0, p->carries, arena);
}

/* For windows of `window` tokens of up to `rows` rows. */
static ur_status open_reading(struct reading *p, const ur_heldout *h, const ur_model *m, const ur_ctx *c,
                              int64_t window, int64_t rows, int carries, ur_err *err)
{
	ur_arena arena = { 0 };
	int64_t R;

	*p = (struct reading){ .h = h, .T = (int)(window < h->S ? window : h->S), .carries = carries };
	R = PASS_TOKENS / p->T < rows ? PASS_TOKENS / p->T : rows;
	p->R = R < 1 ? 1 : (int)R;
	plan(p, m, c, &arena);
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "scoring %s needs %zu MiB, more than there is", m->spec.text, arena.used >> 20);
	plan(p, m, c, &arena);
	p->memory = arena;
	return UR_OK;
}

/* T steps of R rows from where each starts; losses of the steps from `score` on. */
static void read_rows(struct reading *p, int R, int T, int score)
{
	for (int t = 0; t < T; t++)
		for (int r = 0; r < R; r++) {
			const int32_t *token = p->h->tokens + p->start[r] + t;
			p->ids[t * R + r] = token[0];
			p->targets[t * R + r] = t >= score ? token[1] : -1;
		}
	ur_net_forward(&p->net, &(ur_pass){ .T = T, .B = R, .ids = p->ids, .state = p->carries ? p->state : NULL });
	ur_net_losses(&p->net, T * R, p->targets, p->losses);
}

static ur_status check_window(const ur_model *m, int64_t window, int64_t least, ur_err *err)
{
	const int64_t limit = ur_model_limit(m);

	if (window < least)
		return ur_fail(err, UR_E_INVALID, "windows of %lld tokens cannot be scored; ask for one or more",
		               (long long)window);
	if (limit > 0 && window > limit)
		return ur_fail(err, UR_E_INVALID, "windows of %lld tokens do not fit %s, which takes %lld; ask for at most "
		               "that", (long long)window, m->spec.text, (long long)limit);
	return UR_OK;
}

ur_status ur_heldout_score(const ur_heldout *h, const ur_model *m, const ur_ctx *c, int64_t context, float *losses,
                           ur_err *err)
{
	const int64_t window = context > 0 ? context : ur_model_limit(m);
	struct reading p;
	ur_status status = check_window(m, context, 0, err);

	if (!status)
		status = open_reading(&p, h, m, c, window > 0 ? window : CARRIED_WINDOW, h->B, window == 0, err);
	if (status)
		return status;
	for (int row = 0; row < h->B; row += p.R) {
		int R = h->B - row < p.R ? h->B - row : p.R;

		if (p.carries)
			memset(p.blocks, 0, p.block * (size_t)p.R);
		for (int64_t done = 0; done < h->S;) {
			int64_t at = done;
			int T, score;

			if (!p.carries && done > 0 && p.T > 1) {
				at = done - (p.T - p.T / 2);
				if (at + p.T > h->S)
					at = h->S - p.T;
			}
			T = (int)(h->S - at < p.T ? h->S - at : p.T);
			score = (int)(done - at);
			for (int r = 0; r < R; r++)
				p.start[r] = (row + r) * h->S + at;
			read_rows(&p, R, T, score);
			for (int t = score; t < T; t++)
				for (int r = 0; r < R; r++)
					losses[p.start[r] + t] = (float)p.losses[t * R + r];
			done = at + T;
		}
	}
	ur_arena_close(&p.memory);
	return UR_OK;
}

/* Bins 1, 2, 3 to 4, 5 to 8, ... of positions up to `length`; how many. */
static int make_bins(int64_t length, ur_position_loss *bins)
{
	int n = 0;

	for (int64_t from = 1, to = 1; from <= length && n < UR_POSITION_BINS; from = to + 1, to *= 2)
		bins[n++] = (ur_position_loss){ .from = from, .to = to < length ? to : length };
	return n;
}

ur_status ur_heldout_positions(const ur_heldout *h, const ur_model *m, const ur_ctx *c, int64_t length,
                               ur_position_loss *bins, int *n, ur_err *err)
{
	const int64_t size = length < h->S ? length : h->S;
	int64_t in_row, windows;
	double *mean;
	struct reading p;
	ur_status status = check_window(m, length, 1, err);

	*n = 0;
	if (status)
		return status;
	*n = make_bins(size, bins);
	in_row = h->S / size;
	windows = in_row * h->B;
	mean = calloc((size_t)windows * (size_t)*n, sizeof *mean); /* (bins, windows) */
	if (!mean)
		return ur_fail(err, UR_E_NOMEM, "no memory for the losses of %lld windows", (long long)windows);
	status = open_reading(&p, h, m, c, size, windows, 0, err);
	for (int64_t first = 0; first < windows && !status; first += p.R) {
		int R = (int)(windows - first < p.R ? windows - first : p.R);

		for (int r = 0; r < R; r++)
			p.start[r] = (first + r) / in_row * h->S + (first + r) % in_row * size;
		read_rows(&p, R, p.T, 0);
		for (int i = 0; i < *n; i++)
			for (int64_t t = bins[i].from - 1; t < bins[i].to; t++)
				for (int r = 0; r < R; r++)
					mean[i * windows + first + r] += p.losses[t * R + r] / (double)(bins[i].to - bins[i].from + 1);
	}
	for (int i = 0; i < *n && !status; i++) {
		ur_mean over = ur_mean_of((int)windows, mean + i * windows);

		bins[i].loss = over.mean;
		bins[i].low = over.low;
		bins[i].high = over.high;
		bins[i].windows = over.n;
	}
	if (!status)
		ur_arena_close(&p.memory);
	free(mean);
	return status;
}
