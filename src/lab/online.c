/* Learning from single events as they arrive, on a stream whose rule changes half way: the models that learn beside the
 * same ones frozen at the change, what an event takes, and whether memory grows. All learn by train/learner.h, each
 * answer once, with the same window: a recurrence carries its state besides, attention sees the window alone. */
#include "lab/online.h"

#include "base/machine.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 32, FEATURES = 3, CLASSES = 2, WINDOW = 16 };

typedef struct plan { int events, seeds; double cost; } plan;

static plan plan_of(const ur_lab *lab)
{
	static const plan plans[] = {
		[UR_LAB_QUICK] = { 4800, 1, 0.4 }, [UR_LAB_DEFAULT] = { 12000, 2, 2 }, [UR_LAB_FULL] = { 60000, 5, 10 },
	};
	return plans[lab->size];
}

static double seconds(const ur_lab *lab) { return ur_lab_pick(lab, 5, 22, 260); }

/* -- the stream -- */

static float draw(uint64_t seed, int64_t i, int k)
{
	return (float)ur_rng_unit(seed, ur_rng_for(UR_RNG_TASK, (uint64_t)1 << 40 | (uint64_t)k), (uint64_t)i);
}

/* Three values of 0 to 1. Before the change the answer is whether this event's first and the last event's second come
 * to more than 1; behind it the third takes the first one's place. A tenth of the answers is drawn, not told. */
static int event_of(uint64_t seed, int64_t i, int64_t change, float row[FEATURES])
{
	const float before = i ? draw(seed, i - 1, 1) : 0.5f, noise = draw(seed, i, FEATURES);

	for (int k = 0; k < FEATURES; k++)
		row[k] = draw(seed, i, k);
	return noise < 0.1f ? noise < 0.05f : row[i < change ? 0 : 2] + before > 1;
}

/* -- measuring -- */

/* One layer of a recurrence; a block of attention of the width whose parameters come nearest to the recurrence's. */
static ur_status spec_of(const ur_mixer *m, int width, ur_spec *spec, ur_err *err)
{
	char text[UR_SPEC_TEXT];

	(void)snprintf(text, sizeof text, "%s:1x%d%s", m->name, width, m->flags & UR_STATE_GROWS ? ",block=llama" : "");
	return ur_spec_parse(text, spec, err);
}

static ur_status model_of(ur_lab *lab, const ur_spec *spec, uint64_t seed, ur_model **m, ur_err *err)
{
	return ur_learn_model(spec, &(ur_learn_shape){ .features = FEATURES, .classes = CLASSES, .blind = 1 }, seed,
	                      lab->one->k, m, err);
}

static ur_status parameters_of(ur_lab *lab, const ur_spec *spec, int64_t *parameters, ur_err *err)
{
	ur_model *m;
	ur_status status = model_of(lab, spec, 1, &m, err);

	*parameters = status ? 0 : m->scalars;
	ur_model_free(m);
	return status;
}

/* The spec of a mixer that has about as many parameters as an LSTM of WIDTH. */
static ur_status sized(ur_lab *lab, const ur_mixer *m, ur_spec *spec, ur_err *err)
{
	int64_t aim, now, best = INT64_MAX;
	ur_spec tried;
	ur_status status = ur_spec_parse("lstm:1x32", &tried, err);

	if (!status)
		status = parameters_of(lab, &tried, &aim, err);
	for (int width = 8; width <= 3 * WIDTH && !status; width += 8)
		if (!(status = spec_of(m, width, &tried, err)) && !(status = parameters_of(lab, &tried, &now, err)) &&
		    llabs(now - aim) < best) {
			best = llabs(now - aim);
			*spec = tried;
		}
	return status;
}

static ur_status open_learner(ur_lab *lab, const ur_spec *spec, double rate, int64_t freeze, uint64_t seed,
                              ur_learner **l, ur_err *err)
{
	ur_learning how;
	ur_model *m;
	ur_status status = model_of(lab, spec, seed, &m, err);

	*l = NULL;
	if (status)
		return status;
	ur_learning_defaults(&how, spec);
	how.window = WINDOW;
	how.lr = rate;
	how.freeze_after = freeze;
	how.norm = 0;
	return ur_learner_open(&how, m, 1, lab->one, l, err);
}

static ur_status one_event(ur_learner *l, uint64_t seed, int64_t i, int64_t change, ur_err *err)
{
	float row[FEATURES];
	const int answer = event_of(seed, i, change, row);
	const float *said;
	int drift;
	ur_status status = ur_learner_predict(l, row, &said, err);

	return status ? status : ur_learner_answer(l, answer, &drift, err);
}

