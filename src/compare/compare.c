/* The order of work: sizes, a short calibration of each, trials, then all runs in turns, then what they cost. Each
 * result is kept in the journal as soon as it is there, and is always read from there: one that is known is not found
 * out again, and a comparison that was stopped ends with the numbers it would have had. */
#include "compare/compare_parts.h"

#include "base/machine.h"
#include "measure/energy.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LEAST_STEPS = 16, COPY_SEEDS = 1000003 };
static const double DOCUMENT_EVERY = 2, MEASURING = 0.1, LEAST_MEASURING = 1.5, MOST_MEASURING = 60;

/* -- progress -- */

static ur_status put_document(ur_comparing *q, ur_err *err)
{
	json_t *document = ur_comparison_json(q->what, q->out, q->out->done ? NULL : &q->stage);

	q->said = ur_clock();
	return ur_keep(q, document, err, "document");
}

ur_status ur_comparing_say(ur_comparing *q, double done, ur_err *err)
{
	ur_stage *s = &q->stage;
	const double now = ur_clock(), at = q->done + done;

	s->share = q->total > 0 ? fmin(at / q->total, 1) : 0;
	s->eta = fmax(q->total - at, 0);
	s->so_far = q->out;
	q->out->seconds = q->before + now - q->started;
	if (q->what->watch && q->what->watch(q->what->arg, s))
		return ur_fail(err, UR_E_STOPPED, "stopped");
	return now - q->said > DOCUMENT_EVERY ? put_document(q, err) : UR_OK;
}

ur_status ur_comparing_begin(ur_comparing *q, const char *what, int contender, int seed, ur_err *err)
{
	(void)snprintf(q->doing, sizeof q->doing, "%s", what);
	q->stage = (ur_stage){ .what = q->doing, .contender = contender, .seed = seed, .lr = NAN, .loss = NAN };
	return ur_comparing_say(q, 0, err);
}

/* -- facts -- */

ur_status ur_recall(ur_comparing *q, json_t **fact, ur_err *err, const char *format, ...)
{
	char name[256];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(name, sizeof name, format, list);
	va_end(list);
	*fact = NULL;
	return q->what->journal->get(q->what->journal->arg, name, fact, err);
}

ur_status ur_keep(ur_comparing *q, json_t *fact, ur_err *err, const char *format, ...)
{
	char name[256];
	va_list list;
	ur_status status;

	va_start(list, format);
	(void)vsnprintf(name, sizeof name, format, list);
	va_end(list);
	status = fact ? q->what->journal->put(q->what->journal->arg, name, fact, err)
	              : ur_fail(err, UR_E_NOMEM, "no memory to keep what was found");
	json_decref(fact);
	return status;
}

