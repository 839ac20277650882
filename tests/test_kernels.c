/* Holds every slot of a kernel set to its meaning, on random and extreme inputs, odd sizes, and pointers off any
 * boundary, with guard words around every array; then the products built on them (gemm.h). References are float64
 * loops: C, which defines the meaning, is held to
 * the same ones, so a set is held to C. `--bench` times every slot beside C instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "kernel/gemm.h"
#include "kernel_matrix.h"
#include "kernel_slots.h"

/* -- every slot of the table ------------------------------------------------ */

static double normal(rnd *r)
{
	double s = 0;
	for (int i = 0; i < 6; i++)
		s += rnd_unit(r);
	return s * 0.7071;
}

static void fill(rnd *r, enum fill kind, size_t n, float *x)
{
	static const double edges[] = {0, -0.0, 88, -88, 88.8, -88.8, -103.5, 104, 1e4, -1e4, 9, -9, 0.5, 1e-6, -17.5, 1};
	for (size_t i = 0; i < n; i++) {
		double v = normal(r);
		switch (kind) {
		case F_ZERO: v = 0; break;
		case F_DENORMAL: v *= 1e-40; break;
		case F_EDGE: v = edges[rnd_below(r, 16)]; break;
		case F_HUGE: v *= 1e30; break;
		case F_TINY: v *= 1e-30; break;
		case F_NAN: v = rnd_below(r, 4) ? v : NAN; break;
		case F_INF: v = rnd_below(r, 4) ? v : rnd_below(r, 2) ? INFINITY : -INFINITY; break;
		case F_MASKED: v = i && rnd_below(r, 2) ? -INFINITY : v; break;
		default: v *= rnd_below(r, 5) ? 1 : 6;
		}
		x[i] = (float)v;
	}
}

/* 1 if `got` is what was wanted. Infinity and NaN must be themselves; beyond float32, anything past half its most. */
static int near(double got, double want, double tol)
{
	if (isinf(tol))
		return 1;
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got);
	if (isinf(want) || fabs(want) + tol >= (double)FLT_MAX)
		return got * want > 0 && fabs(got) > 1e38;
	return fabs(got - want) <= tol;
}

static void check_slot(const ur_kernels *k, const slot *s, enum fill kind, int n, rnd *r)
{
	arrays all = {0};
	float *in[SLOT_INS] = {0}, *again[SLOT_OUTS] = {0};
	io o = {.n = n, .total = n + rnd_below(r, 9), .rows = rnd_below(r, 7), .stride = n + rnd_below(r, 5), .a = 0.37f};

	s->shape(&o);
	for (int q = 0; q < SLOT_INS; q++) {
		o.in[q] = in[q] = arr_at(&all, o.ins[q], (size_t)rnd_below(r, 16));
		fill(r, kind, o.ins[q], in[q]);
	}
	for (int q = 0; q < SLOT_OUTS; q++) {
		o.out[q] = arr_at(&all, o.outs[q], (size_t)rnd_below(r, 16));
		fill(r, kind, o.outs[q], o.out[q]);
		again[q] = arr_at(&all, o.outs[q], (size_t)rnd_below(r, 16));
		o.want[q] = arr_must(calloc(o.outs[q] + 1, sizeof(double)));
		o.tol[q] = arr_must(calloc(o.outs[q] + 1, sizeof(double)));
	}
	if (s->fix)
		s->fix(&o, in);
	for (int q = 0; q < SLOT_OUTS; q++)
		for (size_t i = 0; i < o.outs[q]; i++) {
			again[q][i] = o.out[q][i];
			o.want[q][i] = (double)o.out[q][i];
		}
	s->want(&o);
	s->run(k, &o);
	for (int q = 0; q < SLOT_OUTS; q++)
		for (size_t i = 0; i < o.outs[q]; i++)
			if (!near((double)o.out[q][i], o.want[q][i], o.tol[q][i]))
				fail_msg("%s of %s, n %d, fill %d: output %d [%zu] is %.9g, want %.9g +- %.2g", s->name, k->name, n,
				         kind, q, i, (double)o.out[q][i], o.want[q][i], o.tol[q][i]);
	if (!near(o.result, o.want_result, o.tol_result))
		fail_msg("%s of %s, n %d, fill %d: returned %.9g, want %.9g +- %.2g", s->name, k->name, n, kind, o.result,
		         o.want_result, o.tol_result);
	if (s->alias_out >= 0) {
		const float *input = o.in[s->alias_in];
		float *apart = o.out[s->alias_out];
		io b = o;
		for (int q = 0; q < SLOT_OUTS; q++)
			b.out[q] = again[q];
		memcpy(again[s->alias_out], input, o.outs[s->alias_out] * sizeof(float));
		b.in[s->alias_in] = again[s->alias_out];
		s->run(k, &b);
		if (memcmp(again[s->alias_out], apart, o.outs[s->alias_out] * sizeof(float)))
			fail_msg("%s of %s, n %d, fill %d: in place is not the same", s->name, k->name, n, kind);
	}
	if (arr_broken(&all))
		fail_msg("%s of %s, n %d: wrote outside its arrays", s->name, k->name, n);
	for (int q = 0; q < SLOT_OUTS; q++) {
		free(o.want[q]);
		free(o.tol[q]);
	}
	arr_free(&all);
}

