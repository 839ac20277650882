/* The way back through a model. */
#include "train/backward.h"

#include <string.h>

static void plan_stack(ur_back_stack *s, const ur_net *net, ur_arena *arena)
{
	const ur_stack *stack = net->stack;
	const size_t rows = (size_t)net->T * (size_t)net->B;
	const size_t wide = (size_t)(stack->in > stack->out ? stack->in : stack->out);

	/* a plain layer only turns one into the next; below the last that reads by index there is none */
	s->turns = net->m->spec.form->norm ? 3 : stack->layers == 1 && ur_net_reads_by_index(net) ? 1 : 2;
	for (int i = 0; i < s->turns; i++)
		s->d[i] = UR_TAKE(arena, float, rows * wide);
	if (stack->layer[0].reverse >= 0) {
		s->way[0] = UR_TAKE(arena, float, rows * (size_t)net->m->spec.width);
		s->way[1] = UR_TAKE(arena, float, rows * (size_t)net->m->spec.width);
		s->way[2] = UR_TAKE(arena, float, rows * wide);
	}
	s->table = ur_net_reads_by_index(net) ? UR_TAKE(arena, float, (size_t)stack->V * (size_t)net->m->spec.width) : NULL;
}

void ur_backward_plan(ur_backward *b, ur_net *net, ur_arena *arena)
{
	const ur_model *m = net->m;
	const size_t B = (size_t)net->B;

	*b = (ur_backward){ .net = net };
	b->all = UR_TAKE(arena, float, m->floats);
	b->of = UR_TAKE(arena, float *, m->params);
	for (int i = 0; i < m->params && b->of; i++)
		b->of[i] = b->all + m->param[i].at;
	plan_stack(&b->stack, net, arena);
	if (m->spec.pair) {
		/* while it only measures there is no encoder to ask, but its sizes are known */
		ur_net encoder = { .m = m, .stack = &m->encoder, .c = net->c, .T = net->S, .B = net->B };
		plan_stack(&b->encoder, net->encoder ? net->encoder : &encoder, arena);
		b->dmemory = UR_TAKE(arena, float, (size_t)net->S * B * (size_t)m->encoder.out);
	}
	b->losses = UR_TAKE(arena, double, (size_t)net->T * B);
	if (net->stateful && !m->spec.pair)
		b->dstates = UR_TAKE(arena, void *, (size_t)m->spec.layers * B);
}

struct drop { const ur_dropout *drop; int D; const float *x; float *y; };

static void drop_rows(void *arg, int from, int to, int thread)
{
	const struct drop *j = arg;
	size_t at = (size_t)from * (size_t)j->D, end = (size_t)to * (size_t)j->D;
	(void)thread;
	ur_drop(j->drop, at, end, j->x + at, j->y + at);
}

/* The gradient behind a dropout of rows of D: y = mask(x), or x itself where there is none. */
static const float *undrop(const ur_net *net, const ur_pass *pass, int site, int D, const float *x, float *y)
{
	ur_dropout drop = ur_net_dropout(net, pass, site);
	if (drop.p <= 0)
		return x;
	ur_for_chunks(net->c, pass->T * pass->B, drop_rows, &(struct drop){ &drop, D, x, y });
	return y;
}

struct sum { const ur_kernels *k; int D; const float *x; ptrdiff_t ldx; float *y; ptrdiff_t ldy; };

static void add_rows(void *arg, int from, int to, int thread)
{
	const struct sum *j = arg;
	(void)thread;
	for (int r = from; r < to; r++)
		j->k->add(j->D, j->x + r * j->ldx, j->y + r * j->ldy);
}

/* y += x, rows of D */
static void add(const ur_net *net, const ur_pass *pass, int D, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy)
{
	ur_for_chunks(net->c, pass->T * pass->B, add_rows, &(struct sum){ net->c->k, D, x, ldx, y, ldy });
}