double ur_fact_number(const json_t *fact, const char *key)
{
	const json_t *value = json_object_get(fact, key);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

int64_t ur_fact_integer(const json_t *fact, const char *key)
{
	return json_integer_value(json_object_get(fact, key));
}

json_t *ur_fact_real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* -- names and sizes -- */

static int taken(const ur_comparison *o, const char *name)
{
	for (int i = 0; i < o->n; i++)
		if (!strcmp(o->of[i].name, name))
			return 1;
	return 0;
}

/* How a spec is called in short: its architecture, "lstm"; of pairs with its attention, "gru-bahdanau". */
static void short_name(const ur_spec *s, char out[48])
{
	int n;
	const char *name = ur_spec_arch(s->text, &n);

	(void)snprintf(out, 48, "%.*s%s%s", n < 24 ? n : 24, name, s->attend ? "-" : "", s->attend ? s->attend->name : "");
}

/* Where two are called so, "lstm-2x256"; where that is taken too, with a number. */
static void name_it(const ur_compare *what, ur_comparison *o, ur_contender *c, int which)
{
	char base[48], other[48];

	short_name(&c->spec, base);
	for (int i = 0; i < what->archs; i++) {
		short_name(&o->of[i].spec, other);
		if (i != which && !strcmp(base, other)) {
			int n;
			(void)snprintf(base, sizeof base, "%.47s", ur_spec_arch(c->spec.text, &n));
			break;
		}
	}
	for (char *at = base; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("._", *at))
			*at = '-';
	snprintf(c->name, sizeof c->name, "%s", base);
	for (int i = 2; taken(o, c->name); i++)
		snprintf(c->name, sizeof c->name, "%s-%d", base, i);
}

/* Runs of the same seed begin from the same random numbers and are compared in pairs. A spec that is asked for twice
 * has other seeds the second time, or the two would be one; their pairs share nothing but the data. */
static void give_seeds(const ur_compare *what, ur_comparison *o, int which)
{
	ur_contender *c = &o->of[which];
	uint64_t copies = 0;

	for (int i = 0; i < which; i++)
		copies += !strcmp(o->of[i].spec.text, c->spec.text);
	for (int s = 0; s < o->seeds; s++)
		c->run[s] = (ur_trained){ .seed = what->seed + (uint64_t)s + copies * COPY_SEEDS, .train_loss = NAN,
		                          .val_loss = NAN, .loss = NAN, .loss_same = NAN, .bits_per_byte = NAN,
		                          .joules = NAN, .memory = { .before = -1, .peak = -1 } };
}

/* Seconds of everything that the budget amounts to, before any speed is known;
 * of tokens and operations there are none. */
static double total_seconds(const ur_compare *w)
{
	return w->kind == UR_BUDGET_TOTAL ? w->budget : w->kind == UR_BUDGET_SECONDS ? w->budget * w->archs * w->seeds : 0;
}

static double least_tokens(const ur_compare *w)
{
	double least = INFINITY;

	if (!w->tokens)
		return w->budget;
	for (int i = 0; i < w->archs; i++)
		least = fmin(least, w->tokens[i]);
	return least;
}

/* Both follow from the size of the budget, and from nothing that is measured in between: a comparison in tokens can be
 * repeated. */
static void choose_windows(ur_comparing *q)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	const double parameters = o->target > 0 ? (double)o->target : 1;
	int64_t tokens = w->kind == UR_BUDGET_TOKENS  ? (int64_t)least_tokens(w)
	                 : w->kind == UR_BUDGET_FLOPS ? (int64_t)fmin(w->budget / 6 / parameters, 1e15)
	                                              : ur_budget_guess(w->archs * w->seeds, total_seconds(w),
	                                                                o->speed.flops, o->target);

	o->window = w->window > 0 ? w->window : q->on->window(q, tokens);
	o->step_tokens = w->step_tokens > 0 ? w->step_tokens : ur_budget_step(tokens);
}

/* A model of limited context whose size is ours to choose and that names no context is built for the windows it is
 * trained on: positions beyond them would never be trained. */
static ur_status give_context(ur_comparing *q, const ur_words *words, ur_spec *spec, ur_err *err)
{
	char text[UR_SPEC_TEXT + 32];
	ur_width now;
	ur_status status;
	int open;

	if (strstr(spec->text, ",context="))
		return UR_OK;
	status = ur_width_measure(spec, words, 0, q->what->ctx->k, &now, err);
	if (status || now.limit == 0)
		return status;
	snprintf(text, sizeof text, "%s,context=%d", spec->text, q->on->context(q));
	return ur_width_parse(text, spec, &open, err);
}

/* Parameters, where neither the user nor a spec says how many. */
static int64_t choose_parameters(const ur_compare *w, const ur_speed *speed)
{
	switch (w->kind) {
	case UR_BUDGET_TOKENS:
		return least_tokens(w) / 10 < 1000 ? 1000 : (int64_t)(least_tokens(w) / 10);
	case UR_BUDGET_FLOPS: /* ten tokens a parameter, 6 operations each */
		return sqrt(w->budget / 60) < 1000 ? 1000 : (int64_t)sqrt(w->budget / 60);
	default:
		return ur_budget_parameters(w->archs * w->seeds, total_seconds(w), speed->flops);
	}
}

