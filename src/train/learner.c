/* Learning online: the ring, the pass over it, and one step of the optimiser an event. */
#include "train/learner_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


void ur_learning_defaults(ur_learning *h, const ur_spec *spec)
{
	ur_recipe r;

	ur_recipe_defaults(&r, spec);
	*h = (ur_learning){ .window = 8, .optimizer = "adamw", .lr = r.lr, .beta1 = r.beta1, .beta2 = r.beta2,
		.eps = r.eps, .momentum = r.momentum, .clip = 1, .norm = 10000, .fade = 1000, .delta = 0.002,
		.freeze_after = 1000 };
}

ur_status ur_learning_check(const ur_learning *h, ur_err *err)
{
	if (h->window < 1 || h->window > 1 << 16)
		return ur_fail(err, UR_E_INVALID, "a window is of 1 to 65536 events, not %d", h->window);
	if (!h->optimizer || !ur_optimizer_find(h->optimizer))
		return ur_fail(err, UR_E_INVALID, "no optimiser '%.40s'; there are adamw, sgd", h->optimizer ? h->optimizer
		               : "");
	if (!(h->lr > 0) || !isfinite(h->lr))
		return ur_fail(err, UR_E_INVALID, "the learning rate must be above 0");
	if (!(h->beta1 >= 0 && h->beta1 < 1 && h->beta2 >= 0 && h->beta2 < 1 && h->momentum >= 0 && h->momentum < 1 &&
	      h->eps > 0 && h->weight_decay >= 0 && h->clip >= 0) ||
	    !isfinite(h->eps) || !isfinite(h->weight_decay) || !isfinite(h->clip))
		return ur_fail(err, UR_E_INVALID, "beta1, beta2 and momentum are in [0, 1), eps above 0, weight decay and "
		               "clipping at least 0, and all of them finite");
	if (!(h->norm >= 0) || (h->norm > 0 && h->norm < 2) || !(h->fade >= 1) || !(h->delta > 0 && h->delta < 1) ||
	    h->freeze_after < 0 || !isfinite(h->norm) || !isfinite(h->fade))
		return ur_fail(err, UR_E_INVALID, "means look back on 2 events or more (0: all), scores fade over 1 or more, "
		               "but not infinitely many, delta is between 0 and 1");
	return UR_OK;
}

/* -- a new model -- */

static ur_status name_ports(ur_ports *p, const ur_learn_shape *shape, ur_err *err)
{
	ur_status status = UR_OK;
	ur_before_name name;

	for (int i = 0; i < shape->features && !status; i++)
		if (shape->name && shape->name[i] && !strncmp(shape->name[i], UR_ANSWER_BEFORE, sizeof UR_ANSWER_BEFORE - 1))
			status = ur_fail(err, UR_E_INVALID, "a field is called '%.40s', as inputs of the previous answer are; "
			                 "rename it, or leave it out", shape->name[i]);
		else if (shape->name && shape->name[i])
			status = ur_port_name(&p->in, i, shape->name[i], err);
	for (int i = shape->features; i < p->in.n && !status; i++) {
		status = ur_port_name(&p->in, i, ur_ports_before(p->says, i - shape->features, name), err);
	}
	if (!status && !shape->classes && shape->target)
		status = ur_port_name(&p->out, 0, shape->target, err);
	if (!status && shape->target)
		status = ur_ports_answer(p, shape->target, err);
	return status;
}

ur_status ur_learn_model(const ur_spec *spec, const ur_learn_shape *shape, uint64_t seed, const ur_kernels *k,
                         ur_model **model, ur_err *err)
{
	const int out = shape->classes ? shape->classes : 1;
	ur_ports *ports = NULL;
	ur_status status;

	*model = NULL;
	if (shape->classes == 1 || shape->classes < 0 || shape->features < 0)
		return ur_fail(err, UR_E_INVALID, "there are 2 classes or more");
	status = ur_ports_new(shape->features + (shape->blind ? 0 : out), out,
	                      shape->classes ? UNROLL_CLASSES : UNROLL_VALUES, 1, &ports, err);
	if (!status)
		status = name_ports(ports, shape, err);
	if (!status)
		status = ur_model_create(spec, &(ur_words){ .V = out, .ports = ports }, k, 1, model, err);
	ur_ports_free(ports);
	if (!status)
		ur_model_init(*model, seed);
	return status;
}

