/* What can be said of a job before it runs. */
#include "train/train.h"

void ur_job_settle(const ur_job *job, ur_recipe *r)
{
	if (job->task) { /* sequences stand alone and have their own length */
		r->window = job->task->length;
		r->windows = "random";
	}
	ur_recipe_settle(r, ur_job_spec(job));
}

ur_status ur_job_check(const ur_job *job, const ur_recipe *r, ur_err *err)
{
	const ur_spec *spec = ur_job_spec(job);
	ur_status status;

	if (job->task && (status = ur_task_fits(job->task, spec, err)))
		return status;
	return ur_recipe_check(r, spec, err);
}

ur_status ur_task_fits(const ur_task *task, const ur_spec *spec, ur_err *err)
{
	const int most = ur_spec_limit(spec);

	if (spec->pair)
		return ur_fail(err, UR_E_INVALID, "%s trains on pairs; tasks are for models of one text, such as lstm:1x64",
		               spec->text);
	if (most && task->length > most)
		return ur_fail(err, UR_E_INVALID, "%s has sequences of %d tokens, which do not fit a context of %d; put "
		               "context=%d into the spec", task->text, task->length, most, task->length);
	return UR_OK;
}

ur_words ur_job_words(const ur_job *job)
{
	const ur_vocab *vocab;

	if (!job->pairs) {
		vocab = job->task ? job->task->vocab : ur_corpus_vocab(job->corpus);
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
	const double each = job->pairs ? mean_length(job, UR_TARGET) : job->task ? job->task->length : r->window;
	return each * r->batch * r->accumulate;
}

double ur_job_step_flops(const ur_job *job)
{
	const ur_words words = ur_job_words(job);
	const ur_recipe *r = &job->recipe;
	ur_model *shape;
	int S = 0, T = job->task ? job->task->length : r->window;
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
