/* The order of work: sizes, a short calibration of each, then all trials, then (with a budget of time, the tokens
 * worked out anew from what the trials really took) all main runs. */
#include "compare/compare.h"

#include "base/machine.h"
#include "compare/budget.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { VALIDATIONS = 8, LATENCY_SAMPLES = 480, LEAST_SAMPLES = 48, FARTHEST_POSITION = 1008, LEAST_STEPS = 16 };
enum { BLOCK_TOKENS = 512, RATE_STEPS = 4096 };
static const double calibration_seconds = 0.5, latency_seconds = 0.3, rest_seconds = 1.0;

typedef struct compare {
	const ur_compare *what;
	ur_comparison *out;
	ur_rate rate[UR_MOST_CONTENDERS];
	ur_work work;
	ur_heldout heldout;
	double started, done, total;    /* done, total: estimated seconds of work */
	const char *stage;              /* for the callback */
	const ur_contender *now;
} compare;

/* -- progress -- */

static ur_status say(compare *q, int64_t step, int64_t steps, double lr, double loss, double done, ur_err *err)
{
	ur_stage s = { .what = q->stage, .name = q->now ? q->now->name : "", .step = step, .steps = steps, .lr = lr,
	               .loss = loss, .seconds = ur_clock() - q->started, .tokens = q->out->tokens };

	s.share = q->total > 0 ? (q->done + done) / q->total : 0;
	if (s.share > 1)
		s.share = 1;
	s.eta = q->total > 0 ? q->total - q->done - done : 0;
	if (s.eta < 0)
		s.eta = 0;
	if (q->what->watch && q->what->watch(q->what->arg, &s))
		return ur_fail(err, UR_E_STOPPED, "stopped");
	return UR_OK;
}

static ur_status begin(compare *q, const char *stage, const ur_contender *c, ur_err *err)
{
	q->stage = stage;
	q->now = c;
	return say(q, 0, 0, 0, NAN, 0, err);
}

/* What a training run tells while it goes on. */
struct run {
	compare *q;
	double work;                    /* estimated seconds of all its steps */
	double last, first;             /* when the last step ended, when the first did */
	double until;                   /* calibration: stop after so many seconds */
	int64_t trial;                  /* a trial: stop after so many steps, with the validation's loss */
	double val_loss;
	int n, stopped;                 /* steps timed; stopped by the user */
	double seconds[RATE_STEPS];
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int on_step(void *arg, const ur_step_report *r)
{
	struct run *run = arg;
	double now = ur_clock();
	int64_t steps;

	/* the first step touches memory for the first time; a validation is no part of a step */
	if (run->last > 0 && !r->validated)
		run->seconds[run->n++ % RATE_STEPS] = now - run->last;
	if (run->first == 0)
		run->first = now;
	run->last = now;
	steps = run->trial > 0 ? run->trial : r->steps;
	if (say(run->q, r->step, steps, r->lr, r->loss, run->work * (double)r->step / (double)steps, NULL)) {
		run->stopped = 1;
		return 1;
	}
	if (run->trial > 0 && r->validated) {
		run->val_loss = r->val_loss;
		return 1;
	}
	return run->until > 0 && run->n >= 2 && now - run->first > run->until;
}

/* Median seconds of a step; 0: none was timed. */
static double step_seconds(struct run *run)
{
	int n = run->n < RATE_STEPS ? run->n : RATE_STEPS;

	if (n == 0)
		return 0;
	qsort(run->seconds, (size_t)n, sizeof *run->seconds, by_size);
	return run->seconds[n / 2];
}

/* -- names and sizes -- */

static int taken(const ur_comparison *o, const char *name)
{
	for (int i = 0; i < o->n; i++)
		if (!strcmp(o->of[i].name, name))
			return 1;
	return 0;
}

/* "lstm"; where two are called so, "lstm-2x256"; where that is taken too, with a number. */
static void name_it(const ur_compare *what, ur_comparison *o, ur_contender *c, int which)
{
	const char *text = what->arch[which];
	size_t n = strcspn(text, ":,");
	char base[48];
	int twice = 0, at = 0;

	for (int i = 0; i < what->archs; i++)
		twice |= i != which && strcspn(what->arch[i], ":,") == n && !strncmp(what->arch[i], text, n);
	if (twice)
		text = c->spec.text;
	for (; *text && at < (int)sizeof base - 1 && (twice || !strchr(":,", *text)); text++)
		base[at++] = (char)(isalnum((unsigned char)*text) || strchr("._", *text) ? *text : '-');
	base[at] = 0;
	snprintf(c->name, sizeof c->name, "%s", base);
	for (int i = 2; taken(o, c->name); i++)
		snprintf(c->name, sizeof c->name, "%s-%d", base, i);
}

/* Both follow from the size of the budget, and from nothing that is measured in between: a comparison in tokens can be
 * repeated. */
static void choose_windows(compare *q)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	int64_t tokens = w->tokens > 0 ? w->tokens : ur_budget_guess(w->archs, w->seconds, o->speed.flops, o->target);

