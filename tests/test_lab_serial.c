/* The experiment "serial": its rules in worlds that were made up, and mixers that cheat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lab_sections.h"
#include "lab_fakes.h"

static const ur_experiment *const e = &ur_experiment_serial;

typedef struct world {
	int rnn_chain, attention_chain;         /* at T = 512; 128 and 9 at T = 64 */
	double rnn_up, attention_up, batch_up;  /* speed-up on two threads */
	double spread;                          /* half the width of intervals, relative */
	double rnn_one, attention_one, rnn_512, attention_512;
	double rnn_many, attention_many;        /* predicted for 512 tokens on 10,000 units; one token: 1 us */
	double cpu;                             /* processor seconds a second of stepping on */
	double rnn_flops, attention_flops;      /* operations of 512 tokens; the machine does 2e11 a second */
	int tree_chain;
	double tree;                            /* seconds of the sum side by side; in order 1 */
	int threads;
	int sure;                               /* intervals are of enough repeats */
	double gru_high, gru_low;               /* 0; or there is a GRU, 1 on two threads, that may be that much faster */
} world;

static const world lesson = { 1024, 11, 1.05, 1.9, 1.8, 0.02, 1e-6, 1e-6, 1e-3, 2e-3, 3e-4, 3e-6, 1, 1e7, 2e8, 7, 0.1,
	2, 1, 0, 0 };

static json_t *times(const world *w, double median)
{
	return json_pack("{s:i,s:b,s:f,s:f,s:f,s:f}", "n", w->sure ? 9 : 3, "sure", w->sure, "median", median, "low",
	                 median * (1 - w->spread), "high", median * (1 + w->spread), "cpu", 1.0);
}

static json_t *both(const world *w, double rnn, double attention)
{
	return json_pack("{s:{s:o,s:o},s:{s:o,s:o}}", "lstm", "one", times(w, rnn), "all", times(w, rnn),
	                 "attention", "one", times(w, attention), "all", times(w, attention));
}

static json_t *units(const world *w, double rnn, double attention)
{
	return json_pack("{s:[i,i],s:[o,o],s:[o,o]}", "units", 1, 2, "lstm", times(w, 1), times(w, 1 / rnn),
	                 "attention", times(w, 1), times(w, 1 / attention));
}

static json_t *facts_of(const world *w)
{
	json_t *facts = json_object(), *idle, *sum;

	json_object_set_new(facts, "counts", json_pack(
		"{s:{s:b,s:{s:i,s:i},s:{s:i},s:{s:f}},s:{s:b,s:{s:i,s:i},s:{s:i},s:{s:f}}}",
		"lstm", "grows", 0, "chain", "64", 128, "512", w->rnn_chain, "training", "512", 2 * w->rnn_chain, "flops",
		"512", w->rnn_flops,
		"attention", "grows", 1, "chain", "64", 9, "512", w->attention_chain, "training", "512", 31, "flops", "512",
		w->attention_flops));
	json_object_set_new(facts, "predicted", json_pack("{s:[f,f],s:{s:[f,f],s:[f,f]},s:{s:[f,f],s:[f,f]}}", "units",
		1.0, 1e4,
		"lstm", "long", 1e-3, w->rnn_many, "one", 2e-6, 1e-6, "attention", "long", 2e-3, w->attention_many, "one", 2e-6,
		1e-6));
	json_object_set_new(facts, "forward/B1/T1", both(w, w->rnn_one, w->attention_one));
	json_object_set_new(facts, "forward/B1/T512", both(w, w->rnn_512, w->attention_512));
	if (w->threads > 1) {
		json_object_set_new(facts, "units/B1/T512", units(w, w->rnn_up, w->attention_up));
		json_object_set_new(facts, "units/B1/T64", units(w, w->rnn_up, w->attention_up));
		json_object_set_new(facts, "units/B32/T64", units(w, w->batch_up, w->attention_up));
	}
	if (w->gru_high > 0) {
		json_t *two = times(w, 1);

		json_object_set_new(two, "low", json_real((1 + w->spread) / w->gru_high));
		if (w->gru_low > 0)
			json_object_set_new(two, "high", json_real((1 - w->spread) / w->gru_low));
		json_object_set_new(json_object_get(facts, "counts"), "gru", json_pack("{s:b}", "grows", 0));
		json_object_set_new(json_object_get(facts, "units/B1/T512"), "gru", json_pack("[o,o]", times(w, 1), two));
	}
	idle = json_pack("{s:i,s:f,s:{s:f,s:f}}", "threads", w->threads, "peak", 2e11, "lstm", "seconds", 1.0, "busy",
	                 w->cpu);
	json_object_set_new(facts, "idle", idle);
	sum = json_pack("{s:i,s:f,s:f,s:i,s:i,s:o,s:o,s:o}", "n", 1 << 20, "in_order", 5050.0, "as_tree", 5050.0,
		"serial_chain", 99, "tree_chain", w->tree_chain, "serial", times(w, 1), "tree",
		times(w, w->tree), "all", times(w, w->tree));
	json_object_set_new(facts, "sum", sum);
	return facts;
}

