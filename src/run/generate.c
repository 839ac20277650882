/* Generation: prefill, then draw, write, feed, again. What a stream with a limit holds is kept beside it as tokens, for
 * the start from its last half; a stream without one needs no past. */
#include "run/generate.h"

#include "run/stream.h"

#include <stdlib.h>
#include <string.h>

typedef struct generator {
	ur_stream *stream;
	int64_t limit;                  /* 0: none */
	int32_t *held;                  /* with a limit: the tokens the stream has taken, unroll_position of them */
	const float *logits;
} generator;

static ur_status feed(generator *g, const int32_t *tokens, int64_t n, ur_err *err)
{
	if (g->limit > 0) {
		int32_t *to = g->held + unroll_position(g->stream);
		memmove(to, tokens, (size_t)n * sizeof *tokens);
		tokens = to; /* they may have lain there, further on */
	}
	if (n == 1)
		return unroll_step(g->stream, tokens[0], &g->logits, err);
	return unroll_prefill(g->stream, tokens, n, &g->logits, err);
}

/* Empties the stream and feeds the last half of what it could hold of tokens[n]. */
static ur_status feed_half(generator *g, const int32_t *tokens, int64_t n, ur_err *err)
{
	int64_t half = g->limit > 1 ? g->limit / 2 : 1;

	unroll_stream_reset(g->stream);
	return feed(g, tokens + n - half, half, err);
}

static ur_status feed_next(generator *g, int32_t token, ur_err *err)
{
	ur_status status;

	if (g->limit == 1)
		return feed_half(g, &token, 1, err);
	if (g->limit > 0 && unroll_position(g->stream) == g->limit && (status = feed_half(g, g->held, g->limit, err)))
		return status;
	return feed(g, &token, 1, err);
}

static int32_t first_token(const ur_model *m)
{
	int32_t token = 0;
	const char *text;

	if (m->vocab && ur_vocab_encode(m->vocab, "\n", 1, &token, 1, NULL) == 1 &&
	    ur_vocab_decode(m->vocab, token, &text) == 1 && *text == '\n')
		return token;
	return 0;
}

static ur_status start(generator *g, const ur_generation *o, ur_err *err)
{
	int32_t newline;

	unroll_stream_reset(g->stream);
	if (o->prompt_tokens < 1) {
		newline = first_token(g->stream->m);
		return feed(g, &newline, 1, err);
	}
	if (g->limit > 0 && o->prompt_tokens > g->limit)
		return feed_half(g, o->prompt, o->prompt_tokens, err);
	return feed(g, o->prompt, o->prompt_tokens, err);
}

/* The last bytes drawn, as many as `stop` has. */
typedef struct tail { const char *stop; size_t n, have; char text[UR_STOP_MOST]; } tail;

/* Whether `stop` ends somewhere in the next bytes. */
static int completes(tail *t, const char *text, size_t bytes)
{
	for (size_t i = 0; t->n && i < bytes; i++) {
		if (t->have == t->n)
			memmove(t->text, t->text + 1, --t->have);
		t->text[t->have++] = text[i];
		if (t->have == t->n && !memcmp(t->text, t->stop, t->n))
			return 1;
	}
	return 0;
}

static ur_status draw_all(generator *g, const ur_generation *o, float *work, ur_text_out *out, void *arg,
                          int64_t *drawn, ur_err *err)
{
	const ur_model *m = g->stream->m;
	tail t = { .stop = o->stop, .n = o->stop ? strlen(o->stop) : 0 };
	ur_status status;

	while (*drawn < o->count) {
		const char *text;
		int32_t token;
		size_t bytes;
		int stop;

		if ((status = ur_sample(m->k, &o->sampling, m->V, g->logits, o->prompt_tokens + *drawn, work, &token, err)))
			return status;
		++*drawn;
		bytes = unroll_decode(m, token, &text);
		stop = out(arg, token, text, bytes);
		if (stop)
			return ur_fail(err, UR_E_STOPPED, "stopped on request after %lld tokens", (long long)*drawn);
		if (completes(&t, text, bytes))
			return UR_OK;
		if (*drawn < o->count && (status = feed_next(g, token, err)))
			return status;
	}
	return UR_OK;
}

ur_status ur_generate(ur_stream *stream, const ur_generation *o, ur_text_out *out, void *arg, int64_t *drawn,
                      ur_err *err)
{
	const ur_model *m = stream->m;
	generator g = { .stream = stream, .limit = ur_model_limit(m) };
	int64_t n = 0;
	float *work;
	ur_status status;

	if (drawn)
		*drawn = 0;
	if ((status = ur_sampling_check(&o->sampling, err)))
		return status;
	if (o->prompt_tokens < 0 || o->count < 0)
		return ur_fail(err, UR_E_INVALID, "a number of tokens cannot be negative");
	if (o->stop && strlen(o->stop) > UR_STOP_MOST)
		return ur_fail(err, UR_E_INVALID, "the text to stop at is at most %d bytes long", UR_STOP_MOST);
	for (int64_t i = 0; i < o->prompt_tokens; i++)
		if (o->prompt[i] < 0 || o->prompt[i] >= m->V)
			return ur_fail(err, UR_E_INVALID, "token %d (number %lld of the prompt) is not in the vocabulary, which "
			               "has 0 to %d", (int)o->prompt[i], (long long)i, m->V - 1);
	work = malloc((size_t)m->V * sizeof *work);
	g.held = g.limit > 0 ? malloc((size_t)g.limit * sizeof *g.held) : NULL;
	if (!work || (g.limit > 0 && !g.held))
		status = ur_fail(err, UR_E_NOMEM, "no memory to generate text");
	else if (!(status = start(&g, o, err)))
		status = draw_all(&g, o, work, out, arg, &n, err);
	free(work);
	free(g.held);
	if (drawn)
		*drawn = n;
	return status;
}
