/* The cross-attention block: a part of test_cross.c, included by it alone. */

typedef struct cross_case { int T, B, S, D, heads, ragged; } cross_case;

static const cross_case cross_cases[] = {
	{1, 1, 1, 4, 1, 0}, {1, 3, 5, 8, 2, 1}, {7, 3, 1, 12, 4, 0}, {6, 4, 9, 12, 3, 1}, {13, 6, 8, 16, 16, 1},
	{30, 2, 129, 20, 2, 1}, {140, 2, 31, 24, 4, 1}, {17, 2, 260, 64, 2, 1}, {100, 1, 100, 32, 4, 0},
};

/* What one call reads and what it gave. */
typedef struct crossing {
	cross_case q;
	const int *len, *mlen;
	const matrices *m;
	const float *x, *memory, *dy;
	float *y, *weights, *dx, *dmemory, *dw[UR_BLOCK_PARAMS];
} crossing;

static size_t queries_of(const crossing *x) { return (size_t)(x->q.T * x->q.B * x->q.D); }
static size_t sources_of(const crossing *x) { return (size_t)(x->q.S * x->q.B * x->q.D); }

/* Forward and backward into arrays of their own; dmemory and dw are added to what `start` holds, 0 for NULL. */
static void cross_run(const ur_ctx *c, arrays *a, crossing *x, const crossing *start)
{
	const matrices *m = x->m;
	ur_cross_call call = {.T = x->q.T, .B = x->q.B, .S = x->q.S, .D = x->q.D, .heads = x->q.heads};
	ur_need need = ur_cross_need(c, &call);
	size_t steps = (size_t)(x->q.T * x->q.B), rows = (size_t)x->q.S;

	x->y = arr(a, queries_of(x));
	x->weights = arr(a, steps * rows);
	x->dx = arr(a, queries_of(x));
	x->dmemory = start ? copy(a, start->dmemory, sources_of(x)) : zeros(a, sources_of(x));
	for (int i = 0; i < m->n; i++)
		x->dw[i] = start ? copy(a, start->dw[i], m->size[i]) : zeros(a, m->size[i]);
	call.len = x->len, call.mlen = x->mlen, call.w = m->w, call.x = x->x, call.memory = x->memory;
	call.y = x->y, call.weights = x->weights, call.saved = arr(a, need.saved), call.work = arr(a, need.forward);
	ur_cross_forward(c, &call);
	call.dy = x->dy, call.dx = x->dx, call.dmemory = x->dmemory, call.dw = x->dw, call.work = arr(a, need.backward);
	ur_cross_backward(c, &call);

	/* without `saved`, with weights and without: the same */
	float *y = arr(a, queries_of(x)), *weights = arr(a, steps * rows);
	call.y = y, call.saved = NULL, call.weights = weights, call.work = arr(a, need.forward);
	ur_cross_forward(c, &call);
	assert_true(same(y, x->y, queries_of(x)) && same(weights, x->weights, steps * rows));
	arr_fresh(y, queries_of(x));
	call.weights = NULL, call.work = arr(a, need.forward);
	ur_cross_forward(c, &call);
	assert_true(same(y, x->y, queries_of(x)));
}

/* in: the parameters, x, memory */
static void plain_cross(const crossing *c, double *const *in, double *y, double *weights)
{
	arrays a = {0};
	int M = c->q.T * c->q.B, N = c->q.S * c->q.B, D = c->q.D;
	size_t n = queries_of(c), m = sources_of(c), square = (size_t)(D * D);
	double *q = reals(&a, n), *k = reals(&a, m), *v = reals(&a, m), *o = reals(&a, n);
	plain p = {c->q.T, c->q.B, c->q.S, c->q.heads, c->q.heads, D / c->q.heads, 0, c->len, c->mlen};
	plain_linear(M, D, D, in[0], in[3], in[6], q);
	plain_linear(N, D, D, in[1], in[4], in[7], k);
	plain_linear(N, D, D, in[1] + square, in[4] + D, in[7], v);
	plain_forward(&p, q, k, v, o, weights);
	plain_linear(M, D, D, in[2], in[5], o, y);
	for (int i = 0; i < M * D; i++)
		if (i / D / c->q.B >= rows_of(c->len, i / D % c->q.B, c->q.T))
			y[i] = 0;
	arr_free(&a);
}

static double cross_loss(const void *of, double *const *in)
{
	const crossing *c = of;
	arrays a = {0};
	double *y = reals(&a, queries_of(c));
	plain_cross(c, in, y, NULL);
	double loss = loss_of(c->q.T, c->q.B, c->len, c->q.D, c->dy, y);
	arr_free(&a);
	return loss;
}

