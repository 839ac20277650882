/* The experiment "mixers": its rules in worlds that were made up, and mixers that cheat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lab_sections.h"
#include "lab_fakes.h"

static const ur_experiment *const e = &ur_experiment_mixers;

typedef struct world {
	int rnn_chain, attention_chain;         /* at T = 512; 128 and 9 at T = 64 */
	int rnn_state, attention_state;         /* 512 and 32,768 at T = 64 */
	double rnn_step, attention_step;        /* operations; 60,000 and 50,000 at T = 64 */
	double error;                           /* of the cost model: predicted over measured, less one */
	double spread;                          /* half the width of intervals of what was measured, relative */
	int sure;                               /* they are of enough repeats */
} world;

static const world lesson = { 1024, 11, 512, 262144, 60000, 170000, 0.1, 0.02, 1 };

static json_t *at(int chain, int state, double step)
{
	return json_pack("{s:f,s:i,s:i,s:f,s:i,s:i}", "flops", 1e6, "calls", 5000, "chain", chain, "step_flops", step,
	                 "step_chain", 5, "state", state);
}

static json_t *took(const world *w, double seconds)
{
	return json_pack("{s:i,s:b,s:f,s:f,s:f}", "n", 9, "sure", w->sure, "thread", seconds, "thread_low",
	                 seconds * (1 - w->spread), "thread_high", seconds * (1 + w->spread));
}

static json_t *facts_of(const world *w)
{
	return json_pack("{s:{s:{s:b,s:o,s:o},s:{s:b,s:o,s:o}},s:[{s:s,s:s,s:i,s:i,s:i,s:f},{s:s,s:s,s:i,s:i,s:i,s:f}],"
		"s:[o,o]}", "counts", "lstm", "grows", 0, "64", at(128, 512, 60000), "512",
		at(w->rnn_chain, w->rnn_state, w->rnn_step), "attention", "grows", 1, "64", at(9, 32768, 50000), "512",
		at(w->attention_chain, w->attention_state, w->attention_step),
		"predicted", "mixer", "lstm", "pass", "forward", "T", 128, "B", 1, "width", 64, "seconds", 1 + w->error,
		"mixer", "attention", "pass", "step", "T", 128, "B", 1, "width", 64, "seconds", 2 * (1 + w->error),
		"measured", took(w, 1), took(w, 2));
}

static const char *verdict(world w, const char *finding) { return verdict_on(e, facts_of(&w), finding); }

static void test_rules(void **state)
{
	world w = lesson;

	(void)state;
	assert_string_equal(verdict(w, "trade"), "holds");
	assert_string_equal(verdict(w, "step"), "holds");
	assert_string_equal(verdict(w, "model"), "holds");
	/* a recurrence that has neither, one that has both; attention that is serial, or keeps nothing */
	w.rnn_chain = 128;
	assert_string_equal(verdict(w, "trade"), "fails");
	w = lesson;
	w.rnn_state = 2000;
	assert_string_equal(verdict(w, "trade"), "fails");
	w = lesson;
	w.attention_chain = 600;
	assert_string_equal(verdict(w, "trade"), "fails");
	w = lesson;
	w.attention_state = 32768;
	assert_string_equal(verdict(w, "trade"), "fails");
	w = lesson;
	w.rnn_step = 60010;
	assert_string_equal(verdict(w, "step"), "fails");
	w = lesson;
	w.attention_step = 51000;
	assert_string_equal(verdict(w, "step"), "fails");
	w = lesson;
	w.error = 0.25;
	assert_string_equal(verdict(w, "model"), "fails");
	w.error = -0.24;
	assert_string_equal(verdict(w, "model"), "fails");
	/* the intervals allow a smaller error; or there are none */
	w.error = 0.22;
	w.spread = 0.1;
	assert_string_equal(verdict(w, "model"), "missing");
	w.error = 0.5;
	assert_string_equal(verdict(w, "model"), "fails");
	w.sure = 0;
	assert_string_equal(verdict(w, "model"), "missing");
	assert_string_equal(verdict_on(e, json_object(), "trade"), "missing");
	assert_string_equal(verdict_on(e, json_object(), "step"), "missing");
	assert_string_equal(verdict_on(e, json_object(), "model"), "missing");
}

/* The worst point is found by its own place, also behind points that could not be measured. */
static void test_worst(void **state)
{
	json_t *facts = facts_of(&lesson), *section, *point = json_pack("{s:s,s:s,s:i,s:i,s:i,s:f}", "mixer", "gru", "pass",
		"forward", "T", 99, "B", 1, "width", 64, "seconds", 1.0);
	const char *words;

	(void)state;
	json_array_insert_new(json_object_get(facts, "predicted"), 0, point);
	json_array_insert_new(json_object_get(facts, "measured"), 0, json_pack("{s:i}", "n", 0));
	json_object_set_new(json_array_get(json_object_get(facts, "predicted"), 2), "seconds", json_real(3));
	section = section_from(e, facts, NULL);
	words = json_string_value(json_object_get(finding_of(section, "model"), "words"));
	assert_non_null(strstr(words, "over 2 points, the worst 50 %: attention, step"));
	json_decref(section);
}

static int answer_of(world w, size_t question) { return answer_on(e, facts_of(&w), question); }

static void test_table_and_answers(void **state)
{
	world w = lesson;
	json_t *section = section_from(e, facts_of(&w), NULL), *rows;

	(void)state;
	assert_questions(section, 3);
	rows = json_object_get(json_array_get(json_object_get(section, "tables"), 0), "rows");
	assert_int_equal(json_array_size(rows), 4);
	/* the path: 511 steps through a chain that grows, one otherwise; and it says that it is derived */
	for (int i = 0; i < 4; i++) {
		const json_t *cell = json_array_get(json_object_get(json_array_get(rows, (size_t)i), "cells"), 1);
		static const char *const paths[] = { "63", "511", "1", "1" };
		assert_string_equal(json_string_value(json_object_get(cell, "text")), paths[i]);
		assert_string_equal(json_string_value(json_object_get(cell, "origin")), "derived");
	}
	for (int i = 0; i < 4; i++) /* nor is the state counted */
		assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(json_array_get(rows,
			(size_t)i), "cells"), 2), "origin")), "derived");
	json_decref(section);
	assert_int_equal(answer_of(w, 0), 1);
	assert_int_equal(answer_of(w, 1), 2);
	assert_int_equal(answer_of(w, 2), 1);
	assert_int_equal(answer_of(w, 3), 0);
	w.rnn_state = 4000;
	w.attention_chain = 1000;
	w.attention_step = 60000;
	w.error = 0.9;
	assert_int_equal(answer_of(w, 0), 0);
	assert_int_equal(answer_of(w, 1), 0);
	assert_int_equal(answer_of(w, 2), 0);
	assert_int_equal(answer_of(w, 3), 2);
}

static void test_cheats(void **state)
{
	json_t *section = run_with(e, honest);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(section, "state")), "done");
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "trade"), "verdict")), "holds");
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "step"), "verdict")), "holds");
	assert_questions(section, 4);
	json_decref(section);
	section = run_with(e, with_serial_attention);
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "trade"), "verdict")), "fails");
	json_decref(section);
	section = run_with(e, with_parallel_lstm);
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "trade"), "verdict")), "fails");
	json_decref(section);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules), cmocka_unit_test(test_worst),
		cmocka_unit_test(test_table_and_answers), cmocka_unit_test(test_cheats),
	};
	return cmocka_run_group_tests_name("lab: mixers", tests, NULL, NULL);
}
