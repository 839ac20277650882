/* Forward pass of a whole model over (T, B) tokens. */
#include "model/net.h"

#include <string.h>

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

/* Reading the table by index pays when the same rows come up again and again, and nothing else touches the input. */
int ur_net_reads_by_index(const ur_net *net)
{
	const ur_model *m = net->m;
	const ur_layer *first = &net->stack->layer[0];

	return !net->inputs && !m->ports && !m->spec.form->norm && m->spec.positions == UR_NOWHERE && first->reverse < 0 &&
	       !(first->kind->flags & UR_READS_MEMORY) && net->stack->in == m->spec.width &&
	       !(m->spec.pair && m->spec.dropout > 0) && 2 * (size_t)net->stack->V <= (size_t)net->T * (size_t)net->B;
}

int ur_net_drops(const ur_net *net, int layer)
{
	return net->m->spec.dropout > 0 && !(net->stack->encoder && layer == net->stack->layers - 1);
}

/* What layers of an evaluation share, because none looks back. */
struct shared { float *a, *n, *stats, *x1, *nc, *ac, *x2, *sum, *turned, *way[2], *swap[2]; };

static void plan_shared(const ur_net *net, struct shared *s, ur_arena *arena)
{
	const ur_spec *spec = &net->m->spec;
	const ur_stack *stack = net->stack;
	const size_t rows = (size_t)net->T * (size_t)net->B, width = rows * (size_t)spec->width;
	const size_t wide = rows * (size_t)(stack->in > stack->out ? stack->in : stack->out);
	const int cross = stack->layer[0].cross >= 0, both = stack->layer[0].reverse >= 0, post = spec->norm_last;

	*s = (struct shared){ .a = UR_TAKE(arena, float, width) };
	s->n = spec->form->norm ? UR_TAKE(arena, float, width) : NULL;
	s->stats = UR_TAKE(arena, float, 2 * rows);
	s->x1 = post ? UR_TAKE(arena, float, width) : s->n;
	s->nc = cross ? UR_TAKE(arena, float, width) : NULL;
	s->ac = cross ? UR_TAKE(arena, float, width) : NULL;
	s->x2 = !cross ? s->x1 : post ? UR_TAKE(arena, float, width) : s->nc;
	s->sum = post ? UR_TAKE(arena, float, width) : NULL;
	if (both) {
		s->turned = UR_TAKE(arena, float, wide);
		s->way[0] = UR_TAKE(arena, float, width);
		s->way[1] = UR_TAKE(arena, float, width);
	}
	s->swap[0] = UR_TAKE(arena, float, wide);
	s->swap[1] = UR_TAKE(arena, float, wide);
}

static ur_layer_run shared_layer(const ur_net *net, const struct shared *s, int i)
{
	const int residual = net->m->spec.form->norm != NULL;
	return (ur_layer_run){
		.x = i == 0 && net->by_index ? NULL : s->swap[i % 2], .a = residual ? s->a : s->swap[(i + 1) % 2],
		.n = s->n, .stats1 = s->stats, .x1 = s->x1, .nc = s->nc, .statsc = s->stats, .ac = s->ac, .x2 = s->x2,
		.sum = s->sum, .stats2 = s->stats, .turned = s->turned, .way = { s->way[0], s->way[1] },
	};
}

