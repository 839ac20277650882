/* Recurrent layers over time, forward and one step at a time; recurrent_back.c has the way back.
 *
 *     a_t = W_ih x_t + b_ih + b_hh + W_hh h_{t-1},   h_t = cell(a_t)        (GRU: the two halves kept apart)
 *
 * The sum of x and biases does not wait for h, so it is one product for all rows of a chunk of steps. Only W_hh h must
 * be taken step by step: the batch is split over the threads by rows, and each thread takes its rows through all
 * steps without waiting for the others. Some units at a time, the product is followed by the cell while its result is
 * still in cache. A chunk is about 2 MB of pre-activations, so they are read again from cache, and prefill needs no
 * more memory for a long sequence than for a short one. With fewer rows than threads the threads share the product of
 * a chunk.
 *
 * With span->index, x is projected once per row of the table and each step adds the row it names. */
#include "mixer/recurrent_parts.h"

#include <limits.h>
#include <math.h>

enum {
	CHUNK_FLOATS = 1 << 19, /* pre-activations in a chunk of steps ... */
	CHUNK_ROWS = 256,       /* ... and the least rows in one, so that gradients of weights are worth a pass over dw */
	GROUP_FLOATS = 1 << 15, /* pre-activations between a product and its cell */
	PROJECT_ROWS = 120,     /* rows of x that pass over the weights together */
	PROJECT_FLOATS = 1 << 16, /* weights that stay in cache while all these rows pass */
};

const char *ur_recurrent_check(const ur_dims *d)
{
	if (d->in < 1 || d->out < 1)
		return "a recurrent layer needs an input and an output of at least 1";
	if (d->in > 1 << 20 || d->out > 1 << 20)
		return "a recurrent layer's input and output are at most 1048576 wide";
	return NULL;
}

int ur_recurrent_params(const ur_cell *cell, const ur_dims *d, ur_param p[UR_MIXER_PARAMS])
{
	int G = cell->gates, H = d->out;
	float a = (float)(1 / sqrt(H));

	p[UR_W_IH] = (ur_param){ .name = "weight_ih", .cols = d->in, .blocks = G };
	p[UR_W_HH] = (ur_param){ .name = "weight_hh", .cols = H, .blocks = G };
	p[UR_B_IH] = (ur_param){ .name = "bias_ih" };
	p[UR_B_HH] = (ur_param){ .name = "bias_hh" };
	for (int i = 0; i < UR_RECURRENT_PARAMS; i++) {
		p[i].rows = G * H;
		p[i].init = UR_INIT_UNIFORM;
		p[i].a = a;
	}
	return UR_RECURRENT_PARAMS;
}

int64_t ur_recurrent_limit(const ur_dims *d)
{
	(void)d;
	return 0;
}

int ur_recurrent_chunk(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	int64_t width = (int64_t)s->B * cell->gates * d->out, steps;

	if (s->B < 1 || s->T < 1)
		return 0;
	steps = CHUNK_FLOATS / width;
	if (steps * s->B < CHUNK_ROWS)
		steps = (CHUNK_ROWS + s->B - 1) / s->B;
	return steps < s->T ? (int)steps : s->T;
}

size_t ur_recurrent_rows(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	const int64_t all = (int64_t)s->T * s->B, wide = CHUNK_FLOATS / ((int64_t)cell->gates * d->out);
	const int64_t most = wide > CHUNK_ROWS + s->B - 1 ? wide : CHUNK_ROWS + s->B - 1;

	return s->B < 1 || s->T < 1 ? 0 : (size_t)(all < most ? all : most);
}

size_t ur_recurrent_cut(size_t *total, size_t n)
{
	size_t at = *total;
	*total += (n + 15) & ~(size_t)15;
	return at;
}