/* -- rings -- */

/* Makes room for one more row; returns where it goes. The oldest one is out, once there are W. */
static int ring_push(ur_ring *r, int W, int in, int32_t *targets, float *wanted)
{
	if (r->count == W)
		r->from++;
	else
		r->count++;
	if (r->from + r->count > 2 * W) { /* to the front, once in W events */
		const int keep = r->count - 1;

		if (r->rows)
			memmove(r->rows, r->rows + (size_t)r->from * (size_t)in, (size_t)keep * (size_t)in * sizeof *r->rows);
		if (r->ids)
			memmove(r->ids, r->ids + r->from, (size_t)keep * sizeof *r->ids);
		if (targets)
			memmove(targets, targets + r->from, (size_t)keep * sizeof *targets);
		if (wanted)
			memmove(wanted, wanted + r->from, (size_t)keep * sizeof *wanted);
		r->from = 0;
	}
	return r->from + r->count - 1;
}

/* Rows [at, at + n) of a ring, and the state before them (NULL: from nothing). */
static ur_pass pass_over(const ur_watcher *w, int in, int at, int n, void *const *state)
{
	ur_pass pass = { .T = n, .B = 1, .state = state };

	if (w->ring.rows)
		pass.values = w->ring.rows + (size_t)at * (size_t)in;
	else
		pass.ids = w->ring.ids + at;
	return pass;
}

/* -- opening -- */

static void plan_watcher(ur_learner *l, ur_watcher *w, int training, ur_arena *a)
{
	const size_t rows = 2 * (size_t)l->how.window;
	/* what is frozen and carries its state takes one event at a time */
	const int T = l->carries && !training ? 1 : l->how.window;

	ur_net_plan(&w->net, w->m, l->ctx, T, 1, training, l->carries, a);
	if (l->carries && training)
		ur_net_plan(&w->ahead, w->m, l->ctx, 1, 1, 0, 1, a);
	w->state = l->carries ? UR_TAKE(a, char, ur_model_state_size(w->m)) : NULL;
	w->scratch = l->carries && training ? UR_TAKE(a, char, ur_model_state_size(w->m)) : NULL;
	w->ring.rows = l->values ? UR_TAKE(a, float, rows * (size_t)l->in) : NULL;
	w->ring.ids = l->values ? NULL : UR_TAKE(a, int32_t, rows);
	w->said = UR_TAKE(a, float, l->V);
	w->normal = UR_TAKE(a, ur_normal, l->features + 1);
}

static void plan(ur_learner *l, ur_arena *a)
{
	plan_watcher(l, &l->live, 1, a);
	plan_watcher(l, &l->frozen, 0, a);
	ur_backward_plan(&l->back, &l->live.net, a);
	l->m1 = UR_TAKE(a, float, l->live.m->floats);
	l->m2 = l->optimizer->moments > 1 ? UR_TAKE(a, float, l->live.m->floats) : NULL;
	l->parts = UR_TAKE(a, double, ur_grad_parts(l->live.m->floats));
	l->out = UR_TAKE(a, float, l->V);
	l->targets = l->numbers ? NULL : UR_TAKE(a, int32_t, 2 * (size_t)l->how.window);
	l->wanted = l->numbers ? UR_TAKE(a, float, 2 * (size_t)l->how.window) : NULL;
	l->counts = l->numbers ? NULL : UR_TAKE(a, int64_t, l->V);
}

int ur_learner_carries(const ur_model *m)
{
	return (m->spec.mixer->flags & (UR_STATE_GRAD | UR_STATE_GROWS)) == UR_STATE_GRAD && !ur_model_limit(m);
}

