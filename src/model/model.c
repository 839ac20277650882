/* Building a model from its spec: which parameters it has, where they lie, how they start. */
#include "model/model.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 16 }; /* floats in a cache line */

/* Adds one parameter; returns its index. param NULL: counts only. */
static int add(ur_model *m, int *n, int layer, const char *group, const ur_param *decl)
{
	if (m->param) {
		ur_parameter *p = &m->param[*n];
		p->layer = layer;
		p->decl = *decl;
		p->count = (size_t)decl->rows * (size_t)(decl->cols ? decl->cols : 1);
		/* GPT-2's rule: matrices decay, gains and biases do not */
		p->decay = decl->cols > 0;
		snprintf(p->local, sizeof p->local, "%.40s.%.40s", group, decl->name);
		if (layer < 0)
			snprintf(p->name, sizeof p->name, "%s", p->local);
		else
			snprintf(p->name, sizeof p->name, "layers.%d.%.70s", layer, p->local);
	}
	return (*n)++;
}

static int add_all(ur_model *m, int *n, int layer, const char *group, const ur_param *decl, int count)
{
	int first = *n;
	for (int i = 0; i < count; i++)
		add(m, n, layer, group, &decl[i]);
	return first;
}

/* The parameters in order; twice: to count, then to list. */
static void list(ur_model *m)
{
	const ur_spec *s = &m->spec;
	const ur_form *form = s->form;
	const int D = s->width;
	ur_param mixer[UR_MIXER_PARAMS], norm[UR_BLOCK_PARAMS], ffn[UR_BLOCK_PARAMS];
	int mixers = s->mixer->params(&m->dims, mixer), n = 0;
	int norms = form->norm ? ur_norm_params(form->norm, D, norm) : 0;
	int ffns = form->ffn ? ur_ffn_params(form->ffn, D, s->ffn, ffn) : 0;
	float linear = 1 / sqrtf((float)D);

	m->embedding = add(m, &n, -1, "embedding",
		&(ur_param){ .name = "weight", .rows = m->V, .cols = D, .init = form->embedding_init, .a = form->embedding_a });
	m->positions = m->norm = m->head_bias = -1;
	if (s->positions)
		m->positions = add(m, &n, -1, "position",
			&(ur_param){ .name = "weight", .rows = s->context, .cols = D, .init = UR_INIT_NORMAL, .a = 0.02f });
	for (int i = 0; i < s->layers; i++) {
		ur_layer layer = { 0 };
		layer.norm1 = add_all(m, &n, i, "norm1", norm, norms);
		layer.mixer = add_all(m, &n, i, "mixer", mixer, mixers);
		layer.norm2 = add_all(m, &n, i, "norm2", norm, norms);
		layer.ffn = add_all(m, &n, i, "ffn", ffn, ffns);
		if (m->layer)
			m->layer[i] = layer;
	}
	if (form->norm)
		m->norm = add_all(m, &n, -1, "norm", norm, norms);
	m->head = m->embedding;
	if (!s->tied)
		m->head = add(m, &n, -1, "head", &(ur_param){ .name = "weight", .rows = m->V, .cols = D,
			.init = form->norm ? UR_INIT_NORMAL : UR_INIT_UNIFORM, .a = form->norm ? 0.02f : linear });
	if (form->head_bias)
		m->head_bias = add(m, &n, -1, "head",
			&(ur_param){ .name = "bias", .rows = m->V, .init = UR_INIT_UNIFORM, .a = linear });
	m->params = n;
}

/* Which matrices are multiplied with, and so packed: all but look-up tables. */
static int is_multiplied(const ur_model *m, int i)
{
	return m->param[i].decl.cols > 0 && (m->param[i].layer >= 0 || i == m->head);
}

static void place(ur_model *m)
{
	m->floats = 0;
	m->scalars = 0;
	for (int i = 0; i < m->params; i++) {
		m->param[i].at = m->floats;
		m->floats += (m->param[i].count + LINE - 1) / LINE * LINE;
		m->scalars += (int64_t)m->param[i].count;
	}
}

/* Panels of every packed matrix; with the arena measuring, only their room. */
static void place_panels(ur_model *m, ur_arena *arena, int training)
{
	for (int i = 0; i < m->params; i++) {
		const ur_param *p = &m->param[i].decl;
		ur_mat w = { .rows = p->rows, .cols = p->cols ? p->cols : 1, .blocks = p->blocks > 1 ? p->blocks : 1,
		             .data = m->weights ? m->weights + m->param[i].at : NULL };
		if (is_multiplied(m, i)) {
			w.panels = UR_TAKE(arena, float, ur_panels_size(m->k, w.rows, w.cols, w.blocks));
			if (training)
				w.panels_t = UR_TAKE(arena, float, ur_panels_size(m->k, w.cols, w.rows, 1));
		}
		if (m->mat)
			m->mat[i] = w;
	}
}

ur_status ur_model_shape(const ur_spec *spec, int V, const ur_vocab *vocab, const ur_kernels *k, int training,
                         ur_model **model, size_t *bytes, ur_err *err)
{
	ur_model *m;
	ur_arena size = { 0 };

	*model = NULL;
	if (V < 1)
		return ur_fail(err, UR_E_INVALID, "a model needs a vocabulary of at least one token");
	if (!(m = calloc(1, sizeof *m)))
		return ur_fail(err, UR_E_NOMEM, "no memory for a model");
	m->spec = *spec;
	m->V = V;
	m->k = k;
	m->dims = ur_spec_dims(spec);
	list(m); /* counts */
	m->param = calloc((size_t)m->params, sizeof *m->param);
	m->layer = calloc((size_t)spec->layers, sizeof *m->layer);
	m->mat = calloc((size_t)m->params, sizeof *m->mat);
	if (!m->param || !m->layer || !m->mat) {
		ur_model_free(m);
		return ur_fail(err, UR_E_NOMEM, "no memory for a model");
	}
	list(m);
	place(m);
	(void)UR_TAKE(&size, float, m->floats);
	place_panels(m, &size, training);
	if (bytes)
		*bytes = size.used;
	m->vocab = vocab ? ur_vocab_hold(vocab) : NULL;
	*model = m;
	return UR_OK;
}

