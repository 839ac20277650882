/* The experiment on distance: its rules on made-up measurements, what it measures against cases done by hand, and
 * faults planted where it measures: a mixer that looks ahead, a forget gate that is stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lab/distance.h"
#include "lab_sections.h"

#include <math.h>
#include <stdlib.h>

static const ur_experiment *const E = &ur_experiment_distance;

/* -- worlds that were made up -- */

enum { RNN, GRU, LSTM, ATTENTION, MIXERS };
static const char *const names[MIXERS] = { "rnn", "gru", "lstm", "attention" };

typedef struct world {
	double start[MIXERS], trained[MIXERS];  /* factors a step; trained: on every task */
	int solved[MIXERS];                     /* the longest length; 0: none */
	double kept, slowest;                   /* of the gates, over 500 steps */
	const char *cheats;                     /* who looks ahead: in "ahead/", or NULL */
	const char *cheats_late;                /* ... or in a trained model's reach */
} world;

/* As the lesson has it. */
static const world lesson = {
	{ 0.6, 0.6, 0.6, 1.0 }, { 0.5, 0.98, 0.95, 1.01 }, { 0, 64, 32, 64 }, 1e-9, 1e-4, NULL, NULL
};

static json_t *reach(double decay, double ahead)
{
	json_t *bins = json_array();
	for (int from = 0; from < 64; from = from ? 2 * from : 1) {
		const int to = from ? 2 * from - 1 : 0;
		const double norm = pow(decay, (from + to) / 2.0); /* the geometric mean of a line is that of its middle */
		json_array_append_new(bins, json_pack("[i,i,f,f]", from, to, norm, norm));
	}
	return json_pack("{s:f,s:f,s:f,s:i,s:o}", "within", 3.0, "decay", decay, "ahead", ahead, "fitted", 63,
	                 "bins", bins);
}

static json_t *gates(double kept, double slowest)
{
	return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "mean", 0.8, "low", 0.5, "median", 0.9, "high", 0.99,
	                 "kept_100", 0.1, "kept_500", kept, "slowest_100", 0.5, "slowest_500", slowest);
}

static void put(json_t *facts, const char *key, json_t *fact) { json_object_set_new(facts, key, fact); }

static json_t *facts_of(const world *w)
{
	json_t *facts = json_pack("{s:{s:i,s:i,s:i,s:i,s:f}}", "plan", "shortest", 16, "longest", 64, "seeds", 2, "reach",
	                          64, "tokens", 1e6);
	char key[100];

	for (int m = 0; m < MIXERS; m++) {
		const int cheats = w->cheats && !strcmp(w->cheats, names[m]);

		(void)snprintf(key, sizeof key, "ahead/%s", names[m]);
		put(facts, key, json_pack("{s:f,s:f}", "output", cheats ? 0.3 : 0.0, "gradient", 0.0));
		(void)snprintf(key, sizeof key, "start/%s", names[m]);
		put(facts, key, reach(w->start[m], 0));
		for (int task = 0; task < UR_DISTANCE_TASKS; task++)
			for (int T = 16; T <= 64 && T <= (w->solved[m] ? 2 * w->solved[m] : 16); T *= 2)
				for (int seed = 0; seed < 2; seed++) {
					const int late = w->cheats_late && !strcmp(w->cheats_late, names[m]) && T == 16;
					(void)snprintf(key, sizeof key, "run/%s/%s/%d/%d", ur_distance_tasks[task], names[m], T, seed);
					put(facts, key, json_pack("{s:b,s:f,s:f,s:o,s:i,s:o}", "solved", T <= w->solved[m], "accuracy", 0.5,
						"loss", 1.0, "mse", task ? json_null() : json_real(0.1), "tokens", 1000000, "reach",
						reach(w->trained[m], late ? 1e-6 : 0)));
				}
	}
	/* of the length that was not solved, too: as of one that keeps all */
	for (int task = 0; task < UR_DISTANCE_TASKS; task++)
		for (int T = 16; T <= 64 && T <= (w->solved[LSTM] ? 2 * w->solved[LSTM] : 16); T *= 2) {
			const int did = T <= w->solved[LSTM];
			(void)snprintf(key, sizeof key, "gates/%s/%d/0", ur_distance_tasks[task], T);
			put(facts, key, gates(did ? w->kept : 1, did ? w->slowest : 1));
		}
	return facts;
}