struct slot_case { const ur_kernels *k; const slot *s; };

static void test_slot(void **state)
{
	static const int sizes[] = {0,  1,  2,  3,  4,  5,  7,  8,  9,  11, 13,  15,  16,
	                            17, 19, 23, 31, 32, 33, 47, 61, 64, 67, 127, 257, 1031};
	const struct slot_case *c = *state;
	rnd r = {42};
	for (unsigned kind = 1; kind <= F_MASKED; kind *= 2)
		for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
			for (int repeat = 0; repeat < 2; repeat++)
				if (c->s->fills & kind && sizes[j] >= c->s->least)
					check_slot(c->k, c->s, (enum fill)kind, sizes[j], &r);
}

/* A thousand rows of scores seen tile by tile are the softmax seen at once, whatever comes first. */
static void test_online_softmax(void **state)
{
	const ur_kernels *k = *state;
	enum { N = 203 };
	rnd r = {5};
	for (int round = 0; round < 50; round++) {
		float s[N], tile[N], m = -INFINITY, sum = 0;
		double top = -INFINITY, want = 0, got[N], weight = 0;
		int at = 0;
		rnd_fill(&r, N, round % 2 ? 30 : 3, s);
		for (int i = 0; i < N; i++)
			top = fmax(top, 0.5 * (double)s[i]);
		for (int i = 0; i < N; i++)
			want += exp(0.5 * (double)s[i] - top);
		while (at < N) {
			int n = 1 + rnd_below(&r, 40);
			n = n < N - at ? n : N - at;
			memcpy(tile, s + at, (size_t)n * sizeof *s);
			float back;
			k->softmax_tile(1, n, n, 0.5f, tile, 0, &m, &sum, &back);
			for (int i = 0; i < at; i++)
				got[i] *= (double)back;
			for (int i = 0; i < n; i++)
				got[at + i] = (double)tile[i];
			at += n;
		}
		assert_float_equal((double)m, top, 1e-5);
		for (int i = 0; i < N; i++) {
			weight += got[i] / (double)sum;
			assert_true(fabs(got[i] / (double)sum - exp(0.5 * (double)s[i] - top) / want) < 2e-6);
		}
		assert_true(fabs(weight - 1) < 1e-5);
		float lse = m + logf(sum);
		memcpy(tile, s, sizeof tile);
		k->softmax_again(N, N, 0.5f, lse, tile);
		for (int i = 0; i < N; i++)
			assert_true(fabs((double)tile[i] - exp(0.5 * (double)s[i] - top) / want) < 4e-6);
	}
}

/* Rows of scores together are those rows alone, to the bit, and what lies between them is left alone. */
static void test_softmax_rows(void **state)
{
	const ur_kernels *k = *state;
	enum { ROWS = 21, LD = 83 };
	rnd r = {7};
	for (int round = 0; round < 60; round++) {
		float s[ROWS * LD], alone[ROWS * LD], m[ROWS], sum[ROWS], back[ROWS];
		int rows = 1 + rnd_below(&r, ROWS), total = 1 + rnd_below(&r, LD - 1), n = 1 + rnd_below(&r, total);
		rnd_fill(&r, ROWS * LD, round % 3 ? 4 : 1e9f, s);
		memcpy(alone, s, sizeof s);
		for (int i = 0; i < rows; i++) {
			m[i] = i % 3 ? (float)rnd_below(&r, 5) : -INFINITY;
			sum[i] = i % 3 ? 1.5f : 0;
		}
		float m1[ROWS], sum1[ROWS], back1[ROWS];
		memcpy(m1, m, sizeof m);
		memcpy(sum1, sum, sizeof sum);
		k->softmax_tile(rows, n, total, 0.3f, s, LD, m, sum, back);
		for (int i = 0; i < rows; i++)
			k->softmax_tile(1, n, total, 0.3f, alone + i * LD, 0, &m1[i], &sum1[i], &back1[i]);
		assert_memory_equal(s, alone, sizeof s);
		assert_memory_equal(m, m1, (size_t)rows * sizeof *m);
		assert_memory_equal(sum, sum1, (size_t)rows * sizeof *sum);
		assert_memory_equal(back, back1, (size_t)rows * sizeof *back);
		for (int i = 0; i < rows; i++)
			for (int j = 0; j < n; j++)
				assert_true(s[i * LD + j] >= 0 && s[i * LD + j] <= 1.00001f);
	}
}

