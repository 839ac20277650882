/* The laws every mixer keeps, for every mixer in the table; nothing here names one. Widths and options are drawn from
 * what a mixer's own check() allows, so a new mixer or option is tested by being there. Prints the worst error of each
 * law a case, so that a person can see how near the bounds are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "arrays.h"
#include "counted_malloc.h"
#include "mixer/mixer.h"

/* -- one mixer with one choice of dims ------------------------------------------------ */

enum { MOST_B = 128, MOST_THREADS = 3 };

enum law { STEP, CHUNK, PAD, INDEX, GRAD, BF16, INT8, MEMORY, LAWS };
static const char *const law_names[LAWS] = {"step", "chunk", "pad", "index", "grad", "bf16", "int8", "memory"};

/* What all cases of a kernel set share. */
typedef struct bench { const ur_kernels *k; ur_ctx ctx[MOST_THREADS]; } bench;

typedef struct world {
	const bench *bench;
	const ur_kernels *k;
	const ur_ctx *ctx;               /* of one thread */
	const ur_mixer *m;
	const ur_mixer_forward *f;
	const ur_mixer_backward *g;
	ur_dims d;
	int B, T, warm;                  /* warm: steps a state has seen before a case begins, at most */
	int big;                         /* long or wide: only the laws that could depend on it */
	char text[160];
	rnd r;
	arrays all;
	int n;                           /* parameters, their floats, gradients' places */
	ur_param p[UR_MIXER_PARAMS];
	ur_mat w[UR_MIXER_PARAMS];
	float *data[UR_MIXER_PARAMS];
	size_t size[UR_MIXER_PARAMS];
	size_t state;                    /* floats */
	/* for mixers that read memory: rows of every source (S, d.memory), NaN beyond its length, and what step wants of
	 * them; a batch's row b looks at source first + b */
	int S, first, mlen[MOST_B];
	float *source[MOST_B], *made[MOST_B];
	double worst[LAWS];
	int failed;
} world;

typedef struct states { void *at[MOST_B]; } states;