static void test_rules(void **state)
{
	static const char *const all[] = { "steps", "units", "batch", "nearly", "nearly_many", "idle", "sum" };
	world w = lesson;

	(void)state;
	/* the lesson's world */
	assert_string_equal(verdict_on(e, facts_of(&w), "steps"), "holds");
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "holds");
	assert_string_equal(verdict_on(e, facts_of(&w), "batch"), "holds");
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly"), "fails");
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly_many"), "predicted");
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "holds");
	assert_string_equal(verdict_on(e, facts_of(&w), "sum"), "holds");
	/* a recurrence without a chain; attention with one */
	w.rnn_chain = 300;
	assert_string_equal(verdict_on(e, facts_of(&w), "steps"), "fails");
	w = lesson;
	w.attention_chain = 520;
	assert_string_equal(verdict_on(e, facts_of(&w), "steps"), "fails");
	/* attention that gains no more than the recurrence; that gains more, but who knows */
	w = lesson;
	w.attention_up = 0.9;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "fails");
	w.attention_up = 1.04;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "missing");
	w.attention_up = 1.2;
	w.spread = 0.08;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "condition");
	w = lesson;
	w.batch_up = 0.9;
	assert_string_equal(verdict_on(e, facts_of(&w), "batch"), "fails");
	w.batch_up = 1.04;
	assert_string_equal(verdict_on(e, facts_of(&w), "batch"), "missing");
	w.batch_up = 1.07;
	assert_string_equal(verdict_on(e, facts_of(&w), "batch"), "condition");
	/* a machine that was at something else */
	w = lesson;
	w.attention_up = 1.2;
	w.batch_up = 1.07;
	w.spread = 0.4;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "missing");
	assert_string_equal(verdict_on(e, facts_of(&w), "batch"), "missing");
	/* one thread: nothing to compare with, nobody to be idle */
	w = lesson;
	w.threads = 1;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "missing");
	assert_string_equal(verdict_on(e, facts_of(&w), "batch"), "missing");
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "missing");
	/* a machine on which it is true */
	w = lesson;
	w.attention_512 = 1.5e-6;
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly"), "holds");
	w.attention_512 = 1.98e-6;
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly"), "condition");
	w.attention_512 = 2.02e-6;
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly"), "missing");
	/* the model may say otherwise, of attention or of the recurrence */
	w = lesson;
	w.attention_many = 5e-6;
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly_many"), "fails");
	w = lesson;
	w.rnn_many = 4e-6;
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly_many"), "fails");
	/* a recurrence that keeps the machine as busy as attention does, or nearly, or busier */
	w = lesson;
	w.rnn_flops = 1.5e8;
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "fails");
	w.rnn_flops = 0.99e8;
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "condition");
	w.rnn_flops = 1.01e8;
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "missing");
	w.rnn_flops = 0.99e8;
	w.spread = 0.4;
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "missing");
	w = lesson;
	w.tree_chain = 99;
	assert_string_equal(verdict_on(e, facts_of(&w), "sum"), "fails");
	w = lesson;
	w.tree = 1.1;
	assert_string_equal(verdict_on(e, facts_of(&w), "sum"), "fails");
	w.tree = 0.99;
	assert_string_equal(verdict_on(e, facts_of(&w), "sum"), "condition");
	w.tree = 1.01;
	assert_string_equal(verdict_on(e, facts_of(&w), "sum"), "missing");
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		assert_string_equal(verdict_on(e, json_object(), all[i]), "missing");
}

static const char *verdict_in(const json_t *section, const char *finding)
{
	return json_string_value(json_object_get(finding_of(section, finding), "verdict"));
}

static int says(const json_t *section, const char *finding, const char *what)
{
	return strstr(json_string_value(json_object_get(finding_of(section, finding), "words")), what) != NULL;
}

/* Intervals of too few repeats tell nothing, however far apart they are. */
static void test_too_few(void **state)
{
	static const char *const timed[] = { "units", "batch", "nearly", "idle", "sum" };
	world w = lesson;
	json_t *section;

	(void)state;
	w.sure = 0;
	section = section_from(e, facts_of(&w), NULL);
	for (size_t i = 0; i < sizeof timed / sizeof *timed; i++) {
		assert_string_equal(verdict_in(section, timed[i]), "missing");
		assert_true(says(section, timed[i], "few repeats"));
	}
	assert_string_equal(verdict_in(section, "steps"), "holds");
	json_decref(section);
}

/* Attention is held against all recurrences, not against the one whose median is best. */
static void test_all_recurrences(void **state)
{
	world w = lesson;

	(void)state;
	w.attention_up = 1.3;
	w.gru_high = 1.2;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "holds");
	w.gru_high = 1.5;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "condition");
	w.gru_low = 0.5; /* one of them tells nothing: then all together do not */
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "missing");
	w.gru_low = 0;
	w.gru_high = 2.5;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "missing");
}

