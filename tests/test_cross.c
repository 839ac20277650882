/* Attention that sees all: queries over their whole sequence and over another's (the tiles, the mixer with span.whole,
 * the cross-attention block), and the feed-forward halves an encoder and a decoder have. All against float64 written
 * plainly (plain_attention.h), with NaN in whatever may not be read and guard words round whatever is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "block/block.h"
#include "mixer/attention_tile.h"
#include "plain_attention.h"

enum { MOST_B = 6, MOST_THREADS = 2 };

/* One kernel set, at one thread and at two. */
typedef struct bench { const ur_kernels *k; ur_ctx c[MOST_THREADS]; } bench;

static int same(const float *a, const float *b, size_t n) { return !memcmp(a, b, n * sizeof *a); }
static int fresh(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(x + i, &arr_fresh_word, sizeof *x))
			return 0;
	return 1;
}

static float *randoms(arrays *a, rnd *r, size_t n, double size)
{
	float *x = arr(a, n);
	rnd_fill(r, n, size, x);
	return x;
}

static float *copy(arrays *a, const float *x, size_t n) { return memcpy(arr(a, n), x, n * sizeof *x); }
static float *zeros(arrays *a, size_t n) { return memset(arr(a, n), 0, n * sizeof(float)); }

static double *as_reals(arrays *a, const float *x, size_t n)
{
	double *y = reals(a, n);
	for (size_t i = 0; i < n; i++)
		y[i] = isnan(x[i]) ? 0 : (double)x[i];
	return y;
}

/* NaN in the rows of x (T, B, width) beyond each length. */
static void poison(float *x, int T, int B, const int *len, size_t width)
{
	for (int i = 0; i < T * B; i++)
		if (i / B >= rows_of(len, i % B, T))
			arr_fresh(x + (size_t)i * width, width);
}

/* Largest difference by the largest value wanted, or by a tenth where none is so large: a gradient may be 0. */
static double differ(const float *got, const double *want, size_t n)
{
	double most = 0, size = 0.1;
	for (size_t i = 0; i < n; i++) {
		most = fmax(most, isnan(got[i]) ? INFINITY : fabs((double)got[i] - want[i]));
		size = fmax(size, fabs(want[i]));
	}
	return most / size;
}

static void near(const char *name, const char *what, double off, double bound)
{
	if (!(off <= bound))
		fail_msg("%s: %s is off by %.3g, bound %.1g", name, what, off, bound);
}

/* -- tiles ------------------------------------------------ */

/* S 0: the queries' own steps. Lengths: 1: some, of queries and of keys; 2: also empty ones. */
typedef struct tile_case { const char *name; int T, B, S, heads, kv_heads, E, whole, ragged; } tile_case;

static const tile_case tile_cases[] = {
	{"causal", 70, 3, 0, 4, 2, 8, 0, 1},
	{"whole, one step", 1, 2, 0, 2, 2, 4, 1, 0},
	{"whole, short", 5, 4, 0, 2, 1, 3, 1, 1},
	{"whole, ragged, grouped", 37, 5, 0, 6, 2, 7, 1, 2},
	{"whole, past a tile", 97, 2, 0, 2, 2, 16, 1, 1},
	{"whole, over tiles of keys", 300, 2, 0, 2, 1, 20, 1, 1},
	{"whole, wide heads", 131, 1, 0, 1, 1, 512, 1, 0},
	{"cross, one row", 7, 3, 1, 2, 2, 5, 0, 0},
	{"cross, one query", 1, 3, 65, 2, 1, 8, 0, 2},
	{"cross, short", 4, 6, 9, 4, 4, 8, 0, 2},
	{"cross, more keys", 24, 3, 257, 2, 2, 32, 0, 1},
	{"cross, more queries", 290, 2, 33, 4, 2, 12, 0, 1},
	{"cross, both long", 193, 2, 301, 1, 1, 64, 0, 1},
	{"cross, wide heads", 40, 1, 150, 1, 1, 512, 0, 0},
	{"cross, many heads", 64, 4, 64, 8, 8, 16, 0, 1},
};

static void draw_lengths(rnd *r, int ragged, int B, int T, int *len)
{
	for (int b = 0; b < B; b++)
		len[b] = !ragged || b == 0 ? T : T - rnd_below(r, T);
	if (ragged == 2)
		len[B - 1] = 0;
}

/* Rows of `got` (T, B, width), ld apart, within their length as wanted, and all else as it was. */
static void check_rows(const tile_case *q, const char *what, const float *got, int T, const int *len, size_t width,
                       size_t ld, const double *want, int exact)
{
	arrays a = {0};
	float *seen = zeros(&a, (size_t)T * (size_t)q->B * width);
	for (int i = 0; i < T * q->B; i++)
		if (i / q->B < len[i % q->B])
			memcpy(seen + (size_t)i * width, got + (size_t)i * ld, width * sizeof *seen);
		else if (!fresh(got + (size_t)i * ld, width))
			fail_msg("%s: %s is written beyond a length", q->name, what);
	near(q->name, what, differ(seen, want, (size_t)T * (size_t)q->B * width), exact ? 1e-5 : 3e-5);
	arr_free(&a);
}