ur_recurrent_saved ur_recurrent_saved_layout(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	size_t T = (size_t)s->T, slab = (size_t)s->B * (size_t)d->out, G = (size_t)cell->gates;
	ur_recurrent_saved l = { 0 };

	l.h0 = ur_recurrent_cut(&l.total, slab);
	l.a = ur_recurrent_cut(&l.total, G > 1 ? T * slab * G : 0);
	l.c = ur_recurrent_cut(&l.total, cell->memory ? (T + 1) * slab : 0);
	l.un = ur_recurrent_cut(&l.total, cell->apart ? T * slab : 0);
	return l;
}

/* Where the working memory of forward is cut. h0, a and c serve when nothing is saved. */
struct work_layout { size_t bias, u, table, h0, a, c, total; };

static struct work_layout work_layout(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	size_t slab = (size_t)s->B * (size_t)d->out, G = (size_t)cell->gates, GH = G * (size_t)d->out;
	struct work_layout l = { 0 };

	l.bias = ur_recurrent_cut(&l.total, cell->apart ? 0 : GH);
	l.u = ur_recurrent_cut(&l.total, cell->apart ? slab * G : 0);
	l.table = ur_recurrent_cut(&l.total, s->index ? (size_t)s->rows * GH : 0);
	l.h0 = ur_recurrent_cut(&l.total, slab);
	l.a = ur_recurrent_cut(&l.total, G > 1 ? ur_recurrent_rows(cell, d, s) * GH : 0);
	l.c = ur_recurrent_cut(&l.total, cell->memory ? 2 * slab : 0);
	return l;
}

ur_need ur_recurrent_need(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	return (ur_need){
		.saved = ur_recurrent_saved_layout(cell, d, s).total,
		.forward = work_layout(cell, d, s).total,
		.backward = ur_recurrent_back_work(cell, d, s),
	};
}

ur_cost ur_recurrent_cost(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	double H = d->out, GH = cell->gates * H, in = d->in, rows = (double)s->T * s->B;
	double projected = s->index ? s->rows : rows, chunk = ur_recurrent_chunk(cell, d, s);
	double chunks = s->index || chunk < 1 ? 1 : s->T / chunk;
	ur_cost cost;

	cost.flops = 2 * in * GH * projected + (2 * H * GH + cell->work * H) * rows;
	/* W_ih once a chunk, W_hh once a step; x, then a written, added to, and read by the cell; h and c out and back */
	cost.bytes = sizeof(float) * (in * GH * chunks + H * GH * s->T + (in + GH) * projected +
	                              (3 * GH + 2 * (1 + cell->memory) * H) * rows);
	return cost;
}

int ur_recurrent_group(const ur_kernels *k, int rows, int gates, int H)
{
	int n = GROUP_FLOATS / (rows * gates) / k->nr * k->nr;

	n = n < k->nr ? k->nr : n;
	return n < H ? n : H;
}

/* y(M, G H) = x W^T + bias or += x W^T, for the panels of units [j, j + n); j is a multiple of k->nr. */
static void product(const ur_kernels *k, const ur_mat *w, int G, int M, const float *x, ptrdiff_t ldx,
                    const float *bias, float *y, ptrdiff_t ldy, int accumulate, int j, int n)
{
	ur_product p = {
		.M = M, .N = w->rows, .K = w->cols, .blocks = G, .A = x, .row = ldx, .col = 1, .scale = w->scale,
		.p0 = j / k->nr * G, .p1 = (j + n + k->nr - 1) / k->nr * G, .C = y, .ldc = ldy, .bias = bias,
		.accumulate = accumulate,
	};

	p.panels = (const char *)w->panels + (size_t)p.p0 * ur_panel_bytes(k, w->dtype, p.K);
	k->product[w->dtype](&p);
}

void ur_recurrent_sum_biases(const ur_kernels *k, const ur_mat *w, float *bias)
{
	int n = w[UR_B_IH].rows;
	k->copy(1, n, w[UR_B_IH].data, n, bias, n);
	k->add(n, w[UR_B_HH].data, bias);
}

/* -- one step ---------------------------------------------------------------------------------------------------- */

/* Work: n rows of a, u, h and c, and the bias; rows are whole lines. */
struct step_layout { size_t bias, a, u, h, c, total; };

