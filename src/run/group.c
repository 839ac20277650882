/* Groups: one step of many streams. A stream's result does not depend on the others (step.h), so a group holds no
 * state: it is the working memory, and the order of its calls is the caller's. */
#include "run/stream.h"

struct ur_group {
	const ur_model *m;
	int most;
	ur_step step;
	float *out, *seen;              /* (most, outputs), (most, inputs) */
	void **states;                  /* (most) */
	ur_arena memory;                /* of its block, when it is the group's own */
};

static ur_group *plan(const ur_model *m, int most, ur_arena *arena)
{
	ur_group local, *g = UR_TAKE(arena, ur_group, 1), *to = g ? g : &local;
	const size_t n = (size_t)most;

	*to = (ur_group){ .m = m, .most = most };
	ur_step_plan(&to->step, m, most, arena);
	to->out = UR_TAKE(arena, float, n * (size_t)ur_model_outputs(m));
	to->seen = m->ports ? UR_TAKE(arena, float, n * (size_t)m->ports->in.n) : NULL;
	to->states = UR_TAKE(arena, void *, n);
	return g;
}

size_t unroll_group_size(const ur_model *model, int most)
{
	ur_arena size = { 0 };

	if (most < 1)
		return 0;
	plan(model, most, &size);
	return size.used;
}

ur_status unroll_group_open(const ur_model *model, int most, void *memory, ur_group **group, ur_err *err)
{
	ur_arena arena = { .used = unroll_group_size(model, most) };

	*group = NULL;
	if (most < 1)
		return ur_fail(err, UR_E_INVALID, "a group is of 1 stream or more, not %d", most);
	if (model->spec.pair)
		return ur_fail(err, UR_E_INVALID, "%s is a model of pairs, of which there are no streams", model->spec.text);
	if (memory) {
		if ((uintptr_t)memory % 64)
			return ur_fail(err, UR_E_INVALID, "a group's memory must start at a multiple of 64 bytes, not at %p",
			               memory);
		arena = (ur_arena){ .base = memory, .size = arena.used };
		*group = plan(model, most, &arena);
		return UR_OK;
	}
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "no memory for a group of %d streams of %s: it needs %zu KiB", most,
		               model->spec.text, arena.used >> 10);
	*group = plan(model, most, &arena);
	(*group)->memory = arena;
	return UR_OK;
}

void unroll_group_close(ur_group *group)
{
	ur_arena memory;

	if (!group)
		return;
	memory = group->memory; /* the group lies in it */
	ur_arena_close(&memory);
}

/* Stream i, which those before it may be, too. */
static ur_status choose(const ur_group *g, int i, ur_stream *s, ur_err *err)
{
	if (s->m != g->m)
		return ur_fail(err, UR_E_INVALID, "stream %d of the group is of another model, %s; the group is of %s", i,
		               s->m->spec.text, g->m->spec.text);
	if (s->chosen)
		return ur_fail(err, UR_E_INVALID, "stream %d of the group is in it twice", i);
	if (ur_stream_room(s, 1, NULL))
		return ur_fail(err, UR_E_FULL, "stream %d of the group is full: it has taken all %lld steps that %s is built "
		               "for", i, (long long)s->limit, s->m->spec.text);
	s->chosen = 1;
	return UR_OK;
}

static ur_status step(ur_group *g, int n, ur_stream *const *streams, ur_fed fed, const float **out, ur_err *err)
{
	ur_status status;
	int chosen = 0;

	if (n < 1 || n > g->most)
		return ur_fail(err, UR_E_INVALID, "the group steps 1 to %d streams, not %d", g->most, n);
	if ((status = ur_fed_check(g->m, fed, n, g->seen, err)))
		return status;
	while (chosen < n && !(status = choose(g, chosen, streams[chosen], err)))
		chosen++;
	for (int i = 0; i < chosen; i++) {
		streams[i]->chosen = 0;
		g->states[i] = streams[i]->state;
	}
	if (status)
		return status;
	if (fed.values)
		ur_fed_see(g->m, fed.values, n, g->seen);
	ur_step_streams(&g->step, &(ur_step_call){ .n = n, .tokens = fed.tokens, .values = g->seen, .states = g->states,
		.logits = g->out });
	ur_given_say(g->m, n, g->out);
	if (out)
		*out = g->out;
	return UR_OK;
}

ur_status unroll_group_step(ur_group *group, int n, ur_stream *const *streams, const int32_t *tokens, const float **out,
                            ur_err *err)
{
	return step(group, n, streams, (ur_fed){ .tokens = tokens }, out, err);
}

ur_status unroll_group_step_values(ur_group *group, int n, ur_stream *const *streams, const float *values,
                                   const float **out, ur_err *err)
{
	return step(group, n, streams, (ur_fed){ .values = values }, out, err);
}