static void must(world *w, int ok, const char *format, ...)
{
	va_list args;
	if (ok)
		return;
	w->failed++;
	printf("  FAILED %s %s: ", w->k->name, w->text);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void keep(world *w, enum law law, double error, double most, const char *what)
{
	w->worst[law] = fmax(w->worst[law], error);
	must(w, error <= most, "%s: error %.2g, bound %.2g", what, error, most);
}

/* Largest difference by largest value; infinite where either has what the other has not. */
static double differ(const float *a, const float *b, size_t n)
{
	double most = 0, size = 0;
	for (size_t i = 0; i < n; i++) {
		double e = fabs((double)a[i] - (double)b[i]);
		if (isnan(e))
			return INFINITY;
		most = fmax(most, e);
		size = fmax(size, fabs((double)b[i]));
	}
	return most > 0 ? most / fmax(size, 1e-30) : 0;
}

static int same(const void *a, const void *b, size_t floats) { return !memcmp(a, b, floats * sizeof(float)); }

static float *random_floats(world *w, arrays *a, size_t n, double size)
{
	float *x = arr(a, n);
	rnd_fill(&w->r, n, size, x);
	return x;
}

static float *copy_of(arrays *a, const float *x, size_t n)
{
	float *y = arr(a, n);
	memcpy(y, x, n * sizeof *x);
	return y;
}

static states states_zero(world *w, arrays *a, int B)
{
	states s;
	for (int b = 0; b < B; b++)
		s.at[b] = memset(arr(a, w->state), 0, w->state * sizeof(float));
	return s;
}

static states states_copy(world *w, arrays *a, const states *from, int B)
{
	states s;
	for (int b = 0; b < B; b++)
		s.at[b] = copy_of(a, from->at[b], w->state);
	return s;
}

static int reads_memory(const world *w) { return (w->m->flags & UR_READS_MEMORY) != 0; }

/* What step wants of every source, by these weights. */
static void remember(world *w, arrays *a, const ur_mat *mats)
{
	for (int b = 0; b < MOST_B && reads_memory(w); b++) {
		if (b && w->source[b] == w->source[b - 1]) {
			w->made[b] = w->made[b - 1];
			continue;
		}
		arrays own = {0};
		size_t rows = (size_t)w->mlen[b] * (size_t)w->d.memory, floats = w->m->memory_size(&w->d, w->mlen[b]);
		float *made = arr(&own, floats), *just = copy_of(&own, w->source[b], rows);
		long before = atomic_load(&allocations);
		w->m->remember(w->k, &w->d, mats, w->mlen[b], just, made);
		must(w, atomic_load(&allocations) == before, "remember allocates");
		must(w, !arr_broken(&own), "remember wrote outside memory_size");
		w->made[b] = copy_of(a, made, floats);
		arr_free(&own);
	}
}

/* The memory of a batch's rows, unless it has one. */
static void see(world *w, arrays *a, ur_span *s)
{
	size_t M = (size_t)w->d.memory, row = 0;
	if (!reads_memory(w) || s->memory)
		return;
	float *all = arr(a, (size_t)w->S * (size_t)s->B * M);
	for (int j = 0; j < w->S; j++)
		for (int b = 0; b < s->B; b++, row++)
			memcpy(all + row * M, w->source[w->first + b] + (size_t)j * M, M * sizeof *all);
	s->memory = all, s->mlen = w->mlen + w->first, s->S = w->S;
}

/* Streams [first, first + n), one step, in work of just the size asked for. */
static void step(world *w, const ur_mat *mats, int first, int n, const float *x, float *y, void *const *at)
{
	arrays a = {0};
	float *work = arr(&a, w->m->step_work(&w->d, n));
	ur_turn t = {.k = w->k, .d = &w->d, .w = mats, .n = n, .x = x, .y = y, .state = at, .work = work};
	if (reads_memory(w)) {
		t.memory = (const float *const *)w->made + first;
		t.mlen = w->mlen + first;
	}
	long before = atomic_load(&allocations);
	w->m->step(&t);
	must(w, atomic_load(&allocations) == before, "step allocates");
	must(w, !arr_broken(&a), "step wrote outside its work");
	arr_free(&a);
}

/* States that have seen `steps` steps each, or a few less. */
static states states_warm(world *w, arrays *a, int B, int steps, int ragged)
{
	states s = states_zero(w, a, B);
	arrays own = {0};
	float *x = arr(&own, (size_t)w->d.in), *y = arr(&own, (size_t)w->d.out);
	for (int b = 0; b < B; b++)
		for (int t = ragged ? b % 3 : 0; t < steps; t++) {
			rnd_fill(&w->r, (size_t)w->d.in, 1, x);
			step(w, w->w, b, 1, x, y, &s.at[b]);
		}
	arr_free(&own);
	return s;
}

/* Runs forward in memory of just the size asked for, fresh; returns what it saved, or NULL. */
static float *forward(world *w, const ur_ctx *c, arrays *a, const ur_span *span, int saving)
{
	arrays own = {0};
	ur_span seen = *span;
	const ur_span *s = &seen;
	see(w, &own, &seen);
	ur_need need = w->f->need(c, &w->d, s);
	float *saved = saving ? arr(a, need.saved) : NULL, *work = arr(&own, need.forward);
	long before = atomic_load(&allocations);
	w->f->forward(c, &w->d, w->w, s, saved, work);
	must(w, atomic_load(&allocations) == before, "forward allocates");
	must(w, !arr_broken(&own), "forward wrote outside its work");
	arr_free(&own);
	return saved;
}

typedef struct grads { float *dx, *dmemory, *dw[UR_MIXER_PARAMS]; } grads;

static size_t input_floats(const world *w, const ur_span *s)
{
	return (size_t)w->d.in * (s->index ? (size_t)s->rows : (size_t)s->T * (size_t)s->B);
}

static size_t steps_of(const ur_span *s) { return (size_t)s->T * (size_t)s->B; }

static size_t memory_floats(const world *w, int B) { return (size_t)w->S * (size_t)B * (size_t)w->d.memory; }

/* dw and dmemory start at zero. */
static grads grads_new(world *w, arrays *a, const ur_span *s)
{
	size_t rows = memory_floats(w, s->B);
	grads g = {.dx = arr(a, input_floats(w, s)), .dmemory = memset(arr(a, rows), 0, rows * sizeof(float))};
	for (int i = 0; i < w->n; i++)
		g.dw[i] = memset(arr(a, w->size[i]), 0, w->size[i] * sizeof(float));
	return g;
}

static void backward(world *w, const ur_ctx *c, const ur_span *span, const float *saved, const float *dy,
                     const grads *g, void *const *dstate)
{
	arrays own = {0};
	ur_span seen = *span;
	const ur_span *s = &seen;
	see(w, &own, &seen);
	ur_need need = w->f->need(c, &w->d, s);
	float *work = arr(&own, need.backward), *kept = copy_of(&own, saved, need.saved);
	long before = atomic_load(&allocations);
	w->g->backward(c, &w->d, w->w, s, saved, dy, g->dx, g->dw, dstate, reads_memory(w) ? g->dmemory : NULL, work);
	must(w, atomic_load(&allocations) == before, "backward allocates");
	must(w, !arr_broken(&own), "backward wrote outside its work");
	must(w, same(saved, kept, need.saved), "backward changed what forward saved");
	arr_free(&own);
}

static int has_state_grad(const world *w) { return (w->m->flags & UR_STATE_GRAD) != 0; }

static void *const *if_grad(const world *w, const states *s) { return has_state_grad(w) ? s->at : NULL; }

/* Rows of sequence b out of (T, B, width), or back. */
static void take(float *one, const float *all, int T, int B, int b, size_t width)
{
	for (int t = 0; t < T; t++)
		memcpy(one + (size_t)t * width, all + ((size_t)t * (size_t)B + (size_t)b) * width, width * sizeof *one);
}

/* Steps [from, to) of B streams, laid out as forward's. */
static void step_all(world *w, const ur_mat *mats, int from, int to, int B, const float *x, float *y, const states *s)
{
	for (int t = from; t < to; t++)
		step(w, mats, w->first, B, x + (size_t)t * (size_t)B * (size_t)w->d.in,
		     y + (size_t)t * (size_t)B * (size_t)w->d.out, s->at);
}

/* -- the laws ------------------------------------------------ */

static void law_step(world *w)
{
	arrays a = {0};
	int B = w->B, T = w->T, cut = T - T / 3;
	size_t in = (size_t)w->d.in * (size_t)B, out = (size_t)w->d.out * (size_t)B, n = (size_t)T;
	states start = states_warm(w, &a, B, w->warm, 1), s1 = states_copy(w, &a, &start, B);
	states s2 = states_copy(w, &a, &start, B);
	states s3 = states_copy(w, &a, &start, B), s4 = states_copy(w, &a, &start, B);
	float *x = random_floats(w, &a, n * in, 1), *y = arr(&a, n * out), *z = arr(&a, n * out), *v = arr(&a, n * out);
	ur_span s = {.T = T, .B = B, .x = x, .y = y, .state = s1.at};

	forward(w, w->ctx, &a, &s, 1);
	step_all(w, w->w, 0, T, B, x, z, &s2);
	keep(w, STEP, differ(z, y, n * out), 1e-5, "step == forward");
	for (int b = 0; b < B; b++) {
		size_t used = w->m->state_used(&w->d, s1.at[b]);
		must(w, used == w->m->state_used(&w->d, s2.at[b]) && used <= w->m->state_size(&w->d), "state_used");
	}
	s.y = v, s.state = s3.at;
	forward(w, w->ctx, &a, &s, 0);
	keep(w, STEP, differ(v, y, n * out), 1e-6, "forward that saves == forward that does not");

	/* the state one leaves is the state the other goes on from */
	s = (ur_span){.T = cut, .B = B, .x = x, .y = z, .state = s4.at};
	arr_fresh(z, n * out);
	forward(w, w->ctx, &a, &s, 0);
	step_all(w, w->w, cut, T, B, x, z, &s4);
	keep(w, STEP, differ(z, y, n * out), 1e-5, "forward, then steps");
	states s5 = states_copy(w, &a, &start, B);
	arr_fresh(z, n * out);
	step_all(w, w->w, 0, cut, B, x, z, &s5);
	s = (ur_span){.T = T - cut, .B = B, .x = x + (size_t)cut * in, .y = z + (size_t)cut * out, .state = s5.at};
	forward(w, w->ctx, &a, &s, 1);
	keep(w, STEP, differ(z, y, n * out), 1e-5, "steps, then forward");

	/* no state is a state of zero */
	states zero = states_zero(w, &a, B);
	s = (ur_span){.T = T, .B = B, .x = x, .y = y, .state = zero.at};
	forward(w, w->ctx, &a, &s, 0);
	for (int saving = w->big; saving < 2; saving++) {
		arr_fresh(z, n * out);
		s = (ur_span){.T = T, .B = B, .x = x, .y = z};
		forward(w, w->ctx, &a, &s, saving);
		keep(w, STEP, differ(z, y, n * out), 1e-6, "no state == a state of zero");
	}
	must(w, !arr_broken(&a), "step: an array was overrun");
	arr_free(&a);
}

static void law_chunks(world *w)
{
	arrays a = {0};
	int B = w->B, T = w->T;
	size_t in = (size_t)w->d.in * (size_t)B, out = (size_t)w->d.out * (size_t)B, n = (size_t)T;
	states start = states_warm(w, &a, B, w->warm, 1), s1 = states_copy(w, &a, &start, B);
	float *x = random_floats(w, &a, n * in, 1), *y = arr(&a, n * out), *z = arr(&a, n * out);
	ur_span s = {.T = T, .B = B, .x = x, .y = y, .state = s1.at};
	forward(w, w->ctx, &a, &s, 0);
	const int cuts[][4] = {
		{1, 2, T}, {T - 1, T}, {T / 2, T / 2 + 1, T}, {w->big ? 47 : 3, w->big ? 48 : 5, w->big ? 50 : 6, T}};
	for (int i = w->big ? 3 : 0; i < 4; i++) {
		states sc = states_copy(w, &a, &start, B);
		arr_fresh(z, n * out);
		for (int c = 0, from = 0; from < T; from = cuts[i][c++]) {
			int to = cuts[i][c];
			if (to <= from)
				continue;
			s = (ur_span){
				.T = to - from, .B = B, .x = x + (size_t)from * in, .y = z + (size_t)from * out, .state = sc.at};
			forward(w, w->ctx, &a, &s, c % 2);
		}
		keep(w, CHUNK, differ(z, y, n * out), 1e-5, "chunks == whole");
		for (int b = 0; b < B; b++)
			must(w, w->m->state_used(&w->d, sc.at[b]) == w->m->state_used(&w->d, s1.at[b]), "chunks: state_used");
	}
	must(w, !arr_broken(&a), "chunks: an array was overrun");
	arr_free(&a);
}

/* A batch with lengths is each sequence alone. */
static void law_lengths(world *w)
{
	arrays a = {0};
	enum { B = 6 };
	int T = w->T, len[B] = {T - 1, 0, T, T / 2, 1, T};
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out, n = (size_t)T * B;
	states start = states_warm(w, &a, B, w->warm, 1), st = states_copy(w, &a, &start, B), ds, ds0;
	float *x = random_floats(w, &a, n * in, 1), *y = arr(&a, n * out), *dy = random_floats(w, &a, n * out, 1);
	ur_span s = {.T = T, .B = B, .len = len, .x = x, .y = y, .state = st.at};
	for (int b = 0; b < B; b++) {
		ds.at[b] = random_floats(w, &a, w->state, 1);
		for (int t = len[b]; t < T; t++) {
			rnd_fill(&w->r, in, 1e3, x + (size_t)(t * B + b) * in);
			arr_fresh(dy + (size_t)(t * B + b) * out, out);
		}
	}
	ds0 = states_copy(w, &a, &ds, B);
	grads g = grads_new(w, &a, &s), sum = grads_new(w, &a, &s);
	float *saved = forward(w, w->ctx, &a, &s, 1);
	backward(w, w->ctx, &s, saved, dy, &g, if_grad(w, &ds));
	for (int b = 0; b < B; b++) {
		size_t own = (size_t)len[b];
		float *x1 = arr(&a, own * in), *y1 = arr(&a, own * out), *dy1 = arr(&a, own * out);
		float *yb = arr(&a, (size_t)T * out);
		float *dxb = arr(&a, (size_t)T * in);
		states s1 = {{copy_of(&a, start.at[b], w->state)}}, ds1 = {{copy_of(&a, ds0.at[b], w->state)}};
		take(x1, x, len[b], B, b, in);
		take(dy1, dy, len[b], B, b, out);
		take(yb, y, T, B, b, out);
		take(dxb, g.dx, T, B, b, in);
		ur_span one = {.T = len[b], .B = 1, .x = x1, .y = y1, .state = s1.at};
		grads g1 = grads_new(w, &a, &one);
		w->first = b;
		float *saved1 = forward(w, w->ctx, &a, &one, 1);
		backward(w, w->ctx, &one, saved1, dy1, &g1, if_grad(w, &ds1));
		w->first = 0;
		float *dmb = arr(&a, memory_floats(w, 1));
		take(dmb, g.dmemory, w->S, B, b, (size_t)w->d.memory);
		keep(w, PAD, differ(dmb, g1.dmemory, memory_floats(w, 1)), 2e-5, "padded dmemory");
		for (size_t i = (size_t)w->mlen[b] * (size_t)w->d.memory; i < memory_floats(w, 1); i++)
			must(w, same(&dmb[i], &(float){0}, 1), "dmemory beyond the length is %g", (double)dmb[i]);
		keep(w, PAD, differ(yb, y1, own * out), 1e-5, "padded y");
		keep(w, PAD, differ(dxb, g1.dx, own * in), 2e-5, "padded dx");
		for (size_t i = own * out; i < (size_t)T * out; i++)
			must(w, yb[i] == 0, "y beyond the length is %g", (double)yb[i]);
		for (size_t i = own * in; i < (size_t)T * in; i++)
			must(w, dxb[i] == 0, "dx beyond the length is %g", (double)dxb[i]);
		must(w, w->m->state_used(&w->d, st.at[b]) == w->m->state_used(&w->d, s1.at[0]), "padded: state_used");
		keep(w, PAD, differ(st.at[b], s1.at[0], w->state), 1e-5, "padded state");
		must(w, len[b] || same(st.at[b], start.at[b], w->state), "the state of an empty sequence changed");
		if (has_state_grad(w))
			keep(w, PAD, differ(ds.at[b], ds1.at[0], w->state), 2e-5, "padded dstate");
		for (int i = 0; i < w->n; i++)
			for (size_t j = 0; j < w->size[i]; j++)
				sum.dw[i][j] += g1.dw[i][j];
	}
	for (int i = 0; i < w->n; i++)
		keep(w, PAD, differ(g.dw[i], sum.dw[i], w->size[i]), 2e-5, w->p[i].name);
	must(w, !arr_broken(&a), "lengths: an array was overrun");
	arr_free(&a);
}

static void law_empty(world *w)
{
	arrays a = {0};
	enum { B = 2 };
	int T = w->T, len[B] = {0, 0};
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out;
	for (int none = 0; none < 2; none++) {
		states start = states_warm(w, &a, B, w->warm, 1), st = states_copy(w, &a, &start, B);
		states ds = states_copy(w, &a, &start, B);
		size_t n = none ? 0 : (size_t)T * B;
		float *x = random_floats(w, &a, n * in, 1), *y = arr(&a, n * out), *dy = arr(&a, n * out);
		ur_span s = {.T = none ? 0 : T, .B = B, .len = none ? NULL : len, .x = x, .y = y, .state = st.at};
		grads g = grads_new(w, &a, &s);
		for (int i = 0; i < w->n; i++)
			rnd_fill(&w->r, w->size[i], 1, g.dw[i]);
		rnd_fill(&w->r, memory_floats(w, B), 1, g.dmemory);
		grads before = {.dmemory = copy_of(&a, g.dmemory, memory_floats(w, B))};
		for (int i = 0; i < w->n; i++)
			before.dw[i] = copy_of(&a, g.dw[i], w->size[i]);
		float *saved = forward(w, w->ctx, &a, &s, 1);
		backward(w, w->ctx, &s, saved, dy, &g, if_grad(w, &ds));
		must(w, same(g.dmemory, before.dmemory, memory_floats(w, B)), "no steps, but a gradient of memory");
		for (int b = 0; b < B; b++) {
			must(w, same(st.at[b], start.at[b], w->state), "no steps, but the state changed");
			must(w, same(ds.at[b], start.at[b], w->state), "no steps, but the state's gradient changed");
		}
		for (int i = 0; i < w->n; i++)
			must(w, differ(g.dw[i], before.dw[i], w->size[i]) == 0, "no steps, but a gradient of %s", w->p[i].name);
		for (size_t i = 0; i < n * out; i++)
			must(w, y[i] == 0, "no steps, but y is %g", (double)y[i]);
		for (size_t i = 0; i < n * in; i++)
			must(w, g.dx[i] == 0, "no steps, but dx is %g", (double)g.dx[i]);
	}
	must(w, !arr_broken(&a), "empty: an array was overrun");
	arr_free(&a);
}

/* A copied state goes its own way; so does one of which only the used bytes were copied; n streams are n of them. */
static void law_streams(world *w)
{
	arrays a = {0};
	enum { MOST = 7 };
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out;
	states start = states_warm(w, &a, MOST, w->warm, 1);
	float *x = random_floats(w, &a, MOST * in, 1), *y = arr(&a, MOST * out), *z = arr(&a, MOST * out);
	float *other = random_floats(w, &a, in, 1);
	for (int n = 1; n <= MOST; n++) {
		states all = states_copy(w, &a, &start, n), one = states_copy(w, &a, &start, n);
		for (int round = 0; round < 2; round++) {
			arr_fresh(y, MOST * out), arr_fresh(z, MOST * out);
			step(w, w->w, 0, n, x, y, all.at);
			for (int i = 0; i < n; i++)
				step(w, w->w, i, 1, x + (size_t)i * in, z + (size_t)i * out, &one.at[i]);
			must(w, same(y, z, (size_t)n * out), "%d streams are not the bits of one at a time", n);
			for (int i = 0; i < n; i++)
				must(w, same(all.at[i], one.at[i], w->state), "%d streams: state %d is not that of one at a time", n,
				     i);
		}
	}
	for (int i = 0; i < MOST; i++) {
		states fork = {{copy_of(&a, start.at[i], w->state)}}, part = states_zero(w, &a, 1);
		states kept = {{copy_of(&a, start.at[i], w->state)}};
		memcpy(part.at[0], start.at[i], w->m->state_used(&w->d, start.at[i]));
		step(w, w->w, i, 1, x, y, &start.at[i]);
		step(w, w->w, i, 1, other, z, fork.at);
		must(w, in < 2 || !same(y, z, out) || out == 1, "another input, the same output");
		step(w, w->w, i, 1, x, z, kept.at);
		must(w, same(y, z, out) && same(start.at[i], kept.at[0], w->state), "a copied state does not go on the same");
		step(w, w->w, i, 1, x, z, part.at);
		must(w, same(y, z, out), "the used bytes of a state are not all that matters");
		step(w, w->w, i, 1, other, y, part.at);
		step(w, w->w, i, 1, other, z, start.at + i);
		must(w, same(y, z, out), "the used bytes of a state are not all that matters, a step later");
	}
	must(w, !arr_broken(&a), "streams: an array was overrun");
	arr_free(&a);
}

static void law_index(world *w)
{
	arrays a = {0};
	enum { B = 3, ROWS = 6 };
	int T = w->T, len[B] = {T, T - 2, 1};
	int32_t *index = arr_must(malloc(sizeof *index * (size_t)(T * B)));
	size_t in = (size_t)w->d.in, out = (size_t)w->d.out, n = (size_t)T * B;
	float *table = random_floats(w, &a, ROWS * in, 1), *x = arr(&a, n * in), *y = arr(&a, n * out);
	float *z = arr(&a, n * out);
	float *dy = random_floats(w, &a, n * out, 1), *dtable = arr(&a, ROWS * in);
	for (size_t i = 0; i < n; i++) {
		index[i] = rnd_below(&w->r, ROWS - 1);  /* the last row is never used */
		memcpy(x + i * in, table + (size_t)index[i] * in, in * sizeof *x);
	}
	for (int lengths = 0; lengths < 2; lengths++) {
		states s1 = states_warm(w, &a, B, w->warm, 1), s2 = states_copy(w, &a, &s1, B);
		ur_span gathered = {.T = T, .B = B, .len = lengths ? len : NULL, .x = x, .y = y, .state = s1.at};
		ur_span by_index = {
			.T = T, .B = B, .len = gathered.len, .x = table, .index = index, .rows = ROWS, .y = z, .state = s2.at};
		grads g1 = grads_new(w, &a, &gathered), g2 = grads_new(w, &a, &by_index);
		float *saved1 = forward(w, w->ctx, &a, &gathered, 1), *saved2 = forward(w, w->ctx, &a, &by_index, 1);
		keep(w, INDEX, differ(z, y, n * out), 1e-5, "y by index");
		for (int b = 0; b < B; b++)
			keep(w, INDEX, differ(s2.at[b], s1.at[b], w->state), 1e-5, "state by index");
		backward(w, w->ctx, &gathered, saved1, dy, &g1, NULL);
		backward(w, w->ctx, &by_index, saved2, dy, &g2, NULL);
		memset(dtable, 0, ROWS * in * sizeof *dtable);
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < in; j++)
				dtable[(size_t)index[i] * in + j] += g1.dx[i * in + j];
		keep(w, INDEX, differ(g2.dx, dtable, ROWS * in), 2e-5, "dx by index");
		for (int i = 0; i < w->n; i++)
			keep(w, INDEX, differ(g2.dw[i], g1.dw[i], w->size[i]), 2e-5, w->p[i].name);
		states s3 = states_warm(w, &a, B, w->warm, 1), s4 = states_copy(w, &a, &s3, B);
		gathered.state = s3.at, by_index.state = s4.at;
		forward(w, w->ctx, &a, &gathered, 0);
		forward(w, w->ctx, &a, &by_index, 0);
		keep(w, INDEX, differ(z, y, n * out), 1e-5, "y by index, nothing saved");
	}
	free(index);
	must(w, !arr_broken(&a), "index: an array was overrun");
	arr_free(&a);
}