static void cross_setup(const bench *w, arrays *a, rnd *r, const cross_case *q, matrices *m, crossing *x, int *len,
                        int *mlen)
{
	size_t D = (size_t)q->D;
	m->n = ur_cross_params(q->D, m->p);
	draw_matrices(w, a, r, m);
	draw_lengths(r, q->ragged, q->B, q->T, len);
	draw_lengths(r, q->ragged, q->B, q->S, mlen);
	if (q->ragged && q->B > 2)
		len[1] = 0;
	*x = (crossing){.q = *q, .len = q->ragged ? len : NULL, .mlen = q->ragged ? mlen : NULL, .m = m};
	float *in = randoms(a, r, queries_of(x), 1), *memory = randoms(a, r, sources_of(x), 1);
	float *dy = randoms(a, r, queries_of(x), 1);
	poison(in, q->T, q->B, x->len, D);
	poison(dy, q->T, q->B, x->len, D);
	poison(memory, q->S, q->B, x->mlen, D);
	x->x = in, x->memory = memory, x->dy = dy;
}

static void check_weights(const crossing *x, const char *name, const double *want)
{
	int B = x->q.B, S = x->q.S;
	near(name, "weights", differ(x->weights, want, (size_t)(x->q.T * B * S)), 1e-5);
	for (int i = 0; i < x->q.T * B; i++) {
		double sum = 0;
		for (int s = 0; s < S; s++) {
			float p = x->weights[(size_t)i * (size_t)S + (size_t)s];
			assert_true(s < rows_of(x->mlen, i % B, S) ? p >= 0 : p == 0);
			sum += (double)p;
		}
		near(name, "sum of weights", fabs(sum - (i / B < rows_of(x->len, i % B, x->q.T))), 1e-6);
	}
}

/* Each sequence by itself gives what it gave among others. */
static void check_cross_alone(const bench *w, const crossing *x, const char *name)
{
	for (int b = 0; b < x->q.B; b++) {
		arrays a = {0};
		int B = x->q.B, T = rows_of(x->len, b, x->q.T), S = rows_of(x->mlen, b, x->q.S);
		size_t D = (size_t)x->q.D, n = (size_t)T * D, m = (size_t)S * D;
		crossing one = *x;
		one.q.T = T, one.q.B = 1, one.q.S = S, one.len = NULL, one.mlen = NULL;
		if (!T)
			continue;
		one.x = alone(&a, x->x, T, B, b, D);
		one.dy = alone(&a, x->dy, T, B, b, D);
		one.memory = alone(&a, x->memory, S, B, b, D);
		cross_run(&w->c[0], &a, &one, NULL);
		near(name, "y alone", differ(one.y, as_reals(&a, alone(&a, x->y, T, B, b, D), n), n), 2e-6);
		near(name, "dx alone", differ(one.dx, as_reals(&a, alone(&a, x->dx, T, B, b, D), n), n), 2e-6);
		near(name, "dmemory alone", differ(one.dmemory, as_reals(&a, alone(&a, x->dmemory, S, B, b, D), m), m), 2e-6);
		arr_free(&a);
	}
}

