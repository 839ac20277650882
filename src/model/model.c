/* Building a model from its spec: which parameters it has, where they lie, how they start. */
#include "model/model.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 16 }; /* floats in a cache line */

/* Adds one parameter; returns its index. `like`: the stack, layer and direction it is of. */
static int add(ur_model *m, int *n, const ur_parameter *like, const char *group, const ur_param *decl)
{
	if (m->param) {
		ur_parameter *p = &m->param[*n];
		*p = *like;
		p->decl = *decl;
		p->count = (size_t)decl->rows * (size_t)(decl->cols ? decl->cols : 1);
		/* GPT-2's rule: matrices decay, gains and biases do not */
		p->decay = decl->cols > 0;
		snprintf(p->local, sizeof p->local, "%.40s.%.40s", group, decl->name);
		if (like->layer < 0)
			snprintf(p->name, sizeof p->name, "%s%.70s", like->encoder ? "encoder." : "", p->local);
		else
			snprintf(p->name, sizeof p->name, "%slayers.%d.%.50s%s", like->encoder ? "encoder." : "", like->layer,
			         p->local, like->reverse ? "_reverse" : "");
	}
	return (*n)++;
}

/* -1: there are none. */
static int add_all(ur_model *m, int *n, const ur_parameter *like, const char *group, const ur_param *decl, int count)
{
	int first = count ? *n : -1;
	for (int i = 0; i < count; i++)
		add(m, n, like, group, &decl[i]);
	return first;
}

static int is_top(const ur_stack *s, int i) { return i == s->layers - 1; }

/* What layer i's mixer is, and between which widths. */
static void choose_mixer(const ur_model *m, const ur_stack *s, int i, ur_layer *l)
{
	const ur_spec *spec = &m->spec;

	l->kind = spec->mixer;
	l->dims = ur_spec_dims(spec);
	l->dims.in = i == 0 ? s->in : s->out;
	if (!s->encoder && spec->attend && is_top(s, i)) {
		l->kind = spec->attend;
		memcpy(l->dims.option, spec->attend_option, sizeof l->dims.option);
		l->dims.memory = m->encoder.out;
	}
}

/* A layer's vectors, each from both directions' last: h = tanh(W [h; h']), c = W [c; c']. */
static int add_bridge(ur_model *m, int *n, const ur_parameter *like, const ur_layer *l)
{
	static const char *const weight[] = { "h_weight", "c_weight" }, *const bias[] = { "h_bias", "c_bias" };
	const int H = l->dims.out, first = *n;
	const float a = 1 / sqrtf(2 * (float)H);

	for (int v = 0; v < ur_layer_vectors(l); v++) {
		add(m, n, like, "bridge", &(ur_param){ .name = weight[v > 0], .rows = H, .cols = 2 * H,
			.init = UR_INIT_UNIFORM, .a = a });
		add(m, n, like, "bridge", &(ur_param){ .name = bias[v > 0], .rows = H, .init = UR_INIT_ZERO });
	}
	return first;
}

/* A linear layer, begun as PyTorch does: residual layers add to what they read, so that has to be as wide as they. */
static int add_input(ur_model *m, int *n, const ur_parameter *like)
{
	const int in = m->ports->in.n, first = *n;
	const float a = 1 / sqrtf((float)in);

	add(m, n, like, "input", &(ur_param){ .name = "weight", .rows = m->spec.width, .cols = in,
		.init = UR_INIT_UNIFORM, .a = a });
	add(m, n, like, "input", &(ur_param){ .name = "bias", .rows = m->spec.width, .init = UR_INIT_UNIFORM, .a = a });
	return first;
}

