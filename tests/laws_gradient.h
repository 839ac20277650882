/* The laws of gradients, threads, storage and NaN: the second half of test_laws.c, included by it alone. */

/* Sums of products, in float64. */
static double along(const float *a, const float *b, size_t n)
{
	double s = 0;
	for (size_t i = 0; i < n; i++)
		s += (double)a[i] * (double)b[i];
	return s;
}

/* Floats of a state that are counts, which nothing can be moved along. */
static size_t counts(const world *w) { return w->m->state_counts / sizeof(float); }

/* The loss whose gradient dy and ds are: dy y + ds (last state). */
typedef struct loss {
	ur_span s;               /* x, memory and lengths */
	const states *start;
	const float *dy;
	const states *ds;        /* NULL: the state counts nothing */
} loss;

static double loss_at(world *w, const loss *l)
{
	arrays a = {0};
	size_t n = steps_of(&l->s) * (size_t)w->d.out;
	float *y = arr(&a, n);
	states s = states_copy(w, &a, l->start, l->s.B);
	ur_span span = l->s;
	span.y = y, span.state = s.at;
	forward(w, w->ctx, &a, &span, 0);
	double sum = along(y, l->dy, n);
	for (int b = 0; b < l->s.B && l->ds; b++)
		sum += along((float *)s.at[b] + counts(w), (float *)l->ds->at[b] + counts(w), w->state - counts(w));
	arr_free(&a);
	return sum;
}

/* What a loss depends on, by number: the parameters, then x, the first states, memory. NULL: not this one. */
enum { X, STATE, SEEN, OTHERS, PARTS = UR_MIXER_PARAMS + OTHERS };
static const char *const other_names[OTHERS] = {"x", "the first state", "memory"};
typedef struct parts { float *at[PARTS]; } parts;

static size_t part_floats(const world *w, const loss *l, int i)
{
	const size_t others[OTHERS] = {input_floats(w, &l->s), (size_t)l->s.B * w->state, memory_floats(w, l->s.B)};
	return i < w->n ? w->size[i] : others[i - w->n];
}

static void move(float *to, const float *v, const float *d, size_t n, double h)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (float)((double)v[i] + h * (double)d[i]);
}

/* The loss with everything moved by h along d; puts the parameters back. */
static double moved_loss(world *w, const loss *l, const parts *d, double h)
{
	arrays a = {0};
	float *kept[UR_MIXER_PARAMS];
	states start = *l->start;
	loss at = *l;
	at.start = &start;
	for (int i = X; i <= SEEN; i += SEEN - X)
		if (d->at[w->n + i]) {
			const float **from = i == X ? &at.s.x : &at.s.memory;
			size_t n = part_floats(w, l, w->n + i);
			float *moved = arr(&a, n);
			move(moved, *from, d->at[w->n + i], n, h);
			*from = moved;
		}
	if (d->at[w->n + STATE]) {
		start = states_copy(w, &a, l->start, l->s.B);
		for (int b = 0; b < l->s.B; b++)
			move((float *)start.at[b] + counts(w), (float *)l->start->at[b] + counts(w),
			     d->at[w->n + STATE] + (size_t)b * w->state + counts(w), w->state - counts(w), h);
	}
	for (int i = 0; i < w->n; i++)
		if (d->at[i]) {
			kept[i] = copy_of(&a, w->data[i], w->size[i]);
			move(w->data[i], kept[i], d->at[i], w->size[i], h);
			ur_pack_weights(w->ctx, 1, &w->w[i]);
		}
	double value = loss_at(w, &at);
	for (int i = 0; i < w->n; i++)
		if (d->at[i]) {
			memcpy(w->data[i], kept[i], w->size[i] * sizeof(float));
			ur_pack_weights(w->ctx, 1, &w->w[i]);
		}
	arr_free(&a);
	return value;
}

/* Along directions of random signs: the difference of the loss, by Richardson's extrapolation, against the gradient's.
 * A gradient of which a hundredth is missing is off by about a hundredth of its norm; the best of some step sizes
 * counts, since large ones bend, small ones drown in rounding, and some straddle a kink. g: the parts to move, as
 * gradients. */
