/* Recurrent layers with attention over an encoder's outputs, backward (attending.h has the equations).
 *
 * Through c = sum alpha_j m_j, with the gradient dc:
 *
 *     dalpha_j = dc m_j,   de_j = alpha_j (dalpha_j - sum over i of alpha_i dalpha_i),   dm_j += alpha_j dc
 *
 * then the score's own gradient from de. Each thread takes its rows of the batch back through all steps. What adds up
 * over the steps waits for the end: dm_j = sum over t of alpha_tj dc_t is one product a row of the batch, as is
 * dk_j = sum over t of de_tj q_t where the score is q k_j; the gradients of the weights are products over all steps and
 * rows. A source belongs to one row, so its gradient to one thread.
 *
 * Steps beyond a row's length have da = 0 and a zero gradient of everything else. */
#include "mixer/attending_parts.h"

/* Where the working memory is cut: dh, dc (B, H) of the state; the gradient of what is fed (B, ldz); da and du
 * (T, B, G H); of the output's pre-activations (T, B, H) and rows (T, B, O), of queries (T, B, H), of scores (T, B, S),
 * of keys (B, S, H) and each row's of the score's vector (B, H); the cell's input (T, B, in + fed); the gradient that
 * both biases have where they are simply added; each thread's room of a score and gradient of a source (S, M). */
struct back_layout { size_t dh, dc, dz, da, du, dpre, dout, dq, de, dkeys, dv, input, bias, room, source, total; };

static struct back_layout back_layout(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_span *s)
{
	const ur_widths z = ur_attending_widths(l, d);
	const size_t B = (size_t)s->B, TB = (size_t)s->T * B, S = (size_t)s->S, H = (size_t)z.H, GH = (size_t)z.GH;
	const size_t threads = (size_t)c->threads;
	struct back_layout at = { 0 };

	at.dh = ur_recurrent_cut(&at.total, B * H);
	at.dc = ur_recurrent_cut(&at.total, z.cell->memory ? B * H : 0);
	at.dz = ur_recurrent_cut(&at.total, B * (size_t)(z.in % c->k->nr + z.fed));
	at.da = ur_recurrent_cut(&at.total, TB * GH);
	at.du = ur_recurrent_cut(&at.total, z.cell->apart ? TB * GH : 0);
	at.dpre = ur_recurrent_cut(&at.total, TB * H);
	at.dout = ur_recurrent_cut(&at.total, TB * (size_t)z.O);
	at.dq = ur_recurrent_cut(&at.total, l->query ? TB * H : 0);
	at.de = ur_recurrent_cut(&at.total, TB * S);
	at.dkeys = ur_recurrent_cut(&at.total, B * S * H);
	at.dv = ur_recurrent_cut(&at.total, l->vector ? B * H : 0);
	at.input = ur_recurrent_cut(&at.total, TB * (size_t)(z.in + z.fed));
	at.bias = ur_recurrent_cut(&at.total, z.cell->apart ? 0 : GH);
	at.room = ur_recurrent_cut(&at.total, l->score ? threads * ur_attending_room(z.H) : 0);
	at.source = ur_recurrent_cut(&at.total, threads * S * (size_t)z.M);
	return at;
}

size_t ur_attending_back_work(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_span *s)
{
	return back_layout(l, c, d, s).total;
}

struct backward {
	const ur_attending *l;
	ur_cell_back_fn *cell_back;
	ur_score_back_fn *score_back;
	const ur_ctx *ctx;
	const ur_kernels *k;
	const ur_widths *z;
	const ur_mat *w;
	const ur_span *span;
	const float *dy, *s, *c, *a, *un, *f0, *o, *alpha, *q, *made;
	float *dh, *dc, *dz, *da, *du, *dpre, *dout, *dq, *de, *dkeys, *dv, *input, *room, *source;
	float *dx, *dmemory;    /* NULL: not wanted */
	int ldz, skip;          /* what is fed starts at column `skip` of dz: the panel before it may hold the end of x */
	int through;            /* the gradient of the first state is wanted */
	size_t H, GH, O, B, S;
};

static int over(const struct backward *f, int t, int b) { return t >= ur_recurrent_length(f->span, b); }

