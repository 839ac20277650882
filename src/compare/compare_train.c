/* Training: calibration, trials, and the runs themselves, which take turns. A run advances by a slice, leaves a
 * checkpoint, and the next contender goes on; so noise of the machine hits all alike, only one model is in memory, and
 * a comparison killed anywhere goes on from the last checkpoints. */
#include "compare/compare_parts.h"

#include "base/machine.h"
#include "base/order.h"
#include "measure/energy.h"
#include "train/optimizer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RATE_STEPS = 4096, CURVE_POINTS = 128, HELD_POINTS = 16, MOST_SLICES = 8, CALIBRATION_STEPS = 2 };
static const double CALIBRATION_SECONDS = 1, SLICE_SECONDS = 6;

/* -- what a training run tells while it goes on -- */

struct run {
	ur_comparing *q;
	const ur_contender *c;
	ur_trained *of;                 /* NULL: calibration or trial */
	int64_t id;                     /* the journal's, 0: none */
	double work;                    /* estimated seconds of all its steps */
	int64_t until;                  /* stop after so many steps, 0: at its end; a trial also validates there */
	double until_seconds;           /* calibration: stop after so many seconds */
	double val_loss, seconds;
	int64_t step, tokens;
	int64_t from;                   /* where its work began that is not counted yet */
	double loss_sum;
	int64_t loss_count, loss_every;
	ur_status failed;               /* of the journal, or UR_E_STOPPED: the user's */
	ur_err err;
	int held;
	ur_journal_point point[HELD_POINTS];
	double flushed, last, first;
	int timed;
	double token_seconds[RATE_STEPS];
};

/* Median over steps of tokens a second; NaN: none was timed. */
static double rate_of(struct run *run)
{
	return run->timed > 0 ? 1 / ur_median(run->timed < RATE_STEPS ? run->timed : RATE_STEPS, run->token_seconds) : NAN;
}

static void flush(struct run *run)
{
	const ur_journal *j = run->q->what->journal;

	if (run->held > 0 && !run->failed && run->id)
		run->failed = j->points(j->arg, run->id, run->held, run->point, &run->err);
	run->held = 0;
	run->flushed = ur_clock();
}

static void hold(struct run *run, const char *name, const ur_step_report *r, double value)
{
	if (run->held == HELD_POINTS)
		flush(run);
	run->point[run->held++] = (ur_journal_point){ name, r->step, r->tokens, r->trained_seconds,
		(double)r->tokens * run->c->flops_per_token, value };
}

/* A main run's state, curve and points. */
static void note(struct run *run, const ur_step_report *r)
{
	ur_trained *of = run->of;

	of->step = r->step;
	of->tokens = r->tokens;
	of->seconds = r->trained_seconds;
	of->train_loss = r->loss;
	run->loss_sum += r->loss;
	run->loss_count++;
	if (r->step % run->loss_every == 0 || r->step == r->steps) {
		hold(run, "train_loss", r, run->loss_sum / (double)run->loss_count);
		hold(run, "lr", r, r->lr);
		run->loss_sum = 0;
		run->loss_count = 0;
	}
	if (r->validated) {
		of->val_loss = r->val_loss;
		hold(run, "val_loss", r, r->val_loss);
		/* before the checkpoint that is written next: a run that goes on from there lacks no validation. Of training
		 * losses, which are only looked at, a killed process takes the last with it. */
		flush(run);
	} else if (ur_clock() - run->flushed > 2) {
		flush(run);
	}
}

