#include "measure/sentence_cost.h"

#include "base/machine.h"
#include "base/order.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST = 16, MOST = 256, MODELS = 64 };

typedef struct timing {
	const ur_pairs *pairs;
	int64_t pair[MOST];
	int count;                      /* pairs chosen */
	double length[UR_SIDES];        /* medians, ends included */
	int longest;
	ur_translator *translator[MODELS];
	double (*taken)[MOST];          /* (models, sources) microseconds */
} timing;

static void choose(timing *t, const int64_t *index, int64_t count)
{
	double length[UR_SIDES][MOST];

	t->count = count < MOST ? (int)count : MOST;
	for (int i = 0; i < t->count; i++) {
		t->pair[i] = index[i * count / t->count];
		for (int side = 0; side < UR_SIDES; side++) {
			int tokens;
			(void)ur_pairs_tokens(t->pairs, t->pair[i], side, &tokens);
			length[side][i] = tokens + 1;
			if (side == UR_SOURCE && tokens > t->longest)
				t->longest = tokens;
		}
	}
	for (int side = 0; side < UR_SIDES; side++)
		t->length[side] = ur_median(t->count, length[side]);
}

static ur_status one(timing *t, int model, int source, double *taken, ur_err *err)
{
	ur_translation out;
	int length;
	const int32_t *tokens = ur_pairs_tokens(t->pairs, t->pair[source], UR_SOURCE, &length);
	const double start = ur_clock();
	ur_status status = ur_translate(t->translator[model], 1, &tokens, &length, &out, err);

	*taken = 1e6 * (ur_clock() - start);
	return status;
}

/* Sources come in an order that has every length early on: a stride through them that is prime to their number. */
static ur_status time_all(timing *t, int n, double seconds, ur_sentence_watch *watch, void *arg, int *done,
                          ur_err *err)
{
	const double start = ur_clock();
	const int stride = t->count % 97 ? 97 : 89;
	ur_status status = UR_OK;
	double first;

	for (int k = 0; k < n && !status; k++) /* finds the weights in no cache */
		status = one(t, k, 0, &first, err);
	for (*done = 0; *done < t->count && !status; ++*done) {
		const int source = *done * stride % t->count;

		if (*done >= LEAST && ur_clock() - start > seconds)
			break;
		for (int turn = 0; turn < n && !status; turn++) {
			const int k = (turn + *done) % n;
			status = one(t, k, source, &t->taken[k][*done], err);
		}
		if (!status && watch && watch(arg))
			status = ur_fail(err, UR_E_STOPPED, "stopped");
	}
	return status;
}

/* Bytes of a state after so many steps. What it holds does not matter, so the source is one of zeros. */
static ur_status state_after(const ur_model *m, int S, int steps, size_t *bytes, ur_err *err)
{
	ur_arena memory = { 0 };
	ur_step step;
	const int32_t token = 0;
	float *made = calloc(ur_remembered_size(m, S) + 1, sizeof *made), *logits = calloc((size_t)m->V, sizeof *logits);
	const size_t size = (ur_model_state_size(m) / 64 + 1) * 64;
	void *state = aligned_alloc(64, size);
	const ur_remembered source = { S, made }, *of = &source;
	ur_status status = UR_OK;

	ur_step_plan(&step, m, 1, &memory);
	if (!made || !logits || !state || !ur_arena_open(&memory)) {
		status = ur_fail(err, UR_E_NOMEM, "no memory to measure a translation's state");
	} else {
		ur_step_plan(&step, m, 1, &memory);
		memset(state, 0, size);
		for (int i = 0; i < steps; i++)
			ur_step_streams(&step, &(ur_step_call){ .n = 1, .tokens = &token, .states = &state, .source = &of,
				.logits = logits });
		*bytes = ur_model_state_used(m, state);
		ur_arena_close(&memory);
	}
	free(state);
	free(logits);
	free(made);
	return status;
}

static ur_status fill(timing *t, const ur_model *m, int model, int done, ur_sentence_cost *out, ur_err *err)
{
	double *taken = t->taken[model];

	ur_sort(done, taken);
	*out = (ur_sentence_cost){ .samples = done, .p50 = taken[done / 2], .p99 = taken[(int)((done - 1) * 0.99)],
		.source_tokens = (int)t->length[UR_SOURCE], .target_tokens = (int)t->length[UR_TARGET] };
	out->remembered = ur_remembered_size(m, out->source_tokens) * sizeof(float);
	return state_after(m, out->source_tokens, out->target_tokens, &out->state, err);
}

ur_status ur_sentence_costs(int n, const ur_model *const *m, const ur_ctx *c, const ur_pairs *pairs,
                            const int64_t *index, int64_t count, const ur_translating *settings, double seconds,
                            ur_sentence_watch *watch, void *arg, ur_sentence_cost *out, ur_err *err)
{
	timing *t = calloc(1, sizeof *t);
	ur_translating set = { .beam = settings->beam, .penalty = settings->penalty, .batch = 1 };
	ur_ctx alone;
	int done = 0;
	ur_status status = UR_OK;

	if (n < 1 || n > MODELS || count < 1) {
		free(t);
		return ur_fail(err, UR_E_INVALID, "nothing to time");
	}
	if (!t || !(t->taken = calloc((size_t)n, sizeof *t->taken)) || !ur_ctx_open(&alone, c->k->name, 1)) {
		if (t)
			free(t->taken);
		free(t);
		return ur_fail(err, UR_E_NOMEM, "no memory to time translations");
	}
	t->pairs = pairs;
	choose(t, index, count);
	set.longest = t->longest;
	for (int k = 0; k < n && !status; k++)
		status = ur_translator_open(m[k], &alone, &set, &t->translator[k], err);
	if (!status)
		status = time_all(t, n, seconds, watch, arg, &done, err);
	for (int k = 0; k < n && !status; k++)
		status = fill(t, m[k], k, done, &out[k], err);
	for (int k = 0; k < n; k++)
		ur_translator_close(t->translator[k]);
	ur_ctx_close(&alone);
	free(t->taken);
	free(t);
	return status;
}
