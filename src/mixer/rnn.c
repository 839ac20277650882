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

enum { BLOCK = 16 }; /* a fixed count lets the compiler make vectors of the loops below */

/* Written so that NaN stays NaN. */
static void relu(int n, float *a)
{
	for (int i = 0; i < n; i++)
		a[i] = a[i] < 0 ? 0 : a[i];
}

static void tanh_back(int n, const float *restrict h, const float *restrict dh, float *restrict da)
{
	int i = 0;

	for (; i + BLOCK <= n; i += BLOCK)
		for (int j = i; j < i + BLOCK; j++)
			da[j] = dh[j] * (1 - h[j] * h[j]);
	for (; i < n; i++)
		da[i] = dh[i] * (1 - h[i] * h[i]);
}

static void relu_back(int n, const float *restrict h, const float *restrict dh, float *restrict da)
{
	for (int i = 0; i < n; i++)
		da[i] = h[i] <= 0 ? 0 : dh[i];
}

static void cell_step(const ur_cell_step *s)
{
	if (s->d->option[NONLINEARITY] == RELU)
		relu(s->n, s->a);
	else
		s->k->tanh(s->n, s->a, s->a);
}

void ur_cell_back_rnn(const ur_cell_back *b)
{
	(b->d->option[NONLINEARITY] == RELU ? relu_back : tanh_back)(b->n, b->h, b->dh, b->da);
}

const ur_cell ur_cell_rnn = { .gates = 1, .work = 1 + 1, .step = cell_step };

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS]) { return ur_recurrent_params(&ur_cell_rnn, d, p); }

UR_RECURRENT_MIXER(rnn, "plain recurrent network, tanh or relu")
