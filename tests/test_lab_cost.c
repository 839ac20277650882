/* The experiment "cost": its rules on made-up measurements, attention with its matrix kept beside attention in tiles,
 * and a mixer that keeps a matrix where it should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lab/cost_parts.h"
#include "lab/materialised.h"
#include "lab_sections.h"
#include "measure/mixer_rig.h"
#include "mixer/attention_tile.h"

#include <math.h>

/* -- worlds that were made up -- */

/* Exponents of memory and time; what the attention layer takes of the LSTM's time in training, at 128 and how fast that
 * grows; how a step grows; attention at a T that is far. */
typedef struct world {
	double scores, layer, core, lstm, noise;
	double ratio, rises;
	double step, lstm_step;
	int far;
	double bytes;
} world;

/* The lesson's. */
static const world lesson = { 2, 1, 2, 1, 0, 0.3, 0.4, 1, 0, UR_COST_FAR, 5.2e7 };

static json_t *curve(int n, const int *T, const char *a, const char *b)
{
	json_t *c = json_pack("{s:i,s:i,s:b,s:[],s:{s:[],s:[]},s:{s:b,s:b}}", "width", 64, "tokens", 8192, "processor", 0,
	                      "T", "of", a, b, "grows", "attention", 1, "lstm", 0);

	for (int i = 0; i < n; i++)
		json_array_append_new(json_object_get(c, "T"), json_integer(T[i]));
	return c;
}

static void put(json_t *curve, const char *name, json_t *value)
{
	json_array_append_new(json_object_get(json_object_get(curve, "of"), name), value);
}

static json_t *times(double seconds)
{
	return json_pack("{s:i,s:f,s:f,s:f,s:f}", "n", 9, "median", seconds, "low", 0.9 * seconds, "high", 1.1 * seconds,
	                 "cpu", 0.5);
}

/* Whatever is measured errs by turns. */
static double err(const world *w, int i) { return exp(i % 2 ? w->noise : -w->noise); }

static json_t *facts_of(const world *w)
{
	static const int T[] = { 512, 1024, 2048, 4096, 8192 }, trained[] = { 128, 512, 2048, 8192, 32768 };
	enum { N = 5 };
	json_t *memory = curve(N, T, "scores", "attention"), *core = curve(N, T, "scores", "tiles");
	json_t *forward = curve(N, T, "attention", "lstm"), *training = curve(N, trained, "attention", "lstm");
	json_t *step = curve(N, T, "attention", "lstm");

	for (int i = 0; i < N; i++) {
		const double t = T[i], each = 1e-6 * trained[i] * (trained[i] < 8192 ? 8192 / trained[i] : 1);
		put(memory, "scores", json_real(4 * 512 * 512 * pow(t / 512, w->scores) * 1.05));
		put(memory, "attention", json_real(1e6 * pow(t / 512, w->layer)));
		put(core, "tiles", times(1e-3 * pow(t / 512, w->core) * err(w, i)));
		put(core, "scores", times(2e-3 * pow(t / 512, 2)));
		put(forward, "attention", times(1e-3 * pow(t / 512, 1.7)));
		put(forward, "lstm", times(1e-3 * pow(t / 512, w->lstm) * err(w, i)));
		put(training, "attention", times(each * w->ratio * pow(trained[i] / 128.0, w->rises)));
		put(training, "lstm", times(each));
		put(step, "attention", times(1e-5 * pow(t / 512, w->step)));
		put(step, "lstm", times(2e-5 * pow(t / 512, w->lstm_step)));
	}
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:{s:i,s:i,s:i,s:i,s:f,s:f,s:b,s:f}}", "memory", memory, "core", core,
		"forward/64", forward, "training/64", training, "step/64", step, "long", "T", w->far, "heads", 1, "width", 64,
		"threads", 2, "seconds", 9.5, "bytes", w->bytes, "resident", 1, "share", 0.65);
}