static ur_status size_all(ur_comparing *q, ur_err *err)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	const ur_words words = q->on->words(w);
	int open[UR_MOST_CONTENDERS];
	ur_status status = UR_OK;

	o->target = w->parameters;
	for (int i = 0; i < w->archs && !status; i++) {
		ur_width width;
		status = ur_width_parse(w->arch[i], &o->of[i].spec, &open[i], err);
		if (!status && !open[i] && o->target == 0) {
			status = ur_width_measure(&o->of[i].spec, &words, 0, w->ctx->k, &width, err);
			o->target = status ? 0 : width.parameters;
		}
	}
	if (!status && o->target == 0)
		o->target = choose_parameters(w, &o->speed);
	choose_windows(q);
	for (int i = 0; i < w->archs && !status; i++) {
		ur_contender *c = &o->of[i];
		ur_width width;

		if (open[i])
			status = give_context(q, &words, &c->spec, err);
		if (status)
			break;
		status = open[i] || w->parameters > 0 ? ur_width_solve(&c->spec, &words, o->target, w->ctx->k, &width, err)
		                                      : ur_width_measure(&c->spec, &words, o->target, w->ctx->k, &width, err);
		if (status)
			break;
		c->spec = width.spec;
		c->parameters = width.parameters;
		c->deviation = width.deviation;
		c->limit = width.limit;
		name_it(w, o, c, i);
		give_seeds(w, o, i);
		o->n = i + 1;
	}
	return status;
}

static ur_status count_flops(ur_comparing *q, ur_contender *c, ur_err *err)
{
	ur_job job = { .spec = c->spec, .ctx = q->what->ctx };

	q->on->job(q, 1, &job);
	ur_comparing_recipe(q, c, 1, &job.recipe);
	c->flops_per_token = ur_job_step_flops(&job) / ur_job_step_tokens(&job);
	return c->flops_per_token > 0 ? UR_OK : ur_fail(err, UR_E_NOMEM, "no memory for a model of %s", c->spec.text);
}

/* -- budgets -- */

static void plan_work(ur_comparing *q, int trials)
{
	const ur_compare *w = q->what;
	const ur_comparison *o = q->out;

	q->work = (ur_work){ .seeds = w->seeds, .trials = trials, .share = w->share, .validations = UR_VALIDATIONS,
	                     .validation_tokens = o->val_tokens,
	                     .heldout_tokens = o->own_heldout ? o->test_tokens : o->val_tokens,
	                     .measuring = MEASURING * w->seeds, .least = LEAST_MEASURING, .most = MOST_MEASURING };
}

/* Tokens of each contender's runs, by the speeds known so far, with `spent` seconds of a total gone. */
static ur_status work_out_tokens(ur_comparing *q, double spent, ur_err *err)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	ur_rate rate[UR_MOST_CONTENDERS];
	double each = w->budget;

	for (int i = 0; i < o->n; i++) {
		rate[i] = o->of[i].rate;
		if (o->of[i].trial_rate > 0)
			rate[i].train = o->of[i].trial_rate;
	}
	if (w->kind == UR_BUDGET_TOTAL)
		each = ur_budget_each(o->n, rate, &q->work, w->budget - spent);
	for (int i = 0; i < o->n; i++) {
		ur_contender *c = &o->of[i];
		double tokens = w->kind == UR_BUDGET_TOKENS  ? w->tokens ? w->tokens[i] : w->budget
		                : w->kind == UR_BUDGET_FLOPS ? w->budget / c->flops_per_token
		                                             : each * rate[i].train;
		double needed[UR_MOST_CONTENDERS];
		ur_recipe r;

		/* as many as whole steps are, so that asking for just these gives the same */
		ur_comparing_recipe(q, c, (int64_t)fmin(fmax(tokens, 1), 1e15), &r);
		c->tokens = llround((double)r.steps * ur_comparing_step_tokens(q, c, &r));
		q->seconds[i] = tokens / rate[i].train;
		if (w->kind == UR_BUDGET_TOKENS || tokens >= (double)LEAST_STEPS * o->step_tokens)
			continue;
		for (int j = 0; j < o->n; j++)
			needed[j] = (double)LEAST_STEPS * o->step_tokens / rate[j].train;
		if (w->kind == UR_BUDGET_TOTAL)
			return ur_fail(err, UR_E_INVALID, "%.0f seconds are too few for these %d models: %d training steps of each "
				"and what goes with them take about %.0f; allow more time, or name fewer or smaller models", w->budget,
				o->n, LEAST_STEPS, ceil(spent + ur_budget_cost(o->n, rate, &q->work, needed)));
		return ur_fail(err, UR_E_INVALID, "the budget is too small: it is %.0f tokens of %s, and %d training steps of "
			"%d tokens are the least that says anything; allow more, or ask for smaller steps with --step-tokens",
			tokens, c->name, LEAST_STEPS, o->step_tokens);
	}
	return UR_OK;
}

