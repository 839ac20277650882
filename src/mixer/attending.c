/* Recurrent layers with attention over an encoder's outputs, forward and one step at a time (attending.h has the
 * equations); attending_back.c has the way back.
 *
 * What does not wait for the recurrence is one product for all steps on the pool: before the loop over time the x part
 * of W_ih [x ; .] and the keys, after it, where nothing is fed back, the output. In between each thread takes its rows
 * of the batch through all steps without waiting for the others. Memory is first copied by source, so that a row's
 * attention reads one piece, the same in forward and in step. */
#include "mixer/attending_parts.h"

#include <math.h>

enum {
	CELL,
	STRETCH = 64,           /* scores between a softmax and the next */
	ROOM = 1 << 12,         /* floats that a score may use, which stay in the first-level cache */
	PROJECT_ROWS = 120,     /* rows of x that pass over the weights together */
};

const ur_option ur_attending_options[] = {
	[CELL] = { .name = "cell", .about = "what the state goes through", .standard = UR_CELL_LSTM,
	           .least = 0, .most = UR_CELLS - 1, .choices = UR_CELL_CHOICES, .whole = 1 },
	{ 0 }
};

const char *ur_attending_check(const ur_dims *d)
{
	const char *why = ur_recurrent_check(d);

	if (why)
		return why;
	if (d->memory < 1)
		return "this layer reads an encoder's outputs at each step: it is for the decoder of a pair";
	return d->memory > 1 << 20 ? "an encoder's outputs are at most 1048576 wide" : NULL;
}

ur_widths ur_attending_widths(const ur_attending *l, const ur_dims *d)
{
	ur_widths z = { .cell_number = (int)d->option[CELL], .in = d->in, .H = d->out, .M = d->memory, .at_x = -1 };

	z.cell = ur_cells[z.cell_number];
	z.plain = (ur_dims){ .in = d->in, .out = d->out };
	z.GH = z.cell->gates * z.H;
	if (l->late) {
		z.fed = z.H;
		z.at_s = z.M;
		z.O = z.M + z.H;
	} else {
		z.fed = z.M;
		z.at_c = z.H;
		z.at_x = z.H + z.M;
		z.O = z.at_x + z.in;
	}
	return z;
}

int ur_attending_cell_params(const ur_attending *l, const ur_dims *d, ur_param p[UR_MIXER_PARAMS])
{
	ur_widths z = ur_attending_widths(l, d);
	int n;

	z.plain.in = z.in + z.fed;
	n = ur_recurrent_params(z.cell, &z.plain, p);
	p[UR_W_IH].cut = z.in;
	return n;
}

ur_param ur_attending_param(const char *name, int rows, int cols, int fan_in)
{
	return (ur_param){ .name = name, .rows = rows, .cols = cols, .init = UR_INIT_UNIFORM,
	                   .a = (float)(1 / sqrt(fan_in)) };
}

size_t ur_attending_room(int H) { return H > ROOM ? (size_t)H : ROOM; }

size_t ur_attending_state_size(const ur_attending *l, const ur_dims *d)
{
	ur_widths z = ur_attending_widths(l, d);
	return (size_t)(1 + z.cell->memory + l->late) * (size_t)z.H * sizeof(float);
}

size_t ur_attending_memory_size(const ur_dims *d, int S)
{
	return (size_t)S * ((size_t)d->out + (size_t)d->memory);
}

/* Keys and a copy of the rows of one source, ld floats from row to row. */
static void remember_rows(const ur_kernels *k, const ur_mat *key, int S, const float *memory, ptrdiff_t ld, float *made)
{
	const int H = key->rows, M = key->cols, row = H + M;

	ur_linear_serial(k, S, key, NULL, memory, ld, made, row, 0);
	k->copy(S, M, memory, ld, made + H, row);
}

void ur_attending_remember(const ur_attending *l, const ur_kernels *k, const ur_dims *d, const ur_mat *w, int S,
                           const float *memory, float *made)
{
	remember_rows(k, &w[l->key], S, memory, d->memory, made);
}