static struct step_layout step_layout(const ur_cell *cell, const ur_dims *d, int n)
{
	size_t slab = (size_t)n * (size_t)d->out, G = (size_t)cell->gates;
	struct step_layout l = { 0 };

	l.bias = ur_recurrent_cut(&l.total, cell->apart ? 0 : G * (size_t)d->out);
	l.a = ur_recurrent_cut(&l.total, G > 1 ? slab * G : 0);
	l.u = ur_recurrent_cut(&l.total, cell->apart ? slab * G : 0);
	l.h = ur_recurrent_cut(&l.total, slab);
	l.c = ur_recurrent_cut(&l.total, cell->memory ? slab : 0);
	return l;
}

size_t ur_recurrent_step_work(const ur_cell *cell, const ur_dims *d, int n) { return step_layout(cell, d, n).total; }

void ur_recurrent_step(const ur_cell *cell, const ur_turn *turn)
{
	const ur_kernels *k = turn->k;
	const ur_dims *d = turn->d;
	const ur_mat *w = turn->w;
	const int n = turn->n;
	const float *x = turn->x;
	float *y = turn->y, *work = turn->work;
	void *const *state = turn->state;
	const struct step_layout l = step_layout(cell, d, n);
	const int G = cell->gates, H = d->out, group = ur_recurrent_group(k, n, G, H);
	float *a = G > 1 ? work + l.a : y, *u = cell->apart ? work + l.u : a, *h = work + l.h, *c = work + l.c;
	const float *bias = w[UR_B_IH].data;

	for (int i = 0; i < n; i++)
		k->copy(1, H, state[i], H, h + (size_t)i * (size_t)H, H);
	if (!cell->apart) {
		ur_recurrent_sum_biases(k, w, work + l.bias);
		bias = work + l.bias;
	}
	for (int j = 0; j < H; j += group) {
		int units = j + group < H ? group : H - j;

		product(k, &w[UR_W_IH], G, n, x, d->in, bias, a, G * H, 0, j, units);
		product(k, &w[UR_W_HH], G, n, h, H, w[UR_B_HH].data, u, G * H, !cell->apart, j, units);
		for (int i = 0; i < n; i++) {
			size_t at = (size_t)i * (size_t)H + (size_t)j, at_gates = (size_t)i * (size_t)(G * H) + (size_t)j;
			cell->step(&(ur_cell_step){
				.k = k, .d = d, .n = units, .stride = H, .a = a + at_gates, .u = u + at_gates,
				.h_prev = h + at, .h = y + at,
				.c_prev = cell->memory ? (const float *)state[i] + H + j : NULL,
				.c = cell->memory ? c + at : NULL,
			});
		}
	}
	for (int i = 0; i < n; i++) {
		k->copy(1, H, y + (size_t)i * (size_t)H, H, state[i], H);
		if (cell->memory)
			k->copy(1, H, c + (size_t)i * (size_t)H, H, (float *)state[i] + H, H);
	}
}

/* -- whole sequences --------------------------------------------------------------------------------------------- */

struct forward {
	const ur_cell *cell;
	const ur_kernels *k;
	const ur_dims *d;
	const ur_mat *w;
	const ur_span *s;
	int chunk, t0, t1;      /* steps in a chunk; the chunk */
	int alone;              /* each thread projects its own rows, or there is nothing to project; else all is done */
	size_t slab;            /* B H */
	const float *bias;      /* of the projection */
	float *h0, *u, *un;
	const float *table;
	float *a;               /* pre-activations, then activations; windowed: of the chunk alone, else of all steps */
	int windowed;
	float *c;               /* c of step t in slab (t + 1) % c_slabs */
	int c_slabs;
};

static float *a_slab(const struct forward *f, int t)
{
	return f->a + (size_t)(f->windowed ? t - f->t0 : t) * f->slab * (size_t)f->cell->gates;
}

static float *c_slab(const struct forward *f, int t)
{
	return f->c + (size_t)((t + 1) % f->c_slabs) * f->slab;
}