/* What a layer keeps for the way back. */
static ur_layer_run own_layer(const ur_net *net, int i, size_t saved, size_t saved_cross, ur_arena *arena)
{
	const ur_spec *spec = &net->m->spec;
	const ur_stack *stack = net->stack;
	const ur_layer *l = &stack->layer[i];
	const size_t rows = (size_t)net->T * (size_t)net->B, width = rows * (size_t)spec->width;
	const size_t in = rows * (size_t)l->dims.in;
	const int residual = spec->form->norm != NULL, indexed = i == 0 && net->by_index;
	/* a plain layer without dropout reads the output below as it is */
	const int own_x = residual || i == 0 || spec->dropout > 0;
	ur_layer_run r = { 0 };

	r.x = indexed || !own_x ? NULL : UR_TAKE(arena, float, in);
	r.a = UR_TAKE(arena, float, rows * (size_t)(residual ? spec->width : stack->out));
	r.saved = UR_TAKE(arena, float, saved);
	if (l->reverse >= 0) {
		r.turned = UR_TAKE(arena, float, in);
		r.way[0] = UR_TAKE(arena, float, width);
		r.way[1] = UR_TAKE(arena, float, width);
		r.saved_reverse = UR_TAKE(arena, float, saved);
	}
	if (residual) {
		r.n = UR_TAKE(arena, float, width);
		r.stats1 = UR_TAKE(arena, float, 2 * rows);
		r.x1 = UR_TAKE(arena, float, width);
		r.x2 = r.x1;
		r.stats2 = UR_TAKE(arena, float, 2 * rows);
		r.h = UR_TAKE(arena, float, rows * (size_t)(spec->ffn * spec->form->ffn->gates));
		r.sum = spec->norm_last ? UR_TAKE(arena, float, width) : NULL;
	}
	if (l->cross >= 0) {
		r.nc = UR_TAKE(arena, float, width);
		r.statsc = UR_TAKE(arena, float, 2 * rows);
		r.ac = UR_TAKE(arena, float, width);
		r.saved_cross = UR_TAKE(arena, float, saved_cross);
		r.x2 = UR_TAKE(arena, float, width);
	}
	return r;
}

/* The buffers of one stack. */
static void plan_stack(ur_net *net, int stateful, ur_arena *arena)
{
	const ur_model *m = net->m;
	const ur_spec *s = &m->spec;
	const ur_stack *stack = net->stack;
	const ur_ctx *c = net->c;
	const size_t rows = (size_t)net->T * (size_t)net->B, width = rows * (size_t)s->width;
	const int residual = s->form->norm != NULL, training = net->training;
	size_t work = stack->encoder || m->head < 0 ? 0 : ur_head_work(m->V, (int)rows);
	struct shared shared = { 0 };
	void *dummy = arena; /* a non-NULL state tells a mixer's need() that one will come */
	const int32_t index = 0;

	net->stateful = stateful;
	net->by_index = ur_net_reads_by_index(net);
	net->layer = UR_TAKE(arena, ur_layer_run, stack->layers);
	if (!m->spec.pair) /* theirs are the join's */
		net->states = UR_TAKE(arena, void *, (size_t)stack->layers * (size_t)net->B);
	net->embedded = s->summary && !stack->encoder ? UR_TAKE(arena, float, width) : NULL;
	if (!training)
		plan_shared(net, &shared, arena);
	for (int i = 0; i < stack->layers; i++) {
		const ur_layer *l = &stack->layer[i];
		const int indexed = i == 0 && net->by_index;
		const ur_span span = { .T = net->T, .B = net->B, .S = net->S, .state = stateful ? &dummy : NULL,
			.whole = stack->encoder && residual, .index = indexed ? &index : NULL, .rows = indexed ? stack->V : 0,
			.still = stateful == UR_STATES_STILL };
		const ur_need need = ur_mixer_forward_of(l->kind)->need(c, &l->dims, &span);
		ur_need cross = { 0 };
		ur_layer_run r;

		if (l->cross >= 0)
			cross = ur_cross_need(c, &(ur_cross_call){ .T = net->T, .B = net->B, .S = net->S, .D = s->width,
				.heads = s->heads });
		work = most(work, most(most(need.forward, cross.forward), training ? most(need.backward, cross.backward) : 0));
		r = training ? own_layer(net, i, need.saved, cross.saved, arena) : shared_layer(net, &shared, i);
		if (net->layer) {
			if (training && !residual && i > 0 && !r.x)
				r.x = net->layer[i - 1].a;
			net->layer[i] = r;
		}
	}
	if (residual) {
		work = most(work, ur_ffn_work(c, s->form->ffn, s->width, s->ffn, (int)rows, training) +
		                  ur_norm_work(s->width, c->threads));
		net->top = training ? UR_TAKE(arena, float, width) : shared.swap[stack->layers % 2];
		net->last = net->top;
		if (stack->norm >= 0) {
			net->stats = training ? UR_TAKE(arena, float, 2 * rows) : shared.stats;
			net->last = training ? UR_TAKE(arena, float, width) : shared.a;
		}
	} else {
		net->last = training && ur_net_drops(net, stack->layers - 1) ? UR_TAKE(arena, float, width) : NULL;
		if (net->layer && !net->last)
			net->last = net->layer[stack->layers - 1].a;
		net->top = net->last;
	}
	net->work = UR_TAKE(arena, float, work);
	net->work_floats = work;
}