	o->window = w->window > 0 ? w->window : ur_budget_window(tokens);
	o->step_tokens = w->step_tokens > 0 ? w->step_tokens : ur_budget_step(tokens);
}

/* A model of limited context whose size is ours to choose and that names no context is built for the windows it is
 * trained on: positions beyond them would never be trained. */
static ur_status give_context(ur_spec *spec, int V, int window, const ur_kernels *k, ur_err *err)
{
	char text[UR_SPEC_TEXT + 32];
	ur_width now;
	ur_status status;
	int open;

	if (strstr(spec->text, ",context="))
		return UR_OK;
	status = ur_width_measure(spec, V, 0, k, &now, err);
	if (status || now.limit == 0)
		return status;
	snprintf(text, sizeof text, "%s,context=%d", spec->text, window);
	return ur_width_parse(text, spec, &open, err);
}

static ur_status size_all(compare *q, ur_err *err)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	const int V = ur_vocab_size(ur_corpus_vocab(w->corpus));
	int open[UR_MOST_CONTENDERS];
	ur_status status = UR_OK;

	o->target = w->parameters;
	for (int i = 0; i < w->archs && !status; i++) {
		ur_width width;
		status = ur_width_parse(w->arch[i], &o->of[i].spec, &open[i], err);
		if (!status && !open[i] && o->target == 0) {
			status = ur_width_measure(&o->of[i].spec, V, 0, w->ctx->k, &width, err);
			o->target = status ? 0 : width.parameters;
		}
	}
	if (!status && o->target == 0)
		o->target = w->tokens > 0 ? w->tokens / 10 < 1000 ? 1000 : w->tokens / 10
		                          : ur_budget_parameters(w->archs, w->seconds, o->speed.flops);
	choose_windows(q);
	for (int i = 0; i < w->archs && !status; i++) {
		ur_contender *c = &o->of[i];
		ur_width width;

		if (open[i])
			status = give_context(&c->spec, V, o->window, w->ctx->k, err);
		if (status)
			break;
		status = open[i] || w->parameters > 0 ? ur_width_solve(&c->spec, V, o->target, w->ctx->k, &width, err)
		                                      : ur_width_measure(&c->spec, V, o->target, w->ctx->k, &width, err);
		if (status)
			break;
		c->spec = width.spec;
		c->parameters = width.parameters;
		c->deviation = width.deviation;
		c->limit = width.limit;
		name_it(w, o, c, i);
		o->n = i + 1;
	}
	return status;
}

/* -- training runs -- */

/* Windows of one length: state carries on from one to the next where it can, and elsewhere each is a whole context of
 * fresh text. */
static void recipe_of(const compare *q, const ur_contender *c, int64_t tokens, double lr, ur_recipe *r)
{
	const int64_t quarter = q->out->train_tokens / 4;

	ur_recipe_defaults(r, &c->spec);
	r->window = c->limit > 0 ? (int)c->limit : q->out->window;
	/* a short text has short windows, and few of them at a time */
	if (r->window > quarter)
		r->window = quarter > 1 ? (int)quarter : 1;
	r->batch = q->out->step_tokens / r->window > 1 ? q->out->step_tokens / r->window : 1;
	if (r->batch > quarter / r->window)
		r->batch = quarter / r->window > 1 ? (int)(quarter / r->window) : 1;
	r->steps = (tokens + (int64_t)r->batch * r->window / 2) / ((int64_t)r->batch * r->window);
	if (r->steps < 1)
		r->steps = 1;
	r->warmup = r->steps / 10 < 100 ? r->steps / 10 : 100;
	r->lr = lr;
	r->seed = q->what->seed;
	r->eval_every = 0;
	r->eval_tokens = ur_budget_validation(&q->work, q->out->tokens);
}

