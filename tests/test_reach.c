/* How far back a model looks: against finite differences, against a case done by hand, and that nothing comes from
 * ahead unless a model looks there; the numbers made of known curves; what training reports. */
#include "base/rng.h"
#include "train/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2 V <= T B: a net for training would read the table by index */
enum { T = 12, B = 7, V = 40 };

typedef struct rig {
	ur_ctx c;
	ur_model *m;
	ur_arena arena;
	ur_reach_meter meter;
} rig;

static void rig_open(rig *r, const char *text, int steps, int rows)
{
	ur_spec spec;
	ur_err err = { 0 };

	*r = (rig){ 0 };
	if (ur_spec_parse(text, &spec, &err))
		fail_msg("%s", err.text);
	assert_true(ur_ctx_open(&r->c, NULL, 2));
	assert_int_equal(ur_model_create(&spec, &(ur_words){ .V = V }, r->c.k, 1, &r->m, &err), UR_OK);
	ur_model_init(r->m, 3);
	for (int pass = 0; pass < 2; pass++) {
		assert_true(!pass || ur_arena_open(&r->arena));
		ur_reach_plan(&r->meter, r->m, &r->c, steps, rows, &r->arena);
	}
	/* in a sequence no token comes twice, so that its row of the embedding is the input of one step */
	for (int b = 0; b < rows; b++)
		for (int t = 0; t < steps; t++)
			r->meter.ids[t * rows + b] = (t * 7 + b * 5) % V;
	for (int b = 0; b < rows; b++)
		r->meter.targets[(steps - 1) * rows + b] = 3 + b;
	for (size_t i = 0; i < r->m->param[r->m->stack.embedding].count; i++)
		r->m->weights[r->m->param[r->m->stack.embedding].at + i] +=
			0.5f * (float)ur_rng_normal(1, ur_rng_for(UR_RNG_TEST, 0), i);
	ur_model_pack(r->m, &r->c);
}

static void rig_close(rig *r)
{
	ur_arena_close(&r->arena);
	ur_model_free(r->m);
	ur_ctx_close(&r->c);
}

/* The loss of what the end of sequence b is asked for. */
static double loss_of(rig *r, int b)
{
	int32_t targets[T * B];
	double losses[T * B];

	memset(targets, -1, sizeof targets);
	targets[(T - 1) * B + b] = 3 + b;
	ur_net_forward(&r->meter.net, &(ur_pass){ .T = T, .B = B, .ids = r->meter.ids });
	ur_net_losses(&r->meter.net, T * B, targets, losses);
	return losses[(T - 1) * B + b];
}

static void norms_are_those_of_differences(void **unused)
{
	static const char *const specs[] = {
		"rnn:2x8", "gru:1x8", "lstm:2x8", "transformer:2x8,heads=2,context=16,tie=0", "lstm:1x8,block=llama",
		"attention:2x8,heads=2,block=plain,context=16", "gru:2x8,block=vaswani", "rnn:1x8,dropout=0.5",
	};

	(void)unused;
	for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
		ur_reach reach;
		rig r;
		double worst = 0, scale;

		rig_open(&r, specs[s], T, B);
		assert_false(r.meter.net.by_index);
		ur_reach_measure(&r.meter, &reach);
		scale = r.m->stack.scale;
		for (int d = 0; d < T; d++) {
			double norms = 0, logs = 0;

			for (int b = 0; b < B; b++) {
				const int D = r.m->spec.width, id = r.meter.ids[(T - 1 - d) * B + b];
				double square = 0;

				for (int j = 0; j < D; j++) {
					float *w = &r.m->weights[r.m->param[r.m->stack.embedding].at + (size_t)(id * D + j)];
					const float kept = *w, h = 0.02f;
					double at[4];

					for (int k = 0; k < 4; k++) {
						*w = kept + h * (float)(k < 2 ? 2 * k - 1 : 2 * (2 * k - 5));
						at[k] = loss_of(&r, b);
					}
					*w = kept;
					square += pow((8 * (at[1] - at[0]) - (at[3] - at[2])) / (12 * h) / scale, 2);
				}
				norms += sqrt(square) / B;
				logs += log(sqrt(square)) / B;
			}
			worst = fmax(worst, fabs(norms - r.meter.curve.mean[d]) / (norms + 1e-3));
			worst = fmax(worst, fabs(exp(logs) - r.meter.curve.typical[d]) / (norms + 1e-3));
		}
		print_message("  %-46s worst %.1e\n", specs[s], worst);
		if (!(worst < 0.01))
			fail_msg("%s: off by %g of the norm", specs[s], worst);
		assert_true(reach.ahead == 0); /* exactly */
		assert_int_equal(reach.T, T);
		rig_close(&r);
	}
}