/* dx += dy W for columns [from, w->cols) of W, from a multiple of nr; column `from` is dx's first. */
static void back_product(const ur_kernels *k, const ur_mat *w, int from, int M, const float *dy, ptrdiff_t ldy,
                         float *dx, ptrdiff_t ldx, int accumulate)
{
	k->product[UR_F32](&(ur_product){
		.M = M, .N = w->cols - from, .K = w->rows, .blocks = 1, .A = dy, .row = ldy, .col = 1,
		.panels = w->panels_t + (size_t)from * (size_t)w->rows, .p1 = ur_panel_count(k, w->cols - from, 1),
		.C = dx, .ldc = ldx, .accumulate = accumulate,
	});
}

/* dpre = df (1 - f f) */
static void tanh_back(const struct backward *f, const float *y, const float *df, float *dpre)
{
	const int H = (int)f->H;

	f->k->mul(H, y, y, dpre);
	f->k->mul(H, dpre, df, dpre);
	f->k->scale(H, -1, dpre);
	f->k->add(H, df, dpre);
}

/* Through the attention of row b at step t: dq += , and what source_rows wants. */
static void attend_back(const struct backward *f, int t, int b, const float *q, float *dq, int thread)
{
	const ur_kernels *k = f->k;
	const ur_widths *z = f->z;
	const size_t at = (size_t)t * f->B + (size_t)b, row = (size_t)(z->H + z->M);
	const int n = ur_attending_sources(f->span, b);
	const float *made = f->made + (size_t)b * f->S * row, *alpha = f->alpha + at * f->S;
	float *de = f->de + at * f->S;

	k->row_dots(n, z->M, made + z->H, (ptrdiff_t)row, f->dout + at * f->O + z->at_c, de);
	k->softmax_back(n, 1, (float)k->dot(n, alpha, de), alpha, de);
	if (!f->score_back) {
		k->row_sum(n, z->H, de, made, (ptrdiff_t)row, dq);
		return;
	}
	f->score_back(&(ur_score_back){
		.k = k, .n = n, .H = z->H, .keys = made, .ld = (ptrdiff_t)row, .q = q, .de = de, .dq = dq,
		.v = f->l->vector ? f->w[f->l->vector].data : NULL, .dv = f->l->vector ? f->dv + (size_t)b * f->H : NULL,
		.dkeys = f->dkeys + (size_t)b * f->S * f->H,
		.room = f->room + (size_t)thread * ur_attending_room(z->H),
	});
}

/* dh in: of s_t, out: what of it passes no product; da and du of row b at step t. */
static void cell_row(const struct backward *f, int t, int b)
{
	const size_t slab = f->B * f->H, at = (size_t)t * slab + (size_t)b * f->H;
	const size_t at_gates = ((size_t)t * f->B + (size_t)b) * f->GH;
	ur_cell_back r = {
		.k = f->k, .d = &f->z->plain, .n = f->z->H, .stride = f->z->H, .h_prev = f->s + at, .h = f->s + at + slab,
		.dh = f->dh + (size_t)b * f->H, .da = f->da + at_gates, .du = f->du + at_gates,
	};

	if (f->z->cell->gates > 1)
		r.a = f->a + at_gates;
	if (f->z->cell->apart)
		r.un = f->un + at;
	if (f->z->cell->memory) {
		r.c_prev = f->c + at;
		r.c = r.c_prev + slab;
		r.dc = f->dc + (size_t)b * f->H;
	}
	f->cell_back(&r);
	if (!f->z->cell->apart)
		f->k->fill(1, f->z->H, 0, r.dh, f->z->H);
}

/* Late: from dz, which holds the gradient of f_t but for dy, to dh, that of s_t, for rows [from, end). */
static void output_back(const struct backward *f, int t, int from, int end, int thread)
{
	const size_t at = (size_t)t * f->B, first = at + (size_t)from;

	for (int b = from; b < end; b++) {
		const size_t row = (at + (size_t)b) * f->H;
		float *df = f->dz + b * f->ldz + f->skip;

		if (over(f, t, b))
			continue;
		f->k->add((int)f->H, f->dy + row, df);
		tanh_back(f, f->span->y + row, df, f->dpre + row);
	}
	back_product(f->k, &f->w[f->l->out], 0, end - from, f->dpre + first * f->H, (ptrdiff_t)f->H, f->dout + first * f->O,
	             (ptrdiff_t)f->O, 0);
	for (int b = from; b < end; b++) {
		float *dh = f->dh + (size_t)b * f->H;

		if (over(f, t, b))
			continue;
		f->k->add((int)f->H, f->dout + (at + (size_t)b) * f->O + f->z->at_s, dh);
		attend_back(f, t, b, f->s + (at + f->B + (size_t)b) * f->H, dh, thread);
	}
}