/* One row's attention: c (M) from n rows of its source; weights NULL or (n): alpha. */
static void attend(const ur_kernels *k, const ur_attending *l, const ur_widths *z, const ur_mat *w, int n,
                   const float *made, const float *q, float *c, float *weights, float *room)
{
	const ptrdiff_t ld = z->H + z->M;
	float e[STRETCH], m, sum;

	k->fill(1, 1, -INFINITY, &m, 1);
	k->fill(1, 1, 0, &sum, 1);
	k->fill(1, z->M, 0, c, z->M);
	for (int j = 0; j < n; j += STRETCH) {
		const int rows = n - j < STRETCH ? n - j : STRETCH;
		const float *at = made + j * ld;
		float factor;

		if (l->score)
			l->score(&(ur_score){ .k = k, .n = rows, .H = z->H, .keys = at, .ld = ld, .q = q, .room = room,
			                      .e = e, .v = l->vector ? w[l->vector].data : NULL });
		else
			k->row_dots(rows, z->H, at, ld, q, e);
		if (weights)
			k->copy(1, rows, e, rows, weights + j, rows);
		k->softmax_tile(1, rows, rows, 1, e, 0, &m, &sum, &factor);
		if (j)
			k->scale(z->M, factor, c);
		k->row_sum(rows, z->M, e, at + z->H, ld, c);
	}
	k->softmax_end(z->M, &m, &sum, c, NULL);
	if (weights) {
		k->softmax_again(n, n, 1, m, weights);
		k->softmax_end(n, &m, &sum, weights, NULL);
	}
}

/* -- one step ---------------------------------------------------------------------------------------------------- */

/* Work: n rows of what is fed back, pre-activations, u, s and c before and after, queries, the output's rows; the sum
 * of the biases; room of the score. */
struct step_layout { size_t fed, a, u, s, next, c, q, o, bias, room, total; };

static struct step_layout step_layout(const ur_attending *l, const ur_widths *z, int rows)
{
	const size_t n = (size_t)rows, slab = n * (size_t)z->H, wide = n * (size_t)z->GH;
	struct step_layout at = { 0 };

	at.fed = ur_recurrent_cut(&at.total, l->late ? n * (size_t)z->fed : 0);
	at.a = ur_recurrent_cut(&at.total, z->cell->gates > 1 ? wide : 0);
	at.u = ur_recurrent_cut(&at.total, z->cell->apart ? wide : 0);
	at.s = ur_recurrent_cut(&at.total, slab);
	at.next = ur_recurrent_cut(&at.total, slab);
	at.c = ur_recurrent_cut(&at.total, z->cell->memory ? slab : 0);
	at.q = ur_recurrent_cut(&at.total, l->query ? slab : 0);
	at.o = ur_recurrent_cut(&at.total, n * (size_t)z->O);
	at.bias = ur_recurrent_cut(&at.total, z->cell->apart ? 0 : (size_t)z->GH);
	at.room = ur_recurrent_cut(&at.total, l->score ? ur_attending_room(z->H) : 0);
	return at;
}

size_t ur_attending_step_work(const ur_attending *l, const ur_dims *d, int n)
{
	ur_widths z = ur_attending_widths(l, d);
	return step_layout(l, &z, n).total;
}

/* c_t of every stream, into its output's row. */
static void attend_streams(const ur_attending *l, const ur_widths *z, const ur_turn *t, const float *q, float *o,
                           float *room)
{
	for (int i = 0; i < t->n; i++)
		attend(t->k, l, z, t->w, t->mlen[i], t->memory[i], q + (size_t)i * (size_t)z->H,
		       o + (size_t)i * (size_t)z->O + z->at_c, t->weights ? t->weights[i] : NULL, room);
}