static ur_status events(ur_lab *lab, ur_learner *l, uint64_t seed, int64_t from, int64_t to, int64_t change,
                        ur_err *err)
{
	ur_status status = UR_OK;

	for (int64_t i = from; i < to && !status; i++) {
		status = one_event(l, seed, i, change, err);
		if (!status && i % 128 == 0 && ur_lab_stopping(lab))
			status = ur_fail(err, UR_E_STOPPED, "stopped");
	}
	return status;
}

/* The rate of three that is right most often in the first quarter of the stream. */
static ur_status pick_rate(ur_lab *lab, const char *name, const ur_spec *spec, int64_t events_, double *rate,
                           ur_err *err)
{
	static const double rates[] = { 1e-3, 3e-3, 1e-2 };
	double best = -1;
	ur_status status = UR_OK;
	const json_t *fact = ur_lab_recall(lab, &status, err, "rate/%s", name);

	*rate = ur_fact_at(fact, "rate");
	if (fact || status)
		return status;
	for (size_t i = 0; i < sizeof rates / sizeof *rates && !status; i++) {
		ur_learner *l;

		if (!(status = open_learner(lab, spec, rates[i], 0, lab->seed, &l, err)) &&
		    !(status = events(lab, l, lab->seed, 0, events_ / 4, events_, err))) {
			const ur_learned g = ur_learner_score(l);
			const double right = ur_prequential_of(&g.score, UR_OF_MODEL).right.mean;

			if (right > best) {
				best = right;
				*rate = rates[i];
			}
		}
		ur_learner_close(l);
	}
	return status ? status : ur_lab_keep(lab, json_pack("{s:f,s:f}", "rate", *rate, "right", best), err, "rate/%s",
	                                     name);
}

/* Right answers since `then`, and the events. */
static json_t *since(const ur_learned *then, const ur_learned *now, int who)
{
	const ur_sums *a = &then->score.of[who].all, *b = &now->score.of[who].all;

	return json_pack("{s:f,s:f}", "right", (b->n - b->error) - (a->n - a->error), "n", b->n - a->n);
}

/* Right answers block by block, for the chart. */
static void add_block(json_t *list, const ur_learned *then, const ur_learned *now, int who)
{
	json_t *s = since(then, now, who);
	const double n = ur_fact_at(s, "n");

	(void)json_array_append_new(list, n > 0 ? json_real(ur_fact_at(s, "right") / n) : json_null());
	json_decref(s);
}

static ur_status run(ur_lab *lab, const char *name, const ur_spec *spec, double rate, uint64_t seed, ur_err *err)
{
	const int64_t n = plan_of(lab).events, change = n / 2, block = n / 24;
	json_t *model = json_array(), *frozen = json_array(), *fact = NULL;
	ur_learned then, at_change = { 0 }, settled = { 0 }, now;
	int64_t resident = -1, grown = -1;
	ur_learner *l = NULL;
	int resets = 0;
	ur_status status = open_learner(lab, spec, rate, change, seed, &l, err);

	now = (ur_learned){ 0 };
	for (int64_t i = 0; i < n && !status; i += block) {
		then = now;
		status = events(lab, l, seed, i, i + block, change, err);
		now = ur_learner_score(l);
		add_block(model, &then, &now, UR_OF_MODEL);
		add_block(frozen, &then, &now, UR_OF_FROZEN);
		if (i + block == change) {
			at_change = now;
			resets = ur_memory_peak_reset();
			resident = ur_memory_peak();
		}
		if (i + block == change + n / 8)
			settled = now;
	}
	if (!status && resets && resident >= 0)
		grown = ur_memory_peak() - resident;
	if (!status)
		fact = json_pack("{s:s,s:b,s:I,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:O,s:O}", "spec",
		                 spec->text,
			"grows", (spec->mixer->flags & UR_STATE_GROWS) != 0, "parameters", (json_int_t)ur_learner_model(l)->scalars,
			"rate", rate, "events", (json_int_t)n, "change", (json_int_t)change, "window", (json_int_t)WINDOW, "bytes",
			(json_int_t)ur_learner_bytes(l), "grown", (json_int_t)grown, "last_drift", (json_int_t)now.last_drift,
			"before", since(&(ur_learned){ 0 }, &at_change, UR_OF_MODEL), "learning", since(&settled, &now,
			                                                                                UR_OF_MODEL),
			"frozen", since(&settled, &now, UR_OF_FROZEN), "last", since(&settled, &now, UR_OF_LAST), "usual",
			since(&settled, &now, UR_OF_USUAL), "after", since(&at_change, &now, UR_OF_MODEL), "curve", model,
			"frozen_curve", frozen);
	json_decref(model);
	json_decref(frozen);
	ur_learner_close(l);
	return status ? status : ur_lab_keep(lab, fact, err, "run/%s/%d", name, (int)(seed - lab->seed));
}

