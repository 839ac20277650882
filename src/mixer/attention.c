/* Causal multi-head attention with rotary positions, grouped heads and a window; with span.whole an encoder's, which
 * sees all steps of its sequence: no window then, no state, and rope counts from 0.
 *
 *     q_t = Wq x_t + bq    k_t = Wk x_t + bk    v_t = Wv x_t + bv         (heads of E = out / heads values each)
 *     o_t = sum over s <= t of softmax_s(q_t k_s / sqrt(E)) v_s           (a head; with a window, t - s < window)
 *     y_t = Wo [o_t of all heads] + bo
 *
 * after Vaswani et al., "Attention is all you need", 2017. With kv_heads < heads, heads / kv_heads query heads share
 * one head of keys and values (Ainslie et al., "GQA", 2023). With rope, q and k are turned by their position before
 * the product (Su et al., "RoFormer", 2021): values i and i + E/2 of a head, as a point in the plane, by the angle
 * t base^(-2i/E), which is computed in float64 from the absolute position.
 *
 * Parameters: qkv_weight ((heads + 2 kv_heads) E, in), rows of the q heads, then the k heads, then the v heads;
 * o_weight (out, heads E); with bias=1, qkv_bias and o_bias.
 *
 * State: the number of steps taken (int64, padded to 64 bytes), then a ring of R positions, R = window or else
 * context: position p is row p % R, its keys (after rope) and then its values. So what matters is a leading range, and
 * pages that no step reached cost nothing. Its gradient is that of keys after rope; the call that made them turns it
 * back.
 *
 * Saved: for every sequence the steps before this call and how many of them were still in the ring; q, k and v after
 * rope (T, B, (heads + 2 kv_heads) E); o (T, B, heads E); the log of the softmax's sum (T, B, heads); and, when there
 * was a state, its ring in order of position, R rows a sequence, of which only those filled are written: none where
 * span.still says that the state's own will do, which takes a state without a window. */
#include "mixer/mixer.h"

#include <math.h>
#include <string.h>

#include "mixer/attention_rows.h"
#include "mixer/attention_tile.h"

enum { HEADS, KV_HEADS, WINDOW, ROPE, ROPE_BASE, BIAS };
enum {
	STATE_HEADER = 64,
	PAST_FLOATS = 4,    /* of a sequence's counts in `saved` */
	COPY_STEPS = 256,   /* rows a copying task takes */
	GATHER_COLUMNS = 64
};

static const ur_option options[] = {
	[HEADS] = { "heads", "query heads; they share the width", 4, 1, 1024, NULL, 1 },
	[KV_HEADS] = { "kv_heads", "heads of keys and values; 0: as many as query heads", 0, 0, 1024, NULL, 1 },
	[WINDOW] = { "window", "positions one attends to, itself included; 0: all before it", 0, 0, UR_MOST_REACH,
	             NULL, 1 },
	[ROPE] = { "rope", "rotary positions (1) or none (0)", 0, 0, 1, NULL, 1 },
	[ROPE_BASE] = { "rope_base", "slowest rotary wavelength over 2 pi", 10000, 1, 1e9, NULL, 0 },
	[BIAS] = { "bias", "products have a bias (1) or none (0)", 1, 0, 1, NULL, 1 },
	{ 0 }
};

/* What dims say, in the terms of this file. */
typedef struct shape {
	int in, out, heads, kv_heads, E, q, kv, qkv; /* q = heads E, kv = kv_heads E, qkv = q + 2 kv */
	int window, ring, rope, bias;
	double base;
} shape;

static shape shape_of(const ur_dims *d)
{
	shape s = { .in = d->in, .out = d->out, .heads = (int)d->option[HEADS], .kv_heads = (int)d->option[KV_HEADS],
		.window = (int)d->option[WINDOW], .rope = (int)d->option[ROPE], .base = d->option[ROPE_BASE],
		.bias = (int)d->option[BIAS] };

	if (s.kv_heads == 0)
		s.kv_heads = s.heads;
	s.E = s.out / s.heads;
	s.q = s.heads * s.E;
	s.kv = s.kv_heads * s.E;
	s.qkv = s.q + 2 * s.kv;
	s.ring = s.window ? s.window : d->context;
	return s;
}

