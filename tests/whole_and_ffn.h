/* The attention mixer over whole sequences, and feed-forward halves: a part of test_cross.c, included by it alone. */

/* Options go by name, so that the mixer keeps its own order. */
typedef struct whole_case { int T, B, D, heads, kv_heads, rope, bias, ragged; } whole_case;

static const whole_case whole_cases[] = {
	{1, 2, 8, 2, 0, 0, 1, 0}, {6, 4, 12, 6, 2, 0, 1, 1}, {9, 3, 16, 4, 1, 1, 0, 1}, {50, 3, 24, 2, 0, 1, 1, 1},
	{129, 2, 32, 4, 2, 0, 1, 1}, {270, 2, 16, 2, 1, 1, 1, 1},
};

typedef struct encoding {
	whole_case q;
	const int *len;
	const matrices *m;
	const float *x, *dy;
	float *y, *dx, *dw[UR_MIXER_PARAMS];
} encoding;

static void set_option(ur_dims *d, const ur_mixer *m, const char *name, double value)
{
	for (int i = 0; m->options[i].name; i++)
		if (!strcmp(m->options[i].name, name))
			d->option[i] = value;
}

static ur_dims whole_dims(const ur_mixer *m, const whole_case *q)
{
	ur_dims d = {.in = q->D, .out = q->D, .context = q->T};
	for (int i = 0; m->options[i].name; i++)
		d.option[i] = m->options[i].standard;
	set_option(&d, m, "heads", q->heads);
	set_option(&d, m, "kv_heads", q->kv_heads);
	set_option(&d, m, "rope", q->rope);
	set_option(&d, m, "bias", q->bias);
	return d;
}

static void whole_run(const ur_ctx *c, arrays *a, encoding *e)
{
	const ur_mixer *m = ur_mixer_find("attention");
	const ur_mixer_forward *f = ur_mixer_forward_of(m);
	ur_dims d = whole_dims(m, &e->q);
	size_t n = (size_t)(e->q.T * e->q.B * e->q.D);
	float *y = arr(a, n);
	ur_span s = {.T = e->q.T, .B = e->q.B, .len = e->len, .x = e->x, .y = e->y = arr(a, n), .whole = 1};
	ur_need need = f->need(c, &d, &s);
	float *saved = arr(a, need.saved);

	assert_true(m->flags & UR_SEES_ALL);
	assert_null(m->check(&d));
	f->forward(c, &d, e->m->w, &s, saved, arr(a, need.forward));
	e->dx = arr(a, n);
	for (int i = 0; i < e->m->n; i++)
		e->dw[i] = zeros(a, e->m->size[i]);
	ur_mixer_backward_of(m)->backward(c, &d, e->m->w, &s, saved, e->dy, e->dx, e->dw, NULL, NULL,
	                                  arr(a, need.backward));
	s.y = y;
	f->forward(c, &d, e->m->w, &s, NULL, arr(a, need.forward));
	assert_true(same(y, e->y, n));
}

/* Pairs (i, i + E/2) of each head of x (T, B, heads E), turned by the row's position. */
static void plain_rope(int T, int B, int heads, int E, double *x)
{
	for (int i = 0; i < T * B * heads; i++)
		for (int e = 0; e < E / 2; e++) {
			double angle = i / heads / B * pow(10000, -2.0 * e / E), *p = x + i * E + e, u = p[0], v = p[E / 2];
			p[0] = u * cos(angle) - v * sin(angle);
			p[E / 2] = v * cos(angle) + u * sin(angle);
		}
}

/* in: the parameters, x */
static void plain_whole(const encoding *e, double *const *in, double *y)
{
	arrays a = {0};
	const whole_case *q = &e->q;
	int M = q->T * q->B, D = q->D, kv_heads = q->kv_heads ? q->kv_heads : q->heads, E = D / q->heads, kv = kv_heads * E;
	const double *wo = in[q->bias ? 2 : 1], *bias = q->bias ? in[1] : NULL, *x = in[e->m->n];
	double *Q = reals(&a, (size_t)(M * D)), *K = reals(&a, (size_t)(M * kv)), *V = reals(&a, (size_t)(M * kv));
	double *o = reals(&a, (size_t)(M * D));
	plain p = {q->T, q->B, q->T, q->heads, kv_heads, E, 0, e->len, e->len};
	plain_linear(M, D, D, in[0], bias, x, Q);
	plain_linear(M, kv, D, in[0] + D * D, bias ? bias + D : NULL, x, K);
	plain_linear(M, kv, D, in[0] + (D + kv) * D, bias ? bias + D + kv : NULL, x, V);
	if (q->rope) {
		plain_rope(q->T, q->B, q->heads, E, Q);
		plain_rope(q->T, q->B, kv_heads, E, K);
	}
	plain_forward(&p, Q, K, V, o, NULL);
	plain_linear(M, D, D, wo, q->bias ? in[3] : NULL, o, y);
	for (int i = 0; i < M * D; i++)
		if (i / D / q->B >= rows_of(e->len, i / D % q->B, q->T))
			y[i] = 0;
	arr_free(&a);
}