/* Replaces a run: of a task, a mixer and a length, all seeds. */
static void replace(json_t *facts, int task, int m, int T, int solved, double decay)
{
	for (int seed = 0; seed < 2; seed++) {
		char key[100];
		(void)snprintf(key, sizeof key, "run/%s/%s/%d/%d", ur_distance_tasks[task], names[m], T, seed);
		put(facts, key, json_pack("{s:b,s:f,s:f,s:n,s:i,s:o}", "solved", solved, "accuracy", 0.5, "loss", 1.0, "mse",
		                          "tokens", 1, "reach", reach(decay, 0)));
	}
}

static void forget_run(json_t *facts, int task, int m, int T, int seed)
{
	char key[100];
	(void)snprintf(key, sizeof key, "run/%s/%s/%d/%d", ur_distance_tasks[task], names[m], T, seed);
	assert_int_equal(json_object_del(facts, key), 0);
}

static const char *verdict(const world *w, const char *finding) { return verdict_on(E, facts_of(w), finding); }

static json_int_t answer_of(const json_t *section, size_t question)
{
	const json_t *all = json_object_get(section, "questions");
	return json_integer_value(json_object_get(json_array_get(all, question), "answer"));
}

static const char *told(const json_t *section, const char *finding, const char *member)
{
	return json_string_value(json_object_get(finding_of(section, finding), member));
}

/* The text of a cell of a table; column 0 is the first after the names. */
static const char *cell_of(const json_t *section, size_t table, const char *row, size_t column)
{
	const json_t *rows = json_object_get(json_array_get(json_object_get(section, "tables"), table), "rows");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *r = json_array_get(rows, i);
		if (!strcmp(json_string_value(json_object_get(r, "name")), row))
			return json_string_value(json_object_get(json_array_get(json_object_get(r, "cells"), column), "text"));
	}
	fail_msg("there is no row %s", row);
	return NULL;
}

static void assert_in(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text ? text : "nothing");
}

static const char *text_of(const json_t *section, const char *figure)
{
	return json_string_value(json_object_get(ur_figure_find(section, figure), "text"));
}

static void the_lesson_holds_where_it_is_true(void **unused)
{
	static const char *const figures[] = { "decay_rnn", "decay_lstm", "decay_attention", "solved_rnn", "solved_lstm",
		"solved_attention", "gate_product_500" };
	static const char *const all[] = { "fades", "gates_reach", "attention_flat", "forget", "solved" };
	json_t *section;

	(void)unused;
	for (int i = 0; i < 5; i++)
		assert_string_equal(verdict(&lesson, all[i]), "holds");
	section = section_from(E, facts_of(&lesson), NULL);
	assert_questions(section, 5);
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		assert_non_null(text_of(section, figures[i]));
	assert_string_equal(text_of(section, "decay_rnn"), "0.600, untrained"); /* it solved nothing */
	assert_string_equal(text_of(section, "decay_lstm"), "0.950, adding");
	assert_string_equal(text_of(section, "solved_rnn"), "none");
	assert_string_equal(text_of(section, "solved_lstm"), "32");
	assert_int_equal(json_array_size(json_object_get(section, "charts")), 1 + UR_DISTANCE_TASKS);
	assert_int_equal(json_array_size(json_object_get(section, "tables")), 3);
	assert_int_equal(answer_of(section, 0), 2);
	assert_int_equal(answer_of(section, 1), 2);
	assert_int_equal(answer_of(section, 2), 0);
	assert_int_equal(answer_of(section, 3), 1);
	assert_int_equal(answer_of(section, 4), 0);
	json_decref(section);
}