/* Rows of an array (T, B, ld), `width` of them from x on: to float64, dense. */
static double *dense(arrays *a, const float *x, int rows, size_t width, size_t ld)
{
	double *y = reals(a, (size_t)rows * width);
	for (size_t i = 0; i < (size_t)rows * width; i++) {
		float v = x[i / width * ld + i % width];
		y[i] = isnan(v) ? 0 : (double)v;
	}
	return y;
}

static void check_tiles(const bench *w, const tile_case *q, rnd *r)
{
	arrays a = {0};
	int len[MOST_B], slen[MOST_B], S = q->S ? q->S : q->T;
	size_t wide = (size_t)(q->heads * q->E), kv = (size_t)(q->kv_heads * q->E), steps = (size_t)(q->T * q->B);
	size_t rows = (size_t)(S * q->B), ld = q->S ? wide + 3 : wide + 2 * kv + 3, ldk = q->S ? 2 * kv + 5 : ld;
	float *base = arr(&a, steps * ld), *other = q->S ? arr(&a, rows * ldk) : base + wide;
	float *dout = randoms(&a, r, steps * wide, 1);

	draw_lengths(r, q->ragged, q->B, q->T, len);
	draw_lengths(r, q->ragged, q->B, S, slen);
	if (q->S && q->ragged == 2) {     /* no keys for some, no queries for others */
		slen[q->B - 1] = S;
		slen[q->B / 2] = 0;
	}
	for (size_t i = 0; i < steps; i++)
		rnd_fill(r, q->S ? wide : wide + 2 * kv, 2, base + i * ld);
	for (size_t i = 0; q->S && i < rows; i++)
		rnd_fill(r, 2 * kv, 2, other + i * ldk);
	poison(base, q->T, q->B, len, ld);
	poison(dout, q->T, q->B, len, wide);
	if (q->S)
		poison(other, S, q->B, slen, ldk);
	else
		memcpy(slen, len, sizeof slen);

	plain p = {q->T, q->B, S, q->heads, q->kv_heads, q->E, !q->S && !q->whole, len, slen};
	double *Q = dense(&a, base, q->T * q->B, wide, ld), *K = dense(&a, other, S * q->B, kv, ldk);
	double *V = dense(&a, other + kv, S * q->B, kv, ldk), *dO = dense(&a, dout, q->T * q->B, wide, wide);
	double *o = reals(&a, steps * wide), *dQ = reals(&a, steps * wide), *dK = reals(&a, rows * kv);
	double *dV = reals(&a, rows * kv);
	plain_forward(&p, Q, K, V, o, NULL);
	plain_backward(&p, Q, K, V, dO, dQ, dK, dV);

	float *first[5] = {0};
	for (int t = 0; t < MOST_THREADS; t++) {
		const ur_ctx *c = &w->c[t];
		float *out = arr(&a, steps * (wide + 1)), *lse = arr(&a, steps * (size_t)q->heads);
		float *dq = arr(&a, steps * ld), *dkv = q->S ? arr(&a, rows * ldk) : dq + wide;
		ur_attention at = {.T = q->T, .B = q->B, .heads = q->heads, .kv_heads = q->kv_heads, .E = q->E,
		                   .whole = q->whole, .len = len, .S = q->S, .slen = q->S ? slen : NULL, .q = base,
		                   .k = other, .v = other + kv, .ld = (ptrdiff_t)ld, .ldk = q->S ? (ptrdiff_t)ldk : 0,
		                   .out = out, .ldo = (ptrdiff_t)wide + 1, .lse = lse};
		ur_attention_forward(c, &at, arr(&a, ur_attention_work(c, &at)));
		ur_attention_grad g = {.dout = dout, .ldd = (ptrdiff_t)wide, .dq = dq, .dk = dkv, .dv = dkv + kv,
		                       .ldg = (ptrdiff_t)ld, .ldgk = q->S ? (ptrdiff_t)ldk : 0};
		ur_attention_backward(c, &at, &g, arr(&a, ur_attention_back_work(c, &at)));
		check_rows(q, "o", out, q->T, len, wide, wide + 1, o, 1);
		check_rows(q, "dq", dq, q->T, len, wide, ld, dQ, 0);
		check_rows(q, "dk", dkv, S, slen, kv, ldk, dK, 0);
		check_rows(q, "dv", dkv + kv, S, slen, kv, ldk, dV, 0);
		for (size_t i = 0; i < steps; i++)
			assert_true(fresh(out + i * (wide + 1) + wide, 1) && fresh(dq + (i + 1) * ld - 3, 3));
		if (!t)
			memcpy(first, (float *[]){out, lse, dq, q->S ? dkv : dq, NULL}, sizeof first);
		else if (!same(out, first[0], steps * (wide + 1)) || !same(lse, first[1], steps * (size_t)q->heads) ||
		         !same(dq, first[2], steps * ld) || !same(q->S ? dkv : dq, first[3], q->S ? rows * ldk : steps * ld))
			fail_msg("%s: other bits at two threads", q->name);
	}
	assert_int_equal(arr_broken(&a), 0);
	arr_free(&a);
}