static void test_pack(void **state)
{
	const ur_kernels *k = *state;
	rnd r = {9};
	for (int n = 1; n <= k->nr; n++)
		for (int K = 0; K < 40; K += 1 + K / 3)
			for (int turned = 0; turned < 2; turned++) {
				arrays all = {0};
				ptrdiff_t column = turned ? 1 : K + 3, depth = turned ? k->nr + 2 : 1;
				float *src = arr_at(&all, (size_t)((n - 1) * column + (K ? K - 1 : 0) * depth + 1), 3);
				float *panel = arr_at(&all, (size_t)(K * k->nr), 5);
				rnd_fill(&r, (size_t)((n - 1) * column + (K ? K - 1 : 0) * depth + 1), 1, src);
				k->pack(n, K, src, column, depth, panel);
				for (int i = 0; i < K; i++)
					for (int j = 0; j < k->nr; j++)
						assert_true(panel[i * k->nr + j] == (j < n ? src[j * column + i * depth] : 0));
				assert_int_equal(arr_broken(&all), 0);
				arr_free(&all);
			}
}

static void test_strips(void **state)
{
	const ur_kernels *k = *state;
	rnd r = {11};
	for (int M = 0; M <= 3 * k->mr + 1; M++)
		for (int K = 0; K < 30; K += 1 + K / 2) {
			arrays all = {0};
			const int mr = k->mr, n = (M + mr - 1) / mr;
			const ptrdiff_t ld = M + rnd_below(&r, 4);
			float *src = arr_at(&all, (size_t)(K * ld), 3), *out = arr_at(&all, (size_t)(n * K * mr), 5);
			rnd_fill(&r, (size_t)(K * ld), 1, src);
			k->strips(M, K, src, ld, out);
			for (int s = 0; s < n; s++)
				for (int i = 0; i < K; i++)
					for (int j = 0; j < mr; j++)
						assert_true(out[(s * K + i) * mr + j] == (s * mr + j < M ? src[i * ld + s * mr + j] : 0));
			assert_int_equal(arr_broken(&all), 0);
			arr_free(&all);
		}
}

/* -- the packed product ------------------------------------------------ */

static int panel_of(const ur_kernels *k, const matrix *m, int n)
{
	int W = m->N / m->blocks;
	return n % W / k->nr * m->blocks + n / W;
}

enum { MOST_ROWS = 67 };

/* How A lies: its rows one after the other, its columns, or its columns cut into strips. */
enum { PLAIN, TURNED, CUT };
#define A_AT(i, q) (turned == CUT ? (i) / mr * strip + (q) * mr + (i) % mr : (i) * row + (q) * col)

/* What column n of a row gives, and how far from it a result may be: kernel.h's words in float64. */
static double exact_element(const matrix *m, const float *row, int n, double start, double *error)
{
	double sum = start, size = fabs(start);

	if (m->dtype != UR_I8) {
		for (int q = 0; q < m->K; q++) {
			sum += (double)row[q] * (double)m->B[n * m->K + q];
			size += fabs((double)row[q] * (double)m->B[n * m->K + q]);
		}
		*error = (m->K + 2) * EPS * size;
		return sum;
	}
	float most = 0;
	for (int q = 0; q < m->K; q++)
		most = fmaxf(most, fabsf(row[q]));
	*error = 0;
	for (int from = 0; from < m->K; from += UR_I8_DEPTH) {
		long dot = 0;
		for (int q = from; q < m->K && q < from + UR_I8_DEPTH; q++)
			dot += most > UR_I8_LEAST ? lrintf(row[q] * (127 / most)) * (long)m->B[n * m->K + q] : 0;
		sum += (double)(most / 127) * (double)m->scale[n] * (double)dot;
		size += fabs((double)(most / 127) * (double)m->scale[n] * (double)dot);
		*error += 4 * EPS * size;
	}
	return sum;
}