#include "laws_gradient.h"
#include "laws_memory.h"

/* -- cases ------------------------------------------------ */

static void parameters(world *w)
{
	w->n = w->m->params(&w->d, w->p);
	for (int i = 0; i < w->n; i++) {
		const ur_param *p = &w->p[i];
		int matrix = p->cols > 0, blocks = p->blocks > 1 ? p->blocks : 1;
		w->size[i] = (size_t)p->rows * (size_t)(matrix ? p->cols : 1);
		/* such that hundreds of steps neither explode nor become chaotic */
		w->data[i] = random_floats(w, &w->all, w->size[i], matrix ? (w->big ? 0.6 : 1) * sqrt(3.0 / p->cols) : 0.4);
		w->w[i] = (ur_mat){.rows = p->rows, .cols = matrix ? p->cols : 1, .blocks = blocks, .cut = p->cut,
		                   .data = w->data[i]};
		if (matrix) {
			w->w[i].panels = arr(&w->all, ur_panels_size(w->k, p->rows, p->cols, blocks));
			w->w[i].panels_t = arr(&w->all, ur_panels_size(w->k, p->cols, p->rows, 1));
		}
	}
	ur_pack_weights(w->ctx, w->n, w->w);
}

/* Sources of ragged lengths; two streams share one. */
static void sources(world *w)
{
	for (int b = 0; b < MOST_B && reads_memory(w); b++) {
		size_t M = (size_t)w->d.memory;
		if (b == 3) {
			w->source[b] = w->source[2], w->mlen[b] = w->mlen[2];
			continue;
		}
		w->mlen[b] = b % 4 == 1 ? w->S : 1 + rnd_below(&w->r, w->S);
		w->source[b] = arr(&w->all, (size_t)w->S * M);
		rnd_fill(&w->r, (size_t)w->mlen[b] * M, 1, w->source[b]);
	}
	remember(w, &w->all, w->w);
}