static ur_status look_at(ur_learner *l, ur_err *err)
{
	const ur_model *m = l->live.m;
	const ur_ports *p = m->ports;

	l->V = m->V;
	l->values = p != NULL;
	l->numbers = p && p->says == UNROLL_VALUES;
	l->in = p ? p->in.n : 0;
	l->fed = p ? ur_ports_fed(p) : 0;
	l->features = l->in - l->fed;
	l->units = p && p->in.mean;
	l->carries = ur_learner_carries(m);
	if (m->spec.pair || m->V < 1 || (p && p->says == UNROLL_HIDDEN))
		return ur_fail(err, UR_E_INVALID, "%.100s %s, and cannot learn from events; give a model of one text, or of "
		               "values "
		               "that says classes or a number", m->spec.text, m->spec.pair ? "is a model of pairs" : "says "
			"nothing");
	if (l->numbers && (l->V != 1 || (l->units && !p->out.mean)))
		return ur_fail(err, UR_E_INVALID, "a model that learns from events says one number, with a unit if its "
		               "inputs have one; this one says %d", l->V);
	if (!l->carries && ur_model_limit(m) && l->how.window > ur_model_limit(m))
		return ur_fail(err, UR_E_INVALID, "windows of %d events do not fit a context of %lld; give a shorter "
		               "window, or context=%d in the spec", l->how.window, (long long)ur_model_limit(m), l->how.window);
	for (size_t i = 0; i < m->floats; i++)
		if (!isfinite(m->weights[i]))
			return ur_fail(err, UR_E_INVALID, "the model's weights are not all numbers");
	return UR_OK;
}

/* What is known of means and scales before the first event: nothing, or, of a file's model, what it has, worth as much
 * as a thousand events. */
static void start_normals(ur_learner *l, int fresh)
{
	const ur_ports *p = l->live.m->ports;
	const double worth = l->how.norm > 0 && l->how.norm < 1000 ? l->how.norm : 1000;

	for (int i = 0; l->units && !fresh && i <= l->features; i++) {
		const ur_port *of = i < l->features ? &p->in : &p->out;
		const int at = i < l->features ? i : 0;

		if (i == l->features && !l->numbers)
			break;
		l->live.normal[i] = (ur_normal){ worth, (double)of->mean[at],
			1 / ((double)of->scale[at] * (double)of->scale[at]) };
	}
}

static int named_classes(const ur_ports *p)
{
	int n = 0;

	while (n < p->out.n && p->out.name && p->out.name[n])
		n++;
	return n;
}

ur_status ur_learner_open(const ur_learning *how, ur_model *model, int fresh, const ur_ctx *ctx, ur_learner **learner,
                          ur_err *err)
{
	ur_learner *l = calloc(1, sizeof *l);
	ur_status status;

	*learner = NULL;
	if (!l) {
		ur_model_free(model);
		return ur_fail(err, UR_E_NOMEM, "no memory to learn");
	}
	l->how = *how;
	l->ctx = ctx;
	l->live.m = model;
	l->boost = 1;
	l->usual = -1;
	if ((status = ur_learning_check(how, err)) || (status = look_at(l, err)))
		goto failed;
	l->optimizer = ur_optimizer_find(how->optimizer);
	l->how.optimizer = l->optimizer->name;
	l->recipe = (ur_recipe){ .optimizer = l->optimizer->name, .beta1 = how->beta1, .beta2 = how->beta2, .eps = how->eps,
	                         .momentum = how->momentum, .weight_decay = how->weight_decay };
	if ((status = ur_model_create(&model->spec, &(ur_words){ model->V, model->vocab, 0, NULL, model->ports },
	                              model->k, 0,
	                              &l->frozen.m, err)))
		goto failed;
	plan(l, &l->memory);
	if (!ur_arena_open(&l->memory)) {
		status = ur_fail(err, UR_E_NOMEM, "no memory to learn: windows of %d events through %.100s take %zu MiB",
		                 how->window, model->spec.text, l->memory.used >> 20);
		goto failed;
	}
	plan(l, &l->memory);
	start_normals(l, fresh);
	l->classes = l->numbers ? 0 : !l->values ? l->V : named_classes(model->ports);
	/* of a file's model that names none, each output is a class of its own already */
	l->numbered = l->values && !l->numbers && !fresh && !l->classes;
	if (l->numbered)
		l->classes = l->V;
	ur_adwin_start(&l->adwin, how->delta);
	ur_prequential_start(&l->score, how->fade);
	ur_learner_freeze(l);
	l->frozen_lives = !fresh || how->freeze_after == 0;
	ur_model_pack(l->live.m, ctx);
	*learner = l;
	return UR_OK;
failed:
	ur_learner_close(l);
	return status;
}

