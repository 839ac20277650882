/* The training loop. All memory is one arena, sized before the first step; a step is a pure function of the weights,
 * the carried state and the step's number, so a run can stop and resume anywhere between steps. */
#include "base/machine.h"
#include "train/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINT_SECONDS = 30, REACH_ROWS = 16 };

typedef struct trainer {
	const ur_job *job;
	ur_recipe r;
	const ur_optimizer *optimizer;
	const ur_schedule *schedule;
	ur_subject *subject;
	ur_model *m;
	float *m1, *m2, *best;
	double *parts;
	ur_arena arena;
	ur_run run;
	ur_reach_meter reach;
	uint64_t fingerprint;
	ur_split split;
	double last_loss, grad_norm, lr;
	double clock, mark, saved;      /* started, last report, last checkpoint */
	int64_t mark_tokens;
	char ckpt[4096];
} trainer;

static ur_status prepare(trainer *t, const ur_job *job, ur_err *err)
{
	ur_status status;

	*t = (trainer){ .job = job, .r = job->recipe };
	ur_job_settle(job, &t->r);
	if ((status = ur_job_check(job, &t->r, err)))
		return status;
	t->optimizer = ur_optimizer_find(t->r.optimizer);
	t->schedule = ur_schedule_find(t->r.schedule);
	t->run = (ur_run){ .val_loss = NAN, .best_loss = NAN, .pace = { .factor = 1 } };
	if (job->gradients && t->r.chunk)
		return ur_fail(err, UR_E_INVALID, "how far back a model looks is measured over a whole sequence at once, which "
			"--chunk is there to avoid: leave out one of --chunk and --log-gradients");
	if ((status = ur_subject_open(job, &t->r, &t->subject, err)))
		return status;
	return !job->gradients || t->subject->kind->sample ? UR_OK : ur_fail(err, UR_E_INVALID,
		"how far back a model looks is measured of models of one text, not of pairs");
}

/* Everything the run keeps, measured or cut. */
static void plan(trainer *t, ur_arena *a)
{
	t->m1 = UR_TAKE(a, float, t->m->floats);
	t->m2 = t->optimizer->moments > 1 ? UR_TAKE(a, float, t->m->floats) : NULL;
	t->best = UR_TAKE(a, float, t->m->floats);
	t->parts = UR_TAKE(a, double, ur_grad_parts(t->m->floats));
	t->subject->m = t->m;
	t->subject->kind->plan(t->subject, a);
	if (t->job->gradients)
		ur_reach_plan(&t->reach, t->m, t->job->ctx, t->r.window, t->r.batch < REACH_ROWS ? t->r.batch : REACH_ROWS, a);
}

ur_status ur_train_plan_of(const ur_job *job, ur_train_plan *p, ur_err *err)
{
	const ur_words words = ur_job_words(job);
	trainer t;
	size_t weights;
	ur_status status = prepare(&t, job, err);

	if (!status)
		status = ur_model_shape(ur_job_spec(job), &words, job->ctx->k, 1, &t.m, &weights, err);
	if (!status) {
		plan(&t, &t.arena);
		*p = t.subject->plan;
		p->all = t.arena.used > SIZE_MAX - weights ? SIZE_MAX : t.arena.used + weights;
		p->weights = weights;
		p->optimiser = t.m->floats * sizeof(float) * (size_t)(t.optimizer->moments + 2);
		p->activations = p->all - p->weights - p->optimiser - p->states - p->data - p->validation;
		p->parameters = t.m->scalars;
	}
	ur_subject_close(t.subject);
	ur_model_free(t.m);
	return status;
}

ur_status ur_train_memory(const ur_job *job, size_t *bytes, int64_t *parameters, ur_err *err)
{
	ur_train_plan p;
	ur_status status = ur_train_plan_of(job, &p, err);

	if (!status) {
		*bytes = p.all;
		*parameters = p.parameters;
	}
	return status;
}

/* -- one step -- */

static const char *not_finite(const ur_model *m, const float *values)
{
	for (int i = 0; i < m->params; i++)
		for (size_t j = 0; j < m->param[i].count; j++)
			if (!isfinite(values[m->param[i].at + j]))
				return m->param[i].name;
	return NULL;
}

static ur_status diverged(const trainer *t, const char *what, const char *name, ur_err *err)
{
	return ur_fail(err, UR_E_DIVERGED, "diverged at step %lld: %s%s is not finite (learning rate %g). Use a smaller "
		"--lr, more --warmup or a smaller --clip%s", (long long)t->run.step + 1, what, name ? name : "", t->lr,
		t->job->out ? "; the last checkpoint is from before" : "");
}