/* Not late: from dz, the gradient of c_t, to dq and what it adds to dh, for rows [from, end). */
static void context_back(const struct backward *f, int t, int from, int end, int thread)
{
	const size_t at = (size_t)t * f->B, H = f->H;
	const int M = f->z->M;

	for (int b = from; b < end; b++) {
		const size_t row = at + (size_t)b;

		if (over(f, t, b))
			continue;
		f->k->copy(1, M, f->dz + b * f->ldz + f->skip, M, f->dout + row * f->O + f->z->at_c, M);
		f->k->fill(1, f->z->H, 0, f->dq + row * H, f->z->H);
		attend_back(f, t, b, f->q + row * H, f->dq + row * H, thread);
	}
	if (t || f->through)
		back_product(f->k, &f->w[f->l->query], 0, end - from, f->dq + (at + (size_t)from) * H, (ptrdiff_t)H,
		             f->dh + (size_t)from * H, (ptrdiff_t)H, 1);
}

/* What a row over at step t has: no gradient. */
static void clear_row(const struct backward *f, int t, int b)
{
	const ur_kernels *k = f->k;
	const size_t at = (size_t)t * f->B + (size_t)b;
	const int H = f->z->H, GH = f->z->GH;

	k->fill(1, GH, 0, f->da + at * f->GH, GH);
	k->fill(1, GH, 0, f->du + at * f->GH, GH);
	k->fill(1, H, 0, f->dpre + at * f->H, H);
	if (f->l->query)
		k->fill(1, H, 0, f->dq + at * f->H, H);
}

/* Rows [from, to) back through all steps. */
static void back_rows(void *arg, int from, int to, int thread)
{
	const struct backward *f = arg;
	const ur_widths *z = f->z;
	const size_t H = f->H, first = (size_t)from;

	for (int t = f->span->T - 1; t >= 0; t--) {
		const int end = ur_recurrent_last(f->span, t, from, to), rows = end - from;
		const size_t at = (size_t)t * f->B, gates = (at + first) * f->GH;

		for (int b = from; b < to; b++)
			if (over(f, t, b))
				clear_row(f, t, b);
		if (f->l->late)
			output_back(f, t, from, end, thread);
		for (int b = from; b < end; b++) {
			const float *dout = f->dout + (at + (size_t)b) * f->O;
			float *dz = f->dz + b * f->ldz;

			if (over(f, t, b))
				continue;
			f->k->fill(1, f->ldz, 0, dz, f->ldz);
			if (!f->l->late) {
				f->k->add(z->H, dout + z->at_s, f->dh + (size_t)b * H);
				f->k->copy(1, z->fed, dout + z->at_c, z->fed, dz + f->skip, z->fed);
			}
			cell_row(f, t, b);
		}
		if (!f->l->late || t || f->through)
			back_product(f->k, &f->w[UR_W_IH], z->in - f->skip, rows, f->da + gates, z->GH, f->dz + from * f->ldz,
			             f->ldz, 1);
		if (t || f->through)
			back_product(f->k, &f->w[UR_W_HH], 0, rows, f->du + gates, z->GH, f->dh + first * H, z->H, 1);
		if (!f->l->late)
			context_back(f, t, from, end, thread);
	}
}