static double whole_loss(const void *of, double *const *in)
{
	const encoding *e = of;
	arrays a = {0};
	double *y = reals(&a, (size_t)(e->q.T * e->q.B * e->q.D));
	plain_whole(e, in, y);
	double loss = loss_of(e->q.T, e->q.B, e->len, e->q.D, e->dy, y);
	arr_free(&a);
	return loss;
}

static void check_whole(const bench *w, const whole_case *q, rnd *r)
{
	arrays a = {0};
	const ur_mixer *mixer = ur_mixer_find("attention");
	ur_dims d = whole_dims(mixer, q);
	size_t D = (size_t)q->D, n = (size_t)(q->T * q->B) * D;
	matrices m = {.n = mixer->params(&d, m.p)};
	int len[MOST_B];
	float *x = randoms(&a, r, n, 1), *dy = randoms(&a, r, n, 1);
	char name[64];

	snprintf(name, sizeof name, "whole T %d B %d D %d", q->T, q->B, q->D);
	draw_matrices(w, &a, r, &m);
	draw_lengths(r, q->ragged, q->B, q->T, len);
	encoding e = {.q = *q, .len = q->ragged ? len : NULL, .m = &m, .x = x, .dy = dy}, two;
	poison(x, q->T, q->B, e.len, D);
	poison(dy, q->T, q->B, e.len, D);
	whole_run(&w->c[0], &a, &e);

	slopes s = {.loss = whole_loss, .of = &e};
	for (int i = 0; i < m.n; i++)
		slopes_add(&s, m.p[i].name, m.size[i], m.data[i], e.dw[i]);
	slopes_add(&s, "x", n, x, e.dx);
	double *in[MOST_PARTS], *y = reals(&a, n);
	for (int i = 0; i < s.n; i++)
		in[i] = as_reals(&a, s.at[i], s.size[i]);
	plain_whole(&e, in, y);
	near(name, "y", differ(e.y, y, n), 1e-5);
	assert_true(zero_tails(e.y, q->T, q->B, e.len, D) && zero_tails(e.dx, q->T, q->B, e.len, D));
	const char *part = "nothing";
	double worst = slopes_worst(&s, r, q->T > 60 ? 1 : 3, &part);
	near(name, part, worst, 1e-4);

	two = e;
	whole_run(&w->c[1], &a, &two);
	assert_true(same(two.y, e.y, n) && same(two.dx, e.dx, n));
	for (int i = 0; i < m.n; i++)
		assert_true(same(two.dw[i], e.dw[i], m.size[i]));
	for (int b = 0; b < q->B; b++) {
		int T = rows_of(e.len, b, q->T);
		encoding one = e;
		one.q.T = T, one.q.B = 1, one.len = NULL;
		one.x = alone(&a, x, T, q->B, b, D);
		one.dy = alone(&a, dy, T, q->B, b, D);
		whole_run(&w->c[0], &a, &one);
		size_t size = (size_t)T * D;
		near(name, "y alone", differ(one.y, as_reals(&a, alone(&a, e.y, T, q->B, b, D), size), size), 2e-6);
		near(name, "dx alone", differ(one.dx, as_reals(&a, alone(&a, e.dx, T, q->B, b, D), size), size), 5e-6);
	}
	assert_int_equal(arr_broken(&a), 0);
	arr_free(&a);
}

static void test_whole(void **state)
{
	rnd r = {14};
	for (size_t i = 0; i < sizeof whole_cases / sizeof *whole_cases; i++)
		check_whole(*state, &whole_cases[i], &r);
}

/* -- feed-forward ------------------------------------------------ */

typedef struct ffn_case {
	const ur_ffn *f;
	const ur_norm *norm;
	int D, F, rows, norms, n;
	const float *dy;
	const double *mask;      /* what dropout multiplies with */
} ffn_case;

static double plain_act(const ur_ffn *f, const double *h, int i, int F)
{
	if (f == &ur_ffn_relu)
		return h[i] > 0 ? h[i] : 0;
	if (f == &ur_ffn_gelu)
		return 0.5 * h[i] * (1 + tanh(sqrt(2 / acos(-1)) * (h[i] + 0.044715 * h[i] * h[i] * h[i])));
	return h[i] / (1 + exp(-h[i])) * h[F + i];
}

/* in: the norm's parameters, the block's, x */
static void plain_ffn(const ffn_case *q, double *const *in, double *y)
{
	arrays a = {0};
	int D = q->D, F = q->F, wide = F * q->f->gates;
	double *n = reals(&a, (size_t)D), *h = reals(&a, (size_t)wide), *g = reals(&a, (size_t)F);
	double *const *w = in + q->norms;
	for (int r = 0; r < q->rows; r++) {
		const double *x = in[q->n] + r * D;
		double mean = 0, var = 0;
		for (int i = 0; i < D; i++)
			mean += q->norm == &ur_norm_layer ? x[i] / D : 0;
		for (int i = 0; i < D; i++)
			var += (x[i] - mean) * (x[i] - mean) / D;
		for (int i = 0; i < D; i++)
			n[i] = q->norm ? (x[i] - mean) / sqrt(var + 1e-5) * in[0][i] + (q->norms > 1 ? in[1][i] : 0) : x[i];
		plain_linear(1, wide, D, w[0], q->f->bias ? w[2] : NULL, n, h);
		for (int i = 0; i < F; i++)
			g[i] = plain_act(q->f, h, i, F);
		plain_linear(1, D, F, w[1], q->f->bias ? w[3] : NULL, g, y + r * D);
		for (int i = 0; i < D; i++)
			y[r * D + i] = x[i] + y[r * D + i] * q->mask[r * D + i];
	}
	arr_free(&a);
}

