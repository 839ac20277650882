/* Streams: open, step, reset, copy. Nothing here refers to whole-sequence code, so a program that only steps does not
 * link it; prefill.c does. */
#include "run/stream.h"

#include <string.h>

/* Measures or cuts a stream's block. */
static ur_stream *plan(const ur_model *m, ur_arena *arena)
{
	ur_stream local, *s = UR_TAKE(arena, ur_stream, 1), *to = s ? s : &local;

	*to = (ur_stream){ .m = m };
	ur_step_plan(&to->step, m, 1, arena);
	to->logits = UR_TAKE(arena, float, ur_model_outputs(m));
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

ur_status ur_stream_check(const ur_stream *s, const int32_t *tokens, int64_t n, ur_err *err)
{
	const int64_t limit = ur_model_limit(s->m), position = unroll_position(s);

	if (s->m->ports)
		return ur_fail(err, UR_E_INVALID, "%s reads values here, not tokens", s->m->spec.text);
	if (limit > 0 && position >= limit)
		return ur_fail(err, UR_E_INVALID, "the stream is full: it has taken all %lld steps that %s is built for; reset "
		               "it and go on from the last tokens", (long long)limit, s->m->spec.text);
	if (limit > 0 && n > limit - position)
		return ur_fail(err, UR_E_INVALID, "%lld tokens do not fit: the stream has taken %lld of the %lld steps that %s "
		               "is built for; feed fewer", (long long)n, (long long)position, (long long)limit,
		               s->m->spec.text);
	for (int64_t i = 0; i < n; i++)
		if (tokens[i] < 0 || tokens[i] >= s->m->V)
			return ur_fail(err, UR_E_INVALID, "token %d (number %lld) is not in the vocabulary, which has 0 to %d",
			               (int)tokens[i], (long long)i, s->m->V - 1);
	return UR_OK;
}

ur_status unroll_step(ur_stream *stream, int token, const float **logits, ur_err *err)
{
	const int32_t id = token;
	ur_status status = ur_stream_check(stream, &id, 1, err);

	if (status)
		return status;
	ur_step_many(&stream->step, 1, &id, &stream->state, stream->logits);
	if (logits)
		*logits = stream->logits;
	return UR_OK;
}
