/* Attention over long sequences, whose heads are packed in turns because all at once would not fit. Included by
 * test_cross.c alone. */
#ifndef LONG_ATTENTION_H
#define LONG_ATTENTION_H

/* Some queries of a long sequence beside the plain form; window 0: none. */
static void check_long(const bench *w, int window)
{
	enum { T = 4096, HEADS = 2, E = 64, LD = (HEADS + 2) * E };
	arrays a = {0};
	rnd r = {17};
	float *qkv = randoms(&a, &r, (size_t)T * LD, 2), *out = arr(&a, (size_t)T * HEADS * E);
	const plain p = {.T = T, .B = 1, .S = T, .heads = HEADS, .kv_heads = 1, .E = E, .causal = 1};
	const ur_attention at = {.T = T, .B = 1, .window = window, .heads = HEADS, .kv_heads = 1, .E = E, .q = qkv,
	                         .k = qkv + HEADS * E, .v = qkv + HEADS * E + E, .ld = LD, .out = out, .ldo = HEADS * E};
	double *K = dense(&a, at.k, T, E, LD), *V = dense(&a, at.v, T, E, LD), *weights = reals(&a, T);
	double *Q = dense(&a, at.q, T, (size_t)HEADS * E, LD), worst = 0;

	ur_attention_forward(&w->c[0], &at, arr(&a, ur_attention_work(&w->c[0], &at)));
	for (int t = T - 1; t >= 0; t -= 101)
		for (int h = 0; h < HEADS; h++) {
			int from = window && t + 1 > window ? t + 1 - window : 0;
			int n = plain_weights(&p, t - from, 0, h, Q + from * HEADS * E, K + from * E, weights);
			for (int e = 0; e < E; e++) {
				double o = 0;
				for (int s = 0; s < n; s++)
					o += weights[s] * V[(from + s) * E + e];
				worst = fmax(worst, fabs(o - (double)out[(t * HEADS + h) * E + e]));
			}
		}
	near("long", "o", worst, 1e-5);
	assert_int_equal(arr_broken(&a), 0);
	arr_free(&a);
}

static void test_long(void **state)
{
	check_long(*state, 0);
	check_long(*state, 700);
}

/* No positions at all, now or before: there is nothing to do, and nothing to divide by. */
static void test_no_positions(void **state)
{
	const bench *w = *state;
	float out = 3;
	const ur_attention none = {.T = 0, .B = 1, .heads = 1, .kv_heads = 1, .E = 8, .q = &out, .k = &out, .v = &out,
	                           .ld = 24, .out = &out, .ldo = 8};

	for (int t = 0; t < MOST_THREADS; t++) {
		arrays a = {0};
		float *work = arr(&a, ur_attention_work(&w->c[t], &none) + 1);

		ur_attention_forward(&w->c[t], &none, work);
		assert_true(out == 3);
		arr_free(&a);
	}
}

/* More heads than are packed at once give what each gives alone, in memory that is far from all heads'. */
static void test_turns(void **state)
{
	const bench *w = *state;
	enum { T = 66, B = 260, E = 512 };
	arrays a = {0};
	rnd r = {23};
	float *x = randoms(&a, &r, (size_t)T * B * E, 0.5);

	for (int t = 0; t < MOST_THREADS; t++) {
		const ur_ctx *c = &w->c[t];
		ur_attention all = {.T = T, .B = B, .heads = 1, .kv_heads = 1, .E = E, .q = x, .k = x, .v = x, .ld = E,
		                    .out = arr(&a, (size_t)T * B * E), .ldo = E}, one = all;
		size_t work = ur_attention_work(c, &all);

		assert_in_range(work, 1, 3 << 23);
		ur_attention_forward(c, &all, arr(&a, work));
		one.B = 1;
		one.ld = (ptrdiff_t)B * E;
		one.out = arr(&a, (size_t)T * E);
		work = ur_attention_work(c, &one);
		for (int b = 0; b < B; b += b < 240 ? 60 : 1) {
			one.q = one.k = one.v = x + b * E;
			ur_attention_forward(c, &one, arr(&a, work));
			for (int i = 0; i < T; i++)
				if (!same(all.out + ((size_t)i * B + (size_t)b) * E, one.out + (size_t)i * E, E))
					fail_msg("sequence %d of %d is not what it is alone", b, B);
		}
	}
	assert_int_equal(arr_broken(&a), 0);
	arr_free(&a);
}

/* 100,000 positions of 8 heads fit where 8 heads' panels would not, and twice the positions take twice the memory. */
static void test_memory(void **state)
{
	const bench *w = *state;
	ur_attention at = {.T = 100000, .B = 1, .heads = 8, .kv_heads = 8, .E = 64};
	size_t work = ur_attention_work(&w->c[1], &at), back = ur_attention_back_work(&w->c[1], &at);

	assert_in_range(work * sizeof(float), 1, 60000000);
	at.T *= 2;
	assert_in_range(ur_attention_work(&w->c[1], &at), work * 2 - 1000, work * 2 + 1000);
	assert_in_range(ur_attention_back_work(&w->c[1], &at), back * 2 - 1000, back * 2 + 1000);
}

#endif