static int on_step(void *arg, const ur_step_report *r)
{
	struct run *run = arg;
	const double now = ur_clock();
	ur_stage *stage = &run->q->stage;

	/* the first step touches memory for the first time; a validation is no part of a step */
	if (run->last > 0 && !r->validated)
		run->token_seconds[run->timed++ % RATE_STEPS] = (now - run->last) / (double)(r->tokens - run->tokens);
	if (!(run->first > 0))
		run->first = now;
	run->last = now;
	run->step = r->step;
	run->tokens = r->tokens;
	run->seconds = r->trained_seconds;
	if (run->of)
		note(run, r);
	stage->step = r->step;
	stage->steps = run->of || run->until == 0 ? r->steps : run->until;
	stage->lr = r->lr;
	stage->loss = r->loss;
	if (!run->failed)
		run->failed = ur_comparing_say(run->q, run->work * (double)(r->step - run->from) / (double)r->steps, &run->err);
	if (run->failed)
		return 1;
	if (r->validated)
		run->val_loss = r->val_loss;
	if (run->until_seconds > 0)
		return run->timed >= CALIBRATION_STEPS && now - run->first > run->until_seconds;
	return run->until > 0 && r->step >= run->until && (run->of || r->validated);
}

/* -- jobs -- */

double ur_comparing_step_tokens(const ur_comparing *q, const ur_contender *c, const ur_recipe *r)
{
	ur_job job = { .recipe = *r, .spec = c->spec, .ctx = q->what->ctx };

	q->on->job(q, 1, &job);
	return ur_job_step_tokens(&job);
}

void ur_comparing_recipe(const ur_comparing *q, const ur_contender *c, int64_t tokens, ur_recipe *r)
{
	int64_t least = tokens;

	ur_recipe_defaults(r, &c->spec);
	r->schedule = "trapezoid";
	q->on->batch(q, c, r);
	r->steps = llround((double)tokens / ur_comparing_step_tokens(q, c, r));
	if (r->steps < 1)
		r->steps = 1;
	r->warmup = r->steps / 10 < 100 ? r->steps / 10 : 100;
	r->seed = q->what->seed;
	r->eval_every = r->steps / UR_VALIDATIONS > 0 ? r->steps / UR_VALIDATIONS : 1;
	/* all are validated on the same tokens */
	for (int i = 0; i < q->out->n; i++)
		if (q->out->of[i].tokens > 0 && q->out->of[i].tokens < least)
			least = q->out->of[i].tokens;
	r->eval_tokens = ur_budget_validation(&q->work, least);
}

static void job_of(const ur_comparing *q, const ur_contender *c, const ur_recipe *r, int only, struct run *run,
                   ur_job *job)
{
	*job = (ur_job){ .recipe = *r, .spec = c->spec, .ctx = q->what->ctx, .report = on_step, .arg = run,
	                 .command = q->what->command };
	q->on->job(q, only, job);
}

/* ur_train's status, less the stops that were ours. */
static ur_status outcome_of(const struct run *run, ur_status status, ur_err *err)
{
	if (status == UR_E_STOPPED && run->failed) {
		if (err)
			*err = run->err;
		return run->failed;
	}
	return status == UR_E_STOPPED ? UR_OK : status;
}

/* What happened, without the advice for those who train one model. */
static void lost(char out[256], const char *why)
{
	const char *end = strstr(why, ". ");
	(void)snprintf(out, 256, "%.*s", end && end - why < 250 ? (int)(end - why) : 250, why);
}

static ur_status no_memory(ur_err *err) { return ur_fail(err, UR_E_NOMEM, "no memory to compare"); }

/* -- calibration -- */

static ur_status time_scoring(ur_comparing *q, const ur_contender *c, ur_rate *rate, ur_err *err)
{
	const ur_words words = q->on->words(q->what);
	ur_model *m;
	ur_status status = ur_model_create(&c->spec, &words, q->what->ctx->k, 0, &m, err);

	if (status)
		return status;
	ur_model_init(m, q->what->seed);
	ur_model_pack(m, q->what->ctx);
	status = q->on->time(q, c, m, rate, err);
	ur_model_free(m);
	return status;
}