/* The parameters of a stack in order. */
static void list_stack(ur_model *m, ur_stack *s, int *n)
{
	const ur_spec *spec = &m->spec;
	const ur_form *form = spec->form;
	const int D = spec->width, both = s->encoder && spec->both_ways;
	ur_param mixer[UR_MIXER_PARAMS], norm[UR_BLOCK_PARAMS], ffn[UR_BLOCK_PARAMS], cross[UR_BLOCK_PARAMS];
	const int norms = form->norm ? ur_norm_params(form->norm, D, norm) : 0;
	const int ffns = form->ffn ? ur_ffn_params(form->ffn, D, spec->ffn, ffn) : 0;
	const int crosses = form->norm && spec->pair && !s->encoder ? ur_cross_params(D, cross) : 0;
	ur_parameter like = { .layer = -1, .encoder = s->encoder };
	size_t remembered = 0;

	s->embedding = s->input = s->positions = s->norm = -1;
	if (!m->ports)
		s->embedding = add(m, n, &like, "embedding", &(ur_param){ .name = "weight", .rows = s->V, .cols = D,
			.init = form->embedding_init, .a = form->embedding_a });
	else if (form->norm)
		s->input = add_input(m, n, &like);
	if (spec->positions == UR_LEARNED)
		s->positions = add(m, n, &like, "position",
			&(ur_param){ .name = "weight", .rows = spec->context, .cols = D, .init = UR_INIT_NORMAL, .a = 0.02f });
	s->state = 0;
	for (int i = 0; i < s->layers; i++) {
		ur_layer l = { .reverse = -1, .bridge = -1, .state = s->state, .remembered = remembered };
		int mixers;

		choose_mixer(m, s, i, &l);
		mixers = l.kind->params(&l.dims, mixer);
		like.layer = i;
		l.norm1 = add_all(m, n, &like, "norm1", norm, norms);
		l.mixer = add_all(m, n, &like, "mixer", mixer, mixers);
		if (both) {
			l.bridge = add_bridge(m, n, &like, &l);
			like.reverse = 1;
			l.reverse = add_all(m, n, &like, "mixer", mixer, mixers);
			like.reverse = 0;
		}
		l.norm_cross = add_all(m, n, &like, "norm_cross", norm, crosses ? norms : 0);
		l.cross = add_all(m, n, &like, "cross", cross, crosses);
		l.norm2 = add_all(m, n, &like, "norm2", norm, norms);
		l.ffn = add_all(m, n, &like, "ffn", ffn, ffns);
		s->state += ur_layer_state(&l) * (size_t)(1 + both);
		remembered += l.kind->memory_size ? l.kind->memory_size(&l.dims, 1) : 0;
		remembered += crosses ? ur_cross_memory_size(D, 1) : 0;
		if (s->layer)
			s->layer[i] = l;
	}
	s->remembered = remembered;
	like.layer = -1;
	if (form->norm && !spec->norm_last)
		s->norm = add_all(m, n, &like, "norm", norm, norms);
}

/* All parameters in order; twice: to count, then to list. */
static void list(ur_model *m)
{
	const ur_spec *s = &m->spec;
	const ur_form *form = s->form;
	const float linear = 1 / sqrtf((float)s->width);
	const ur_parameter like = { .layer = -1 };
	int n = 0;

	if (s->pair)
		list_stack(m, &m->encoder, &n);
	list_stack(m, &m->stack, &n);
	m->head_bias = -1;
	m->head = m->stack.embedding;
	if (m->V > 0 && (!s->tied || m->ports))
		m->head = add(m, &n, &like, "head", &(ur_param){ .name = "weight", .rows = m->V, .cols = s->width,
			.init = form->norm ? UR_INIT_NORMAL : UR_INIT_UNIFORM, .a = form->norm ? 0.02f : linear });
	if (m->V > 0 && form->head_bias)
		m->head_bias = add(m, &n, &like, "head",
			&(ur_param){ .name = "bias", .rows = m->V, .init = UR_INIT_UNIFORM, .a = linear });
	m->params = n;
}

/* Rows of it are looked up. */
static int is_table(const ur_model *m, int i)
{
	return i == m->stack.embedding || i == m->stack.positions ||
	       (m->encoder.layers && (i == m->encoder.embedding || i == m->encoder.positions));
}

/* Which matrices are multiplied with, and so packed: all but look-up tables. */
static int is_multiplied(const ur_model *m, int i)
{
	return m->param[i].decl.cols > 0 && (m->param[i].layer >= 0 || i == m->head || i == m->stack.input);
}

static void place(ur_model *m)
{
	m->floats = 0;
	m->scalars = 0;
	for (int i = 0; i < m->params; i++) {
		ur_parameter *p = &m->param[i];

		p->multiplied = is_multiplied(m, i);
		p->packed = m->dtype != UR_F32 && p->multiplied && !is_table(m, i);
		p->at = m->floats;
		m->floats += p->packed ? 0 : (p->count + LINE - 1) / LINE * LINE;
		m->scalars += (int64_t)p->count;
	}
}