void ur_learner_close(ur_learner *l)
{
	if (!l)
		return;
	ur_arena_close(&l->memory);
	ur_model_free(l->live.m);
	ur_model_free(l->frozen.m);
	free(l);
}

size_t ur_learner_bytes(const ur_learner *l)
{
	return sizeof *l + l->memory.size + l->live.m->memory.size + l->frozen.m->memory.size;
}

int ur_learner_features(const ur_learner *l) { return l->features; }

void ur_learner_pack(ur_learner *l)
{
	ur_model_pack(l->live.m, l->ctx);
	ur_model_pack(l->frozen.m, l->ctx);
}

void ur_learner_freeze(ur_learner *l)
{
	memcpy(l->frozen.m->weights, l->live.m->weights, l->live.m->floats * sizeof *l->live.m->weights);
	memcpy(l->frozen.normal, l->live.normal, (size_t)(l->features + 1) * sizeof *l->live.normal);
	ur_model_pack(l->frozen.m, l->ctx);
}

/* -- units -- */

/* Standard deviation; 0 where a value never moved by more than rounding. */
static double moves_by(const ur_normal *v)
{
	const double s = sqrt(v->variance);
	return s > 1e-30 && s > 1e-9 * fabs(v->mean) ? s : 0;
}

/* What values are divided by. */
static double spread_of(const ur_normal *v)
{
	const double s = moves_by(v);
	return s > 0 ? s : 1;
}

/* A value that never moved says nothing, by however little it now does: in units of 1 a large one could be anything.
 * (Before the first value there are no units, and none are used.) */
static int says_nothing(const ur_normal *v) { return v->n > 0 && !(moves_by(v) > 0); }

static void see(ur_normal *v, double most, double x)
{
	const double d = x - v->mean;

	if (!isfinite(d))
		return;
	v->n = most > 0 && v->n >= most ? most : v->n + 1;
	v->mean += d / v->n;
	v->variance = (1 - 1 / v->n) * (v->variance + d * d / v->n);
}

/* What a layer sees of x. */
static float in_units(const ur_learner *l, const ur_normal *v, double x)
{
	const float z = (float)(l->units ? (x - v->mean) / spread_of(v) : x);
	return isfinite(x) && isfinite(z) && !(l->units && says_nothing(v)) ? z : 0;
}

static double out_of_units(const ur_learner *l, const ur_normal *v, double z)
{
	return !l->units ? z : says_nothing(v) ? v->mean : z * spread_of(v) + v->mean;
}

static void tell_port(ur_port *p, int at, const ur_normal *v)
{
	p->mean[at] = (float)v->mean;
	p->scale[at] = (float)fmax(1 / spread_of(v), 1e-37); /* 1 / scale is a float, too */
}

void ur_learner_tell_ports(ur_learner *l)
{
	ur_ports *p = l->live.m->ports;

	if (!l->units)
		return;
	for (int i = 0; i < l->features; i++)
		tell_port(&p->in, i, &l->live.normal[i]);
	if (l->numbers)
		tell_port(&p->out, 0, &l->live.normal[l->features]);
	if (l->numbers && l->fed)
		tell_port(&p->in, l->features, &l->live.normal[l->features]);
}