/* One way back, of a stack. */
typedef struct way {
	ur_backward *b;
	ur_net *net;
	ur_back_stack *s;
	const ur_pass *pass;
	void **dstate;                  /* the gradients of its layers' states, as net->states; NULL: none */
	float *dmemory;
} way;

static void norm_back(const way *q, int at, const float *x, const float *stats, const float *dy, float *dx, int to_add)
{
	const ur_model *m = q->net->m;
	ur_norm_backward(q->net->c, m->spec.form->norm, m->spec.width, m->mat + at, q->pass->T * q->pass->B, x, stats, dy,
	                 dx, to_add, q->b->of + at, q->net->work);
}

/* One direction of layer i. */
static void mixer_back(const way *q, int i, int reverse, const float *dy, float *dx)
{
	const ur_net *net = q->net;
	const ur_model *m = net->m;
	const ur_layer *of = &net->stack->layer[i];
	const ur_layer_run *l = &net->layer[i];
	const ur_span span = reverse ? ur_net_span_reverse(net, q->pass, i) : ur_net_span(net, q->pass, i);
	const int at = reverse ? of->reverse : of->mixer;
	const int wanted = i > 0 || !m->ports || net->stack->input >= 0; /* values have no use for a gradient */
	const size_t states = ((size_t)reverse * (size_t)net->stack->layers + (size_t)i) * (size_t)net->B;

	ur_mixer_backward_of(of->kind)->backward(net->c, &of->dims, m->mat + at, &span,
		reverse ? l->saved_reverse : l->saved, dy, span.index ? q->s->table : wanted ? dx : NULL, q->b->of + at,
		q->dstate ? q->dstate + states : NULL, q->dmemory, net->work);
}

/* dx from dy of layer i's mixer, which was run both ways or one. */
static void mix_back(const way *q, int i, const float *dy, float *dx)
{
	const ur_net *net = q->net;
	const ur_layer *of = &net->stack->layer[i];
	const int H = of->dims.out, in = of->dims.in;
	double start = ur_profile_start(net->profile);

	if (of->reverse < 0) {
		mixer_back(q, i, 0, dy, dx);
	} else {
		float *from = q->s->way[0], *end = q->s->way[1], *turned = q->s->way[2];

		ur_copy_rows(net->c, q->pass->T * q->pass->B, H, dy, 2 * H, from, H);
		ur_net_turn(net->c, q->pass, H, dy + H, 2 * H, end, H);
		mixer_back(q, i, 0, from, dx);
		mixer_back(q, i, 1, end, turned);
		ur_net_turn(net->c, q->pass, in, turned, in, net->layer[i].turned, in); /* x from the end is not read again */
		add(net, q->pass, in, net->layer[i].turned, in, dx, in);
	}
	ur_profile_end(net->profile, UR_OP_MIX_BACKWARD, start, 2 * ur_net_mixer_flops(net, q->pass, i), 0);
}

/* dx from dy of what layer i's cross-attention was added as; `room` takes dy without what dropout took. */
static void cross_back(const way *q, int i, const float *dy, float *room, float *dx)
{
	ur_cross_call cross = ur_net_cross(q->net, q->pass, i);

	cross.dy = undrop(q->net, q->pass, UR_SITE_CROSS + i, q->net->m->spec.width, dy, room);
	cross.dx = dx;
	cross.dmemory = q->dmemory;
	cross.dw = q->b->of + q->net->stack->layer[i].cross;
	ur_cross_backward(q->net->c, &cross);
}

