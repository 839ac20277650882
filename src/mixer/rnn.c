/* Plain recurrent network (Elman 1990), as PyTorch's nn.RNN has it:
 *
 *     h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),   f = tanh or relu
 *
 * State: h (H). Parameters: recurrent.h. The way back needs only y and the first h: f' is a function of h. */
#include "mixer/recurrent.h"

enum { NONLINEARITY };
enum { TANH, RELU };
static const ur_option options[] = {
	[NONLINEARITY] = { .name = "nonlinearity", .about = "what follows the sum",
	                   .standard = TANH, .least = TANH, .most = RELU, .choices = "tanh|relu", .whole = 1 },
	{ 0 }
};

static void cell_step(const ur_cell_step *s)
{
	if (s->d->option[NONLINEARITY] == RELU)
		s->k->relu(s->n, s->a, s->a);
	else
		s->k->tanh(s->n, s->a, s->a);
}

void ur_cell_back_rnn(const ur_cell_back *b)
{
	(b->d->option[NONLINEARITY] == RELU ? b->k->relu_back : b->k->tanh_back)(b->n, b->h, b->dh, b->da);
}

const ur_cell ur_cell_rnn = { .gates = 1, .work = 1, .step = cell_step };

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS]) { return ur_recurrent_params(&ur_cell_rnn, d, p); }

UR_RECURRENT_MIXER(rnn, "plain recurrent network, tanh or relu")