const ur_model *ur_learner_model(ur_learner *l)
{
	ur_learner_tell_ports(l);
	return l->live.m;
}

/* -- foretelling -- */

static int all_finite(size_t n, const float *x)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return 0;
	return 1;
}

/* A state that is no numbers begins anew. */
static void keep_sound(ur_learner *l, const ur_watcher *w, void *state)
{
	const ur_model *m = w->m;

	for (int i = 0; i < m->spec.layers; i++) {
		const ur_layer *of = &m->stack.layer[i];
		const void *at = ur_model_state_of(m, state, i);

		if (!all_finite(of->kind->state_used(&of->dims, at) / sizeof(float), at)) {
			ur_model_state_clear(m, state);
			l->resets += w == &l->live;
			return;
		}
	}
}

static void write_row(const ur_learner *l, ur_watcher *w, int at, const float *features)
{
	float *row = w->ring.rows + (size_t)at * (size_t)l->in;

	for (int i = 0; i < l->features; i++)
		row[i] = in_units(l, &w->normal[i], (double)features[i]);
	for (int i = 0; i < l->fed; i++)
		row[l->features + i] = !l->has_last ? 0 : l->numbers ? in_units(l, &w->normal[l->features], l->last_value)
		                                                     : i == l->last;
}

/* The newest event goes into the ring of the model that learns, and its state moves on over the oldest. */
static int push(ur_learner *l)
{
	ur_watcher *w = &l->live;
	int at;

	if (w->ring.count == l->how.window && l->carries) {
		const ur_pass pass = pass_over(w, l->in, w->ring.from, 1, &w->state);

		ur_net_forward(&w->ahead, &pass);
		keep_sound(l, w, w->state);
	}
	at = ring_push(&w->ring, l->how.window, l->in, l->targets, l->wanted);
	if (l->numbers)
		l->wanted[at] = NAN;
	else
		l->targets[at] = -1;
	return at;
}

static void say(ur_watcher *w)
{
	const int T = w->net.T < w->ring.count ? w->net.T : w->ring.count;

	ur_model_head(w->m, 1, w->net.last + (size_t)(T - 1) * (size_t)w->m->spec.width, w->said);
	w->sound = all_finite((size_t)w->m->V, w->said);
	if (!w->sound)
		memset(w->said, 0, (size_t)w->m->V * sizeof *w->said);
}

static void look_live(ur_learner *l)
{
	ur_watcher *w = &l->live;
	ur_pass pass = pass_over(w, l->in, w->ring.from, w->ring.count, l->carries ? &w->scratch : NULL);

	if (l->carries)
		ur_model_state_copy(w->m, w->scratch, w->state);
	ur_net_forward(&w->net, &pass);
	say(w);
}

static void look_frozen(ur_learner *l, int at)
{
	ur_watcher *w = &l->frozen;
	const ur_pass one = pass_over(w, l->in, at, 1, &w->state);
	const ur_pass all = pass_over(w, l->in, w->ring.from, w->ring.count, NULL);

	ur_net_forward(&w->net, l->carries ? &one : &all);
	if (l->carries)
		keep_sound(l, w, w->state);
	say(w);
}

void ur_learner_pass(ur_learner *l)
{
	if (!l->values || !l->pending)
		return;
	l->unanswered++;
	l->pending = 0;
}