/* Panels of every packed matrix; with the arena measuring, only their room. */
static void place_panels(ur_model *m, ur_arena *arena, int training)
{
	for (int i = 0; i < m->params; i++) {
		const ur_param *p = &m->param[i].decl;
		ur_mat w = { .rows = p->rows, .cols = p->cols ? p->cols : 1, .blocks = p->blocks > 1 ? p->blocks : 1,
		             .cut = p->cut, .dtype = m->param[i].multiplied ? m->dtype : UR_F32,
		             .data = m->weights && !m->param[i].packed ? m->weights + m->param[i].at : NULL };
		if (m->param[i].multiplied) {
			w.panels = UR_TAKE(arena, char, ur_mat_bytes(m->k, &w));
			if (m->dtype == UR_I8)
				w.scale = UR_TAKE(arena, float, w.rows);
			if (training)
				w.panels_t = UR_TAKE(arena, float, ur_panels_size(m->k, w.cols, w.rows, 1));
		}
		if (m->mat)
			m->mat[i] = w;
	}
}

/* What is computed, not learnt: values 2i and 2i + 1 of position p are sin and cos of p / 10000^(2i / D). */
static void place_waves(ur_model *m, ur_arena *arena)
{
	const int D = m->spec.width;
	float *waves;

	if (m->spec.positions != UR_SINUSOIDAL)
		return;
	waves = UR_TAKE(arena, float, (size_t)m->spec.context * (size_t)D);
	for (int p = 0; waves && p < m->spec.context; p++)
		for (int i = 0; i < D; i++) {
			const double angle = p / pow(10000, (double)(i - i % 2) / D);
			waves[(size_t)p * (size_t)D + (size_t)i] = (float)(i % 2 ? cos(angle) : sin(angle));
		}
	m->stack.waves = m->encoder.waves = waves;
}

static void place_all(ur_model *m, ur_arena *arena, int training)
{
	m->weights = UR_TAKE(arena, float, m->floats);
	place_panels(m, arena, training);
	place_waves(m, arena);
}

/* The stacks of a spec, their layers not listed yet. */
static void lay_out(ur_model *m, const ur_words *words)
{
	const ur_spec *s = &m->spec;
	const int out = s->width * (1 + s->both_ways);
	const int in = m->ports && !s->form->norm ? m->ports->in.n : s->width * (1 + s->summary);

	m->stack = (ur_stack){ .layers = s->layers, .V = m->V, .in = in, .out = s->width,
		.scale = s->positions == UR_SINUSOIDAL ? sqrtf((float)s->width) : 1 };
	if (s->pair)
		m->encoder = (ur_stack){ .encoder = 1, .layers = s->layers, .V = words->source_V, .in = s->width, .out = out,
			.scale = m->stack.scale };
}

/* Whether a model of this spec can read and say that. */
static ur_status check_words(const ur_spec *spec, const ur_words *words, ur_err *err)
{
	const ur_ports *p = words->ports;
	const int outputs = !p ? 0 : p->says == UNROLL_HIDDEN ? spec->width : words->V;
	ur_dims dims = ur_spec_dims(spec);
	const char *why;
	ur_status status;

	if (!p)
		return words->V >= 1 && (!spec->pair || words->source_V >= 1) ? UR_OK
			: ur_fail(err, UR_E_INVALID, "a model needs a vocabulary of at least one token");
	if (spec->pair)
		return ur_fail(err, UR_E_INVALID, "%s is a model of pairs, which reads tokens, not values", spec->text);
	if (words->vocab || words->source)
		return ur_fail(err, UR_E_INVALID, "a model of values has no vocabulary");
	if (p->out.n != outputs || (p->says == UNROLL_HIDDEN) != (words->V == 0))
		return ur_fail(err, UR_E_INVALID, "%s gives %d outputs, not the %d that its names and units are of", spec->text,
		               outputs, p->out.n);
	if ((status = ur_ports_check(p, err)))
		return status;
	if (!spec->form->norm && spec->positions != UR_NOWHERE)
		return ur_fail(err, UR_E_INVALID, "%s has positions, which a plain layer of values has no place for: leave "
		               "them out, or put it into a block, as with block=llama", spec->text);
	dims.in = p->in.n;
	if (!spec->form->norm && spec->mixer->check && (why = spec->mixer->check(&dims)))
		return ur_fail(err, UR_E_INVALID, "%s cannot read %d values: %s. Put it into a block, as with block=llama",
		               spec->text, p->in.n, why);
	return UR_OK;
}

