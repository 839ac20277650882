/* Whole layers of a transformer, made of the attention mixer and blocks, against PyTorch's TransformerEncoderLayer and
 * TransformerDecoderLayer, with the norm before each part or after each sum: a part of test_golden.c, included by it
 * alone. Parameters go by PyTorch's names; its in_proj of cross-attention is our q and then our keys and values. */
#include "block/block.h"

enum {
	SELF_IN, SELF_IN_BIAS, SELF_OUT, SELF_OUT_BIAS, FF_IN, FF_IN_BIAS, FF_OUT, FF_OUT_BIAS, NORM_1, NORM_1_BIAS, NORM_2,
	NORM_2_BIAS, NORM_3, NORM_3_BIAS, CROSS_IN, CROSS_IN_BIAS, CROSS_OUT, CROSS_OUT_BIAS, TORCH_PARAMS
};

static const char *const torch_names[TORCH_PARAMS] = {
	"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight", "self_attn.out_proj.bias",
	"linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight",
	"norm2.bias", "norm3.weight", "norm3.bias", "multihead_attn.in_proj_weight", "multihead_attn.in_proj_bias",
	"multihead_attn.out_proj.weight", "multihead_attn.out_proj.bias",
};

/* A part of a layer with its residual sum: y = norm(x + part(x)), or y = x + part(norm(x)). */
typedef struct part { float *x, *normed, *gave, *sum, *y, *stats; } part;

typedef struct torch_layer {
	golden *g;
	arrays a;
	int T, B, S, D, F, decoder, norm_first, len[MOST_B], mlen[MOST_B];
	size_t n, size[TORCH_PARAMS];
	float *data[TORCH_PARAMS], *grad[TORCH_PARAMS];
	ur_dims d;
	ur_mat self[4], cross[6], ffn[4];
	ur_span span;
	float *span_saved;
	ur_cross_call call;
	ur_ffn_call ff;
	part parts[3];           /* self-attention, cross-attention, feed-forward */
} torch_layer;

static float *nothing(arrays *a, size_t n) { return memset(arr(a, n), 0, n * sizeof(float)); }

/* `rows` rows of `which` from `from` on, packed; the biases of a matrix are a vector. */
static ur_mat rows_of(torch_layer *l, int which, int from, int rows, int cols)
{
	ur_mat w = {.rows = rows, .cols = cols, .blocks = 1, .data = l->data[which] + from * cols};
	if (cols > 1) {
		w.panels = arr(&l->a, ur_panels_size(l->g->k, rows, cols, 1));
		w.panels_t = arr(&l->a, ur_panels_size(l->g->k, cols, rows, 1));
		ur_pack_weights(&l->g->c, 1, &w);
	}
	return w;
}

static void load_params(torch_layer *l, const json_t *c)
{
	int D = l->D, F = l->F, n = l->decoder ? TORCH_PARAMS : NORM_3;
	const int rows[TORCH_PARAMS] = {3 * D, 3 * D, D, D, F, F, D, D, D, D, D, D, D, D, 3 * D, 3 * D, D, D};
	const int cols[TORCH_PARAMS] = {D, 1, D, 1, D, 1, F, 1, 1, 1, 1, 1, 1, 1, D, 1, D, 1};
	assert_int_equal(n, json_object_size(field(c, "params")));
	for (int i = 0; i < n; i++) {
		l->size[i] = (size_t)(rows[i] * cols[i]);
		l->data[i] = numbers(&l->a, field(c, "params"), torch_names[i], l->size[i]);
		l->grad[i] = nothing(&l->a, l->size[i]);
	}
	for (int i = 0; i < 4; i++) {
		l->self[i] = rows_of(l, SELF_IN + i, 0, rows[SELF_IN + i], cols[SELF_IN + i]);
		int ff = FF_IN + i % 2 * 2 + i / 2;    /* ours: weights, then biases */
		l->ffn[i] = rows_of(l, ff, 0, rows[ff], cols[ff]);
	}
	for (int i = 0; i < 2 && l->decoder; i++) {    /* weights, biases */
		l->cross[3 * i] = rows_of(l, CROSS_IN + i, 0, D, i ? 1 : D);
		l->cross[3 * i + 1] = rows_of(l, CROSS_IN + i, D, 2 * D, i ? 1 : D);
		l->cross[3 * i + 2] = rows_of(l, CROSS_OUT + i, 0, D, i ? 1 : D);
	}
}

