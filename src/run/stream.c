/* Streams: open, step, reset, copy. Nothing here refers to whole-sequence code, so a program that only steps does not
 * link it; prefill.c does. */
#include "run/stream.h"

#include <math.h>
#include <string.h>

static const float HUGE_SEEN = 1e16f; /* squares of UR_MOST_PORTS such have a sum */

/* Measures or cuts a stream's block. */
static ur_stream *plan(const ur_model *m, ur_arena *arena)
{
	ur_stream local, *s = UR_TAKE(arena, ur_stream, 1), *to = s ? s : &local;

	*to = (ur_stream){ .m = m, .limit = ur_model_limit(m) };
	ur_step_plan(&to->step, m, 1, arena);
	to->out = UR_TAKE(arena, float, ur_model_outputs(m));
	to->seen = m->ports ? UR_TAKE(arena, float, m->ports->in.n) : NULL;
	to->state = UR_TAKE(arena, char, ur_model_state_size(m));
	return s;
}

size_t unroll_stream_size(const ur_model *model)
{
	ur_arena size = { 0 };
	plan(model, &size);
	return size.used;
}

ur_status unroll_stream_open(const ur_model *model, void *memory, ur_stream **stream, ur_err *err)
{
	ur_arena arena = { .used = unroll_stream_size(model) };

	*stream = NULL;
	if (model->spec.pair)
		return ur_fail(err, UR_E_INVALID, "%s is a model of pairs: it writes nothing without a source; see unroll "
		               "translate", model->spec.text);
	if (memory) {
		if ((uintptr_t)memory % 64)
			return ur_fail(err, UR_E_INVALID, "a stream's memory must start at a multiple of 64 bytes, not at %p",
			               memory);
		arena = (ur_arena){ .base = memory, .size = arena.used };
		*stream = plan(model, &arena);
		memset((*stream)->state, 0, ur_model_state_size(model));
		return UR_OK;
	}
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "no memory for a stream of %s: it needs %zu KiB", model->spec.text,
		               arena.used >> 10);
	*stream = plan(model, &arena);
	(*stream)->memory = arena;
	return UR_OK;
}

void unroll_stream_close(ur_stream *stream)
{
	ur_arena memory;

	if (!stream)
		return;
	memory = stream->memory; /* the stream lies in it */
	ur_arena_close(&stream->prefill_memory);
	stream->prefill = NULL;
	ur_arena_close(&memory);
}

void unroll_stream_reset(ur_stream *stream) { ur_model_state_clear(stream->m, stream->state); }

ur_status unroll_stream_copy(ur_stream *to, const ur_stream *from, ur_err *err)
{
	const ur_model *m = from->m;

	if (to->m != m)
		return ur_fail(err, UR_E_INVALID, "a stream can only be copied into a stream of the same model; these are of "
		               "%s and %s", m->spec.text, to->m->spec.text);
	if (to == from)
		return UR_OK;
	ur_model_state_copy(m, to->state, from->state);
	return UR_OK;
}

int64_t unroll_position(const ur_stream *stream) { return *ur_model_position(stream->state); }
size_t unroll_stream_state(const ur_stream *stream) { return ur_model_state_used(stream->m, stream->state); }

static ur_status check_tokens(const ur_model *m, const int32_t *tokens, int64_t n, ur_err *err)
{
	for (int64_t i = 0; i < n; i++)
		if (tokens[i] < 0 || tokens[i] >= m->V)
			return ur_fail(err, UR_E_INVALID, "token %d (number %lld) is not in the vocabulary, which has 0 to %d",
			               (int)tokens[i], (long long)i, m->V - 1);
	return UR_OK;
}

/* A value that is not finite would stay in the state for ever; so would what one of HUGE_SEEN may overflow to. unroll.h
 * has the rule; the sum is a quick look at a row that keeps to it. */
static ur_status check_values(const ur_model *m, const float *values, int64_t n, float *seen, ur_err *err)
{
	const int width = m->ports->in.n;

	for (int64_t i = 0; i < n; i++, values += width) {
		ur_fed_see(m, values, 1, seen);
		if (m->k->sum_squares((size_t)width, seen) < HUGE_SEEN * HUGE_SEEN)
			continue;
		for (int j = 0; j < width; j++)
			if (!(fabsf(seen[j]) < HUGE_SEEN))
				return ur_fail(err, UR_E_INVALID, "value %d of row %lld, %g, is infinite or too large for this model",
				               j, (long long)i, (double)values[j]);
	}
	return UR_OK;
}

ur_status ur_fed_check(const ur_model *m, ur_fed fed, int64_t n, float *seen, ur_err *err)
{
	if (m->ports && !fed.values)
		return ur_fail(err, UR_E_INVALID, "%s reads %d values at a step, not tokens", m->spec.text, m->ports->in.n);
	if (!m->ports && !fed.tokens)
		return ur_fail(err, UR_E_INVALID, "%s reads tokens, not values", m->spec.text);
	return m->ports ? check_values(m, fed.values, n, seen, err) : check_tokens(m, fed.tokens, n, err);
}

ur_status ur_stream_room(const ur_stream *s, int64_t n, ur_err *err)
{
	const int64_t position = unroll_position(s);

	if (s->limit == 0 || n <= s->limit - position)
		return UR_OK;
	if (position >= s->limit)
		return ur_fail(err, UR_E_FULL, "the stream is full: it has taken all %lld steps that %s is built for; reset "
		               "it and go on from the last of what it was fed", (long long)s->limit, s->m->spec.text);
	return ur_fail(err, UR_E_FULL, "%lld steps do not fit: the stream has taken %lld of the %lld that %s is built for; "
	               "feed fewer", (long long)n, (long long)position, (long long)s->limit, s->m->spec.text);
}

void ur_fed_see(const ur_model *m, const float *values, int64_t n, float *seen)
{
	const size_t width = (size_t)m->ports->in.n;

	for (size_t i = 0; i < (size_t)n; i++)
		ur_port_see(&m->ports->in, values + i * width, seen + i * width);
}

void ur_given_say(const ur_model *m, int64_t n, float *out)
{
	const size_t width = (size_t)ur_model_outputs(m);

	if (unroll_output_kind(m) != UNROLL_VALUES)
		return;
	for (size_t i = 0; i < (size_t)n; i++)
		ur_port_say(&m->ports->out, out + i * width);
}

static ur_status step(ur_stream *s, ur_fed fed, const float **out, ur_err *err)
{
	const ur_model *m = s->m;
	ur_status status;

	if ((status = ur_stream_room(s, 1, err)) || (status = ur_fed_check(m, fed, 1, s->seen, err)))
		return status;
	ur_step_streams(&s->step, &(ur_step_call){ .n = 1, .tokens = fed.tokens, .values = s->seen, .states = &s->state,
		.logits = s->out });
	ur_given_say(m, 1, s->out);
	if (out)
		*out = s->out;
	return UR_OK;
}

ur_status unroll_step(ur_stream *stream, int token, const float **out, ur_err *err)
{
	const int32_t id = token;
	return step(stream, (ur_fed){ .tokens = &id }, out, err);
}

ur_status unroll_step_values(ur_stream *stream, const float *values, const float **out, ur_err *err)
{
	return step(stream, (ur_fed){ .values = values }, out, err);
}
