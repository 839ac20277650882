/* The way back through a model. */
#include "train/backward.h"

void ur_backward_plan(ur_backward *b, ur_net *net, ur_arena *arena)
{
	const ur_model *m = net->m;
	const size_t rows = (size_t)net->T * (size_t)net->B, width = rows * (size_t)m->spec.width;

	*b = (ur_backward){ .net = net, .mixer = ur_mixer_backward_of(m->spec.mixer) };
	b->all = UR_TAKE(arena, float, m->floats);
	b->of = UR_TAKE(arena, float *, m->params);
	for (int i = 0; i < m->params && b->of; i++)
		b->of[i] = b->all + m->param[i].at;
	for (int i = 0; i < 3; i++)
		b->d[i] = UR_TAKE(arena, float, width);
	b->table = net->by_index ? UR_TAKE(arena, float, (size_t)m->V * (size_t)m->spec.width) : NULL;
	b->losses = UR_TAKE(arena, double, rows);
}

struct drop { const ur_dropout *drop; int D; const float *x; float *y; };

static void drop_rows(void *arg, int from, int to, int thread)
{
	const struct drop *j = arg;
	size_t at = (size_t)from * (size_t)j->D, end = (size_t)to * (size_t)j->D;
	(void)thread;
	ur_drop(j->drop, at, end, j->x + at, j->y + at);
}

/* The gradient behind a dropout: y = mask(x), or x itself where there is none. */
static const float *undrop(const ur_net *net, const ur_pass *pass, int site, const float *x, float *y)
{
	ur_dropout drop = ur_net_dropout(net, pass, site);
	if (drop.p <= 0)
		return x;
	ur_for_chunks(net->c, pass->T * pass->B, drop_rows, &(struct drop){ &drop, net->m->spec.width, x, y });
	return y;
}

/* d[*at] is the gradient of layer i's output; on return that of its input, at the new *at (or in b->table). */
static void layer_backward(ur_backward *b, const ur_pass *pass, int i, int *at)
{
	ur_net *net = b->net;
	const ur_model *m = net->m;
	const ur_form *form = m->spec.form;
	const ur_layer_run *l = &net->layer[i];
	const int rows = pass->T * pass->B, D = m->spec.width;
	float *d = b->d[*at], *second = b->d[(*at + 1) % 3], *third = b->d[(*at + 2) % 3];
	float *const *dw = b->of + m->layer[i].mixer;
	const ur_mat *w = m->mat + m->layer[i].mixer;
	ur_span span = ur_net_span(net, pass, i);
	double start = ur_profile_start(net->profile);

	if (form->norm) {
		ur_ffn_call ffn = ur_net_ffn(net, pass, i);
		const float *dy;

		ffn.dy = d;
		ffn.dx = second;
		ffn.dnorm = b->of + m->layer[i].norm2;
		ffn.dw = b->of + m->layer[i].ffn;
		ur_ffn_backward(net->c, &ffn);
		ur_profile_end(net->profile, UR_OP_BLOCK_BACKWARD, start, 2 * ur_net_block_flops(net, pass), 0);
		start = ur_profile_start(net->profile);
		/* second: the gradient of x1 = x + drop(mixer(norm(x))); d is free for the mixer's part of it */
		dy = undrop(net, pass, ur_site(i, 0), second, d);
		b->mixer->backward(net->c, &m->dims, w, &span, l->saved, dy, third, dw, NULL, NULL, net->work);
		ur_profile_end(net->profile, UR_OP_MIX_BACKWARD, start, 2 * ur_net_mixer_flops(net, pass), 0);
		start = ur_profile_start(net->profile);
		ur_norm_backward(net->c, form->norm, D, m->mat + m->layer[i].norm1, rows, l->x, l->stats1, third, second, 1,
		                 b->of + m->layer[i].norm1, net->work);
		ur_profile_end(net->profile, UR_OP_BLOCK_BACKWARD, start, 0, 0);
		*at = (*at + 1) % 3;
		return;
	}
	{
		const float *dy = undrop(net, pass, ur_site(i, 0), d, d);
		b->mixer->backward(net->c, &m->dims, w, &span, l->saved, dy, span.index ? b->table : second, dw, NULL, NULL,
		                   net->work);
		ur_profile_end(net->profile, UR_OP_MIX_BACKWARD, start, 2 * ur_net_mixer_flops(net, pass), 0);
		*at = (*at + 1) % 3;
	}
}

double ur_net_backward(ur_backward *b, const ur_pass *pass, const int32_t *targets, float weight)
{
	ur_net *net = b->net;
	const ur_model *m = net->m;
	const int rows = pass->T * pass->B, D = m->spec.width;
	double sum = 0, start = ur_profile_start(net->profile);
	int at = 0;

	ur_head_loss(net->c, &(ur_head_call){ .D = D, .V = m->V, .rows = rows, .w = &m->mat[m->head],
		.bias = m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL, .x = net->last, .targets = targets,
		.weight = weight, .losses = b->losses, .dx = b->d[0], .dw = b->of[m->head],
		.dbias = m->head_bias >= 0 ? b->of[m->head_bias] : NULL, .work = net->work });
	for (int r = 0; r < rows; r++)
		sum += b->losses[r];
	ur_profile_end(net->profile, UR_OP_HEAD, start, 6.0 * rows * D * m->V, 0);
	if (m->norm >= 0) {
		start = ur_profile_start(net->profile);
		ur_norm_backward(net->c, m->spec.form->norm, D, m->mat + m->norm, rows, net->top, net->stats, b->d[0], b->d[1],
		                 0, b->of + m->norm, net->work);
		ur_profile_end(net->profile, UR_OP_BLOCK_BACKWARD, start, 0, 0);
		at = 1;
	}
	for (int i = m->spec.layers; i-- > 0;)
		layer_backward(b, pass, i, &at);
	start = ur_profile_start(net->profile);
	if (net->by_index) {
		net->c->k->add(m->V * D, b->table, b->of[m->embedding]);
	} else {
		const float *dy = m->spec.form->norm ? undrop(net, pass, UR_SITE_EMBEDDING, b->d[at], b->d[at]) : b->d[at];
		int first = pass->state && m->positions >= 0 ? (int)*ur_model_position(pass->state[0]) - pass->T : 0;
		ur_embed_backward(net->c, pass->T, pass->B, D, pass->ids, dy, b->of[m->embedding],
		                  m->positions >= 0 ? b->of[m->positions] + (size_t)first * (size_t)D : NULL);
	}
	ur_profile_end(net->profile, UR_OP_EMBED, start, 0, 2.0 * sizeof(float) * rows * D);
	return sum;
}