/* h_t = relu(x_t + h_(t-1) / 2), everything above 0: what step t - d sends is what step t does, halved d times. */
static void halving_is_exact(void **unused)
{
	enum { STEPS = 40, D = 8 };
	ur_reach reach;
	rig r;

	(void)unused;
	rig_open(&r, "rnn:1x8,nonlinearity=relu", STEPS, 1);
	for (int p = 0; p < r.m->params; p++) {
		float *w = r.m->weights + r.m->param[p].at;
		const char *name = r.m->param[p].local;

		if (strstr(name, "weight_ih") || strstr(name, "weight_hh"))
			for (int i = 0; i < D * D; i++)
				w[i] = i % (D + 1) ? 0 : strstr(name, "hh") ? 0.5f : 1;
		else if (strstr(name, "bias"))
			memset(w, 0, r.m->param[p].count * sizeof *w);
	}
	for (size_t i = 0; i < r.m->param[r.m->stack.embedding].count; i++)
		r.m->weights[r.m->param[r.m->stack.embedding].at + i] = 1;
	ur_model_pack(r.m, &r.c);
	ur_reach_measure(&r.meter, &reach);
	for (int d = 0; d < STEPS; d++) {
		assert_true(r.meter.curve.mean[d] == r.meter.curve.mean[0] * pow(0.5, d)); /* to the bit */
		assert_true(fabs(r.meter.curve.typical[d] / r.meter.curve.mean[d] - 1) < 1e-12);
	}
	assert_true(reach.ahead == 0);
	assert_true(fabs(reach.decay - 0.5) < 1e-12 && reach.fitted == STEPS - 1);
	/* 1 - 1 / 4^(d+1) of the squares lies up to d: 15/16 up to 1, 63/64 up to 2, 255/256 up to 3 */
	assert_true(reach.within > 2 && reach.within < 3);
	assert_int_equal(reach.bins, 7);
	assert_int_equal(reach.bin[6].from, 32);
	assert_int_equal(reach.bin[6].to, 39);
	assert_true(fabs(reach.bin[2].mean / reach.bin[0].mean - (0.25 + 0.125) / 2) < 1e-12);
	assert_string_equal(ur_reach_name(6), "reach/32");
	rig_close(&r);
}

/* Attention without its mask, as an encoder's, sends a gradient to what comes later. */
static void looking_ahead_shows(void **unused)
{
	ur_reach reach;
	rig r;

	(void)unused;
	rig_open(&r, "transformer:1x8,heads=2,context=16", T, B);
	ur_reach_measure(&r.meter, &reach);
	assert_true(reach.ahead == 0);
	r.m->stack.encoder = 1;
	ur_reach_measure(&r.meter, &reach);
	assert_true(reach.ahead > 1e-6);
	rig_close(&r);
}

/* -- the numbers, of curves that are known -- */

static ur_reach of_curve(int n, const double *typical)
{
	double squares[200];
	ur_reach out;

	for (int d = 0; d < n; d++)
		squares[d] = typical[d] * typical[d];
	ur_reach_of(n, 1, squares, &(ur_reach_curve){ (double *)(uintptr_t)typical, (double *)(uintptr_t)typical }, &out);
	return out;
}

static void known_curves_give_known_numbers(void **unused)
{
	double curve[200];
	ur_reach r;

	(void)unused;
	for (int d = 0; d < 200; d++)
		curve[d] = 3;
	r = of_curve(200, curve);
	assert_true(fabs(r.decay - 1) < 1e-12 && fabs(r.within - (0.99 * 200 - 1)) < 1e-9);
	for (int d = 0; d < 200; d++) /* into what float32 cannot hold */
		curve[d] = pow(0.2, d);
	r = of_curve(200, curve);
	assert_true(fabs(r.decay - 0.2) < 1e-9);
	assert_in_range(r.fitted, 45, 56);
	for (int d = 0; d < 200; d++)
		curve[d] = 0;
	r = of_curve(200, curve);
	assert_true(isnan(r.decay) && r.within == 0 && r.fitted == 0 && r.bin[3].typical == 0);
	curve[0] = 2;
	r = of_curve(1, curve);
	assert_true(isnan(r.decay) && r.within == 0 && r.bins == 1 && r.bin[0].mean == 2);
}

