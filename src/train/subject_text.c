/* Windows of a text: each token is asked for from those before it. Where windows carry state, it goes on from step to
 * step (truncated backpropagation through time). */
#include "train/score.h"
#include "train/subject.h"

#include <string.h>

typedef struct text_subject {
	ur_subject base;
	ur_batch_mode mode;
	ur_batches batches;
	ur_batch batch;
	ur_scorer scorer;
	void **state;                   /* B blocks, where windows carry state */
} text_subject;

static ur_status open(ur_subject *base, ur_err *err)
{
	text_subject *t = (text_subject *)base;
	const ur_job *job = base->job;
	const ur_recipe *r = base->r;

	if (!job->corpus)
		return ur_fail(err, UR_E_INVALID, "%s trains on a text, not on pairs", ur_job_spec(job)->text);
	(void)ur_batch_mode_find(r->windows, &t->mode, NULL);
	return ur_batches_init(&t->batches, job->corpus, job->split.train_from, job->split.train_to, r->window, r->batch,
	                       t->mode, r->seed, err);
}

static void close(ur_subject *base) { (void)base; }

static void plan(ur_subject *base, ur_arena *a)
{
	text_subject *t = (text_subject *)base;
	const ur_job *job = base->job;
	const ur_recipe *r = base->r;
	const size_t tokens = ur_batch_size(r->window, r->batch), size = ur_model_state_size(base->m);
	const int carries = t->mode == UR_BATCH_CARRIED;
	size_t from = a->used;

	t->batch.ids = UR_TAKE(a, int32_t, tokens);
	t->batch.targets = UR_TAKE(a, int32_t, tokens);
	base->plan.data = a->used - from;
	from = a->used;
	if (carries) {
		base->carried_bytes = size * (size_t)r->batch;
		t->state = UR_TAKE(a, void *, r->batch);
		base->carried = UR_TAKE(a, unsigned char, base->carried_bytes);
		for (int b = 0; b < r->batch && t->state; b++)
			t->state[b] = base->carried + size * (size_t)b;
	}
	base->plan.states = a->used - from;
	ur_chunked_plan(&base->chunked, &base->net, &base->back, base->m, job->ctx, r->window, r->batch, r->chunk, carries,
	                a);
	base->plan.states += base->chunked.bytes;
	base->net.profile = job->profile;
	from = a->used;
	/* a split too short to validate on means: no validation, the last weights are the result */
	base->validates = !ur_scorer_plan(&t->scorer, base->m, job->ctx, job->corpus, job->split.val_from,
	                                  job->split.val_to, r->window, r->batch, a, NULL);
	base->plan.validation = a->used - from;
}

static int64_t targets(ur_subject *base, int64_t i)
{
	(void)i;
	return (int64_t)base->r->window * base->r->batch;
}

static ur_status pass(ur_subject *base, int64_t i, float weight, double *sum, ur_err *err)
{
	text_subject *t = (text_subject *)base;
	double start = ur_profile_start(base->job->profile);
	ur_status status = ur_batches_get(&t->batches, i, &t->batch, err);
	ur_pass p;

	if (status)
		return status;
	if (base->carried && t->batch.fresh)
		memset(base->carried, 0, base->carried_bytes);
	ur_profile_end(base->job->profile, UR_OP_DATA, start, 0, 0);
	p = (ur_pass){ .T = t->batch.T, .B = t->batch.B, .ids = t->batch.ids, .state = t->state, .seed = base->r->seed,
	               .step = (uint64_t)i, .dropout = 1 };
	*sum = ur_chunked_pass(&base->chunked, &p, &(ur_aim){ .targets = t->batch.targets, .weight = weight,
		.smoothing = (float)base->r->smoothing });
	return UR_OK;
}

static ur_status validate(ur_subject *base, int64_t most, double *loss, int64_t *scored, int64_t *bytes, ur_err *err)
{
	return ur_scorer_run(&((text_subject *)base)->scorer, most, loss, scored, bytes, err);
}

/* Of the part to validate on; where that is too short, of the one to train on. */
static ur_status sample(ur_subject *base, int T, int B, int32_t *ids, int32_t *targets, ur_err *err)
{
	const ur_split *s = &base->job->split;
	const int held = s->val_to - s->val_from > T;
	ur_batch batch = { .ids = ids, .targets = targets };
	ur_batches batches;
	ur_status status = ur_batches_init(&batches, base->job->corpus, held ? s->val_from : s->train_from,
	                                   held ? s->val_to : s->train_to, T, B, UR_BATCH_RANDOM, 0, err);

	return status ? status : ur_batches_get(&batches, 0, &batch, err);
}

static ur_status identify(ur_subject *base, uint64_t *fingerprint, ur_split *split, ur_err *err)
{
	*split = base->job->split;
	return ur_corpus_fingerprint(base->job->corpus, fingerprint, err);
}

const ur_subject_kind ur_subject_text = { sizeof(text_subject), open, close, plan, targets, NULL, pass, validate,
	sample, identify };