/* Gradients of the sources of rows [from, to), from those of all steps. */
static void source_rows(void *arg, int from, int to, int thread)
{
	const struct backward *f = arg;
	const ur_ctx alone = { .k = f->k, .threads = 1, .scratch = ur_scratch(f->ctx, thread) };
	const size_t M = (size_t)f->z->M, B = f->B;
	float *dm = f->source + (size_t)thread * f->S * M;

	for (int b = from; b < to; b++) {
		const int len = ur_recurrent_length(f->span, b), n = ur_attending_sources(f->span, b);
		const ptrdiff_t ld = (ptrdiff_t)(B * f->S);
		float *dkeys = f->dkeys + (size_t)b * f->S * f->H;

		if (!f->score_back) /* q is s */
			ur_linear_grad(&alone, len, n, f->z->H, f->de + (size_t)b * f->S, ld, f->s + (B + (size_t)b) * f->H,
			               (ptrdiff_t)(B * f->H), dkeys, NULL);
		if (!f->dmemory)
			continue;
		f->k->fill(n, f->z->M, 0, dm, f->z->M);
		ur_linear_grad(&alone, len, n, f->z->M, f->alpha + (size_t)b * f->S, ld,
		               f->dout + (size_t)b * f->O + f->z->at_c, (ptrdiff_t)(B * f->O), dm, NULL);
		back_product(f->k, &f->w[f->l->key], 0, n, dkeys, f->z->H, dm, f->z->M, 1);
		for (int j = 0; j < n; j++)
			f->k->add(f->z->M, dm + (size_t)j * M, f->dmemory + ((size_t)j * B + (size_t)b) * M);
	}
}

/* Not late: the output's gradient, as far as no step waits for another; rows [from, to) of all T B. */
static void output_rows(void *arg, int from, int to, int thread)
{
	const struct backward *f = arg;
	(void)thread;

	for (int i = from; i < to; i++) {
		const size_t at = (size_t)i * f->H;

		if (over(f, i / (int)f->B, i % (int)f->B))
			f->k->fill(1, f->z->H, 0, f->dpre + at, f->z->H);
		else
			tanh_back(f, f->span->y + at, f->dy + at, f->dpre + at);
	}
}

/* The cell's input, zeros where a row is over: what lies there may be no number at all. */
static void input_rows(void *arg, int from, int to, int thread)
{
	const struct backward *f = arg;
	const size_t in = (size_t)f->z->in;
	const int wide = f->z->in + f->z->fed;
	(void)thread;

	for (int i = from; i < to; i++) {
		const size_t at = (size_t)i;
		const float *of = f->o + at * f->O + f->z->at_c;
		float *input = f->input + at * (size_t)wide;

		if (f->l->late)
			of = at < f->B ? f->f0 + at * f->H : f->span->y + (at - f->B) * f->H;
		if (over(f, i / (int)f->B, i % (int)f->B)) {
			f->k->fill(1, wide, 0, input, wide);
			continue;
		}
		f->k->copy(1, f->z->in, f->span->x + at * in, f->z->in, input, f->z->in);
		f->k->copy(1, f->z->fed, of, f->z->fed, input + in, f->z->fed);
	}
}

/* The output's part of dx, where it reads x. */
static void add_dx(void *arg, int from, int to, int thread)
{
	const struct backward *f = arg;
	(void)thread;

	for (int i = from; i < to; i++)
		f->k->add(f->z->in, f->dout + (size_t)i * f->O + f->z->at_x, f->dx + (size_t)i * (size_t)f->z->in);
}

/* Gradients of the weights, and of x, from what the steps left. */
static void weights_back(const struct backward *f, float *const *dw, float *bias)
{
	const ur_ctx *c = f->ctx;
	const ur_widths *z = f->z;
	const int rows = f->span->T * f->span->B, row = z->H + z->M;
	float *db_ih = bias ? NULL : dw[UR_B_IH], *db_hh = bias ? bias : dw[UR_B_HH];
	ur_mat x_part = f->w[UR_W_IH];

	if (bias)
		f->k->fill(1, z->GH, 0, bias, z->GH);
	ur_for_rows(c, rows, 1, input_rows, (void *)(uintptr_t)f);
	ur_linear_grad(c, rows, z->GH, z->in + z->fed, f->da, z->GH, f->input, z->in + z->fed, dw[UR_W_IH], db_ih);
	ur_linear_grad(c, rows, z->GH, z->H, f->du, z->GH, f->s, z->H, dw[UR_W_HH], db_hh);
	if (bias) {
		f->k->add(z->GH, bias, dw[UR_B_IH]);
		f->k->add(z->GH, bias, dw[UR_B_HH]);
	}
	ur_linear_grad(c, rows, z->H, z->O, f->dpre, z->H, f->o, z->O, dw[f->l->out],
	               f->l->out_bias ? dw[f->l->out_bias] : NULL);
	ur_linear_grad(c, f->span->B * f->span->S, z->H, z->M, f->dkeys, z->H, f->made + z->H, row, dw[f->l->key], NULL);
	if (f->l->query)
		ur_linear_grad(c, rows, z->H, z->H, f->dq, z->H, f->s, z->H, dw[f->l->query], NULL);
	if (f->l->vector)
		f->k->column_sums(f->span->B, z->H, f->dv, z->H, dw[f->l->vector]);
	if (!f->dx)
		return;
	x_part.cols = z->in;    /* its panels are the first of W_ih's */
	ur_linear_back(c, rows, &x_part, f->da, z->GH, f->dx, z->in, 0);
	if (z->at_x >= 0)
		ur_for_rows(c, rows, 1, add_dx, (void *)(uintptr_t)f);
}

