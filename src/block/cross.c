/* Cross-attention: every step of one sequence reads all rows of another, an encoder's outputs m.
 *
 *     q_t = Wq x_t + bq    k_s = Wk m_s + bk    v_s = Wv m_s + bv         (heads of E = D / heads values each)
 *     o_t = sum over s < mlen of softmax_s(q_t k_s / sqrt(E)) v_s         (a head)
 *     y_t = Wo [o_t of all heads] + bo
 *
 * after Vaswani et al., "Attention is all you need", 2017, 3.2.3. Keys and values depend on the source alone, so that a
 * decoder makes them once and its steps only read them.
 *
 * Saved: q (T, B, D); keys and values (S, B, 2 D); o (T, B, D); the log of the softmax's sum (T, B, heads).
 * Remembered: keys and values (S, 2 D) of one source. */
#include "block/block.h"

#include <string.h>

#include "mixer/attention_rows.h"
#include "mixer/attention_tile.h"

enum { W_Q, W_KV, W_O, B_Q, B_KV, B_O, PARAMS };

int ur_cross_params(int D, ur_param p[UR_BLOCK_PARAMS])
{
	p[W_Q] = (ur_param){ .name = "q_weight", .rows = D, .cols = D, .init = UR_INIT_NORMAL, .a = 0.02f };
	p[W_KV] = (ur_param){ .name = "kv_weight", .rows = 2 * D, .cols = D, .init = UR_INIT_NORMAL, .a = 0.02f };
	p[W_O] = (ur_param){ .name = "o_weight", .rows = D, .cols = D, .init = UR_INIT_NORMAL, .a = 0.02f, .residual = 1 };
	p[B_Q] = (ur_param){ .name = "q_bias", .rows = D, .init = UR_INIT_ZERO };
	p[B_KV] = (ur_param){ .name = "kv_bias", .rows = 2 * D, .init = UR_INIT_ZERO };
	p[B_O] = (ur_param){ .name = "o_bias", .rows = D, .init = UR_INIT_ZERO };
	return PARAMS;
}

static size_t queries(const ur_cross_call *call) { return (size_t)call->T * (size_t)call->B * (size_t)call->D; }
static size_t sources(const ur_cross_call *call) { return (size_t)call->S * (size_t)call->B * (size_t)call->D; }

/* A call's arrays. What is not saved lies in `work`; o then takes the place of q, which its tile alone reads. */
typedef struct arrays { float *q, *kv, *o, *lse; } arrays;

static arrays lay(const ur_cross_call *call, float *at, int saved)
{
	size_t n = queries(call);
	arrays a = { .q = at, .kv = at + n, .o = at };

	if (saved) {
		a.o = a.kv + 2 * sources(call);
		a.lse = a.o + n;
	}
	return a;
}

static ur_attention attention_of(const ur_cross_call *call, const arrays *a)
{
	return (ur_attention){ .T = call->T, .B = call->B, .heads = call->heads, .kv_heads = call->heads,
		.E = call->D / call->heads, .len = call->len, .S = call->S, .slen = call->mlen, .q = a->q, .k = a->kv,
		.v = a->kv ? a->kv + call->D : NULL, .ld = call->D, .ldk = 2 * (ptrdiff_t)call->D, .out = a->o, .ldo = call->D,
		.lse = a->lse };
}

ur_need ur_cross_need(const ur_ctx *c, const ur_cross_call *call)
{
	ur_attention a = attention_of(call, &(arrays){ 0 });
	size_t n = queries(call), m = sources(call);

	return (ur_need){
		.saved = 2 * n + 2 * m + (size_t)call->T * (size_t)call->B * (size_t)call->heads,
		.forward = n + 2 * m + ur_attention_work(c, &a),
		.backward = 2 * n + 3 * m + ur_attention_back_work(c, &a),
	};
}

double ur_cross_flops(const ur_cross_call *call)
{
	double n = (double)call->T * call->B, m = (double)call->S * call->B, D = call->D;
	return 4 * n * D * D + 4 * m * D * D + 4 * n * call->S * D;
}

struct weigh_job { const ur_ctx *c; const ur_cross_call *call; const arrays *a; };

/* Weights of steps [from, to) of all sequences. */
static void weigh_steps(void *arg, int from, int to, int thread)
{
	const struct weigh_job *j = arg;
	const ur_cross_call *call = j->call;
	ptrdiff_t row = 2 * (ptrdiff_t)call->D;

	for (int i = from * call->B; i < to * call->B; i++) {
		int b = i % call->B, n = call->mlen ? call->mlen[b] : call->S;
		float *weights = call->weights + (size_t)i * (size_t)call->S;

		if (call->len && i / call->B >= call->len[b])
			n = 0;
		memset(weights + n, 0, (size_t)(call->S - n) * sizeof *weights);
		if (n > 0)
			ur_attend_rows(j->c->k, &(ur_rows_query){ .heads = call->heads, .kv_heads = call->heads,
				.E = call->D / call->heads, .n = n, .q = j->a->q + (size_t)i * (size_t)call->D,
				.keys = j->a->kv + b * row, .ld = call->B * row, .weights = weights }, ur_scratch(j->c, thread));
	}
}