/* The cell for units [j, j + n) of row b at step t. */
static void cell_row(const struct forward *f, int t, int b, int j, int n)
{
	const size_t H = (size_t)f->d->out, at = (size_t)b * H + (size_t)j;
	const size_t at_gates = (size_t)b * H * (size_t)f->cell->gates + (size_t)j;
	float *y = f->s->y + (size_t)t * f->slab;
	ur_cell_step r = {
		.k = f->k, .d = f->d, .n = n, .stride = (ptrdiff_t)H, .a = a_slab(f, t) + at_gates,
		.h_prev = (t ? y - f->slab : f->h0) + at, .h = y + at,
	};

	if (f->cell->apart) {
		r.u = f->u + at_gates;
		r.un = f->un ? f->un + (size_t)t * f->slab + at : NULL;
	}
	if (f->cell->memory) {
		r.c_prev = c_slab(f, t - 1) + at;
		r.c = c_slab(f, t) + at;
	}
	f->cell->step(&r);
}

/* Moves on to the chunk that starts where the last one ended. */
static void next_chunk(struct forward *f)
{
	f->t0 = f->t1;
	f->t1 = f->s->T - f->t0 < f->chunk ? f->s->T : f->t0 + f->chunk;
}

/* a = W_ih x + bias of rows [from, to) for the chunk, on this thread. A block of steps at a time passes over weights
 * that stay in cache; within it, products are as tall as they can be: all rows when they are the whole batch, else the
 * rows of one step or the steps of one row. */
static void project_rows(const struct forward *f, int from, int to)
{
	const ur_mat *w = &f->w[UR_W_IH];
	const int G = f->cell->gates, H = f->d->out, in = f->d->in, B = f->s->B, rows = to - from, nr = f->k->nr;
	const int whole = rows == B, most = PROJECT_ROWS / rows > 0 ? PROJECT_ROWS / rows : 1;
	const ptrdiff_t ldx = (ptrdiff_t)B * in, lda = (ptrdiff_t)B * G * H;
	int group = PROJECT_FLOATS / (G * in) / nr * nr;

	group = whole ? H : group < nr ? nr : group;
	for (int t = f->t0, steps; t < f->t1; t += steps) {
		const float *x = f->s->x + t * ldx + (ptrdiff_t)from * in;
		float *a = a_slab(f, t) + (ptrdiff_t)from * G * H;

		steps = f->t1 - t < most ? f->t1 - t : most;
		for (int j = 0; j < H; j += group) {
			int n = j + group < H ? group : H - j;

			if (whole)
				product(f->k, w, G, steps * B, x, in, f->bias, a, G * H, 0, j, n);
			for (int i = 0; !whole && rows >= steps && i < steps; i++)
				product(f->k, w, G, rows, x + i * ldx, in, f->bias, a + i * lda, G * H, 0, j, n);
			for (int b = 0; !whole && rows < steps && b < rows; b++)
				product(f->k, w, G, steps, x + (ptrdiff_t)b * in, ldx, f->bias, a + (ptrdiff_t)b * G * H, lda, 0, j, n);
		}
	}
}

