/* The passes over time that rnn.c, gru.c and lstm.c share. A file of one of them gives its equations as a ur_cell: what
 * one step does to some units of one row once the products are there.
 *
 * Parameters (PyTorch's layout and names), G gates, gate q of unit j in row q * H + j:
 *     weight_ih (G H, in), weight_hh (G H, H), bias_ih (G H), bias_hh (G H), all uniform in +-1/sqrt(H)
 * State: h (H floats), then c (H floats) where the cell has one.
 *
 * No result depends on the number of threads: every sum is one chain in a fixed order, and rows never meet except in
 * the gradients of the weights. */
#ifndef UR_RECURRENT_H
#define UR_RECURRENT_H

#include "mixer/mixer.h"

enum { UR_W_IH, UR_W_HH, UR_B_IH, UR_B_HH, UR_RECURRENT_PARAMS };

/* Units [0, n) of one row at one step. Block q of unit j of a, u, da and du lies at q * stride + j. */
typedef struct ur_cell_step {
	const ur_kernels *k;
	const ur_dims *d;
	int n;
	ptrdiff_t stride;
	float *a;               /* in: pre-activations (apart: without W_hh h + b_hh); out: activations. G 1: a is h. */
	float *u;               /* apart: W_hh h + b_hh; may be overwritten */
	float *un;              /* apart: the last block of u as the way back wants it; NULL: not wanted */
	const float *h_prev, *c_prev;
	float *h, *c;
} ur_cell_step;

typedef struct ur_cell_back {
	const ur_kernels *k;
	const ur_dims *d;
	int n;
	ptrdiff_t stride;
	const float *a, *un, *h_prev, *h, *c_prev, *c;   /* as the step left them */
	float *dh;              /* in: of h; out, apart: the part of h_prev's that does not pass W_hh */
	float *dc;              /* in: of c; out: of c_prev */
	float *da, *du;         /* out: of W_ih x + b_ih; apart: of W_hh h + b_hh, else the two are one */
} ur_cell_back;

typedef struct ur_cell {
	int gates;              /* G. 1: activations need no array of their own, they are y */
	int memory;             /* 1: a second state vector, c */
	int apart;              /* 1: W_hh h + b_hh is not simply added to W_ih x + b_ih */
	int work;               /* elementwise operations a unit, for the cost model; a non-linearity counts as one */
	void (*step)(const ur_cell_step *s);
} ur_cell;
typedef void ur_cell_back_fn(const ur_cell_back *b);

/* The cells by number, for layers that let a spec choose one, and the choices in that order. Such a layer gives them
 * dims of their own, with all options 0. Two tables in two objects: a program that only streams links the first. */
#define UR_CELL_CHOICES "rnn|gru|lstm"
enum { UR_CELL_RNN, UR_CELL_GRU, UR_CELL_LSTM, UR_CELLS };
extern const ur_cell *const ur_cells[UR_CELLS];
extern ur_cell_back_fn *const ur_cell_backs[UR_CELLS];
extern const ur_cell ur_cell_rnn, ur_cell_gru, ur_cell_lstm;
ur_cell_back_fn ur_cell_back_rnn, ur_cell_back_gru, ur_cell_back_lstm;

const char *ur_recurrent_check(const ur_dims *d);
int ur_recurrent_params(const ur_cell *cell, const ur_dims *d, ur_param p[UR_MIXER_PARAMS]);
int64_t ur_recurrent_limit(const ur_dims *d);
size_t ur_recurrent_step_work(const ur_cell *cell, const ur_dims *d, int n);
/* As the slots of the same names in mixer.h. */
void ur_recurrent_step(const ur_cell *cell, const ur_turn *turn);
ur_need ur_recurrent_need(const ur_cell *cell, const ur_dims *d, const ur_span *s);
ur_cost ur_recurrent_cost(const ur_cell *cell, const ur_dims *d, const ur_span *s);
void ur_recurrent_forward(const ur_cell *cell, const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s,
                          float *saved, float *work);
void ur_recurrent_backward(const ur_cell *cell, ur_cell_back_fn *back, const ur_ctx *c, const ur_dims *d,
                           const ur_mat *w, const ur_span *s, const float *saved, const float *dy, float *dx,
                           float *const *dw, void *const *dstate, float *work);

/* The three tables' entries of one of them, from what its file defines: ur_cell_NAME, ur_cell_back_NAME, options and
 * params. */
#define UR_RECURRENT_MIXER(NAME, ABOUT) \
	static size_t state_size(const ur_dims *d) \
	{ \
		return (size_t)(1 + ur_cell_##NAME.memory) * (size_t)d->out * sizeof(float); \
	} \
	static size_t state_used(const ur_dims *d, const void *state) \
	{ \
		(void)state; \
		return state_size(d); \
	} \
	static size_t step_work(const ur_dims *d, int n) { return ur_recurrent_step_work(&ur_cell_##NAME, d, n); } \
	static void step(const ur_turn *t) { ur_recurrent_step(&ur_cell_##NAME, t); } \
	static ur_need need(const ur_ctx *c, const ur_dims *d, const ur_span *s) \
	{ \
		(void)c; \
		return ur_recurrent_need(&ur_cell_##NAME, d, s); \
	} \
	static ur_cost cost(const ur_dims *d, const ur_span *s) { return ur_recurrent_cost(&ur_cell_##NAME, d, s); } \
	static void forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved, \
	                    float *work) \
	{ \
		ur_recurrent_forward(&ur_cell_##NAME, c, d, w, s, saved, work); \
	} \
	static void backward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, const float *saved, \
	                     const float *dy, float *dx, float *const *dw, void *const *dstate, float *dmemory, \
	                     float *work) \
	{ \
		(void)dmemory; \
		ur_recurrent_backward(&ur_cell_##NAME, ur_cell_back_##NAME, c, d, w, s, saved, dy, dx, dw, dstate, \
		                      work); \
	} \
	const ur_mixer ur_mixer_##NAME = { \
		.name = #NAME, .about = ABOUT, .flags = UR_STATE_GRAD, .options = options, .check = ur_recurrent_check, \
		.params = params, .state_size = state_size, .state_used = state_used, .limit = ur_recurrent_limit, \
		.step_work = step_work, .step = step, \
	}; \
	const ur_mixer_forward ur_mixer_forward_##NAME = { \
		.mixer = &ur_mixer_##NAME, .need = need, .cost = cost, .forward = forward, \
	}; \
	const ur_mixer_backward ur_mixer_backward_##NAME = { .mixer = &ur_mixer_##NAME, .backward = backward };

#endif