static void expect(const char *finding, const char *verdict, world w)
{
	const char *got = verdict_on(&ur_experiment_cost, facts_of(&w), finding);

	if (strcmp(got, verdict))
		fail_msg("%s: %s, should be %s", finding, got, verdict);
}

#define WITH(...) ({ world w_ = lesson; __VA_ARGS__; w_; })

static void test_rules(void **state)
{
	static const char *const all[] = { "matrix", "memory", "exact", "time", "short", "far", "streaming" };

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		expect(all[i], "holds", lesson);
	expect("matrix", "fails", WITH(w_.scores = 1.9));
	expect("matrix", "fails", WITH(w_.scores = 2.2));
	expect("memory", "fails", WITH(w_.layer = 2));
	expect("memory", "fails", WITH(w_.scores = 1));
	expect("exact", "fails", WITH(w_.bytes = 4e10));
	expect("exact", "predicted", WITH(w_.far = 16384; w_.bytes = 8e6));
	expect("exact", "fails", WITH(w_.far = 16384; w_.bytes = 1e9));
	expect("time", "fails", WITH(w_.core = 1));
	expect("time", "fails", WITH(w_.core = 3));
	expect("time", "fails", WITH(w_.lstm = 2));
	expect("time", "condition", WITH(w_.noise = 0.6));
	expect("short", "fails", WITH(w_.ratio = 1.5));
	expect("short", "fails", WITH(w_.ratio = 0.7));    /* wins at 128 and loses at 512 already */
	expect("far", "fails", WITH(w_.rises = 0));
	expect("far", "fails", WITH(w_.rises = 0.3));      /* 1.6 times */
	expect("streaming", "fails", WITH(w_.step = 0.1));
	expect("streaming", "fails", WITH(w_.lstm_step = 1));
}

static const char *figure_text(const json_t *section, const char *name, const char *key)
{
	return json_string_value(json_object_get(ur_figure_find(section, name), key));
}

static double figure(const json_t *section, const char *name)
{
	const json_t *f = ur_figure_find(section, name);

	if (!f)
		fail_msg("there is no figure %s", name);
	return json_is_null(json_object_get(f, "value")) ? NAN : json_number_value(json_object_get(f, "value"));
}

static json_int_t answer(const json_t *section, size_t question)
{
	const json_t *all = json_object_get(section, "questions");
	return json_integer_value(json_object_get(json_array_get(all, question), "answer"));
}

static void test_figures(void **state)
{
	const world slow = WITH(w_.ratio = 3; w_.far = 50000; w_.bytes = 2e7; w_.layer = 2);
	json_t *s = section_from(&ur_experiment_cost, facts_of(&lesson), NULL);

	(void)state;
	assert_questions(s, 3);
	assert_true(fabs(figure(s, "attention_exponent") - 2) < 1e-6 && fabs(figure(s, "rnn_exponent") - 1) < 1e-6);
	assert_true(fabs(figure(s, "attention_memory_exponent") - 2) < 1e-6);
	assert_true(figure(s, "matrix_100k_bytes") == 4e10);
	assert_true(figure(s, "tiled_100k_seconds") == 9.5 && figure(s, "tiled_100k_bytes") == 5.2e7);
	assert_true(fabs(figure(s, "crossover_training") - 128 * pow(0.3, -1 / 0.4)) < 1);
	assert_true(fabs(figure(s, "crossover_streaming") - 1024) < 1);
	assert_int_equal(answer(s, 0), 2);
	assert_int_equal(answer(s, 1), 1);
	assert_int_equal(answer(s, 2), 0);
	assert_int_equal(answer(s, 3), 0);
	assert_int_equal(answer(s, 4), 1);
	json_decref(s);

	/* where only a shorter one ran the rest is derived, and says so; what never crosses has no number */
	s = section_from(&ur_experiment_cost, facts_of(&slow), NULL);
	assert_true(figure(s, "tiled_100k_seconds") == 38 && figure(s, "tiled_100k_bytes") == 4e7);
	assert_string_equal(figure_text(s, "tiled_100k_seconds", "origin"), "derived");
	assert_true(isnan(figure(s, "crossover_training")));
	assert_non_null(strstr(figure_text(s, "crossover_training", "text"), "never"));
	assert_int_equal(answer(s, 1), 2);
	assert_int_equal(answer(s, 3), 1);
	json_decref(s);
}