/* d is the gradient of layer i's output; on return that of its input is in `second`. */
static void pre_norm_back(const way *q, int i, float *d, float *second, float *third)
{
	ur_net *net = q->net;
	const int D = net->m->spec.width;
	const ur_layer *of = &net->stack->layer[i];
	const ur_layer_run *l = &net->layer[i];
	ur_ffn_call ffn = ur_net_ffn(net, q->pass, i);
	double start = ur_profile_start(net->profile);

	ffn.dy = d;
	ffn.dx = second;
	ffn.dnorm = q->b->of + of->norm2;
	ffn.dw = q->b->of + of->ffn;
	ur_ffn_backward(net->c, &ffn);
	if (of->cross >= 0) {
		/* second: the gradient of x2 = x1 + drop(cross(norm(x1))) */
		cross_back(q, i, second, d, third);
		norm_back(q, of->norm_cross, l->x1, l->statsc, third, second, 1);
	}
	ur_profile_end(net->profile, UR_OP_BLOCK_BACKWARD, start, 2 * ur_net_block_flops(net, q->pass), 0);
	/* second: the gradient of x1 = x + drop(mixer(norm(x))); d is free for the mixer's part of it */
	mix_back(q, i, undrop(net, q->pass, ur_site(i, 0), D, second, d), third);
	start = ur_profile_start(net->profile);
	norm_back(q, of->norm1, l->x, l->stats1, third, second, 1);
	ur_profile_end(net->profile, UR_OP_BLOCK_BACKWARD, start, 0, 0);
}

static void post_norm_back(const way *q, int i, float *d, float *second, float *third)
{
	ur_net *net = q->net;
	const int D = net->m->spec.width;
	const ur_layer *of = &net->stack->layer[i];
	const ur_layer_run *l = &net->layer[i];
	ur_ffn_call ffn = ur_net_ffn(net, q->pass, i);
	double start = ur_profile_start(net->profile);

	norm_back(q, of->norm2, l->sum, l->stats2, d, second, 0);
	ffn.dy = second;
	ffn.dx = third;
	ffn.dw = q->b->of + of->ffn;
	ur_ffn_backward(net->c, &ffn);
	if (of->cross >= 0) {
		/* third: the gradient of x2 = norm(x1 + drop(cross(x1))) */
		norm_back(q, of->norm_cross, l->nc, l->statsc, third, second, 0);
		cross_back(q, i, second, d, third);
		add(net, q->pass, D, second, D, third, D);
	}
	/* third: the gradient of x1 = norm(x + drop(mixer(x))) */
	norm_back(q, of->norm1, l->n, l->stats1, third, d, 0);
	ur_profile_end(net->profile, UR_OP_BLOCK_BACKWARD, start, 2 * ur_net_block_flops(net, q->pass), 0);
	mix_back(q, i, undrop(net, q->pass, ur_site(i, 0), D, d, third), second);
	add(net, q->pass, D, d, D, second, D);
}

static void layer_back(const way *q, int i, float *d, float *second, float *third)
{
	const ur_spec *s = &q->net->m->spec;

	if (s->form->norm && s->norm_last)
		post_norm_back(q, i, d, second, third);
	else if (s->form->norm)
		pre_norm_back(q, i, d, second, third);
	else
		mix_back(q, i, ur_net_drops(q->net, i) ? undrop(q->net, q->pass, ur_site(i, 0), q->net->stack->out, d, d) : d,
		         second);
}

/* The embedding's gradient, from that of the first layer's input. */
static void embed_back(const way *q, float *d, float *room)
{
	ur_net *net = q->net;
	const ur_model *m = net->m;
	const int D = m->spec.width, rows = q->pass->T * q->pass->B;
	double start = ur_profile_start(net->profile);

	if (m->ports && net->stack->input < 0)
		return; /* nothing is learnt of values */
	if (net->by_index) {
		net->c->k->add(net->stack->V * D, q->s->table, q->b->of[net->stack->embedding]);
	} else {
		ur_embed_call call = ur_net_embed(net, q->pass);
		const int positions = net->stack->positions;

		if (net->embedded) { /* the summary's half goes to the state it was */
			for (int r = 0; r < rows; r++)
				net->c->k->add(D, d + (size_t)(2 * r + 1) * (size_t)D,
				               ur_join_states(&net->join, net->join.dfirst_at, 0, m->spec.layers - 1)[r % q->pass->B]);
			ur_copy_rows(net->c, rows, D, d, 2 * D, room, D);
			d = room;
		}
		call.dy = m->spec.form->norm || m->spec.pair ? undrop(net, q->pass, UR_SITE_EMBEDDING, D, d, d) : d;
		call.dtable = m->ports ? NULL : q->b->of[net->stack->embedding];
		if (m->ports) {
			call.dw = q->b->of[net->stack->input];
			call.dbias = q->b->of[net->stack->input + 1];
		}
		call.dpositions = positions >= 0 ? q->b->of[positions] : NULL;
		ur_embed_backward(net->c, &call);
	}
	ur_profile_end(net->profile, UR_OP_EMBED, start, 0, 2.0 * sizeof(float) * rows * D);
}

