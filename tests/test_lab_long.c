/* The experiment "long": its rules in worlds that were made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lab_sections.h"

#include <math.h>

static const ur_experiment *const e = &ur_experiment_long;

typedef struct world {
	double far, half;                       /* how often the recurrence is right out there, and half its interval */
	double other, other_learnt;             /* attention: out there, over short rows */
	int T, near;                            /* out there, for one and the other */
	double memory, other_memory;            /* exponents */
	double ratio;                           /* of times of an update on 65,536 steps */
	int lengths;
} world;

static const world lesson = { 1, 0, 0.5, 1, 50000, 8192, 0.5, 1, 40, 4 };

static json_t *share(double mean, double half)
{
	return json_pack("{s:f,s:f,s:f}", "mean", mean, "low", mean - half, "high", mean + half);
}

static json_t *asked(const world *w, int grows, double learnt, double far, double half)
{
	return json_pack("{s:s,s:b,s:i,s:i,s:f,s:o,s:i,s:i,s:o,s:f,s:f}", "spec", grows ? "attention:2x32" : "gru:1x32",
		"grows", grows, "learnt_T", 24, "tokens", 1000000, "train_seconds", 2.0, "learnt", share(learnt, 0), "T",
		grows ? w->near : w->T, "n", 2, "far", share(far, half), "whole", 1.0, "seconds", 1.0);
}

static json_t *facts_of(const world *w)
{
	static const int T[] = { 16384, 1024, 65536, 4096 }; /* in no order */
	json_t *facts = json_object();

	/* a recurrence that is worse, too: the best one speaks for them */
	json_object_set_new(facts, "far/rnn", asked(w, 0, 1, 0.7, 0.001));
	json_object_set_new(facts, "far/lstm", asked(w, 0, 1, w->far, w->half));
	json_object_set_new(facts, "far/attention", asked(w, 1, w->other_learnt, w->other, 0.001));
	for (int i = 0; i < 4; i++)
		for (int grows = 0; grows < 2 && (w->lengths == 4 || T[i] < 5000); grows++) {
			const double bytes = 1e4 * pow(T[i], grows ? w->other_memory : w->memory), all = bytes + 80e6;
			char key[64];

			(void)snprintf(key, sizeof key, "update/%s/%d", grows ? "attention" : "lstm", T[i]);
			json_object_set_new(facts, key, json_pack("{s:i,s:i,s:f,s:f,s:f,s:f}", "T", T[i], "chunk", 256, "least",
				bytes, "plan", all, "grown", all * 1.03, "seconds", T[i] / 65536.0 * (grows ? w->ratio : 1)));
		}
	return facts;
}

static const char *verdict(world w, const char *finding) { return verdict_on(e, facts_of(&w), finding); }

static void test_far(void **state)
{
	world w = lesson;

	(void)state;
	assert_string_equal(verdict(w, "far"), "condition");
	w.other_learnt = 0.6;                   /* attention cannot do the task at all */
	assert_string_equal(verdict(w, "far"), "condition");
	w.other = w.other_learnt = 1;           /* it can, out there too */
	w.other = 0.995;
	assert_string_equal(verdict(w, "far"), "fails");
	w.other = 0.9895;                       /* its interval goes over the threshold */
	assert_string_equal(verdict(w, "far"), "missing");
	w = lesson;
	w.far = 0.8;                            /* no recurrence can */
	assert_string_equal(verdict(w, "far"), "fails");
	w.far = 0.99;
	w.half = 0.01;
	assert_string_equal(verdict(w, "far"), "missing");
	w = lesson;
	w.T = 40000;                            /* not far enough */
	assert_string_equal(verdict(w, "far"), "missing");
	w = lesson;
	w.near = 4096;
	assert_string_equal(verdict(w, "far"), "missing");
	assert_string_equal(verdict_on(e, json_object(), "far"), "missing");
}

static void test_updates(void **state)
{
	world w = lesson;

	(void)state;
	assert_string_equal(verdict(w, "memory"), "holds");
	w.memory = 0.9;
	assert_string_equal(verdict(w, "memory"), "fails");
	w = lesson;
	w.other_memory = 0.5;
	assert_string_equal(verdict(w, "memory"), "fails");
	w = lesson;
	w.lengths = 2;
	assert_string_equal(verdict(w, "memory"), "missing");
	assert_string_equal(verdict(w, "time"), "missing");     /* 4,096 steps are not 50,000 */
	w = lesson;
	assert_string_equal(verdict(w, "time"), "holds");
	w.ratio = 5;
	assert_string_equal(verdict(w, "time"), "condition");
	w.ratio = 1.5;
	assert_string_equal(verdict(w, "time"), "fails");
	assert_string_equal(verdict_on(e, json_object(), "memory"), "missing");
	assert_string_equal(verdict_on(e, json_object(), "time"), "missing");
}

static int answer_of(world w, size_t question) { return answer_on(e, facts_of(&w), question); }

static void test_words(void **state)
{
	json_t *section = section_from(e, facts_of(&lesson), NULL);
	world w = lesson;

	(void)state;
	assert_questions(section, 4);
	/* a figure's number is of what its text says */
	assert_true(fabs(json_number_value(json_object_get(ur_figure_find(section, "rnn_memory"), "value")) -
	                 1e4 * sqrt(65536)) < 1);
	assert_true(json_number_value(json_object_get(ur_figure_find(section, "attention_update"), "value")) == 40);
	assert_non_null(strstr(json_string_value(json_object_get(ur_figure_find(section, "rnn_far"), "text")), "50,000"));
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(section, "memory"), "words")),
	                       "within 3 % of it"));
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(section, "time"), "words")), "40.0 times"));
	json_decref(section);
	assert_int_equal(answer_of(w, 0), 2);
	assert_int_equal(answer_of(w, 1), 0);
	assert_int_equal(answer_of(w, 2), 1);   /* 64 times as long, 8 times the memory */
	assert_int_equal(answer_of(w, 3), 2);
	w.far = 0.8;
	w.memory = 0.6;
	assert_int_equal(answer_of(w, 0), 1);
	assert_int_equal(answer_of(w, 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_far), cmocka_unit_test(test_updates), cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
