/* Recurrent layers over time, backward (backpropagation through time, Werbos 1990).
 *
 *     dh_t = dy_t + W_hh^T da_{t+1},   da_t = cell'(dh_t)
 *     dW_ih += da_t x_t^T,  dW_hh += da_t h_{t-1}^T,  db += da_t,  dx_t = W_ih^T da_t        (sums over t and rows)
 *
 * Time runs backward in chunks (recurrent.c). Within one, each thread takes its rows through the steps without waiting
 * for the others; then the gradients of weights and input are products over all rows of the chunk, whose da is still in
 * cache. h_{t-1} is y moved by one slab, so nothing is copied for dW_hh.
 *
 * dh starts at a row's last step with the gradient of its final state. Steps beyond a row's length have da = 0. A cell
 * that keeps W_hh h apart (GRU) has two gradients: da for the input's half and du for the other. With span->index the
 * rows of da are first summed by the row of the table they came from, always in the same order. */
#include "mixer/recurrent_parts.h"

enum { SCATTER_COLUMNS = 128 }; /* of the table that one task sums */

/* Where the working memory is cut: dh, dc (B, H); da and du of a chunk and of the step after it; the sums of da by row
 * of the table; or x with the steps beyond a row's length zeroed, for what lies there may be no number at all; the
 * gradient that both biases have where they are simply added. */
struct back_layout { size_t dh, dc, da, du, table, x, bias, total; };

static struct back_layout back_layout(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	size_t slab = (size_t)s->B * (size_t)d->out, G = (size_t)cell->gates, GH = G * (size_t)d->out;
	size_t rows = ur_recurrent_rows(cell, d, s);
	struct back_layout l = { 0 };

	l.dh = ur_recurrent_cut(&l.total, slab);
	l.dc = ur_recurrent_cut(&l.total, cell->memory ? slab : 0);
	l.da = ur_recurrent_cut(&l.total, (rows + (cell->apart ? 0 : (size_t)s->B)) * GH);
	l.du = ur_recurrent_cut(&l.total, cell->apart ? (rows + (size_t)s->B) * GH : 0);
	l.table = ur_recurrent_cut(&l.total, s->index ? (size_t)s->rows * G * (size_t)d->out : 0);
	l.x = ur_recurrent_cut(&l.total, s->index ? 0 : rows * (size_t)d->in);
	l.bias = ur_recurrent_cut(&l.total, cell->apart ? 0 : G * (size_t)d->out);
	return l;
}

size_t ur_recurrent_back_work(const ur_cell *cell, const ur_dims *d, const ur_span *s)
{
	return back_layout(cell, d, s).total;
}

struct backward {
	const ur_cell *cell;
	ur_cell_back_fn *back;
	const ur_kernels *k;
	const ur_dims *d;
	const ur_mat *w;
	const ur_span *s;
	const float *dy, *h0, *a, *c, *un;
	float *dh, *dc;
	float *da, *du;         /* of the chunk's steps, du also of the step after it; not apart: du is da */
	float *table;
	int t0, t1;             /* the chunk */
	int through;            /* the gradient of the first state is wanted */
	size_t slab;            /* B H */
};

static size_t wide_slab(const struct backward *f) { return f->slab * (size_t)f->cell->gates; }

/* dh of rows [from, to) before the product: what reaches h_t otherwise. */
static void start_dh(const struct backward *f, int t, int from, int to)
{
	const ur_kernels *k = f->k;
	const int H = f->d->out;

	for (int b = from; b < to; b++) {
		const int len = ur_recurrent_length(f->s, b);
		const float *dy = t < 0 ? NULL : f->dy + (size_t)t * f->slab + (size_t)b * (size_t)H;
		float *dh = f->dh + (size_t)b * (size_t)H;

		if (t + 1 < len && !f->cell->apart) {
			if (dy)
				k->copy(1, H, dy, H, dh, H);
			else
				k->fill(1, H, 0, dh, H);
		} else if (dy && t < len) {
			k->add(H, dy, dh);
		}
	}
}

/* dh(:, j .. j + n) += du_{t+1} W_hh for rows [from, end) */
static void carry(const struct backward *f, int t, int from, int end, int j, int n)
{
	const ur_mat *w = &f->w[UR_W_HH];
	const int H = f->d->out, nr = f->k->nr;
	ur_product p = {
		.M = end - from, .N = H, .K = w->rows, .blocks = 1,
		.A = f->du + (size_t)(t + 1 - f->t0) * wide_slab(f) + (size_t)from * (size_t)w->rows, .row = w->rows, .col = 1,
		.p0 = j / nr, .p1 = (j + n + nr - 1) / nr, .C = f->dh + (size_t)from * (size_t)H, .ldc = H, .accumulate = 1,
	};

	p.panels = w->panels_t + (size_t)p.p0 * (size_t)p.K * (size_t)nr;
	f->k->product[UR_F32](&p);
}