static const char *check(const ur_dims *d)
{
	int heads = (int)d->option[HEADS], kv_heads = (int)d->option[KV_HEADS];

	if (d->in != d->out)
		return "attention gives as many values as it takes";
	if (heads < 1 || d->out % heads)
		return "the width must be a multiple of heads";
	if (d->out / heads > UR_HEAD_MOST)
		return "a head is at most 512 wide: use more heads";
	if (kv_heads < 0 || (kv_heads && (kv_heads > heads || heads % kv_heads)))
		return "heads must be a multiple of kv_heads";
	if (d->option[ROPE] != 0 && d->out / heads % 2)
		return "rope turns pairs of values: width / heads must be even";
	if (d->option[WINDOW] < 0)
		return "the window is a number of positions, or 0 for all";
	if (d->option[WINDOW] == 0 && d->context < 1)
		return "attention without a window needs a context: the most steps its state must hold";
	return NULL;
}

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS])
{
	shape s = shape_of(d);
	ur_param all[] = {
		{ .name = "qkv_weight", .rows = s.qkv, .cols = s.in, .init = UR_INIT_NORMAL, .a = 0.02f },
		{ .name = "qkv_bias", .rows = s.qkv, .init = UR_INIT_ZERO },
		{ .name = "o_weight", .rows = s.out, .cols = s.q, .init = UR_INIT_NORMAL, .a = 0.02f, .residual = 1 },
		{ .name = "o_bias", .rows = s.out, .init = UR_INIT_ZERO },
	};
	int n = 0;

	for (int i = 0; i < 4; i++)
		if (s.bias || i % 2 == 0)
			p[n++] = all[i];
	return n;
}

/* The order of params() for those who use them: weights, biases or NULL, and where gradients of all go. */
typedef struct weights { const ur_mat *qkv, *o; const float *qkv_bias, *o_bias; int at_o; } weights;

static weights weights_of(const shape *s, const ur_mat *w)
{
	if (s->bias)
		return (weights){ &w[0], &w[2], w[1].data, w[3].data, 2 };
	return (weights){ &w[0], &w[1], NULL, NULL, 1 };
}

/* ---- state ---- */

static int64_t position_of(const void *state)
{
	int64_t n;
	memcpy(&n, state, sizeof n);
	return n;
}

static float *ring_of(void *state) { return (float *)(void *)((char *)state + STATE_HEADER); }
static size_t position_floats(const shape *s) { return 2 * (size_t)s->kv; }
static int64_t filled(const shape *s, int64_t n) { return n < s->ring ? n : s->ring; }

static size_t state_size(const ur_dims *d)
{
	shape s = shape_of(d);
	return STATE_HEADER + (size_t)s.ring * position_floats(&s) * sizeof(float);
}

static size_t state_used(const ur_dims *d, const void *state)
{
	shape s = shape_of(d);
	return STATE_HEADER + (size_t)filled(&s, position_of(state)) * position_floats(&s) * sizeof(float);
}

/* The count it carries agrees, and nothing lies between that and the ring. */
static int state_fits(const ur_dims *d, int64_t steps, const void *bytes, size_t n)
{
	static const char zero[STATE_HEADER];
	const size_t count = sizeof(int64_t);

	return n >= STATE_HEADER && position_of(bytes) == steps && n == state_used(d, bytes) &&
	       !memcmp((const char *)bytes + count, zero, STATE_HEADER - count);
}

static int64_t limit(const ur_dims *d) { return d->option[WINDOW] > 0 ? 0 : d->context; }

/* Without a window nothing is written over. */
static void rewind_to(const ur_dims *d, void *state, int64_t n)
{
	(void)d;
	memcpy(state, &n, sizeof n);
}

/* ---- rotary positions ---- */

/* Radians a position of each pair of values. */
static void rope_rates(const shape *s, double *rate)
{
	for (int i = 0; i < s->E / 2; i++)
		rate[i] = pow(s->base, -2.0 * i / s->E);
}

/* cos and sin of position n: (E/2) each; `sign` -1 turns back. */
static void rope_angles(const shape *s, const double *rate, int64_t n, float sign, float *turn)
{
	for (int i = 0; i < s->E / 2; i++) {
		turn[i] = (float)cos((double)n * rate[i]);
		turn[s->E / 2 + i] = sign * (float)sin((double)n * rate[i]);
	}
}

/* ---- one step ---- */

