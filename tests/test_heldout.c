/* Held-out losses: each is the one of a stream that was fed, step by step, the tokens that the header promises. */
#include "small_models.h"

#include "compare/heldout.h"
#include "compare/statistics.h"

#include <math.h>

typedef struct text {
	char path[64];
	ur_corpus *corpus;
	ur_heldout h;
	int32_t *tokens;        /* as the corpus has them */
	ur_ctx ctx;
} text;

/* `tokens` of them from the third on; the text follows no pattern, so that no loss is that of another token. */
static void text_open(text *t, int tokens, int64_t most, int threads)
{
	uint32_t r = 7;
	int64_t bytes;
	FILE *f;

	small_path(t->path);
	f = fopen(t->path, "w");
	assert_non_null(f);
	for (int i = 0; i < tokens + 10; i++) {
		r = r * 1664525u + 1013904223u;
		fputc('a' + (int)(r >> 24) % 20, f);
	}
	assert_int_equal(fclose(f), 0);
	assert_ok(ur_corpus_open(&(ur_corpus_request){ .path = t->path, .vocab = "byte" }, &t->corpus, why));
	assert_true(ur_ctx_open(&t->ctx, NULL, threads));
	assert_ok(ur_heldout_open(&t->h, t->corpus, 3, 3 + tokens, most, why));
	assert_int_equal(t->h.scored, t->h.B * t->h.S);
	most = most > 0 && most < tokens - 1 ? most : tokens - 1;
	assert_true(t->h.scored > most - t->h.B && t->h.scored <= most);
	t->tokens = calloc((size_t)t->h.scored + 1, sizeof *t->tokens);
	assert_ok(ur_corpus_read(t->corpus, 3, t->h.scored + 1, t->tokens, why));
	assert_ok(ur_corpus_bytes(t->corpus, 4, 4 + t->h.scored, &bytes, why));
	assert_int_equal(t->h.bytes, bytes);
}

static void text_close(text *t)
{
	free(t->tokens);
	ur_heldout_close(&t->h);
	ur_ctx_close(&t->ctx);
	ur_corpus_close(t->corpus);
	unlink(t->path);
}

static double surprise(const float *logits, int V, int target)
{
	double most = (double)logits[0], sum = 0;
	for (int v = 1; v < V; v++)
		if ((double)logits[v] > most)
			most = (double)logits[v];
	for (int v = 0; v < V; v++)
		sum += exp((double)logits[v] - most);
	return most + log(sum) - (double)logits[target];
}

/* Where the first window starts that holds token i: windows of W, half of one apart, none over the end. */
static int64_t window_start(int64_t i, int64_t W, int64_t S)
{
	int64_t start = 0;

	if (W > S)
		W = S;
	while (i >= start + W) {
		start += W > 1 ? W / 2 : 1;
		if (start > S - W)
			start = S - W;
	}
	return start;
}

static void check_scores(const char *spec, int tokens, int64_t most, int threads, int64_t context)
{
	ur_model *m = small_model(spec, NULL, 256, 3);
	ur_stream *s = small_stream(m);
	const int64_t W = context > 0 ? context : unroll_limit(m);
	float *losses;
	text t;

	text_open(&t, tokens, most, threads);
	losses = calloc((size_t)t.h.scored, sizeof *losses);
	for (int64_t i = 0; i < t.h.scored; i++)
		losses[i] = NAN;
	assert_ok(ur_heldout_score(&t.h, m, &t.ctx, context, losses, why));
	for (int row = 0; row < t.h.B; row++) {
		const int32_t *tokens_of = t.tokens + row * t.h.S;

		for (int64_t i = 0, last = -1; i < t.h.S; i++) {
			const int64_t from = W > 0 ? window_start(i, W, t.h.S) : 0;
			double want, got = (double)losses[row * t.h.S + i];

			if (from != last) { /* the window's tokens anew, up to this one */
				unroll_stream_reset(s);
				for (int64_t j = from; j < i; j++)
					small_step(s, tokens_of[j]);
			}
			last = from;
			want = surprise(small_step(s, tokens_of[i]), 256, tokens_of[i + 1]);
			if (!(fabs(want - got) < 2e-3))
				fail_msg("%s, context %d: token %d of row %d costs %g, not %g", spec, (int)context, (int)i, row,
				         want, got);
		}
	}
	free(losses);
	text_close(&t);
	unroll_stream_close(s);
	ur_model_free(m);
}

static void test_all_context(void **state)
{
	(void)state;
	check_scores("lstm:2x8", 4000, 3000, 2, 0);
	check_scores("gru:1x8", 4000, 500, 1, 0);
	check_scores("transformer:1x8,heads=2,window=5", 2000, 0, 2, 0);
	check_scores("transformer:1x8,heads=2,context=16,positions=none", 2600, 2500, 2, 0);
	check_scores("transformer:1x8,heads=2,context=6", 101, 100, 1, 0);
	check_scores("transformer:1x8,heads=2,context=300", 101, 0, 1, 0);
}

