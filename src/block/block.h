/* What surrounds a mixer: embedding, normalisation, feed-forward, dropout, head and loss. Each is a forward and
 * backward pair over rows (a row is one position of one sequence, so T x B of them, time-major), cut into chunks of
 * rows that stay in a core's cache from the first operation to the last. w[] are parameters in the order the block
 * lists them; gradients are added to dw. */
#ifndef UR_BLOCK_H
#define UR_BLOCK_H

#include "mixer/mixer.h"

enum { UR_CHUNK = 96, UR_BLOCK_PARAMS = 6 }; /* rows in a chunk: a multiple of every set's mr */

/* fn over [0, rows) in chunks of UR_CHUNK (fewer where that would leave threads idle). No row's result may depend on
 * another's. */
void ur_for_chunks(const ur_ctx *c, int rows, ur_rows_fn *fn, void *arg);

/* y's rows = x's, D wide, ldx and ldy floats from row to row. */
void ur_copy_rows(const ur_ctx *c, int rows, int D, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy);

/* -- normalisation -- */
typedef struct ur_norm {
	const char *name;
	float eps;
	int params;                     /* 1: gain; 2: gain and bias */
	void (*row)(const ur_kernels *k, int D, float eps, const float *x, const float *g, const float *b, float *y,
	            float *stats);
	void (*row_back)(const ur_kernels *k, int D, const float *x, const float *g, const float *stats, const float *dy,
	                 float *dx);
} ur_norm;

extern const ur_norm ur_norm_layer; /* Ba, Kiros and Hinton 2016 */
extern const ur_norm ur_norm_rms;   /* Zhang and Sennrich 2019 */

int ur_norm_params(const ur_norm *n, int D, ur_param p[UR_BLOCK_PARAMS]);
/* y = norm(x), (rows, D) each; stats: 2 floats a row, for the way back. */
void ur_norm_forward(const ur_ctx *c, const ur_norm *n, int D, const ur_mat *w, int rows, const float *x, float *y,
                     float *stats);
/* dx = dnorm(dy), or += where `add`; dw += . dx may be dy. */
void ur_norm_backward(const ur_ctx *c, const ur_norm *n, int D, const ur_mat *w, int rows, const float *x,
                      const float *stats, const float *dy, float *dx, int add, float *const *dw, float *work);
/* The gain's and bias's part of it alone: dw += . */
void ur_norm_gains(const ur_ctx *c, const ur_norm *n, int D, int rows, const float *x, const float *stats,
                   const float *dy, float *const *dw);
/* Floats of working memory ur_norm_backward wants. */
size_t ur_norm_work(int D, int threads);

/* -- dropout (Srivastava et al. 2014): kept values are scaled by 1 / (1 - p) -- */
typedef struct ur_dropout {
	float p;                        /* 0: off */
	uint64_t seed, step;
	int site;                       /* which dropout of the model: the same place gets the same mask on the way back */
	size_t first;                   /* values of the site before these, where a sequence is taken in pieces */
} ur_dropout;
/* y = mask(x) over values [from, to) of the site; y may be x. */
void ur_drop(const ur_dropout *d, size_t from, size_t to, const float *x, float *y);

/* -- feed-forward: act(x W_in^T + b) W_out^T + b -- */
typedef struct ur_ffn {
	const char *name;
	int gates;                      /* rows of W_in are this many times F: 2 for a gated unit (gate, then up) */
	int bias;
	void (*act)(const ur_kernels *k, int F, const float *h, float *g);
	void (*act_back)(const ur_kernels *k, int F, const float *h, const float *dg, float *dh);
} ur_ffn;

extern const ur_ffn ur_ffn_gelu;    /* GPT-2's */
extern const ur_ffn ur_ffn_swiglu;  /* Shazeer 2020, LLaMA's */
extern const ur_ffn ur_ffn_relu;    /* Vaswani et al. 2017 */

int ur_ffn_params(const ur_ffn *f, int D, int F, ur_param p[UR_BLOCK_PARAMS]);
/* The second half of a residual block: y = x + drop(ffn(norm(x))), or, where norm is NULL, x + drop(ffn(x)), which
 * whoever calls norms after the sum. norm_w, w: parameters of the two. With `h` (rows,
 * gates x F) and `stats` (rows, 2) what backward needs is kept; both NULL otherwise. */