static ur_status shape(const ur_spec *spec, const ur_words *words, const ur_kernels *k, int training, ur_dtype dtype,
                       ur_model **model, size_t *bytes, ur_err *err)
{
	ur_model *m;
	ur_arena size = { 0 };
	ur_status status;

	*model = NULL;
	if ((status = check_words(spec, words, err)))
		return status;
	if (!(m = calloc(1, sizeof *m)))
		return ur_fail(err, UR_E_NOMEM, "no memory for a model");
	if (words->ports && !(m->ports = ur_ports_copy(words->ports))) {
		free(m);
		return ur_fail(err, UR_E_NOMEM, "no memory for a model");
	}
	m->spec = *spec;
	m->V = words->V;
	m->k = k;
	m->dtype = dtype;
	lay_out(m, words);
	list(m); /* counts */
	m->param = calloc((size_t)m->params, sizeof *m->param);
	m->stack.layer = calloc((size_t)spec->layers, sizeof *m->stack.layer);
	m->encoder.layer = calloc((size_t)spec->layers, sizeof *m->encoder.layer);
	m->mat = calloc((size_t)m->params, sizeof *m->mat);
	if (!m->param || !m->stack.layer || !m->encoder.layer || !m->mat) {
		ur_model_free(m);
		return ur_fail(err, UR_E_NOMEM, "no memory for a model");
	}
	list(m);
	place(m);
	place_all(m, &size, training);
	if (bytes)
		*bytes = size.used;
	m->vocab = words->vocab ? ur_vocab_hold(words->vocab) : NULL;
	m->source = spec->pair && words->source ? ur_vocab_hold(words->source) : NULL;
	*model = m;
	return UR_OK;
}

ur_status ur_model_shape(const ur_spec *spec, const ur_words *words, const ur_kernels *k, int training,
                         ur_model **model, size_t *bytes, ur_err *err)
{
	return shape(spec, words, k, training, UR_F32, model, bytes, err);
}

ur_status ur_model_shape_as(const ur_spec *spec, const ur_words *words, const ur_kernels *k, ur_dtype dtype,
                            ur_model **model, size_t *bytes, ur_err *err)
{
	return shape(spec, words, k, 0, dtype, model, bytes, err);
}

static ur_status create(const ur_spec *spec, const ur_words *words, const ur_kernels *k, int training, ur_dtype dtype,
                        ur_model **model, ur_err *err)
{
	size_t bytes;
	ur_status status = shape(spec, words, k, training, dtype, model, &bytes, err);
	ur_model *m = *model;

	if (status)
		return status;
	m->memory.used = bytes;
	if (!ur_arena_open(&m->memory)) {
		ur_model_free(m);
		*model = NULL;
		return ur_fail(err, UR_E_NOMEM, "%s with %d tokens needs %zu MiB for its weights, more than there is",
		               spec->text, words->V, bytes >> 20);
	}
	place_all(m, &m->memory, training);
	return UR_OK;
}

ur_status ur_model_create(const ur_spec *spec, const ur_words *words, const ur_kernels *k, int training,
                          ur_model **model, ur_err *err)
{
	return create(spec, words, k, training, UR_F32, model, err);
}

ur_status ur_model_create_as(const ur_spec *spec, const ur_words *words, const ur_kernels *k, ur_dtype dtype,
                             ur_model **model, ur_err *err)
{
	return create(spec, words, k, 0, dtype, model, err);
}

ur_status ur_model_keep(ur_model *m, const ur_model *from, ur_err *err)
{
	if (from->dtype != UR_F32 || from->params != m->params || from->scalars != m->scalars)
		return ur_fail(err, UR_E_INVALID, "weights are taken from a model of float32 of the same shape");
	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];
		const ur_mat *w = &m->mat[i];
		const float *values = from->weights + from->param[i].at;

		if (!p->packed)
			memcpy(m->weights + p->at, values, p->count * sizeof *values);
		if (w->scale)
			ur_i8_scales(w->rows, w->cols, values, (float *)(uintptr_t)w->scale);
		if (w->panels)
			ur_pack_as(m->k, w, values);
	}
	return UR_OK;
}