static void false_claims_are_found_false(void **unused)
{
	world w;
	json_t *section;

	(void)unused;
	w = lesson;
	w.start[RNN] = 0.999;
	assert_string_equal(verdict(&w, "fades"), "fails");
	w = lesson;
	w.trained[RNN] = 0.99;
	assert_string_equal(verdict(&w, "gates_reach"), "fails");
	w = lesson;
	w.trained[LSTM] = 0.4; /* one of the two gated ones is not enough */
	assert_string_equal(verdict(&w, "gates_reach"), "fails");
	w = lesson;
	w.start[ATTENTION] = 0.9;
	assert_string_equal(verdict(&w, "attention_flat"), "fails");
	w = lesson;
	w.trained[ATTENTION] = 0.4;
	assert_string_equal(verdict(&w, "attention_flat"), "fails");
	w.trained[ATTENTION] = 0.9; /* more than the RNN's 0.5 is not flat */
	assert_string_equal(verdict(&w, "attention_flat"), "fails");
	w = lesson;
	w.trained[RNN] = 1.02;
	assert_string_equal(verdict(&w, "attention_flat"), "fails");
	w = lesson;
	w.trained[RNN] = 0.9; /* 0.95 halves over 2.05 times the distance of 0.9, 0.93 over 1.45 times */
	assert_string_equal(verdict(&w, "gates_reach"), "holds");
	w.trained[LSTM] = 0.93;
	assert_string_equal(verdict(&w, "gates_reach"), "fails");
	w.trained[LSTM] = 0.95;
	w.start[RNN] = 0.94; /* what did not learn is no worse a rival than it was before */
	assert_string_equal(verdict(&w, "gates_reach"), "fails");
	w.start[RNN] = 0.6;
	w.trained[GRU] = 0.93;
	assert_string_equal(verdict(&w, "gates_reach"), "fails");
	w = lesson;
	w.slowest = 0.9;
	assert_string_equal(verdict(&w, "forget"), "condition");
	w.kept = 0.5;
	assert_string_equal(verdict(&w, "forget"), "fails");
	w = lesson;
	w.solved[RNN] = 64; /* both solve the longest there is: nothing is known */
	assert_string_equal(verdict(&w, "solved"), "missing");
	w.solved[ATTENTION] = 32;
	assert_string_equal(verdict(&w, "solved"), "fails");
	w.solved[RNN] = 32; /* both fail at the same length */
	assert_string_equal(verdict(&w, "solved"), "fails");
	w.solved[RNN] = w.solved[ATTENTION] = 0; /* at the shortest there is: nothing is known */
	assert_string_equal(verdict(&w, "solved"), "missing");
	w.solved[ATTENTION] = 32;
	w.solved[RNN] = 64;
	/* answers follow what was measured */
	w.kept = 0.5;
	w.start[RNN] = 0.99;
	w.start[LSTM] = 0.5;
	section = section_from(E, facts_of(&w), NULL);
	assert_int_equal(answer_of(section, 0), 0);
	assert_int_equal(answer_of(section, 1), 0);
	assert_int_equal(answer_of(section, 2), 1);
	assert_int_equal(answer_of(section, 3), 0);
	json_decref(section);
}

/* On one task otherwise than on the others. */
static void conditions_name_their_tasks(void **unused)
{
	json_t *facts = facts_of(&lesson), *section;
	const char *text;

	(void)unused;
	replace(facts, 1, RNN, 16, 0, 0.999);
	section = section_from(E, facts, NULL);
	assert_string_equal(told(section, "gates_reach", "verdict"), "condition");
	text = told(section, "gates_reach", "condition");
	assert_string_equal(text, "only on adding, recall");
	json_decref(section);
	facts = facts_of(&lesson);
	json_object_del(facts, "run/copy/attention/64/0");
	json_object_del(facts, "run/copy/attention/64/1");
	for (int i = 0; i < 8; i++) { /* on copy both solve 16 and fail at 32 */
		const int T = i & 1 ? 16 : 32, seed = i >> 1 & 1;
		char key[60];
		(void)snprintf(key, sizeof key, "run/copy/%s/%d/%d", names[i & 4 ? RNN : ATTENTION], T, seed);
		put(facts, key, json_pack("{s:b,s:f,s:f,s:n,s:i,s:o}", "solved", T == 16, "accuracy", 0.95, "loss", 0.1, "mse",
		                          "tokens", 1, "reach", reach(0.5, 0)));
	}
	section = section_from(E, facts, NULL);
	assert_string_equal(told(section, "solved", "verdict"), "condition");
	text = told(section, "solved", "condition");
	assert_string_equal(text, "only on adding, recall");
	json_decref(section);
}

/* One of two seeds is enough, a run that was stopped by the clock is not run. */
static void half_of_the_seeds_solve_it(void **unused)
{
	json_t *facts = facts_of(&lesson), *section;

	(void)unused;
	json_object_set_new(json_object_get(facts, "run/adding/lstm/64/1"), "solved", json_true());
	section = section_from(E, facts, NULL);
	assert_string_equal(text_of(section, "solved_lstm"), "64");
	json_decref(section);
	facts = facts_of(&lesson);
	for (int m = 0; m < MIXERS; m++) {
		char key[60];
		(void)snprintf(key, sizeof key, "run/recall/%s/16/0", names[m]);
		json_object_del(facts, key);
		(void)snprintf(key, sizeof key, "run/recall/%s/16/1", names[m]);
		json_object_del(facts, key);
	}
	section = section_from(E, facts, NULL);
	/* what was not run does not read as if it had been */
	for (int i = 0; i < 3; i++) {
		static const char *const all[] = { "gates_reach", "attention_flat", "solved" };
		assert_string_equal(told(section, all[i], "verdict"), "condition");
		assert_string_equal(told(section, all[i], "condition"), "only on adding, copy");
	}
	assert_null(strstr(told(section, "solved", "words"), "recall"));
	assert_in(told(section, "gates_reach", "words"), "recall (not all seeds were run)");
	json_decref(section);
}

