/* A small model of pairs with what trains it, and batches of pairs for it: for tests that look at whole models. */
#ifndef PAIR_RIG_H
#define PAIR_RIG_H

#include <math.h>

#include "base/rng.h"
#include "small_models.h"
#include "train/backward.h"

/* Every form and option of pairs. */
static const char *const pair_specs[] = {
	"seq2seq:rnn:1x12", "seq2seq:gru:2x12", "seq2seq:lstm:2x12", "seq2seq:lstm:1x12,tie=1",
	"seq2seq:rnn:2x10,encoder=bi", "seq2seq:gru:1x12,encoder=bi", "seq2seq:lstm:2x10,encoder=bi",
	"seq2seq:gru:1x12,summary=each", "seq2seq:lstm:2x10,summary=each,encoder=bi,tie=1",
	"seq2seq:rnn:1x12,attention=luong", "seq2seq:gru:2x12,attention=luong,encoder=bi",
	"seq2seq:lstm:2x12,attention=luong", "seq2seq:lstm:1x12,attention=luong,encoder=bi,summary=each",
	"seq2seq:rnn:2x12,attention=bahdanau,encoder=bi", "seq2seq:gru:1x12,attention=bahdanau,encoder=bi",
	"seq2seq:lstm:2x12,attention=bahdanau", "seq2seq:gru:2x12,attention=bahdanau,summary=each",
	"seq2seq:gru:2x12,positions=learned,context=8", "seq2seq:lstm:1x12,positions=sinusoidal,context=8,encoder=bi",
	"seq2seq:transformer:1x16,heads=4,context=8", "seq2seq:transformer:2x16,heads=2,context=8",
	"seq2seq:transformer:2x16,heads=2,context=8,norm=pre",
	"seq2seq:transformer:2x16,heads=2,context=8,positions=learned",
	"seq2seq:transformer:2x16,heads=2,context=8,tie=1,bias=0,ffn=20",
	"seq2seq:transformer:2x16,heads=2,context=8,block=gpt2", "seq2seq:transformer:2x16,heads=2,context=8,block=llama",
	"seq2seq:transformer:2x16,heads=4,kv_heads=2,window=2,context=8,block=llama,norm=post",
	"seq2seq:lstm:2x12,dropout=0.3", "seq2seq:gru:2x12,dropout=0.3,encoder=bi,attention=luong",
	"seq2seq:gru:2x12,dropout=0.3,encoder=bi,attention=bahdanau,summary=each",
	"seq2seq:transformer:2x16,heads=2,context=8,dropout=0.2",
	"seq2seq:transformer:2x16,heads=2,context=8,dropout=0.2,norm=pre",
};
enum { PAIR_SPECS = sizeof pair_specs / sizeof *pair_specs, PAIR_MOST = 8 };

/* Of at most PAIR_MOST of everything; arrays as ur_pass has them. */
typedef struct few_pairs {
	int S, T, B, source_len[PAIR_MOST], len[PAIR_MOST];
	int32_t source[PAIR_MOST * PAIR_MOST], ids[PAIR_MOST * PAIR_MOST], targets[PAIR_MOST * PAIR_MOST];
} few_pairs;

static inline int32_t few_token(uint64_t seed, int side, int b, int t, int tokens)
{
	return (int32_t)ur_rng_below(seed, ur_rng_for(UR_RNG_TEST, 50 + (uint64_t)side), (uint64_t)(b * PAIR_MOST + t),
	                             (uint64_t)tokens);
}

/* Pair b has source_len[b] and len[b] tokens with their ends, which are the last of SV and V tokens; beyond stands
 * `padding`. */
static inline few_pairs few_pairs_of(int B, const int *source_len, const int *len, int SV, int V, int32_t padding,
                                     uint64_t seed)
{
	few_pairs f = { .B = B };

	for (int b = 0; b < B; b++) {
		f.source_len[b] = source_len[b];
		f.len[b] = len[b];
		f.S = source_len[b] > f.S ? source_len[b] : f.S;
		f.T = len[b] > f.T ? len[b] : f.T;
	}
	for (int b = 0; b < B; b++) {
		for (int s = 0; s < f.S; s++)
			f.source[s * B + b] = s > f.source_len[b] - 1 ? padding : s == f.source_len[b] - 1 ? SV - 1
			                      : few_token(seed, 0, b, s, SV - 1);
		for (int t = 0; t < f.T; t++) {
			f.ids[t * B + b] = t > f.len[b] - 1 ? padding : t == 0 ? V - 1 : f.targets[(t - 1) * B + b];
			f.targets[t * B + b] = t > f.len[b] - 1 ? -1 : t == f.len[b] - 1 ? V - 1 : few_token(seed, 1, b, t, V - 1);
		}
	}
	return f;
}

/* Pair b of them, alone. */
static inline few_pairs one_of(const few_pairs *all, int b)
{
	few_pairs f = { .B = 1, .S = all->source_len[b], .T = all->len[b], .source_len = { all->source_len[b] },
		.len = { all->len[b] } };

	for (int s = 0; s < f.S; s++)
		f.source[s] = all->source[s * all->B + b];
	for (int t = 0; t < f.T; t++) {
		f.ids[t] = all->ids[t * all->B + b];
		f.targets[t] = all->targets[t * all->B + b];
	}
	return f;
}

