/* Forward pass of a whole model over (T, B) tokens. */
#include "model/net.h"

#include <string.h>

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

/* Reading the table by index pays when the same rows come up again and again, and nothing else touches the input. */
static int reads_by_index(const ur_model *m, int T, int B)
{
	return !m->spec.form->norm && m->positions < 0 && 2 * (size_t)m->V <= (size_t)T * (size_t)B;
}

void ur_net_plan(ur_net *net, const ur_model *m, const ur_ctx *c, int T, int B, int training, int stateful,
                 ur_arena *arena)
{
	const ur_spec *s = &m->spec;
	const size_t rows = (size_t)T * (size_t)B, width = rows * (size_t)s->width;
	const int residual = s->form->norm != NULL;
	size_t work = ur_head_work(m->V, T * B);
	float *shared_a = NULL, *shared_n = NULL, *shared_stats = NULL, *swap[2] = { NULL, NULL };
	void *dummy = arena; /* a non-NULL state tells a mixer's need() that one will come */
	ur_span span = { .T = T, .B = B, .state = stateful ? (void *const *)&dummy : NULL };

	*net = (ur_net){ .m = m, .c = c, .T = T, .B = B, .training = training, .stateful = stateful,
	                 .mixer = ur_mixer_forward_of(s->mixer) };
	net->by_index = reads_by_index(m, T, B);
	net->layer = UR_TAKE(arena, ur_layer_run, s->layers);
	net->states = UR_TAKE(arena, void *, (size_t)s->layers * (size_t)B);
	if (!training) {
		shared_a = UR_TAKE(arena, float, width);
		shared_n = residual ? UR_TAKE(arena, float, width) : NULL;
		shared_stats = UR_TAKE(arena, float, 2 * rows);
		swap[0] = UR_TAKE(arena, float, width);
		swap[1] = UR_TAKE(arena, float, width);
	}
	for (int i = 0; i < s->layers; i++) {
		ur_layer_run l = { 0 };
		int indexed = i == 0 && net->by_index;
		const int32_t index = 0;
		ur_need need;

		span.index = indexed ? &index : NULL;
		span.rows = indexed ? m->V : 0;
		need = net->mixer->need(c, &m->dims, &span);
		work = most(work, most(need.forward, training ? need.backward : 0));
		if (training) {
			/* a plain layer without dropout reads the output below as it is */
			int own_x = residual || i == 0 || s->dropout > 0;
			l.x = indexed ? NULL : own_x ? UR_TAKE(arena, float, width) : NULL;
			l.a = UR_TAKE(arena, float, width);
			l.saved = UR_TAKE(arena, float, need.saved);
			if (residual) {
				l.n = UR_TAKE(arena, float, width);
				l.stats1 = UR_TAKE(arena, float, 2 * rows);
				l.x1 = UR_TAKE(arena, float, width);
				l.stats2 = UR_TAKE(arena, float, 2 * rows);
				l.h = UR_TAKE(arena, float, rows * (size_t)(s->ffn * s->form->ffn->gates));
			}
		} else {
			l.x = indexed ? NULL : swap[i % 2];
			l.a = residual ? shared_a : swap[(i + 1) % 2];
			l.n = shared_n;
			l.stats1 = shared_stats;
			l.x1 = shared_n;
		}
		if (net->layer) {
			if (training && !residual && i > 0 && !l.x)
				l.x = net->layer[i - 1].a;
			net->layer[i] = l;
		}
	}
	if (residual) {
		work = most(work, ur_ffn_work(c, s->form->ffn, s->width, s->ffn, (int)rows, training) +
		                  ur_norm_work(s->width, c->threads));
		net->top = training ? UR_TAKE(arena, float, width) : swap[s->layers % 2];
		net->stats = training ? UR_TAKE(arena, float, 2 * rows) : shared_stats;
		net->last = training ? UR_TAKE(arena, float, width) : shared_a;
	} else {
		net->last = training && s->dropout > 0 ? UR_TAKE(arena, float, width) : NULL;
		if (net->layer && !net->last)
			net->last = net->layer[s->layers - 1].a;
		net->top = net->last;
	}
	net->work = UR_TAKE(arena, float, work);
	net->work_floats = work;
}

ur_dropout ur_net_dropout(const ur_net *net, const ur_pass *pass, int site)
{
	return (ur_dropout){ .p = pass->dropout ? (float)net->m->spec.dropout : 0, .seed = pass->seed, .step = pass->step,
		.site = site };
}

ur_span ur_net_span(const ur_net *net, const ur_pass *pass, int layer)
{
	const ur_model *m = net->m;
	const ur_layer_run *l = &net->layer[layer];
	int indexed = layer == 0 && net->by_index;

	return (ur_span){
		.T = pass->T, .B = pass->B, .len = pass->len,
		.x = indexed ? m->mat[m->embedding].data : m->spec.form->norm ? l->n : l->x, .y = l->a,
		.index = indexed ? pass->ids : NULL, .rows = indexed ? m->V : 0,
		.state = pass->state ? (void *const *)net->states + (size_t)layer * (size_t)net->B : NULL,
		.seed = pass->seed, .step = pass->step, .layer = layer,
	};
}