/* A task counts where those whom it is about solved it. */
static void models_that_learnt_nothing_do_not_count(void **unused)
{
	world w = lesson;
	json_t *facts = facts_of(&lesson), *section;

	(void)unused;
	/* each time one of the tasks is not solved; at 16 they would count by their factors */
	for (int T = 16; T <= 64; T *= 2)
		for (int i = 0; i < 2; i++)
			for (int seed = 0; seed < 2 && T > 16; seed++)
				forget_run(facts, i ? 2 : 1, i ? ATTENTION : LSTM, T, seed);
	replace(facts, 1, LSTM, 16, 0, 0.95);
	replace(facts, 2, ATTENTION, 16, 0, 1.01);
	section = section_from(E, facts, NULL);
	assert_string_equal(told(section, "gates_reach", "condition"), "only on adding, recall");
	assert_in(told(section, "gates_reach", "words"),
	          "adding: RNN 0.500 (T = 16, not solved), LSTM 0.950 (T = 32), GRU");
	assert_in(told(section, "gates_reach", "words"), "copy (the LSTM did not solve it)");
	assert_string_equal(told(section, "attention_flat", "condition"), "only on adding, copy");
	assert_in(told(section, "attention_flat", "words"), "recall (attention did not solve it)");
	assert_in(cell_of(section, 0, "lstm", 2), "0.950 (not solved, T = 16; distances 1 to 63, off by 1.0 times)");
	assert_in(cell_of(section, 0, "lstm", 1), "0.950 (T = 32; distances 1 to 63");
	assert_in(cell_of(section, 2, "copy, T = 64, not solved", 5), "1"); /* its gates are marked, too */
	assert_in(cell_of(section, 2, "adding, T = 32", 5), "1e-09");
	json_decref(section);
	/* none solved anything */
	for (int m = 0; m < MIXERS; m++)
		w.solved[m] = 0;
	section = section_from(E, facts_of(&w), NULL);
	for (int i = 0; i < 4; i++) {
		static const char *const all[] = { "gates_reach", "attention_flat", "forget", "solved" };
		assert_string_equal(told(section, all[i], "verdict"), "missing");
	}
	assert_in(told(section, "forget", "words"), "No LSTM solved");
	assert_null(text_of(section, "gate_product_500"));
	assert_string_equal(text_of(section, "decay_attention"), "1.000, untrained");
	assert_questions(section, 3);
	/* none of who learns longer ones, none of gates */
	assert_int_equal(json_array_size(json_object_get(section, "questions")), 3);
	json_decref(section);
	/* fresh attention that fades needs no trained one */
	w.start[ATTENTION] = 0.9;
	assert_string_equal(verdict(&w, "attention_flat"), "fails");
	/* solved on another task than adding: the figure says so */
	facts = facts_of(&lesson);
	for (int T = 32; T <= 64; T *= 2)
		for (int seed = 0; seed < 2; seed++)
			forget_run(facts, 0, LSTM, T, seed);
	replace(facts, 0, LSTM, 16, 0, 0.7);
	section = section_from(E, facts, NULL);
	assert_string_equal(text_of(section, "decay_lstm"), "0.950, copy");
	json_decref(section);
}

/* Seeds that disagree: the least of one against the most of the other; and those that failed are no part of it. */
static void seeds_have_to_agree(void **unused)
{
	json_t *facts = facts_of(&lesson), *section;

	(void)unused;
	put(json_object_get(facts, "run/adding/lstm/32/1"), "reach", reach(0.5, 0));
	put(json_object_get(facts, "run/copy/attention/64/1"), "reach", reach(0.97, 0));
	section = section_from(E, facts, NULL);
	assert_string_equal(told(section, "gates_reach", "condition"), "only on copy, recall");
	assert_string_equal(told(section, "attention_flat", "condition"), "only on adding, recall");
	assert_in(cell_of(section, 0, "lstm", 1), "0.725 (T = 32; seeds 0.500 to 0.950;");
	json_decref(section);
	facts = facts_of(&lesson);
	put(json_object_get(facts, "run/adding/lstm/32/0"), "reach", reach(0.5, 0));
	put(json_object_get(facts, "run/adding/lstm/32/0"), "solved", json_false());
	put(facts, "gates/adding/32/1", gates(0.5, 0.6)); /* of the seed that solved it */
	section = section_from(E, facts, NULL);
	assert_string_equal(told(section, "gates_reach", "verdict"), "holds");
	assert_string_equal(told(section, "forget", "verdict"), "fails");
	assert_in(cell_of(section, 1, "lstm", 0), "32 (1 of 2 seeds; T = 64: 0 of 2 seeds within 1 million tokens)");
	json_decref(section);
}

