/* The experiment "online": its rules in worlds that were made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lab_sections.h"
#include "lab_fakes.h"

static const ur_experiment *const e = &ur_experiment_online;

typedef struct world {
	double learning[2], frozen[2], before;  /* shares right, of two seeds */
	double attention;                       /* learning */
	double n;                               /* events behind the change */
	double grown;                           /* bytes; -1: not told */
	double cost, spread, attention_cost;    /* seconds an event; half an interval, relative */
} world;

static const world lesson = { { 0.9, 0.88 }, { 0.6, 0.65 }, 0.91, 0.8, 4000, 20e3, 30e-6, 0.05, 90e-6 };

static json_t *share(double right, double n) { return json_pack("{s:f,s:f}", "right", right * n, "n", n); }

static json_t *run(const world *w, int grows, double learning, double frozen)
{
	return json_pack("{s:s,s:b,s:i,s:f,s:i,s:i,s:i,s:i,s:f,s:o,s:o,s:o,s:o,s:o,s:[f,f,f],s:[n,n,f]}", "spec",
		grows ? "attention:1x16" : "lstm:1x32", "grows", grows, "parameters", 5000, "rate", 0.003, "events", 12000,
		"change", 6000, "window", 16, "bytes", 300000, "grown", w->grown, "before", share(w->before, 6000), "learning",
		share(learning, w->n), "frozen", share(frozen, w->n), "last", share(0.5, w->n), "usual", share(0.52, w->n),
		"curve", 0.7, 0.9, 0.9, "frozen_curve", 0.6);
}

static json_t *cost(const world *w, double seconds)
{
	return json_pack("{s:i,s:f,s:f,s:f}", "n", 9, "thread", seconds, "thread_low", seconds * (1 - w->spread),
	                 "thread_high", seconds * (1 + w->spread));
}

static json_t *facts_of(const world *w)
{
	json_t *facts = json_object();

	/* a recurrence that is worse, too: the LSTM speaks for them, wherever it stands */
	json_object_set_new(facts, "run/rnn/0", run(w, 0, 0.55, 0.55));
	json_object_set_new(facts, "run/attention/0", run(w, 1, w->attention, 0.6));
	for (int i = 0; i < 2; i++) {
		char key[32];

		(void)snprintf(key, sizeof key, "run/lstm/%d", i);
		json_object_set_new(facts, key, run(w, 0, w->learning[i], w->frozen[i]));
	}
	json_object_set_new(facts, "rate/lstm", json_pack("{s:f}", "rate", 0.003));
	json_object_set_new(facts, "costs", json_pack("{s:o,s:o,s:o}", "rnn", cost(w, 1e-6), "lstm", cost(w, w->cost),
		"attention", cost(w, w->attention_cost)));
	return facts;
}

static const char *verdict(world w, const char *finding) { return verdict_on(e, facts_of(&w), finding); }

static void test_learning(void **state)
{
	world w = lesson;

	(void)state;
	assert_string_equal(verdict(w, "learning"), "holds");
	w.learning[1] = 0.66;                   /* one seed: not outside its interval */
	assert_string_equal(verdict(w, "learning"), "condition");
	w.learning[0] = 0.6;                    /* the frozen one is right as often */
	assert_string_equal(verdict(w, "learning"), "fails");
	w.learning[0] = w.learning[1] = 0.4;
	assert_string_equal(verdict(w, "learning"), "fails");
	w = lesson;
	w.n = 10;                               /* few events: 30 points are within chance */
	assert_string_equal(verdict(w, "learning"), "fails");
	assert_string_equal(verdict_on(e, json_object(), "learning"), "missing");
}

static void test_memory(void **state)
{
	world w = lesson;

	(void)state;
	assert_string_equal(verdict(w, "memory"), "holds");
	w.grown = 3e6;
	assert_string_equal(verdict(w, "memory"), "fails");
	w.grown = -1;
	assert_string_equal(verdict(w, "memory"), "missing");
	assert_string_equal(verdict_on(e, json_object(), "memory"), "missing");
}

static void test_cost(void **state)
{
	world w = lesson;

	(void)state;
	assert_string_equal(verdict(w, "cost"), "holds");
	w.attention_cost = 20e-6;
	assert_string_equal(verdict(w, "cost"), "fails");
	w.attention_cost = 31e-6;
	assert_string_equal(verdict(w, "cost"), "missing");
	w.spread = 0.001;
	assert_string_equal(verdict(w, "cost"), "holds");
	assert_string_equal(verdict_on(e, json_object(), "cost"), "missing");
}

static void test_suits(void **state)
{
	world w = lesson;

	(void)state;
	assert_string_equal(verdict(w, "suits"), "holds");
	w.attention = 0.97;
	assert_string_equal(verdict(w, "suits"), "fails");
	w.attention = 0.891;                    /* 8,000 events against 4,000: 1.2 points either way */
	assert_string_equal(verdict(w, "suits"), "condition");
	w.n = 400;
	assert_string_equal(verdict(w, "suits"), "missing");
	assert_string_equal(verdict_on(e, json_object(), "suits"), "missing");
}

static int answer_of(world w, size_t question) { return answer_on(e, facts_of(&w), question); }

static void test_words(void **state)
{
	json_t *section = section_from(e, facts_of(&lesson), NULL), *table, *chart;
	world w = lesson;

	(void)state;
	assert_questions(section, 4);
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(section, "learning"), "words")),
	                       "lstm, learning: 89.0 % of answers right"));
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(section, "cost"), "words")), "3.00 times"));
	assert_true(json_real_value(json_object_get(ur_figure_find(section, "rnn_learning"), "value")) > 0.889);
	assert_string_equal(json_string_value(json_object_get(ur_figure_find(section, "rnn_frozen"), "text")), "62.5 %");
	table = json_array_get(json_object_get(section, "tables"), 0);
	assert_int_equal(json_array_size(json_object_get(table, "rows")), 5);
	chart = json_array_get(json_object_get(section, "charts"), 0);
	assert_int_equal(json_array_size(json_object_get(chart, "lines")), 4); /* three that learn, one frozen */
	json_decref(section);
	assert_int_equal(answer_of(w, 0), 2);
	assert_int_equal(answer_of(w, 1), 2);
	assert_int_equal(answer_of(w, 2), 2);
	assert_int_equal(answer_of(w, 3), 0);
	w.frozen[0] = w.frozen[1] = 0.85;
	w.attention_cost = 40e-6;
	assert_int_equal(answer_of(w, 0), 1);
	assert_int_equal(answer_of(w, 1), 1);
	assert_int_equal(answer_of(w, 2), 1);
	/* nothing measured: stated all the same */
	section = section_from(e, json_object(), NULL);
	assert_int_equal(json_array_size(json_object_get(section, "findings")), 4);
	json_decref(section);
}

/* Measured, of one model: what it learns does not depend on the machine's speed. */
static void test_measured(void **state)
{
	static const ur_lab_mixer only[] = { { "lstm", &ur_mixer_forward_lstm, &ur_mixer_backward_lstm }, { 0 } };
	json_t *section = run_with(e, only);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(section, "state")), "done");
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "learning"), "verdict")), "holds");
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "cost"), "verdict")), "missing");
	assert_questions(section, 2);
	json_decref(section);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learning), cmocka_unit_test(test_memory), cmocka_unit_test(test_cost),
		cmocka_unit_test(test_suits), cmocka_unit_test(test_words), cmocka_unit_test(test_measured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
