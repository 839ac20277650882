/* Gated recurrent unit (Cho et al. 2014), reset after the product as in cuDNN and PyTorch's nn.GRU:
 *
 *     r z = sigmoid(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)        the first two blocks of rows
 *     n   = tanh(W_in x_t + b_in + r u_n),  u_n = W_hn h_{t-1} + b_hn
 *     h_t = (1 - z) n + z h_{t-1}
 *
 * State: h (H). Parameters: recurrent.h. Saved for the way back: r, z, n, u_n, and the first h. */
#include "mixer/recurrent.h"

#include <string.h>

static void cell_step(const ur_cell_step *s)
{
	if (s->un)
		memcpy(s->un, s->u + 2 * s->stride, (size_t)s->n * sizeof(float));
	s->k->gru_gates(s->n, s->a, s->u, s->stride, s->h_prev, s->h);
}

static void cell_back(const ur_cell_back *b)
{
	b->k->gru_gates_back(b->n, b->a, b->un, b->stride, b->h_prev, b->dh, b->da, b->du);
}

static const ur_cell cell = { .gates = 3, .apart = 1, .work = 3 + 3 + 5, .step = cell_step };

static const ur_option options[] = { { 0 } };

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS]) { return ur_recurrent_params(&cell, d, p); }

static size_t state_size(const ur_dims *d) { return (size_t)d->out * sizeof(float); }

static size_t state_used(const ur_dims *d, const void *state)
{
	(void)state;
	return state_size(d);
}

static size_t step_work(const ur_dims *d, int n) { return ur_recurrent_step_work(&cell, d, n); }

static void step(const ur_kernels *k, const ur_dims *d, const ur_mat *w, int n, const float *x, float *y,
                 void *const *state, float *work)
{
	ur_recurrent_step(&cell, k, d, w, n, x, y, state, work);
}

static ur_need need(const ur_ctx *c, const ur_dims *d, const ur_span *s)
{
	(void)c;
	return ur_recurrent_need(&cell, d, s);
}

static ur_cost cost(const ur_dims *d, const ur_span *s) { return ur_recurrent_cost(&cell, d, s); }

static void forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved, float *work)
{
	ur_recurrent_forward(&cell, c, d, w, s, saved, work);
}

static void backward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, const float *saved,
                     const float *dy, float *dx, float *const *dw, void *const *dstate, float *dmemory, float *work)
{
	(void)dmemory;
	ur_recurrent_backward(&cell, cell_back, c, d, w, s, saved, dy, dx, dw, dstate, work);
}

const ur_mixer ur_mixer_gru = {
	.name = "gru", .about = "gated recurrent unit", .flags = UR_STATE_GRAD, .options = options,
	.check = ur_recurrent_check, .params = params, .state_size = state_size, .state_used = state_used,
	.limit = ur_recurrent_limit, .step_work = step_work, .step = step,
};
const ur_mixer_forward ur_mixer_forward_gru = {
	.mixer = &ur_mixer_gru, .need = need, .cost = cost, .forward = forward,
};
const ur_mixer_backward ur_mixer_backward_gru = { .mixer = &ur_mixer_gru, .backward = backward };
