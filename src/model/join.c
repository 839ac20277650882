/* The bridge between encoder and decoder, and back. */
#include "model/join.h"

#include <string.h>

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

void ur_join_plan(ur_join *j, const ur_model *m, int B, int training, ur_arena *arena)
{
	const size_t layers = (size_t)m->spec.layers, rows = (size_t)B, H = (size_t)m->spec.width;
	size_t ways, n, vectors = 0;

	*j = (ur_join){ .m = m, .B = B, .ways = m->spec.both_ways ? 2 : 1 };
	if (!m->spec.pair || m->spec.form->norm)
		return;
	for (int i = 0; i < m->spec.layers; i++) {
		j->stride = most(j->stride, most(ur_layer_state(&m->encoder.layer[i]), ur_layer_state(&m->stack.layer[i])));
		vectors = most(vectors, (size_t)ur_layer_vectors(&m->encoder.layer[i]));
	}
	ways = (size_t)j->ways;
	n = layers * rows;
	j->last = UR_TAKE(arena, unsigned char, ways * n * j->stride);
	j->first = UR_TAKE(arena, unsigned char, n * j->stride);
	j->last_at = UR_TAKE(arena, void *, ways * n);
	j->first_at = UR_TAKE(arena, void *, n);
	if (training) {
		j->dlast = UR_TAKE(arena, unsigned char, ways * n * j->stride);
		j->dfirst = UR_TAKE(arena, unsigned char, n * j->stride);
		j->dlast_at = UR_TAKE(arena, void *, ways * n);
		j->dfirst_at = UR_TAKE(arena, void *, n);
	}
	if (ways > 1) {
		j->both = UR_TAKE(arena, float, layers * vectors * rows * 2 * H);
		j->made = UR_TAKE(arena, float, layers * vectors * rows * H);
		j->room = UR_TAKE(arena, float, rows * 2 * H);
	}
	for (size_t i = 0; i < ways * n && j->last_at; i++) {
		j->last_at[i] = j->last + i * j->stride;
		if (training)
			j->dlast_at[i] = j->dlast + i * j->stride;
	}
	for (size_t i = 0; i < n && j->first_at; i++) {
		j->first_at[i] = j->first + i * j->stride;
		if (training)
			j->dfirst_at[i] = j->dfirst + i * j->stride;
	}
}

static size_t state_bytes(const ur_join *j, int ways)
{
	return (size_t)ways * (size_t)j->m->spec.layers * (size_t)j->B * j->stride;
}

void ur_join_begin(ur_join *j)
{
	if (j->last)
		memset(j->last, 0, state_bytes(j, j->ways));
}

/* Vector v of sequence b in a layer's states. */
static float *vector(const ur_join *j, void **at, int way, int layer, int b, int v)
{
	return (float *)ur_join_states(j, at, way, layer)[b] + (size_t)v * (size_t)j->m->spec.width;
}

/* (B, 2 H) and (B, H) of a layer's vector. */
static float *both_of(const ur_join *j, int layer, int v)
{
	const size_t at = (size_t)layer * (size_t)ur_layer_vectors(&j->m->encoder.layer[0]) + (size_t)v;
	return j->both + at * (size_t)j->B * 2 * (size_t)j->m->spec.width;
}

static float *made_of(const ur_join *j, int layer, int v)
{
	const size_t at = (size_t)layer * (size_t)ur_layer_vectors(&j->m->encoder.layer[0]) + (size_t)v;
	return j->made + at * (size_t)j->B * (size_t)j->m->spec.width;
}

static void bridge(ur_join *j, const ur_ctx *c, int layer, int v)
{
	const ur_model *m = j->m;
	const ur_mat *w = m->mat + m->encoder.layer[layer].bridge + 2 * v;
	const int H = m->spec.width;
	const size_t row = (size_t)H * sizeof(float);
	float *both = both_of(j, layer, v), *made = made_of(j, layer, v);

	for (int b = 0; b < j->rows; b++)
		for (int way = 0; way < 2; way++)
			memcpy(both + (size_t)(2 * b + way) * (size_t)H, vector(j, j->last_at, way, layer, b, v), row);
	ur_linear(c, j->rows, &w[0], w[1].data, both, 2 * H, made, H, 0);
	if (v == 0)
		c->k->tanh(j->rows * H, made, made);
	for (int b = 0; b < j->rows; b++)
		memcpy(vector(j, j->first_at, 0, layer, b, v), made + (size_t)b * (size_t)H, row);
}

void ur_join_forward(ur_join *j, const ur_ctx *c)
{
	const ur_model *m = j->m;

	if (!j->first)
		return;
	memset(j->first, 0, state_bytes(j, 1));
	for (int i = 0; i < m->spec.layers; i++) {
		const ur_layer *l = &m->encoder.layer[i];

		for (int b = 0; j->ways == 1 && b < j->rows; b++)
			memcpy(vector(j, j->first_at, 0, i, b, 0), vector(j, j->last_at, 0, i, b, 0),
			       l->kind->state_size(&l->dims));
		for (int v = 0; j->ways == 2 && v < ur_layer_vectors(l); v++)
			bridge(j, c, i, v);
	}
}

float *ur_join_summary(const ur_join *j, int b) { return vector(j, j->first_at, 0, j->m->spec.layers - 1, b, 0); }

static void bridge_back(ur_join *j, const ur_ctx *c, int layer, int v, float *const *dw)
{
	const ur_model *m = j->m;
	const int at = m->encoder.layer[layer].bridge + 2 * v, H = m->spec.width;
	const size_t row = (size_t)H * sizeof(float);
	float *both = both_of(j, layer, v), *made = made_of(j, layer, v);

	/* made becomes the gradient before the non-linearity */
	for (int b = 0; b < j->rows; b++) {
		const float *d = vector(j, j->dfirst_at, 0, layer, b, v);
		float *y = made + (size_t)b * (size_t)H;
		for (int i = 0; i < H; i++)
			y[i] = v == 0 ? d[i] * (1 - y[i] * y[i]) : d[i];
	}
	ur_linear_grad(c, j->rows, H, 2 * H, made, H, both, 2 * H, dw[at], dw[at + 1]);
	ur_linear_back(c, j->rows, &m->mat[at], made, H, j->room, 2 * H, 0);
	for (int b = 0; b < j->rows; b++)
		for (int way = 0; way < 2; way++)
			memcpy(vector(j, j->dlast_at, way, layer, b, v), j->room + (size_t)(2 * b + way) * (size_t)H, row);
}

void ur_join_clear(ur_join *j)
{
	if (j->dfirst)
		memset(j->dfirst, 0, state_bytes(j, 1));
}

void ur_join_backward(ur_join *j, const ur_ctx *c, float *const *dw)
{
	const ur_model *m = j->m;

	if (!j->first)
		return;
	for (int i = 0; i < m->spec.layers; i++) {
		const ur_layer *l = &m->encoder.layer[i];

		for (int b = 0; j->ways == 1 && b < j->rows; b++)
			memcpy(vector(j, j->dlast_at, 0, i, b, 0), vector(j, j->dfirst_at, 0, i, b, 0),
			       l->kind->state_size(&l->dims));
		for (int v = 0; j->ways == 2 && v < ur_layer_vectors(l); v++)
			bridge_back(j, c, i, v, dw);
	}
}