static const ur_mat *norm_of(const torch_layer *l, int which, ur_mat w[2])
{
	int at = NORM_1 + 2 * (which == 2 && !l->decoder ? 1 : which);
	w[0] = (ur_mat){.rows = l->D, .cols = 1, .data = l->data[at]};
	w[1] = (ur_mat){.rows = l->D, .cols = 1, .data = l->data[at + 1]};
	return w;
}

static float *const *norm_grad(torch_layer *l, int which)
{
	return &l->grad[NORM_1 + 2 * (which == 2 && !l->decoder ? 1 : which)];
}

static const ur_mixer_forward *self_attention(void) { return ur_mixer_forward_of(ur_mixer_find("attention")); }

/* What part `which` gives for x. */
static void run_part(torch_layer *l, int which, const float *x, float *y)
{
	const ur_ctx *c = &l->g->c;
	ur_need need;
	if (which == 0) {
		l->span = (ur_span){.T = l->T, .B = l->B, .len = l->len, .x = x, .y = y, .whole = !l->decoder};
		need = self_attention()->need(c, &l->d, &l->span);
		l->span_saved = arr(&l->a, need.saved);
		self_attention()->forward(c, &l->d, l->self, &l->span, l->span_saved, arr(&l->a, need.forward));
	} else {
		l->call.x = x, l->call.y = y;
		need = ur_cross_need(c, &l->call);
		l->call.saved = arr(&l->a, need.saved), l->call.work = arr(&l->a, need.forward);
		ur_cross_forward(c, &l->call);
	}
}

static void back_part(torch_layer *l, int which, const float *dy, float *dx)
{
	const ur_ctx *c = &l->g->c;
	if (which == 0) {
		ur_need need = self_attention()->need(c, &l->d, &l->span);
		ur_mixer_backward_of(ur_mixer_find("attention"))->backward(c, &l->d, l->self, &l->span, l->span_saved, dy, dx,
			&l->grad[SELF_IN], NULL, NULL, arr(&l->a, need.backward));
	} else {
		float *const dw[] = {l->grad[CROSS_IN], l->grad[CROSS_IN] + l->D * l->D, l->grad[CROSS_OUT],
		                     l->grad[CROSS_IN_BIAS], l->grad[CROSS_IN_BIAS] + l->D, l->grad[CROSS_OUT_BIAS]};
		l->call.dy = dy, l->call.dx = dx, l->call.dw = dw;
		l->call.work = arr(&l->a, ur_cross_need(c, &l->call).backward);
		ur_cross_backward(c, &l->call);
	}
}

static float *layer_forward(torch_layer *l, float *x)
{
	const ur_ctx *c = &l->g->c;
	int rows = l->T * l->B;
	ur_mat w[2];
	for (int i = 0; i < 3; i++) {
		part *p = &l->parts[i];
		if (i == 1 && !l->decoder)
			continue;
		*p = (part){x, x, arr(&l->a, l->n), arr(&l->a, l->n), arr(&l->a, l->n), arr(&l->a, 2 * (size_t)rows)};
		if (i == 2) {      /* the block has sum and first norm in it */
			l->ff = (ur_ffn_call){.ffn = &ur_ffn_relu, .D = l->D, .F = l->F, .rows = rows, .w = l->ffn, .x = x,
			                      .y = p->sum, .h = arr(&l->a, (size_t)(rows * l->F)),
			                      .work = arr(&l->a, ur_ffn_work(c, &ur_ffn_relu, l->D, l->F, rows, 1))};
			if (l->norm_first)
				l->ff.norm = &ur_norm_layer, l->ff.norm_w = norm_of(l, 2, w), l->ff.stats = p->stats;
			ur_ffn_forward(c, &l->ff);
		} else {
			if (l->norm_first) {
				p->normed = arr(&l->a, l->n);
				ur_norm_forward(c, &ur_norm_layer, l->D, norm_of(l, i, w), rows, x, p->normed, p->stats);
			}
			run_part(l, i, p->normed, p->gave);
			memcpy(p->sum, p->gave, l->n * sizeof(float));
			l->g->k->add((int)l->n, x, p->sum);
		}
		if (l->norm_first)
			memcpy(p->y, p->sum, l->n * sizeof(float));
		else
			ur_norm_forward(c, &ur_norm_layer, l->D, norm_of(l, i, w), rows, p->sum, p->y, p->stats);
		x = p->y;
	}
	return x;
}