static size_t step_work(const ur_dims *d, int n)
{
	shape s = shape_of(d);
	return (size_t)n * (size_t)(s.qkv + s.q) + ur_attend_rows_work(s.heads);
}

static void step(const ur_turn *turn)
{
	const ur_kernels *k = turn->k;
	const int n = turn->n;
	shape s = shape_of(turn->d);
	weights p = weights_of(&s, turn->w);
	float *qkv = turn->work, *o = qkv + (size_t)n * (size_t)s.qkv, *rest = o + (size_t)n * (size_t)s.q;
	double rate[UR_HEAD_MOST / 2];
	float sines[UR_HEAD_MOST];

	ur_linear_serial(k, n, p.qkv, p.qkv_bias, turn->x, s.in, qkv, s.qkv, 0);
	if (s.rope)
		rope_rates(&s, rate);
	for (int i = 0; i < n; i++) {
		float *row = qkv + (size_t)i * (size_t)s.qkv, *ring = ring_of(turn->state[i]);
		int64_t at = position_of(turn->state[i]), next = at + 1;

		if (s.rope) {
			rope_angles(&s, rate, at, 1, sines);
			k->rotate(s.heads + s.kv_heads, s.E, sines, row);
		}
		k->copy(1, 2 * s.kv, row + s.q, 2 * s.kv, ring + (size_t)(at % s.ring) * position_floats(&s), 2 * s.kv);
		memcpy(turn->state[i], &next, sizeof next);
		ur_attend_rows(k, &(ur_rows_query){ .heads = s.heads, .kv_heads = s.kv_heads, .E = s.E,
			.n = (int)filled(&s, next), .q = row, .keys = ring, .values = ring + s.kv,
			.ld = (ptrdiff_t)position_floats(&s), .o = o + (size_t)i * (size_t)s.q }, rest);
	}
	ur_linear_serial(k, n, p.o, p.o_bias, o, s.q, turn->y, s.out, 0);
}

/* ---- whole sequences ---- */

/* A call's memory. What is not saved lies in `work`; o may then take the place of q, which its tile alone reads. */
typedef struct memory {
	const ur_ctx *c;
	const ur_span *span;
	shape s;
	float *past;      /* (B, PAST_FLOATS): two int64, steps before this call and how many of them are kept */
	float *qkv, *o, *lse, *ring;
	ptrdiff_t ldo;
	float *rows;      /* products of the distinct rows, with span.index */
	float *tiles;
	float *datt, *dqkv, *drows;
	void *const *dstate;
	int turn;         /* rope: which way */
} memory;

static size_t steps(const ur_span *s) { return (size_t)s->T * (size_t)s->B; }
static int length(const ur_span *s, int b) { return s->len ? s->len[b] : s->T; }
static size_t ring_floats(const shape *s) { return (size_t)s->ring * position_floats(s); }
/* The rows of earlier positions are saved, and not read from the state on the way back. */
static int keeps_ring(const shape *s, const ur_span *span) { return !span->still || s->window; }

static float *take(float **from, size_t n)
{
	float *at = *from;
	*from += n;
	return at;
}

static void lay_saved(memory *m, float *saved)
{
	size_t n = steps(m->span);

	m->past = take(&saved, PAST_FLOATS * (size_t)m->span->B);
	m->qkv = take(&saved, n * (size_t)m->s.qkv);
	m->o = take(&saved, n * (size_t)m->s.q);
	m->lse = take(&saved, n * (size_t)m->s.heads);
	m->ring = saved;
	m->ldo = m->s.q;
}

/* The positions before this call, still in the states' rings. */
static ur_past past_in_state(const void *arg, int b)
{
	const memory *m = arg;
	int64_t n = position_of(m->span->state[b]), count = filled(&m->s, n);
	return (ur_past){ ring_of(m->span->state[b]), (int)count, (int)((n - count) % m->s.ring), m->s.ring };
}

static void get_past(const memory *m, int b, int64_t past[2])
{
	memcpy(past, m->past + (size_t)b * PAST_FLOATS, 2 * sizeof *past);
}

/* The same, kept by forward. */
static ur_past past_in_saved(const void *arg, int b)
{
	const memory *m = arg;
	int64_t past[2];
	get_past(m, b, past);
	if (past[1] && !keeps_ring(&m->s, m->span))
		return (ur_past){ ring_of(m->span->state[b]), (int)past[1], 0, m->s.ring };
	return (ur_past){ m->ring + (size_t)b * ring_floats(&m->s), (int)past[1], 0, m->s.ring };
}

