/* A task: sequences drawn anew for every step, scored where they ask for something. */
#include "train/score_task.h"
#include "train/subject.h"

typedef struct task_subject {
	ur_subject base;
	int32_t *ids, *targets;
	ur_task_scorer scorer;
} task_subject;

static ur_status open(ur_subject *base, ur_err *err)
{
	return ur_task_fits(base->job->task, ur_job_spec(base->job), err);
}

static void close(ur_subject *base) { (void)base; }

static void plan(ur_subject *base, ur_arena *a)
{
	task_subject *t = (task_subject *)base;
	const ur_task *task = base->job->task;
	const int B = base->r->batch;
	size_t from = a->used;

	t->ids = UR_TAKE(a, int32_t, ur_batch_size(task->length, B));
	t->targets = UR_TAKE(a, int32_t, ur_batch_size(task->length, B));
	base->plan.data = a->used - from;
	ur_chunked_plan(&base->chunked, &base->net, &base->back, base->m, base->job->ctx, task->length, B, base->r->chunk,
	                0, a);
	base->plan.states = base->chunked.bytes;
	base->net.profile = base->job->profile;
	from = a->used;
	ur_task_scorer_plan(&t->scorer, base->m, base->job->ctx, task, a);
	base->plan.validation = a->used - from;
	base->validates = 1;
}

static int64_t targets(ur_subject *base, int64_t i)
{
	(void)i;
	return (int64_t)base->job->task->scored * base->r->batch;
}

static int64_t tokens(ur_subject *base, int64_t i)
{
	(void)i;
	return (int64_t)base->job->task->length * base->r->batch;
}

static ur_status pass(ur_subject *base, int64_t i, float weight, double *sum, ur_err *err)
{
	task_subject *t = (task_subject *)base;
	const ur_task *task = base->job->task;
	const ur_recipe *r = base->r;
	const double start = ur_profile_start(base->job->profile);
	const ur_pass p = { .T = task->length, .B = r->batch, .ids = t->ids, .seed = r->seed, .step = (uint64_t)i,
		.dropout = 1 };

	(void)err;
	ur_task_draw(task, r->seed, UR_TRAIN, i * r->batch, r->batch, t->ids, t->targets);
	ur_profile_end(base->job->profile, UR_OP_DATA, start, 0, 0);
	*sum = ur_chunked_pass(&base->chunked, &p, &(ur_aim){ .targets = t->targets, .weight = weight,
		.smoothing = (float)r->smoothing });
	return UR_OK;
}

static ur_status validate(ur_subject *base, int64_t most, double *loss, int64_t *scored, int64_t *bytes, ur_err *err)
{
	const ur_task *task = base->job->task;

	(void)err;
	ur_task_scorer_run(&((task_subject *)base)->scorer, UR_VAL,
	                   most ? (most + task->scored - 1) / task->scored : UR_TASK_HELD_OUT, &base->task_score);
	*loss = base->task_score.loss.mean;
	*scored = base->task_score.targets;
	if (bytes)
		*bytes = *scored; /* each is one ASCII character */
	return UR_OK;
}

static ur_status sample(ur_subject *base, int T, int B, int32_t *ids, int32_t *targets, ur_err *err)
{
	(void)T; /* a task's own */
	(void)err;
	ur_task_draw(base->job->task, 0, UR_VAL, 0, B, ids, targets);
	return UR_OK;
}

static ur_status identify(ur_subject *base, uint64_t *fingerprint, ur_split *split, ur_err *err)
{
	(void)err;
	*fingerprint = ur_task_fingerprint(base->job->task);
	*split = (ur_split){ 0 };
	return UR_OK;
}

const ur_subject_kind ur_subject_task = {
	sizeof(task_subject), open, close, plan, targets, tokens, pass, validate, sample, identify
};
