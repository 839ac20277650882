/* A step of n streams, rows i = 0 .. n - 1:
 *
 *     x = scale embedding[token] (+ positions[p]) (, summary)
 *     plain form:    x = mixer(x)                                                               for every layer
 *     norms before:  x += mixer(norm(x));  x += cross(norm(x), source);  x += ffn(norm(x))   for every layer, then norm
 *     norms behind:  x = norm(x + mixer(x));  x = norm(x + cross(x, source));  x = norm(x + ffn(x))   for every layer
 *     logits = x W^T (+ b)
 *
 * Cross-attention is of pairs alone. The same sums in the same order as net.c has for whole sequences, so the two agree
 * to rounding (products differ in nothing, a mixer's step and forward may). Of values, x is W values + b before the
 * first layer of a residual form; a plain form's first mixer reads them as they are. */
#include "run/step.h"

#include <string.h>

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

/* Where layer i's products of a source lie: behind the summary, and those of the layers before. A layer has a mixer
 * that reads memory or cross-attention, never both. */
static float *memory_of(const ur_model *m, int i, const ur_remembered *source)
{
	return source->made + (m->spec.summary ? m->spec.width : 0) + (size_t)source->S * m->stack.layer[i].remembered;
}

size_t ur_remembered_size(const ur_model *m, int S)
{
	return (size_t)(m->spec.summary ? m->spec.width : 0) + (size_t)S * m->stack.remembered;
}

void ur_remember(const ur_model *m, const float *memory, const float *summary, const ur_remembered *source)
{
	if (m->spec.summary)
		memcpy(source->made, summary, (size_t)m->spec.width * sizeof *summary);
	for (int i = 0; i < m->spec.layers; i++) {
		const ur_layer *l = &m->stack.layer[i];
		float *made = memory_of(m, i, source);

		if (l->kind->remember)
			l->kind->remember(m->k, &l->dims, m->mat + l->mixer, source->S, memory, made);
		if (l->cross >= 0)
			ur_cross_remember(m->k, m->spec.width, m->mat + l->cross, source->S, memory, made);
	}
}

void ur_step_plan(ur_step *s, const ur_model *m, int n, ur_arena *arena)
{
	const ur_ffn *ffn = m->spec.form->ffn;
	const size_t rows = (size_t)n, width = rows * (size_t)m->spec.width, wide = rows * (size_t)m->spec.ffn;
	size_t work = 0;

	*s = (ur_step){ .m = m, .n = n };
	s->x = UR_TAKE(arena, float, width);
	s->y = UR_TAKE(arena, float, width);
	s->first = m->spec.summary ? UR_TAKE(arena, float, rows * (size_t)m->stack.in) : NULL;
	if (m->spec.form->norm) {
		s->normed = UR_TAKE(arena, float, width);
		s->h = UR_TAKE(arena, float, wide * (size_t)ffn->gates);
		s->g = UR_TAKE(arena, float, wide);
	}
	for (int i = 0; i < m->spec.layers; i++) {
		const ur_layer *l = &m->stack.layer[i];
		work = most(work, l->kind->step_work(&l->dims, n));
		if (l->cross >= 0)
			work = most(work, ur_cross_step_work(m->spec.width, m->spec.heads, n));
	}
	s->work = UR_TAKE(arena, float, work);
	s->states = UR_TAKE(arena, void *, rows);
	if (m->spec.pair) {
		s->memory = UR_TAKE(arena, const float *, rows);
		s->mlen = UR_TAKE(arena, int, rows);
	}
}

