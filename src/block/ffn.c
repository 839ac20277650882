/* Feed-forward half of a residual block: y = x + drop(act(norm(x) W_in^T + b_in) W_out^T + b_out), one chunk of rows
 * from norm to sum at a time, so that its intermediate values never leave the core's cache on the way forward. Without
 * a norm, norm(x) is x.
 *
 * Backward keeps only h = norm(x) W_in^T + b_in and the norm's statistics, and works the rest out again: per chunk
 * dg = drop(dy) W_out, dh = act'(h) dg, dn = dh W_in, dx = dy + norm'(dn); then, over all rows, the weight gradients
 * from dh, act(h) (which takes h's place) and norm(x). */
#include "block/block.h"

#include <string.h>

static void gelu_act(const ur_kernels *k, int F, const float *h, float *g) { k->gelu(F, h, g); }
static void gelu_back(const ur_kernels *k, int F, const float *h, const float *dg, float *dh)
{
	k->gelu_back(F, h, dg, dh);
}
static void swiglu_act(const ur_kernels *k, int F, const float *h, float *g) { k->swiglu(F, h, h + F, g); }
static void swiglu_back(const ur_kernels *k, int F, const float *h, const float *dg, float *dh)
{
	k->swiglu_back(F, h, h + F, dg, dh, dh + F);
}
static void relu_act(const ur_kernels *k, int F, const float *h, float *g) { k->relu(F, h, g); }
static void relu_back(const ur_kernels *k, int F, const float *h, const float *dg, float *dh)
{
	k->relu_back(F, h, dg, dh);
}

const ur_ffn ur_ffn_gelu = { "gelu", 1, 1, gelu_act, gelu_back };
const ur_ffn ur_ffn_swiglu = { "swiglu", 2, 0, swiglu_act, swiglu_back };
const ur_ffn ur_ffn_relu = { "relu", 1, 1, relu_act, relu_back };

enum { W_IN, W_OUT, B_IN, B_OUT };

int ur_ffn_params(const ur_ffn *f, int D, int F, ur_param p[UR_BLOCK_PARAMS])
{
	p[W_IN] = (ur_param){ .name = "in_weight", .rows = f->gates * F, .cols = D, .init = UR_INIT_NORMAL, .a = 0.02f };
	p[W_OUT] = (ur_param){ .name = "out_weight", .rows = D, .cols = F, .init = UR_INIT_NORMAL, .a = 0.02f,
		.residual = 1 };
	p[B_IN] = (ur_param){ .name = "in_bias", .rows = f->gates * F, .init = UR_INIT_ZERO };
	p[B_OUT] = (ur_param){ .name = "out_bias", .rows = D, .init = UR_INIT_ZERO };
	return f->bias ? 4 : 2;
}

/* Per thread: n (chunk, D), h (chunk, gates F), g (chunk, F). Training adds, for all rows: n and dn (rows, D), dh
 * (rows, gates F), and the gradient that dropout let through (rows, D). */
static size_t chunk_floats(const ur_ffn *f, int D, int F)
{
	return (size_t)UR_CHUNK * ((size_t)D + (size_t)F * (size_t)(f->gates + 1));
}

size_t ur_ffn_work(const ur_ctx *c, const ur_ffn *f, int D, int F, int rows, int training)
{
	size_t n = chunk_floats(f, D, F) * (size_t)c->threads;
	return n + (training ? (size_t)rows * ((size_t)D * 3 + (size_t)(f->gates * F)) : 0);
}

struct ffn_job {
	const ur_ctx *c;
	const ur_ffn_call *q;
	float *n, *dn, *dh, *dropped;   /* backward: all rows */
};

static const float *bias_of(const ur_ffn_call *q, int which) { return q->ffn->bias ? q->w[which].data : NULL; }

/* What the first product reads of rows [from, from + rows): their norm, put into n, or x itself. The statistics go
 * where the call keeps them. */
static const float *norm_rows(const ur_kernels *k, const ur_ffn_call *q, int from, int rows, float *n)
{
	const float *x = q->x + (size_t)from * (size_t)q->D;
	float passing[2 * UR_CHUNK], *stats = q->stats ? q->stats + 2 * (size_t)from : passing;

	if (!q->norm)
		return x;
	for (int r = 0; r < rows; r++)
		q->norm->row(k, q->D, q->norm->eps, x + (size_t)r * (size_t)q->D, q->norm_w[0].data,
		             q->norm->params > 1 ? q->norm_w[1].data : NULL, n + (size_t)r * (size_t)q->D,
		             stats + 2 * (size_t)r);
	return n;
}