static const float *layer_backward(torch_layer *l, const float *dy)
{
	const ur_ctx *c = &l->g->c;
	int rows = l->T * l->B;
	ur_mat w[2];
	for (int i = 3; i-- > 0;) {
		part *p = &l->parts[i];
		float *dx = arr(&l->a, l->n), *dsum = arr(&l->a, l->n), *work = arr(&l->a, ur_norm_work(l->D, l->g->c.threads));
		if (i == 1 && !l->decoder)
			continue;
		if (l->norm_first)
			memcpy(dsum, dy, l->n * sizeof(float));
		else
			ur_norm_backward(c, &ur_norm_layer, l->D, norm_of(l, i, w), rows, p->sum, p->stats, dy, dsum, 0,
			                 norm_grad(l, i), work);
		if (i == 2) {
			float *const dw[] = {l->grad[FF_IN], l->grad[FF_OUT], l->grad[FF_IN_BIAS], l->grad[FF_OUT_BIAS]};
			l->ff.dy = dsum, l->ff.dx = dx, l->ff.dw = dw;
			l->ff.norm_w = norm_of(l, 2, w), l->ff.dnorm = norm_grad(l, 2);
			ur_ffn_backward(c, &l->ff);
		} else {
			back_part(l, i, dsum, dx);
			if (l->norm_first) {
				float *through = dx;
				dx = dsum;
				ur_norm_backward(c, &ur_norm_layer, l->D, norm_of(l, i, w), rows, p->x, p->stats, through, dx, 1,
				                 norm_grad(l, i), work);
			} else {
				l->g->k->add((int)l->n, dsum, dx);
			}
		}
		dy = dx;
	}
	return dy;
}

static void lengths_of(const json_t *v, int B, int *len)
{
	for (int b = 0; b < B; b++)
		len[b] = (int)json_integer_value(json_array_get(v, (size_t)b));
}

static void check_layer(golden *g, const json_t *c, error *e)
{
	torch_layer l = {.g = g, .T = whole(c, "T"), .B = whole(c, "B"), .D = whole(c, "D"), .F = whole(c, "F"),
	                 .norm_first = whole(c, "norm_first"), .decoder = !strcmp(e->name, "decoder_layer")};
	const ur_mixer *m = ur_mixer_find("attention");
	json_t *options = json_pack("{s:i}", "heads", whole(c, "heads"));
	size_t sources = 0;

	assert_true(l.B <= MOST_B);
	l.n = (size_t)(l.T * l.B * l.D);
	l.d = (ur_dims){.in = l.D, .out = l.D, .context = l.T};
	set_options(m, &l.d, options);
	json_decref(options);
	assert_null(m->check(&l.d));
	lengths_of(field(c, "len"), l.B, l.len);
	load_params(&l, c);
	if (l.decoder) {
		l.S = whole(c, "S");
		sources = (size_t)(l.S * l.B * l.D);
		lengths_of(field(c, "mlen"), l.B, l.mlen);
		l.call = (ur_cross_call){.T = l.T, .B = l.B, .S = l.S, .D = l.D, .heads = whole(c, "heads"), .len = l.len,
		                         .mlen = l.mlen, .w = l.cross, .memory = numbers(&l.a, c, "memory", sources),
		                         .dmemory = nothing(&l.a, sources)};
	}
	float *y = layer_forward(&l, numbers(&l.a, c, "x", l.n));
	for (size_t i = 0; i < l.n; i++)    /* what stands beyond a length is nobody's */
		if ((int)i / l.D / l.B >= l.len[(int)i / l.D % l.B])
			y[i] = 0;
	check(e, "y", y, numbers(&l.a, c, "y", l.n), l.n);
	check(e, "dx", layer_backward(&l, numbers(&l.a, c, "dy", l.n)), numbers(&l.a, c, "dx", l.n), l.n);
	for (int i = 0; i < (l.decoder ? TORCH_PARAMS : NORM_3); i++)
		check(e, torch_names[i], l.grad[i], numbers(&l.a, field(c, "grads"), torch_names[i], l.size[i]), l.size[i]);
	if (l.decoder)
		check(e, "dmemory", l.call.dmemory, numbers(&l.a, c, "dmemory", sources), sources);
	assert_int_equal(arr_broken(&l.a), 0);
	arr_free(&l.a);
}