static inline ur_pass few_pass(const few_pairs *f)
{
	return (ur_pass){ .T = f->T, .B = f->B, .ids = f->ids, .len = f->len, .S = f->S, .source = f->source,
		.source_len = f->source_len, .seed = 5, .step = 2 };
}

typedef struct pair_rig {
	ur_ctx c;
	ur_model *m;
	ur_net net;
	ur_backward back;               /* training */
	ur_arena arena;
} pair_rig;

static inline ur_model *pair_model(const char *text, int SV, int V, const ur_kernels *k, int training)
{
	ur_spec spec;
	ur_model *m;

	assert_ok(ur_spec_parse(text, &spec, why));
	assert_ok(ur_model_create(&spec, &(ur_words){ .V = V, .source_V = SV }, k, training, &m, why));
	ur_model_init(m, 3);
	/* larger than they start in training, so that every term of the gradient counts */
	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];
		const int table = i == m->stack.embedding || i == m->encoder.embedding;
		const float noise = table ? 0.6f : p->decl.init == UR_INIT_NORMAL && p->decl.cols ? 0.25f : 0.05f;
		for (size_t j = p->at; j < p->at + p->count; j++)
			m->weights[j] = m->weights[j] * (p->decl.init == UR_INIT_ONE ? 1 : 3) +
			                noise * (float)ur_rng_normal(9, ur_rng_for(UR_RNG_TEST, 2), j);
		/* and relu's corner, where differences say nothing, far from most values */
		for (size_t j = 0; spec.form->ffn == &ur_ffn_relu && !strncmp(p->local, "ffn.", 4) && j < p->count; j++)
			if (!strcmp(p->local, "ffn.in_bias"))
				m->weights[p->at + j] += j % 2 ? 2.5f : -2.5f;
			else
				m->weights[p->at + j] *= 0.4f;
	}
	return m;
}

/* Planned for S, T and B at most. */
static inline void pair_rig_plan(pair_rig *r, int S, int T, int B, int training)
{
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			assert_true(ur_arena_open(&r->arena));
		ur_net_plan_pairs(&r->net, r->m, &r->c, S, T, B, training, &r->arena);
		if (training)
			ur_backward_plan(&r->back, &r->net, &r->arena);
	}
	assert_int_equal(r->arena.used, r->arena.size);
}

static inline void pair_rig_open(pair_rig *r, const char *text, int SV, int V, int S, int T, int B, int training,
                                 int threads)
{
	memset(r, 0, sizeof *r);
	assert_true(ur_ctx_open(&r->c, NULL, threads));
	r->m = pair_model(text, SV, V, r->c.k, training);
	ur_model_pack(r->m, &r->c);
	pair_rig_plan(r, S, T, B, training);
}

static inline void pair_rig_close(pair_rig *r)
{
	ur_arena_close(&r->arena);
	ur_model_free(r->m);
	ur_ctx_close(&r->c);
}

/* Logits (T, B, V) of the last forward pass; the caller frees them. */
static inline float *pair_logits(const pair_rig *r, const ur_pass *p)
{
	const ur_model *m = r->m;
	float *logits = malloc((size_t)(p->T * p->B) * (size_t)m->V * sizeof *logits);

	assert_non_null(logits);
	ur_linear(&r->c, p->T * p->B, &m->mat[m->head], m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL, r->net.last,
	          m->spec.width, logits, m->V, 0);
	return logits;
}

/* The sum of losses, in double from the logits: of targets, whose probability is smoothed. */
static inline double pair_loss(const pair_rig *r, const ur_pass *p, const int32_t *targets, double smoothing)
{
	const int V = r->m->V;
	float *logits = pair_logits(r, p);
	double sum = 0;

	for (int row = 0; row < p->T * p->B; row++) {
		const float *x = logits + row * V;
		double most = x[0], all = 0, mean = 0;

		if (targets[row] < 0)
			continue;
		for (int i = 0; i < V; i++)
			most = fmax(most, x[i]);
		for (int i = 0; i < V; i++) {
			all += exp(x[i] - most);
			mean += x[i] / (double)V;
		}
		sum += log(all) + most - (1 - smoothing) * x[targets[row]] - smoothing * mean;
	}
	free(logits);
	return sum;
}

/* Forward and backward of one batch into r->back.all, from zero; the sum of its losses. */
static inline double pair_gradient(pair_rig *r, const few_pairs *f, int dropout, const ur_aim *aim)
{
	ur_pass p = few_pass(f);
	ur_aim all = aim ? *aim : (ur_aim){ .weight = 1 };

	all.targets = f->targets;
	p.dropout = dropout;
	memset(r->back.all, 0, r->m->floats * sizeof *r->back.all);
	ur_net_forward(&r->net, &p);
	return ur_net_backward(&r->back, &p, &all);
}

/* The largest difference of two arrays by the largest value of the second. */
static inline double apart(size_t n, const float *a, const float *b)
{
	double most = 1e-30, off = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(a[i]) || isnan(b[i]))
			return INFINITY;
		most = fmax(most, fabs(b[i]));
		off = fmax(off, fabs((double)a[i] - b[i]));
	}
	return off / most;
}

#endif