static void check_product(const ur_kernels *k, rnd *r, ur_dtype dtype, int N, int K, int blocks, int turned, int mode)
{
	arrays all = {0};
	matrix m = matrix_new(k, &all, r, dtype, N, K, blocks);
	const int M = MOST_ROWS, ldc = N + rnd_below(r, 4);
	const int mr = k->mr, strips = (M + mr - 1) / mr;
	const ptrdiff_t row = turned ? 1 : K + rnd_below(r, 5), col = turned == CUT ? mr : turned ? M + rnd_below(r, 3) : 1;
	const ptrdiff_t strip = turned == CUT ? K * mr + rnd_below(r, 3) : 0;
	const size_t size = (size_t)M * (size_t)ldc;
	const size_t a_size = (size_t)(turned == CUT ? strips * strip : turned ? K * col : M * row);
	float *A = arr_at(&all, a_size, 7), *whole = arr_at(&all, size, 1), *part = arr_at(&all, size, 9);
	float *bias = arr(&all, (size_t)N);
	float *before = arr(&all, size);
	rnd_fill(r, a_size, 1, A);
	rnd_fill(r, size, 3, before);
	rnd_fill(r, (size_t)N, 3, bias);
	memcpy(whole, before, size * sizeof *whole);

	ur_product p = product_of(k, &m, 0, m.panels);
	p.M = M, p.A = A, p.row = row, p.col = col, p.strip = strip, p.C = whole, p.ldc = ldc;
	p.bias = mode ? bias : NULL, p.accumulate = mode == 2; /* where it accumulates, the bias is to be ignored */
	k->product[dtype](&p);
	float *line = arr(&all, (size_t)K);
	for (int i = 0; i < M; i++) {
		for (int q = 0; q < K; q++)
			line[q] = A[A_AT(i, q)];
		for (int n = 0; n < ldc; n++) {
			if (n >= N) {
				if (whole[i * ldc + n] != before[i * ldc + n])
					fail_msg("%s: wrote between rows", k->name);
				continue;
			}
			double start = mode == 2 ? (double)before[i * ldc + n] : mode == 1 ? (double)bias[n] : 0, error;
			double want = exact_element(&m, line, n, start, &error);
			if (!(fabs((double)whole[i * ldc + n] - want) <= error))
				fail_msg("%s dtype %d N %d K %d blocks %d turned %d mode %d: C(%d, %d) is %.9g, want %.9g", k->name,
				         dtype, N, K, blocks, turned, mode, i, n, (double)whole[i * ldc + n], want);
		}
	}
	/* bits of an element depend on nothing but its row of A and its column of B */
	for (int rows = 0; rows <= 20 && (K < 100 || rows < 20); rows += K < 100 ? 1 : 1 + rows / 2) {
		int from = rnd_below(r, M - rows) / (turned == CUT ? mr : 1) * (turned == CUT ? mr : 1);
		int p0 = rnd_below(r, m.panels), p1 = p0 + 1 + rnd_below(r, m.panels - p0);
		memcpy(part, before, size * sizeof *part);
		ur_product q = product_of(k, &m, p0, p1);
		q.M = rows, q.A = A + A_AT(from, 0), q.row = row, q.col = col, q.strip = strip;
		q.C = part + from * ldc, q.ldc = ldc;
		q.bias = p.bias, q.accumulate = p.accumulate;
		k->product[dtype](&q);
		for (int i = 0; i < M; i++)
			for (int n = 0; n < ldc; n++) {
				int in = n < N && i >= from && i < from + rows && panel_of(k, &m, n) >= p0 && panel_of(k, &m, n) < p1;
				const float *want = (in ? whole : before) + i * ldc + n;
				if (memcmp(&part[i * ldc + n], want, sizeof *want))
					fail_msg("%s dtype %d N %d K %d blocks %d turned %d mode %d: rows %d+%d, panels %d to %d: "
					         "C(%d, %d) is %.9g, %s %.9g",
					         k->name, dtype, N, K, blocks, turned, mode, from, rows, p0, p1, i, n,
					         (double)part[i * ldc + n], in ? "with all rows" : "was", (double)*want);
			}
	}
	/* a NaN reaches all of its row, past weights of 0 too, and nothing else; an infinity does so too where
	 * rows become bytes */
	if (K > 0) {
		int bad = rnd_below(r, M), q = rnd_below(r, K);
		A[A_AT(bad, q)] = dtype == UR_I8 && mode == 0 ? -INFINITY : NAN;
		memcpy(part, before, size * sizeof *part);
		p.C = part;
		k->product[dtype](&p);
		for (int i = 0; i < M; i++)
			for (int n = 0; n < N; n++)
				if (i == bad ? !isnan(part[i * ldc + n])
				             : memcmp(&part[i * ldc + n], &whole[i * ldc + n], sizeof *part) != 0)
					fail_msg("%s dtype %d N %d K %d: a NaN in row %d, but C(%d, %d) is %.9g", k->name, dtype, N, K, bad,
					         i, n, (double)part[i * ldc + n]);
	}
	assert_int_equal(arr_broken(&all), 0);
	arr_free(&all);
}

static void test_product(void **state)
{
	const ur_kernels *k = *state;
	const int nr = k->nr, kc = k->kc;
	/* block widths: one column, about a panel, some panels; times the blocks */
	const int shapes[][2] = {{1, 1}, {nr - 1, 1}, {nr, 1}, {nr + 1, 1}, {2 * nr + 3, 1}, {7 * nr, 1},
	                         {13 * nr + 5, 1}, {3 * 3, 3}, {3 * (nr + 1), 3}, {3 * 2 * nr, 3},
	                         {4 * (nr / 2 + 1), 4}, {4 * (3 * nr + 7), 4}};
	const int depths[] = {0, 1, 2, 7, 31, kc - 1, kc, kc + 1, 3 * kc + 5};
	rnd r = {17};
	for (int dtype = 0; dtype < UR_DTYPES; dtype++)
		for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
			for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
				for (int turned = PLAIN; turned <= (dtype == UR_F32 ? CUT : PLAIN); turned++) {
					if (depths[d] > 31 && s % 3 != (d + (size_t)turned) % 3)
						continue;
					int mode = (int)(s + d) % 3;
					check_product(k, &r, (ur_dtype)dtype, shapes[s][0], depths[d], shapes[s][1], turned, mode);
					if (depths[d] <= 31)
						check_product(k, &r, (ur_dtype)dtype, shapes[s][0], depths[d], shapes[s][1], turned,
						              (mode + 1) % 3);
				}
}