static void test_case(void **state)
{
	world *w = *state;
	parameters(w);
	sources(w);
	size_t bytes = w->m->state_size(&w->d);
	must(w, bytes > 0 && bytes % sizeof(float) == 0, "state_size %zu", bytes);
	w->state = bytes / sizeof(float);
	int64_t limit = w->m->limit(&w->d);
	must(w, limit == 0 || limit >= w->warm + w->T, "limit");
	must(w, (limit != 0) <= ((w->m->flags & UR_STATE_GROWS) != 0), "a limit, but the state does not grow");
	must(w, limit == 0 || w->m->rewind, "a limit, but the state cannot be set back");
	ur_span s = {.T = w->T, .B = w->B}, twice = {.T = 2 * w->T, .B = w->B};
	ur_cost c1 = w->f->cost(&w->d, &s), c2 = w->f->cost(&w->d, &twice);
	must(w, c1.flops > 0 && c1.bytes > 0 && c2.flops > 1.9 * c1.flops, "cost");
	ur_dims alone = w->d;
	alone.memory = 0;
	must(w, (w->m->check(&alone) != NULL) == reads_memory(w), "check() without an encoder");
	must(w, !w->m->remember == !reads_memory(w) && !w->m->memory_size == !reads_memory(w), "remember");

	law_step(w);
	law_chunks(w);
	law_threads(w);
	law_gradient(w);
	if (!w->big) {
		law_lengths(w);
		law_empty(w);
		law_streams(w);
		if (!reads_memory(w))
			law_index(w); /* no decoder's top layer is given an index */
		law_backward(w);
		if (has_state_grad(w))
			law_pieces(w);
		law_storage(w, UR_BF16);
		law_storage(w, UR_I8);
		law_nan(w);
		if (reads_memory(w))
			law_memory(w);
	}
	must(w, !arr_broken(&w->all), "a parameter was overrun");
	printf("%-6s %-58s T %3d B %3d:", w->k->name, w->text, w->T, w->B);
	for (int i = 0; i < LAWS; i++)
		printf(" %s %.1e", law_names[i], w->worst[i]);
	printf("\n");
	arr_free(&w->all);
	assert_int_equal(w->failed, 0);
}

