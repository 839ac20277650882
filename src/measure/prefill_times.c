/* Seconds of a forward pass over T tokens. A sequence goes through the net in pieces that carry the state on, so that
 * a long one takes no more working memory than a piece and the keys an attention layer has kept; the arithmetic is
 * that of the whole. */
#include "measure/prefill.h"

#include "base/machine.h"
#include "base/order.h"
#include "model/net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 2048 };

/* The spec's text with another context. */
static void text_with_context(const char *from, int64_t context, size_t room, char *text)
{
	size_t n = strcspn(from, ",");

	snprintf(text, room, "%.*s", (int)n, from);
	for (from += n; *from; from += n) {
		n = 1 + strcspn(from + 1, ",");
		if (strncmp(from, ",context=", 9))
			snprintf(text + strlen(text), room - strlen(text), "%.*s", (int)n, from);
	}
	snprintf(text + strlen(text), room - strlen(text), ",context=%lld", (long long)context);
}

ur_status ur_stretched(const ur_model *m, int64_t positions, const ur_ctx *c, ur_model **out, ur_err *err)
{
	const int64_t limit = ur_model_limit(m), there = ur_memory_free();
	char text[UR_SPEC_TEXT + 32];
	ur_spec spec;
	ur_model *shape;
	size_t bytes;
	ur_status status;

	*out = NULL;
	if (limit == 0 || limit >= positions)
		return UR_OK;
	text_with_context(m->spec.text, positions, sizeof text, text);
	status = ur_spec_parse(text, &spec, err);
	if (!status)
		status = ur_model_shape(&spec, &(ur_words){ .V = m->V }, m->k, 0, &shape, &bytes, err);
	if (status)
		return status;
	bytes += ur_model_state_size(shape);
	ur_model_free(shape);
	if (there >= 0 && bytes > (uint64_t)there)
		return ur_fail(err, UR_E_NOMEM, "%s needs %zu MiB for its weights and one state, and %lld MiB are free; "
		               "measure shorter sequences", spec.text, bytes >> 20, (long long)there >> 20);
	status = ur_model_create(&spec, &(ur_words){ .V = m->V }, m->k, 0, out, err);
	if (status)
		return status;
	ur_model_init(*out, 0);
	ur_model_pack(*out, c);
	return UR_OK;
}

/* One model at one length. */
struct run {
	const ur_model *m;
	ur_net net;
	int32_t *ids;           /* a piece of them */
	ur_arena memory;
	int repeats;            /* to be timed; 0: it takes no part */
};

struct job {
	const ur_ctx *c;
	const int32_t *tokens;
	int64_t count;
	void *state;            /* one for all, all-zero between runs */
	int (*stop)(void *arg);
	void *arg;
};

static void plan(struct run *r, const ur_ctx *c, int64_t T, ur_arena *arena)
{
	const int piece = T < PIECE ? (int)T : PIECE;

	r->ids = UR_TAKE(arena, int32_t, piece);
	ur_net_plan(&r->net, r->m, c, piece, 1, 0, 1, arena);
}

static ur_status open_run(struct run *r, const ur_ctx *c, int64_t T, ur_err *err)
{
	ur_arena arena = { 0 };

	plan(r, c, T, &arena);
	if (!ur_arena_open(&arena))
		return ur_fail(err, UR_E_NOMEM, "a sequence of %lld tokens through %s needs %zu MiB, more than there is",
		               (long long)T, r->m->spec.text, arena.used >> 20);
	plan(r, c, T, &arena);
	r->memory = arena;
	return UR_OK;
}

/* One sequence of T tokens from a fresh state. *seconds is of the passes alone. */
static ur_status prefill(const struct job *j, struct run *r, int64_t T, double *seconds, ur_err *err)
{
	ur_status status = UR_OK;
	int steps;

	*seconds = 0;
	for (int64_t at = 0; at < T && !status; at += steps) {
		double start;

		steps = (int)(T - at < r->net.T ? T - at : r->net.T);
		for (int t = 0; t < steps; t++)
			r->ids[t] = j->tokens[(at + t) % j->count];
		if (j->stop && j->stop(j->arg)) {
			status = ur_fail(err, UR_E_STOPPED, "stopped while sequences of %lld tokens were timed", (long long)T);
			break;
		}
		start = ur_clock();
		ur_net_forward(&r->net, &(ur_pass){ .T = steps, .B = 1, .ids = r->ids, .state = &(void *){ j->state } });
		*seconds += ur_clock() - start;
	}
	ur_model_state_clear(r->m, j->state);
	return status;
}