/* Rows [from, to) through the steps of the chunk. */
static void step_rows(const struct forward *f, int from, int to)
{
	const ur_span *s = f->s;
	const int G = f->cell->gates, H = f->d->out, GH = G * H;
	const size_t wide = (size_t)GH;

	for (int t = f->t0; t < f->t1; t++) {
		const int end = ur_recurrent_last(s, t, from, to), rows = end - from;
		const int group = rows ? ur_recurrent_group(f->k, rows, G, H) : H;
		float *y = s->y + (size_t)t * f->slab, *a = a_slab(f, t) + (size_t)from * wide;
		float *u = f->u + (size_t)from * wide;
		const float *h = (t ? y - f->slab : f->h0) + (size_t)from * (size_t)H;

		for (int b = from; f->table && b < end; b++) {
			size_t at = (size_t)t * (size_t)s->B + (size_t)b;
			if (t < ur_recurrent_length(s, b))
				f->k->copy(1, GH, f->table + (size_t)s->index[at] * wide, GH, a + (size_t)(b - from) * wide, GH);
		}
		for (int j = 0; rows && j < H; j += group) {
			int n = j + group < H ? group : H - j;

			if (f->cell->apart)
				product(f->k, &f->w[UR_W_HH], G, rows, h, H, f->w[UR_B_HH].data, u, G * H, 0, j, n);
			else
				product(f->k, &f->w[UR_W_HH], G, rows, h, H, NULL, a, G * H, 1, j, n);
			for (int b = from; b < end; b++)
				if (t < ur_recurrent_length(s, b))
					cell_row(f, t, b, j, n);
		}
		for (int b = from; b < to; b++) {
			int len = ur_recurrent_length(s, b);
			size_t at = (size_t)b * (size_t)H;

			if (t >= len)
				f->k->fill(1, H, 0, y + at, H);
			if (t != len - 1 || !s->state)
				continue;
			f->k->copy(1, H, y + at, H, s->state[b], H);
			if (f->cell->memory)
				f->k->copy(1, H, c_slab(f, t) + at, H, (float *)s->state[b] + H, H);
		}
	}
}

static void forward_rows(void *arg, int from, int to, int thread)
{
	struct forward f = *(const struct forward *)arg;
	(void)thread;

	if (!f.alone)
		step_rows(&f, from, to);
	while (f.alone && f.t1 < f.s->T) {
		int end;

		next_chunk(&f);
		end = ur_recurrent_last(f.s, f.t0, from, to);
		if (!f.table && end > from)
			project_rows(&f, from, end);
		step_rows(&f, from, to);
	}
}

void ur_recurrent_forward(const ur_cell *cell, const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s,
                          float *saved, float *work)
{
	const ur_recurrent_saved sl = ur_recurrent_saved_layout(cell, d, s);
	const struct work_layout wl = work_layout(cell, d, s);
	const int H = d->out, GH = cell->gates * H;
	struct forward f = {
		.cell = cell, .k = c->k, .d = d, .w = w, .s = s, .chunk = ur_recurrent_chunk(cell, d, s),
		.alone = s->index || s->B >= c->threads, .slab = (size_t)s->B * (size_t)H, .bias = w[UR_B_IH].data,
		.h0 = saved ? saved + sl.h0 : work + wl.h0, .u = work + wl.u,
		.un = saved && cell->apart ? saved + sl.un : NULL,
		.a = cell->gates == 1 ? s->y : saved ? saved + sl.a : work + wl.a, .windowed = cell->gates > 1 && !saved,
		.c = saved ? saved + sl.c : work + wl.c, .c_slabs = saved ? s->T + 1 : 2,
	};

	if (!f.chunk)
		return;
	for (int b = 0; b < s->B; b++) {
		float *h0 = f.h0 + (size_t)b * (size_t)H, *c0 = f.c + (size_t)b * (size_t)H;

		if (s->state)
			c->k->copy(1, H, s->state[b], H, h0, H);
		else
			c->k->fill(1, H, 0, h0, H);
		if (cell->memory && s->state)
			c->k->copy(1, H, (const float *)s->state[b] + H, H, c0, H);
		else if (cell->memory)
			c->k->fill(1, H, 0, c0, H);
	}
	if (!cell->apart) {
		ur_recurrent_sum_biases(c->k, w, work + wl.bias);
		f.bias = work + wl.bias;
	}
	if (s->index) {
		ur_linear(c, s->rows, &w[UR_W_IH], f.bias, s->x, d->in, work + wl.table, GH, 0);
		f.table = work + wl.table;
	}
	if (f.alone) {
		ur_for_rows(c, s->B, 1, forward_rows, &f);
		return;
	}
	while (f.t1 < s->T) {
		const float *x = s->x + (size_t)f.t1 * (size_t)s->B * (size_t)d->in;

		next_chunk(&f);
		ur_linear(c, (f.t1 - f.t0) * s->B, &w[UR_W_IH], f.bias, x, d->in, a_slab(&f, f.t0), GH, 0);
		ur_for_rows(c, s->B, 1, forward_rows, &f);
	}
}
