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
 * grows; attention at a T that is far; whether bytes were measured; how far tiles are from the
 * matrix; repeats of training at 32,768 and of all else; half an interval; a wave in training, so that times cross
 * often; whether times are the thread's, those on the clock then being of a machine that was busy with other things;
 * lengths of a further recurrence. */
typedef struct world {
	double scores, layer, core, lstm, noise;
	double ratio, rises;
	int far;
	double bytes;
	int resident;
	double apart;
	int far_repeats, repeats;
	double half, wave;
	int processor, gru;
} world;

/* The lesson's. */
static const world lesson = { 2, 1, 2, 1, 0, 0.3, 0.4, UR_COST_FAR, 5.2e7, 1, 2e-6, 9, 9, 0.1, 0, 0, 0 };

static json_t *curve(int n, const int *T, const char *a, const char *b)
{
	json_t *c = json_pack("{s:i,s:i,s:b,s:[],s:{s:[],s:[]},s:{s:{s:b},s:{s:b}},s:b}", "width", 64, "tokens", 8192,
	                      "processor", 0, "T", "of", a, b, "mixers", "attention", "grows", 1, "lstm", "grows", 0,
	                      "resident", 1);

	for (int i = 0; i < n; i++)
		json_array_append_new(json_object_get(c, "T"), json_integer(T[i]));
	return c;
}

static void put(json_t *curve, const char *name, json_t *value)
{
	json_array_append_new(json_object_get(json_object_get(curve, "of"), name), value);
}

/* Of the clock: of n repeats, 6 of which an interval of 95 % takes. */
static json_t *clocked(const world *w, int n, double seconds)
{
	const double low = seconds * (1 - w->half), high = seconds * (1 + w->half);

	return json_pack("{s:i,s:f,s:f,s:f,s:b,s:f,s:f,s:f,s:f}", "n", n, "median", seconds, "low", low, "high", high,
	                 "sure", n >= 6, "thread", seconds, "thread_low", low, "thread_high", high, "cpu", 1.0);
}

/* Of one thread. Where processors are told apart, the clock's medians are of the one repeat in two that others
 * disturbed, the longer the more; the mean share of the processor does not mend them. */
static json_t *times(const world *w, double seconds, double T)
{
	json_t *t = clocked(w, w->repeats, seconds);

	if (w->processor)
		json_object_update_new(t, json_pack("{s:f,s:f,s:f,s:f}", "median", seconds * T, "low", seconds * T, "high",
		                                    seconds * T, "cpu", 0.5));
	return t;
}

/* Whatever is measured errs by turns. */
static double err(const world *w, int i) { return exp(i % 2 ? w->noise : -w->noise); }