typedef struct cases { world *w; int n, room; } cases;

static void describe(world *w)
{
	size_t room = sizeof w->text;
	int at = snprintf(w->text, room, "%s %d>%d", w->m->name, w->d.in, w->d.out);
	if (reads_memory(w))
		at += snprintf(w->text + at, room - (size_t)at, " memory %d rows %d", w->d.memory, w->S);
	for (int i = 0; w->m->options && w->m->options[i].name; i++)
		if (fabs(w->d.option[i] - w->m->options[i].standard) > 0)
			at += snprintf(w->text + at, room - (size_t)at, " %s=%g", w->m->options[i].name, w->d.option[i]);
}

static void add_case(cases *c, const bench *b, int mixer, const ur_dims *d, int T, int B, int warm, int big)
{
	world w = {.bench = b, .k = b->k, .ctx = &b->ctx[0], .m = ur_mixers[mixer], .f = ur_mixer_forwards[mixer],
	           .g = ur_mixer_backwards[mixer], .d = *d, .T = T, .B = B, .warm = warm, .big = big};
	w.r.s = (uint64_t)c->n + 1;
	w.d.context = warm + T;
	if (reads_memory(&w)) {
		static const int shapes[][2] = {{7, 5}, {16, 1}, {33, 70}, {1, 4}, {40, 9}, {2, 130}, {24, 12}};
		const int *s = shapes[c->n % (int)(sizeof shapes / sizeof *shapes)];
		w.d.memory = s[0], w.S = s[1];
	}
	if (w.m->check(&w.d) || w.m->state_size(&w.d) > 1 << 20)
		return;
	describe(&w);
	for (int i = 0; i < c->n; i++)
		if (c->w[i].m == w.m && c->w[i].T == T && c->w[i].B == B && !strcmp(c->w[i].text, w.text))
			return;
	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->w = arr_must(realloc(c->w, (size_t)c->room * sizeof *c->w));
	}
	c->w[c->n++] = w;
}