static void test_same_context(void **state)
{
	(void)state;
	check_scores("lstm:2x8", 2600, 2500, 2, 16);
	check_scores("lstm:1x8,block=llama", 400, 0, 1, 7);
	check_scores("gru:1x8", 60, 0, 1, 1);
	check_scores("gru:1x8", 60, 0, 1, 2);
	check_scores("gru:1x8", 60, 0, 1, 58);
	check_scores("gru:1x8", 60, 0, 2, 5000);
	check_scores("transformer:1x8,heads=2,context=16", 500, 0, 2, 16);
	check_scores("transformer:1x8,heads=2,context=16", 500, 0, 2, 9);
	check_scores("attention:1x8,block=llama,heads=2,context=64", 500, 0, 1, 32);
	check_scores("transformer:1x8,heads=2,window=5", 300, 0, 2, 12);
	check_scores("rnn:1x8", 2, 0, 1, 4);    /* one prediction */
	check_scores("gru:1x8", 11000, 0, 2, 5000);     /* more rows than a pass has room for */
}

/* -- by position -- */

static void check_positions(const char *spec, int tokens, int threads, int64_t length)
{
	ur_model *m = small_model(spec, NULL, 256, 3);
	ur_stream *s = small_stream(m);
	ur_position_loss bins[UR_POSITION_BINS];
	int n, windows = 0, in_row;
	double *loss, *mean;
	text t;

	text_open(&t, tokens, 0, threads);
	assert_ok(ur_heldout_positions(&t.h, m, &t.ctx, length, bins, &n, why));
	length = length < t.h.S ? length : t.h.S;
	in_row = (int)(t.h.S / length);
	loss = calloc((size_t)t.h.scored, sizeof *loss); /* (windows, length) */
	mean = calloc((size_t)t.h.scored, sizeof *mean);
	for (int row = 0; row < t.h.B; row++)
		for (int w = 0; w < in_row; w++, windows++) {
			const int32_t *at = t.tokens + row * t.h.S + w * length;
			unroll_stream_reset(s);
			for (int64_t i = 0; i < length; i++)
				loss[windows * length + i] = surprise(small_step(s, at[i]), 256, at[i + 1]);
		}
	assert_int_equal(bins[0].from, 1);
	assert_int_equal(bins[n - 1].to, length);
	for (int i = 0; i < n; i++) {
		ur_mean want;

		assert_int_equal(bins[i].from, i == 0 ? 1 : (1 << (i - 1)) + 1);
		assert_true(bins[i].to == 1 << i || (i == n - 1 && bins[i].to < 1 << i));
		for (int w = 0; w < windows; w++) {
			mean[w] = 0;
			for (int64_t p = bins[i].from; p <= bins[i].to; p++)
				mean[w] += loss[w * length + p - 1];
			mean[w] /= (double)(bins[i].to - bins[i].from + 1);
		}
		want = ur_mean_of(windows, mean);
		assert_int_equal(bins[i].windows, windows);
		assert_true(fabs(bins[i].loss - want.mean) < 1e-3);
		assert_true(windows > 1 ? fabs(bins[i].low - want.low) < 1e-3 && fabs(bins[i].high - want.high) < 1e-3
		                        : isnan(bins[i].low) && isnan(bins[i].high));
	}
	free(mean);
	free(loss);
	text_close(&t);
	unroll_stream_close(s);
	ur_model_free(m);
}

static void test_positions(void **state)
{
	(void)state;
	check_positions("lstm:2x8", 3000, 2, 64);
	check_positions("lstm:2x8", 3000, 1, 100);      /* divides no row, and is no power of 2 */
	check_positions("gru:1x8", 80, 1, 1);
	check_positions("gru:1x8", 80, 1, 2);
	check_positions("gru:1x8", 80, 1, 3);
	check_positions("gru:1x8", 80, 2, 1000);        /* one window */
	check_positions("transformer:1x8,heads=2,context=32", 900, 2, 32);
	check_positions("attention:1x8,block=llama,heads=2,context=32", 900, 2, 20);
	check_positions("rnn:1x8", 2, 1, 9);
	check_positions("gru:1x8", 11000, 2, 1000);     /* more windows than a pass has room for */
}

/* -- what cannot be -- */

static void test_refused(void **state)
{
	ur_model *m = small_model("transformer:1x8,heads=2,context=16", NULL, 256, 3);
	ur_position_loss bins[UR_POSITION_BINS];
	ur_heldout none;
	ur_err err = { 0 };
	float losses[64];
	text t;
	int n;

	(void)state;
	text_open(&t, 50, 0, 1);
	assert_int_equal(ur_heldout_score(&t.h, m, &t.ctx, 17, losses, &err), UR_E_INVALID);
	assert_says(err, "which takes 16");
	assert_int_equal(ur_heldout_score(&t.h, m, &t.ctx, -1, losses, &err), UR_E_INVALID);
	assert_int_equal(ur_heldout_positions(&t.h, m, &t.ctx, 17, bins, &n, &err), UR_E_INVALID);
	assert_int_equal(ur_heldout_positions(&t.h, m, &t.ctx, 0, bins, &n, &err), UR_E_INVALID);
	assert_int_equal(n, 0);
	assert_int_equal(ur_heldout_open(&none, t.corpus, 5, 6, 0, &err), UR_E_INVALID);
	assert_says(err, "too few");
	ur_heldout_close(&none);
	text_close(&t);
	ur_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_context),
		cmocka_unit_test(test_same_context),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests_name("heldout", tests, NULL, NULL);
}