ur_ffn_call ur_net_ffn(const ur_net *net, const ur_pass *pass, int layer)
{
	const ur_model *m = net->m;
	const ur_spec *s = &m->spec;
	const ur_layer_run *l = &net->layer[layer];

	return (ur_ffn_call){
		.norm = s->form->norm, .ffn = s->form->ffn, .D = s->width, .F = s->ffn, .rows = pass->T * pass->B,
		.norm_w = m->mat + m->layer[layer].norm2, .w = m->mat + m->layer[layer].ffn,
		.drop = ur_net_dropout(net, pass, ur_site(layer, 1)), .x = l->x1,
		.y = layer + 1 < s->layers ? net->layer[layer + 1].x : net->top, .h = l->h, .stats = l->stats2,
		.work = net->work,
	};
}

double ur_net_mixer_flops(const ur_net *net, const ur_pass *pass)
{
	ur_span span = { .T = pass->T, .B = pass->B };
	return net->mixer->cost(&net->m->dims, &span).flops;
}

double ur_net_block_flops(const ur_net *net, const ur_pass *pass)
{
	const ur_spec *s = &net->m->spec;
	return s->form->ffn ? 2.0 * pass->T * pass->B * s->width * s->ffn * (s->form->ffn->gates + 1) : 0;
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

static void layer_forward(ur_net *net, const ur_pass *pass, int i)
{
	const ur_model *m = net->m;
	const ur_form *form = m->spec.form;
	const ur_layer_run *l = &net->layer[i];
	const int rows = pass->T * pass->B, D = m->spec.width;
	ur_span span = ur_net_span(net, pass, i);
	ur_dropout drop = ur_net_dropout(net, pass, ur_site(i, 0));
	double start = ur_profile_start(net->profile);

	if (form->norm)
		ur_norm_forward(net->c, form->norm, D, m->mat + m->layer[i].norm1, rows, l->x, l->n, l->stats1);
	ur_profile_end(net->profile, UR_OP_BLOCK_FORWARD, start, 0, 0);
	start = ur_profile_start(net->profile);
	net->mixer->forward(net->c, &m->dims, m->mat + m->layer[i].mixer, &span, l->saved, net->work);
	ur_profile_end(net->profile, UR_OP_MIX_FORWARD, start, ur_net_mixer_flops(net, pass), 0);
	start = ur_profile_start(net->profile);
	if (form->norm) {
		ur_ffn_call ffn = ur_net_ffn(net, pass, i);
		ur_for_chunks(net->c, rows, sum_rows, &(struct rows){ net->c->k, D, &drop, l->x, l->a, l->x1 });
		ur_ffn_forward(net->c, &ffn);
	} else {
		float *next = i + 1 < m->spec.layers ? net->layer[i + 1].x : net->last;
		if (next != l->a)
			ur_for_chunks(net->c, rows, sum_rows, &(struct rows){ net->c->k, D, &drop, NULL, l->a, next });
	}
	ur_profile_end(net->profile, UR_OP_BLOCK_FORWARD, start, ur_net_block_flops(net, pass), 0);
}

void ur_net_forward(ur_net *net, const ur_pass *pass)
{
	const ur_model *m = net->m;
	const int D = m->spec.width, rows = pass->T * pass->B;

	for (int b = 0; pass->state && b < pass->B; b++)
		for (int i = 0; i < m->spec.layers; i++)
			net->states[(size_t)i * (size_t)net->B + (size_t)b] = ur_model_state_of(m, pass->state[b], i);
	if (!net->by_index) {
		double start = ur_profile_start(net->profile);
		float *x = net->layer[0].x;
		ur_dropout drop = ur_net_dropout(net, pass, UR_SITE_EMBEDDING);
		int first = pass->state ? (int)*ur_model_position(pass->state[0]) : 0;
		ur_embed_forward(net->c, pass->T, pass->B, D, pass->ids, m->mat[m->embedding].data,
		                 m->positions >= 0 ? m->mat[m->positions].data : NULL, m->positions >= 0 ? first : 0, x);
		if (drop.p > 0 && m->spec.form->norm)
			ur_for_chunks(net->c, rows, sum_rows, &(struct rows){ net->c->k, D, &drop, NULL, x, x });
		ur_profile_end(net->profile, UR_OP_EMBED, start, 0, 2.0 * sizeof(float) * rows * D);
	}
	for (int i = 0; i < m->spec.layers; i++)
		layer_forward(net, pass, i);
	if (m->norm >= 0)
		ur_norm_forward(net->c, m->spec.form->norm, D, m->mat + m->norm, rows, net->top, net->last, net->stats);
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