double ur_prefill_seconds(const ur_prefill_time *t)
{
	double sorted[UR_PREFILL_REPEATS];

	memcpy(sorted, t->seconds, sizeof sorted);
	return ur_median(t->repeats, sorted);
}

/* Seconds that T will take, by the growth between the last two of `done` lengths: at least in proportion to T. */
static double foreseen(const ur_prefill_time *t, int done, int64_t T)
{
	double last, power = 1;

	if (done == 0)
		return 0;
	last = ur_prefill_seconds(&t[done - 1]);
	if (done > 1)
		power = fmax(1, log(last / ur_prefill_seconds(&t[done - 2])) /
		                log((double)t[done - 1].T / (double)t[done - 2].T));
	return last * pow((double)T / (double)t[done - 1].T, power);
}

/* Length T of every run that takes part: one each that is not counted and says how often there is time for, then
 * rounds in which all take turns. */
static ur_status measure(const struct job *j, int models, struct run *r, int64_t T, double seconds,
                         ur_prefill_time *const *out, const int *done, ur_err *err)
{
	ur_status status = UR_OK;

	for (int i = 0; i < models && !status; i++) {
		double took = 0;

		if (r[i].repeats == 0)
			continue;
		status = open_run(&r[i], j->c, T, err);
		if (!status)
			status = prefill(j, &r[i], T, &took, err);
		if (UR_PREFILL_REPEATS * took > seconds)
			r[i].repeats = took < seconds ? (int)(seconds / took) : 1;
		out[i][done[i]] = (ur_prefill_time){ .T = T };
	}
	for (int round = 0; round < UR_PREFILL_REPEATS; round++)
		for (int i = 0; i < models && !status; i++) {
			ur_prefill_time *t = &out[i][done[i]];

			if (round < r[i].repeats)
				status = prefill(j, &r[i], T, &t->seconds[round], err);
			t->repeats += round < r[i].repeats && !status;
		}
	for (int i = 0; i < models; i++)
		ur_arena_close(&r[i].memory);
	return status;
}

static ur_status check(int models, const ur_model *const *m, const int32_t *tokens, int64_t count, int n,
                       const int64_t *T, ur_err *err)
{
	if (count < 1)
		return ur_fail(err, UR_E_INVALID, "prefill needs at least one token");
	for (int i = 0; i < n; i++)
		if (T[i] < 1 || (i > 0 && T[i] <= T[i - 1]))
			return ur_fail(err, UR_E_INVALID, "lengths to prefill must rise from 1, and number %d is %lld", i + 1,
			               (long long)T[i]);
	for (int i = 0; i < models; i++)
		for (int64_t t = 0; t < count; t++)
			if (tokens[t] < 0 || tokens[t] >= m[i]->V)
				return ur_fail(err, UR_E_INVALID, "token %d is not in the vocabulary of %s, which has 0 to %d",
				               (int)tokens[t], m[i]->spec.text, m[i]->V - 1);
	return UR_OK;
}

ur_status ur_prefill_measure(int models, const ur_model *const *m, const ur_ctx *c, const int32_t *tokens,
                             int64_t count, int n, const int64_t *T, double seconds,
                             ur_prefill_time *const *out, int *done, int (*stop)(void *arg), void *arg, ur_err *err)
{
	struct job j = { c, tokens, count, NULL, stop, arg };
	struct run *r;
	ur_arena state = { 0 };
	size_t most = 0;
	ur_status status = check(models, m, tokens, count, n, T, err);

	for (int i = 0; i < models; i++) {
		done[i] = 0;
		most = ur_model_state_size(m[i]) > most ? ur_model_state_size(m[i]) : most;
	}
	if (status || models < 1)
		return status;
	r = calloc((size_t)models, sizeof *r);
	state.used = most;
	if (!r || !ur_arena_open(&state)) {
		free(r);
		return ur_fail(err, UR_E_NOMEM, "no memory for a state of %zu MiB to time sequences with", most >> 20);
	}
	j.state = UR_TAKE(&state, char, most);
	for (int i = 0; i < n && !status; i++) {
		for (int k = 0; k < models; k++) {
			const int64_t limit = ur_model_limit(m[k]);
			int goes = done[k] == i && (limit == 0 || T[i] <= limit) && foreseen(out[k], i, T[i]) <= seconds;

			r[k] = (struct run){ .m = m[k], .repeats = goes ? UR_PREFILL_REPEATS : 0 };
		}
		status = measure(&j, models, r, T[i], seconds, out, done, err);
		for (int k = 0; k < models && !status; k++)
			done[k] += r[k].repeats > 0;
	}
	ur_arena_close(&state);
	free(r);
	return status;
}