static void job_of(const compare *q, const ur_contender *c, const ur_recipe *r, struct run *run, ur_job *job)
{
	*job = (ur_job){ .recipe = *r, .spec = c->spec, .corpus = q->what->corpus, .split = q->what->split,
	                 .ctx = q->what->ctx, .report = on_step, .arg = run, .command = q->what->command };
}

/* Speeds of one contender, from a few steps and a little scoring. */
static ur_status calibrate(compare *q, int i, struct run *run, ur_err *err)
{
	ur_contender *c = &q->out->of[i];
	ur_recipe r;
	ur_memory memory;
	ur_job job;
	ur_model *m;
	ur_heldout some;
	float *losses;
	double start, step;
	ur_status status = begin(q, "calibrating", c, err);

	if (status)
		return status;
	recipe_of(q, c, (int64_t)1 << 40, 1e-6, &r); /* steps without end, that change next to nothing */
	*run = (struct run){ .q = q, .until = calibration_seconds };
	job_of(q, c, &r, run, &job);
	job.split.val_to = job.split.val_from; /* steps alone */
	status = ur_memory_plan(&job, &memory, err);
	if (!status)
		status = ur_train(&job, NULL, NULL, err);
	if (status != UR_E_STOPPED || run->stopped)
		return status ? status : ur_fail(err, UR_E_INVALID, "calibration of %s ended by itself", c->spec.text);
	step = step_seconds(run);
	q->rate[i].train = (double)r.batch * r.window / step;
	status = ur_model_create(&c->spec, ur_vocab_size(ur_corpus_vocab(q->what->corpus)), NULL, q->what->ctx->k, 0, &m, err);
	if (status)
		return status;
	ur_model_init(m, q->what->seed);
	ur_model_pack(m, q->what->ctx);
	status = ur_heldout_open(&some, q->what->corpus, q->what->split.val_from, q->what->split.val_to, UR_LEAST_VALIDATION,
		err);
	losses = status ? NULL : calloc((size_t)some.scored, sizeof *losses);
	if (!status && !losses)
		status = ur_fail(err, UR_E_NOMEM, "no memory for losses");
	start = ur_clock();
	if (!status)
		status = ur_heldout_score(&some, m, q->what->ctx, 0, losses, err);
	if (!status) /* limited models read what they score twice */
		q->rate[i].score = (double)some.scored * (c->limit ? 2 : 1) / (ur_clock() - start);
	free(losses);
	ur_heldout_close(&some);
	ur_model_free(m);
	return status;
}

struct trial { compare *q; int which; struct run *run; };

static ur_status one_trial(void *arg, int trial, double lr, double *loss, ur_err *err)
{
	struct trial *t = arg;
	compare *q = t->q;
	ur_contender *c = &q->out->of[t->which];
	char what[40];
	ur_recipe r;
	ur_job job;
	double work;
	ur_status status;

	snprintf(what, sizeof what, "trial %d of %d", trial + 1, q->what->trials);
	/* the beginning of the main run, ended by its first validation: what is best under a schedule that is over soon is not
	 * what is best in a long one */
	recipe_of(q, c, q->out->tokens, lr, &r);
	r.eval_every = (int64_t)((double)r.steps * q->what->share) > 1 ? (int64_t)((double)r.steps * q->what->share) : 1;
	c->trial_tokens = r.eval_every * r.batch * r.window;
	work = (double)c->trial_tokens / q->rate[t->which].train;
	*t->run = (struct run){ .q = q, .work = work, .trial = r.eval_every, .val_loss = NAN };
	job_of(q, c, &r, t->run, &job);
	status = begin(q, what, c, err);
	if (!status)
		status = ur_train(&job, NULL, NULL, err);
	if ((!status || status == UR_E_STOPPED) && !t->run->stopped) {
		*loss = t->run->val_loss;
		status = UR_OK;
	}
	/* from now on the speed is what the trials had */
	if (t->run->n > 2)
		q->rate[t->which].train = (double)r.batch * r.window / step_seconds(t->run);
	q->done += work + 2 * (double)r.eval_tokens / q->rate[t->which].score;
	q->stage = "";
	return status;
}

