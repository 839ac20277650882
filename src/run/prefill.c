/* Prefill: many steps of one stream through the whole-sequence pass, in chunks, with the stream's state. Its working
 * memory is taken at a stream's first prefill: most streams never need it, and it is larger than all the rest. */
#include "run/stream.h"

#include "model/net.h"

enum { CHUNK = 256 };

struct ur_prefill {
	ur_ctx ctx;                     /* the calling thread alone */
	ur_net net;
	float *seen;                    /* (CHUNK, inputs); models of values */
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
	to->seen = m->ports ? UR_TAKE(arena, float, (size_t)chunk_of(m) * (size_t)m->ports->in.n) : NULL;
	return p;
}

static ur_status open_prefill(ur_stream *s, ur_err *err)
{
	ur_arena arena = { 0 };

	plan(s->m, &arena);
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "no memory to feed many steps at once to %s: it takes %zu KiB; feed them one "
		               "by one", s->m->spec.text, arena.used >> 10);
	s->prefill = plan(s->m, &arena);
	s->prefill_memory = arena;
	return UR_OK;
}

/* What the head makes of n rows of the last pass, from row `from` on. */
static void give(const ur_stream *s, int from, int n, float *out)
{
	const ur_model *m = s->m;

	ur_model_head(m, n, s->prefill->net.last + (size_t)from * (size_t)m->spec.width, out);
	ur_given_say(m, n, out);
}

/* all: NULL, or (n, outputs) */
static ur_status prefill(ur_stream *s, ur_fed fed, int64_t n, const float **out, float *all, ur_err *err)
{
	const ur_model *m = s->m;
	const int chunk = chunk_of(m);
	const size_t outputs = (size_t)ur_model_outputs(m);
	int T = 0;
	ur_status status;

	if (n < 1)
		return ur_fail(err, UR_E_INVALID, "prefill needs at least one step");
	if ((status = ur_stream_room(s, n, err)) || (status = ur_fed_check(m, fed, n, s->seen, err)))
		return status;
	if (!s->prefill && (status = open_prefill(s, err)))
		return status;
	for (int64_t at = 0; at < n; at += T) {
		ur_prefill *p = s->prefill;

		T = n - at < chunk ? (int)(n - at) : chunk;
		if (m->ports)
			ur_fed_see(m, fed.values + (size_t)at * (size_t)m->ports->in.n, T, p->seen);
		ur_net_forward(&p->net, &(ur_pass){ .T = T, .B = 1, .ids = m->ports ? NULL : fed.tokens + at,
			.values = p->seen, .state = &s->state });
		if (all)
			give(s, 0, T, all + (size_t)at * outputs);
	}
	if (out) {
		give(s, T - 1, 1, s->out);
		*out = s->out;
	}
	return UR_OK;
}

ur_status unroll_prefill(ur_stream *stream, const int32_t *tokens, int64_t n, const float **out, ur_err *err)
{
	return prefill(stream, (ur_fed){ .tokens = tokens }, n, out, NULL, err);
}

ur_status unroll_prefill_values(ur_stream *stream, const float *values, int64_t n, const float **out, ur_err *err)
{
	return prefill(stream, (ur_fed){ .values = values }, n, out, NULL, err);
}

ur_status unroll_forward(ur_stream *stream, const int32_t *tokens, int64_t n, float *out, ur_err *err)
{
	return prefill(stream, (ur_fed){ .tokens = tokens }, n, NULL, out, err);
}

ur_status unroll_forward_values(ur_stream *stream, const float *values, int64_t n, float *out, ur_err *err)
{
	return prefill(stream, (ur_fed){ .values = values }, n, NULL, out, err);
}