ur_status ur_comparing_calibrate(ur_comparing *q, int i, ur_err *err)
{
	ur_contender *c = &q->out->of[i];
	struct run *run;
	ur_memory memory;
	ur_recipe r;
	ur_job job;
	json_t *fact;
	ur_status status = ur_recall(q, &fact, err, "shared/calibration/%s", c->name);

	if (status || fact) {
		c->rate = (ur_rate){ ur_fact_number(fact, "train"), ur_fact_number(fact, "score"),
			ur_fact_number(fact, "after") };
		json_decref(fact);
		return status;
	}
	if ((status = ur_comparing_begin(q, "calibrating", i, -1, err)))
		return status;
	if (!(run = calloc(1, sizeof *run)))
		return no_memory(err);
	ur_comparing_recipe(q, c, (int64_t)1 << 40, &r); /* steps without end, that change next to nothing */
	r.lr = 1e-6;
	run->q = q;
	run->c = c;
	run->until_seconds = CALIBRATION_SECONDS;
	job_of(q, c, &r, 1, run, &job);
	status = ur_memory_plan(&job, &memory, err);
	if (!status)
		status = outcome_of(run, ur_train(&job, NULL, NULL, err), err);
	if (!status)
		status = time_scoring(q, c, &c->rate, err);
	if (!status) {
		c->rate.train = rate_of(run);
		status = ur_keep(q, json_pack("{s:f, s:f, s:f}", "train", c->rate.train, "score", c->rate.score,
		                 "after", c->rate.after), err,
		                 "shared/calibration/%s", c->name);
	}
	free(run);
	return status;
}

/* -- trials -- */

struct trial {
	ur_comparing *q;
	int which;
	const ur_tunable *what;
};

/* The beginning of a run, ended by its first validation: what is best under a schedule that is over soon is not what is
 * best in a long one. */
static ur_status train_trial(struct trial *t, const ur_recipe *r, const char *name, struct run *run, json_t **fact,
                             ur_err *err)
{
	ur_comparing *q = t->q;
	const ur_journal *j = q->what->journal;
	ur_contender *c = &q->out->of[t->which];
	json_t *recipe = ur_recipe_to_json(r);
	ur_err why = { 0 };
	ur_job job;
	double rate;
	ur_status status;

	*run = (struct run){ .q = q, .c = c, .until = r->eval_every, .val_loss = NAN, .loss_every = 1 };
	run->work = q->seconds[t->which];
	job_of(q, c, r, 0, run, &job);
	status = j->begin(j->arg, &(ur_journal_run){ "trial", name, c->spec.text, (int64_t)r->seed, recipe }, &run->id,
	                  err);
	json_decref(recipe);
	if (status)
		return status;
	status = outcome_of(run, ur_train(&job, NULL, NULL, &why), &why);
	if (status && status != UR_E_DIVERGED) {
		if (err)
			*err = why;
		return status;
	}
	/* a single step has no other to be timed against */
	rate = run->timed > 2 ? rate_of(run) : NAN;
	*fact = json_pack("{s:f, s:o, s:I, s:o}", "value", *ur_tunable_in(t->what, (ur_recipe *)(uintptr_t)r),
		"loss", ur_fact_real(status ? NAN : run->val_loss),
		"tokens", (json_int_t)run->tokens, "rate", ur_fact_real(rate));
	return j->end(j->arg, run->id, status ? "diverged" : "done", run->step, run->tokens, run->seconds,
	              status ? NAN : run->val_loss, err);
}

/* One trial of one contender, or what is known of it: its loss, NaN where it diverged. */
static ur_status one_trial(struct trial *t, const char *which, double value, double *loss, ur_err *err)
{
	ur_comparing *q = t->q;
	ur_contender *c = &q->out->of[t->which];
	ur_recipe r = c->recipe;
	char name[160], stage[64];
	json_t *fact;
	double rate;
	ur_status status;

	(void)snprintf(name, sizeof name, "%s/%s-%s", c->name, t->what->name, which);
	(void)snprintf(stage, sizeof stage, "trial %s of %d%s%s", which, q->what->trials, q->what->tuned > 1 ? " of " : "",
	               q->what->tuned > 1 ? t->what->name : "");
	*ur_tunable_in(t->what, &r) = value;
	r.eval_every = (int64_t)((double)r.steps * q->what->share) > 1 ? (int64_t)((double)r.steps * q->what->share) : 1;
	status = ur_recall(q, &fact, err, "trial/%s", name);
	if (!status && !fact && !(status = ur_comparing_begin(q, stage, t->which, -1, err))) {
		struct run *run = calloc(1, sizeof *run);
		status = run ? train_trial(t, &r, name, run, &fact, err) : no_memory(err);
		free(run);
		if (!status)
			status = ur_keep(q, json_incref(fact), err, "trial/%s", name);
	}
	if (!status) {
		*loss = ur_fact_number(fact, "loss");
		rate = ur_fact_number(fact, "rate");
		/* from now on the speed is the best that trials had: others on the machine can only slow one down */
		if (isfinite(rate) && rate > c->trial_rate)
			c->trial_rate = rate;
	}
	json_decref(fact);
	q->done += q->seconds[t->which] * q->what->share;
	return status;
}