static void check_gradient(world *w, const loss *l, const parts *g, const char *name)
{
	static const double sizes[] = {0.02, 0.005, 0.1, 0.0015, 0.0003};
	/* more units, more kinks */
	const double bound = w->big ? 5e-3 : 2e-3, of_dy = sqrt(along(l->dy, l->dy, steps_of(&l->s) * (size_t)w->d.out));
	for (int round = 0; round < (w->big ? 1 : 2); round++) {
		arrays a = {0};
		parts d = {0};
		double best = INFINITY, want = 0, norm = 0;
		for (int i = 0; i < w->n + OTHERS; i++) {
			/* about as far for the output, however many inputs add up */
			const int widths[OTHERS] = {w->d.in, w->d.out, w->d.memory};
			int add_up = i >= w->n ? widths[i - w->n] : w->p[i].cols ? w->p[i].cols : 1;
			size_t n = part_floats(w, l, i);
			if (!g->at[i])
				continue;
			d.at[i] = arr(&a, n);
			for (size_t j = 0; j < n; j++)
				d.at[i][j] = (float)((rnd_below(&w->r, 2) ? 1 : -1) / sqrt(add_up));
			want += along(g->at[i], d.at[i], n);
			norm += along(g->at[i], g->at[i], n) / add_up;
		}
		for (int i = 0; i < 5 && best > bound / 2; i++) {
			double h = sizes[i];
			double wide = (moved_loss(w, l, &d, h) - moved_loss(w, l, &d, -h)) / (2 * h);
			double half = (moved_loss(w, l, &d, h / 2) - moved_loss(w, l, &d, -h / 2)) / h;
			/* with a kink between, the extrapolation overshoots: the plain difference may be nearer */
			double off = fmin(fabs((4 * half - wide) / 3 - want), fabs(half - want));
			best = fmin(best, off / fmax(sqrt(norm), 1e-3 * of_dy));
		}
		keep(w, GRAD, best, bound, name);
		arr_free(&a);
	}
}

static void law_gradient(world *w)
{
	arrays a = {0};
	int B = w->big ? w->B : 3, T = w->T, len[] = {T, T - 2, T};
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out, n = (size_t)T * (size_t)B, floats = w->state;
	states start = states_warm(w, &a, B, w->warm, 1), s0 = states_copy(w, &a, &start, B), ds, last;
	float *x = random_floats(w, &a, n * in, 1), *y = arr(&a, n * out), *dy = random_floats(w, &a, n * out, 1);
	for (int b = 0; b < B; b++) {
		last.at[b] = random_floats(w, &a, floats, 1);
		ds.at[b] = copy_of(&a, last.at[b], floats);
	}
	ur_span s = {.T = T, .B = B, .len = w->big ? NULL : len, .x = x, .y = y, .state = s0.at};
	grads g = grads_new(w, &a, &s);
	see(w, &a, &s);
	float *saved = forward(w, w->ctx, &a, &s, 1);
	backward(w, w->ctx, &s, saved, dy, &g, if_grad(w, &ds));
	loss l = {s, &start, dy, has_state_grad(w) ? &last : NULL};
	parts all = {0};
	for (int i = 0; i < w->n; i++)
		all.at[i] = g.dw[i];
	all.at[w->n + X] = g.dx;
	all.at[w->n + SEEN] = reads_memory(w) ? g.dmemory : NULL;
	if (has_state_grad(w)) {
		all.at[w->n + STATE] = arr(&a, (size_t)B * floats);
		for (int b = 0; b < B; b++)
			memcpy(memset(all.at[w->n + STATE] + (size_t)b * floats, 0, floats * sizeof(float)) + w->m->state_counts,
			       (char *)ds.at[b] + w->m->state_counts, floats * sizeof(float) - w->m->state_counts);
	}
	if (w->big)
		check_gradient(w, &l, &all, "gradient");
	for (int i = 0; i < w->n + OTHERS && !w->big; i++) {
		parts one = {0};
		one.at[i] = all.at[i];
		if (one.at[i])
			check_gradient(w, &l, &one, i < w->n ? w->p[i].name : other_names[i - w->n]);
	}
	must(w, !arr_broken(&a), "gradient: an array was overrun");
	arr_free(&a);
}