void ur_attending_step(const ur_attending *l, const ur_turn *turn)
{
	const ur_kernels *k = turn->k;
	const ur_mat *w = turn->w;
	const ur_widths z = ur_attending_widths(l, turn->d);
	const int n = turn->n;
	const struct step_layout at = step_layout(l, &z, n);
	const size_t H = (size_t)z.H;
	float *work = turn->work, *s = work + at.s, *next = work + at.next, *c = work + at.c;
	float *a = z.cell->gates > 1 ? work + at.a : next, *u = z.cell->apart ? work + at.u : a, *o = work + at.o;
	const float *bias = w[UR_B_IH].data;

	if (!z.cell->apart) {
		ur_recurrent_sum_biases(k, w, work + at.bias);
		bias = work + at.bias;
	}
	for (int i = 0; i < n; i++)
		k->copy(1, z.H, turn->state[i], z.H, s + (size_t)i * H, z.H);
	if (!l->late) {
		ur_linear_serial(k, n, &w[l->query], NULL, s, z.H, work + at.q, z.H, 0);
		attend_streams(l, &z, turn, work + at.q, o, work + at.room);
	}
	for (int i = 0; i < n && l->late; i++)
		k->copy(1, z.fed, (const float *)turn->state[i] + (1 + z.cell->memory) * z.H, z.fed,
		        work + at.fed + (size_t)i * (size_t)z.fed, z.fed);
	ur_linear_part(k, n, &w[UR_W_IH], 0, bias, turn->x, z.in, a, z.GH, 0);
	ur_linear_part(k, n, &w[UR_W_IH], 1, NULL, l->late ? work + at.fed : o + z.at_c, l->late ? z.fed : z.O, a, z.GH, 1);
	ur_linear_serial(k, n, &w[UR_W_HH], w[UR_B_HH].data, s, z.H, u, z.GH, !z.cell->apart);
	for (int i = 0; i < n; i++) {
		float *of = o + (size_t)i * (size_t)z.O;

		z.cell->step(&(ur_cell_step){
			.k = k, .d = &z.plain, .n = z.H, .stride = z.H, .a = a + (size_t)i * (size_t)z.GH,
			.u = u + (size_t)i * (size_t)z.GH, .h_prev = s + (size_t)i * H, .h = next + (size_t)i * H,
			.c_prev = z.cell->memory ? (const float *)turn->state[i] + H : NULL,
			.c = z.cell->memory ? c + (size_t)i * H : NULL,
		});
		k->copy(1, z.H, next + (size_t)i * H, z.H, of + z.at_s, z.H);
		if (!l->late)
			k->copy(1, z.in, turn->x + (size_t)i * (size_t)z.in, z.in, of + z.at_x, z.in);
	}
	if (l->late)
		attend_streams(l, &z, turn, next, o, work + at.room);
	ur_linear_serial(k, n, &w[l->out], l->out_bias ? w[l->out_bias].data : NULL, o, z.O, turn->y, z.H, 0);
	for (int i = 0; i < n; i++) {
		float *state = turn->state[i], *y = turn->y + (size_t)i * H;

		k->tanh(z.H, y, y);
		k->copy(1, z.H, next + (size_t)i * H, z.H, state, z.H);
		if (z.cell->memory)
			k->copy(1, z.H, c + (size_t)i * H, z.H, state += H, z.H);
		if (l->late)
			k->copy(1, z.H, y, z.H, state + H, z.H);
	}
}

/* -- whole sequences --------------------------------------------------------------------------------------------- */

ur_attending_saved ur_attending_saved_layout(const ur_attending *l, const ur_dims *d, const ur_span *s)
{
	const ur_widths z = ur_attending_widths(l, d);
	const size_t T = (size_t)s->T, B = (size_t)s->B, S = (size_t)s->S, slab = B * (size_t)z.H;
	ur_attending_saved at = { 0 };

	at.s = ur_recurrent_cut(&at.total, (T + 1) * slab);
	at.c = ur_recurrent_cut(&at.total, z.cell->memory ? (T + 1) * slab : 0);
	at.a = ur_recurrent_cut(&at.total, z.cell->gates > 1 ? T * B * (size_t)z.GH : 0);
	at.un = ur_recurrent_cut(&at.total, z.cell->apart ? T * slab : 0);
	at.f0 = ur_recurrent_cut(&at.total, l->late ? slab : 0);
	at.o = ur_recurrent_cut(&at.total, T * B * (size_t)z.O);
	at.alpha = ur_recurrent_cut(&at.total, T * B * S);
	at.q = ur_recurrent_cut(&at.total, l->query ? T * slab : 0);
	at.made = ur_recurrent_cut(&at.total, B * S * (size_t)(z.H + z.M));
	return at;
}