static ur_status one_step(trainer *t, ur_err *err)
{
	const ur_ctx *c = t->job->ctx;
	ur_profile *p = t->job->profile;
	ur_backward *back = &t->subject->back;
	const int64_t first = t->run.step * t->r.accumulate;
	double loss = 0, start;
	int64_t targets = 0, tokens = 0;
	float scale = 1;

	memset(back->all, 0, t->m->floats * sizeof *back->all);
	for (int i = 0; i < t->r.accumulate; i++) {
		targets += t->subject->kind->targets(t->subject, first + i);
		tokens += t->subject->kind->tokens ? t->subject->kind->tokens(t->subject, first + i) : 0;
	}
	for (int i = 0; i < t->r.accumulate; i++) {
		double sum;
		ur_status status = t->subject->kind->pass(t->subject, first + i, (float)(1 / (double)targets), &sum, err);
		if (status)
			return status;
		loss += sum / (double)targets;
	}
	t->lr = ur_schedule_rate(t->schedule, &t->r, &t->run.pace, t->run.step);
	if (!isfinite(loss))
		return diverged(t, "the loss", NULL, err);
	start = ur_profile_start(p);
	t->grad_norm = ur_grad_norm(c, t->m->floats, back->all, t->parts);
	if (!isfinite(t->grad_norm))
		return diverged(t, "the gradient of ", not_finite(t->m, back->all), err);
	if (t->r.clip > 0 && t->grad_norm > t->r.clip)
		scale = (float)(t->r.clip / t->grad_norm);
	ur_optimizer_step(t->optimizer, c, &t->r, t->m, t->run.step + 1, t->lr, scale, back->all, t->m1, t->m2);
	ur_profile_end(p, UR_OP_OPTIMISER, start, 0, 8.0 * sizeof(float) * (double)t->m->floats);
	start = ur_profile_start(p);
	ur_model_pack(t->m, c);
	ur_profile_end(p, UR_OP_PACK, start, 0, 5.0 * sizeof(float) * (double)t->m->floats);
	t->last_loss = loss;
	t->run.loss_sum += loss;
	t->run.loss_count++;
	t->run.step++;
	t->run.tokens += tokens ? tokens : targets;
	return UR_OK;
}

/* -- around the steps -- */

static ur_status save_checkpoint(trainer *t, ur_err *err)
{
	double start = ur_profile_start(t->job->profile);
	ur_status status = UR_OK;
	if (t->job->out)
		status = ur_checkpoint_save(&(ur_checkpoint){ t->m, t->m1, t->m2, t->best, t->subject->carried,
		                            t->subject->carried_bytes, &t->run, &t->r, t->fingerprint, &t->split },
		                            t->ckpt, err);
	t->saved = ur_clock();
	ur_profile_end(t->job->profile, UR_OP_SAVE, start, 0, 0);
	return status;
}

/* The model file holds the best weights so far. Nothing in it depends on the clock:
 * the same run gives the same bytes. */
static ur_status save_model(trainer *t, ur_err *err)
{
	json_t *recipe;
	char *text, loss[40], step[32];
	double start = ur_profile_start(t->job->profile);
	ur_status status;
	int n = 0;
	ur_extra extra[5];

	if (!t->job->out)
		return UR_OK;
	recipe = ur_recipe_to_json(&t->r);
	text = recipe ? json_dumps(recipe, JSON_COMPACT) : NULL;
	json_decref(recipe);
	snprintf(loss, sizeof loss, "%.17g", t->run.best_loss);
	snprintf(step, sizeof step, "%lld", (long long)t->run.step);
	extra[n++] = (ur_extra){ "unroll.step", step };
	if (!isnan(t->run.best_loss))
		extra[n++] = (ur_extra){ "unroll.val_loss", loss };
	if (text)
		extra[n++] = (ur_extra){ "unroll.recipe", text };
	if (t->job->task)
		extra[n++] = (ur_extra){ "unroll.task", t->job->task->text };
	if (t->job->command)
		extra[n++] = (ur_extra){ "unroll.command", t->job->command };
	status = ur_model_save(t->m, t->job->out, n, extra, err);
	free(text);
	ur_profile_end(t->job->profile, UR_OP_SAVE, start, 0, 0);
	return status;
}

/* The weights as they are become the ones that are kept. */
static ur_status keep(trainer *t, ur_err *err)
{
	t->run.best_loss = t->run.val_loss;
	t->run.best_step = t->run.step;
	memcpy(t->best, t->m->weights, t->m->floats * sizeof *t->best);
	return save_model(t, err);
}