static void check_cross(const bench *w, const cross_case *q, rnd *r)
{
	arrays a = {0};
	int len[MOST_B], mlen[MOST_B];
	size_t n = (size_t)(q->T * q->B * q->D), rows = (size_t)(q->S * q->B * q->D);
	matrices m = {0};
	crossing x, again, more;
	char name[64];

	snprintf(name, sizeof name, "cross T %d B %d S %d D %d", q->T, q->B, q->S, q->D);
	cross_setup(w, &a, r, q, &m, &x, len, mlen);
	cross_run(&w->c[0], &a, &x, NULL);

	slopes s = {.loss = cross_loss, .of = &x};
	for (int i = 0; i < m.n; i++)
		slopes_add(&s, m.p[i].name, m.size[i], m.data[i], x.dw[i]);
	slopes_add(&s, "x", n, x.x, x.dx);
	slopes_add(&s, "memory", rows, x.memory, x.dmemory);
	double *in[8], *y = reals(&a, n), *weights = reals(&a, (size_t)(q->T * q->B * q->S));
	for (int i = 0; i < s.n; i++)
		in[i] = as_reals(&a, s.at[i], s.size[i]);
	plain_cross(&x, in, y, weights);
	near(name, "y", differ(x.y, y, n), 1e-5);
	check_weights(&x, name, weights);
	assert_true(zero_tails(x.y, q->T, q->B, x.len, (size_t)q->D));
	assert_true(zero_tails(x.dx, q->T, q->B, x.len, (size_t)q->D));
	assert_true(zero_tails(x.dmemory, q->S, q->B, x.mlen, (size_t)q->D));
	const char *part = "nothing";
	double worst = slopes_worst(&s, r, q->T * q->S > 2000 ? 1 : 3, &part);
	near(name, part, worst, 1e-4);

	/* the same bits at two threads; gradients are added to what is there, beyond a length nothing */
	again = x;
	cross_run(&w->c[1], &a, &again, NULL);
	assert_true(same(again.y, x.y, n) && same(again.dx, x.dx, n) && same(again.dmemory, x.dmemory, rows));
	assert_true(same(again.weights, x.weights, (size_t)(q->T * q->B * q->S)));
	for (int i = 0; i < m.n; i++)
		assert_true(same(again.dw[i], x.dw[i], m.size[i]));
	again.dmemory = randoms(&a, r, rows, 1);
	for (int i = 0; i < m.n; i++)
		again.dw[i] = randoms(&a, r, m.size[i], 1);
	more = x;
	cross_run(&w->c[1], &a, &more, &again);
	for (int i = 0; i <= m.n; i++) {
		size_t size = i < m.n ? m.size[i] : rows;
		const float *had = i < m.n ? again.dw[i] : again.dmemory, *gave = i < m.n ? x.dw[i] : x.dmemory;
		double *sum = as_reals(&a, had, size);
		for (size_t j = 0; j < size; j++)
			sum[j] += (double)gave[j];
		near(name, "a gradient added to another", differ(i < m.n ? more.dw[i] : more.dmemory, sum, size), 2e-6);
	}
	check_cross_alone(w, &x, name);
	assert_int_equal(arr_broken(&a), 0);
	arr_free(&a);
}

static void test_cross(void **state)
{
	rnd r = {12};
	for (size_t i = 0; i < sizeof cross_cases / sizeof *cross_cases; i++)
		check_cross(*state, &cross_cases[i], &r);
}

/* Steps with what was remembered of each source = forward; streams together = one at a time, to the bit. */
static void test_cross_steps(void **state)
{
	const bench *w = *state;
	rnd r = {13};
	for (size_t i = 0; i < sizeof cross_cases / sizeof *cross_cases; i++) {
		arrays a = {0};
		cross_case q = cross_cases[i];
		int len[MOST_B], mlen[MOST_B], B = q.B;
		size_t D = (size_t)q.D, work = ur_cross_step_work(q.D, q.heads, B);
		matrices m = {0};
		crossing x;
		float *made[MOST_B], *weights[MOST_B], *y = arr(&a, (size_t)B * D), *one = arr(&a, D);

		cross_setup(w, &a, &r, &q, &m, &x, len, mlen);
		x.len = NULL;
		x.x = randoms(&a, &r, queries_of(&x), 1);
		x.dy = randoms(&a, &r, queries_of(&x), 1);
		cross_run(&w->c[0], &a, &x, NULL);
		for (int b = 0; b < B; b++) {
			mlen[b] = rows_of(x.mlen, b, q.S);
			made[b] = arr(&a, ur_cross_memory_size(q.D, q.S));   /* beyond mlen it stays NaN */
			ur_cross_remember(w->k, q.D, m.w, mlen[b], alone(&a, x.memory, mlen[b], B, b, D), made[b]);
			weights[b] = arr(&a, (size_t)mlen[b]);
		}
		for (int t = 0; t < q.T; t++) {
			const float *row = x.x + (size_t)(t * B) * D;
			ur_cross_step(w->k, q.D, q.heads, m.w, B, row, y, (const float *const *)made, mlen, weights, arr(&a, work));
			const double *want_y = as_reals(&a, x.y + (size_t)(t * B) * D, (size_t)B * D);
			near("cross", "a step", differ(y, want_y, (size_t)B * D), 1e-5);
			for (int b = 0; b < B; b++) {
				const float *want = x.weights + (size_t)((t * B + b) * q.S);
				near("cross", "a step's weights", differ(weights[b], as_reals(&a, want, (size_t)mlen[b]),
				     (size_t)mlen[b]), 1e-5);
				ur_cross_step(w->k, q.D, q.heads, m.w, 1, row + (size_t)b * D, one, (const float *const *)&made[b],
				              &mlen[b], NULL, arr(&a, ur_cross_step_work(q.D, q.heads, 1)));
				assert_true(same(one, y + (size_t)b * D, D));
			}
			if (t > 20)
				t += q.T / 7;
		}
		assert_int_equal(arr_broken(&a), 0);
		arr_free(&a);
	}
}