/* The next value of a search. What is known is not trained again: a value that an earlier search settled on has its
 * loss, and one that starts where a search by factors cannot, at 0, is tried as it is first. */
static ur_status next_trial(struct trial *t, int trial, ur_tuning *tuning, double *best, ur_err *err)
{
	ur_recipe *r = &t->q->out->of[t->which].recipe;
	const double now = *ur_tunable_in(t->what, r);
	char which[16];
	double value, loss = *best;
	ur_status status = UR_OK;

	if (trial == 0 && isinf(*best) && !(now > 0)) {
		status = one_trial(t, "as-it-is", now, &loss, err);
		*best = isfinite(loss) ? loss : INFINITY;
	}
	value = ur_tune_next(tuning, now > 0 ? now : t->what->otherwise);
	if (status)
		return status;
	if (trial > 0 || !(now > 0) || isinf(*best)) {
		(void)snprintf(which, sizeof which, "%d", trial + 1);
		status = one_trial(t, which, value, &loss, err);
	}
	if (!status)
		ur_tune_add(tuning, value, loss);
	return status;
}

/* The default rate suits a model of about a million parameters, and smaller ones take more. */
static double first_rate(const ur_contender *c)
{
	return ur_tune_round(c->recipe.lr * fmin(fmax(sqrt(1e6 / (double)c->parameters), 0.25), 4));
}

/* The best value that was found, if it is no worse than without: `best` is the loss so far. */
static void settle(ur_contender *c, const ur_tunable *what, ur_tuning *found, double *best)
{
	if (found->best < 0 && isinf(*best)) {
		c->diverged = 1;
		(void)snprintf(c->why, sizeof c->why, "every %s tried diverged", what->name);
	} else if (found->best >= 0 && found->trial[found->best].loss <= *best) {
		*best = found->trial[found->best].loss;
		*ur_tunable_in(what, &c->recipe) = found->trial[found->best].value;
	} else {
		found->best = -1;
	}
}

ur_status ur_comparing_tune(ur_comparing *q, ur_err *err)
{
	ur_comparison *o = q->out;
	double best[UR_MOST_CONTENDERS];
	ur_status status = UR_OK;

	for (int i = 0; i < o->n; i++) {
		ur_contender *c = &o->of[i];
		ur_comparing_recipe(q, c, c->tokens, &c->recipe);
		c->recipe.lr = q->what->lr ? q->what->lr[i] : first_rate(c);
		best[i] = INFINITY;
	}
	for (int k = 0; k < q->what->tuned && !status; k++) {
		for (int i = 0; i < o->n; i++)
			ur_tune_begin(&o->of[i].tuning[k]);
		/* in turns, like the runs */
		for (int trial = 0; trial < q->what->trials; trial++)
			for (int i = 0; i < o->n && !status; i++) {
				struct trial t = { .q = q, .which = i, .what = q->what->tune[k] };
				if (!o->of[i].diverged)
					status = next_trial(&t, trial, &o->of[i].tuning[k], &best[i], err);
			}
		for (int i = 0; i < o->n && !status; i++)
			if (!o->of[i].diverged)
				settle(&o->of[i], q->what->tune[k], &o->of[i].tuning[k], &best[i]);
	}
	return status;
}