static ur_past_grad past_grad(const void *arg, int b)
{
	const memory *m = arg;
	int64_t past[2];
	get_past(m, b, past);
	return (ur_past_grad){ ring_of(m->dstate[b]), (int)((past[0] - past[1]) % m->s.ring), m->s.ring };
}

static ur_attention attention_of(const shape *s, const ur_span *span)
{
	/* without a window the steps of this call have a place in the ring too */
	const int past = s->window ? s->ring : s->ring > span->T ? s->ring - span->T : 0;

	return (ur_attention){ .T = span->T, .B = span->B, .heads = s->heads, .kv_heads = s->kv_heads, .E = s->E,
		.window = span->whole ? 0 : s->window, .whole = span->whole, .len = span->len, .ld = s->qkv,
		.past_most = span->state ? past : 0 };
}

static void set_arrays(ur_attention *a, const memory *m)
{
	a->q = m->qkv;
	a->k = m->qkv + m->s.q;
	a->v = m->qkv + m->s.q + m->s.kv;
	a->out = m->o;
	a->ldo = m->ldo;
	a->lse = m->lse;
	a->past_arg = m;
}

static ur_need need(const ur_ctx *c, const ur_dims *d, const ur_span *span)
{
	shape s = shape_of(d);
	ur_attention a = attention_of(&s, span);
	size_t n = steps(span), rows = span->index ? (size_t)span->rows * (size_t)s.qkv : 0;

	return (ur_need){
		.saved = (size_t)span->B * (PAST_FLOATS + (span->state && keeps_ring(&s, span) ? ring_floats(&s) : 0)) +
		         n * (size_t)(s.qkv + s.q + s.heads),
		.forward = n * (size_t)s.qkv + rows + ur_attention_work(c, &a),
		.backward = n * (size_t)(s.q + s.qkv) + rows + ur_attention_back_work(c, &a),
	};
}

static ur_cost cost(const ur_dims *d, const ur_span *span)
{
	shape s = shape_of(d);
	double n = (double)span->T * span->B, rows = span->index ? span->rows : n;
	double pairs = (span->whole ? (double)span->T * span->T : ur_attention_pairs(span->T, 0, s.window)) * span->B;

	return (ur_cost){
		/* products, rope, and a softmax's five a score; not what a tile works out beyond the diagonal */
		.flops = 2 * rows * s.in * s.qkv + 2 * n * s.q * s.out + (s.rope ? 3 * n * (s.q + s.kv) : 0) +
		         pairs * (4 * s.q + 5 * s.heads),
		.bytes = sizeof(float) * (rows * s.in + 2 * n * s.qkv + 2 * n * s.q + n * s.out +
		                          (double)s.in * s.qkv + (double)s.q * s.out),
	};
}

/* Rows (t, b), t in [from, to): turned by their absolute position. Sequences at the same position share its angles. */
static void rope_rows(void *arg, int from, int to, int thread)
{
	const memory *m = arg;
	double rate[UR_HEAD_MOST / 2];
	float turn[UR_HEAD_MOST], *rows = m->turn > 0 ? m->qkv : m->dqkv;
	int64_t known = -1;

	(void)thread;
	rope_rates(&m->s, rate);
	for (int t = from; t < to; t++)
		for (int b = 0; b < m->span->B; b++) {
			int64_t past[2] = { 0, 0 };

			if (t >= length(m->span, b))
				continue;
			if (m->turn < 0)
				get_past(m, b, past);
			else if (m->span->state)
				past[0] = position_of(m->span->state[b]);
			if (past[0] + t != known) {
				known = past[0] + t;
				rope_angles(&m->s, rate, known, (float)m->turn, turn);
			}
			m->c->k->rotate(m->s.heads + m->s.kv_heads, m->s.E, turn,
			                rows + ((size_t)t * (size_t)m->span->B + (size_t)b) * (size_t)m->s.qkv);
		}
}