/* Bytes: all products at their largest and of one sign, over more than one exact stretch; and rows that are nothing. */
static void test_product_bytes(void **state)
{
	const ur_kernels *k = *state;
	enum { M = 19 };    /* more than are bytes at once where K is this deep */
	const int N = 4 * k->nr + 1, K = 2 * UR_I8_DEPTH + 5;
	arrays all = {0};
	rnd r = {31};
	matrix m = matrix_new(k, &all, &r, UR_I8, N, K, 1);
	float *A = arr(&all, (size_t)M * (size_t)K), *C = arr(&all, (size_t)M * (size_t)N);
	double *want = arr_must(calloc(2 * M * (size_t)N, sizeof *want)), *error = want + M * N;
	static const float size[] = {1e-20f, 3, 3e30f, 1e-38f, 0};
	for (int n = 0; n < N; n++)
		for (int q = 0; q < K; q++) {
			m.B[n * K + q] = n % 2 ? -127 : 127;
			put_weight((char *)m.packed + (size_t)(n / k->nr) * ur_panel_bytes(k, UR_I8, K), UR_I8, k->nr, q,
			           n % k->nr, m.B[n * K + q]);
		}
	for (int i = 0; i < M; i++)
		for (int q = 0; q < K; q++)
			A[i * K + q] = (i % 2 ? -1 : 1) * size[i % 5] * (float)(1 + i / 5);
	ur_product p = product_of(k, &m, 0, m.panels);
	for (int rows = M; rows > 0; rows -= rows == M ? M - 5 : 1) {
		p.M = rows, p.A = A, p.row = K, p.col = 1, p.C = C, p.ldc = N;
		k->product[UR_I8](&p);
		for (int i = 0; i < rows; i++)
			for (int n = 0, at = i * N; n < N; n++, at++) {
				if (rows == M)
					want[at] = exact_element(&m, A + i * K, n, 0, &error[at]);
				if (!(fabs((double)C[at] - want[at]) <= error[at]))
					fail_msg("%s: %d rows, C(%d, %d) is %.9g, want %.9g", k->name, rows, i, n, (double)C[at], want[at]);
				assert_int_equal(want[at] == 0, i % 5 > 2);
			}
	}
	free(want);
	assert_int_equal(arr_broken(&all), 0);
	arr_free(&all);
}

/* What ur_pack_as makes of a matrix, whole and cut in two, of every storage; and products with its parts. */
static void check_stored(const ur_kernels *k, rnd *r, ur_dtype dtype, int rows, int cols, int cut, int blocks)
{
	enum { M = 3 };
	arrays all = {0};
	const int nr = k->nr, W = rows / blocks, wide = rows;
	float *values = arr_at(&all, (size_t)(rows * cols), 1), *scale = arr(&all, (size_t)rows);
	rnd_fill(r, (size_t)(rows * cols), 1, values);
	memset(values + (rows - 1) * cols, 0, (size_t)cols * sizeof *values);
	ur_mat w = {.rows = rows, .cols = cols, .blocks = blocks, .cut = cut, .dtype = dtype, .scale = scale};
	ur_i8_scales(rows, cols, values, scale);
	const size_t first = ur_panel_bytes(k, dtype, cut), deep = first + ur_panel_bytes(k, dtype, cols - cut);
	const size_t bytes = (size_t)ur_panel_count(k, rows, blocks) * deep;
	assert_int_equal(ur_mat_bytes(k, &w), bytes);
	char *panels = memset(arr(&all, (bytes + 3) / 4), 77, bytes), *want = memset(arr(&all, (bytes + 3) / 4), 0, bytes);
	w.panels = panels;
	ur_pack_as(k, &w, values);
	for (int n = 0; n < rows; n++)
		for (int q = 0; q < cols; q++) {
			char *panel = want + (size_t)(n % W / nr * blocks + n / W) * deep + (q < cut ? 0 : first);
			float v = values[n * cols + q], most = 0;
			for (int i = 0; i < cols; i++)
				most = fmaxf(most, fabsf(values[n * cols + i]));
			assert_true(scale[n] == most / 127);
			put_weight(panel, dtype, nr, q < cut ? q : q - cut, n % W % nr,
			           dtype != UR_I8 ? v : scale[n] > 0 ? rintf(v / scale[n]) : 0);
		}
	assert_memory_equal(panels, want, bytes);
	for (int n = 0; n < rows; n++) {
		float row[64];
		const int from = cols / 3;
		ur_unpack(k, &w, n, from, cols - from, row);
		for (int q = from; q < cols; q++) {
			float v = values[n * cols + q];
			if (dtype != UR_F32)
				v = dtype == UR_BF16 ? ur_bf16_value(ur_bf16_of(v)) : scale[n] > 0 ? rintf(v / scale[n]) * scale[n] : 0;
			assert_true(row[q - from] == v);
		}
	}

	/* the parts of a row, each on its own: of floats the two are the whole to the bit */
	float *x = arr(&all, (size_t)(M * cols)), *z = arr(&all, (size_t)(M * wide));
	float *y = arr_at(&all, (size_t)(M * wide), 1);
	rnd_fill(r, (size_t)(M * cols), 1, x);
	ur_mat whole = w;
	whole.cut = 0;
	whole.panels = arr(&all, (ur_mat_bytes(k, &whole) + 3) / 4);
	ur_pack_as(k, &whole, values);
	ur_linear_serial(k, M, &whole, NULL, x, cols, z, wide, 0);
	ur_linear_part(k, M, &w, 0, NULL, x, cols, y, wide, 0);
	ur_linear_part(k, M, &w, 1, NULL, x + cut, cols, y, wide, 1);
	for (int i = 0; i < M * wide; i++)
		if (dtype == UR_I8 ? !(fabsf(y[i] - z[i]) <= 0.02f * (float)sqrt(cols)) : memcmp(&y[i], &z[i], sizeof *y) != 0)
			fail_msg("%s dtype %d: part by part %.9g, at once %.9g", k->name, dtype, (double)y[i], (double)z[i]);
	assert_int_equal(arr_broken(&all), 0);
	arr_free(&all);
}

