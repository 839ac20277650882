/* The experiment "streaming": its rules on made-up measurements, and on layers that cheat, measured: a recurrence that
 * goes through all its steps again at each, one that keeps them, and a window that forgets nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lab/streaming_parts.h"
#include "lab_sections.h"

#include <math.h>

/* -- worlds that were made up -- */

/* How much longer a recurrence's step is at the end, and its state; the exponents of attention's processor time and of
 * its state, and of its time by the clock; the same of one with a window, from there on; half an interval; whether there
 * were enough steps. */
typedef struct world {
	double risen;
	int state_risen;
	double given, state, clock;
	double window_risen;
	int window_state_risen;
	double half;
	int sure;
} world;

/* The lesson's. */
static const world lesson = { 1, 0, 1, 1, 0.9, 1, 0, 0.02, 1 };
static const int place[] = { 1, 16, 128, 1024, 2048, 4096, 8192, 16384 };
enum { N = sizeof place / sizeof *place, LAST = N - 1 };

static json_t *point(const world *w, double clock, double thread, double state)
{
	const double low = 1 - w->half, high = 1 + w->half;

	return json_pack("{s:i,s:b,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "n", 300, "sure", w->sure, "p50", clock,
	                 "p50_low", clock * low, "p50_high", clock * high, "p99", 2 * clock, "p99_low", 2 * clock, "p99_high",
	                 3 * clock, "thread", thread, "thread_low", thread * low, "thread_high", thread * high, "state",
	                 state);
}

static json_t *facts_of(const world *w)
{
	json_t *position = json_array(), *lstm = json_array(), *gru = json_array(), *whole = json_array();
	json_t *window = json_array();

	for (int i = 0; i < N; i++) {
		const double p = place[i], end = i == LAST;
		const double seen = p < 512 ? p : 512;

		json_array_append_new(position, json_integer(place[i]));
		json_array_append_new(gru, point(w, 2e-6, 2e-6, 256));
		json_array_append_new(lstm, point(w, end ? 3e-6 * w->risen : 3e-6, 3e-6, end ? 512 + w->state_risen : 512));
		json_array_append_new(whole, point(w, 1e-6 * pow(p, w->clock), 1e-6 * pow(p, w->given), 512 * pow(p, w->state)));
		json_array_append_new(window, point(w, 1e-6 * seen * (end ? w->window_risen : 1), 1e-6 * seen,
		                                    512 * seen + (end ? w->window_state_risen : 0)));
	}
	return json_pack("{s:{s:i,s:i,s:f},s:{s:i,s:i,s:o,s:{s:{s:b,s:i,s:o},s:{s:b,s:i,s:o},s:{s:b,s:i,s:o},"
		"s:{s:b,s:i,s:o}}}}", "predicted", "width", 64, "last", 16384, "bandwidth", 1e10, "steps", "width", 64, "window",
		512, "position", position, "of", "gru", "grows", 0, "window", 0, "at", gru, "lstm", "grows", 0, "window", 0,
		"at", lstm, "attention", "grows", 1, "window", 0, "at", whole, "attention, window 512", "grows", 1, "window",
		512, "at", window);
}

static void expect(const char *finding, const char *verdict, world w)
{
	const char *got = verdict_on(&ur_experiment_streaming, facts_of(&w), finding);

	if (strcmp(got, verdict))
		fail_msg("%s: %s, should be %s", finding, got, verdict);
}

#define WITH(...) ({ world w_ = lesson; __VA_ARGS__; w_; })

static void test_rules(void **state)
{
	(void)state;
	expect("constant", "holds", lesson);
	expect("grows", "holds", lesson);
	expect("window", "holds", lesson);
	expect("constant", "fails", WITH(w_.risen = 1.4));
	expect("constant", "holds", WITH(w_.risen = 0.7));
	expect("constant", "fails", WITH(w_.state_risen = 1));
	expect("grows", "fails", WITH(w_.clock = 0));       /* no dearer by the clock */
	expect("grows", "fails", WITH(w_.given = 0.2));
	expect("grows", "fails", WITH(w_.given = 2));
	expect("grows", "fails", WITH(w_.state = 0));
	expect("grows", "fails", WITH(w_.state = 2));
	expect("window", "fails", WITH(w_.window_risen = 1.4));
	expect("window", "fails", WITH(w_.window_state_risen = 64));
	/* what one breaks is not blamed on the others */
	expect("grows", "holds", WITH(w_.risen = 9; w_.window_risen = 9));
	expect("window", "holds", WITH(w_.risen = 9; w_.state = 2));
	expect("constant", "holds", WITH(w_.clock = 2; w_.window_risen = 9));
}

