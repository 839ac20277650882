/* The runs: each task with each mixer at doubling lengths, until it is not solved. A run is a fact of its own. */
#include "lab/distance.h"

#include "base/machine.h"

#include <math.h>
#include <string.h>

enum { BATCH = 32, EVERY = 50, FEWEST = 64, MOST = 256, SCORED_TOKENS = 1 << 16, GATE_STEPS = 520 };
static const double MOST_OVER = 1.2;    /* of the seconds there should be: what is not done by then is not a fact */

/* Found by trying 0.001 to 0.02 on adding and recall; the rate is constant after a short warm-up. */
static double rate_of(const char *mixer)
{
	static const struct { const char *mixer; double rate; } found[] = {
		{ "rnn", 2e-3 }, { "gru", 5e-3 }, { "lstm", 1e-2 }, { "attention", 3e-3 },
	};
	for (size_t i = 0; i < sizeof found / sizeof *found; i++)
		if (!strcmp(found[i].mixer, mixer))
			return found[i].rate;
	return 3e-3;
}

/* Sequences a validation looks at: fewer of long ones, so that a stop need not wait for it. */
static int held_out(int length)
{
	const int n = SCORED_TOKENS / length;
	return n < FEWEST ? FEWEST : n > MOST ? MOST : n;
}

typedef struct watching { ur_lab *lab; double asked; int late; } watching;

static int is_late(const ur_lab *lab)
{
	return lab->spent + ur_clock() - lab->began > MOST_OVER * ur_distance_seconds(lab);
}

static int on_step(void *arg, const ur_step_report *r)
{
	watching *w = arg;
	const double now = ur_clock();

	if (r->validated && r->task && ur_distance_solved(r->task->accuracy.mean, r->task->mse.mean))
		return UR_ENOUGH;
	if (now - w->asked < 0.2)
		return 0;
	w->asked = now;
	w->late = is_late(w->lab);
	return w->late || ur_lab_stopping(w->lab);
}

static json_t *fact_of(const ur_outcome *o, json_t *reach)
{
	const ur_task_score *s = &o->task;
	return json_pack("{s:b,s:o,s:o,s:o,s:I,s:o}", "solved", ur_distance_solved(s->accuracy.mean, s->mse.mean),
		"accuracy", ur_distance_number(s->accuracy.mean), "loss", ur_distance_number(s->loss.mean), "mse",
		ur_distance_number(s->mse.mean), "tokens", (json_int_t)o->tokens, "reach", reach);
}

/* Trains one; of an LSTM its gates are kept too. *late: there was no time, and there is no fact. */
static ur_status train(ur_lab *lab, const char *mixer, int task, int T, int seed, json_t **fact, json_t **gates,
                       int *late, ur_err *err)
{
	const ur_distance_plan plan = ur_distance_plan_of(lab);
	char text[UR_TASK_TEXT], along[UR_TASK_TEXT];
	watching watch = { .lab = lab, .asked = ur_clock() };
	ur_job job = { .ctx = lab->ctx, .report = on_step, .arg = &watch };
	ur_model *m = NULL;
	ur_outcome o;
	ur_task t;
	json_t *reach = NULL;
	ur_status status;

	*fact = *gates = NULL;
	*late = 0;
	ur_distance_task(task, T, text);
	if ((status = ur_task_parse(text, &t, err)))
		return status;
	if (!(status = ur_distance_spec(mixer, t.length > 2 * plan.reach ? t.length : 2 * plan.reach, &job.spec, err))) {
		ur_recipe_defaults(&job.recipe, &job.spec);
		job.task = &t;
		job.recipe.batch = BATCH;
		job.recipe.steps = (int64_t)(plan.tokens / (BATCH * (double)t.length)) + 1;
		job.recipe.lr = rate_of(mixer);
		job.recipe.schedule = "constant";
		job.recipe.warmup = 20;
		job.recipe.eval_every = EVERY;
		job.recipe.eval_tokens = (int64_t)held_out(t.length) * t.scored;
		job.recipe.seed = lab->seed + (uint64_t)seed;
		status = ur_train(&job, &m, &o, err);
	}
	if (status == UR_E_STOPPED && watch.late) {
		*late = 1;
		status = UR_OK;
	} else if (status == UR_E_DIVERGED) { /* a result, too */
		o = (ur_outcome){ .task = { .accuracy.mean = NAN, .loss.mean = NAN, .mse.mean = NAN } };
		*fact = fact_of(&o, json_null());
		status = UR_OK;
	} else if (!status) {
		ur_distance_task(task, plan.reach, along);
		if (!(status = ur_distance_reach(m, lab->ctx, along, &reach, err)))
			*fact = fact_of(&o, reach);
		ur_distance_task(task, GATE_STEPS, along);
		if (!status && m->stack.layer[0].kind == ur_mixer_find("lstm"))
			status = ur_distance_gates(m, along, gates, err);
	}
	if (!status && !*late && !*fact)
		status = ur_fail(err, UR_E_NOMEM, "no memory for the outcome of %s", text);
	if (status) {
		json_decref(*fact);
		json_decref(*gates);
		*fact = *gates = NULL;
	}
	ur_model_free(m);
	ur_task_free(&t);
	return status;
}