void ur_net_plan(ur_net *net, const ur_model *m, const ur_ctx *c, int T, int B, int training, int stateful,
                 ur_arena *arena)
{
	*net = (ur_net){ .m = m, .stack = &m->stack, .c = c, .T = T, .B = B, .training = training };
	plan_stack(net, stateful, arena);
}

void ur_net_plan_inputs(ur_net *net, const ur_model *m, const ur_ctx *c, int T, int B, ur_arena *arena)
{
	*net = (ur_net){ .m = m, .stack = &m->stack, .c = c, .T = T, .B = B, .training = 1, .inputs = 1 };
	plan_stack(net, 0, arena);
}

void ur_net_plan_pairs(ur_net *net, const ur_model *m, const ur_ctx *c, int S, int T, int B, int training,
                       ur_arena *arena)
{
	const int recurrent = !m->spec.form->norm;
	ur_net local, *encoder = UR_TAKE(arena, ur_net, 1), *to = encoder ? encoder : &local;

	*to = (ur_net){ .m = m, .stack = &m->encoder, .c = c, .T = S, .B = B, .training = training };
	plan_stack(to, recurrent, arena);
	*net = (ur_net){ .m = m, .stack = &m->stack, .c = c, .T = T, .B = B, .training = training, .encoder = encoder,
	                 .S = S };
	ur_join_plan(&net->join, m, B, training, arena);
	to->states = net->join.last_at;
	net->states = net->join.first_at;
	if (T > 0)
		plan_stack(net, recurrent, arena);
}

ur_dropout ur_net_dropout(const ur_net *net, const ur_pass *pass, int site)
{
	return (ur_dropout){ .p = pass->dropout ? (float)net->m->spec.dropout : 0, .seed = pass->seed, .step = pass->step,
		.site = site + (net->stack->encoder ? UR_SITE_ENCODER : 0),
		.first = (size_t)pass->first * (size_t)pass->B * (size_t)net->m->spec.width };
}

/* The states of a layer that this pass reads and leaves, or NULL. */
static void *const *states_of(const ur_net *net, const ur_pass *pass, int layer)
{
	const int carried = net->m->spec.pair ? net->states != NULL : pass->state != NULL;
	return carried ? (void *const *)net->states + (size_t)layer * (size_t)net->B : NULL;
}

ur_span ur_net_span(const ur_net *net, const ur_pass *pass, int layer)
{
	const ur_model *m = net->m;
	const ur_layer_run *l = &net->layer[layer];
	const int indexed = layer == 0 && net->by_index, residual = m->spec.form->norm != NULL;
	ur_span span = {
		.T = pass->T, .B = pass->B, .len = pass->len,
		.x = indexed ? m->mat[net->stack->embedding].data : residual && !m->spec.norm_last ? l->n : l->x, .y = l->a,
		.index = indexed ? pass->ids : NULL, .rows = indexed ? net->stack->V : 0,
		.state = states_of(net, pass, layer), .still = net->stateful == UR_STATES_STILL,
		.whole = net->stack->encoder && residual,
		.seed = pass->seed, .step = pass->step, .layer = layer,
	};

	if (net->stack->layer[layer].reverse >= 0)
		span.y = l->way[0];
	if (net->stack->layer[layer].kind->flags & UR_READS_MEMORY) {
		span.memory = net->encoder->last;
		span.S = pass->S;
		span.mlen = pass->source_len;
		span.weights = net->weights;
	}
	return span;
}

ur_span ur_net_span_reverse(const ur_net *net, const ur_pass *pass, int layer)
{
	ur_span span = ur_net_span(net, pass, layer);

	span.x = net->layer[layer].turned;
	span.y = net->layer[layer].way[1];
	if (span.state) /* the second half of what a pass in both directions is given */
		span.state += (size_t)net->stack->layers * (size_t)net->B;
	return span;
}