ur_status ur_learner_predict(ur_learner *l, const float *features, const float **out, ur_err *err)
{
	int at;

	*out = NULL;
	if ((features != NULL) != l->values && (l->features > 0 || features))
		return ur_fail(err, UR_E_INVALID, "the model reads %s", l->values ? "values, and none were given" : "tokens");
	if (l->values) {
		ur_learner_pass(l);
		for (int i = 0; l->units && i < l->features; i++)
			see(&l->live.normal[i], l->how.norm, (double)features[i]);
		at = push(l);
		write_row(l, &l->live, at, features);
		at = ring_push(&l->frozen.ring, l->how.window, l->in, NULL, NULL);
		write_row(l, &l->frozen, at, features);
		look_live(l);
		if (l->frozen_lives)
			look_frozen(l, at);
	} else if (!l->has_last) {
		return UR_OK;
	} else if (!l->pending) {
		l->live.ring.ids[push(l)] = (int32_t)l->last;
		at = ring_push(&l->frozen.ring, l->how.window, l->in, NULL, NULL);
		l->frozen.ring.ids[at] = (int32_t)l->last;
		look_live(l);
		if (l->frozen_lives)
			look_frozen(l, at);
	}
	l->pending = 1;
	memcpy(l->out, l->live.said, (size_t)l->V * sizeof *l->out);
	if (l->numbers)
		l->out[0] = (float)out_of_units(l, &l->live.normal[l->features], (double)l->live.said[0]);
	*out = l->out;
	return UR_OK;
}

/* -- learning -- */

/* One step down from the pass that is at hand; what is not finite changes nothing. */
static void step(ur_learner *l)
{
	ur_watcher *w = &l->live;
	const int T = w->ring.count, from = w->ring.from;
	int first = l->how.whole ? 0 : T - 1, scored = 0;
	const ur_pass pass = pass_over(w, l->in, from, T, l->carries ? &w->scratch : NULL);
	ur_aim aim = { 0 };
	double norm, scale;

	/* rows before `first` are not scored; they keep their answers, which later windows never ask for either */
	for (int t = 0; t < T; t++) {
		if (t < first && l->numbers)
			l->wanted[from + t] = NAN;
		else if (t < first)
			l->targets[from + t] = -1;
		scored += l->numbers ? !isnan(l->wanted[from + t]) : l->targets[from + t] >= 0;
	}
	aim.targets = l->numbers ? NULL : l->targets + from;
	aim.values = l->numbers ? l->wanted + from : NULL;
	aim.weight = 1 / (float)scored;
	memset(l->back.all, 0, w->m->floats * sizeof *l->back.all);
	ur_net_backward(&l->back, &pass, &aim);
	norm = ur_grad_norm(l->ctx, w->m->floats, l->back.all, l->parts);
	if (!isfinite(norm) || !w->sound) {
		l->skipped++;
		if (++l->bad <= l->how.window)
			return;
		memcpy(w->m->weights, l->frozen.m->weights, w->m->floats * sizeof *w->m->weights);
		memset(l->m1, 0, w->m->floats * sizeof *l->m1);
		if (l->m2)
			memset(l->m2, 0, w->m->floats * sizeof *l->m2);
		if (l->carries)
			ur_model_state_clear(w->m, w->state);
		l->steps = l->bad = 0;
		l->restarts++;
		ur_model_pack(w->m, l->ctx);
		return;
	}
	l->bad = 0;
	scale = l->how.clip > 0 && norm > l->how.clip ? l->how.clip / norm : 1;
	ur_optimizer_step(l->optimizer, l->ctx, &l->recipe, w->m, ++l->steps, l->how.lr * l->boost, (float)scale,
	                  l->back.all,
	                  l->m1, l->m2);
	ur_model_pack(w->m, l->ctx);
}

/* Of the one that learns into the frozen one's; they are of one shape. */
static void copy_ring(ur_learner *l)
{
	const ur_ring *from = &l->live.ring;
	ur_ring *to = &l->frozen.ring;
	const size_t n = 2 * (size_t)l->how.window;

	if (from->rows)
		memcpy(to->rows, from->rows, n * (size_t)l->in * sizeof *to->rows);
	if (from->ids)
		memcpy(to->ids, from->ids, n * sizeof *to->ids);
	to->from = from->from;
	to->count = from->count;
}