/* -- runs -- */

ur_status ur_comparing_path(const ur_comparing *q, const ur_contender *c, uint64_t seed, char path[UR_COMPARE_PATH],
                            ur_err *err)
{
	int n = snprintf(path, UR_COMPARE_PATH, "%s/%s-%llu.safetensors", q->what->journal->folder, c->name,
	                 (unsigned long long)seed);
	return n < UR_COMPARE_PATH - 8 ? UR_OK
	                               : ur_fail(err, UR_E_INVALID, "the name of the folder for models is too long");
}

static json_t *trained_fact(const ur_trained *of)
{
	json_t *blocks = json_array(), *fact;

	for (int i = 0; i < of->blocks.n; i++)
		json_array_append_new(blocks, json_real(of->blocks.mean[i]));
	fact = json_pack("{s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:b, s:o, s:I}",
		"run", (json_int_t)of->id, "steps", (json_int_t)of->step, "tokens", (json_int_t)of->tokens,
		"seconds", of->seconds, "train_loss", ur_fact_real(of->train_loss), "val_loss", ur_fact_real(of->val_loss),
		"loss", ur_fact_real(of->loss), "loss_same", ur_fact_real(of->loss_same),
		"bits_per_byte", ur_fact_real(of->bits_per_byte), "joules", ur_fact_real(of->joules),
		"memory_planned", (json_int_t)of->memory.planned, "memory_parameters", (json_int_t)of->memory.parameters,
		"memory_before", (json_int_t)of->memory.before, "memory_peak", (json_int_t)of->memory.peak,
		"memory_since_start", of->memory.since_start, "blocks", blocks, "block_tokens", (json_int_t)of->blocks.tokens);
	if (fact && of->state == UR_RUN_DIVERGED)
		json_object_set_new(fact, "diverged", json_string(of->why));
	return fact;
}

static void take_fact(const json_t *fact, ur_trained *of)
{
	const json_t *blocks = json_object_get(fact, "blocks"), *why = json_object_get(fact, "diverged");

	of->id = ur_fact_integer(fact, "run");
	of->step = ur_fact_integer(fact, "steps");
	of->tokens = ur_fact_integer(fact, "tokens");
	of->seconds = ur_fact_number(fact, "seconds");
	of->train_loss = ur_fact_number(fact, "train_loss");
	of->val_loss = ur_fact_number(fact, "val_loss");
	of->loss = ur_fact_number(fact, "loss");
	of->loss_same = ur_fact_number(fact, "loss_same");
	of->bits_per_byte = ur_fact_number(fact, "bits_per_byte");
	of->joules = ur_fact_number(fact, "joules");
	of->memory = (ur_memory){ (size_t)ur_fact_integer(fact, "memory_planned"),
		ur_fact_integer(fact, "memory_parameters"), ur_fact_integer(fact, "memory_before"),
		ur_fact_integer(fact, "memory_peak"), json_is_true(json_object_get(fact, "memory_since_start")) };
	of->blocks = (ur_blocks){ .tokens = ur_fact_integer(fact, "block_tokens") };
	for (size_t i = 0; i < json_array_size(blocks) && i < UR_MOST_BLOCKS; i++)
		of->blocks.mean[of->blocks.n++] = json_number_value(json_array_get(blocks, i));
	of->state = why ? UR_RUN_DIVERGED : UR_RUN_DONE;
	(void)snprintf(of->why, sizeof of->why, "%s", why ? json_string_value(why) : "");
}