/* Tokens of the shortest runs. */
static int64_t shortest(const ur_comparison *o)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < o->n; i++)
		least = o->of[i].tokens < least ? o->of[i].tokens : least;
	return least;
}

/* A budget of time becomes tokens once, which are kept: asking again, or going on, trains on the same. */
static ur_status set_tokens(ur_comparing *q, const char *name, ur_err *err)
{
	ur_comparison *o = q->out;
	json_t *fact, *list;
	ur_status status = ur_recall(q, &fact, err, "%s", name);

	if (!status && !fact) {
		status = work_out_tokens(q, q->before + ur_clock() - q->started, err);
		list = json_object();
		for (int i = 0; i < o->n && !status; i++)
			json_object_set_new(list, o->of[i].name, json_pack("{s:I, s:f}",
				"tokens", (json_int_t)o->of[i].tokens, "seconds", q->seconds[i]));
		if (!status)
			status = ur_keep(q, list, err, "%s", name);
		else
			json_decref(list);
		if (!status)
			status = ur_recall(q, &fact, err, "%s", name);
	}
	for (int i = 0; i < o->n && !status; i++) {
		const json_t *own = json_object_get(fact, o->of[i].name);
		o->of[i].tokens = ur_fact_integer(own, "tokens");
		q->seconds[i] = ur_fact_number(own, "seconds");
		if (o->of[i].tokens < 1 || !(q->seconds[i] > 0))
			status = ur_fail(err, UR_E_FORMAT, "what was kept of this comparison does not fit it; "
			                 "start it anew with --fresh");
	}
	json_decref(fact);
	if (!status) {
		ur_rate rate[UR_MOST_CONTENDERS];
		const int64_t least = shortest(o);
		for (int i = 0; i < o->n; i++) {
			rate[i] = o->of[i].rate;
			q->scoring[i] = ur_budget_scoring(&rate[i], &q->work, least);
		}
		q->total = q->done + ur_budget_cost(o->n, rate, &q->work, q->seconds);
	}
	return status;
}

/* -- the whole -- */