/* What is not there is not named. */
static void test_alone(void **state)
{
	static const char *const gone[] = { "lstm", "attention" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		json_t *facts = facts_of(&lesson), *section, *f;
		size_t k;

		json_object_del(json_object_get(facts, "counts"), gone[i]);
		section = section_from(e, facts, NULL);
		json_array_foreach(json_object_get(section, "findings"), k, f) {
			const char *name = json_string_value(json_object_get(f, "name"));
			assert_false(says(section, name, "null") || says(section, name, "nan"));
		}
		assert_string_equal(verdict_in(section, "nearly_many"), "missing");
		assert_string_equal(verdict_in(section, "nearly"), i ? "missing" : "fails");
		assert_string_equal(verdict_in(section, "units"), "missing");
		json_decref(section);
	}
}

/* Why a finding fails is not said of one that holds; numbers have a decimal where it counts, and commas. */
static void test_words(void **state)
{
	world w = lesson;
	json_t *section = section_from(e, facts_of(&w), NULL), *facts, *chart;

	(void)state;
	assert_true(says(section, "nearly", "it is the work that counts"));
	assert_true(says(section, "nearly", "attention 2,000 times"));
	assert_true(says(section, "steps", "lstm 1,024, 2 a token"));
	assert_true(says(section, "sum", "one thread (10 times as fast)"));
	json_decref(section);
	w.attention_512 = 1.5e-6;
	section = section_from(e, facts_of(&w), NULL);
	assert_false(says(section, "nearly", "it is the work that counts"));
	assert_true(says(section, "nearly", "attention 1.5 times"));
	json_decref(section);
	/* mixers that are counted alike are named together, and said to coincide; one length is a table */
	facts = facts_of(&w);
	json_object_set_new(json_object_get(facts, "counts"), "gru",
	                    json_deep_copy(json_object_get(json_object_get(facts, "counts"), "lstm")));
	json_object_set_new(facts, "forward/B32/T64", both(&w, 1, 1));
	section = section_from(e, facts, NULL);
	assert_true(says(section, "steps", "lstm, gru 1,024, 2 a token; attention 11"));
	assert_false(says(section, "steps", "gru, lstm"));
	chart = json_array_get(json_object_get(section, "charts"), 0);
	assert_non_null(strstr(json_string_value(json_object_get(chart, "about")), "The lines of gru and lstm coincide."));
	chart = json_array_get(json_object_get(section, "tables"), 0);
	assert_string_equal(json_string_value(json_object_get(chart, "title")), "Forward at batch 32");
	json_decref(section);
}

static int answer_of(const world *w, size_t question) { return answer_on(e, facts_of(w), question); }

static void test_figures_and_answers(void **state)
{
	static const char *const figures[] = { "rnn_chain_512", "attention_chain_512", "rnn_forward_512",
		"attention_forward_512", "speedup_rnn", "speedup_attention", "idle_rnn" };
	world w = lesson;
	json_t *section = section_from(e, facts_of(&w), NULL);

	(void)state;
	assert_questions(section, 3);
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		assert_non_null(ur_figure_find(section, figures[i]));
	assert_string_equal(json_string_value(json_object_get(ur_figure_find(section, "rnn_chain_512"), "text")), "1,024");
	assert_string_equal(json_string_value(json_object_get(ur_figure_find(section, "idle_rnn"), "text")), "50 %");
	assert_string_equal(json_string_value(json_object_get(ur_figure_find(section, "rnn_chain_512"), "origin")),
		"counted");
	json_decref(section);
	/* answers follow what was measured */
	assert_int_equal(answer_of(&w, 0), 1);
	assert_int_equal(answer_of(&w, 1), 1);
	assert_int_equal(answer_of(&w, 2), 2);
	assert_int_equal(answer_of(&w, 3), 2);
	w.attention_chain = 1000;
	w.tree = 1;
	w.attention_512 = 1e-6;
	w.cpu = 1.95;
	assert_int_equal(answer_of(&w, 0), 0);
	assert_int_equal(answer_of(&w, 1), 0);
	assert_int_equal(answer_of(&w, 2), 0);
	assert_int_equal(answer_of(&w, 3), 0);
}

/* The whole experiment on mixers that are what they say, and on some that are not. */
static void test_cheats(void **state)
{
	json_t *section = run_with(e, honest);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(section, "state")), "done");
	assert_string_equal(verdict_in(section, "steps"), "holds");
	/* what is timed may come out either way, on a machine that is busy or a build that is slow; but it is told */
	assert_true(says(section, "sum", "Counted: 99"));
	assert_questions(section, 3);
	json_decref(section);
	section = run_with(e, with_serial_attention);
	assert_string_equal(verdict_in(section, "steps"), "fails");
	assert_string_equal(verdict_in(section, "nearly_many"), "fails");
	json_decref(section);
	section = run_with(e, with_parallel_lstm);
	assert_string_equal(verdict_in(section, "steps"), "fails");
	assert_string_equal(verdict_in(section, "nearly_many"), "fails");
	json_decref(section);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules), cmocka_unit_test(test_too_few), cmocka_unit_test(test_all_recurrences),
		cmocka_unit_test(test_alone), cmocka_unit_test(test_words), cmocka_unit_test(test_figures_and_answers),
		cmocka_unit_test(test_cheats),
	};
	return cmocka_run_group_tests_name("lab: serial", tests, NULL, NULL);
}