/* Working memory of forward: what is saved, when it is not; u; the sum of the biases; room of each thread's score. */
struct work_layout { size_t saved, u, bias, room, total; };

static struct work_layout work_layout(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_span *s)
{
	const ur_widths z = ur_attending_widths(l, d);
	struct work_layout at = { 0 };

	at.saved = ur_recurrent_cut(&at.total, ur_attending_saved_layout(l, d, s).total);
	at.u = ur_recurrent_cut(&at.total, z.cell->apart ? (size_t)s->B * (size_t)z.GH : 0);
	at.bias = ur_recurrent_cut(&at.total, z.cell->apart ? 0 : (size_t)z.GH);
	at.room = ur_recurrent_cut(&at.total, l->score ? (size_t)c->threads * ur_attending_room(z.H) : 0);
	return at;
}

ur_need ur_attending_need(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_span *s)
{
	return (ur_need){
		.saved = ur_attending_saved_layout(l, d, s).total,
		.forward = work_layout(l, c, d, s).total,
		.backward = ur_attending_back_work(l, c, d, s),
	};
}

ur_cost ur_attending_cost(const ur_attending *l, const ur_dims *d, const ur_span *s)
{
	const ur_widths z = ur_attending_widths(l, d);
	const double H = z.H, M = z.M, GH = z.GH, O = z.O, in = z.in, fed = z.fed, rows = (double)s->T * s->B, S = s->S;
	const double weights = (in + fed + H) * GH + O * H + (l->query ? H * H : 0), sources = S * s->B;
	ur_cost cost;

	/* a score, a row's part of c, and the softmax between */
	cost.flops = rows * (2 * weights + z.cell->work * H + H + S * (2 * H + l->work * H + 2 * M + 4)) +
	             2 * sources * M * H;
	/* weights once a step, but W_ih's x part; keys and memory of all rows every step; the rows themselves */
	cost.bytes = sizeof(float) * ((weights - in * GH) * s->T + in * GH + M * H + 2 * sources * (H + M) +
	                              rows * (S * (H + M) + in + 3 * GH + 2 * O + (3 + z.cell->memory) * H));
	return cost;
}

struct forward {
	const ur_attending *l;
	const ur_kernels *k;
	const ur_widths *z;
	const ur_mat *w;
	const ur_span *span;
	size_t slab;            /* B H */
	const float *bias;      /* of the input's product */
	float *s, *c, *a, *u, *un, *f0, *o, *alpha, *q, *made, *room;
};

static float *a_slab(const struct forward *f, int t)
{
	return f->z->cell->gates > 1 ? f->a + (size_t)t * f->slab * (size_t)f->z->cell->gates
	                             : f->s + (size_t)(t + 1) * f->slab;
}

/* Sources [from, to) as a step sees them. */
static void remember_sources(void *arg, int from, int to, int thread)
{
	const struct forward *f = arg;
	const size_t S = (size_t)f->span->S, M = (size_t)f->z->M, row = (size_t)f->z->H + M;
	(void)thread;

	for (int b = from; b < to; b++) {
		const size_t n = (size_t)ur_attending_sources(f->span, b);
		float *made = f->made + (size_t)b * S * row;

		remember_rows(f->k, &f->w[f->l->key], (int)n, f->span->memory + (size_t)b * M,
		              (ptrdiff_t)f->span->B * f->z->M, made);
		f->k->fill((int)(S - n), (int)row, 0, made + n * row, (ptrdiff_t)row);
	}
}

/* a = W_ih [x ; 0] + bias for rows [from, to) of all T B. */
static void project_rows(void *arg, int from, int to, int thread)
{
	const struct forward *f = arg;
	const ur_widths *z = f->z;
	float *a = a_slab(f, 0);
	(void)thread;

	for (int i = from, n; i < to; i += n) {
		n = to - i < PROJECT_ROWS ? to - i : PROJECT_ROWS;
		ur_linear_part(f->k, n, &f->w[UR_W_IH], 0, f->bias, f->span->x + (size_t)i * (size_t)z->in, z->in,
		               a + (size_t)i * (size_t)z->GH, z->GH, 0);
	}
}