/* The whole curve, from whatever sittings it comes. */
static ur_status take_curve(ur_comparing *q, const ur_contender *c, ur_trained *of, ur_err *err)
{
	const ur_journal *j = q->what->journal;
	const int64_t fall = ur_schedule_fall(&c->recipe);
	json_t *curves = NULL;
	const json_t *values;
	ur_status status = j->curves(j->arg, of->id, &curves, err);

	values = json_object_get(curves, "val_loss");
	of->points = 0;
	for (size_t i = 0; i < json_array_size(values) && of->points < 2 * UR_VALIDATIONS; i++) {
		const json_t *p = json_array_get(values, i);
		of->curve[of->points++] = (ur_curve_point){ { json_number_value(json_array_get(p, 1)),
			json_number_value(json_array_get(p, 3)), json_number_value(json_array_get(p, 2)) },
			json_is_null(json_array_get(p, 4)) ? NAN : json_number_value(json_array_get(p, 4)),
			json_integer_value(json_array_get(p, 0)) > fall };
	}
	json_decref(curves);
	return status;
}

/* The end of a run: scored, kept, and its checkpoint gone. */
static ur_status finish(ur_comparing *q, ur_contender *c, ur_trained *of, const ur_model *m, const char *path,
                        ur_err *err)
{
	const ur_journal *j = q->what->journal;
	char checkpoint[UR_COMPARE_PATH + 8];
	ur_status status = UR_OK;

	of->state = m ? UR_RUN_DONE : UR_RUN_DIVERGED;
	if (m)
		status = q->on->score(q, c, of, m, err);
	q->done += q->scoring[c - q->out->of];
	/* in this order: killed in between, it ends once more */
	if (!status)
		status = j->end(j->arg, of->id, m ? "done" : "diverged", of->step, of->tokens, of->seconds, of->loss, err);
	if (!status)
		status = ur_keep(q, trained_fact(of), err, "run/%s/%llu", c->name, (unsigned long long)of->seed);
	if (!status && ur_checkpoint_path(path, checkpoint, sizeof checkpoint) < (int)sizeof checkpoint)
		(void)unlink(checkpoint);
	return status;
}

/* Training from wherever it stands to step `until`, with what it took; *m NULL: it has not come to its end. */
static ur_status train_slice(ur_comparing *q, ur_trained *of, const ur_recipe *r, const char *path, struct run *run,
                             ur_model **m, ur_err *err)
{
	const double started = ur_clock();
	char checkpoint[UR_COMPARE_PATH + 8];
	ur_energy before, after;
	ur_outcome outcome;
	ur_memory memory;
	ur_job job;
	ur_status status;

	job_of(q, run->c, r, 0, run, &job);
	job.out = path;
	(void)ur_checkpoint_path(path, checkpoint, sizeof checkpoint);
	job.resume = !access(checkpoint, F_OK);
	if (!job.resume)
		of->joules = 0; /* of a run that another sitting began it stays unknown */
	ur_energy_read("", &before);
	status = ur_memory_train(&job, m, &outcome, &memory, err);
	ur_energy_read("", &after);
	flush(run);
	/* counters may have wrapped more than once */
	of->joules += ur_clock() - started < 1800 ? ur_energy_between(&before, &after) : NAN;
	if (memory.peak > of->memory.peak)
		of->memory = memory;
	if (*m) {
		of->val_loss = outcome.best_loss;
		of->seconds = outcome.seconds;
		of->step = outcome.steps;
		of->tokens = outcome.tokens;
	}
	return run->failed ? UR_E_STOPPED : status;
}

/* One run, to step `until` (its last: to the end). */
static ur_status advance(ur_comparing *q, int i, int s, int64_t until, ur_err *err)
{
	ur_contender *c = &q->out->of[i];
	ur_trained *of = &c->run[s];
	struct run *run = calloc(1, sizeof *run);
	char path[UR_COMPARE_PATH];
	ur_model *m = NULL;
	ur_recipe r = c->recipe;
	ur_err why = { 0 };
	ur_status status = run ? ur_comparing_path(q, c, of->seed, path, err) : no_memory(err);

	if (status) {
		free(run);
		return status;
	}
	r.seed = of->seed;
	*run = (struct run){ .q = q, .c = c, .of = of, .id = of->id, .from = of->step, .until = until < r.steps ? until : 0,
	                     .work = q->seconds[i], .flushed = ur_clock() };
	run->loss_every = r.steps / CURVE_POINTS > 0 ? r.steps / CURVE_POINTS : 1;
	status = outcome_of(run, train_slice(q, of, &r, path, run, &m, &why), &why);
	q->done += q->seconds[i] * (double)(of->step - run->from) / (double)r.steps;
	if (status == UR_E_DIVERGED) {
		lost(of->why, why.text);
		status = finish(q, c, of, NULL, path, err);
	} else if (status) {
		if (err)
			*err = why;
	} else if (m && !(status = ur_comparing_begin(q, "scoring", i, s, err))) {
		status = finish(q, c, of, m, path, err);
	}
	ur_model_free(m);
	free(run);
	return status;
}