/* What the first layer reads. */
static const float *embed(const ur_step *s, const ur_step_call *q)
{
	const ur_model *m = s->m;
	const size_t D = (size_t)m->spec.width;
	const float *positions = ur_stack_positions(m, &m->stack);
	const int input = m->stack.input;

	if (m->ports && input < 0)
		return q->values;
	if (m->ports)
		ur_linear_serial(m->k, q->n, &m->mat[input], m->mat[input + 1].data, q->values, m->ports->in.n, s->x, (int)D,
		                 0);
	for (int i = 0; i < q->n; i++) {
		float *x = s->first ? s->first + (size_t)i * 2 * D : s->x + (size_t)i * D;
		if (!m->ports)
			memcpy(x, m->mat[m->stack.embedding].data + (size_t)q->tokens[i] * D, D * sizeof *x);
		if (!m->ports && m->stack.scale != 1)
			m->k->scale((int)D, m->stack.scale, x);
		if (positions)
			m->k->add((int)D, positions + (size_t)*ur_model_position(q->states[i]) * D, x);
		if (s->first)
			memcpy(x + D, q->source[i]->made, D * sizeof *x);
	}
	return s->first ? s->first : s->x;
}

static void mix(const ur_step *s, const ur_step_call *q, int layer, const float *x, float *y)
{
	const ur_model *m = s->m;
	const ur_layer *l = &m->stack.layer[layer];

	for (int i = 0; i < q->n; i++) {
		s->states[i] = ur_model_state_of(m, q->states[i], layer);
		if (q->source) {
			s->memory[i] = memory_of(m, layer, q->source[i]);
			s->mlen[i] = q->source[i]->S;
		}
	}
	l->kind->step(&(ur_turn){ .k = m->k, .d = &l->dims, .w = m->mat + l->mixer, .n = q->n, .x = x, .y = y,
		.state = s->states, .memory = s->memory, .mlen = s->mlen, .weights = q->weights, .work = s->work });
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

/* The source, seen by one layer; mix has set s->memory. */
static void cross(const ur_step *s, const ur_step_call *q, int layer, const float *x, float *y)
{
	const ur_model *m = s->m;

	ur_cross_step(m->k, m->spec.width, m->spec.heads, m->mat + m->stack.layer[layer].cross, q->n, x, y, s->memory,
	              s->mlen, layer == m->spec.layers - 1 ? q->weights : NULL, s->work);
}

/* x in place */
static void residual_layer(const ur_step *s, const ur_step_call *q, int i)
{
	const ur_model *m = s->m;
	const ur_layer *l = &m->stack.layer[i];
	const int n = q->n, D = m->spec.width, post = m->spec.norm_last;
	float *x = s->x, *y = s->y, *in = post ? x : s->normed;

	if (!post)
		norm_rows(m, n, l->norm1, x, in);
	mix(s, q, i, in, y);
	m->k->add(n * D, y, x);
	if (post)
		norm_rows(m, n, l->norm1, x, x);
	if (l->cross >= 0) {
		if (!post)
			norm_rows(m, n, l->norm_cross, x, in);
		cross(s, q, i, in, y);
		m->k->add(n * D, y, x);
		if (post)
			norm_rows(m, n, l->norm_cross, x, x);
	}
	if (!post)
		norm_rows(m, n, l->norm2, x, in);
	feed_forward(s, n, l->ffn, in, y);
	m->k->add(n * D, y, x);
	if (post)
		norm_rows(m, n, l->norm2, x, x);
}

void ur_step_streams(const ur_step *s, const ur_step_call *q)
{
	const ur_model *m = s->m;
	const int n = q->n;
	const float *first = embed(s, q);
	float *x = s->x, *y = s->y;

	for (int i = 0; i < m->spec.layers; i++) {
		if (m->spec.form->norm) {
			residual_layer(s, q, i);
		} else {
			float *swap = x;
			mix(s, q, i, i == 0 ? first : x, y);
			x = y;
			y = swap;
		}
	}
	if (m->stack.norm >= 0) {
		norm_rows(m, n, m->stack.norm, x, y);
		x = y;
	}
	ur_model_head(m, n, x, q->logits);
	for (int i = 0; i < n; i++)
		++*ur_model_position(q->states[i]);
}

void ur_step_many(const ur_step *s, int n, const int32_t *tokens, void *const *states, float *logits)
{
	ur_step_streams(s, &(ur_step_call){ .n = n, .tokens = tokens, .states = states, .logits = logits });
}