static void test_stored(void **state)
{
	const ur_kernels *k = *state;
	rnd r = {37};
	for (int dtype = 0; dtype < UR_DTYPES; dtype++) {
		check_stored(k, &r, (ur_dtype)dtype, 1, 1, 0, 1);
		check_stored(k, &r, (ur_dtype)dtype, 3 * (k->nr + 2), 21, 6, 3);
		check_stored(k, &r, (ur_dtype)dtype, 2 * k->nr, 40, 17, 1);
		check_stored(k, &r, (ur_dtype)dtype, 4 * (k->nr - 1), 9, 0, 4);
	}
	static const struct { float from; uint16_t to; } rounds[] = {
		{1, 0x3f80}, {-1, 0xbf80}, {1.00390625f, 0x3f80}, {1.01171875f, 0x3f82}, {0x1.fffffep127f, 0x7f80},
		{INFINITY, 0x7f80}, {0, 0}, {0x1p-149f, 0}, {1.0039064f, 0x3f81},
	};
	for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++)
		assert_int_equal(ur_bf16_of(rounds[i].from), rounds[i].to);
	assert_true(isnan(ur_bf16_value(ur_bf16_of(NAN))));
	assert_true(isnan(ur_bf16_value(ur_bf16_of(-NAN))));
	const float odd[] = {1, NAN, 2};
	float scale;
	ur_i8_scales(1, 3, odd, &scale);
	assert_true(isnan(scale));
	int8_t bytes[3];
	ur_i8_round(3, odd, scale, bytes);
	assert_true(!bytes[0] && !bytes[1] && !bytes[2]);
}

/* -- products on the pool ------------------------------------------------ */

static void open_ctx(ur_ctx *c, const ur_kernels *k, int threads)
{
	assert_true(ur_ctx_open(c, NULL, threads));
	assert_int_equal(c->threads, threads);
	c->k = k;
}

static void check_all(const float *got, const double *want, const double *size, size_t n, int depth, const char *what)
{
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)got[i] - want[i]) <= (depth + 2) * EPS * size[i]))
			fail_msg("%s [%zu] is %.9g, want %.9g", what, i, (double)got[i], want[i]);
}

/* want(i, j) = start + sum over d of a[i * ai + d * ad] b[j * bj + d * bd] */
static void exact(int I, int J, int D, const float *a, ptrdiff_t ai, ptrdiff_t ad, const float *b, ptrdiff_t bj,
                  ptrdiff_t bd, double *want, double *size)
{
	for (int i = 0; i < I; i++)
		for (int j = 0; j < J; j++)
			for (int d = 0; d < D; d++) {
				double t = (double)a[i * ai + d * ad] * (double)b[j * bj + d * bd];
				want[i * J + j] += t;
				size[i * J + j] += fabs(t);
			}
}