static json_t *facts_of(const world *w)
{
	static const int T[] = { 512, 1024, 2048, 4096, 8192 }, trained[] = { 128, 512, 2048, 8192, 32768 };
	enum { N = 5 };
	json_t *memory = curve(N, T, "scores", "attention"), *core = curve(N, T, "scores", "tiles");
	json_t *forward = curve(N, T, "attention", "lstm"), *training = curve(N, trained, "attention", "lstm");
	json_t *step = curve(N, T, "attention", "lstm"), *one_thread[] = { core, forward, step };

	json_object_set_new(memory, "resident", json_boolean(w->resident));
	for (size_t i = 0; i < sizeof one_thread / sizeof *one_thread; i++)
		json_object_set_new(one_thread[i], "processor", json_boolean(w->processor));
	if (w->gru) {
		json_object_set_new(json_object_get(forward, "mixers"), "gru", json_pack("{s:b}", "grows", 0));
		json_object_set_new(json_object_get(forward, "of"), "gru", json_array());
	}
	for (int i = 0; i < N; i++) {
		const double t = T[i], each = 1e-6 * trained[i] * (trained[i] < 8192 ? 8192 / trained[i] : 1);
		const double wave = i % 2 ? exp(w->wave) : exp(-w->wave);
		const int n = trained[i] == 32768 ? w->far_repeats : w->repeats;
		put(memory, "scores", json_real(4 * 512 * 512 * pow(t / 512, w->scores) * 1.05));
		put(memory, "attention", json_real(1e6 * pow(t / 512, w->layer)));
		put(core, "tiles", times(w, 1e-3 * pow(t / 512, w->core) * err(w, i), t));
		put(core, "scores", times(w, 2e-3 * pow(t / 512, 2), t));
		put(forward, "attention", times(w, 1e-3 * pow(t / 512, 1.7), t));
		put(forward, "lstm", times(w, 1e-3 * pow(t / 512, w->lstm) * err(w, i), t));
		if (i < w->gru)
			put(forward, "gru", times(w, 1e-3 * t / 512, t));
		put(training, "attention", clocked(w, n, each * w->ratio * pow(trained[i] / 128.0, w->rises) * wave));
		put(training, "lstm", clocked(w, n, each));
		put(step, "attention", times(w, 1e-5 * t / 512, t));
		put(step, "lstm", times(w, 2e-5, t));
	}
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:{s:i,s:f},s:{s:i,s:i,s:i,s:i,s:f,s:f,s:b,s:f}}", "memory", memory,
		"core", core, "forward/64", forward, "training/64", training, "step/64", step, "same", "T", 4096, "most",
		w->apart, "long", "T", w->far, "heads", 1, "width", 64, "threads", 2, "seconds", 9.5, "bytes", w->bytes,
		"resident", w->resident, "share", 0.65);
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
	static const char *const all[] = { "matrix", "memory", "exact", "time", "short", "far" };

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		expect(all[i], "holds", lesson);
	expect("matrix", "fails", WITH(w_.scores = 1.9));
	expect("matrix", "fails", WITH(w_.scores = 2.2));
	expect("memory", "fails", WITH(w_.layer = 2));
	expect("memory", "fails", WITH(w_.scores = 1));
	expect("exact", "fails", WITH(w_.bytes = 4e10));
	expect("exact", "predicted", WITH(w_.far = 16384; w_.bytes = 8e6));
	expect("exact", "predicted", WITH(w_.far = 16384; w_.bytes = 5e7));    /* 305 MB at 100,000 */
	expect("exact", "fails", WITH(w_.far = 16384; w_.bytes = 8e7));        /* 488 MB */
	expect("exact", "fails", WITH(w_.apart = 2e-5));
	expect("time", "fails", WITH(w_.core = 1));
	expect("time", "fails", WITH(w_.core = 3));
	expect("time", "fails", WITH(w_.lstm = 2));
	expect("time", "condition", WITH(w_.noise = 0.6));
	expect("short", "fails", WITH(w_.ratio = 1.5));
	expect("short", "fails", WITH(w_.ratio = 0.8));    /* wins at 128 and loses at 512 already */
	expect("far", "fails", WITH(w_.rises = 0));
	expect("far", "fails", WITH(w_.rises = 0.3));      /* 1.6 times */
}

/* A median beyond a threshold that its interval reaches over decides nothing by itself; nor do few repeats. */
static void test_unsure(void **state)
{
	(void)state;
	expect("short", "condition", WITH(w_.ratio = 0.5));            /* 0.87 at 512, up to 1.06 */
	expect("short", "missing", WITH(w_.ratio = 0.7));              /* 1.22, from 0.997 */
	expect("short", "missing", WITH(w_.ratio = 1.5; w_.repeats = 5));
	expect("short", "condition", WITH(w_.ratio = 0.2; w_.repeats = 5));
	expect("far", "condition", WITH(w_.rises = 0.37));             /* 2.33, from 1.9 */
	expect("far", "missing", WITH(w_.rises = 0.32));               /* 1.77, up to 2.16 */
	expect("far", "condition", WITH(w_.far_repeats = 1; w_.rises = 0.8));
	expect("far", "missing", WITH(w_.far_repeats = 1));            /* 2.76 is not far beyond 2 */
	expect("far", "missing", WITH(w_.far_repeats = 1; w_.rises = 0));
	expect("time", "condition", WITH(w_.repeats = 5));
	expect("time", "missing", WITH(w_.core = 1; w_.repeats = 5));
	expect("time", "condition", WITH(w_.half = 0.6));              /* wide intervals about points on a line */
	expect("time", "missing", WITH(w_.core = 2.5; w_.half = 0.6));
	/* a recurrence of too few lengths is not passed over */
	expect("time", "holds", WITH(w_.gru = 5));
	expect("time", "missing", WITH(w_.gru = 2));
}

/* Where the clock is of a busy machine, the thread's own seconds decide. */
static void test_processor(void **state)
{
	const world busy = WITH(w_.processor = 1);
	json_t *s = section_from(&ur_experiment_cost, facts_of(&busy), NULL);

	(void)state;
	assert_true(fabs(ur_fact_at(ur_figure_find(s, "attention_exponent"), "value") - 2) < 1e-6);
	assert_true(fabs(ur_fact_at(ur_figure_find(s, "crossover_streaming"), "value") - 1024) < 1);
	json_decref(s);
	expect("time", "holds", WITH(w_.processor = 1));
	expect("time", "fails", WITH(w_.processor = 1; w_.core = 1));
}