/* -- the matrix -- */

static ur_ctx ctx;

static void test_materialised(void **state)
{
	enum { T = 203, E = 24 };
	static float q[T * E], k[T * E], v[T * E], kept[T * E], tiled[T * E];
	const ur_materialised m = { T, E, q, k, v, kept, E };
	const ur_attention a = { .T = T, .B = 1, .heads = 1, .kv_heads = 1, .E = E, .q = q, .k = k, .v = v, .ld = E,
	                         .out = tiled, .ldo = E };
	float *work = malloc((ur_materialised_work(ctx.k, T, E) + ur_attention_work(&ctx, &a)) * sizeof *work);

	(void)state;
	assert_non_null(work);
	for (int i = 0; i < T * E; i++) {
		q[i] = (float)(i * 7919 % 1000) / 300;
		k[i] = (float)(i * 104729LL % 1000) / 300;
		v[i] = (float)(i * 1299709LL % 1000) / 1000;
	}
	ur_materialised_forward(&ctx, &m, work);
	ur_attention_forward(&ctx, &a, work);
	for (int i = 0; i < T * E; i++)
		assert_true(fabsf(kept[i] - tiled[i]) < 1e-5f);
	free(work);
}

/* Attention that works out a matrix of T x T floats beside its tiles. */
static ur_need need_matrix(const ur_ctx *c, const ur_dims *d, const ur_span *s)
{
	ur_need n = ur_mixer_forward_attention.need(c, d, s);

	n.forward += (size_t)s->T * (size_t)s->T;
	return n;
}

static void forward_matrix(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved,
                           float *work)
{
	for (size_t i = 0; i < (size_t)s->T * (size_t)s->T; i++)
		work[i] = 1;
	ur_mixer_forward_attention.forward(c, d, w, s, saved, work + (size_t)s->T * (size_t)s->T);
}

/* What is measured of a layer, put into a world that is the lesson's but for that. */
static const char *verdict_with(const ur_mixer_forward *forward)
{
	static const int T[] = { 1024, 2048, 4096 };
	const ur_lab_mixer m = { "attention", forward, NULL };
	json_t *facts = facts_of(&lesson), *memory = curve(3, T, "scores", "attention");
	ur_err why = { 0 };
	int resident;
	double bytes;

	assert_int_equal(ur_cost_memory(&m, &ctx, 64, T[0], &bytes, &resident, &why), UR_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ur_cost_memory_of_scores(&ctx, T[i], &bytes, &resident, &why), UR_OK);
		/* the system counts pages in batches */
		assert_true(bytes >= 3.8 * T[i] * T[i] && bytes < 4.6 * T[i] * T[i]);
		put(memory, "scores", json_real(bytes));
		assert_int_equal(ur_cost_memory(&m, &ctx, 64, T[i], &bytes, &resident, &why), UR_OK);
		put(memory, "attention", json_real(bytes));
	}
	json_object_set_new(facts, "memory", memory);
	return verdict_on(&ur_experiment_cost, facts, "memory");
}

static void test_planted_matrix(void **state)
{
	ur_mixer_forward planted = ur_mixer_forward_attention;

	(void)state;
	assert_string_not_equal(verdict_with(&ur_mixer_forward_attention), "fails");
	planted.need = need_matrix;
	planted.forward = forward_matrix;
	assert_string_equal(verdict_with(&planted), "fails");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rules), cmocka_unit_test(test_figures),
	                                    cmocka_unit_test(test_materialised), cmocka_unit_test(test_planted_matrix) };
	int failed;

	if (!ur_ctx_open(&ctx, NULL, 1))
		return 1;
	failed = cmocka_run_group_tests_name("the cost of attention", tests, NULL, NULL);
	ur_ctx_close(&ctx);
	return failed;
}
