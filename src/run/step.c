/* A step of n streams, rows i = 0 .. n - 1:
 *
 *     x = embedding[token] (+ positions[p])
 *     plain form:     x = mixer(x)                                           for every layer
 *     residual forms: x += mixer(norm1(x));  x += ffn(norm2(x))              for every layer;  x = norm(x)
 *     logits = x W^T (+ b)
 *
 * The same sums in the same order as net.c has for whole sequences, so the two agree to rounding (products differ in
 * nothing, a mixer's step and forward may). */
#include "run/step.h"

#include <string.h>

void ur_step_plan(ur_step *s, const ur_model *m, int n, ur_arena *arena)
{
	const ur_ffn *ffn = m->spec.form->ffn;
	const size_t rows = (size_t)n, width = rows * (size_t)m->spec.width, wide = rows * (size_t)m->spec.ffn;

	*s = (ur_step){ .m = m, .n = n };
	s->x = UR_TAKE(arena, float, width);
	s->y = UR_TAKE(arena, float, width);
	if (m->spec.form->norm) {
		s->normed = UR_TAKE(arena, float, width);
		s->h = UR_TAKE(arena, float, wide * (size_t)ffn->gates);
		s->g = UR_TAKE(arena, float, wide);
	}
	s->work = UR_TAKE(arena, float, m->spec.mixer->step_work(&m->dims, n));
	s->states = UR_TAKE(arena, void *, rows);
}

static void embed(const ur_step *s, int n, const int32_t *tokens, void *const *states)
{
	const ur_model *m = s->m;
	const size_t D = (size_t)m->spec.width;

	for (int i = 0; i < n; i++) {
		float *x = s->x + (size_t)i * D;
		memcpy(x, m->mat[m->embedding].data + (size_t)tokens[i] * D, D * sizeof *x);
		if (m->positions >= 0)
			m->k->add((int)D, m->mat[m->positions].data + (size_t)*ur_model_position(states[i]) * D, x);
	}
}

static void mix(const ur_step *s, int n, int layer, const float *x, float *y, void *const *states)
{
	const ur_model *m = s->m;

	for (int i = 0; i < n; i++)
		s->states[i] = ur_model_state_of(m, states[i], layer);
	m->spec.mixer->step(&(ur_turn){ .k = m->k, .d = &m->dims, .w = m->mat + m->layer[layer].mixer, .n = n, .x = x,
		.y = y, .state = s->states, .work = s->work });
}

static void norm_rows(const ur_model *m, int n, int at, const float *x, float *y)
{
	const ur_norm *norm = m->spec.form->norm;
	const size_t D = (size_t)m->spec.width;
	float stats[2];

	for (int i = 0; i < n; i++)
		norm->row(m->k, m->spec.width, norm->eps, x + (size_t)i * D, m->mat[at].data,
		          norm->params > 1 ? m->mat[at + 1].data : NULL, y + (size_t)i * D, stats);
}

/* y = act(x W_in^T + b) W_out^T + b; a block lists weights, then biases */
static void feed_forward(const ur_step *s, int n, int at, const float *x, float *y)
{
	const ur_model *m = s->m;
	const ur_ffn *ffn = m->spec.form->ffn;
	const ur_mat *w = m->mat + at;
	const int D = m->spec.width, F = m->spec.ffn, wide = ffn->gates * F;

	ur_linear_serial(m->k, n, &w[0], ffn->bias ? w[2].data : NULL, x, D, s->h, wide, 0);
	for (int i = 0; i < n; i++)
		ffn->act(m->k, F, s->h + (size_t)i * (size_t)wide, s->g + (size_t)i * (size_t)F);
	ur_linear_serial(m->k, n, &w[1], ffn->bias ? w[3].data : NULL, s->g, F, y, D, 0);
}

void ur_step_many(const ur_step *s, int n, const int32_t *tokens, void *const *states, float *logits)
{
	const ur_model *m = s->m;
	const int D = m->spec.width;
	float *x = s->x, *y = s->y;

	embed(s, n, tokens, states);
	for (int i = 0; i < m->spec.layers; i++) {
		if (m->spec.form->norm) {
			norm_rows(m, n, m->layer[i].norm1, x, s->normed);
			mix(s, n, i, s->normed, y, states);
			m->k->add(n * D, y, x);
			norm_rows(m, n, m->layer[i].norm2, x, s->normed);
			feed_forward(s, n, m->layer[i].ffn, s->normed, y);
			m->k->add(n * D, y, x);
		} else {
			float *swap = x;
			mix(s, n, i, x, y, states);
			x = y;
			y = swap;
		}
	}
	if (m->norm >= 0) {
		norm_rows(m, n, m->norm, x, y);
		x = y;
	}
	ur_linear_serial(m->k, n, &m->mat[m->head], m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL, x, D, logits,
	                 m->V, 0);
	for (int i = 0; i < n; i++)
		++*ur_model_position(states[i]);
}