/* What happens behind each answer, whatever its kind. `error` of the model, in [0, 1]. */
static int conclude(ur_learner *l, const ur_attempt attempt[UR_CONTESTANTS], double error)
{
	int drift;

	ur_prequential_add(&l->score, attempt);
	l->events++;
	step(l);
	l->boost = 1 + (l->boost - 1) * (1 - 1 / l->how.fade);
	switch (ur_adwin_add(&l->adwin, error)) {
	case UR_STEADY: drift = 0; break;
	case UR_ROSE: drift = 1; ur_adwin_start(&l->adwin, l->how.delta); break;
	default: drift = 0; ur_adwin_start(&l->adwin, l->how.delta); break; /* it learnt */
	}
	if (drift) {
		l->drifts++;
		l->last_drift = l->events;
		if (l->how.faster)
			l->boost = 4;
	}
	if (!l->frozen_lives && l->events >= l->how.freeze_after) {
		ur_learner_freeze(l);
		/* what it has seen is what was seen while its weights were learnt, in the units of that time; from here on it
		 * goes its own way */
		copy_ring(l);
		if (l->carries)
			ur_model_state_copy(l->frozen.m, l->frozen.state, l->live.scratch);
		l->frozen_lives = 1;
	}
	l->pending = 0;
	l->has_last = 1;
	return drift;
}

static ur_status foretold(ur_learner *l, int number, ur_err *err)
{
	if (l->numbers != number)
		return ur_fail(err, UR_E_INVALID, number ? "the model tells classes or tokens, not numbers"
		                                         : "the model tells a number, not a class");
	if (!l->pending && l->values)
		return ur_fail(err, UR_E_INVALID, "there is nothing to answer: an event is foretold first");
	return UR_OK;
}

/* The likeliest of the classes found so far, and -log of the answer's probability among all. */
static ur_attempt judge(const ur_learner *l, const ur_watcher *w, int answer)
{
	int best = 0;
	double sum = 0;

	for (int i = 1; i < l->classes; i++)
		if (w->said[i] > w->said[best])
			best = i;
	for (int i = 0; i < l->V; i++)
		sum += exp((double)(w->said[i] - w->said[best]));
	return (ur_attempt){ !w->sound || best != answer, log(sum) - (double)(w->said[answer] - w->said[best]) };
}

static const ur_attempt silent = { NAN, NAN };

ur_status ur_learner_answer(ur_learner *l, int answer, int *drift, ur_err *err)
{
	ur_attempt a[UR_CONTESTANTS] = { silent, silent, silent, silent };
	const float *out;
	ur_status status;

	*drift = 0;
	if ((status = foretold(l, 0, err)))
		return status;
	if (answer < 0 || answer >= l->V)
		return ur_fail(err, UR_E_INVALID, "no %s %d: the model has %d, from 0", l->values ? "class" : "token",
		               answer, l->V);
	if (!l->values && (status = ur_learner_predict(l, NULL, &out, err)))
		return status;
	if (l->pending) {
		a[UR_OF_MODEL] = judge(l, &l->live, answer);
		if (l->frozen_lives)
			a[UR_OF_FROZEN] = judge(l, &l->frozen, answer);
		a[UR_OF_LAST].error = l->has_last ? l->last != answer : 1;
		a[UR_OF_USUAL].error = l->usual != answer;
		l->targets[l->live.ring.from + l->live.ring.count - 1] = answer;
		*drift = conclude(l, a, a[UR_OF_MODEL].error);
	}
	l->has_last = 1; /* the first token is no event: nothing foretold it */
	l->last = answer;
	l->counts[answer]++;
	if (l->usual < 0 || l->counts[answer] > l->counts[l->usual])
		l->usual = answer;
	if (l->classes <= answer)
		l->classes = answer + 1;
	return UR_OK;
}

/* An error, and as a loss its square in standard deviations, of which nothing is known before two different answers; in
 * the data's own units where there are no others. */
static ur_attempt miss(const ur_learner *l, const ur_watcher *w, double answer)
{
	const ur_normal *v = &w->normal[l->features];
	const double error = out_of_units(l, v, (double)w->said[0]) - answer;
	const double unit = l->units ? moves_by(&l->live.normal[l->features]) : 1, z = error / unit;

	return (ur_attempt){ error, unit > 0 ? z * z : NAN };
}