/* A length at which time was up is shown, and does not count. */
static void a_length_counts_with_all_of_its_seeds(void **unused)
{
	json_t *facts = facts_of(&lesson), *section;

	(void)unused;
	forget_run(facts, 0, ATTENTION, 64, 1);
	forget_run(facts, 1, GRU, 64, 1);
	forget_run(facts, 2, ATTENTION, 32, 0);
	forget_run(facts, 2, ATTENTION, 64, 0);
	forget_run(facts, 2, ATTENTION, 64, 1);
	forget_run(facts, 2, RNN, 16, 1);
	section = section_from(E, facts, NULL);
	assert_string_equal(text_of(section, "solved_attention"), "32");
	assert_in(cell_of(section, 1, "attention", 0),
	          "32 (2 of 2 seeds; T = 64: time was up after 1 of 2 seeds, solved by 1)");
	assert_in(cell_of(section, 1, "attention", 2), "16 (2 of 2 seeds; T = 32: time was up after 1 of 2");
	assert_in(cell_of(section, 1, "rnn", 2), "T = 16: time was up after 1 of 2 seeds, solved by 0");
	assert_string_equal(told(section, "solved", "condition"), "only on adding, copy");
	assert_string_equal(told(section, "gates_reach", "condition"), "only on adding, copy");
	json_decref(section);
}

/* What is asked of 20 steps is answered from what was measured there, not from the line. */
static void shares_are_those_measured(void **unused)
{
	json_t *facts = facts_of(&lesson), *bins, *section;

	(void)unused;
	bins = json_object_get(json_object_get(facts, "start/rnn"), "bins");
	/* middles are 1, 2.5, 5.5, 11.5, 23.5: at 21 this is between 0.8 at 11.5 and 0.7 at 23.5 */
	for (size_t i = 1; i < json_array_size(bins); i++)
		json_array_set_new(json_array_get(bins, i), 3, json_real(i < 4 ? 1 : i == 4 ? 0.8 : 0.7));
	section = section_from(E, facts, NULL);
	assert_int_equal(answer_of(section, 0), 0);
	assert_in(json_string_value(json_object_get(json_array_get(json_object_get(section, "questions"), 0), "because")),
	          "share of 0.72 was"); /* 0.8 * (7/8)^(9.5/12) = 0.7197 */
	assert_in(cell_of(section, 0, "rnn", 0), "0.600 (distances 1 to 63, off by");
	assert_null(strstr(cell_of(section, 0, "rnn", 0), "off by 1.0 times")); /* the line is far from it */
	json_decref(section);
	facts = facts_of(&lesson); /* less than float32 holds */
	bins = json_object_get(json_object_get(facts, "start/rnn"), "bins");
	for (size_t i = 4; i < json_array_size(bins); i++)
		json_array_set_new(json_array_get(bins, i), 3, json_real(0));
	section = section_from(E, facts, NULL);
	assert_int_equal(answer_of(section, 0), 2);
	assert_questions(section, 5); /* it is asked */
	json_decref(section);
}

/* null is what is no number; nothing can be said in its favour. */
static void no_number_is_a_cheat(void **unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		json_t *facts = facts_of(&lesson), *section;
		put(json_object_get(facts, i ? "ahead/gru" : "start/gru"), i ? "gradient" : "ahead", json_null());
		section = section_from(E, facts, NULL);
		assert_string_equal(told(section, "fades", "verdict"), "fails");
		assert_in(told(section, "fades", "words"), "gru looks ahead");
		assert_in(told(section, "fades", "words"), "no number");
		json_decref(section);
	}
}

/* The text says how long it may take. */
static void the_time_it_may_take_is_said(void **unused)
{
	static const double said[] = { 25, 200, 25 * 60 };

	(void)unused;
	for (int size = UR_LAB_QUICK; size <= UR_LAB_FULL; size++)
		assert_true(ur_distance_seconds(&(ur_lab){ .size = (ur_lab_size)size }) == said[size]);
	assert_in(E->how[1], "1.2 times what it is meant to take (25 seconds quick, 200 by default, 25 minutes full)");
}