/* Rows (t, b) of x W^T, from those of the distinct rows of x. */
static void gather_rows(void *arg, int from, int to, int thread)
{
	const memory *m = arg;
	size_t width = (size_t)m->s.qkv, B = (size_t)m->span->B;

	(void)thread;
	for (int t = from; t < to; t++)
		for (int b = 0; b < m->span->B; b++) {
			size_t i = (size_t)t * B + (size_t)b;
			if (t < length(m->span, b))
				m->c->k->copy(1, m->s.qkv, m->rows + (size_t)m->span->index[i] * width, m->s.qkv, m->qkv + i * width,
				              m->s.qkv);
		}
}

/* Keeps the ring of sequence `b` for the way back, oldest position first. */
static void keep_ring(void *arg, int b, int thread)
{
	const memory *m = arg;
	ur_past past = past_in_state(m, b);
	const int width = 2 * m->s.kv;
	int until_end = past.ring - past.first < past.count ? past.ring - past.first : past.count;
	float *to = m->ring + (size_t)b * ring_floats(&m->s);

	(void)thread;
	m->c->k->copy(until_end, width, past.rows + (ptrdiff_t)past.first * width, width, to, width);
	m->c->k->copy(past.count - until_end, width, past.rows, width, to + (ptrdiff_t)until_end * width, width);
}

/* Puts the new keys and values of COPY_STEPS steps of a sequence into its ring, but for what the ring cannot hold. */
static void fill_ring(void *arg, int task, int thread)
{
	const memory *m = arg;
	const ur_span *span = m->span;
	int chunks = (span->T + COPY_STEPS - 1) / COPY_STEPS, b = task / chunks, from = task % chunks * COPY_STEPS;
	int len = length(span, b), to = from + COPY_STEPS < len ? from + COPY_STEPS : len;
	int64_t n = position_of(span->state[b]);
	const int width = 2 * m->s.kv, ring = m->s.ring;

	(void)thread;
	if (from < len - ring)
		from = len - ring;
	for (int t = from, at, rows; t < to; t += rows) {
		at = (int)((n + t) % ring);
		rows = to - t < ring - at ? to - t : ring - at;
		m->c->k->copy(rows, width, m->qkv + ((size_t)t * (size_t)span->B + (size_t)b) * (size_t)m->s.qkv + m->s.q,
		              (ptrdiff_t)span->B * m->s.qkv, ring_of(span->state[b]) + (ptrdiff_t)at * width, width);
	}
}

static void forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *span, float *saved, float *work)
{
	memory m = { .c = c, .span = span, .s = shape_of(d), .turn = 1 };
	const shape *s = &m.s;
	weights p = weights_of(s, w);
	ur_attention a = attention_of(s, span);
	int M = span->T * span->B;

	if (M == 0)
		return;
	if (saved) {
		lay_saved(&m, saved);
		for (int b = 0; b < span->B; b++) {
			int64_t past[2] = { span->state ? position_of(span->state[b]) : 0, 0 };
			past[1] = span->state ? filled(s, past[0]) : 0;
			memcpy(m.past + (size_t)b * PAST_FLOATS, past, sizeof past);
		}
		if (span->state && keeps_ring(s, span))
			ur_pool_run(c->pool, span->B, keep_ring, &m);
	} else {
		m.qkv = m.o = take(&work, steps(span) * (size_t)s->qkv);
		m.ldo = s->qkv;
	}
	if (span->index) {
		m.rows = take(&work, (size_t)span->rows * (size_t)s->qkv);
		ur_linear(c, span->rows, p.qkv, p.qkv_bias, span->x, s->in, m.rows, s->qkv, 0);
		ur_for_rows(c, span->T, 1, gather_rows, &m);
	} else {
		ur_linear(c, M, p.qkv, p.qkv_bias, span->x, s->in, m.qkv, s->qkv, 0);
	}
	if (s->rope)
		ur_for_rows(c, span->T, 1, rope_rows, &m);
	set_arrays(&a, &m);
	a.past = span->state ? past_in_state : NULL;
	ur_attention_forward(c, &a, work);
	ur_clear_tails(c->k, span->T, span->B, span->len, m.o, s->q, m.ldo);
	ur_linear(c, M, p.o, p.o_bias, m.o, m.ldo, span->y, s->out, 0);
	ur_clear_tails(c->k, span->T, span->B, span->len, span->y, s->out, s->out);
	if (!span->state)
		return;
	ur_pool_run(c->pool, span->B * ((span->T + COPY_STEPS - 1) / COPY_STEPS), fill_ring, &m);
	for (int b = 0; b < span->B; b++) {
		int64_t n = position_of(span->state[b]) + length(span, b);
		memcpy(span->state[b], &n, sizeof n);
	}
}