/* The cell for units [j, j + n) of row b at step t. */
static void cell_row(const struct backward *f, int t, int b, int j, int n)
{
	const size_t H = (size_t)f->d->out, at = (size_t)b * H + (size_t)j;
	const size_t at_gates = (size_t)b * H * (size_t)f->cell->gates + (size_t)j;
	const size_t slot = (size_t)(t - f->t0) * wide_slab(f) + at_gates;
	const float *y = f->s->y + (size_t)t * f->slab;
	ur_cell_back r = {
		.k = f->k, .d = f->d, .n = n, .stride = (ptrdiff_t)H,
		.h_prev = (t ? y - f->slab : f->h0) + at, .h = y + at,
		.dh = f->dh + at, .da = f->da + slot, .du = f->du + slot,
	};

	if (f->cell->gates > 1)
		r.a = f->a + (size_t)t * wide_slab(f) + at_gates;
	if (f->cell->apart)
		r.un = f->un + (size_t)t * f->slab + at;
	if (f->cell->memory) {
		r.c_prev = f->c + (size_t)t * f->slab + at;
		r.c = r.c_prev + f->slab;
		r.dc = f->dc + at;
	}
	f->back(&r);
}

/* Rows [from, to) back through the steps of the chunk, and past the first step of all where that is wanted. */
static void back_rows(void *arg, int from, int to, int thread)
{
	const struct backward *f = arg;
	const int H = f->d->out, GH = H * f->cell->gates, T = f->s->T, last = f->t0 == 0 && f->through ? -1 : f->t0;
	const size_t wide = (size_t)GH;
	(void)thread;

	if (f->t1 < T) { /* the step after this chunk was the first of the one before */
		float *du = f->du + (size_t)from * wide;
		f->k->copy(to - from, GH, du, GH, du + (size_t)(f->t1 - f->t0) * wide_slab(f), GH);
	}
	for (int t = f->t1 - 1; t >= last; t--) {
		const int end = t + 1 < T ? ur_recurrent_last(f->s, t + 1, from, to) : from;
		const int group = ur_recurrent_group(f->k, to - from, f->cell->gates, H);

		start_dh(f, t, from, to);
		for (int j = 0; j < H; j += group) {
			int n = j + group < H ? group : H - j;

			if (end > from)
				carry(f, t, from, end, j, n);
			for (int b = from; t >= 0 && b < to; b++)
				if (t < ur_recurrent_length(f->s, b))
					cell_row(f, t, b, j, n);
		}
		for (int b = from; t >= 0 && b < to; b++) {
			size_t slot = (size_t)(t - f->t0) * wide_slab(f) + (size_t)b * wide;

			if (t < ur_recurrent_length(f->s, b))
				continue;
			f->k->fill(1, GH, 0, f->da + slot, GH);
			f->k->fill(1, GH, 0, f->du + slot, GH);
		}
	}
}

/* Adds the chunk's da to the rows of the table, for one stretch of columns. */
static void scatter(void *arg, int task, int thread)
{
	const struct backward *f = arg;
	const ur_span *s = f->s;
	const int GH = f->cell->gates * f->d->out, j = task * SCATTER_COLUMNS;
	const int n = GH - j < SCATTER_COLUMNS ? GH - j : SCATTER_COLUMNS;
	(void)thread;

	if (f->t1 == s->T)
		f->k->fill(s->rows, n, 0, f->table + j, GH);
	for (int t = f->t0; t < f->t1; t++)
		for (int b = 0; b < s->B; b++) {
			size_t row = (size_t)t * (size_t)s->B + (size_t)b, slot = row - (size_t)f->t0 * (size_t)s->B;

			if (t < ur_recurrent_length(s, b))
				f->k->add(n, f->da + slot * (size_t)GH + j, f->table + (size_t)s->index[row] * (size_t)GH + j);
		}
}