ur_status ur_learner_answer_value(ur_learner *l, double answer, int *drift, ur_err *err)
{
	ur_attempt a[UR_CONTESTANTS] = { silent, silent, silent, silent };
	ur_normal *unit = &l->live.normal[l->features];
	ur_status status;
	double far;

	*drift = 0;
	if ((status = foretold(l, 1, err)))
		return status;
	if (!isfinite((float)answer))
		return ur_fail(err, UR_E_INVALID, "an answer that is not a finite number");
	a[UR_OF_MODEL] = miss(l, &l->live, answer);
	if (l->frozen_lives)
		a[UR_OF_FROZEN] = miss(l, &l->frozen, answer);
	a[UR_OF_LAST].error = (l->has_last ? l->last_value : 0) - answer;
	a[UR_OF_USUAL].error = (l->events ? l->value_sum / (double)l->events : 0) - answer;
	far = sqrt(a[UR_OF_MODEL].loss);
	if (l->units)
		see(unit, l->how.norm, answer);
	l->wanted[l->live.ring.from + l->live.ring.count - 1] = in_units(l, unit, answer);
	*drift = conclude(l, a, isinf(far) ? 1 : far / (1 + far)); /* no number where there is no unit: passed over */
	l->last_value = answer;
	l->value_sum += answer;
	return UR_OK;
}

/* -- classes -- */

/* Outputs of a file's model that names no classes mean what they meant when it was made: they are called "0", "1", ...,
 * not by what the stream happens to show first. */
static ur_status name_outputs(ur_learner *l, ur_port *p, ur_err *err)
{
	ur_status status = UR_OK;
	char text[16];

	for (int i = 0; i < l->V && !p->name[i] && !status; i++) {
		(void)snprintf(text, sizeof text, "%d", i);
		status = ur_port_name(p, i, text, err);
	}
	return status;
}

ur_status ur_learner_class(ur_learner *l, const char *name, size_t bytes, int *number, ur_err *err)
{
	ur_port *p = l->values && !l->numbers ? &l->live.m->ports->out : NULL;
	char text[256];
	ur_status status;

	*number = 0;
	if (!p)
		return ur_fail(err, UR_E_INVALID, "the model tells no classes");
	if (bytes >= sizeof text || memchr(name, 0, bytes))
		return ur_fail(err, UR_E_INVALID, "the name of a class has at most %zu bytes, and no zero", sizeof text - 1);
	if (l->numbered && (status = name_outputs(l, p, err)))
		return status;
	for (int i = 0; i < l->V && p->name[i]; i++, ++*number)
		if (strlen(p->name[i]) == bytes && !memcmp(p->name[i], name, bytes))
			return UR_OK;
	if (*number == l->V && l->numbered)
		return ur_fail(err, UR_E_INVALID, "the model names no classes, so answers are 0 to %d, not '%.*s'", l->V - 1,
		               (int)(bytes < 60 ? bytes : 60), name);
	if (*number == l->V)
		return ur_fail(err, UR_E_INVALID, "'%.*s' would be class %d, and the model has outputs for %d; begin anew "
		               "with more (--classes)", (int)(bytes < 60 ? bytes : 60), name, l->V + 1, l->V);
	memcpy(text, name, bytes);
	text[bytes] = 0;
	return ur_port_name(p, *number, text, err);
}

const char *ur_learner_class_name(const ur_learner *l, int number)
{
	return l->values && !l->numbers && number >= 0 && number < l->V ? l->live.m->ports->out.name[number] : NULL;
}

ur_learned ur_learner_score(const ur_learner *l)
{
	return (ur_learned){ .events = l->events, .unanswered = l->unanswered, .drifts = l->drifts,
		.last_drift = l->last_drift, .skipped = l->skipped, .restarts = l->restarts, .resets = l->resets,
		.classes = (int)l->classes, .says_values = l->numbers, .score = l->score };
}
