/* How far back an answer reaches: the gradient it sends to each earlier input, before and after training; what forget
 * gates keep; and the longest tasks that each mixer learns. Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and
 * Bengio 2013; tasks as Bai, Kolter and Koltun 2018 have them. */
#include "lab/distance.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 48, REACH_ROWS = 32 };

const char *const ur_distance_tasks[UR_DISTANCE_TASKS] = { "adding", "copy", "recall" };

ur_distance_plan ur_distance_plan_of(const ur_lab *lab)
{
	static const ur_distance_plan plans[] = {
		[UR_LAB_QUICK] = { 16, 16, 1, 64, 3e5 },
		[UR_LAB_DEFAULT] = { 16, 128, 1, 128, 1.6e6 },
		[UR_LAB_FULL] = { 16, 1024, 3, 256, 4e6 },
	};
	return plans[lab->size];
}

double ur_distance_seconds(const ur_lab *lab) { return ur_lab_pick(lab, 25, 200, 1500); }

void ur_distance_task(int task, int T, char text[UR_TASK_TEXT])
{
	static const char *const more[UR_DISTANCE_TASKS] = { "", "", ",pairs=2,keys=8,values=8,queries=2" };
	(void)snprintf(text, UR_TASK_TEXT, "task:%s,T=%d%s", ur_distance_tasks[task], T, more[task]);
}

/* One layer where a state carries what was read, two blocks with rotary positions where all positions are looked at:
 * fewer cannot do recall (Olsson et al. 2022). */
ur_status ur_distance_spec(const char *mixer, int positions, ur_spec *spec, ur_err *err)
{
	const ur_mixer *m = ur_mixer_find(mixer);
	char text[UR_SPEC_TEXT];

	if (m && (m->flags & UR_NO_ORDER))
		(void)snprintf(text, sizeof text, "%s:2x%d,block=llama,context=%d", mixer, WIDTH, positions);
	else
		(void)snprintf(text, sizeof text, "%s:1x%d", mixer, WIDTH);
	return ur_spec_parse(text, spec, err);
}

int ur_distance_solved(double accuracy, double mse)
{
	static const double always_one = 2 * (1 - 0.01) / 12;
	return accuracy >= 0.9 || mse <= always_one / 10;
}

/* -- a layer alone: does anything come from later? -- */

enum { LAYER_T = 24, LAYER_B = 2, LAYER_MIDDLE = LAYER_T / 2 };

typedef struct layer {
	ur_model *m;
	ur_arena arena;
	float *x, *y, *before, *dy, *dx, *saved, *work, *all, **dw;
} layer;

static void cut_layer(layer *l, const ur_need *need)
{
	const size_t rows = (size_t)LAYER_T * LAYER_B * WIDTH;

	l->x = UR_TAKE(&l->arena, float, rows);
	l->y = UR_TAKE(&l->arena, float, rows);
	l->before = UR_TAKE(&l->arena, float, rows);
	l->dy = UR_TAKE(&l->arena, float, rows);
	l->dx = UR_TAKE(&l->arena, float, rows);
	l->saved = UR_TAKE(&l->arena, float, need->saved);
	l->work = UR_TAKE(&l->arena, float, need->forward > need->backward ? need->forward : need->backward);
	l->all = UR_TAKE(&l->arena, float, l->m->floats);
	l->dw = UR_TAKE(&l->arena, float *, l->m->params);
}

/* What comes through a layer from later steps. */
static json_t *look_ahead(const ur_lab_mixer *mixer, const ur_ctx *c, layer *l)
{
	const ur_layer *of = &l->m->stack.layer[0];
	const ur_mat *w = l->m->mat + of->mixer;
	const ur_span span = { .T = LAYER_T, .B = LAYER_B, .x = l->x, .y = l->y };
	const size_t rows = (size_t)LAYER_T * LAYER_B * WIDTH, later = (size_t)(LAYER_MIDDLE + 1) * LAYER_B * WIDTH;
	double output = 0, gradient = 0;

	for (int p = 0; p < l->m->params; p++)
		l->dw[p] = l->all + l->m->param[p].at;
	for (size_t i = 0; i < rows; i++) {
		l->x[i] = (float)ur_rng_normal(1, ur_rng_for(UR_RNG_TEST, 1), i);
		l->dy[i] = i < later ? (float)ur_rng_normal(1, ur_rng_for(UR_RNG_TEST, 2), i) : 0;
	}
	mixer->forward->forward(c, &of->dims, w, &span, l->saved, l->work);
	memcpy(l->before, l->y, later * sizeof *l->y);
	mixer->backward->backward(c, &of->dims, w, &span, l->saved, l->dy, l->dx, l->dw + of->mixer, NULL, NULL, l->work);
	for (size_t i = later; i < rows; i++) {
		gradient = ur_norm_larger(gradient, fabs((double)l->dx[i]));
		l->x[i] = -l->x[i];
	}
	mixer->forward->forward(c, &of->dims, w, &span, l->saved, l->work);
	for (size_t i = 0; i < later; i++)
		output = ur_norm_larger(output, fabs((double)l->y[i] - l->before[i]));
	return json_pack("{s:o,s:o}", "output", ur_distance_number(output), "gradient", ur_distance_number(gradient));
}