/* A gradient carried back through the states of pieces is that of the whole. Where states hold every step, pieces may
 * also leave the earlier ones there (span.still), after later ones were written and the state was set back. */
static void law_pieces(world *w)
{
	arrays a = {0};
	int B = w->big ? w->B : 3, T = w->T, cut[] = {0, T / 3, T - 1, T};
	size_t in = (size_t)w->d.in * (size_t)B, out = (size_t)w->d.out * (size_t)B, n = (size_t)T;
	states start = states_warm(w, &a, B, w->warm, 1), after = states_zero(w, &a, B);
	float *x = random_floats(w, &a, n * in, 1), *dy = random_floats(w, &a, n * out, 1), *y = arr(&a, n * out);
	grads whole;
	states dwhole;
	for (int b = 0; b < B; b++)
		rnd_fill(&w->r, w->state, 1, after.at[b]);
	for (int still = -1; still <= (w->m->rewind && w->m->limit(&w->d)); still++) {
		states s0 = states_copy(w, &a, &start, B), ds = states_copy(w, &a, &after, B), border[3];
		float *saved[3], dx_room = 0;
		grads g = {.dx = &dx_room};
		for (int i = 0; i < 3; i++) {
			int from = still < 0 ? 0 : cut[i], to = still < 0 ? T : cut[i + 1];
			ur_span s = {.T = to - from, .B = B, .x = x + (size_t)from * in, .y = y + (size_t)from * out,
			             .state = s0.at, .still = still > 0};
			border[i] = states_copy(w, &a, &s0, B);
			saved[i] = forward(w, w->ctx, &a, &s, 1);
			if (still < 0)
				break;
		}
		ur_span all = {.T = T, .B = B};
		g = grads_new(w, &a, &all);
		for (int i = still < 0 ? 0 : 2; i >= 0; i--) {
			int from = still < 0 ? 0 : cut[i], to = still < 0 ? T : cut[i + 1];
			ur_span s = {.T = to - from, .B = B, .x = x + (size_t)from * in, .y = y + (size_t)from * out,
			             .state = still > 0 ? s0.at : border[i].at, .still = still > 0};
			grads part = g;
			part.dx += (size_t)from * in;
			if (still > 0) { /* from where it began, again: what is behind its end stays as it was */
				float *again = arr(&a, (size_t)(to - from) * out);
				for (int b = 0; b < B; b++)
					w->m->rewind(&w->d, s0.at[b], w->warm - b % 3 + from);
				s.y = again;
				saved[i] = forward(w, w->ctx, &a, &s, 1);
				must(w, same(again, y + (size_t)from * out, (size_t)(to - from) * out),
				     "set back, it goes another way");
				s.y = y + (size_t)from * out;
			}
			backward(w, w->ctx, &s, saved[i], dy + (size_t)from * out, &part, ds.at);
		}
		if (still < 0) {
			whole = g, dwhole = ds;
			continue;
		}
		keep(w, GRAD, differ(g.dx, whole.dx, n * in), 2e-5, "dx of pieces");
		keep(w, GRAD, differ(g.dmemory, whole.dmemory, memory_floats(w, B)), 2e-5, "dmemory of pieces");
		for (int i = 0; i < w->n; i++)
			keep(w, GRAD, differ(g.dw[i], whole.dw[i], w->size[i]), 2e-5, w->p[i].name);
		for (int b = 0; b < B; b++)
			keep(w, GRAD, differ((float *)ds.at[b] + counts(w), (float *)dwhole.at[b] + counts(w),
			                     w->state - counts(w)), 2e-5, "the first state's gradient, of pieces");
	}
	must(w, !arr_broken(&a), "pieces: an array was overrun");
	arr_free(&a);
}