void ur_cross_forward(const ur_ctx *c, const ur_cross_call *call)
{
	const int D = call->D, M = call->T * call->B;
	arrays a = lay(call, call->saved ? call->saved : call->work, call->saved != NULL);
	ur_attention tiles = attention_of(call, &a);
	float *work = call->saved ? call->work : a.kv + 2 * sources(call);

	if (M == 0)
		return;
	ur_linear(c, M, &call->w[W_Q], call->w[B_Q].data, call->x, D, a.q, D, 0);
	ur_linear(c, call->S * call->B, &call->w[W_KV], call->w[B_KV].data, call->memory, D, a.kv, 2 * D, 0);
	if (call->weights)   /* before o takes the place of q */
		ur_for_rows(c, call->T, 1, weigh_steps, &(struct weigh_job){ c, call, &a });
	ur_attention_forward(c, &tiles, work);
	ur_clear_tails(c->k, call->T, call->B, call->len, a.o, D, D);
	ur_linear(c, M, &call->w[W_O], call->w[B_O].data, a.o, D, call->y, D, 0);
	ur_clear_tails(c->k, call->T, call->B, call->len, call->y, D, D);
}

void ur_cross_backward(const ur_ctx *c, const ur_cross_call *call)
{
	const int D = call->D, M = call->T * call->B, N = call->S * call->B;
	arrays a = lay(call, call->saved, 1);
	ur_attention tiles = attention_of(call, &a);
	float *datt = call->work, *dq = datt + queries(call), *dkv = dq + queries(call), *copy = dkv + 2 * sources(call);
	const float *dy, *x, *memory;

	if (M == 0)
		return;
	dy = ur_without_tails(c->k, call->T, call->B, call->len, call->dy, D, dq);   /* not in use yet */
	ur_linear_back(c, M, &call->w[W_O], dy, D, datt, D, 0);
	ur_linear_grad(c, M, D, D, dy, D, a.o, D, call->dw[W_O], call->dw[B_O]);
	ur_attention_backward(c, &tiles, &(ur_attention_grad){ .dout = datt, .ldd = D, .dq = dq, .ldg = D, .dk = dkv,
		.dv = dkv + D, .ldgk = 2 * (ptrdiff_t)D }, copy + sources(call));
	ur_clear_tails(c->k, call->T, call->B, call->len, dq, D, D);
	ur_clear_tails(c->k, call->S, call->B, call->mlen, dkv, 2 * D, 2 * D);

	x = ur_without_tails(c->k, call->T, call->B, call->len, call->x, D, datt);   /* done with */
	ur_linear_grad(c, M, D, D, dq, D, x, D, call->dw[W_Q], call->dw[B_Q]);
	memory = ur_without_tails(c->k, call->S, call->B, call->mlen, call->memory, D, copy);
	ur_linear_grad(c, N, 2 * D, D, dkv, 2 * D, memory, D, call->dw[W_KV], call->dw[B_KV]);
	if (call->dx)
		ur_linear_back(c, M, &call->w[W_Q], dq, D, call->dx, D, 0);
	if (call->dmemory)
		ur_linear_back(c, N, &call->w[W_KV], dkv, 2 * D, call->dmemory, D, 1);
}

/* ---- one step ---- */

size_t ur_cross_memory_size(int D, int S) { return 2 * (size_t)D * (size_t)S; }

void ur_cross_remember(const ur_kernels *k, int D, const ur_mat *w, int S, const float *memory, float *made)
{
	ur_linear_serial(k, S, &w[W_KV], w[B_KV].data, memory, D, made, 2 * D, 0);
}

size_t ur_cross_step_work(int D, int heads, int n) { return 2 * (size_t)n * (size_t)D + ur_attend_rows_work(heads); }

void ur_cross_step(const ur_kernels *k, int D, int heads, const ur_mat *w, int n, const float *x, float *y,
                   const float *const *memory, const int *mlen, float *const *weights, float *work)
{
	const size_t width = (size_t)D;
	float *q = work, *o = q + (size_t)n * width, *rest = o + (size_t)n * width;

	ur_linear_serial(k, n, &w[W_Q], w[B_Q].data, x, D, q, D, 0);
	for (int i = 0; i < n; i++)
		ur_attend_rows(k, &(ur_rows_query){ .heads = heads, .kv_heads = heads, .E = D / heads, .n = mlen[i],
			.q = q + (size_t)i * width, .keys = memory[i], .values = memory[i] + D, .ld = 2 * (ptrdiff_t)D,
			.o = o + (size_t)i * width, .weights = weights ? weights[i] : NULL }, rest);
	ur_linear_serial(k, n, &w[W_O], w[B_O].data, o, D, y, D, 0);
}