static void check_linear(const ur_kernels *k, rnd *r, int M, int out, int in, int blocks)
{
	arrays all = {0};
	const ptrdiff_t ldx = in + rnd_below(r, 3), ldy = out + rnd_below(r, 3);
	const size_t xs = (size_t)M * (size_t)ldx, ys = (size_t)M * (size_t)ldy, ws = (size_t)out * (size_t)in;
	float *x = arr_at(&all, xs, 1), *dy = arr_at(&all, ys, 2), *W = arr_at(&all, ws, 3);
	float *bias = arr_at(&all, (size_t)out, 1);
	ur_mat w = {.rows = out, .cols = in, .blocks = blocks, .data = W};
	size_t plain = ur_panels_size(k, out, in, blocks), turned = ur_panels_size(k, in, out, 1);
	double *want = arr_must(calloc(xs + ys + ws, sizeof *want)), *size = arr_must(calloc(xs + ys + ws, sizeof *size));
	float *first[4] = {0}; /* y, dx, dw, dbias of one thread */
	rnd_fill(r, xs, 1, x);
	rnd_fill(r, ys, 1, dy);
	rnd_fill(r, ws, 1, W);
	rnd_fill(r, (size_t)out, 1, bias);

	assert_int_equal(ur_panel_count(k, out, blocks), (out / blocks + k->nr - 1) / k->nr * blocks);
	assert_int_equal(ur_pack_size(k, &w, 0), plain);
	assert_int_equal(ur_pack_size(k, &w, 1), plain + turned);
	for (int threads = 1; threads <= 3; threads++) {
		ur_ctx c;
		open_ctx(&c, k, threads);
		float *panels = arr(&all, plain), *panels_t = arr(&all, turned), *by_hand = arr(&all, plain);
		w.panels = panels, w.panels_t = panels_t;
		ur_pack_weights(&c, 1, &w);
		ur_pack(k, out, in, blocks, W, in, 1, by_hand);
		assert_memory_equal(panels, by_hand, plain * sizeof *panels);

		for (int accumulate = 0; accumulate < 2; accumulate++) {
			float *y = arr_at(&all, ys, 1), *serial = arr_at(&all, ys, 1), *dx = arr_at(&all, xs, 1);
			float *dw = arr_at(&all, ws, 1), *db = arr_at(&all, (size_t)out, 1);
			rnd same = {77};
			if (accumulate) {
				rnd_fill(&same, ys, 1, y);
				rnd_fill(&same, xs, 1, dx);
			}
			rnd_fill(&same, ws, 1, dw);
			rnd_fill(&same, (size_t)out, 1, db);
			memcpy(serial, y, ys * sizeof *y);

			memset(want, 0, xs * sizeof *want), memset(size, 0, xs * sizeof *size);
			double *ww = want + xs, *sw = size + xs, *wy = ww + ws, *sy = sw + ws;
			memset(wy, 0, ys * sizeof *wy), memset(sy, 0, ys * sizeof *sy);
			for (int i = 0; i < M && threads == 1; i++) {
				for (int j = 0; j < out; j++)
					sy[i * out + j] = fabs(wy[i * out + j] = accumulate ? (double)y[i * ldy + j] : (double)bias[j]);
				for (int j = 0; j < in; j++)
					size[i * in + j] = fabs(want[i * in + j] = accumulate ? (double)dx[i * ldx + j] : 0);
			}
			for (size_t i = 0; i < ws; i++)
				sw[i] = fabs(ww[i] = (double)dw[i]);
			double *wb = arr_must(calloc(2 * (size_t)out, sizeof *wb)), *sb = wb + out;
			for (int j = 0; j < out; j++)
				sb[j] = fabs(wb[j] = (double)db[j]);

			ur_linear(&c, M, &w, bias, x, ldx, y, ldy, accumulate);
			ur_linear_serial(k, M, &w, bias, x, ldx, serial, ldy, accumulate);
			ur_linear_back(&c, M, &w, dy, ldy, dx, ldx, accumulate);
			ur_linear_grad(&c, M, out, in, dy, ldy, x, ldx, dw, accumulate ? NULL : db);
			assert_memory_equal(y, serial, ys * sizeof *y);
			/* what lies between rows is not theirs; then make them dense */
			for (int i = 0; i < M; i++) {
				memmove(y + i * out, y + i * ldy, (size_t)out * sizeof *y);
				memmove(dx + i * in, dx + i * ldx, (size_t)in * sizeof *dx);
			}
			size_t yn = (size_t)M * (size_t)out, xn = (size_t)M * (size_t)in;
			if (threads == 1) {
				exact(M, out, in, x, ldx, 1, W, in, 1, wy, sy);
				exact(M, in, out, dy, ldy, 1, W, 1, in, want, size);
				exact(out, in, M, dy, 1, ldy, x, 1, ldx, ww, sw);
				static const float one = 1;
				if (!accumulate)
					exact(out, 1, M, dy, 1, ldy, &one, 0, 0, wb, sb);
				check_all(y, wy, sy, yn, in, "linear: y");
				check_all(dx, want, size, xn, out, "linear_back: dx");
				check_all(dw, ww, sw, ws, M, "linear_grad: dw");
				check_all(db, wb, sb, (size_t)out, M, "linear_grad: dbias");
				if (accumulate)
					first[0] = y, first[1] = dx, first[2] = dw, first[3] = db;
			} else if (accumulate) {
				if (memcmp(y, first[0], yn * sizeof *y) || memcmp(dx, first[1], xn * sizeof *dx) ||
				    memcmp(dw, first[2], ws * sizeof *dw) || memcmp(db, first[3], (size_t)out * sizeof *db))
					fail_msg("M %d out %d in %d: not the same bits at %d threads as at 1", M, out, in, threads);
			}
			free(wb);
		}
		ur_ctx_close(&c);
	}
	assert_int_equal(arr_broken(&all), 0);
	free(want);
	free(size);
	arr_free(&all);
}