static ur_status validate(trainer *t, ur_err *err)
{
	double start = ur_profile_start(t->job->profile), begun = ur_clock();
	int better;
	ur_status status;

	status = t->subject->kind->validate(t->subject, t->r.eval_tokens, &t->run.val_loss, &t->run.scored, NULL, err);
	ur_profile_end(t->job->profile, UR_OP_VALIDATE, start, 0, 0);
	if (status)
		return status;
	if (!isfinite(t->run.val_loss))
		return diverged(t, "the validation loss", NULL, err);
	t->run.train_loss = t->run.loss_sum / (double)t->run.loss_count;
	t->run.loss_sum = 0;
	t->run.loss_count = 0;
	better = isnan(t->run.best_loss) || t->run.val_loss < t->run.best_loss;
	if (better && (status = keep(t, err)))
		return status;
	t->run.stale = better ? 0 : t->run.stale + 1;
	if (t->schedule->validated)
		t->schedule->validated(&t->r, &t->run.pace, better);
	if (t->r.patience > 0 && t->run.stale >= t->r.patience)
		t->run.done = 1;
	t->mark += ur_clock() - begun; /* tokens per second count training alone */
	return UR_OK;
}

static ur_step_report report_of(const trainer *t)
{
	const double now = ur_clock(), span = now - t->mark;
	ur_step_report r = {
		.step = t->run.step, .steps = t->r.steps, .tokens = t->run.tokens, .loss = t->last_loss,
		.grad_norm = t->grad_norm, .lr = t->lr,
		.tokens_per_second = span > 0 ? (double)(t->run.tokens - t->mark_tokens) / span : 0, .seconds = now - t->clock,
		.trained_seconds = t->run.seconds, .val_loss = t->run.val_loss, .best_loss = t->run.best_loss,
		.best_step = t->run.best_step,
		.task = t->subject->task_score.sequences ? &t->subject->task_score : NULL,
	};
	r.eta = t->run.step > 0 ? t->run.seconds / (double)t->run.step * (double)(t->r.steps - t->run.step) : 0;
	return r;
}

static int report(trainer *t, int validated)
{
	ur_step_report r = report_of(t);

	r.validated = validated;
	/* the rate is of the last second or so: of one step it would jump about */
	if (ur_clock() - t->mark > 1) {
		t->mark = ur_clock();
		t->mark_tokens = t->run.tokens;
	}
	return t->job->report ? t->job->report(t->job->arg, &r) : 0;
}

/* Measured apart from the steps: what is trained does not depend on it. */
static ur_status look_back(trainer *t, ur_err *err)
{
	const double start = ur_profile_start(t->job->profile), begun = ur_clock();
	const ur_step_report now = report_of(t);
	ur_reach reach;
	ur_status status;

	if (!t->job->gradients)
		return UR_OK;
	if ((status = t->subject->kind->sample(t->subject, t->reach.T, t->reach.B, t->reach.ids, t->reach.targets, err)))
		return status;
	ur_reach_measure(&t->reach, &reach);
	ur_profile_end(t->job->profile, UR_OP_VALIDATE, start, 0, 0);
	t->job->gradients(t->job->arg, &now, &reach);
	t->mark += ur_clock() - begun;
	return UR_OK;
}

static ur_status run_steps(trainer *t, ur_err *err)
{
	ur_status status;
	int stop = 0;

	if ((status = look_back(t, err)))
		return status;
	while (t->run.step < t->r.steps && !t->run.done && !stop) {
		double begun = ur_clock();
		int validated = 0;

		if ((status = one_step(t, err)))
			return status;
		t->run.seconds += ur_clock() - begun;
		if (t->subject->validates && ((t->r.eval_every > 0 && t->run.step % t->r.eval_every == 0) ||
		                     t->run.step == t->r.steps)) {
			if ((status = validate(t, err)))
				return status;
			validated = 1;
		}
		if ((validated || t->run.step == t->r.steps) && (status = look_back(t, err)))
			return status;
		stop = report(t, validated);
		if (stop == UR_ENOUGH) {
			t->run.done = 1;
			stop = 0;
			/* what was good enough is kept, also where an earlier loss was lower */
			if (validated && (status = keep(t, err)))
				return status;
		}
		if (stop || t->run.done || t->run.step == t->r.steps ||
		    (t->job->checkpoint_every > 0 ? t->run.step % t->job->checkpoint_every == 0
		                                  : ur_clock() - t->saved > CHECKPOINT_SECONDS)) {
			if ((status = save_checkpoint(t, err)))
				return status;
		}
	}
	return stop && t->run.step < t->r.steps
	           ? ur_fail(err, UR_E_STOPPED, "stopped after step %lld of %lld", (long long)t->run.step,
	                     (long long)t->r.steps)
	           : UR_OK;
}