/* Bytes that were not measured decide nothing, and are not called measured. */
static void test_declared(void **state)
{
	static const char *const findings[] = { "matrix", "memory", "exact" };
	static const char *const of[] = { "attention_memory_exponent", "tiled_memory_exponent", "tiled_100k_bytes" };
	const world untold = WITH(w_.resident = 0);
	json_t *s = section_from(&ur_experiment_cost, facts_of(&untold), NULL);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const json_t *words = json_object_get(finding_of(s, findings[i]), "words");

		expect(findings[i], "predicted", WITH(w_.resident = 0));
		assert_non_null(strstr(json_string_value(words), "not measured"));
		assert_string_equal(json_string_value(json_object_get(ur_figure_find(s, of[i]), "origin")), "derived");
	}
	json_decref(s);
	expect("matrix", "missing", WITH(w_.resident = 0; w_.scores = 1.9));
	expect("memory", "missing", WITH(w_.resident = 0; w_.layer = 2));
	expect("exact", "missing", WITH(w_.resident = 0; w_.bytes = 4e10));
	expect("exact", "fails", WITH(w_.resident = 0; w_.apart = 1e-3));
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

/* Times that cross more than once are said to, and a question is asked only where intervals lie apart. */
static void test_close(void **state)
{
	const world often = WITH(w_.ratio = 1; w_.rises = 0; w_.wave = 0.5), close = WITH(w_.ratio = 1; w_.rises = 0);
	const world once = WITH(w_.ratio = 0.5; w_.far_repeats = 1; w_.rises = 0.05);
	json_t *s = section_from(&ur_experiment_cost, facts_of(&often), NULL);

	(void)state;
	assert_non_null(strstr(figure_text(s, "crossover_training", "text"), "more than once, last at T = "));
	assert_int_equal(json_array_size(json_object_get(s, "questions")), 5);
	json_decref(s);
	s = section_from(&ur_experiment_cost, facts_of(&close), NULL);
	assert_int_equal(json_array_size(json_object_get(s, "questions")), 3);
	json_decref(s);
	/* 0.66 of one repeat is not far enough from 1 to ask about */
	s = section_from(&ur_experiment_cost, facts_of(&once), NULL);
	assert_int_equal(json_array_size(json_object_get(s, "questions")), 4);
	json_decref(s);
}

/* What is expected names the width that the findings are about. */
static void test_predictions(void **state)
{
	static const int T[] = { 128, 512 };
	json_t *facts = facts_of(&lesson), *training = json_object_get(facts, "training/64");
	json_t *model = curve(2, T, "attention", "lstm"), *wider = json_deep_copy(training), *s;
	const char *before;

	(void)state;
	json_object_set_new(wider, "width", json_integer(256));
	json_object_set_new(facts, "training/256", wider);
	json_object_set_new(model, "width", json_integer(256));
	for (int i = 0; i < 2; i++) {
		put(model, "attention", json_real(1.5 * 8192e-6));
		put(model, "lstm", json_real(1.25 * 8192e-5));
	}
	json_object_set_new(facts, "predicted", model);
	s = section_from(&ur_experiment_cost, facts, NULL);
	before = json_string_value(json_object_get(finding_of(s, "short"), "prediction"));
	if (!strstr(before, "width 256 ") || !strstr(before, "T = 128 1.50 \u00b5s and 12.5"))
		fail_msg("%s", before);
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(s, "short"), "words")), "width 256 "));
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(s, "far"), "prediction")), "16.5 times"));
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

/* What is measured of tiles that see all keys, or of some that skip those further back. */
static const char *verdict_at(int T, int window)
{
	world w = lesson;
	ur_err why = { 0 };

	assert_int_equal(ur_cost_apart(&ctx, T, window, &w.apart, &why), UR_OK);
	return verdict_on(&ur_experiment_cost, facts_of(&w), "exact");
}

static void test_planted_window(void **state)
{
	(void)state;
	assert_string_equal(verdict_at(1024, 0), "holds");
	assert_string_equal(verdict_at(4096, 0), "holds");
	assert_string_equal(verdict_at(1024, 512), "fails");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules), cmocka_unit_test(test_unsure), cmocka_unit_test(test_processor),
		cmocka_unit_test(test_declared), cmocka_unit_test(test_figures), cmocka_unit_test(test_close),
		cmocka_unit_test(test_predictions), cmocka_unit_test(test_materialised),
		cmocka_unit_test(test_planted_matrix), cmocka_unit_test(test_planted_window),
	};
	int failed;

	if (!ur_ctx_open(&ctx, NULL, 1))
		return 1;
	failed = cmocka_run_group_tests_name("the cost of attention", tests, NULL, NULL);
	ur_ctx_close(&ctx);
	return failed;
}
