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

static void cell_back(const ur_cell_back *b)
{
	(b->d->option[NONLINEARITY] == RELU ? relu_back : tanh_back)(b->n, b->h, b->dh, b->da);
}

static const ur_cell cell = { .gates = 1, .work = 1 + 1, .step = cell_step };

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

const ur_mixer ur_mixer_rnn = {
	.name = "rnn", .about = "plain recurrent network, tanh or relu", .flags = UR_STATE_GRAD, .options = options,
	.check = ur_recurrent_check, .params = params, .state_size = state_size, .state_used = state_used,
	.limit = ur_recurrent_limit, .step_work = step_work, .step = step,
};
const ur_mixer_forward ur_mixer_forward_rnn = {
	.mixer = &ur_mixer_rnn, .need = need, .cost = cost, .forward = forward,
};
const ur_mixer_backward ur_mixer_backward_rnn = { .mixer = &ur_mixer_rnn, .backward = backward };
