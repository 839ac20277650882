/* Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000),
 * as PyTorch's nn.LSTM has it:
 *
 *     i f g o = sigmoid sigmoid tanh sigmoid of (W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)
 *     c_t = f c_{t-1} + i g,   h_t = o tanh(c_t)
 *
 * State: h (H), then c (H). Parameters: recurrent.h. Saved for the way back: the gates' activations, c, the first h.
 * With forget_bias, bias_ih starts at that value for the forget gate and at 0 for the others, so that a new model
 * remembers (Jozefowicz, Zaremba and Sutskever 2015: 1 is a good value). */
#include "mixer/recurrent.h"

static void cell_step(const ur_cell_step *s) { s->k->lstm_gates(s->n, s->a, s->stride, s->c_prev, s->c, s->h); }

void ur_cell_back_lstm(const ur_cell_back *b)
{
	b->k->lstm_gates_back(b->n, b->a, b->stride, b->c_prev, b->c, b->dh, b->dc, b->da);
}

const ur_cell ur_cell_lstm = { .gates = 4, .memory = 1, .work = 5 + 4, .step = cell_step };

enum { FORGET_BIAS };
static const ur_option options[] = {
	[FORGET_BIAS] = { .name = "forget_bias", .about = "where the forget gate's bias starts; 0: at random, as PyTorch's",
	                  .standard = 0, .least = -20, .most = 20 },
	{ 0 }
};

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS])
{
	int n = ur_recurrent_params(&ur_cell_lstm, d, p);

	if (d->option[FORGET_BIAS] != 0) {
		p[UR_B_IH].init = UR_INIT_FILL;
		p[UR_B_IH].a = (float)d->option[FORGET_BIAS];
		p[UR_B_IH].fill_from = d->out;
		p[UR_B_IH].fill_to = 2 * d->out;
	}
	return n;
}

UR_RECURRENT_MIXER(lstm, "long short-term memory")