/* What is known of a run, or a new one. */
static ur_status open_run(ur_comparing *q, ur_contender *c, ur_trained *of, ur_err *err)
{
	const ur_journal *j = q->what->journal;
	ur_recipe r = c->recipe;
	json_t *fact, *recipe;
	ur_status status = ur_recall(q, &fact, err, "run/%s/%llu", c->name, (unsigned long long)of->seed);

	if (status || fact) {
		if (fact) {
			take_fact(fact, of);
			q->done += q->seconds[c - q->out->of] + q->scoring[c - q->out->of];
		}
		json_decref(fact);
		return status;
	}
	r.seed = of->seed;
	recipe = ur_recipe_to_json(&r);
	status = j->begin(j->arg, &(ur_journal_run){ "main", c->name, c->spec.text, (int64_t)of->seed, recipe }, &of->id,
	                  err);
	json_decref(recipe);
	of->state = UR_RUN_RUNNING;
	return status;
}

static int slices(const ur_comparing *q)
{
	double longest = 0;

	for (int i = 0; i < q->out->n; i++)
		longest = fmax(longest, q->seconds[i]);
	return longest < SLICE_SECONDS                 ? 1
	       : longest > MOST_SLICES * SLICE_SECONDS ? MOST_SLICES
	                                               : (int)(longest / SLICE_SECONDS);
}

/* All contenders with one seed, a slice each in turns; who begins changes from slice to slice. */
static ur_status train_seed(ur_comparing *q, int s, ur_err *err)
{
	ur_comparison *o = q->out;
	const int parts = slices(q);
	ur_status status = UR_OK;

	for (int i = 0; i < o->n && !status; i++)
		if (!o->of[i].diverged)
			status = open_run(q, &o->of[i], &o->of[i].run[s], err);
	for (int part = 1; part <= parts && !status; part++)
		for (int turn = 0; turn < o->n && !status; turn++) {
			const int i = (turn + part) % o->n;
			ur_contender *c = &o->of[i];

			if (c->diverged || c->run[s].state != UR_RUN_RUNNING)
				continue;
			if (!(status = ur_comparing_begin(q, "training", i, s, err)))
				status = advance(q, i, s, c->recipe.steps * part / parts, err);
		}
	for (int i = 0; i < o->n && !status; i++) {
		ur_contender *c = &o->of[i];
		ur_trained *of = &c->run[s];

		if (of->state == UR_RUN_DIVERGED && !c->diverged) {
			char why[sizeof of->why];
			memcpy(why, of->why, sizeof why);
			c->diverged = 1;
			(void)snprintf(c->why, sizeof c->why, "with seed %llu it %.200s", (unsigned long long)of->seed, why);
		}
		if (of->id)
			status = take_curve(q, c, of, err);
	}
	return status;
}

ur_status ur_comparing_train(ur_comparing *q, ur_err *err)
{
	ur_comparison *o = q->out;
	ur_status status = UR_OK;

	for (int i = 0; i < o->n; i++) {
		ur_contender *c = &o->of[i];
		ur_recipe r = c->recipe;

		/* the tokens may have been worked out anew since it was tuned */
		ur_comparing_recipe(q, c, c->tokens, &c->recipe);
		c->recipe.lr = r.lr;
		c->recipe.weight_decay = r.weight_decay;
		c->recipe.clip = r.clip;
	}
	for (int s = 0; s < o->seeds && !status; s++)
		status = train_seed(q, s, err);
	return status;
}
