/* Pairs: each target token is asked for from the source and the target tokens before it (teacher forcing, Williams and
 * Zipser 1989). The loss of a step is the mean over its targets; padding is none of them. */
#include "train/score_pairs.h"
#include "train/subject.h"
#include "vocab/text_hash.h"

#include <stdlib.h>

enum { SCORE_BATCH = 64 };

typedef struct pairs_subject {
	ur_subject base;
	int64_t *index, n;              /* what is trained on */
	ur_pair_batches batches;
	ur_pair_batch batch;
	ur_pair_scorer scorer;
	int scores;
} pairs_subject;

/* Those of the training part that are short enough. */
static ur_status choose(pairs_subject *t, ur_err *err)
{
	const ur_job *job = t->base.job;
	const int most = t->base.r->window;
	const int64_t *index = job->pair_split->index[UR_TRAIN], n = job->pair_split->n[UR_TRAIN];

	if (!(t->index = malloc((size_t)(n ? n : 1) * sizeof *t->index)))
		return ur_fail(err, UR_E_NOMEM, "no memory for the list of pairs");
	for (int64_t i = 0; i < n; i++)
		if (ur_pairs_fit(job->pairs, index[i], most))
			t->index[t->n++] = index[i];
	if (t->n)
		return UR_OK;
	return n ? ur_fail(err, UR_E_INVALID, "no pair to train on is shorter than %d tokens on both sides; use a larger "
	                   "--seq-len", most)
	         : ur_fail(err, UR_E_INVALID, "no pair is left to train on: give more, or less of them to validation and "
	                   "test");
}

static ur_status open(ur_subject *base, ur_err *err)
{
	pairs_subject *t = (pairs_subject *)base;
	const ur_job *job = base->job;
	const ur_recipe *r = base->r;
	const ur_pairs *held = job->val_pairs ? job->val_pairs : job->pairs;
	const ur_pair_split *split = job->val_pairs ? job->val_split : job->pair_split;
	ur_status status;

	if (!job->pairs)
		return ur_fail(err, UR_E_INVALID, "%s trains on pairs, not on a text", ur_job_spec(job)->text);
	if ((status = choose(t, err)) ||
	    (status = ur_pair_batches_open(&t->batches, job->pairs, t->index, t->n, r->batch, 0, r->seed, err)))
		return status;
	status = ur_pair_scorer_open(&t->scorer, held, split->index[UR_VAL], split->n[UR_VAL],
	                             ur_spec_limit(ur_job_spec(job)), SCORE_BATCH, err);
	t->scores = !status;
	return status == UR_E_INVALID ? UR_OK : status; /* nothing to validate on: the last weights are the result */
}

static void close(ur_subject *base)
{
	pairs_subject *t = (pairs_subject *)base;
	ur_pair_batches_close(&t->batches);
	ur_pair_scorer_close(&t->scorer);
	free(t->index);
}

static void plan(ur_subject *base, ur_arena *a)
{
	pairs_subject *t = (pairs_subject *)base;
	const ur_job *job = base->job;
	const ur_pair_batches *b = &t->batches;

	ur_pair_batch_plan(&t->batch, b->S, b->T, b->B, a);
	ur_net_plan_pairs(&base->net, base->m, job->ctx, b->S, b->T, b->B, 1, a);
	ur_backward_plan(&base->back, &base->net, a);
	base->net.profile = job->profile;
	if (t->scores)
		ur_pair_scorer_plan(&t->scorer, base->m, job->ctx, a);
	base->validates = t->scores;
}

static int64_t targets(ur_subject *base, int64_t i)
{
	return ur_pair_batches_tokens(&((pairs_subject *)base)->batches, i);
}

static ur_status pass(ur_subject *base, int64_t i, float weight, double *sum, ur_err *err)
{
	pairs_subject *t = (pairs_subject *)base;
	double start = ur_profile_start(base->job->profile);
	ur_pass p;

	(void)err;
	ur_pair_batches_get(&t->batches, i, &t->batch);
	ur_profile_end(base->job->profile, UR_OP_DATA, start, 0, 0);
	p = ur_pair_pass(&t->batch);
	p.seed = base->r->seed;
	p.step = (uint64_t)i;
	p.dropout = 1;
	ur_net_forward(&base->net, &p);
	*sum = ur_net_backward(&base->back, &p, &(ur_aim){ .targets = t->batch.targets, .weight = weight,
		.smoothing = (float)base->r->smoothing });
	return UR_OK;
}

static ur_status validate(ur_subject *base, int64_t most, double *loss, int64_t *scored, int64_t *bytes, ur_err *err)
{
	(void)err;
	ur_pair_scorer_run(&((pairs_subject *)base)->scorer, most, loss, scored, bytes, NULL);
	return UR_OK;
}

static ur_status identify(ur_subject *base, uint64_t *fingerprint, ur_split *split, ur_err *err)
{
	const pairs_subject *t = (const pairs_subject *)base;
	const ur_job *job = base->job;
	/* weights mean nothing with other tokens, and two files of one size may well have the same number of them */
	const uint64_t held = job->val_pairs ? ur_pairs_fingerprint(job->val_pairs) : 0;
	const uint64_t data[] = { ur_pairs_fingerprint(job->pairs), held,
		ur_vocab_hash(ur_pairs_vocab(job->pairs, UR_SOURCE)), ur_vocab_hash(ur_pairs_vocab(job->pairs, UR_TARGET)) };
	ur_hash all = { 0 }, members = { 0 };

	(void)err;
	ur_hash_add(&all, data, sizeof data);
	*fingerprint = ur_hash_value(&all);
	/* pairs of a part do not stand together: their numbers' hash stands where a text's parts end */
	ur_hash_add(&members, t->index, (size_t)t->n * sizeof *t->index);
	ur_hash_add(&members, t->scorer.index, (size_t)t->scorer.n * sizeof *t->scorer.index);
	*split = (ur_split){ .train_to = t->n, .val_from = t->n, .val_to = t->n + t->scorer.n,
		.test_from = (int64_t)(ur_hash_value(&members) >> 1) };
	return UR_OK;
}

const ur_subject_kind ur_subject_pairs = {
	sizeof(pairs_subject), open, close, plan, targets, NULL, pass, validate, NULL, identify
};