/* Smaller weights at any number of threads: those of a float64 loop, and the same bits. */
static void check_linear_as(const ur_kernels *k, rnd *r, ur_dtype dtype, int M, int out, int in, int blocks)
{
	arrays all = {0};
	matrix m = matrix_new(k, &all, r, dtype, out, in, blocks);
	ur_mat w = {.rows = out, .cols = in, .blocks = blocks, .dtype = dtype, .panels = m.packed, .scale = m.scale};
	const size_t n = (size_t)M * (size_t)out;
	float *x = arr_at(&all, (size_t)(M * in), 1), *bias = arr(&all, (size_t)out), *serial = arr(&all, n);
	rnd_fill(r, (size_t)(M * in), 1, x);
	rnd_fill(r, (size_t)out, 1, bias);
	ur_linear_serial(k, M, &w, bias, x, in, serial, out, 0);
	for (int i = 0; i < M; i++)
		for (int j = 0; j < out; j++) {
			double error, want = exact_element(&m, x + i * in, j, (double)bias[j], &error);
			assert_true(fabs((double)serial[i * out + j] - want) <= error);
		}
	for (int threads = 1; threads <= 3; threads++) {
		ur_ctx c;
		open_ctx(&c, k, threads);
		float *y = arr(&all, n);
		ur_linear(&c, M, &w, bias, x, in, y, out, 0);
		assert_memory_equal(y, serial, n * sizeof *y);
		ur_ctx_close(&c);
	}
	assert_int_equal(arr_broken(&all), 0);
	arr_free(&all);
}

static void test_linear(void **state)
{
	const ur_kernels *k = *state;
	rnd r = {23};
	const int shapes[][4] = {{0, 5, 7, 1},      {1, 1, 1, 1},      {1, 96, 33, 4},  {2, 300, 31, 1},
	                         {7, 33, 65, 3},    {13, 20, 300, 4},  {64, 40, 24, 1}, {259, 30, 17, 3},
	                         {127, 140, 90, 4}, {121, 65, 270, 1}, {521, 37, 45, 1}};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		check_linear(k, &r, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
		check_linear_as(k, &r, UR_BF16, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
		check_linear_as(k, &r, UR_I8, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
	}
}

struct mark { int n, parts; unsigned char seen[64]; };
static void mark_rows(void *arg, int from, int to, int thread)
{
	struct mark *m = arg;
	(void)thread;
	for (int i = from; i < to; i++)
		m->seen[i]++;
}

static void test_for_rows(void **state)
{
	for (int threads = 1; threads <= 3; threads++) {
		ur_ctx c;
		open_ctx(&c, *state, threads);
		for (int n = 0; n < 64; n++)
			for (int least = 1; least < 20; least += 6) {
				struct mark m = {.n = n};
				ur_for_rows(&c, n, least, mark_rows, &m);
				for (int i = 0; i < 64; i++)
					assert_int_equal(m.seen[i], i < n);
			}
		ur_ctx_close(&c);
	}
}

static void test_peak(void **state)
{
	const ur_kernels *k = *state;
	double flops = k->peak(100000);
	assert_true(flops > 1.8e5 && flops < 2.2e5);
}

#include "kernel_bench.h"

int main(int argc, char **argv)
{
	const ur_kernels *sets[2];
	int n = sets_to_test(sets), failed = 0;
	if (!n) {
		printf("this processor cannot run the kernel set asked for\n");
		return 77;
	}
	if (argc > 1 && !strcmp(argv[1], "--bench"))
		return bench(sets[0]);
	for (int i = 0; i < n; i++) {
		void *k = (void *)(uintptr_t)sets[i];
		struct slot_case cases[SLOTS];
		struct CMUnitTest tests[SLOTS + 10] = {
			cmocka_unit_test_prestate(test_online_softmax, k), cmocka_unit_test_prestate(test_softmax_rows, k),
			cmocka_unit_test_prestate(test_pack, k),
			cmocka_unit_test_prestate(test_strips, k),         cmocka_unit_test_prestate(test_product, k),
			cmocka_unit_test_prestate(test_linear, k),         cmocka_unit_test_prestate(test_for_rows, k),
			cmocka_unit_test_prestate(test_peak, k),           cmocka_unit_test_prestate(test_product_bytes, k),
			cmocka_unit_test_prestate(test_stored, k),
		};
		for (int j = 0; j < SLOTS; j++) {
			cases[j] = (struct slot_case){sets[i], &slots[j]};
			tests[10 + j] = (struct CMUnitTest){slots[j].name, test_slot, NULL, NULL, &cases[j]};
		}
		printf("kernel set %s: panels of %d columns, depth %d\n", sets[i]->name, sets[i]->nr, sets[i]->kc);
		failed += cmocka_run_group_tests_name(sets[i]->name, tests, NULL, NULL);
	}
	return failed != 0;
}