/* d[0] of the stack holds the gradient of its last output. */
static void stack_back(const way *q)
{
	const ur_net *net = q->net;
	float *const *d = q->s->d;
	const int turns = q->s->turns;
	int at = 0;

	if (net->stack->norm >= 0) {
		double start = ur_profile_start(net->profile);
		norm_back(q, net->stack->norm, net->top, net->stats, d[0], d[1], 0);
		ur_profile_end(net->profile, UR_OP_BLOCK_BACKWARD, start, 0, 0);
		at = 1;
	}
	for (int i = net->stack->layers; i-- > 0; at = (at + 1) % turns)
		layer_back(q, i, d[at], d[(at + 1) % turns], d[(at + 2) % turns]);
	if (q->b->dinput && q->s == &q->b->stack)
		memcpy(q->b->dinput, d[at],
		       (size_t)q->pass->T * (size_t)q->pass->B * (size_t)net->m->spec.width * sizeof *q->b->dinput);
	embed_back(q, d[at], d[(at + 1) % turns]);
}

/* From the decoder's first states and what it read of the encoder, through the encoder. */
static void encoder_back(ur_backward *b, const ur_pass *pass)
{
	ur_net *net = b->net;
	const ur_pass source = ur_net_source_pass(pass);
	const way q = { b, net->encoder, &b->encoder, &source, net->join.dlast_at, NULL };

	ur_join_backward(&net->join, net->c, b->of);
	memcpy(b->encoder.d[0], b->dmemory,
	       (size_t)pass->S * (size_t)pass->B * (size_t)net->m->encoder.out * sizeof *b->dmemory);
	stack_back(&q);
}

double ur_net_backward(ur_backward *b, const ur_pass *pass, const ur_aim *aim)
{
	ur_net *net = b->net;
	const ur_model *m = net->m;
	const int rows = pass->T * pass->B, D = m->spec.width;
	const way q = { b, net, &b->stack, pass, aim->dstate ? b->dstates : net->join.dfirst_at, b->dmemory };
	double sum = 0, start = ur_profile_start(net->profile);

	for (int i = 0; aim->dstate && i < m->spec.layers; i++)
		for (int r = 0; r < pass->B; r++)
			b->dstates[i * net->B + r] = ur_model_state_of(m, aim->dstate[r], i);
	ur_head_loss(net->c, &(ur_head_call){ .D = D, .V = m->V, .rows = rows, .w = &m->mat[m->head],
		.bias = m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL, .x = net->last, .targets = aim->targets,
		.values = aim->values, .weight = aim->weight, .smoothing = aim->smoothing, .losses = b->losses,
		.dx = b->stack.d[0],
		.dw = b->of[m->head], .dbias = m->head_bias >= 0 ? b->of[m->head_bias] : NULL, .work = net->work });
	for (int r = 0; r < rows; r++)
		sum += b->losses[r];
	ur_profile_end(net->profile, UR_OP_HEAD, start, 6.0 * rows * D * m->V, 0);
	if (m->spec.pair) {
		memset(b->dmemory, 0, (size_t)pass->S * (size_t)pass->B * (size_t)m->encoder.out * sizeof *b->dmemory);
		ur_join_clear(&net->join);
	}
	stack_back(&q);
	if (m->spec.pair)
		encoder_back(b, pass);
	return sum;
}