typedef struct ur_ffn_call {
	const ur_norm *norm;
	const ur_ffn *ffn;
	int D, F, rows;
	const ur_mat *norm_w, *w;
	ur_dropout drop;
	const float *x;
	float *y, *h, *stats;
	float *work;                    /* ur_ffn_work floats */
	/* backward: dy is the gradient of y on entry; dx = gradient of x, another array */
	const float *dy;
	float *dx, *const *dnorm, *const *dw;
} ur_ffn_call;
size_t ur_ffn_work(const ur_ctx *c, const ur_ffn *f, int D, int F, int rows, int training);
void ur_ffn_forward(const ur_ctx *c, const ur_ffn_call *call);
/* Uses up h (it becomes the activations). */
void ur_ffn_backward(const ur_ctx *c, const ur_ffn_call *call);

/* -- embedding -- */
/* y(T, B, D) = scale table[ids] + positions[first + t]. ids are in range. Of values instead of ids:
 * y = w values + bias + positions. */
typedef struct ur_embed_call {
	int T, B, D, first;
	const int32_t *ids;
	const float *values;            /* NULL, or (T, B, inputs), and then no ids and no table */
	int inputs;
	const ur_mat *w;                /* (D, inputs) */
	const float *bias;
	const float *table, *positions; /* positions may be NULL */
	float scale;
	float *y;
	const float *dy;                /* backward: dtable +=, dpositions (of `first` on) +=, or NULL */
	float *dtable, *dpositions;
	float *dw, *dbias;              /* += */
} ur_embed_call;
void ur_embed_forward(const ur_ctx *c, const ur_embed_call *call);
void ur_embed_backward(const ur_ctx *c, const ur_embed_call *call);

/* -- cross-attention (Vaswani et al. 2017): y = Wo [attend(Wq x, Wk m, Wv m) of all heads] + bo. Every step reads all
 * of its sequence's encoder outputs m; tells no order. -- */
/* q_weight (D, D), kv_weight (2 D, D: keys, then values), o_weight (D, D), q_bias, kv_bias, o_bias */
int ur_cross_params(int D, ur_param p[UR_BLOCK_PARAMS]);
typedef struct ur_cross_call {
	int T, B, S, D, heads;
	const int *len, *mlen;          /* as in ur_span: beyond len y is 0, dy is not read and dx is 0; beyond mlen memory
	                                 * is not read and dmemory gets nothing */
	const ur_mat *w;
	const float *x, *memory;        /* (T, B, D), (S, B, D) */
	float *y;                       /* (T, B, D) */
	float *weights;                 /* NULL, or (T, B, S): the mean over heads, as ur_span.weights */
	float *saved, *work;            /* saved NULL: nothing will be asked back */
	const float *dy;                /* backward: dx = , dmemory += , dw += */
	float *dx, *dmemory, *const *dw;
} ur_cross_call;
/* Reads T, B, S, D and heads. */
ur_need ur_cross_need(const ur_ctx *c, const ur_cross_call *call);
void ur_cross_forward(const ur_ctx *c, const ur_cross_call *call);
void ur_cross_backward(const ur_ctx *c, const ur_cross_call *call);
double ur_cross_flops(const ur_cross_call *call);
/* One source's keys and values, made once: floats for S rows of memory; memory (S, D). */
size_t ur_cross_memory_size(int D, int S);
void ur_cross_remember(const ur_kernels *k, int D, const ur_mat *w, int S, const float *memory, float *made);
/* One step of n streams; memory, mlen and weights as in ur_turn. */
size_t ur_cross_step_work(int D, int heads, int n);
void ur_cross_step(const ur_kernels *k, int D, int heads, const ur_mat *w, int n, const float *x, float *y,
                   const float *const *memory, const int *mlen, float *const *weights, float *work);

/* -- head and loss: softmax cross-entropy of x W^T + b against targets, or its squared distance from values -- */
typedef struct ur_head_call {
	int D, V, rows;
	const ur_mat *w;                /* (V, D) */
	const float *bias;              /* (V) or NULL */
	const float *x;                 /* (rows, D) */
	const int32_t *targets;         /* (rows); negative: not scored */
	const float *values;            /* NULL, or (rows, V): then the loss is the sum of squared differences, of those
	                                 * that are not NaN */
	float weight;                   /* gradients are of weight x the sum of losses; 0: no gradients */
	float smoothing;                /* gradients: this share of the target's probability is asked of all tokens alike
	                                 * (Szegedy et al. 2016); losses stay those of the target */
	double *losses;                 /* (rows) nats each; 0 where not scored */
	float *dx, *dw, *dbias;         /* dx = ; dw, dbias += ; dbias may be NULL */
	float *work;                    /* ur_head_work floats */
} ur_head_call;
size_t ur_head_work(int V, int rows);
/* Logits of at most a few million entries exist at a time, whatever V and rows. */
void ur_head_loss(const ur_ctx *c, const ur_head_call *call);

#endif