/* A few dozen events more of a learner that has a full window. */
typedef struct timed { ur_learner *l; int64_t at; uint64_t seed; } timed;
enum { AT_ONCE = 32, MOST = 32 };

static void run_timed(void *arg)
{
	timed *t = arg;

	for (int i = 0; i < AT_ONCE; i++)
		(void)one_event(t->l, t->seed, t->at++, INT64_MAX, NULL);
}

static ur_status costs(ur_lab *lab, const ur_spec *spec, const double *rate, int n, ur_err *err)
{
	timed of[MOST] = { 0 };
	ur_timed thing[MOST];
	ur_times times[MOST];
	json_t *fact;
	ur_status status = UR_OK;
	int open = 0;

	if (ur_lab_recall(lab, &status, err, "costs") || status || (status = ur_lab_say(lab, -1, err, "timing an event")))
		return status;
	for (; open < n && !status; open++) {
		of[open] = (timed){ .seed = lab->seed };
		thing[open] = (ur_timed){ run_timed, &of[open] };
		if (!(status = open_learner(lab, &spec[open], rate[open], INT64_MAX, lab->seed, &of[open].l, err)))
			run_timed(&of[open]);
	}
	if (!status)
		status = ur_lab_turns(lab, n, thing, plan_of(lab).cost, times, err);
	fact = json_object();
	for (int i = 0; i < n && !status; i++) {
		double *const by[] = { &times[i].median, &times[i].low, &times[i].high, &times[i].thread, &times[i].thread_low,
			&times[i].thread_high };

		for (size_t k = 0; k < sizeof by / sizeof *by; k++)
			*by[k] /= AT_ONCE;
		(void)json_object_set_new(fact, lab->mixer[i].name, ur_times_json(&times[i]));
	}
	for (int i = 0; i < open; i++)
		ur_learner_close(of[i].l);
	if (!status)
		return ur_lab_keep(lab, fact, err, "costs");
	json_decref(fact);
	return status;
}

static ur_status measure(ur_lab *lab, ur_err *err)
{
	const plan of = plan_of(lab);
	ur_spec *spec = calloc(MOST, sizeof *spec);
	double rate[MOST];
	ur_status status = spec ? UR_OK : ur_fail(err, UR_E_NOMEM, "out of memory for specs");
	int n = 0;

	for (; n < MOST && lab->mixer[n].name && !status; n++) {
		const char *name = lab->mixer[n].name;

		if (!(status = sized(lab, lab->mixer[n].forward->mixer, &spec[n], err)) &&
		    !(status = ur_lab_say(lab, -1, err, "a rate for %s", name)))
			status = pick_rate(lab, name, &spec[n], of.events, &rate[n], err);
	}
	for (int s = 0; s < of.seeds && !status; s++)
		for (int i = 0; i < n && !status; i++) {
			const char *name = lab->mixer[i].name;

			if (ur_lab_recall(lab, &status, err, "run/%s/%d", name, s) || status)
				continue;
			if (!(status = ur_lab_say(lab, -1, err, "%s learns from %d events", name, of.events)))
				status = run(lab, name, &spec[i], rate[i], lab->seed + (uint64_t)s, err);
		}
	if (!status)
		status = costs(lab, spec, rate, n, err);
	free(spec);
	return status;
}

static const char *const lesson[] = {
	"Most models are trained once and then left as they are. A stream goes on, and its rules change: what was learnt "
	"is wrong from then on, and stays wrong until somebody trains again. Learning from each event as it arrives, once, "
	"costs a little at every event instead.",
	"A recurrence suits that: its state already holds what it needs of the past, so an event takes one step forward, "
	"a few steps of gradient back, and memory that never grows. Attention has no state to go on from. It can learn "
	"online, too, but what it knows of the past is the window that is kept for it.",
	"Each event is scored before it is learnt (test, then train), so no event is ever scored by a model that has seen "
	"its answer.",
	NULL };
static const char *const how[] = {
	"A stream is made here: three values an event, and an answer that depends on this event and the one before. Half "
	"way the rule changes: another value counts. A tenth of the answers is drawn by lot. Models have about as many "
	"parameters as an LSTM of 32 units, one layer each (attention: one block), the same window of 16 events, AdamW, "
	"and the rate of 0.001, 0.003 and 0.01 that is right most often in the first quarter. The frozen copy is made at "
	"the change, so it knows all that came before.",
	"What is compared behind the change are events from an eighth of the stream behind it on, once there was time to "
	"learn. Times are processor seconds of one thread for foretelling and learning an event, in turns, without a "
	"frozen copy beside it.",
	NULL };

const ur_experiment ur_experiment_online = { "online", "Learning as events arrive",
	"Does learning from each event, once, keep up with a stream whose rule changes, and what does it cost?", "L7",
		lesson,
	how, seconds, measure, ur_online_conclude };
