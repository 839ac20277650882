/* Recurrent layers that look at an encoder's outputs m_j ("memory") at each step: what luong.c and bahdanau.c share.
 * With a query q of the state, at every step
 *
 *     e_j = score(q, k_j),   alpha = softmax over j < mlen of e,   c = sum over j of alpha_j m_j
 *
 * where the keys k_j = K m_j are worked out once a source. The cell is rnn.c's, gru.c's or lstm.c's, of the state s:
 *
 *     late   s_t = cell(W_ih [x_t ; f_{t-1}], s_{t-1}),  c_t by q = s_t,      f_t = tanh(W_o [c_t ; s_t]),  y_t = f_t
 *     else   c_t by q = W_q s_{t-1},  s_t = cell(W_ih [x_t ; c_t], s_{t-1}),  y_t = tanh(W_o [s_t ; c_t ; x_t] + b_o)
 *
 * State: s (H), then the cell's c (H) where it has one, as of the plain layer of that cell, so that an encoder's last
 * state can be the first here; then, late, f (H).
 * Parameters: weight_ih, weight_hh, bias_ih, bias_hh as recurrent.h has them, then those whose places a ur_attending
 * tells.
 *
 * No result depends on the number of threads: every sum is in a fixed order, and rows of a batch never meet except in
 * the gradients of the weights. */
#ifndef UR_ATTENDING_H
#define UR_ATTENDING_H

#include "mixer/recurrent.h"

/* The scores of some rows of one source. */
typedef struct ur_score {
	const ur_kernels *k;
	int n, H;
	const float *keys;      /* (n, H), ld floats from row to row */
	ptrdiff_t ld;
	const float *q, *v;     /* (H): the query; the vector of ur_attending.vector, or NULL */
	float *room;            /* ur_attending_room(H) floats */
	float *e;               /* out: (n) */
} ur_score;

typedef struct ur_score_back {
	const ur_kernels *k;
	int n, H;
	const float *keys, *q, *v, *de;
	ptrdiff_t ld;
	float *room;
	float *dq, *dkeys, *dv; /* += (H), (n, H), (H) */
} ur_score_back;

/* One of these layers. Numbers of parameters are 0 where it has none of that kind. */
typedef struct ur_attending {
	int late;
	int key;                /* K (H, M) */
	int query;              /* W_q (H, H) */
	int vector;             /* of the score (H) */
	int out, out_bias;      /* W_o, b_o */
	int work;               /* elementwise operations a value of a key, for the cost model */
	void (*score)(const ur_score *s);       /* NULL: e_j = q k_j */
} ur_attending;
typedef void ur_score_back_fn(const ur_score_back *b);

extern const ur_option ur_attending_options[];
/* The parameters of the cell; the layer's own follow. */
int ur_attending_cell_params(const ur_attending *l, const ur_dims *d, ur_param p[UR_MIXER_PARAMS]);
/* A matrix (cols 0: a vector) that starts uniform in +-1/sqrt(fan_in). */
ur_param ur_attending_param(const char *name, int rows, int cols, int fan_in);
size_t ur_attending_room(int H);

/* As the slots of the same names in mixer.h. */
const char *ur_attending_check(const ur_dims *d);
size_t ur_attending_state_size(const ur_attending *l, const ur_dims *d);
size_t ur_attending_step_work(const ur_attending *l, const ur_dims *d, int n);
void ur_attending_step(const ur_attending *l, const ur_turn *turn);
/* Row j of a source as a step sees it: k_j (H), m_j (M). */
size_t ur_attending_memory_size(const ur_dims *d, int S);
void ur_attending_remember(const ur_attending *l, const ur_kernels *k, const ur_dims *d, const ur_mat *w, int S,
                           const float *memory, float *made);
ur_need ur_attending_need(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_span *s);
ur_cost ur_attending_cost(const ur_attending *l, const ur_dims *d, const ur_span *s);
void ur_attending_forward(const ur_attending *l, const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s,
                          float *saved, float *work);
void ur_attending_backward(const ur_attending *l, ur_score_back_fn *back, const ur_ctx *c, const ur_dims *d,
                           const ur_mat *w, const ur_span *s, const float *saved, const float *dy, float *dx,
                           float *const *dw, void *const *dstate, float *dmemory, float *work);

/* The three tables' entries of one of them, from what its file defines: layer, params and the gradient of its score. */
#define UR_ATTENDING_MIXER(NAME, ABOUT, SCORE_BACK) \
	static size_t state_size(const ur_dims *d) { return ur_attending_state_size(&layer, d); } \
	static size_t state_used(const ur_dims *d, const void *state) \
	{ \
		(void)state; \
		return state_size(d); \
	} \
	static size_t step_work(const ur_dims *d, int n) { return ur_attending_step_work(&layer, d, n); } \
	static void step(const ur_turn *t) { ur_attending_step(&layer, t); } \
	static void remember(const ur_kernels *k, const ur_dims *d, const ur_mat *w, int S, const float *memory, \
	                     float *made) \
	{ \
		ur_attending_remember(&layer, k, d, w, S, memory, made); \
	} \
	static ur_need need(const ur_ctx *c, const ur_dims *d, const ur_span *s) \
	{ \
		return ur_attending_need(&layer, c, d, s); \
	} \
	static ur_cost cost(const ur_dims *d, const ur_span *s) { return ur_attending_cost(&layer, d, s); } \
	static void forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved, \
	                    float *work) \
	{ \
		ur_attending_forward(&layer, c, d, w, s, saved, work); \
	} \
	static void backward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, const float *saved, \
	                     const float *dy, float *dx, float *const *dw, void *const *dstate, float *dmemory, \
	                     float *work) \
	{ \
		ur_attending_backward(&layer, SCORE_BACK, c, d, w, s, saved, dy, dx, dw, dstate, dmemory, work); \
	} \
	const ur_mixer ur_mixer_##NAME = { \
		.name = #NAME, .about = ABOUT, .flags = UR_STATE_GRAD | UR_READS_MEMORY, .options = ur_attending_options, \
		.check = ur_attending_check, .params = params, .state_size = state_size, .state_used = state_used, \
		.limit = ur_recurrent_limit, .step_work = step_work, .step = step, .memory_size = ur_attending_memory_size, \
		.remember = remember, \
	}; \
	const ur_mixer_forward ur_mixer_forward_##NAME = { \
		.mixer = &ur_mixer_##NAME, .need = need, .cost = cost, .forward = forward, \
	}; \
	const ur_mixer_backward ur_mixer_backward_##NAME = { .mixer = &ur_mixer_##NAME, .backward = backward };

#endif