static void who_looks_ahead_counts_for_nothing(void **unused)
{
	static const char *const all[] = { "fades", "gates_reach", "attention_flat", "forget", "solved" };

	(void)unused;
	for (int late = 0; late < 2; late++) {
		world w = lesson;
		json_t *section;

		w.cheats = late ? NULL : "gru";
		w.cheats_late = late ? "gru" : NULL;
		section = section_from(E, facts_of(&w), NULL);
		for (int i = 0; i < 5; i++) {
			const json_t *f = finding_of(section, all[i]);
			assert_string_equal(json_string_value(json_object_get(f, "verdict")), "fails");
			assert_non_null(strstr(json_string_value(json_object_get(f, "words")), "gru looks ahead"));
		}
		/* none of its numbers gets into the summary */
		assert_int_equal(json_array_size(json_object_get(section, "figures")), 0);
		json_decref(section);
	}
}

static void solved_is_what_it_says(void **unused)
{
	(void)unused;
	assert_true(ur_distance_solved(0.9, NAN) && ur_distance_solved(0.1, 0.0164) && ur_distance_solved(0.95, 0.1));
	assert_false(ur_distance_solved(0.89, NAN) || ur_distance_solved(0.5, 0.0166) || ur_distance_solved(NAN, NAN));
}

/* -- what it measures -- */

static ur_model *lstm_of(const ur_ctx *c, int V)
{
	ur_spec spec;
	ur_err err = { 0 };
	ur_model *m;

	assert_int_equal(ur_distance_spec("lstm", 600, &spec, &err), UR_OK);
	assert_int_equal(ur_model_create(&spec, &(ur_words){ .V = V }, c->k, 1, &m, &err), UR_OK);
	ur_model_init(m, 1);
	return m;
}

static float *weights(ur_model *m, const char *name)
{
	for (int i = 0; i < m->params; i++)
		if (strstr(m->param[i].name, name))
			return m->weights + m->param[i].at;
	fail_msg("no %s", name);
	return NULL;
}

static void fill(ur_model *m, const char *name, int block, double value)
{
	const int H = m->stack.layer[0].dims.out;
	for (int u = 0; u < H; u++)
		weights(m, name)[block * H + u] = (float)value;
}

/* i and o are 1 and g is a constant, and the forget gate hears what is read and what was said: a recurrence of one
 * number, worked out here. */
static void gates_are_those_of_the_cell(void **unused)
{
	enum { STEPS = 500, SEQUENCES = 8 };
	const double g = 0.01, heard = 0.8, said = 1.5, bias = 0.3;
	double logs = 0, some = 0, mean = 0;
	static int32_t ids[600], targets[600];
	ur_model *m;
	ur_task task;
	ur_err err = { 0 };
	json_t *fact;
	ur_ctx c;
	int H, V;

	(void)unused;
	assert_true(ur_ctx_open(&c, NULL, 1));
	assert_int_equal(ur_task_parse("task:parity,T=510", &task, &err), UR_OK);
	V = ur_vocab_size(task.vocab);
	m = lstm_of(&c, V);
	H = m->stack.layer[0].dims.out;
	memset(m->weights, 0, m->floats * sizeof *m->weights);
	for (int v = 0; v < V; v++)
		weights(m, "embedding")[v * H] = (float)(v * 0.5 - 0.6);
	for (int u = 0; u < H; u++) {
		weights(m, "weight_ih")[(H + u) * H] = (float)heard;
		weights(m, "weight_hh")[(H + u) * H + u] = (float)said;
	}
	fill(m, "bias_ih", 0, 40);
	fill(m, "bias_ih", 1, bias);
	fill(m, "bias_hh", 2, atanh(g));
	fill(m, "bias_ih", 3, 40);
	assert_int_equal(ur_distance_gates(m, task.text, &fact, &err), UR_OK);
	for (int b = 0; b < SEQUENCES; b++) {
		double cell = 0, h = 0;
		ur_task_draw(&task, 0, UR_TEST, b, 1, ids, targets);
		for (int t = 0; t < STEPS; t++) {
			const double f = 1 / (1 + exp(-(bias + heard * (ids[t] * 0.5 - 0.6) + said * h)));
			cell = f * cell + g;
			h = tanh(cell);
			mean += f / (STEPS * SEQUENCES);
			logs += log(f) / SEQUENCES;
			some += t < 100 ? log(f) / SEQUENCES : 0;
		}
	}
	assert_true(fabs(ur_fact_at(fact, "mean") - mean) < 1e-6);
	assert_true(fabs(ur_fact_at(fact, "kept_500") / exp(logs) - 1) < 1e-4);
	assert_true(fabs(ur_fact_at(fact, "kept_100") / exp(some) - 1) < 1e-4);
	assert_true(fabs(ur_fact_at(fact, "slowest_500") / exp(logs) - 1) < 1e-4);
	json_decref(fact);
	ur_model_free(m);
	ur_task_free(&task);
	ur_ctx_close(&c);
}