/* How far back a model looks that has learnt nothing. */
static ur_status fresh(ur_lab *lab, const char *mixer, ur_err *err)
{
	const ur_distance_plan plan = ur_distance_plan_of(lab);
	char text[UR_TASK_TEXT];
	ur_model *m = NULL;
	json_t *fact = NULL;
	ur_spec spec;
	ur_task t;
	ur_status status = UR_OK;

	if (ur_lab_recall(lab, &status, err, "start/%s", mixer) || status)
		return status;
	ur_distance_task(0, plan.reach, text);
	if ((status = ur_lab_say(lab, -1, err, "%s before training", mixer)) || (status = ur_task_parse(text, &t, err)))
		return status;
	if (!(status = ur_distance_spec(mixer, 2 * plan.reach, &spec, err)) &&
	    !(status = ur_model_create(&spec, &(ur_words){ .V = ur_vocab_size(t.vocab) }, lab->ctx->k, 1, &m, err))) {
		ur_model_init(m, lab->seed);
		ur_model_pack(m, lab->ctx);
		status = ur_distance_reach(m, lab->ctx, text, &fact, err);
	}
	ur_model_free(m);
	ur_task_free(&t);
	return status ? status : ur_lab_keep(lab, fact, err, "start/%s", mixer);
}

/* All seeds of one cell of the table; *solved: at least half of them did. */
static ur_status cell(ur_lab *lab, const char *mixer, int task, int T, int *solved, ur_err *err)
{
	const ur_distance_plan plan = ur_distance_plan_of(lab);
	const char *word = ur_distance_tasks[task];
	ur_status status = UR_OK;
	int did = 0, late = 0;

	for (int seed = 0; seed < plan.seeds && !status; seed++) {
		json_t *fact = ur_lab_recall(lab, &status, err, "run/%s/%s/%d/%d", word, mixer, T, seed), *gates = NULL;

		if (!fact && !status) {
			if (is_late(lab) || (status = ur_lab_say(lab, -1, err, "%s: %s at T = %d", mixer, word, T)) ||
			    (status = train(lab, mixer, task, T, seed, &fact, &gates, &late, err)) || late)
				break;
			if (gates)
				status = ur_lab_keep(lab, gates, err, "gates/%s/%d/%d", word, T, seed);
			did += json_is_true(json_object_get(fact, "solved"));
			if (status)
				json_decref(fact);
			else
				status = ur_lab_keep(lab, fact, err, "run/%s/%s/%d/%d", word, mixer, T, seed);
		} else {
			did += json_is_true(json_object_get(fact, "solved"));
		}
	}
	*solved = 2 * did >= plan.seeds;
	return status;
}

ur_status ur_distance_train(ur_lab *lab, ur_err *err)
{
	enum { MIXERS = 32 };
	const ur_distance_plan plan = ur_distance_plan_of(lab);
	int over[UR_DISTANCE_TASKS][MIXERS] = { 0 };
	ur_status status = UR_OK;

	for (const ur_lab_mixer *m = lab->mixer; m->name && !status; m++)
		status = fresh(lab, m->name, err);
	/* short ones first, so that whoever stops on the way has a whole picture of them */
	for (int T = plan.shortest; T <= plan.longest && !status; T *= 2)
		for (int task = 0; task < UR_DISTANCE_TASKS && !status; task++)
			for (int i = 0; lab->mixer[i].name && i < MIXERS && !status; i++) {
				int solved = 0;
				if (over[task][i])
					continue;
				status = cell(lab, lab->mixer[i].name, task, T, &solved, err);
				over[task][i] = !solved;
			}
	return status;
}