static void attend_row(const struct forward *f, int t, int b, const float *q, int thread)
{
	const ur_widths *z = f->z;
	const size_t S = (size_t)f->span->S, B = (size_t)f->span->B, at = (size_t)t * B + (size_t)b;
	const size_t n = (size_t)ur_attending_sources(f->span, b);
	float *alpha = f->alpha + at * S;

	attend(f->k, f->l, z, f->w, (int)n, f->made + (size_t)b * S * (size_t)(z->H + z->M), q,
	       f->o + at * (size_t)z->O + z->at_c, alpha, f->room + (size_t)thread * ur_attending_room(z->H));
	f->k->fill(1, (int)(S - n), 0, alpha + n, (ptrdiff_t)(S - n));
}

static void cell_row(const struct forward *f, int t, int b)
{
	const size_t at = (size_t)t * f->slab + (size_t)b * (size_t)f->z->H, at_gates = (size_t)b * (size_t)f->z->GH;
	ur_cell_step r = {
		.k = f->k, .d = &f->z->plain, .n = f->z->H, .stride = f->z->H, .a = a_slab(f, t) + at_gates,
		.h_prev = f->s + at, .h = f->s + at + f->slab,
	};

	if (f->z->cell->apart) {
		r.u = f->u + at_gates;
		r.un = f->un + at;
	}
	if (f->z->cell->memory) {
		r.c_prev = f->c + at;
		r.c = r.h - f->s + f->c;
	}
	f->z->cell->step(&r);
}

/* What a row over at step t leaves behind. */
static void clear_row(const struct forward *f, int t, int b)
{
	const ur_kernels *k = f->k;
	const size_t at = (size_t)t * (size_t)f->span->B + (size_t)b;
	const int H = f->z->H, O = f->z->O, S = f->span->S;

	k->fill(1, H, 0, f->s + f->slab + at * (size_t)H, H);
	k->fill(1, O, 0, f->o + at * (size_t)O, O);
	k->fill(1, S, 0, f->alpha + at * (size_t)S, S);
	k->fill(1, H, 0, f->span->y + at * (size_t)H, H);
	if (f->l->query)
		k->fill(1, H, 0, f->q + at * (size_t)H, H);
}

static void keep_state(const struct forward *f, int t, int b)
{
	const int H = f->z->H;
	const size_t at = (size_t)t * f->slab + (size_t)b * (size_t)H;
	float *state = f->span->state[b];

	f->k->copy(1, H, f->s + at + f->slab, H, state, H);
	if (f->z->cell->memory)
		f->k->copy(1, H, f->c + at + f->slab, H, state += H, H);
	if (f->l->late)
		f->k->copy(1, H, f->span->y + at, H, state + H, H);
}

/* Rows [from, to) through all steps. */
static void step_rows(void *arg, int from, int to, int thread)
{
	const struct forward *f = arg;
	const ur_attending *l = f->l;
	const ur_widths *z = f->z;
	const ur_span *span = f->span;
	const ur_kernels *k = f->k;
	const size_t H = (size_t)z->H, B = (size_t)span->B, GH = (size_t)z->GH, O = (size_t)z->O, first = (size_t)from;

	for (int t = 0; t < span->T; t++) {
		const int end = ur_recurrent_last(span, t, from, to), rows = end - from;
		const size_t at = (size_t)t * B;
		const float *s = f->s + (at + first) * H;
		float *y = span->y + at * H, *a = a_slab(f, t) + first * GH, *o = f->o + at * O, *u = f->u + first * GH;

		if (l->late) {
			const float *fed = (t ? y - f->slab : f->f0) + first * H;
			ur_linear_part(k, rows, &f->w[UR_W_IH], 1, NULL, fed, z->H, a, z->GH, 1);
		} else {
			float *q = f->q + at * H;
			ur_linear_serial(k, rows, &f->w[l->query], NULL, s, z->H, q + first * H, z->H, 0);
			for (int b = from; b < end; b++)
				if (t < ur_recurrent_length(span, b))
					attend_row(f, t, b, q + (size_t)b * H, thread);
			ur_linear_part(k, rows, &f->w[UR_W_IH], 1, NULL, o + first * O + z->at_c, z->O, a, z->GH, 1);
		}
		if (z->cell->apart)
			ur_linear_serial(k, rows, &f->w[UR_W_HH], f->w[UR_B_HH].data, s, z->H, u, z->GH, 0);
		else
			ur_linear_serial(k, rows, &f->w[UR_W_HH], NULL, s, z->H, a, z->GH, 1);
		for (int b = from; b < end; b++) {
			const float *next = f->s + (at + B + (size_t)b) * H;
			float *of = o + (size_t)b * O;

			if (t >= ur_recurrent_length(span, b))
				continue;
			cell_row(f, t, b);
			k->copy(1, z->H, next, z->H, of + z->at_s, z->H);
			if (l->late)
				attend_row(f, t, b, next, thread);
			else
				k->copy(1, z->in, span->x + (at + (size_t)b) * (size_t)z->in, z->in, of + z->at_x, z->in);
		}
		if (l->late)
			ur_linear_serial(k, rows, &f->w[l->out], NULL, o + first * O, z->O, y + first * H, z->H, 0);
		for (int b = from; b < to; b++) {
			const int len = ur_recurrent_length(span, b);

			if (t >= len)
				clear_row(f, t, b);
			else if (l->late)
				k->tanh(z->H, y + (size_t)b * H, y + (size_t)b * H);
			if (span->state && t == len - 1)
				keep_state(f, t, b);
		}
	}
}