ur_ffn_call ur_net_ffn(const ur_net *net, const ur_pass *pass, int layer)
{
	const ur_model *m = net->m;
	const ur_spec *s = &m->spec;
	const ur_layer *of = &net->stack->layer[layer];
	const ur_layer_run *l = &net->layer[layer];
	float *next = layer + 1 < s->layers ? net->layer[layer + 1].x : net->top;

	return (ur_ffn_call){
		.norm = s->norm_last ? NULL : s->form->norm, .ffn = s->form->ffn, .D = s->width, .F = s->ffn,
		.rows = pass->T * pass->B, .norm_w = m->mat + of->norm2, .w = m->mat + of->ffn,
		.drop = ur_net_dropout(net, pass, ur_site(layer, 1)), .x = l->x2, .y = s->norm_last ? l->sum : next, .h = l->h,
		.stats = l->stats2, .work = net->work,
	};
}

ur_cross_call ur_net_cross(const ur_net *net, const ur_pass *pass, int layer)
{
	const ur_model *m = net->m;
	const ur_layer_run *l = &net->layer[layer];

	return (ur_cross_call){
		.T = pass->T, .B = pass->B, .S = pass->S, .D = m->spec.width, .heads = m->spec.heads, .len = pass->len,
		.mlen = pass->source_len, .w = m->mat + net->stack->layer[layer].cross, .x = m->spec.norm_last ? l->x1 : l->nc,
		.memory = net->encoder->last, .y = l->ac, .weights = layer == m->spec.layers - 1 ? net->weights : NULL,
		.saved = l->saved_cross, .work = net->work,
	};
}

ur_embed_call ur_net_embed(const ur_net *net, const ur_pass *pass)
{
	const ur_model *m = net->m;
	const float *positions = ur_stack_positions(m, net->stack);
	const int table = net->stack->embedding, input = net->stack->input;

	return (ur_embed_call){
		.T = pass->T, .B = pass->B, .D = m->spec.width, .ids = pass->ids,
		.table = table < 0 ? NULL : m->mat[table].data,
		.values = pass->values, .inputs = m->ports ? m->ports->in.n : 0, .w = input < 0 ? NULL : &m->mat[input],
		.bias = input < 0 ? NULL : m->mat[input + 1].data, .positions = positions,
		.first = positions ? (int)net->at : 0,
		.scale = net->stack->scale, .y = net->embedded ? net->embedded : net->layer[0].x,
	};
}

double ur_net_mixer_flops(const ur_net *net, const ur_pass *pass, int layer)
{
	const ur_layer *l = &net->stack->layer[layer];
	ur_span span = { .T = pass->T, .B = pass->B, .S = pass->S,
	                 .whole = net->stack->encoder && net->m->spec.form->norm };

	return ur_mixer_forward_of(l->kind)->cost(&l->dims, &span).flops * (l->reverse >= 0 ? 2 : 1);
}

double ur_net_block_flops(const ur_net *net, const ur_pass *pass)
{
	const ur_spec *s = &net->m->spec;
	double sum = s->form->ffn ? 2.0 * pass->T * pass->B * s->width * s->ffn * (s->form->ffn->gates + 1) : 0;

	if (net->stack->layer[0].cross >= 0)
		sum += ur_cross_flops(&(ur_cross_call){ .T = pass->T, .B = pass->B, .S = pass->S, .D = s->width });
	return sum;
}

struct rows { const ur_kernels *k; int D; const ur_dropout *drop; const float *x, *a; float *y; };

/* y = x + drop(a); x NULL: drop(a) alone */
static void sum_rows(void *arg, int from, int to, int thread)
{
	const struct rows *j = arg;
	size_t at = (size_t)from * (size_t)j->D, end = (size_t)to * (size_t)j->D;
	(void)thread;

	if (j->drop->p > 0)
		ur_drop(j->drop, at, end, j->a + at, j->y + at);
	else if (j->y != j->a)
		memcpy(j->y + at, j->a + at, (end - at) * sizeof *j->y);
	if (j->x)
		j->k->add((int)(end - at), j->x + at, j->y + at);
}

static void add_half(const ur_net *net, const ur_pass *pass, int site, const float *x, const float *a, float *y)
{
	const ur_dropout drop = ur_net_dropout(net, pass, site);
	ur_for_chunks(net->c, pass->T * pass->B, sum_rows, &(struct rows){ net->c->k, net->m->spec.width, &drop, x, a, y });
}

