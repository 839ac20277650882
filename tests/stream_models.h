/* The models that tests of streams run over, of every kind there is, and what their whole-sequence pass says. */
#ifndef STREAM_MODELS_H
#define STREAM_MODELS_H

#include "small_models.h"

#include <math.h>

static const char *const specs[] = {
	"rnn:2x20", "rnn:1x16,nonlinearity=relu", "gru:2x24", "lstm:2x24", "lstm:2x24,tie=1",
	"lstm:1x16,positions=learned,context=40",
	"transformer:2x32,heads=4,context=48", "transformer:2x32,heads=4,kv_heads=2,block=llama,context=300",
	"transformer:1x24,heads=2,window=8,context=60", "attention:2x32,heads=2,window=8,block=llama",
	"attention:2x16,block=plain,context=50",
	"lstm:2x24,block=llama", "gru:2x24,block=gpt2,context=64",
	"transformer:2x32,heads=4,context=48,block=vaswani", "transformer:2x32,heads=4,context=48,norm=post",
};
enum { SPECS = sizeof specs / sizeof *specs, MOST = 600 };

static inline ur_model *model_of(int i) { return small_opened(specs[i], "char", 0, 7); }

static inline int length_of(const ur_model *m)
{
	int64_t limit = unroll_limit(m);
	return limit > 0 && limit < MOST ? (int)limit : MOST;
}

/* Logits (T, V) of a fresh whole-sequence pass. */
static inline float *whole(const ur_model *m, int T, const int32_t *tokens)
{
	ur_ctx c;
	ur_arena arena = { 0 };
	ur_net net;
	float *logits = malloc((size_t)T * (size_t)m->V * sizeof *logits);

	assert_non_null(logits);
	assert_true(ur_ctx_open(&c, m->k->name, 1));
	ur_net_plan(&net, m, &c, T, 1, 0, 0, &arena);
	assert_true(ur_arena_open(&arena));
	ur_net_plan(&net, m, &c, T, 1, 0, 0, &arena);
	ur_net_forward(&net, &(ur_pass){ .T = T, .B = 1, .ids = tokens });
	ur_linear(&c, T, &m->mat[m->head], m->head_bias >= 0 ? m->mat[m->head_bias].data : NULL, net.last, m->spec.width,
	          logits, m->V, 0);
	ur_arena_close(&arena);
	ur_ctx_close(&c);
	return logits;
}

static inline double difference(int n, const float *a, const float *b)
{
	double most = 0;
	for (int i = 0; i < n; i++)
		if (!(fabs((double)a[i] - b[i]) <= most)) /* NaN counts */
			most = isnan(a[i]) || isnan(b[i]) ? INFINITY : fabs((double)a[i] - b[i]);
	return most;
}

#endif