/* A value of an option to try: its choices, or its bounds, default and small numbers. -1: no more. */
static int candidate(const ur_option *o, int i, double *value)
{
	const double some[] = {o->standard, o->least, 1, 2, 3, 5, 100, 0.5, o->most};
	int n = o->choices ? (int)(o->most - o->least) + 1 : (int)(sizeof some / sizeof *some);
	if (i >= n)
		return -1;
	*value = o->choices ? o->least + i : some[i];
	return *value >= o->least && *value <= o->most && !(o->whole && *value != floor(*value));
}

static void draw(rnd *r, const ur_option *o, double *value)
{
	int n = 0;
	while (candidate(o, n, value) >= 0)
		n++;
	do
		candidate(o, rnd_below(r, n), value);
	while (!(*value >= o->least && *value <= o->most && !(o->whole && *value != floor(*value))));
}

static void cases_of(cases *c, const bench *b, int mixer)
{
	static const int widths[][2] = {{40, 40}, {33, 20}, {5, 7},   {16, 16}, {12, 12},
	                                {3, 1},   {1, 3},   {24, 24}, {9, 17},  {6, 6}};
	enum { WIDTHS = sizeof widths / sizeof *widths };
	const ur_mixer *m = ur_mixers[mixer];
	ur_dims d = {0}, usual = {.context = 1};
	rnd r = {(uint64_t)mixer};
	int options = 0;
	for (; m->options && m->options[options].name; options++)
		usual.option[options] = m->options[options].standard;

	for (int i = 0; i < WIDTHS; i++) {
		d = usual;
		d.in = widths[i][0], d.out = widths[i][1];
		add_case(c, b, mixer, &d, 9, 2 + i % 2, 3, 0);
	}
	/* every value of every option, among widths and other options at random until check() is content; with memory a
	 * choice is of a cell, which deserves more than one */
	for (int o = 0; o < options; o++) {
		const int want = m->options[o].choices && m->flags & UR_READS_MEMORY ? 3 : 1;
		double value;
		for (int i = 0, fits; (fits = candidate(&m->options[o], i, &value)) >= 0; i++)
			for (int tries = 0, before = c->n; fits && tries < 100 && c->n < before + want; tries++) {
				const int *wide = widths[2 + rnd_below(&r, WIDTHS - 2)];
				d = usual;
				d.in = wide[0], d.out = wide[1];
				for (int q = 0; q < options; q++)
					if (rnd_below(&r, 2))
						draw(&r, &m->options[q], &d.option[q]);
				d.option[o] = value;
				add_case(c, b, mixer, &d, 9, 2, 3, 0);
			}
	}
	/* wide, many, and long: past every tile, chunk and block; the last with more options the more there are */
	for (int i = 0; i < 4 + options / 2; i++)
		for (int tries = 0, before = c->n; tries < 100 && c->n == before; tries++) {
			static const int shapes[3][5] = {{72, 72, 520, 1, 2}, {8, 8, 260, 128, 0}, {24, 24, 60, 2, 72}};
			const int *s = shapes[i < 2 ? i : 2];
			ur_param p[UR_MIXER_PARAMS];
			int T = s[2];
			d = usual;
			d.in = s[0], d.out = s[1];
			for (int q = 0; q < options && i > 2; q++)
				draw(&r, &m->options[q], &d.option[q]);
			/* as many gates as it has, as few steps do; where the work of a step grows, few too */
			for (int q = m->params(&d, p); i == 1 && q-- > 0;)
				T = p[q].blocks > 1 && s[2] / p[q].blocks < T ? s[2] / p[q].blocks : T;
			/* a state that grows has whole tiles of earlier steps */
			const int grows = (m->flags & UR_STATE_GROWS) != 0;
			add_case(c, b, mixer, &d, i == 1 && grows ? T / 5 : T, s[3], grows ? 2 * s[4] : s[4], 1);
		}
}