ur_status ur_distance_ahead(const ur_lab_mixer *mixer, const ur_ctx *c, json_t **fact, ur_err *err)
{
	const ur_span span = { .T = LAYER_T, .B = LAYER_B };
	layer l = { 0 };
	ur_need need;
	ur_spec spec;
	ur_status status = ur_distance_spec(mixer->name, LAYER_T, &spec, err);

	*fact = NULL;
	if (!status)
		status = ur_model_create(&spec, &(ur_words){ .V = 4 }, c->k, 1, &l.m, err);
	if (!status) {
		ur_model_init(l.m, 1);
		ur_model_pack(l.m, c);
		need = mixer->forward->need(c, &l.m->stack.layer[0].dims, &span);
		cut_layer(&l, &need);
		if (!ur_arena_open(&l.arena)) {
			status = ur_fail(err, UR_E_NOMEM, "no memory for a layer of %s", mixer->name);
		} else {
			cut_layer(&l, &need);
			*fact = look_ahead(mixer, c, &l);
		}
	}
	ur_arena_close(&l.arena);
	ur_model_free(l.m);
	return status;
}

/* -- how far back -- */

ur_status ur_distance_reach(const ur_model *m, const ur_ctx *c, const char *text, json_t **fact, ur_err *err)
{
	ur_reach_meter meter;
	ur_arena arena = { 0 };
	ur_reach reach;
	ur_task task;
	ur_status status = ur_task_parse(text, &task, err);

	*fact = NULL;
	if (status)
		return status;
	ur_reach_plan(&meter, m, c, task.length, REACH_ROWS, &arena);
	if (!ur_arena_open(&arena)) {
		status = ur_fail(err, UR_E_NOMEM, "no memory for gradients along %d steps", task.length);
	} else {
		ur_reach_plan(&meter, m, c, task.length, REACH_ROWS, &arena);
		ur_task_draw(&task, 0, UR_TEST, 0, REACH_ROWS, meter.ids, meter.targets);
		ur_reach_measure(&meter, &reach);
		if (!(*fact = ur_reach_json(&reach)))
			status = ur_fail(err, UR_E_NOMEM, "no memory for gradients along %d steps", task.length);
	}
	ur_arena_close(&arena);
	ur_task_free(&task);
	return status;
}

/* -- in all -- */

static ur_status measure(ur_lab *lab, ur_err *err)
{
	const ur_distance_plan plan = ur_distance_plan_of(lab);
	ur_status status = UR_OK;

	if (!ur_lab_recall(lab, &status, err, "plan") && !status)
		status = ur_lab_keep(lab, json_pack("{s:i,s:i,s:i,s:i,s:f}", "shortest", plan.shortest, "longest",
			plan.longest, "seeds", plan.seeds, "reach", plan.reach, "tokens", plan.tokens), err, "plan");
	for (const ur_lab_mixer *m = lab->mixer; m->name && !status; m++) {
		json_t *fact;
		if (ur_lab_recall(lab, &status, err, "ahead/%s", m->name) || status)
			continue;
		if (!(status = ur_lab_say(lab, -1, err, "does %s look ahead?", m->name)) &&
		    !(status = ur_distance_ahead(m, lab->ctx, &fact, err)))
			status = ur_lab_keep(lab, fact, err, "ahead/%s", m->name);
	}
	return status ? status : ur_distance_train(lab, err);
}

static const char *const lesson[] = {
	"A network learns that something read long ago matters only if the loss says so, and the loss speaks through its "
	"gradient. In a recurrent network the gradient of an answer at step `T` with respect to the input at step `t` is "
	"a product of `T - t` Jacobians of the state, one a step. If each shrinks what passes by a factor of 0.9, a "
	"hundred of them leave 0.00003 of it; if each stretches it, it explodes. Nothing but luck keeps a long product "
	"near one.",
	"Gates make a way around. The cell of an LSTM is carried on as `c_t = f c_(t-1) + i g`: along it, the factor a "
	"step is the forget gate `f` itself, which the network sets. It can be near one, for as long as it is worth it, "
	"but it is a number below one: kept at 0.99, what was held is down to 0.37 after 100 steps and to 0.0066 after "
	"500. And at the beginning of training `f` is about a half, so a new LSTM is as forgetful as any: it has to learn "
	"to remember, from gradients that reach back only a little.",
	"Attention reads the input of step `t` from step `T` directly. The path between them is as long from 1 step as "
	"from 1,000: through the same weights, once a layer. There is no product over steps to vanish; what a far step "
	"has to do is win against all others in one softmax.",
	NULL };
static const char *const how[] = {
	"Gradients: the norm of the derivative of the loss of the last answer with respect to the input of the first "
	"layer at each earlier step, over 32 held-out sequences; geometric means, because norms vary by decades, and a "
	"straight line through their logarithms from distance 1 on gives the factor a step. They are taken along "
	"sequences of one length for all, whatever length a model was trained on. An answer in the middle must send "
	"exactly nothing to what is read after it: this is checked for each mixer and model, and what fails it counts for "
	"nothing.",
	"Lengths: tiny models (48 units: one recurrent layer, or two blocks of attention), each with a learning rate that "
	"was found by trying, trained until they solve the task or have read so many tokens. The length doubles while at "
	"least half of the seeds solve it; a length counts once all seeds were run. Solved is 90 % of held-out answers "
	"right or, for adding, a squared error of a tenth of what always answering 1 gives. So \"not solved\" means: not "
	"by this model within these tokens. And time is limited: what is not trained once the experiment has taken 1.2 "
	"times what it is meant to take (25 seconds quick, 200 by default, 25 minutes full) does not count, so that a "
	"slower machine may show shorter lengths.",
	"Forget gates: every unit at each of the first 500 steps of sequences of T = 520, by running the cell of the LSTM "
	"that solved the longest T of each task. Where that T is shorter, this is beyond the lengths it was trained on. "
	"What a unit keeps over n steps is the product of its gates, its typical value over sequences.",
	NULL };

const ur_experiment ur_experiment_distance = { "distance", "What reaches back",
	"How far back does an answer reach: for the gradient that teaches, and for the model that has learnt?", "L3, L4",
	lesson, how, ur_distance_seconds, measure, ur_distance_conclude };
