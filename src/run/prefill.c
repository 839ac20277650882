/* Prefill: many tokens of one stream through the whole-sequence pass, in chunks, with the stream's state. Its working
 * memory is taken at a stream's first prefill: most streams never need it, and it is larger than all the rest. */
#include "run/stream.h"

#include "model/net.h"

enum { CHUNK = 256 };

struct ur_prefill {
	ur_ctx ctx;                     /* the calling thread alone */
	ur_net net;
	float *scratch;
};

static int chunk_of(const ur_model *m)
{
	int64_t limit = ur_model_limit(m);
	return limit > 0 && limit < CHUNK ? (int)limit : CHUNK;
}

static ur_prefill *plan(const ur_model *m, ur_arena *arena)
{
	ur_prefill local = { 0 }, *p = UR_TAKE(arena, ur_prefill, 1), *to = p ? p : &local;

	to->ctx = (ur_ctx){ .k = m->k, .threads = 1 };
	to->ctx.scratch = UR_TAKE(arena, float, UR_SCRATCH);
	ur_net_plan(&to->net, m, &to->ctx, chunk_of(m), 1, 0, 1, arena);
	return p;
}

static ur_status open_prefill(ur_stream *s, ur_err *err)
{
	ur_arena arena = { 0 };

	plan(s->m, &arena);
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "no memory to feed many tokens at once to %s: it takes %zu KiB; feed them one "
		               "by one", s->m->spec.text, arena.used >> 10);
	s->prefill = plan(s->m, &arena);
	s->prefill_memory = arena;
	return UR_OK;
}

ur_status unroll_prefill(ur_stream *stream, const int32_t *tokens, int64_t n, const float **logits, ur_err *err)
{
	const ur_model *m = stream->m;
	const int chunk = chunk_of(m), D = m->spec.width;
	int T = 0;
	ur_status status;

	if (n < 1)
		return ur_fail(err, UR_E_INVALID, "prefill needs at least one token");
	if ((status = ur_stream_check(stream, tokens, n, err)))
		return status;
	if (!stream->prefill && (status = open_prefill(stream, err)))
		return status;
	for (int64_t at = 0; at < n; at += T) {
		T = n - at < chunk ? (int)(n - at) : chunk;
		ur_net_forward(&stream->prefill->net, &(ur_pass){
			.T = T, .B = 1, .ids = tokens + at, .state = &stream->state,
		});
	}
	ur_model_head(m, 1, stream->prefill->net.last + (size_t)(T - 1) * (size_t)D, stream->logits);
	if (logits)
		*logits = stream->logits;
	return UR_OK;
}
