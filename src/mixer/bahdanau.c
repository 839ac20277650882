/* A recurrent layer with additive attention (Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly
 * Learning to Align and Translate", the output a layer of tanh instead of maxout) over an encoder's outputs m_j:
 *
 *     e_tj = v . tanh(W_q s_{t-1} + U m_j),  alpha_t = softmax over j < mlen of e_t,  c_t = sum over j of alpha_tj m_j
 *     s_t = cell(W_ih [x_t ; c_t] + b_ih + W_hh s_{t-1} + b_hh)            rnn.c, gru.c or lstm.c has the cell
 *     y_t = tanh(W_o [s_t ; c_t ; x_t] + b_o)
 *
 * Parameters, G gates, H = out, M = memory: weight_ih (G H, in + M), weight_hh (G H, H), bias_ih, bias_hh (G H),
 * query_weight W_q (H, H), memory_weight U (H, M), score_weight v (H), out_weight W_o (H, H + M + in), out_bias (H).
 * State: s (H), the LSTM's c (H). The tanh of the score is worked out again on the way back: S times as much as all
 * else would have to be saved. */
#include "mixer/attending.h"

enum { QUERY = UR_RECURRENT_PARAMS, MEMORY, SCORE, OUT, OUT_BIAS, PARAMS };

/* Rows that the room holds at a time. */
static int stretch(int H, int left)
{
	int n = (int)(ur_attending_room(H) / (size_t)H);
	return n < left ? n : left;
}

/* room = tanh(q + k_j) for n rows */
static void hidden(const ur_kernels *k, int n, int H, const float *keys, ptrdiff_t ld, const float *q, float *room)
{
	k->copy(n, H, keys, ld, room, H);
	for (int j = 0; j < n; j++)
		k->add(H, q, room + (size_t)j * (size_t)H);
	k->tanh(n * H, room, room);
}

static void score(const ur_score *s)
{
	for (int j = 0, n; j < s->n; j += n) {
		n = stretch(s->H, s->n - j);
		hidden(s->k, n, s->H, s->keys + j * s->ld, s->ld, s->q, s->room);
		s->k->row_dots(n, s->H, s->room, s->H, s->v, s->e + j);
	}
}

static void score_back(const ur_score_back *b)
{
	const size_t H = (size_t)b->H;

	for (int j = 0, n; j < b->n; j += n) {
		n = stretch(b->H, b->n - j);
		hidden(b->k, n, b->H, b->keys + j * b->ld, b->ld, b->q, b->room);
		b->k->row_sum(n, b->H, b->de + j, b->room, b->H, b->dv);
		b->k->row_tanh_back(n, b->H, b->de + j, b->v, b->room, b->dq, b->dkeys + (size_t)j * H);
	}
}

static const ur_attending layer = {
	.key = MEMORY, .query = QUERY, .vector = SCORE, .out = OUT, .out_bias = OUT_BIAS, .work = 2, .score = score,
};

static int params(const ur_dims *d, ur_param p[UR_MIXER_PARAMS])
{
	const int H = d->out, M = d->memory, O = H + M + d->in;

	ur_attending_cell_params(&layer, d, p);
	p[QUERY] = ur_attending_param("query_weight", H, H, H);
	p[MEMORY] = ur_attending_param("memory_weight", H, M, M);
	p[SCORE] = ur_attending_param("score_weight", H, 0, H);
	p[OUT] = ur_attending_param("out_weight", H, O, O);
	p[OUT_BIAS] = ur_attending_param("out_bias", H, 0, O);
	return PARAMS;
}

UR_ATTENDING_MIXER(bahdanau, "recurrent decoder with additive attention", score_back)