/* What is not finite is null in JSON, and looks ahead. */
static void what_is_no_number_is_told(void **unused)
{
	double curve[8];
	json_t *json;
	ur_reach r;

	(void)unused;
	for (int d = 0; d < 8; d++)
		curve[d] = d < 3 ? 1 : NAN;
	r = of_curve(8, curve);
	assert_true(isnan(r.within) && r.fitted == 2 && isnan(r.bin[2].typical) && r.bin[1].typical == 1);
	r.ahead = INFINITY;
	assert_non_null(json = ur_reach_json(&r));
	assert_true(json_is_null(json_object_get(json, "ahead")) && json_is_null(json_object_get(json, "within")));
	assert_true(json_is_null(json_array_get(json_array_get(json_object_get(json, "bins"), 2), 3)));
	assert_true(json_is_number(json_array_get(json_array_get(json_object_get(json, "bins"), 1), 3)));
	json_decref(json);
	assert_true(ur_norm_larger(ur_norm_larger(0, NAN), 0) > 1 && ur_norm_larger(1, 2) == 2);
}

/* A model whose weights are no numbers. */
static void a_broken_model_looks_ahead(void **unused)
{
	ur_reach reach;
	rig r;

	(void)unused;
	rig_open(&r, "transformer:1x8,heads=2,context=16", T, B);
	r.m->weights[r.m->param[r.m->params - 1].at] = NAN;
	ur_model_pack(r.m, &r.c);
	ur_reach_measure(&r.meter, &reach);
	assert_true(reach.ahead > 0);
	rig_close(&r);
}

/* -- in training -- */

struct seen { int reports; int64_t last; double within; };

static void on_gradients(void *arg, const ur_step_report *now, const ur_reach *r)
{
	struct seen *s = arg;

	assert_true(s->reports == 0 ? now->step == 0 : now->step > s->last);
	assert_true(r->ahead == 0 && r->bins > 1 && r->decay > 0 && r->decay < 2);
	s->last = now->step;
	s->within = r->within;
	s->reports++;
}

static void training_reports_it_and_is_not_changed_by_it(void **unused)
{
	ur_model *m[2];
	struct seen seen = { 0 };
	ur_task task;
	ur_err err = { 0 };
	ur_ctx c;

	(void)unused;
	assert_true(ur_ctx_open(&c, NULL, 2));
	assert_int_equal(ur_task_parse("task:parity,T=20", &task, &err), UR_OK);
	for (int i = 0; i < 2; i++) {
		ur_job job = { .ctx = &c, .task = &task };

		assert_int_equal(ur_spec_parse("gru:1x16", &job.spec, &err), UR_OK);
		ur_recipe_defaults(&job.recipe, &job.spec);
		job.recipe.steps = 50;
		job.recipe.eval_every = 20;
		job.gradients = i ? on_gradients : NULL;
		job.arg = &seen;
		if (ur_train(&job, &m[i], NULL, &err))
			fail_msg("%s", err.text);
	}
	assert_int_equal(seen.reports, 4); /* at the start, at 20, 40 and the end */
	assert_int_equal(seen.last, 50);
	assert_memory_equal(m[0]->weights, m[1]->weights, m[0]->floats * sizeof *m[0]->weights);
	ur_model_free(m[0]);
	ur_model_free(m[1]);
	ur_task_free(&task);
	ur_ctx_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(norms_are_those_of_differences),
		cmocka_unit_test(halving_is_exact),
		cmocka_unit_test(looking_ahead_shows),
		cmocka_unit_test(known_curves_give_known_numbers),
		cmocka_unit_test(what_is_no_number_is_told),
		cmocka_unit_test(a_broken_model_looks_ahead),
		cmocka_unit_test(training_reports_it_and_is_not_changed_by_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
