/* Gated recurrent unit (Cho et al. 2014), reset after the product as in cuDNN and PyTorch's nn.GRU:
 *
 *     r z = sigmoid(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)        the first two blocks of rows
 *     n   = tanh(W_in x_t + b_in + r u_n),  u_n = W_hn h_{t-1} + b_hn
 *     h_t = (1 - z) n + z h_{t-1}
 *
 * State: h (H). Parameters: recurrent.h. Saved for the way back: r, z, n, u_n, and the first h. */
#include "mixer/recurrent.h"

static void cell_step(const ur_cell_step *s)
{
	if (s->un)
		s->k->copy(1, s->n, s->u + 2 * s->stride, s->n, s->un, s->n);
	s->k->gru_gates(s->n, s->a, s->u, s->stride, s->h_prev, s->h);
}

void ur_cell_back_gru(const ur_cell_back *b)
{
	b->k->gru_gates_back(b->n, b->a, b->un, b->stride, b->h_prev, b->dh, b->da, b->du);
}

const ur_cell ur_cell_gru = { .gates = 3, .apart = 1, .work = 3 + 3 + 5, .step = cell_step };

static const ur_option options[] = { { 0 } };

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS]) { return ur_recurrent_params(&ur_cell_gru, d, p); }

UR_RECURRENT_MIXER(gru, "gated recurrent unit")