/* What backward promises about its arguments. */
static void law_backward(world *w)
{
	arrays a = {0};
	int B = w->B, T = w->T;
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out, n = (size_t)T * (size_t)B;
	states s0 = states_warm(w, &a, B, w->warm, 1), zero = states_zero(w, &a, B), junk;
	float *x = random_floats(w, &a, n * in, 1), *y = arr(&a, n * out), *dy = random_floats(w, &a, n * out, 1);
	ur_span s = {.T = T, .B = B, .x = x, .y = y, .state = s0.at};
	float *x0 = copy_of(&a, x, n * in), *dy0 = copy_of(&a, dy, n * out);
	float *saved = forward(w, w->ctx, &a, &s, 1), *y0 = copy_of(&a, y, n * out);
	states after = states_copy(w, &a, &s0, B);
	grads g = grads_new(w, &a, &s), h = grads_new(w, &a, &s), no_dx = grads_new(w, &a, &s);
	grads added = grads_new(w, &a, &s);

	backward(w, w->ctx, &s, saved, dy, &g, NULL);
	must(w, same(x, x0, n * in) && same(y, y0, n * out) && same(dy, dy0, n * out), "backward changed x, y or dy");
	for (int b = 0; b < B; b++)
		must(w, same(s0.at[b], after.at[b], w->state), "backward changed the state");
	rnd_fill(&w->r, n * in, 9, h.dx); /* written, not added to */
	if (has_state_grad(w)) {
		backward(w, w->ctx, &s, saved, dy, &h, zero.at);
	} else {
		for (int b = 0; b < B; b++)
			junk.at[b] = arr(&a, w->state);
		backward(w, w->ctx, &s, saved, dy, &h, junk.at);
	}
	must(w, differ(h.dx, g.dx, n * in) == 0, "dx with dstate NULL is not that of a dstate of %s",
	     has_state_grad(w) ? "zero" : "anything");
	must(w, differ(h.dmemory, g.dmemory, memory_floats(w, B)) == 0, "dmemory with dstate NULL");
	no_dx.dx = no_dx.dmemory = NULL;
	backward(w, w->ctx, &s, saved, dy, &no_dx, NULL);
	for (int i = 0; i < w->n; i++) {
		must(w, differ(h.dw[i], g.dw[i], w->size[i]) == 0, "%s with dstate NULL", w->p[i].name);
		must(w, same(no_dx.dw[i], g.dw[i], w->size[i]), "%s differs where dx is not wanted", w->p[i].name);
		rnd_fill(&w->r, w->size[i], 1, added.dw[i]);
	}
	rnd_fill(&w->r, memory_floats(w, B), 1, added.dmemory);
	grads before = added;
	before.dmemory = copy_of(&a, added.dmemory, memory_floats(w, B));
	for (int i = 0; i < w->n; i++)
		before.dw[i] = copy_of(&a, added.dw[i], w->size[i]);
	backward(w, w->ctx, &s, saved, dy, &added, NULL);
	for (int i = 0; i < w->n; i++) {
		for (size_t j = 0; j < w->size[i]; j++)
			before.dw[i][j] += g.dw[i][j];
		must(w, differ(added.dw[i], before.dw[i], w->size[i]) < 2e-6, "%s is not added to", w->p[i].name);
	}
	for (size_t j = 0; j < memory_floats(w, B); j++)
		before.dmemory[j] += g.dmemory[j];
	must(w, differ(added.dmemory, before.dmemory, memory_floats(w, B)) < 2e-6, "dmemory is not added to");
	/* what has become of the state since does not matter */
	grads later = grads_new(w, &a, &s);
	for (int b = 0; b < B; b++)
		arr_fresh(s0.at[b], w->state);
	backward(w, w->ctx, &s, saved, dy, &later, NULL);
	must(w, same(later.dx, g.dx, n * in), "dx depends on the state at the time of backward");
	for (int i = 0; i < w->n; i++)
		must(w, same(later.dw[i], g.dw[i], w->size[i]), "%s depends on the state at the time of backward",
		     w->p[i].name);
	/* no state is a state of zero on the way back too */
	states none = states_zero(w, &a, B);
	grads g1 = grads_new(w, &a, &s), g2 = grads_new(w, &a, &s);
	s.state = none.at;
	saved = forward(w, w->ctx, &a, &s, 1);
	backward(w, w->ctx, &s, saved, dy, &g1, NULL);
	s.state = NULL;
	saved = forward(w, w->ctx, &a, &s, 1);
	backward(w, w->ctx, &s, saved, dy, &g2, NULL);
	must(w, differ(g2.dx, g1.dx, n * in) < 1e-6, "dx without a state");
	must(w, differ(g2.dmemory, g1.dmemory, memory_floats(w, B)) < 1e-6, "dmemory without a state");
	for (int i = 0; i < w->n; i++)
		must(w, differ(g2.dw[i], g1.dw[i], w->size[i]) < 1e-6, "%s without a state", w->p[i].name);
	must(w, !arr_broken(&a), "backward: an array was overrun");
	arr_free(&a);
}