/* Planted: a forget gate that its bias holds open. The verdict has to change. */
static void a_stuck_gate_changes_the_verdict(void **unused)
{
	json_t *facts, *fact;
	ur_err err = { 0 };
	ur_task task;
	ur_model *m;
	ur_ctx c;

	(void)unused;
	assert_true(ur_ctx_open(&c, NULL, 1));
	assert_int_equal(ur_task_parse("task:adding,T=520", &task, &err), UR_OK);
	m = lstm_of(&c, ur_vocab_size(task.vocab));
	for (int stuck = 0; stuck < 2; stuck++) {
		if (stuck)
			fill(m, "bias_ih", 1, 40);
		assert_int_equal(ur_distance_gates(m, task.text, &fact, &err), UR_OK);
		facts = facts_of(&lesson);
		put(facts, "gates/adding/32/0", fact);
		assert_string_equal(verdict_on(E, facts, "forget"), stuck ? "fails" : "holds");
	}
	ur_model_free(m);
	ur_task_free(&task);
	ur_ctx_close(&c);
}

static void only_lstms_have_such_gates(void **unused)
{
	ur_err err = { 0 };
	json_t *fact;
	ur_spec spec;
	ur_model *m;
	ur_ctx c;

	(void)unused;
	assert_true(ur_ctx_open(&c, NULL, 1));
	assert_int_equal(ur_spec_parse("gru:1x8", &spec, &err), UR_OK);
	assert_int_equal(ur_model_create(&spec, &(ur_words){ .V = 4 }, c.k, 1, &m, &err), UR_OK);
	assert_int_equal(ur_distance_gates(m, "task:parity,T=510", &fact, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "no forget gates"));
	assert_null(fact);
	ur_model_free(m);
	ur_ctx_close(&c);
}

/* -- planted: a mixer that looks ahead -- */

static ur_mixer_forward honest;
static ur_mixer_backward honest_back;
static int cheats_forward, cheats_back;

static void forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved, float *work)
{
	honest.forward(c, d, w, s, saved, work);
	for (size_t i = 0; cheats_forward && i < (size_t)(s->T - 1) * (size_t)s->B * (size_t)d->out; i++)
		s->y[i] += 1e-3f * s->x[i + (size_t)s->B * (size_t)d->in];
}

static void backward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, const float *saved,
                     const float *dy, float *dx, float *const *dw, void *const *dstate, float *dmemory, float *work)
{
	honest_back.backward(c, d, w, s, saved, dy, dx, dw, dstate, dmemory, work);
	for (size_t i = 0; cheats_back && i < (size_t)(s->T - 1) * (size_t)s->B * (size_t)d->out; i++)
		dx[i + (size_t)s->B * (size_t)d->in] += 1e-3f * dy[i];
}

static int go_on(void *arg, const ur_lab_stage *s)
{
	int *left = arg;
	(void)s;
	return *left > 0 && --*left == 0;
}

/* All of the experiment, of a lab that has this one mixer. */
static ur_status run(ur_journal *journal, const ur_lab_mixer *mixer, int stop_after, json_t **document)
{
	ur_err err = { 0 };
	ur_ctx c;
	ur_lab lab = { .size = UR_LAB_QUICK, .seed = 2, .one = &c, .ctx = &c, .journal = journal, .mixer = mixer,
		.watch = go_on, .arg = &stop_after, .chosen = 1 };
	ur_status status;

	while (ur_experiments[lab.only[0]] != E)
		lab.only[0]++;
	assert_true(ur_ctx_open(&c, NULL, 1));
	status = ur_lab_run(&lab, document, &err);
	ur_ctx_close(&c);
	if (status && status != UR_E_STOPPED)
		fail_msg("%s", err.text);
	return status;
}

static const json_t *section_in(const json_t *document)
{
	return json_array_get(json_object_get(document, "experiments"), 0);
}

