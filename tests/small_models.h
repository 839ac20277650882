/* Small models for tests: made from a spec, saved, and opened again as a user would. */
#ifndef SMALL_MODELS_H
#define SMALL_MODELS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "asserts.h"

#include "model/net.h"
#include "run/stream.h"

static const char small_text[] = "abcdefghijklmnopqrstuvwxyz \n.,caf\xC3\xA9 \xE2\x82\xAC";

static inline ur_vocab *small_vocab(const char *kind)
{
	ur_vocab_builder *b;
	ur_vocab *v;

	assert_ok(ur_vocab_builder_open(&(ur_vocab_request){ .kind = kind }, &b, why));
	assert_ok(ur_vocab_builder_feed(b, small_text, sizeof small_text - 1, why));
	assert_ok(ur_vocab_builder_finish(b, &v, why));
	ur_vocab_builder_close(b);
	return v;
}

/* A model with weights large enough that what came before shows in every logit. kind NULL: no vocabulary, V outputs. */
static inline ur_model *small_model(const char *spec_text, const char *kind, int V, uint64_t seed)
{
	ur_spec spec;
	ur_model *m;
	ur_vocab *vocab = kind ? small_vocab(kind) : NULL;

	assert_ok(ur_spec_parse(spec_text, &spec, why));
	assert_ok(ur_model_create(&spec, &(ur_words){ .V = vocab ? ur_vocab_size(vocab) : V, .vocab = vocab },
	                          ur_kernels_pick(NULL), 0, &m, why));
	ur_vocab_free(vocab);
	ur_model_init(m, seed);
	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];
		/* LLaMA's and GPT-2's weights start so small that their layers hardly matter */
		float factor = p->decl.init == UR_INIT_NORMAL && p->decl.cols ? 10 : 1;
		/* and gains that are all 1 would hide a norm in the wrong place */
		for (size_t j = 0; j < p->count; j++)
			m->weights[p->at + j] = m->weights[p->at + j] * factor +
			                        (p->decl.cols ? 0 : 0.1f * (float)((j * 7 + (size_t)i) % 5) - 0.2f);
	}
	ur_model_pack(m, &(ur_ctx){ .k = m->k, .threads = 1 });
	return m;
}

static inline void small_path(char path[64])
{
	int fd;
	strcpy(path, "/tmp/unroll-run-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
}

/* The same, through a file. */
static inline ur_model *small_opened(const char *spec_text, const char *kind, int V, uint64_t seed)
{
	ur_model *made = small_model(spec_text, kind, V, seed), *m;
	char path[64];

	small_path(path);
	assert_ok(ur_model_save(made, path, 0, NULL, why));
	assert_ok(unroll_open(path, &m, why));
	unlink(path);
	assert_int_equal(m->floats, made->floats);
	assert_memory_equal(m->weights, made->weights, m->floats * sizeof *m->weights);
	ur_model_free(made);
	return m;
}

static inline ur_stream *small_stream(const ur_model *m)
{
	ur_stream *s;
	assert_ok(unroll_stream_open(m, NULL, &s, why));
	return s;
}

/* Tokens that follow no pattern. */
static inline void small_tokens(const ur_model *m, uint32_t seed, int n, int32_t *tokens)
{
	for (int i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		tokens[i] = (int32_t)((seed >> 8) % (uint32_t)m->V);
	}
}

static inline const float *small_step(ur_stream *s, int token)
{
	const float *logits;
	assert_ok(unroll_step(s, token, &logits, why));
	return logits;
}

#endif