static double ffn_loss(const void *of, double *const *in)
{
	const ffn_case *q = of;
	arrays a = {0};
	double *y = reals(&a, (size_t)(q->rows * q->D));
	plain_ffn(q, in, y);
	double loss = loss_of(q->rows, 1, NULL, q->D, q->dy, y);
	arr_free(&a);
	return loss;
}

static void check_ffn(const bench *w, const ur_ffn *f, const ur_norm *norm, float dropped, rnd *r)
{
	arrays a = {0};
	ffn_case q = {.f = f, .norm = norm, .D = 13, .F = 37, .rows = 230};
	size_t n = (size_t)(q.rows * q.D), wide = (size_t)(q.rows * q.F * f->gates);
	matrices m = {0};
	float *x = randoms(&a, r, n, 1), *dy = randoms(&a, r, n, 1), *mask = arr(&a, n), *first[MOST_PARTS + 2] = {0};
	ur_dropout drop = {.p = dropped, .seed = 3, .step = 5, .site = 2};
	char name[64];

	snprintf(name, sizeof name, "%s, norm %s, dropout %g", f->name, norm ? norm->name : "none", (double)dropped);
	q.norms = norm ? ur_norm_params(norm, q.D, m.p) : 0;
	q.n = m.n = q.norms + ur_ffn_params(f, q.D, q.F, m.p + q.norms);
	draw_matrices(w, &a, r, &m);
	for (size_t i = 0; i < n; i++)
		mask[i] = 1;
	if (dropped > 0)
		ur_drop(&drop, 0, n, mask, mask);
	q.mask = as_reals(&a, mask, n);
	q.dy = dy;
	for (int t = 0; t < MOST_THREADS; t++) {
		const ur_ctx *c = &w->c[t];
		float *y = arr(&a, n), *unsaved = arr(&a, n), *dx = arr(&a, n), *dw[UR_MIXER_PARAMS];
		for (int i = 0; i < m.n; i++)
			dw[i] = zeros(&a, m.size[i]);
		ur_ffn_call call = {.norm = norm, .ffn = f, .D = q.D, .F = q.F, .rows = q.rows, .norm_w = norm ? m.w : NULL,
		                    .w = m.w + q.norms, .drop = drop, .x = x, .y = unsaved,
		                    .work = arr(&a, ur_ffn_work(c, f, q.D, q.F, q.rows, 0))};
		ur_ffn_forward(c, &call);
		call.y = y, call.h = arr(&a, wide), call.stats = norm ? arr(&a, 2 * (size_t)q.rows) : NULL;
		call.work = arr(&a, ur_ffn_work(c, f, q.D, q.F, q.rows, 1));
		ur_ffn_forward(c, &call);
		assert_true(same(y, unsaved, n));
		call.dy = dy, call.dx = dx, call.dnorm = norm ? dw : NULL, call.dw = dw + q.norms;
		ur_ffn_backward(c, &call);
		if (t) {
			assert_true(same(y, first[m.n], n) && same(dx, first[m.n + 1], n));
			for (int i = 0; i < m.n; i++)
				assert_true(same(dw[i], first[i], m.size[i]));
			break;
		}
		slopes s = {.loss = ffn_loss, .of = &q};
		for (int i = 0; i < m.n; i++) {
			slopes_add(&s, m.p[i].name, m.size[i], m.data[i], dw[i]);
			first[i] = dw[i];
		}
		slopes_add(&s, "x", n, x, dx);
		first[m.n] = y, first[m.n + 1] = dx;
		double *in[MOST_PARTS], *want = reals(&a, n);
		for (int i = 0; i < s.n; i++)
			in[i] = as_reals(&a, s.at[i], s.size[i]);
		plain_ffn(&q, in, want);
		near(name, "y", differ(y, want, n), 1e-5);
		const char *part = "nothing";
		double worst = slopes_worst(&s, r, 3, &part);
		near(name, part, worst, 3e-4);
	}
	assert_int_equal(arr_broken(&a), 0);
	arr_free(&a);
}

static void test_ffn(void **state)
{
	static const ur_ffn *const kinds[] = {&ur_ffn_relu, &ur_ffn_gelu, &ur_ffn_swiglu};
	static const ur_norm *const norms[] = {NULL, &ur_norm_layer, &ur_norm_rms};
	rnd r = {15};
	for (int i = 0; i < 18; i++)
		check_ffn(*state, kinds[i % 3], norms[i / 3 % 3], i < 9 ? 0 : 0.3f, &r);
}