static void a_cheat_is_found_out(void **unused)
{
	ur_mixer_forward f;
	ur_mixer_backward b;
	ur_lab_mixer own[2] = { { 0 } };

	(void)unused;
	for (int kind = 0; kind < 4; kind++)
		for (int i = 0; i < 2; i++) {
			ur_ctx c;
			json_t *fact;
			ur_err err = { 0 };

			honest = *ur_mixer_forward_of(ur_mixer_find(i ? "attention" : "rnn"));
			honest_back = *ur_mixer_backward_of(ur_mixer_find(i ? "attention" : "rnn"));
			f = honest;
			b = honest_back;
			f.forward = forward;
			b.backward = backward;
			own[0] = (ur_lab_mixer){ i ? "attention" : "rnn", &f, &b };
			cheats_forward = kind & 1;
			cheats_back = kind >> 1;
			assert_true(ur_ctx_open(&c, NULL, 1));
			assert_int_equal(ur_distance_ahead(own, &c, &fact, &err), UR_OK);
			assert_int_equal(ur_fact_at(fact, "output") > 0, cheats_forward);
			assert_int_equal(ur_fact_at(fact, "gradient") > 0, cheats_back);
			json_decref(fact);
			ur_ctx_close(&c);
		}
}

/* From measuring to the verdict; stopped on the way, and gone on. */
static void the_experiment_runs_stops_and_goes_on(void **unused)
{
	ur_lab_mixer own[2] = { { "rnn", ur_mixer_forward_of(ur_mixer_find("rnn")),
		ur_mixer_backward_of(ur_mixer_find("rnn")) }, { 0 } };
	json_t *document, *kept, *start;
	ur_journal *journal;
	ur_mixer_forward f;

	(void)unused;
	assert_int_equal(ur_journal_open(&journal, NULL), UR_OK);
	assert_int_equal(run(journal, own, 3, &document), UR_E_STOPPED); /* in the first run */
	json_decref(document);
	assert_int_equal(journal->get(journal->arg, "distance/start/rnn", &start, NULL), UR_OK);
	assert_non_null(start);
	assert_int_equal(journal->get(journal->arg, "distance/run/adding/rnn/16/0", &kept, NULL), UR_OK);
	assert_null(kept);
	/* what is kept is not measured again */
	json_object_set_new(start, "decay", json_real(0.123));
	assert_int_equal(journal->put(journal->arg, "distance/start/rnn", start, NULL), UR_OK);
	json_decref(start);
	assert_int_equal(run(journal, own, 0, &document), UR_OK);
	assert_string_equal(json_string_value(json_object_get(section_in(document), "state")), "done");
	assert_string_equal(text_of(section_in(document), "decay_start_rnn"), "0.123");
	assert_string_equal(told(section_in(document), "fades", "verdict"), "holds");
	json_decref(document);
	assert_int_equal(journal->get(journal->arg, "distance/run/adding/rnn/16/0", &kept, NULL), UR_OK);
	assert_true(ur_fact_at(kept, "tokens") > 0 && ur_fact_at(kept, "reach.decay") > 0);
	ur_journal_close(journal);

	/* another lab, whose mixer cheats, finds that; what it trains is the honest one, to the same bits */
	honest = *own[0].forward;
	f = honest;
	f.forward = forward;
	cheats_forward = 1;
	own[0].forward = &f;
	assert_int_equal(ur_journal_open(&journal, NULL), UR_OK);
	assert_int_equal(run(journal, own, 0, &document), UR_OK);
	assert_string_equal(told(section_in(document), "fades", "verdict"), "fails");
	assert_non_null(strstr(told(section_in(document), "fades", "words"),
	                       "rnn looks ahead"));
	assert_int_equal(journal->get(journal->arg, "distance/run/adding/rnn/16/0", &start, NULL), UR_OK);
	assert_true(json_equal(start, kept));
	json_decref(start);
	json_decref(kept);
	json_decref(document);
	ur_journal_close(journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lesson_holds_where_it_is_true),
		cmocka_unit_test(false_claims_are_found_false),
		cmocka_unit_test(conditions_name_their_tasks),
		cmocka_unit_test(half_of_the_seeds_solve_it),
		cmocka_unit_test(models_that_learnt_nothing_do_not_count),
		cmocka_unit_test(seeds_have_to_agree),
		cmocka_unit_test(a_length_counts_with_all_of_its_seeds),
		cmocka_unit_test(shares_are_those_measured),
		cmocka_unit_test(no_number_is_a_cheat),
		cmocka_unit_test(the_time_it_may_take_is_said),
		cmocka_unit_test(who_looks_ahead_counts_for_nothing),
		cmocka_unit_test(solved_is_what_it_says),
		cmocka_unit_test(gates_are_those_of_the_cell),
		cmocka_unit_test(a_stuck_gate_changes_the_verdict),
		cmocka_unit_test(only_lstms_have_such_gates),
		cmocka_unit_test(a_cheat_is_found_out),
		cmocka_unit_test(the_experiment_runs_stops_and_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
