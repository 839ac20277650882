/* Two lengths are timed. What is the same for each position, and what grows with all that went before it (attention's
 * pairs of positions, by the mixers' own cost()), each have a rate: the two that both times follow from. */
#include "measure/step_time.h"

#include "base/machine.h"
#include "train/chunked.h"

#include <string.h>

enum { LONGEST = 2048, SHORTER = 4, ROWS = 8192, REPEATS = 3, SHORTEST = 8 };

typedef struct timed { double forward, back; } timed;

/* Arithmetic of one pass forward that grows as the length, and that which grows faster. */
typedef struct work { double even, pairs; } work;

static work work_of(const ur_model *m, int T, int B)
{
	const double each = ur_model_flops(m, 0, 1, B), all = ur_model_flops(m, 0, T, B);
	const work w = { each * T, all - each * T };

	/* what little of a first step is pairs counts as even */
	return w.pairs > 0.001 * all ? w : (work){ all, 0 };
}

static ur_status time_length(const ur_model *m, const ur_ctx *c, int T, int B, size_t memory, timed *out, ur_err *err)
{
	ur_arena arena = { 0 };
	ur_backward back;
	ur_net net;
	int32_t *ids = NULL, *targets = NULL;

	for (int pass = 0; pass < 2; pass++) {
		if (pass && (arena.used > memory || !ur_arena_open(&arena)))
			return ur_fail(err, UR_E_NOMEM, "timing a step needs %zu MiB", arena.used >> 20);
		ur_net_plan(&net, m, c, T, B, 1, UR_NO_STATES, &arena);
		ur_backward_plan(&back, &net, &arena);
		ids = UR_TAKE(&arena, int32_t, (size_t)T * (size_t)B);
		targets = UR_TAKE(&arena, int32_t, (size_t)T * (size_t)B);
	}
	for (int i = 0; i < T * B; i++)
		ids[i] = targets[i] = i % m->V;
	*out = (timed){ 1e30, 1e30 };
	for (int i = 0; i <= REPEATS; i++) { /* the first one meets cold memory */
		const ur_pass p = { .T = T, .B = B, .ids = ids, .dropout = 1 };
		const double begun = ur_clock();
		double between, end;

		ur_net_forward(&net, &p);
		between = ur_clock();
		(void)ur_net_backward(&back, &p, &(ur_aim){ .targets = targets, .weight = 1e-6f });
		end = ur_clock();
		if (i && between - begun < out->forward)
			out->forward = between - begun;
		if (i && end - between < out->back)
			out->back = end - between;
	}
	ur_arena_close(&arena);
	return UR_OK;
}

/* Seconds of the whole from those of the short and the longer length. */
static double extend(double s, double l, work ws, work wl, work whole)
{
	const double determinant = ws.even * wl.pairs - wl.even * ws.pairs;
	double even, pairs;

	if (wl.pairs <= 0 || determinant <= 0)
		return l * (whole.even + whole.pairs) / (wl.even + wl.pairs);
	even = (s * wl.pairs - l * ws.pairs) / determinant;
	pairs = (ws.even * l - wl.even * s) / determinant;
	/* noise can turn a rate about: then both are the longer one's */
	if (even <= 0 || pairs <= 0)
		return l * (whole.even + whole.pairs) / (wl.even + wl.pairs);
	return even * whole.even + pairs * whole.pairs;
}

ur_status ur_step_time_predict(const ur_job *job, size_t memory, ur_step_time *out, ur_err *err)
{
	const ur_words words = ur_job_words(job);
	const ur_recipe *r = &job->recipe;
	const int T = job->task ? job->task->length : r->window, chunks = ur_chunk_count(T, r->chunk);
	const int grows = (ur_job_spec(job)->mixer->flags & UR_STATE_GROWS) != 0;
	int length = T < LONGEST ? T : LONGEST, B = r->batch;
	timed small = { 0 }, large = { 0 };
	work ws, wl, whole;
	double forward, back;
	size_t weights;
	ur_model *m;
	ur_status status;

	if ((status = ur_model_shape(ur_job_spec(job), &words, job->ctx->k, 1, &m, &weights, err)))
		return status;
	ur_model_free(m);
	if (weights > memory)
		return ur_fail(err, UR_E_NOMEM, "timing a step needs %zu MiB for weights", weights >> 20);
	if ((status = ur_model_create(ur_job_spec(job), &words, job->ctx->k, 1, &m, err)))
		return status;
	ur_model_init(m, 1);
	ur_model_pack(m, job->ctx);
	/* the rows of a batch share a step's time, so it is timed whole; where positions look back far, length counts */
	if (grows && (int64_t)length * B > ROWS)
		B = ROWS / length;
	else if (!grows && (int64_t)length * B > ROWS)
		length = ROWS / B > SHORTEST ? ROWS / B : SHORTEST;
	if (length > T)
		length = T;
	do {
		status = time_length(m, job->ctx, length, B, memory - weights, &large, err);
	} while (status == UR_E_NOMEM && length > SHORTEST && (length /= 2));
	ws = wl = work_of(m, length, B);
	small = large;
	if (!status && wl.pairs > 0 && length > SHORTER) {
		status = time_length(m, job->ctx, length / SHORTER, B, memory - weights, &small, err);
		ws = work_of(m, length / SHORTER, B);
	}
	whole = work_of(m, T, r->batch);
	if (wl.pairs <= 0) /* as the two lengths are: all of it even */
		whole = (work){ whole.even + whole.pairs, 0 };
	forward = extend(small.forward, large.forward, ws, wl, whole);
	back = extend(small.back, large.back, ws, wl, whole);
	/* all chunks but the last go forward twice */
	*out = (ur_step_time){ .seconds = r->accumulate * (forward * (2 - 1.0 / chunks) + back), .length = length };
	ur_model_free(m);
	return status;
}