void ur_attending_backward(const ur_attending *l, ur_score_back_fn *back, const ur_ctx *c, const ur_dims *d,
                           const ur_mat *w, const ur_span *s, const float *saved, const float *dy, float *dx,
                           float *const *dw, void *const *dstate, float *dmemory, float *work)
{
	const ur_widths z = ur_attending_widths(l, d);
	const ur_attending_saved sl = ur_attending_saved_layout(l, d, s);
	const struct back_layout at = back_layout(l, c, d, s);
	const int rows = s->T * s->B, memory = z.cell->memory;
	const size_t H = (size_t)z.H, B = (size_t)s->B;
	const ur_kernels *k = c->k;
	struct backward f = {
		.l = l, .cell_back = ur_cell_backs[z.cell_number], .score_back = back, .ctx = c, .k = c->k, .z = &z, .w = w,
		.span = s, .dy = dy, .dx = dx, .dmemory = dmemory, .s = saved + sl.s, .c = saved + sl.c, .a = saved + sl.a,
		.un = saved + sl.un, .f0 = saved + sl.f0, .o = saved + sl.o, .alpha = saved + sl.alpha, .q = saved + sl.q,
		.made = saved + sl.made, .dh = work + at.dh, .dc = work + at.dc, .dz = work + at.dz, .da = work + at.da,
		.du = work + (z.cell->apart ? at.du : at.da), .dpre = work + at.dpre, .dout = work + at.dout,
		.dq = work + at.dq, .de = work + at.de, .dkeys = work + at.dkeys, .dv = work + at.dv,
		.input = work + at.input, .room = work + at.room, .source = work + at.source,
		.skip = z.in % c->k->nr, .ldz = z.in % c->k->nr + z.fed, .through = dstate != NULL,
		.H = H, .GH = (size_t)z.GH, .O = (size_t)z.O, .B = B, .S = (size_t)s->S,
	};

	if (!rows)
		return;
	k->fill(s->B, z.H, 0, f.dh, z.H);
	k->fill(s->B, f.ldz, 0, f.dz, f.ldz);
	k->fill(s->B * s->S, z.H, 0, f.dkeys, z.H);
	if (memory)
		k->fill(s->B, z.H, 0, f.dc, z.H);
	if (l->vector)
		k->fill(s->B, z.H, 0, f.dv, z.H);
	for (int b = 0; dstate && b < s->B; b++) {
		const float *of = dstate[b];

		k->copy(1, z.H, of, z.H, f.dh + (size_t)b * H, z.H);
		if (memory)
			k->copy(1, z.H, of += H, z.H, f.dc + (size_t)b * H, z.H);
		if (l->late)
			k->copy(1, z.H, of + H, z.H, f.dz + b * f.ldz + f.skip, z.H);
	}
	if (!l->late) {
		ur_for_rows(c, rows, 1, output_rows, &f);
		ur_linear_back(c, rows, &w[l->out], f.dpre, z.H, f.dout, z.O, 0);
	}
	ur_for_rows(c, s->B, 1, back_rows, &f);
	ur_for_rows(c, s->B, 1, source_rows, &f);
	weights_back(&f, dw, z.cell->apart ? NULL : work + at.bias);
	for (int b = 0; dstate && b < s->B; b++) {
		float *to = dstate[b];

		k->copy(1, z.H, f.dh + (size_t)b * H, z.H, to, z.H);
		if (memory)
			k->copy(1, z.H, f.dc + (size_t)b * H, z.H, to += H, z.H);
		if (l->late)
			k->copy(1, z.H, f.dz + b * f.ldz + f.skip, z.H, to + H, z.H);
	}
}