static ur_status check(const ur_compare *w, ur_err *err)
{
	if (w->archs < 1 || w->archs > UR_MOST_CONTENDERS)
		return ur_fail(err, UR_E_INVALID, "a comparison is of 1 to %d architectures, not %d", UR_MOST_CONTENDERS,
		               w->archs);
	if (!(least_tokens(w) > 0) || !isfinite(least_tokens(w)))
		return ur_fail(err, UR_E_INVALID, "a comparison needs a budget");
	if (w->seeds < 1 || w->seeds > UR_MOST_SEEDS)
		return ur_fail(err, UR_E_INVALID, "a comparison has 1 to %d seeds, not %d", UR_MOST_SEEDS, w->seeds);
	for (int i = 0; i < w->archs && w->lr; i++)
		if (!(w->lr[i] > 0) || !isfinite(w->lr[i]))
			return ur_fail(err, UR_E_INVALID, "a learning rate must be above 0");
	if (w->window < 0 || w->step_tokens < 0 || w->window > 1 << 20 || w->step_tokens > 1 << 24)
		return ur_fail(err, UR_E_INVALID, "a window has at most %d tokens, and a step %d", 1 << 20, 1 << 24);
	if (w->tuned < 0 || w->tuned > UR_MOST_TUNED)
		return ur_fail(err, UR_E_INVALID, "at most %d settings can be tuned", UR_MOST_TUNED);
	if (w->tuned > 0 && (w->trials < 1 || w->trials > UR_MOST_TRIALS || !(w->share > 0 && w->share <= 1)))
		return ur_fail(err, UR_E_INVALID, "there are 1 to %d trials, each of a share above 0 and at most 1",
		               UR_MOST_TRIALS);
	if (!w->corpus == !w->pairs)
		return ur_fail(err, UR_E_INVALID, "a comparison is on a text or on pairs");
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

/* Sizes follow from what the processor can do when nobody names them, so that is a fact like any other. */
static ur_status machine_speed(ur_comparing *q, ur_err *err)
{
	ur_speed *speed = &q->out->speed;
	json_t *fact;
	ur_status status = ur_recall(q, &fact, err, "shared/speed");

	if (!status && !fact && !(status = ur_comparing_begin(q, "measuring this machine", -1, -1, err))) {
		ur_speed_measure(q->what->ctx, speed);
		return ur_keep(q, json_pack("{s:f, s:f}", "flops", speed->flops, "bandwidth", speed->bandwidth), err,
		               "shared/speed");
	}
	speed->flops = ur_fact_number(fact, "flops");
	speed->bandwidth = ur_fact_number(fact, "bandwidth");
	json_decref(fact);
	return status;
}

/* How long earlier sittings took, from the document they left. */
static ur_status earlier(ur_comparing *q, ur_err *err)
{
	json_t *document;
	ur_status status = ur_recall(q, &document, err, "document");

	q->out->started = (double)time(NULL);
	if (document) {
		double seconds = ur_fact_number(document, "seconds"), started = ur_fact_number(document, "started");
		q->before = isfinite(seconds) ? seconds : 0;
		q->out->started = isfinite(started) ? started : q->out->started;
	}
	json_decref(document);
	return status;
}

static ur_status compare_all(ur_comparing *q, ur_err *err)
{
	const ur_compare *w = q->what;
	ur_comparison *o = q->out;
	ur_energy energy;
	ur_status status = earlier(q, err);

	if (status || (status = q->on->begin(q, err)) || (status = machine_speed(q, err)) ||
	    (status = size_all(q, err)) || (status = make_folder(w->out_dir, err)))
		return status;
	if ((status = q->on->fit(q, err)))
		return status;
	ur_energy_read("", &energy);
	o->energy = isfinite(ur_energy_between(&energy, &energy));
	o->memory_free = ur_memory_free();
	o->tuned = w->tuned;
	memcpy(o->tune, w->tune, sizeof o->tune);
	plan_work(q, w->trials * w->tuned);
	for (int i = 0; i < o->n; i++)
		if ((status = count_flops(q, &o->of[i], err)) || (status = ur_comparing_calibrate(q, i, err)))
			return status;
	if ((status = set_tokens(q, "shared/tokens/trials", err)))
		return status;
	o->share = w->tuned ? w->share : 0;
	if ((status = ur_comparing_tune(q, err)))
		return status;
	plan_work(q, 0);
	if ((status = set_tokens(q, "shared/tokens", err)) ||
	    (status = q->on->open(q, ur_budget_heldout(&q->work, shortest(o)), err)) ||
	    (status = ur_comparing_train(q, err)) || (status = q->on->measure(q, err)))
		return status;
	ur_conclude(o, w->kind);
	ur_recommend(o, &o->advice);
	o->seconds = q->before + ur_clock() - q->started;
	o->done = 1;
	return put_document(q, err);
}

ur_status ur_compare_run(const ur_compare *what, ur_comparison *out, ur_err *err)
{
	ur_comparing q = { .what = what, .on = what->pairs ? &ur_on_pairs : &ur_on_text, .out = out,
	                   .started = ur_clock(), .said = ur_clock() };
	ur_status status = check(what, err), kept;

	memset(out, 0, sizeof *out);
	if (status)
		return status;
	out->seeds = what->seeds;
	out->advice.best = out->advice.pick = -1;
	out->pairs = what->pairs != NULL;
	status = compare_all(&q, err);
	/* what a report shows of one that was stopped is as fresh as can be */
	if (status == UR_E_STOPPED && out->n > 0 && (kept = put_document(&q, NULL)))
		status = kept;
	q.on->end(&q);
	return status;
}