/* Intervals that reach over a limit, and too few steps, decide nothing by themselves. */
static void test_unsure(void **state)
{
	(void)state;
	expect("constant", "condition", WITH(w_.half = 0.2));           /* 1, up to 1.5 */
	expect("constant", "missing", WITH(w_.risen = 1.3; w_.half = 0.1));
	expect("constant", "missing", WITH(w_.sure = 0));
	expect("constant", "missing", WITH(w_.risen = 1.4; w_.sure = 0));
	expect("constant", "fails", WITH(w_.state_risen = 1; w_.sure = 0)); /* bytes are counted */
	expect("grows", "condition", WITH(w_.given = 1.3; w_.half = 0.5));
	expect("grows", "missing", WITH(w_.given = 1.5; w_.half = 0.5));
	expect("grows", "condition", WITH(w_.sure = 0));
	expect("window", "condition", WITH(w_.half = 0.2));
	expect("window", "missing", WITH(w_.window_risen = 1.3; w_.half = 0.1));
}

static double figure(const json_t *section, const char *name)
{
	const json_t *f = ur_figure_find(section, name);

	if (!f)
		fail_msg("there is no figure %s", name);
	return json_number_value(json_object_get(f, "value"));
}

static json_int_t answer(const json_t *section, size_t question)
{
	const json_t *all = json_object_get(section, "questions");
	return json_integer_value(json_object_get(json_array_get(all, question), "answer"));
}

static void test_shown(void **state)
{
	const world steep = WITH(w_.risen = 3; w_.clock = 0.2; w_.state = 0.5; w_.window_risen = 20);
	json_t *s = section_from(&ur_experiment_streaming, facts_of(&lesson), NULL), *line, *rows;
	size_t i;

	(void)state;
	assert_questions(s, 4);
	assert_true(fabs(figure(s, "recurrence_step") - 3e-6) < 1e-12 && figure(s, "recurrence_state") == 512);
	assert_true(fabs(figure(s, "attention_step") - 1e-6 * pow(16384, 0.9)) < 1e-9);
	assert_true(figure(s, "attention_state") == 512.0 * 16384 && figure(s, "window_state") == 512.0 * 512);
	assert_true(fabs(figure(s, "attention_exponent") - 1) < 1e-6 && fabs(figure(s, "recurrence_exponent")) < 1e-6);
	assert_int_equal(answer(s, 0), 0);
	assert_int_equal(answer(s, 1), 3);
	assert_int_equal(answer(s, 2), 0);
	assert_int_equal(answer(s, 3), 3);
	/* every layer, at every position, in every chart */
	assert_int_equal(json_array_size(json_object_get(s, "charts")), 3);
	json_array_foreach(json_object_get(json_array_get(json_object_get(s, "charts"), 1), "lines"), i, line)
		assert_int_equal(json_array_size(json_object_get(line, "points")), N);
	assert_int_equal(i, 4);
	rows = json_object_get(json_array_get(json_object_get(s, "tables"), 1), "rows");
	assert_int_equal(json_array_size(rows), N);
	line = json_array_get(json_object_get(json_array_get(rows, 3), "cells"), 2);
	assert_string_equal(json_string_value(json_object_get(line, "text")), "512 \u00b5s, 1.02 ms, 524 kB");
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(s, "grows"), "prediction")), "839 \u00b5s"));
	json_decref(s);
	s = section_from(&ur_experiment_streaming, facts_of(&steep), NULL);
	assert_int_equal(answer(s, 0), 1);
	assert_int_equal(answer(s, 1), 1);
	assert_int_equal(answer(s, 2), 2);
	assert_int_equal(answer(s, 3), 1);
	json_decref(s);
}

/* -- layers that cheat, measured -- */

static ur_ctx ctx;