static void test_tiles(void **state)
{
	rnd r = {11};
	for (size_t i = 0; i < sizeof tile_cases / sizeof *tile_cases; i++)
		for (int round = 0; round < (tile_cases[i].T < 50 ? 5 : 1); round++)
			check_tiles(*state, &tile_cases[i], &r);
}

/* -- parameters ------------------------------------------------ */

typedef struct matrices {
	int n;
	ur_param p[UR_MIXER_PARAMS];
	ur_mat w[UR_MIXER_PARAMS];
	float *data[UR_MIXER_PARAMS], *dw[UR_MIXER_PARAMS];
	size_t size[UR_MIXER_PARAMS];
} matrices;

static void draw_matrices(const bench *w, arrays *a, rnd *r, matrices *m)
{
	for (int i = 0; i < m->n; i++) {
		const ur_param *p = &m->p[i];
		int cols = p->cols ? p->cols : 1;
		m->size[i] = (size_t)p->rows * (size_t)cols;
		m->data[i] = randoms(a, r, m->size[i], p->cols ? 2 / sqrt(cols) : 0.5);
		m->dw[i] = zeros(a, m->size[i]);
		m->w[i] = (ur_mat){.rows = p->rows, .cols = cols, .blocks = 1, .data = m->data[i]};
		if (p->cols) {
			m->w[i].panels = arr(a, ur_panels_size(w->k, p->rows, cols, 1));
			m->w[i].panels_t = arr(a, ur_panels_size(w->k, cols, p->rows, 1));
		}
	}
	ur_pack_weights(&w->c[0], m->n, m->w);
}

/* Sum over rows within their length of dy y, both (T, B, D). */
static double loss_of(int T, int B, const int *len, int D, const float *dy, const double *y)
{
	double sum = 0;
	for (int i = 0; i < T * B * D; i++)
		if (i / D / B < rows_of(len, i / D % B, T))
			sum += (double)dy[i] * y[i];
	return sum;
}

/* Rows of x (T, B, width) beyond each length are all 0. */
static int zero_tails(const float *x, int T, int B, const int *len, size_t width)
{
	for (size_t i = 0; i < (size_t)(T * B) * width; i++)
		if ((int)(i / width) / B >= rows_of(len, (int)(i / width) % B, T) && x[i] != 0)
			return 0;
	return 1;
}

/* One sequence of x (T, B, width), its rows alone. */
static float *alone(arrays *a, const float *x, int rows, int B, int b, size_t width)
{
	float *y = arr(a, (size_t)rows * width);
	for (int t = 0; t < rows; t++)
		memcpy(y + (size_t)t * width, x + ((size_t)t * (size_t)B + (size_t)b) * width, width * sizeof *y);
	return y;
}

#include "cross_block.h"
#include "whole_and_ffn.h"
#include "long_attention.h"

int main(void)
{
	const ur_kernels *sets[2];
	int n = sets_to_test(sets), failed = 0;
	if (!n) {
		printf("this processor cannot run the kernel set asked for\n");
		return 77;
	}
	for (int i = 0; i < n; i++) {
		bench w = {.k = sets[i]};
		for (int t = 0; t < MOST_THREADS; t++) {
			if (!ur_ctx_open(&w.c[t], NULL, t + 1))
				return 1;
			w.c[t].k = sets[i];
		}
		const struct CMUnitTest tests[] = {
			cmocka_unit_test_prestate(test_tiles, &w), cmocka_unit_test_prestate(test_cross, &w),
			cmocka_unit_test_prestate(test_cross_steps, &w), cmocka_unit_test_prestate(test_whole, &w),
			cmocka_unit_test_prestate(test_ffn, &w), cmocka_unit_test_prestate(test_long, &w),
			cmocka_unit_test_prestate(test_turns, &w), cmocka_unit_test_prestate(test_memory, &w),
			cmocka_unit_test_prestate(test_no_positions, &w),
		};
		failed += cmocka_run_group_tests_name(sets[i]->name, tests, NULL, NULL);
		for (int t = 0; t < MOST_THREADS; t++)
			ur_ctx_close(&w.c[t]);
	}
	return failed != 0;
}