static void forward_rows(void *arg, int from, int to, int thread)
{
	const struct ffn_job *j = arg;
	const ur_ffn_call *q = j->q;
	const ur_kernels *k = j->c->k;
	const int D = q->D, F = q->F, wide = q->ffn->gates * F, rows = to - from;
	const float *x = q->x + (size_t)from * (size_t)D;
	float *n = q->work + chunk_floats(q->ffn, D, F) * (size_t)thread, *h = n + (size_t)UR_CHUNK * (size_t)D;
	float *g = h + (size_t)UR_CHUNK * (size_t)wide, *y = q->y + (size_t)from * (size_t)D;

	if (q->h)
		h = q->h + (size_t)from * (size_t)wide;
	ur_linear_serial(k, rows, &q->w[W_IN], bias_of(q, B_IN), norm_rows(k, q, from, rows, n), D, h, wide, 0);
	for (int r = 0; r < rows; r++)
		q->ffn->act(k, F, h + (size_t)r * (size_t)wide, g + (size_t)r * (size_t)F);
	ur_linear_serial(k, rows, &q->w[W_OUT], bias_of(q, B_OUT), g, F, y, D, 0);
	if (q->drop.p > 0)
		ur_drop(&q->drop, (size_t)from * (size_t)D, (size_t)to * (size_t)D, y, y);
	k->add(rows * D, x, y);
}

void ur_ffn_forward(const ur_ctx *c, const ur_ffn_call *q)
{
	struct ffn_job j = { .c = c, .q = q };
	ur_for_chunks(c, q->rows, forward_rows, &j);
}

static void backward_rows(void *arg, int from, int to, int thread)
{
	const struct ffn_job *j = arg;
	const ur_ffn_call *q = j->q;
	const ur_kernels *k = j->c->k;
	const int D = q->D, F = q->F, wide = q->ffn->gates * F, rows = to - from;
	const size_t at = (size_t)from * (size_t)D;
	const float *x = q->x + at, *dy = q->dy + at;
	float *dg = q->work + chunk_floats(q->ffn, D, F) * (size_t)thread;
	float *h = q->h + (size_t)from * (size_t)wide, *dh = j->dh + (size_t)from * (size_t)wide;
	float *dx = q->dx + at, *dn = q->norm ? j->dn + at : dx;

	norm_rows(k, q, from, rows, j->n + at);
	if (q->drop.p > 0) {
		ur_drop(&q->drop, at, (size_t)to * (size_t)D, dy, j->dropped + at);
		dy = j->dropped + at;
	}
	k->product[UR_F32](&(ur_product){ .M = rows, .N = F, .K = D, .blocks = 1, .A = dy, .row = D, .col = 1,
		.panels = q->w[W_OUT].panels_t, .p1 = ur_panel_count(k, F, 1), .C = dg, .ldc = F });
	for (int r = 0; r < rows; r++) {
		float *hr = h + (size_t)r * (size_t)wide;
		q->ffn->act_back(k, F, hr, dg + (size_t)r * (size_t)F, dh + (size_t)r * (size_t)wide);
		q->ffn->act(k, F, hr, hr);
	}
	k->product[UR_F32](&(ur_product){ .M = rows, .N = D, .K = wide, .blocks = 1, .A = dh, .row = wide, .col = 1,
		.panels = q->w[W_IN].panels_t, .p1 = ur_panel_count(k, D, 1), .C = dn, .ldc = D });
	for (int r = 0; q->norm && r < rows; r++) {
		size_t row = (size_t)r * (size_t)D;
		q->norm->row_back(k, D, x + row, q->norm_w[0].data, q->stats + 2 * (size_t)(from + r), dn + row, dx + row);
	}
	k->add(rows * D, q->dy + at, dx);
}

void ur_ffn_backward(const ur_ctx *c, const ur_ffn_call *q)
{
	const int D = q->D, F = q->F, wide = q->ffn->gates * F, bias = q->ffn->bias;
	float *all = q->work + chunk_floats(q->ffn, D, F) * (size_t)c->threads;
	const size_t square = (size_t)q->rows * (size_t)D;
	struct ffn_job j = { .c = c, .q = q, .n = all, .dn = all + square, .dropped = all + 2 * square,
	                     .dh = all + 3 * square };

	ur_for_chunks(c, q->rows, backward_rows, &j);
	ur_linear_grad(c, q->rows, D, F, q->drop.p > 0 ? j.dropped : q->dy, D, q->h, wide, q->dw[W_OUT],
	               bias ? q->dw[B_OUT] : NULL);
	ur_linear_grad(c, q->rows, wide, D, j.dh, wide, q->norm ? j.n : q->x, D, q->dw[W_IN], bias ? q->dw[B_IN] : NULL);
	if (q->norm)
		ur_norm_gains(c, q->norm, D, q->rows, q->x, q->stats, j.dn, q->dnorm);
}