static void norm(const ur_net *net, const ur_pass *pass, int at, const float *x, float *y, float *stats)
{
	const ur_model *m = net->m;
	ur_norm_forward(net->c, m->spec.form->norm, m->spec.width, m->mat + at, pass->T * pass->B, x, y, stats);
}

struct turn { const ur_pass *pass; int D; const float *x; ptrdiff_t ldx; float *y; ptrdiff_t ldy; };

static void turn_rows(void *arg, int from, int to, int thread)
{
	const struct turn *j = arg;
	const size_t row = (size_t)j->D * sizeof(float);
	const int B = j->pass->B;
	(void)thread;

	for (int r = from; r < to; r++) {
		const int t = r / B, b = r % B, len = j->pass->len ? j->pass->len[b] : j->pass->T;
		float *y = j->y + r * j->ldy;

		if (t < len)
			memcpy(y, j->x + ((ptrdiff_t)(len - 1 - t) * B + b) * j->ldx, row);
		else
			memset(y, 0, row);
	}
}

void ur_net_turn(const ur_ctx *c, const ur_pass *pass, int D, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy)
{
	ur_for_chunks(c, pass->T * pass->B, turn_rows, &(struct turn){ pass, D, x, ldx, y, ldy });
}

/* One mixer over the sequence; both ways, over it and over it from the end, side by side: a = [forward, backward]. */
static void mix(ur_net *net, const ur_pass *pass, int i)
{
	const ur_model *m = net->m;
	const ur_layer *of = &net->stack->layer[i];
	const ur_layer_run *l = &net->layer[i];
	const ur_mixer_forward *mixer = ur_mixer_forward_of(of->kind);
	const int H = of->dims.out;
	double start = ur_profile_start(net->profile);
	ur_span span = ur_net_span(net, pass, i);

	mixer->forward(net->c, &of->dims, m->mat + of->mixer, &span, l->saved, net->work);
	if (of->reverse >= 0) {
		ur_net_turn(net->c, pass, of->dims.in, l->x, of->dims.in, l->turned, of->dims.in);
		span = ur_net_span_reverse(net, pass, i);
		mixer->forward(net->c, &of->dims, m->mat + of->reverse, &span, l->saved_reverse, net->work);
		ur_copy_rows(net->c, pass->T * pass->B, H, l->way[0], H, l->a, 2 * H);
		ur_net_turn(net->c, pass, H, l->way[1], H, l->a + H, 2 * H);
	}
	ur_profile_end(net->profile, UR_OP_MIX_FORWARD, start, ur_net_mixer_flops(net, pass, i), 0);
}

static void residual_layer(ur_net *net, const ur_pass *pass, int i)
{
	const int post = net->m->spec.norm_last;
	const ur_layer *of = &net->stack->layer[i];
	const ur_layer_run *l = &net->layer[i];
	double start = ur_profile_start(net->profile);
	ur_ffn_call ffn;

	if (!post)
		norm(net, pass, of->norm1, l->x, l->n, l->stats1);
	ur_profile_end(net->profile, UR_OP_BLOCK_FORWARD, start, 0, 0);
	mix(net, pass, i);
	start = ur_profile_start(net->profile);
	add_half(net, pass, ur_site(i, 0), l->x, l->a, post ? l->n : l->x1);
	if (post)
		norm(net, pass, of->norm1, l->n, l->x1, l->stats1);
	if (of->cross >= 0) {
		ur_cross_call cross = ur_net_cross(net, pass, i);
		if (!post)
			norm(net, pass, of->norm_cross, l->x1, l->nc, l->statsc);
		ur_cross_forward(net->c, &cross);
		add_half(net, pass, UR_SITE_CROSS + i, l->x1, l->ac, post ? l->nc : l->x2);
		if (post)
			norm(net, pass, of->norm_cross, l->nc, l->x2, l->statsc);
	}
	ffn = ur_net_ffn(net, pass, i);
	ur_ffn_forward(net->c, &ffn);
	if (post)
		norm(net, pass, of->norm2, l->sum, i + 1 < net->stack->layers ? net->layer[i + 1].x : net->top, l->stats2);
	ur_profile_end(net->profile, UR_OP_BLOCK_FORWARD, start, ur_net_block_flops(net, pass), 0);
}