/* The same bits at any number of threads. */
static void law_threads(world *w)
{
	arrays a = {0};
	int B = w->B, T = w->T;
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out, n = (size_t)T * (size_t)B;
	states start = states_warm(w, &a, B, w->warm, 1), ds0 = states_zero(w, &a, B), st[MOST_THREADS], ds[MOST_THREADS];
	float *x = random_floats(w, &a, n * in, 1), *dy = random_floats(w, &a, n * out, 1), *y[MOST_THREADS];
	grads g[MOST_THREADS];
	for (int b = 0; b < B; b++)
		rnd_fill(&w->r, w->state, 1, ds0.at[b]);
	for (int t = 0; t < (w->big ? 2 : MOST_THREADS); t++) {
		const ur_ctx *c = &w->bench->ctx[t];
		st[t] = states_copy(w, &a, &start, B);
		ds[t] = states_copy(w, &a, &ds0, B);
		y[t] = arr(&a, n * out);
		ur_span s = {.T = T, .B = B, .x = x, .y = y[t], .state = st[t].at};
		g[t] = grads_new(w, &a, &s);
		float *saved = forward(w, c, &a, &s, 1);
		backward(w, c, &s, saved, dy, &g[t], if_grad(w, &ds[t]));
		must(w, same(y[t], y[0], n * out), "y at %d threads", t + 1);
		must(w, same(g[t].dx, g[0].dx, n * in), "dx at %d threads", t + 1);
		must(w, same(g[t].dmemory, g[0].dmemory, memory_floats(w, B)), "dmemory at %d threads", t + 1);
		for (int i = 0; i < w->n; i++)
			must(w, same(g[t].dw[i], g[0].dw[i], w->size[i]), "%s at %d threads", w->p[i].name, t + 1);
		for (int b = 0; b < B; b++) {
			must(w, same(st[t].at[b], st[0].at[b], w->state), "state at %d threads", t + 1);
			must(w, same(ds[t].at[b], ds[0].at[b], w->state), "dstate at %d threads", t + 1);
		}
	}
	must(w, !arr_broken(&a), "threads: an array was overrun");
	arr_free(&a);
}

/* A matrix as a model keeps it. */
static ur_mat stored(world *w, arrays *a, int which, ur_dtype dtype)
{
	const ur_mat *from = &w->w[which];
	ur_mat to = {.rows = from->rows, .cols = from->cols, .blocks = from->blocks, .cut = from->cut, .dtype = dtype};
	float *scale = arr(a, (size_t)to.rows);
	to.panels = arr(a, (ur_mat_bytes(w->k, &to) + 3) / 4);
	ur_i8_scales(to.rows, to.cols, from->data, scale);
	to.scale = scale;
	ur_pack_as(w->k, &to, from->data);
	return to;
}

/* Smaller weights stay near float ones, steps and whole sequences read them alike, and n streams are each alone to the
 * bit. int8 rounds what a product reads: where forward and step differ in a last bit, that may round to the next byte,
 * a 127th of the largest. */