/* What is measured of these two, with positions and a window that are near: its section, a new reference. */
static json_t *measured(const ur_mixer_forward *recurrence, const ur_mixer_forward *attention)
{
	const ur_lab_mixer mixer[] = { { "lstm", recurrence, NULL }, { "attention", attention, NULL }, { 0 } };
	const ur_streaming_plan plan = { 16, 32, { 1, 64, 1024 }, 0 };
	ur_experiment e = ur_experiment_streaming;
	ur_lab lab = { .seed = 1, .one = &ctx, .ctx = &ctx, .mixer = mixer, .now = &e, .total = 1 };
	json_t *steps;
	ur_err why = { 0 };

	if (ur_streaming_steps(&lab, &plan, &steps, &why))
		fail_msg("%s", why.text);
	assert_int_equal(json_object_size(json_object_get(steps, "of")), 3);
	return section_from(&ur_experiment_streaming, json_pack("{s:o}", "steps", steps), NULL);
}

static void expect_fails(const ur_mixer_forward *recurrence, const ur_mixer_forward *attention, const char *finding)
{
	json_t *s = measured(recurrence, attention);

	assert_string_equal(json_string_value(json_object_get(finding_of(s, finding), "verdict")), "fails");
	json_decref(s);
}

/* An LSTM whose state begins with the number of its steps, and which goes through as many again at each. */
static const size_t COUNT = 64;
static int slow, fat;
static int64_t furthest;

static size_t counted_size(const ur_dims *d) { return COUNT + ur_mixer_lstm.state_size(d); }

static size_t counted_used(const ur_dims *d, const void *state)
{
	return counted_size(d) + (fat ? (size_t)*(const int64_t *)state : 0);
}

static void counted_step(const ur_turn *t)
{
	int64_t *steps = t->state[0];
	void *inner[] = { (char *)t->state[0] + COUNT };
	ur_turn turn = *t;

	turn.state = inner;
	for (int64_t i = slow ? *steps / 8 : 0; i >= 0; i--)
		ur_mixer_lstm.step(&turn);
	++*steps;
	furthest = *steps > furthest ? *steps : furthest;
}

static ur_need counted_need(const ur_ctx *c, const ur_dims *d, const ur_span *s)
{
	return ur_mixer_forward_lstm.need(c, d, s);
}

static void counted_forward(const ur_ctx *c, const ur_dims *d, const ur_mat *w, const ur_span *s, float *saved,
                            float *work)
{
	void *inner[] = { (char *)s->state[0] + COUNT };
	ur_span span = *s;

	span.state = inner;
	ur_mixer_forward_lstm.forward(c, d, w, &span, saved, work);
	*(int64_t *)s->state[0] += s->T;
}

/* Attention whose window is one it does not keep to. */
static size_t endless_used(const ur_dims *d, const void *state)
{
	(void)d;
	return 64 + 128 * (size_t)*(const int64_t *)state;
}

static void test_planted(void **state)
{
	ur_mixer counted = ur_mixer_lstm, endless = ur_mixer_attention;
	ur_mixer_forward lstm = ur_mixer_forward_lstm, attention = ur_mixer_forward_attention;
	json_t *s;

	(void)state;
	/* the honest ones: times this short are not asked of a busy machine, but bytes are counted */
	s = measured(&lstm, &attention);
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(s, "constant"), "words")), "state throughout"));
	assert_non_null(strstr(json_string_value(json_object_get(finding_of(s, "window"), "words")), "state throughout"));
	assert_true(figure(s, "recurrence_state") == 2 * 16 * sizeof(float));
	assert_true(figure(s, "attention_state") == 64 + 1024 * 2 * 16 * sizeof(float));
	assert_true(figure(s, "window_state") == 64 + 32 * 2 * 16 * sizeof(float));
	json_decref(s);
	counted.state_size = counted_size;
	counted.state_used = counted_used;
	counted.step = counted_step;
	lstm.mixer = &counted;
	lstm.need = counted_need;
	lstm.forward = counted_forward;
	slow = 1; /* 129 times as long at 1,024 */
	expect_fails(&lstm, &attention, "constant");
	/* each turn began where the stream had been brought */
	assert_true(furthest > 1024 && furthest <= 1024 + 16);
	slow = 0;
	fat = 1;
	expect_fails(&lstm, &attention, "constant");
	endless.state_used = endless_used;
	attention.mixer = &endless;
	expect_fails(&ur_mixer_forward_lstm, &attention, "window");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_planted),
	};
	int failed;

	if (!ur_ctx_open(&ctx, NULL, 1))
		return 1;
	failed = cmocka_run_group_tests_name("one token at a time", tests, NULL, NULL);
	ur_ctx_close(&ctx);
	return failed;
}