static ur_status save(compare *q, ur_contender *c, const ur_model *m, ur_err *err)
{
	json_t *recipe;
	char *text, loss[40], name[sizeof c->name];
	struct stat info;
	ur_extra extra[3];
	int n = 0;
	ur_status status;

	if (!q->what->out_dir)
		return UR_OK;
	memcpy(name, c->name, sizeof name);
	if (snprintf(c->path, sizeof c->path, "%s/%s.safetensors", q->what->out_dir, name) >= (int)sizeof c->path)
		return ur_fail(err, UR_E_INVALID, "the name of the folder for models is too long");
	recipe = ur_recipe_to_json(&c->recipe);
	text = recipe ? json_dumps(recipe, JSON_COMPACT) : NULL;
	json_decref(recipe);
	snprintf(loss, sizeof loss, "%.17g", c->outcome.best_loss);
	extra[n++] = (ur_extra){ "unroll.val_loss", loss };
	if (text)
		extra[n++] = (ur_extra){ "unroll.recipe", text };
	if (q->what->command)
		extra[n++] = (ur_extra){ "unroll.command", q->what->command };
	status = ur_model_save(m, c->path, n, extra, err);
	free(text);
	if (!status && !stat(c->path, &info))
		c->file_bytes = info.st_size;
	return status;
}

static ur_status time_steps(compare *q, ur_contender *c, const ur_model *m, ur_err *err)
{
	int64_t at[UR_POSITIONS], last = FARTHEST_POSITION;
	ur_latency first;
	int samples;
	ur_status status = begin(q, "timing steps", c, err);

	if (status)
		return status;
	/* the same positions for all, up to the last that each can take */
	for (int i = 0; i < q->out->n; i++)
		if (q->out->of[i].limit > 0 && last > q->out->of[i].limit - UR_LATENCY_RUN)
			last = q->out->of[i].limit > UR_LATENCY_RUN ? q->out->of[i].limit - UR_LATENCY_RUN : 0;
	at[0] = 0;
	at[1] = last / 2;
	at[2] = last;
	q->out->positions = last >= 2 ? 3 : 1;
	status = ur_latency_measure(m, q->heldout.tokens, q->heldout.scored, LEAST_SAMPLES, 1, at, &first, err);
	if (status)
		return status;
	samples = first.p50 > 0 ? (int)fmin(LATENCY_SAMPLES,
		latency_seconds * 1e6 / q->out->positions / first.p50) : LATENCY_SAMPLES;
	if (samples < LEAST_SAMPLES)
		samples = LEAST_SAMPLES;
	return ur_latency_measure(m, q->heldout.tokens, q->heldout.scored, samples, q->out->positions, at, c->latency, err);
}

/* The held-out loss, and what it is by block. */
static ur_status score(compare *q, ur_contender *c, const ur_model *m, ur_err *err)
{
	float *losses = calloc((size_t)q->heldout.scored, sizeof *losses);
	double sum = 0;
	ur_status status = losses ? begin(q, "scoring", c, err) : ur_fail(err, UR_E_NOMEM, "no memory for losses");

	if (!status)
		status = ur_heldout_score(&q->heldout, m, q->what->ctx, 0, losses, err);
	if (!status) {
		for (int64_t i = 0; i < q->heldout.scored; i++)
			sum += (double)losses[i];
		c->loss = sum / (double)q->heldout.scored;
		c->bits_per_byte = sum / log(2) / (double)q->heldout.bytes;
		ur_blocks_make(losses, q->heldout.scored, BLOCK_TOKENS, &c->blocks);
	}
	free(losses);
	return status;
}

/* What happened, without the advice for those who train one model. */
static void lost(ur_contender *c, const char *why)
{
	const char *end = strstr(why, ". ");
	c->diverged = 1;
	snprintf(c->why, sizeof c->why, "%.*s", end && end - why < 250 ? (int)(end - why) : 250, why);
}