ur_status ur_model_create(const ur_spec *spec, int V, const ur_vocab *vocab, const ur_kernels *k, int training,
                          ur_model **model, ur_err *err)
{
	size_t bytes;
	ur_status status = ur_model_shape(spec, V, vocab, k, training, model, &bytes, err);
	ur_model *m = *model;

	if (status)
		return status;
	m->memory.used = bytes;
	if (!ur_arena_open(&m->memory)) {
		ur_model_free(m);
		*model = NULL;
		return ur_fail(err, UR_E_NOMEM, "%s with %d tokens needs %zu MiB for its weights, more than there is",
		               spec->text, V, bytes >> 20);
	}
	m->weights = UR_TAKE(&m->memory, float, m->floats);
	place_panels(m, &m->memory, training);
	return UR_OK;
}

void ur_model_free(ur_model *m)
{
	if (!m)
		return;
	ur_vocab_free(m->vocab);
	ur_arena_close(&m->memory);
	free(m->param);
	free(m->layer);
	free(m->mat);
	free(m);
}

static float draw(const ur_parameter *p, uint64_t seed, uint64_t which, size_t i, float a)
{
	switch (p->decl.init) {
	case UR_INIT_ONE: return 1;
	case UR_INIT_UNIFORM: return (float)((2 * ur_rng_unit(seed, ur_rng_for(UR_RNG_INIT, which), i) - 1) * a);
	case UR_INIT_NORMAL: return (float)(ur_rng_normal(seed, ur_rng_for(UR_RNG_INIT, which), i) * a);
	case UR_INIT_FILL: {
		int row = (int)(i / (size_t)(p->decl.cols ? p->decl.cols : 1));
		return row >= p->decl.fill_from && row < p->decl.fill_to ? a : 0;
	}
	case UR_INIT_ZERO: break;
	}
	return 0;
}

void ur_model_init(ur_model *m, uint64_t seed)
{
	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];
		/* GPT-2: what adds to the residual stream starts smaller the more layers add to it */
		float a = p->decl.residual && m->spec.form->norm ? p->decl.a / sqrtf(2 * (float)m->spec.layers) : p->decl.a;
		for (size_t j = 0; j < p->count; j++)
			m->weights[p->at + j] = draw(p, seed, (uint64_t)i, j, a);
	}
}

void ur_model_pack(ur_model *m, const ur_ctx *c) { ur_pack_weights(c, m->params, m->mat); }

enum { STATE_HEAD = 64 };

static size_t layer_state(const ur_model *m) { return (m->spec.mixer->state_size(&m->dims) + 63) / 64 * 64; }

size_t ur_model_state_size(const ur_model *m) { return STATE_HEAD + layer_state(m) * (size_t)m->spec.layers; }

void *ur_model_state_of(const ur_model *m, void *state, int layer)
{
	return (char *)state + STATE_HEAD + layer_state(m) * (size_t)layer;
}

size_t ur_model_state_used(const ur_model *m, const void *state)
{
	size_t used = sizeof(int64_t);
	for (int i = 0; i < m->spec.layers; i++)
		used += m->spec.mixer->state_used(&m->dims, (const char *)state + STATE_HEAD + layer_state(m) * (size_t)i);
	return used;
}

void ur_model_state_clear(const ur_model *m, void *state)
{
	for (int i = 0; i < m->spec.layers; i++) {
		void *layer = ur_model_state_of(m, state, i);
		memset(layer, 0, m->spec.mixer->state_used(&m->dims, layer));
	}
	*ur_model_position(state) = 0;
}

void ur_model_state_copy(const ur_model *m, void *to, const void *from)
{
	for (int i = 0; i < m->spec.layers; i++) {
		const char *source = (const char *)from + STATE_HEAD + layer_state(m) * (size_t)i;
		char *layer = ur_model_state_of(m, to, i);
		size_t used = m->spec.mixer->state_used(&m->dims, source), had = m->spec.mixer->state_used(&m->dims, layer);

		memcpy(layer, source, used);
		if (had > used)
			memset(layer + used, 0, had - used);
	}
	memcpy(to, from, sizeof(int64_t)); /* the position */
}

int64_t ur_model_limit(const ur_model *m)
{
	int64_t limit = m->spec.mixer->limit ? m->spec.mixer->limit(&m->dims) : 0;
	if (m->positions >= 0 && (limit == 0 || limit > m->spec.context))
		limit = m->spec.context;
	return limit;
}

double ur_model_flops(const ur_model *m, int T, int B)
{
	ur_span span = { .T = T, .B = B };
	double rows = (double)T * B, D = m->spec.width;
	double layer = ur_mixer_forward_of(m->spec.mixer)->cost(&m->dims, &span).flops;

	if (m->spec.form->ffn)
		layer += 2 * rows * D * m->spec.ffn * (m->spec.form->ffn->gates + 1);
	return layer * m->spec.layers + 2 * rows * D * m->V;
}