/* Gradients of the distinct rows: some columns of the sum over the steps that used each, in order. */
static void scatter_rows(void *arg, int task, int thread)
{
	const memory *m = arg;
	const ur_span *span = m->span;
	int from = task * GATHER_COLUMNS, n = m->s.qkv - from < GATHER_COLUMNS ? m->s.qkv - from : GATHER_COLUMNS;
	size_t width = (size_t)m->s.qkv;

	(void)thread;
	m->c->k->fill(span->rows, n, 0, m->drows + from, m->s.qkv);
	for (int t = 0; t < span->T; t++)
		for (int b = 0; b < span->B; b++) {
			size_t i = (size_t)t * (size_t)span->B + (size_t)b;
			if (t < length(span, b))
				m->c->k->add(n, m->dqkv + i * width + from, m->drows + (size_t)span->index[i] * width + from);
		}
}

static void backward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *span, const float *saved,
                     const float *dy, float *dx, float *const *dw, void *const *dstate, float *dmemory, float *work)
{
	memory m = { .c = c, .span = span, .s = shape_of(d), .turn = -1, .dstate = dstate };
	const shape *s = &m.s;
	weights p = weights_of(s, w);
	ur_attention a = attention_of(s, span);
	ur_attention_grad g = { .ldd = s->q, .ldg = s->qkv };
	int M = span->T * span->B, rows = M;
	const float *x = span->x, *dqkv;

	(void)dmemory;
	if (M == 0)
		return;
	lay_saved(&m, (float *)(uintptr_t)saved);   /* only read: a and m describe both directions */
	m.datt = take(&work, steps(span) * (size_t)s->q);
	m.dqkv = take(&work, steps(span) * (size_t)s->qkv);

	/* dqkv: not in use yet, and wide enough */
	dy = ur_without_tails(c->k, span->T, span->B, span->len, dy, s->out, m.dqkv);
	ur_linear_back(c, M, p.o, dy, s->out, m.datt, s->q, 0);
	ur_linear_grad(c, M, s->out, s->q, dy, s->out, m.o, s->q, dw[p.at_o], s->bias ? dw[p.at_o + 1] : NULL);

	set_arrays(&a, &m);
	a.past = past_in_saved;
	g.dout = m.datt;
	g.dq = m.dqkv;
	g.dk = m.dqkv + s->q;
	g.dv = m.dqkv + s->q + s->kv;
	g.past = dstate ? past_grad : NULL;
	if (span->index)
		m.drows = take(&work, (size_t)span->rows * (size_t)s->qkv);
	ur_attention_backward(c, &a, &g, work);
	ur_clear_tails(c->k, span->T, span->B, span->len, m.dqkv, s->qkv, s->qkv);
	if (s->rope)
		ur_for_rows(c, span->T, 1, rope_rows, &m);

	dqkv = m.dqkv;
	if (span->index) {
		ur_pool_run(c->pool, (s->qkv + GATHER_COLUMNS - 1) / GATHER_COLUMNS, scatter_rows, &m);
		dqkv = m.drows;
		rows = span->rows;
	} else {
		x = ur_without_tails(c->k, span->T, span->B, span->len, x, s->in, m.datt);  /* done with */
	}
	ur_linear_grad(c, rows, s->qkv, s->in, dqkv, s->qkv, x, s->in, dw[0], s->bias ? dw[1] : NULL);
	if (dx)
		ur_linear_back(c, rows, p.qkv, dqkv, s->qkv, dx, s->in, 0);
}

const ur_mixer ur_mixer_attention = {
	.name = "attention", .about = "causal multi-head attention",
	.flags = UR_STATE_GRAD | UR_STATE_GROWS | UR_NO_ORDER | UR_SEES_ALL,
	.options = options, .check = check, .params = params, .state_size = state_size, .state_used = state_used,
	.state_counts = STATE_HEADER, .state_fits = state_fits, .limit = limit, .rewind = rewind_to, .step_work = step_work,
	.step = step,
};

const ur_mixer_forward ur_mixer_forward_attention = {
	.mixer = &ur_mixer_attention, .need = need, .cost = cost, .forward = forward,
};

const ur_mixer_backward ur_mixer_backward_attention = { .mixer = &ur_mixer_attention, .backward = backward };