static ur_status main_run(compare *q, int i, struct run *run, ur_err *err)
{
	ur_contender *c = &q->out->of[i];
	ur_model *m = NULL;
	ur_job job;
	const double before = q->done;
	double work, tokens;
	ur_status status;

	recipe_of(q, c, q->out->tokens, c->lr, &c->recipe);
	c->recipe.eval_every = c->recipe.steps / VALIDATIONS > 0 ? c->recipe.steps / VALIDATIONS : 1;
	tokens = (double)c->recipe.steps * c->recipe.batch * c->recipe.window;
	work = tokens / q->rate[i].train;
	*run = (struct run){ .q = q, .work = work };
	job_of(q, c, &c->recipe, run, &job);
	status = begin(q, "training", c, err);
	if (!status)
		status = ur_memory_train(&job, &m, &c->outcome, &c->memory, err);
	if (status == UR_E_DIVERGED) {
		lost(c, err ? err->text : "the main run diverged");
		return UR_OK;
	}
	q->done += work;
	if (!status) {
		double one = step_seconds(run);
		/* a run of one step has no other to time */
		c->tokens_per_second = one > 0 ? (double)c->recipe.batch * c->recipe.window / one
		                               : (double)c->outcome.tokens / c->outcome.seconds;
		c->share_of_peak = 3 * ur_model_flops(m, c->recipe.window, c->recipe.batch) * c->tokens_per_second /
		                   ((double)c->recipe.window * c->recipe.batch) / q->out->speed.flops;
		c->weight_bytes = sizeof(float) * (size_t)c->parameters;
		status = save(q, c, m, err);
	}
	if (!status)
		status = score(q, c, m, err);
	if (!status)
		status = time_steps(q, c, m, err);
	q->done = before + ur_budget_seconds(1, &q->rate[i], &q->work, q->out->tokens) - q->work.rest;
	ur_model_free(m);
	return status;
}

/* -- the whole -- */

static void plan_work(compare *q, int trials)
{
	const ur_compare *w = q->what;
	const ur_split *s = &w->split;
	int64_t heldout = q->out->own_heldout ? s->test_to - s->test_from : s->val_to - s->val_from;

	q->work = (ur_work){ .trials = trials, .share = w->share, .validations = VALIDATIONS,
	                     .validation_tokens = s->val_to - s->val_from, .heldout_tokens = heldout, .rest = rest_seconds };
}

/* Tokens for the time left; 0 tokens asked for means by time. */
static ur_status set_tokens(compare *q, ur_err *err)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	double left = w->seconds - (ur_clock() - q->started);

	if (w->tokens > 0) {
		o->tokens = w->tokens;
	} else {
		o->tokens = ur_budget_tokens(o->n, q->rate, &q->work, left, o->step_tokens);
		if (o->tokens < (int64_t)LEAST_STEPS * o->step_tokens)
			return ur_fail(err, UR_E_INVALID, "%.0f seconds are too few for these %d models: %d training steps of each and what "
				"goes with them take about %.0f; allow more time, or name fewer or smaller models", w->seconds, o->n, LEAST_STEPS,
				ceil(w->seconds - left + ur_budget_seconds(o->n, q->rate, &q->work, (int64_t)LEAST_STEPS * o->step_tokens)));
	}
	q->total = q->done + ur_budget_seconds(o->n, q->rate, &q->work, o->tokens) - o->n * q->work.rest;
	return UR_OK;
}

static ur_status check(const ur_compare *w, ur_err *err)
{
	const ur_split *s = &w->split;

	if (w->archs < 1 || w->archs > UR_MOST_CONTENDERS)
		return ur_fail(err, UR_E_INVALID, "a comparison is of 1 to %d architectures, not %d", UR_MOST_CONTENDERS, w->archs);
	if (w->tokens < 0 || (w->tokens == 0 && !(w->seconds > 0)))
		return ur_fail(err, UR_E_INVALID, "a comparison needs a budget of tokens or of seconds");
	for (int i = 0; i < w->archs && w->lr; i++)
		if (!(w->lr[i] > 0) || !isfinite(w->lr[i]))
			return ur_fail(err, UR_E_INVALID, "a learning rate must be above 0");
	if (w->window < 0 || w->step_tokens < 0 || w->window > 1 << 20 || w->step_tokens > 1 << 24)
		return ur_fail(err, UR_E_INVALID, "a window has at most %d tokens, and a step %d", 1 << 20, 1 << 24);
	if (w->trials < 1 || w->trials > UR_MOST_TRIALS || !(w->share > 0 && w->share <= 1))
		return ur_fail(err, UR_E_INVALID, "there are 1 to %d trials, each of a share above 0 and at most 1", UR_MOST_TRIALS);
	if (s->val_to - s->val_from < 2)
		return ur_fail(err, UR_E_INVALID, "learning rates are chosen on the validation text, and there is none: the text is "
			"too short, or --val is too small");
	if (s->train_to - s->train_from < 8)
		return ur_fail(err, UR_E_INVALID, "the training text has %lld tokens, too few to train on",
			(long long)(s->train_to - s->train_from));
	return UR_OK;
}

