/* What can be said of a job before it runs. */
#include "train/train.h"

ur_words ur_job_words(const ur_job *job)
{
	const ur_vocab *vocab;

	if (!job->pairs) {
		vocab = ur_corpus_vocab(job->corpus);
		return (ur_words){ .V = ur_vocab_size(vocab), .vocab = vocab };
	}
	return (ur_words){ .V = ur_pairs_outputs(job->pairs, UR_TARGET), .vocab = ur_pairs_vocab(job->pairs, UR_TARGET),
		.source_V = ur_pairs_outputs(job->pairs, UR_SOURCE), .source = ur_pairs_vocab(job->pairs, UR_SOURCE) };
}

static void count(const ur_pairs *p, const ur_pair_split *s, ur_part_of part, int most, int64_t *fit, int64_t *too_long)
{
	*fit = 0;
	for (int64_t i = 0; i < s->n[part]; i++)
		*fit += ur_pairs_fit(p, s->index[part][i], most) != 0;
	*too_long = s->n[part] - *fit;
}

ur_job_pairs ur_job_count_pairs(const ur_job *job)
{
	ur_job_pairs n;

	count(job->pairs, job->pair_split, UR_TRAIN, job->recipe.window, &n.train, &n.train_long);
	count(job->val_pairs ? job->val_pairs : job->pairs, job->val_pairs ? job->val_split : job->pair_split, UR_VAL,
	      ur_spec_limit(ur_job_spec(job)), &n.val, &n.val_long);
	return n;
}

/* Mean tokens of a side of the pairs to train on, the end included. */
static double mean_length(const ur_job *job, int side)
{
	const ur_pair_split *s = job->pair_split;
	double sum = 0;
	int64_t n = 0;

	for (int64_t i = 0; i < s->n[UR_TRAIN]; i++) {
		int length;
		if (!ur_pairs_fit(job->pairs, s->index[UR_TRAIN][i], job->recipe.window))
			continue;
		(void)ur_pairs_tokens(job->pairs, s->index[UR_TRAIN][i], side, &length);
		sum += length + 1;
		n++;
	}
	return n ? sum / (double)n : 1;
}

double ur_job_step_tokens(const ur_job *job)
{
	const ur_recipe *r = &job->recipe;
	return (job->pairs ? mean_length(job, UR_TARGET) : r->window) * r->batch * r->accumulate;
}

double ur_job_step_flops(const ur_job *job)
{
	const ur_words words = ur_job_words(job);
	const ur_recipe *r = &job->recipe;
	ur_model *shape;
	int S = 0, T = r->window;
	double flops;

	if (ur_model_shape(ur_job_spec(job), &words, job->ctx->k, 0, &shape, NULL, NULL))
		return 0;
	if (job->pairs) {
		S = (int)(mean_length(job, UR_SOURCE) + 0.5);
		T = (int)(mean_length(job, UR_TARGET) + 0.5);
	}
	/* backward takes twice what forward does */
	flops = 3 * ur_model_flops(shape, S, T, r->batch) * r->accumulate;
	ur_model_free(shape);
	return flops;
}