int main(void)
{
	const ur_kernels *sets[2];
	int n = sets_to_test(sets), failed = 0;
	if (!n) {
		printf("this processor cannot run the kernel set asked for\n");
		return 77;
	}
	for (int i = 0; i < n; i++) {
		bench b = {.k = sets[i]};
		cases c = {0};
		for (int t = 0; t < MOST_THREADS; t++) {
			if (!ur_ctx_open(&b.ctx[t], NULL, t + 1))
				return 1;
			b.ctx[t].k = sets[i];
		}
		for (int m = 0; ur_mixers[m]; m++) {
			if (ur_mixer_forwards[m]->mixer != ur_mixers[m] || ur_mixer_backwards[m]->mixer != ur_mixers[m])
				return 1;
			cases_of(&c, &b, m);
		}
		struct CMUnitTest *tests = arr_must(calloc((size_t)c.n, sizeof *tests));
		for (int j = 0; j < c.n; j++)
			tests[j] = (struct CMUnitTest){c.w[j].text, test_case, NULL, NULL, &c.w[j]};
		failed += _cmocka_run_group_tests(sets[i]->name, tests, (size_t)c.n, NULL, NULL);
		free(tests);
		free(c.w);
		for (int t = 0; t < MOST_THREADS; t++)
			ur_ctx_close(&b.ctx[t]);
	}
	return failed != 0;
}