static ur_status make_folder(const char *path, ur_err *err)
{
	char part[4096];
	struct stat info;
	size_t n = path ? strlen(path) : 0;

	if (!path)
		return UR_OK;
	if (n == 0 || n >= sizeof part - 80)
		return ur_fail(err, UR_E_INVALID, "the name of the folder for models is %s", n ? "too long" : "empty");
	for (size_t i = 1; i <= n; i++)
		if (path[i] == '/' || !path[i]) {
			memcpy(part, path, i);
			part[i] = 0;
			(void)mkdir(part, 0777);
		}
	if (stat(path, &info) || !S_ISDIR(info.st_mode))
		return ur_fail(err, UR_E_IO, "%s: cannot make this folder for the models", path);
	return UR_OK;
}

/* Where the search begins: the default rate suits a model of about a million parameters, and smaller ones take more. */
static double first_rate(const ur_contender *c)
{
	double factor = sqrt(1e6 / (double)c->parameters);
	ur_recipe r;

	ur_recipe_defaults(&r, &c->spec);
	return r.lr * (factor > 4 ? 4 : factor < 0.25 ? 0.25 : factor);
}

static ur_status all_trials(compare *q, struct run *run, ur_err *err)
{
	ur_comparison *o = q->out;

	for (int i = 0; i < o->n; i++) {
		ur_contender *c = &o->of[i];
		struct trial t = { q, i, run };
		ur_status status = ur_tune(first_rate(c), q->what->trials, one_trial, &t, &c->tuning, err);
		if (status)
			return status;
		if (c->tuning.best < 0)
			lost(c, "every learning rate tried diverged");
		else
			c->lr = c->tuning.trial[c->tuning.best].lr;
	}
	return UR_OK;
}

static void conclude(ur_comparison *o)
{
	int best = -1;

	for (int i = 0; i < o->n; i++)
		if (!o->of[i].diverged && (best < 0 || o->of[i].loss < o->of[best].loss))
			best = i;
	for (int i = 0; i < o->n && best >= 0; i++)
		if (!o->of[i].diverged)
			o->of[i].gap = ur_paired_gap(&o->of[i].blocks, &o->of[best].blocks);
	ur_recommend(o, &o->advice);
}

static ur_status compare_all(compare *q, struct run *run, ur_err *err)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	int64_t from, to;
	ur_status status = begin(q, "measuring this machine", NULL, err);

	if (status)
		return status;
	ur_speed_measure(w->ctx, &o->speed);
	if ((status = size_all(q, err)) || (status = make_folder(w->out_dir, err)))
		return status;
	plan_work(q, w->lr ? 0 : w->trials);
	for (int i = 0; i < o->n; i++)
		if ((status = calibrate(q, i, run, err)))
			return status;
	if ((status = set_tokens(q, err)))
		return status;
	for (int i = 0; i < o->n && w->lr; i++)
		o->of[i].lr = w->lr[i];
	if (!w->lr && (status = all_trials(q, run, err)))
		return status;
	plan_work(q, 0);
	if ((status = set_tokens(q, err)))
		return status;
	o->passes = (double)o->tokens / (double)o->train_tokens;
	o->share = w->lr ? 0 : (double)o->of[0].trial_tokens / (double)o->tokens;
	from = o->own_heldout ? w->split.test_from : w->split.val_from;
	to = o->own_heldout ? w->split.test_to : w->split.val_to;
	status = ur_heldout_open(&q->heldout, w->corpus, from, to, ur_budget_heldout(&q->work, o->tokens), err);
	o->scored = q->heldout.scored;
	o->scored_bytes = q->heldout.bytes;
	for (int i = 0; i < o->n && !status; i++)
		if (!o->of[i].diverged)
			status = main_run(q, i, run, err);
	ur_heldout_close(&q->heldout);
	return status;
}

ur_status ur_compare_run(const ur_compare *what, ur_comparison *out, ur_err *err)
{
	compare q = { .what = what, .out = out, .started = ur_clock(), .stage = "" };
	struct run *run;
	ur_status status = check(what, err);

	memset(out, 0, sizeof *out);
	if (status)
		return status;
	out->seed = what->seed;
	out->share = what->share;
	out->train_tokens = what->split.train_to - what->split.train_from;
	out->own_heldout = what->split.test_to - what->split.test_from >= 2;
	run = calloc(1, sizeof *run);
	if (!run)
		return ur_fail(err, UR_E_NOMEM, "no memory to compare");
	status = compare_all(&q, run, err);
	free(run);
	if (status)
		return status;
	conclude(out);
	out->seconds = ur_clock() - q.started;
	return UR_OK;
}
