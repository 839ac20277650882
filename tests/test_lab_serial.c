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
	double cpu, flops;                      /* of stepping on: a second a step */
	int tree_chain;
	double tree;                            /* seconds of the sum side by side; in order 1 */
	int threads;
} world;

static const world lesson = { 1024, 11, 1.05, 1.9, 1.8, 0.02, 1e-6, 1e-6, 1e-3, 2e-3, 3e-4, 3e-6, 1, 1e9, 7, 0.1, 2 };

static json_t *times(double median, double spread)
{
	return json_pack("{s:i,s:f,s:f,s:f,s:f}", "n", 9, "median", median, "low", median * (1 - spread), "high",
	                 median * (1 + spread), "cpu", 1.0);
}

static json_t *both(const world *w, double rnn, double attention)
{
	return json_pack("{s:{s:o,s:o},s:{s:o,s:o}}", "lstm", "one", times(rnn, w->spread), "all", times(rnn, w->spread),
	                 "attention", "one", times(attention, w->spread), "all", times(attention, w->spread));
}

static json_t *units(const world *w, double rnn, double attention)
{
	return json_pack("{s:[i,i],s:[o,o],s:[o,o]}", "units", 1, 2, "lstm", times(1, w->spread), times(1 / rnn, w->spread),
	                 "attention", times(1, w->spread), times(1 / attention, w->spread));
}

static json_t *facts_of(const world *w)
{
	json_t *facts = json_object(), *idle, *sum;

	json_object_set_new(facts, "counts", json_pack("{s:{s:b,s:{s:i,s:i},s:{s:i}},s:{s:b,s:{s:i,s:i},s:{s:i}}}",
		"lstm", "grows", 0, "chain", "64", 128, "512", w->rnn_chain, "training", "512", 2 * w->rnn_chain,
		"attention", "grows", 1, "chain", "64", 9, "512", w->attention_chain, "training", "512", 31));
	json_object_set_new(facts, "predicted", json_pack("{s:[f,f],s:{s:[f,f],s:[f,f]},s:{s:[f,f],s:[f,f]}}", "units",
		1.0, 1e4,
		"lstm", "long", 1e-3, w->rnn_many, "one", 2e-6, 1e-6, "attention", "long", 2e-3, w->attention_many, "one", 2e-6,
		1e-6));
	json_object_set_new(facts, "forward/B1/T1", both(w, w->rnn_one, w->attention_one));
	json_object_set_new(facts, "forward/B1/T512", both(w, w->rnn_512, w->attention_512));
	if (w->threads > 1) {
		json_object_set_new(facts, "units/B1", units(w, w->rnn_up, w->attention_up));
		json_object_set_new(facts, "units/B32", units(w, w->batch_up, w->attention_up));
	}
	idle = json_pack("{s:i,s:f,s:{s:f,s:f,s:f}}", "threads", w->threads, "peak", 2e11, "lstm", "seconds", 1.0, "busy",
	                 w->cpu, "flops", w->flops);
	json_object_set_new(facts, "idle", idle);
	sum = json_pack("{s:i,s:f,s:f,s:i,s:i,s:o,s:o,s:o}", "n", 1 << 20, "in_order", 5050.0, "as_tree", 5050.0,
		"serial_chain", 99, "tree_chain", w->tree_chain, "serial", times(1, w->spread), "tree",
		times(w->tree, w->spread), "all", times(w->tree, w->spread));
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
	w.attention_up = 1.04;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "fails");
	w.attention_up = 1.2;
	w.spread = 0.08;
	assert_string_equal(verdict_on(e, facts_of(&w), "units"), "condition");
	w = lesson;
	w.batch_up = 1;
	assert_string_equal(verdict_on(e, facts_of(&w), "batch"), "fails");
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
	/* the model may say otherwise, of attention or of the recurrence */
	w = lesson;
	w.attention_many = 5e-6;
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly_many"), "fails");
	w = lesson;
	w.rnn_many = 4e-6;
	assert_string_equal(verdict_on(e, facts_of(&w), "nearly_many"), "fails");
	/* all threads at work; or one, at full speed */
	w = lesson;
	w.cpu = 1.9;
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "fails");
	w = lesson;
	w.flops = 1.5e11;
	assert_string_equal(verdict_on(e, facts_of(&w), "idle"), "fails");
	w = lesson;
	w.tree_chain = 99;
	assert_string_equal(verdict_on(e, facts_of(&w), "sum"), "fails");
	w = lesson;
	w.tree = 0.99;
	assert_string_equal(verdict_on(e, facts_of(&w), "sum"), "fails");
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		assert_string_equal(verdict_on(e, json_object(), all[i]), "missing");
}

static int answer_of(const world *w, size_t question)
{
	json_t *section = section_from(e, facts_of(w), NULL);
	const int answer = (int)json_integer_value(json_object_get(json_array_get(json_object_get(section, "questions"),
	                                                                         question), "answer"));
	json_decref(section);
	return answer;
}

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
	assert_string_equal(json_string_value(json_object_get(ur_figure_find(section, "rnn_chain_512"), "text")), "1024");
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

static const char *verdict_in(const json_t *section, const char *finding)
{
	return json_string_value(json_object_get(finding_of(section, finding), "verdict"));
}

/* The whole experiment on mixers that are what they say, and on some that are not. */
static void test_cheats(void **state)
{
	json_t *section = run_with(e, honest);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(section, "state")), "done");
	assert_string_equal(verdict_in(section, "steps"), "holds");
	/* what is timed may come out either way, on a machine that is busy or a build that is slow; but it is told */
	assert_string_not_equal(verdict_in(section, "sum"), "missing");
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
		cmocka_unit_test(test_rules), cmocka_unit_test(test_figures_and_answers), cmocka_unit_test(test_cheats),
	};
	return cmocka_run_group_tests_name("lab: serial", tests, NULL, NULL);
}