void ur_model_free(ur_model *m)
{
	if (!m)
		return;
	ur_vocab_free(m->vocab);
	ur_vocab_free(m->source);
	ur_ports_free(m->ports);
	ur_arena_close(&m->memory);
	free(m->param);
	free(m->stack.layer);
	free(m->encoder.layer);
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
		for (size_t j = 0; j < p->count && !p->packed; j++)
			m->weights[p->at + j] = draw(p, seed, (uint64_t)i, j, a);
	}
}

void ur_model_pack(ur_model *m, const ur_ctx *c) { ur_pack_weights(c, m->params, m->mat); }

enum { STATE_HEAD = 64 };

size_t ur_layer_state(const ur_layer *l) { return (l->kind->state_size(&l->dims) + 63) / 64 * 64; }

int ur_layer_vectors(const ur_layer *l)
{
	return (int)(l->kind->state_size(&l->dims) / ((size_t)l->dims.out * sizeof(float)));
}

size_t ur_model_state_size(const ur_model *m) { return STATE_HEAD + m->stack.state; }

void *ur_model_state_of(const ur_model *m, void *state, int layer)
{
	return (char *)state + STATE_HEAD + m->stack.layer[layer].state;
}

static size_t used_of(const ur_model *m, int layer, const void *state)
{
	const ur_layer *l = &m->stack.layer[layer];
	return l->kind->state_used(&l->dims, (const char *)state + STATE_HEAD + l->state);
}

size_t ur_model_state_used(const ur_model *m, const void *state)
{
	size_t used = sizeof(int64_t);
	for (int i = 0; i < m->spec.layers; i++)
		used += used_of(m, i, state);
	return used;
}

void ur_model_state_clear(const ur_model *m, void *state)
{
	for (int i = 0; i < m->spec.layers; i++)
		memset(ur_model_state_of(m, state, i), 0, used_of(m, i, state));
	*ur_model_position(state) = 0;
}

void ur_model_state_copy(const ur_model *m, void *to, const void *from)
{
	for (int i = 0; i < m->spec.layers; i++) {
		const char *source = (const char *)from + STATE_HEAD + m->stack.layer[i].state;
		char *layer = ur_model_state_of(m, to, i);
		size_t used = used_of(m, i, from), had = used_of(m, i, to);

		memcpy(layer, source, used);
		if (had > used)
			memset(layer + used, 0, had - used);
	}
	memcpy(to, from, sizeof(int64_t)); /* the position */
}

int64_t ur_model_limit(const ur_model *m)
{
	const ur_layer *l = &m->stack.layer[0];
	int64_t limit = l->kind->limit ? l->kind->limit(&l->dims) : 0;
	if (m->spec.positions != UR_NOWHERE && (limit == 0 || limit > m->spec.context))
		limit = m->spec.context;
	return limit;
}

const float *ur_stack_positions(const ur_model *m, const ur_stack *s)
{
	return s->positions >= 0 ? m->mat[s->positions].data : s->waves;
}

static double stack_flops(const ur_model *m, const ur_stack *s, int T, int S, int B)
{
	const double rows = (double)T * B, D = m->spec.width;
	double sum = 0;

	for (int i = 0; i < s->layers; i++) {
		const ur_layer *l = &s->layer[i];
		const ur_span span = { .T = T, .B = B, .S = S, .whole = s->encoder && m->spec.form->norm };

		sum += ur_mixer_forward_of(l->kind)->cost(&l->dims, &span).flops * (l->reverse >= 0 ? 2 : 1);
		if (m->spec.form->ffn)
			sum += 2 * rows * D * m->spec.ffn * (m->spec.form->ffn->gates + 1);
		if (l->cross >= 0)
			sum += ur_cross_flops(&(ur_cross_call){ .T = T, .B = B, .S = S, .D = m->spec.width });
	}
	return sum;
}

double ur_model_flops(const ur_model *m, int S, int T, int B)
{
	const double input = m->stack.input >= 0 ? m->ports->in.n : 0;

	return stack_flops(m, &m->encoder, S, 0, B) + stack_flops(m, &m->stack, T, S, B) +
	       2.0 * T * B * m->spec.width * (m->V + input);
}

void ur_model_head(const ur_model *m, int n, const float *x, float *out)
{
	const int D = m->spec.width;

	if (m->head < 0)
		m->k->copy(n, D, x, D, out, D);
	else
		ur_linear_serial(m->k, n, &m->mat[m->head], m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL, x, D, out,
		                 m->V, 0);
}
