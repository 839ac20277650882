/* A recurrent layer with global attention and input feeding (Luong, Pham and Manning 2015, "Effective Approaches to
 * Attention-based Neural Machine Translation"; the score they call general), over an encoder's outputs m_j:
 *
 *     s_t = cell(W_ih [x_t ; f_{t-1}] + b_ih + W_hh s_{t-1} + b_hh)        rnn.c, gru.c or lstm.c has the cell
 *     e_tj = s_t . (W_a m_j),   alpha_t = softmax over j < mlen of e_t,   c_t = sum over j of alpha_tj m_j
 *     f_t = tanh(W_c [c_t ; s_t]),   y_t = f_t
 *
 * Parameters, G gates, H = out, M = memory: weight_ih (G H, in + H), weight_hh (G H, H), bias_ih, bias_hh (G H),
 * attn_weight W_a (H, M), out_weight W_c (H, M + H). State: s (H), the LSTM's c (H), f (H). */
#include "mixer/attending.h"

enum { ATTN = UR_RECURRENT_PARAMS, OUT, PARAMS };

static const ur_attending layer = { .late = 1, .key = ATTN, .out = OUT };

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS])
{
	const int H = d->out, M = d->memory;

	ur_attending_cell_params(&layer, d, p);
	p[ATTN] = ur_attending_param("attn_weight", H, M, M);
	p[OUT] = ur_attending_param("out_weight", H, M + H, M + H);
	return PARAMS;
}

UR_ATTENDING_MIXER(luong, "recurrent decoder with attention and input feeding", NULL)