static void plain_layer(ur_net *net, const ur_pass *pass, int i)
{
	const ur_layer_run *l = &net->layer[i];
	float *next = i + 1 < net->stack->layers ? net->layer[i + 1].x : net->last;
	double start;

	mix(net, pass, i);
	start = ur_profile_start(net->profile);
	if (next != l->a) {
		const ur_dropout drop = ur_net_dropout(net, pass, ur_site(i, 0));
		ur_for_chunks(net->c, pass->T * pass->B, sum_rows,
		              &(struct rows){ net->c->k, net->stack->out, &drop, NULL, l->a, next });
	}
	ur_profile_end(net->profile, UR_OP_BLOCK_FORWARD, start, 0, 0);
}

/* The first layer's input: embeddings, and for a decoder that is told so the encoder's summary beside each. */
static void embed(ur_net *net, const ur_pass *pass)
{
	const ur_model *m = net->m;
	const int D = m->spec.width, rows = pass->T * pass->B;
	const ur_embed_call call = ur_net_embed(net, pass);
	const ur_dropout drop = ur_net_dropout(net, pass, UR_SITE_EMBEDDING);
	double start = ur_profile_start(net->profile);

	if (m->ports && net->stack->input < 0) { /* a plain layer reads them as they are */
		ur_copy_rows(net->c, rows, net->stack->in, pass->values, net->stack->in, net->layer[0].x, net->stack->in);
	} else {
		ur_embed_forward(net->c, &call);
	}
	if (drop.p > 0 && (m->spec.form->norm || m->spec.pair))
		ur_for_chunks(net->c, rows, sum_rows, &(struct rows){ net->c->k, D, &drop, NULL, call.y, call.y });
	if (net->embedded) {
		float *x = net->layer[0].x;
		ur_copy_rows(net->c, rows, D, call.y, D, x, 2 * D);
		for (int r = 0; r < rows; r++)
			memcpy(x + (size_t)(2 * r + 1) * (size_t)D, ur_join_summary(&net->join, r % pass->B),
			       (size_t)D * sizeof *x);
	}
	ur_profile_end(net->profile, UR_OP_EMBED, start, 0, 2.0 * sizeof(float) * rows * D);
}

static void forward_stack(ur_net *net, const ur_pass *pass)
{
	const ur_model *m = net->m;

	if (!net->by_index)
		embed(net, pass);
	for (int i = 0; i < net->stack->layers; i++)
		if (m->spec.form->norm)
			residual_layer(net, pass, i);
		else
			plain_layer(net, pass, i);
	if (net->stack->norm >= 0)
		norm(net, pass, net->stack->norm, net->top, net->last, net->stats);
}

ur_pass ur_net_source_pass(const ur_pass *pass)
{
	return (ur_pass){ .T = pass->S, .B = pass->B, .ids = pass->source, .len = pass->source_len,
		.seed = pass->seed, .step = pass->step, .dropout = pass->dropout };
}

void ur_net_encode(ur_net *net, const ur_pass *pass)
{
	const ur_pass source = ur_net_source_pass(pass);

	net->join.rows = pass->B;
	ur_join_begin(&net->join);
	forward_stack(net->encoder, &source);
	ur_join_forward(&net->join, net->c);
}

void ur_net_forward(ur_net *net, const ur_pass *pass)
{
	const ur_model *m = net->m;

	if (net->encoder) {
		net->encoder->profile = net->profile;
		ur_net_encode(net, pass);
		forward_stack(net, pass);
		return;
	}
	for (int b = 0; pass->state && b < pass->B; b++)
		for (int i = 0; i < m->spec.layers; i++)
			net->states[(size_t)i * (size_t)net->B + (size_t)b] = ur_model_state_of(m, pass->state[b], i);
	net->at = pass->state && pass->B > 0 ? *ur_model_position(pass->state[0]) : 0;
	forward_stack(net, pass);
	for (int b = 0; pass->state && b < pass->B; b++)
		*ur_model_position(pass->state[b]) += pass->len ? pass->len[b] : pass->T;
}

void ur_net_losses(ur_net *net, int rows, const int32_t *targets, double *losses)
{
	const ur_model *m = net->m;
	ur_head_loss(net->c, &(ur_head_call){ .D = m->spec.width, .V = m->V, .rows = rows, .w = &m->mat[m->head],
		.bias = m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL, .x = net->last, .targets = targets,
		.losses = losses, .work = net->work });
}