static void law_storage(world *w, ur_dtype dtype)
{
	const char *name = dtype == UR_BF16 ? "bf16" : "int8";
	arrays a = {0};
	int B = w->B, T = w->T;
	size_t n = (size_t)T * (size_t)B, in = n * (size_t)w->d.in, out = n * (size_t)w->d.out;
	states s1 = states_zero(w, &a, B), s2 = states_zero(w, &a, B), s3 = states_zero(w, &a, B);
	states s4 = states_zero(w, &a, B), s5 = states_zero(w, &a, B);
	float *x = random_floats(w, &a, in, 1), *y = arr(&a, out), *z = arr(&a, out), *v = arr(&a, out);
	float *all = arr(&a, out), *one = arr(&a, (size_t)w->d.out);
	ur_mat mats[UR_MIXER_PARAMS];
	for (int i = 0; i < w->n; i++)
		mats[i] = w->p[i].cols ? stored(w, &a, i, dtype) : w->w[i];
	step_all(w, w->w, 0, T, B, x, y, &s1);
	remember(w, &a, mats);
	step_all(w, mats, 0, T, B, x, z, &s2);
	double e = 0;
	for (size_t i = 0; i < out; i++)
		e += ((double)z[i] - (double)y[i]) * ((double)z[i] - (double)y[i]);
	e = sqrt(e / along(y, y, out));
	keep(w, dtype == UR_BF16 ? BF16 : INT8, e, dtype == UR_BF16 ? 0.02 : 0.08, name);
	must(w, e > 0, "%s changed nothing", name);
	step(w, mats, w->first, B, x, all, s4.at);
	for (int i = 0; i < B; i++) {
		step(w, mats, w->first + i, 1, x + i * w->d.in, one, s5.at + i);
		must(w, same(one, all + i * w->d.out, (size_t)w->d.out), "%s: stream %d is not what it is alone", name, i);
	}
	/* prefill reads the same storage */
	ur_span s = {.T = T, .B = B, .x = x, .y = v, .state = s3.at};
	see(w, &a, &s);
	ur_need need = w->f->need(w->ctx, &w->d, &s);
	w->f->forward(w->ctx, &w->d, mats, &s, NULL, arr(&a, need.forward));
	must(w, differ(v, z, out) < (dtype == UR_BF16 ? 1e-5 : 0.03), "%s: forward is not step", name);
	remember(w, &w->all, w->w);
	must(w, !arr_broken(&a), "%s: an array was overrun", name);
	arr_free(&a);
}

/* A NaN stays in its sequence, and is not swallowed there. */
static void law_nan(world *w)
{
	arrays a = {0};
	enum { B = 3 };
	int T = w->T;
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out, n = (size_t)T * B;
	states start = states_warm(w, &a, B, w->warm, 1);
	float *x = random_floats(w, &a, n * in, 1), *dy = random_floats(w, &a, n * out, 1), *y[3], *dx[3];
	states st[3];
	for (int bad = 0; bad < 3; bad++) { /* none; in x; in dy */
		float *xs = copy_of(&a, x, n * in), *dys = copy_of(&a, dy, n * out);
		(bad == 1 ? xs : dys)[(1 * B + 1) * (bad == 1 ? in : out)] = bad ? NAN : dys[(1 * B + 1) * out];
		y[bad] = arr(&a, n * out);
		st[bad] = states_copy(w, &a, &start, B);
		ur_span s = {.T = T, .B = B, .x = xs, .y = y[bad], .state = st[bad].at};
		grads g = grads_new(w, &a, &s);
		dx[bad] = g.dx;
		float *saved = forward(w, &w->bench->ctx[1], &a, &s, 1);
		backward(w, &w->bench->ctx[1], &s, saved, dys, &g, NULL);
		for (size_t i = 0; i < n; i++)
			if (i % B != 1) {
				must(w, same(y[bad] + i * out, y[0] + i * out, out), "a NaN in another sequence changed y");
				must(w, same(dx[bad] + i * in, dx[0] + i * in, in), "a NaN in another sequence changed dx");
			}
		for (int b = 0; b < B; b += 2)
			must(w, same(st[bad].at[b], st[0].at[b], w->state), "a NaN in another sequence changed the state");
		if (bad == 1) {
			int seen = 0;
			for (size_t j = 0; j < out; j++)
				seen += isnan(y[1][(1 * B + 1) * out + j]) != 0;
			must(w, seen > 0, "y does not show the NaN in x");
			states s1 = states_copy(w, &a, &start, B), s2 = states_copy(w, &a, &start, B);
			float *y1 = arr(&a, B * out), *y2 = arr(&a, B * out);
			step(w, w->w, 0, B, x + B * in, y1, s1.at);
			step(w, w->w, 0, B, xs + B * in, y2, s2.at);
			must(w, same(y1, y2, out) && same(y1 + 2 * out, y2 + 2 * out, out), "a NaN in another stream changed y");
		}
	}
	must(w, !arr_broken(&a), "nan: an array was overrun");
	arr_free(&a);
}