static int same_vocab(const ur_vocab *a, const ur_vocab *b)
{
	return a && b ? ur_vocab_hash(a) == ur_vocab_hash(b) : a == b;
}

static ur_status start(trainer *t, ur_err *err)
{
	const ur_job *job = t->job;
	const ur_words words = ur_job_words(job);
	ur_status status = ur_model_create(ur_job_spec(job), &words, job->ctx->k, 1, &t->m, err);

	if (status)
		return status;
	plan(t, &t->arena);
	if (!ur_arena_open(&t->arena))
		return ur_fail(err, UR_E_NOMEM, "training needs %zu MiB more than there is; use a smaller --batch-size or "
		               "--seq-len", t->arena.used >> 20);
	plan(t, &t->arena);
	if (job->start) {
		if (!same_vocab(words.vocab, job->start->vocab) || !same_vocab(words.source, job->start->source))
			return ur_fail(err, UR_E_INVALID, "the data is not encoded with the model's vocabulary");
		memcpy(t->m->weights, job->start->weights, t->m->floats * sizeof *t->m->weights);
	} else {
		ur_model_init(t->m, t->r.seed);
	}
	if (job->out) {
		if (ur_checkpoint_path(job->out, t->ckpt, sizeof t->ckpt) >= (int)sizeof t->ckpt)
			return ur_fail(err, UR_E_INVALID, "the name of the model file is too long");
		if ((status = t->subject->kind->identify(t->subject, &t->fingerprint, &t->split, err)))
			return status;
	}
	if (job->resume) {
		ur_checkpoint c = { t->m, t->m1, t->m2, t->best, t->subject->carried, t->subject->carried_bytes, &t->run, &t->r,
		                    t->fingerprint, &t->split };
		if (!job->out)
			return ur_fail(err, UR_E_INVALID, "resuming needs the name of the model file");
		if ((status = ur_checkpoint_load(&c, t->ckpt, err)))
			return status;
	}
	ur_model_pack(t->m, job->ctx);
	return UR_OK;
}

/* The best weights become the model's; the model file has them already unless nothing was validated. */
static ur_status finish(trainer *t, ur_outcome *o, ur_err *err)
{
	int64_t tokens, bytes;
	double loss;
	ur_status status = UR_OK;

	*o = (ur_outcome){ .steps = t->run.step, .tokens = t->run.tokens, .seconds = t->run.seconds,
		.train_loss = t->run.loss_count ? t->run.loss_sum / (double)t->run.loss_count : t->run.train_loss,
		.val_loss = t->run.val_loss, .best_loss = t->run.best_loss, .best_step = t->run.best_step,
		.scored = t->run.scored, .stopped_early = t->run.done, .bits_per_byte = NAN };
	if (isnan(t->run.best_loss))
		return save_model(t, err);
	memcpy(t->m->weights, t->best, t->m->floats * sizeof *t->best);
	ur_model_pack(t->m, t->job->ctx);
	if (t->run.step == t->r.steps || t->run.done) {
		status = t->subject->kind->validate(t->subject, t->r.eval_tokens, &loss, &tokens, &bytes, err);
		o->bits_per_byte = loss * (double)tokens / log(2) / (double)bytes;
		o->task = t->subject->task_score;
	}
	return status;
}

ur_status ur_train(const ur_job *job, ur_model **model, ur_outcome *outcome, ur_err *err)
{
	trainer *t = calloc(1, sizeof *t);
	ur_outcome ignored;
	ur_status status;

	if (model)
		*model = NULL;
	if (!t)
		return ur_fail(err, UR_E_NOMEM, "no memory to train");
	status = prepare(t, job, err);
	if (!status)
		status = start(t, err);
	if (!status) {
		t->clock = t->mark = t->saved = ur_clock();
		t->mark_tokens = t->run.tokens;
		status = run_steps(t, err);
	}
	if (!status)
		status = finish(t, outcome ? outcome : &ignored, err);
	if (!status && model) {
		*model = t->m;
		t->m = NULL;
	}
	ur_subject_close(t->subject);
	ur_arena_close(&t->arena);
	ur_model_free(t->m);
	free(t);
	return status;
}