/* y = tanh(y) for rows [from, to) of all T B, 0 where they are over. */
static void output_rows(void *arg, int from, int to, int thread)
{
	const struct forward *f = arg;
	(void)thread;

	for (int i = from; i < to; i++) {
		float *y = f->span->y + (size_t)i * (size_t)f->z->H;

		if (i / f->span->B < ur_recurrent_length(f->span, i % f->span->B))
			f->k->tanh(f->z->H, y, y);
		else
			f->k->fill(1, f->z->H, 0, y, f->z->H);
	}
}

/* Row b of what a state holds, its H floats from `state` on, or zero. */
static void first_row(const struct forward *f, int b, int state, float *rows)
{
	const int H = f->z->H;
	float *to = rows + (size_t)b * (size_t)H;

	if (f->span->state)
		f->k->copy(1, H, (const float *)f->span->state[b] + state, H, to, H);
	else
		f->k->fill(1, H, 0, to, H);
}

void ur_attending_forward(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s,
                          float *saved, float *work)
{
	const ur_widths z = ur_attending_widths(l, d);
	const ur_attending_saved sl = ur_attending_saved_layout(l, d, s);
	const struct work_layout wl = work_layout(l, c, d, s);
	const size_t H = (size_t)z.H, rows = (size_t)s->T * (size_t)s->B;
	float *at = saved ? saved : work + wl.saved;
	struct forward f = {
		.l = l, .k = c->k, .z = &z, .w = w, .span = s, .slab = (size_t)s->B * H, .bias = w[UR_B_IH].data,
		.s = at + sl.s, .c = at + sl.c, .a = at + sl.a, .un = at + sl.un, .f0 = at + sl.f0, .o = at + sl.o,
		.alpha = at + sl.alpha, .q = at + sl.q, .made = at + sl.made, .u = work + wl.u,
		.room = work + wl.room,
	};

	if (!rows)
		return;
	for (int b = 0; b < s->B; b++) {
		first_row(&f, b, 0, f.s);
		if (z.cell->memory)
			first_row(&f, b, z.H, f.c);
		if (l->late)
			first_row(&f, b, z.H * (1 + z.cell->memory), f.f0);
	}
	if (!z.cell->apart) {
		ur_recurrent_sum_biases(c->k, w, work + wl.bias);
		f.bias = work + wl.bias;
	}
	ur_for_rows(c, s->B, 1, remember_sources, &f);
	ur_for_rows(c, (int)rows, 1, project_rows, &f);
	ur_for_rows(c, s->B, 1, step_rows, &f);
	if (!l->late) {
		ur_linear(c, (int)rows, &w[l->out], w[l->out_bias].data, f.o, z.O, s->y, z.H, 0);
		ur_for_rows(c, (int)rows, 1, output_rows, &f);
	}
	if (s->weights)
		c->k->copy((int)rows, s->S, f.alpha, s->S, s->weights, s->S);
}