/* x of the chunk; where a row is over, zeros in its stead. */
static const float *clean_x(const struct backward *f, float *room)
{
	const ur_span *s = f->s;
	const size_t in = (size_t)f->d->in, B = (size_t)s->B;
	const float *x = s->x + (size_t)f->t0 * B * in;
	int whole = 1;

	for (int b = 0; b < s->B; b++)
		whole = whole && ur_recurrent_length(s, b) >= f->t1;
	if (whole)
		return x;
	for (int t = f->t0; t < f->t1; t++)
		for (int b = 0; b < s->B; b++) {
			size_t at = ((size_t)(t - f->t0) * B + (size_t)b) * in;

			if (t < ur_recurrent_length(s, b))
				f->k->copy(1, f->d->in, x + at, f->d->in, room + at, f->d->in);
			else
				f->k->fill(1, f->d->in, 0, room + at, f->d->in);
		}
	return room;
}

void ur_recurrent_backward(const ur_cell *cell, ur_cell_back_fn *back, const ur_ctx *c, const ur_dims *d,
                           const ur_mat *w, const ur_span *s, const float *saved, const float *dy, float *dx,
                           float *const *dw, void *const *dstate, float *work)
{
	const ur_recurrent_saved sl = ur_recurrent_saved_layout(cell, d, s);
	const struct back_layout l = back_layout(cell, d, s);
	const int H = d->out, GH = cell->gates * H, chunk = ur_recurrent_chunk(cell, d, s), B = s->B;
	const size_t slab = (size_t)B * (size_t)H;
	const ur_kernels *k = c->k;
	float *db_ih = cell->apart ? dw[UR_B_IH] : NULL, *db_hh = cell->apart ? dw[UR_B_HH] : work + l.bias;
	struct backward f = {
		.cell = cell, .back = back, .k = c->k, .d = d, .w = w, .s = s, .dy = dy, .slab = slab,
		.through = dstate != NULL,
		.h0 = saved + sl.h0, .a = saved + sl.a, .c = saved + sl.c, .un = saved + sl.un,
		.dh = work + l.dh, .dc = work + l.dc, .da = work + l.da, .du = work + (cell->apart ? l.du : l.da),
		.table = work + l.table,
	};

	if (!chunk)
		return;
	if (!cell->apart)
		k->fill(1, GH, 0, db_hh, GH);
	k->fill(B, H, 0, f.dh, H);
	if (cell->memory)
		k->fill(B, H, 0, f.dc, H);
	for (int b = 0; dstate && b < B; b++) {
		k->copy(1, H, dstate[b], H, f.dh + (size_t)b * (size_t)H, H);
		if (cell->memory)
			k->copy(1, H, (const float *)dstate[b] + H, H, f.dc + (size_t)b * (size_t)H, H);
	}
	for (f.t1 = s->T; f.t1 > 0; f.t1 = f.t0) {
		int steps = f.t1 < chunk ? f.t1 : chunk, first;

		f.t0 = f.t1 - steps;
		first = f.t0 == 0;
		ur_for_rows(c, B, 1, back_rows, &f);
		if (first)
			ur_linear_grad(c, B, GH, H, f.du, GH, f.h0, H, dw[UR_W_HH], db_hh);
		if (steps > first)
			ur_linear_grad(c, (steps - first) * B, GH, H, f.du + (first ? wide_slab(&f) : 0), GH,
			               s->y + (size_t)(f.t0 + first - 1) * slab, H, dw[UR_W_HH], db_hh);
		if (s->index) {
			ur_pool_run(c->pool, (GH + SCATTER_COLUMNS - 1) / SCATTER_COLUMNS, scatter, &f);
			continue;
		}
		ur_linear_grad(c, steps * B, GH, d->in, f.da, GH, clean_x(&f, work + l.x), d->in, dw[UR_W_IH], db_ih);
		if (dx)
			ur_linear_back(c, steps * B, &w[UR_W_IH], f.da, GH, dx + (size_t)f.t0 * (size_t)B * (size_t)d->in,
			               d->in, 0);
	}
	if (s->index) {
		ur_linear_grad(c, s->rows, GH, d->in, f.table, GH, s->x, d->in, dw[UR_W_IH], db_ih);
		if (dx)
			ur_linear_back(c, s->rows, &w[UR_W_IH], f.table, GH, dx, d->in, 0);
	}
	if (!cell->apart) {
		k->add(GH, db_hh, dw[UR_B_IH]);
		k->add(GH, db_hh, dw[UR_B_HH]);
	}
	for (int b = 0; dstate && b < B; b++) {
		k->copy(1, H, f.dh + (size_t)b * (size_t)H, H, dstate[b], H);
		if (cell->memory)
			k->copy(1, H, f.dc + (size_t)b * (size_t)H, H, (float *)dstate[b] + H, H);
	}
}
