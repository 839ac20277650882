/* The lab itself: its order of work and its document, timing in turns, the bottleneck's rules on what was made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/machine.h"
#include "lab/rigs.h"
#include "lab_sections.h"

#include <math.h>

/* -- a world that was made up: errors by length, with and without attention -- */

typedef struct world { const char *kind; double without, with; int agree, widths; double half[3]; } world;

static json_t *bins(double first, double last)
{
	return json_pack("[{s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:f},{s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:f}]",
		"from", 1, "to", 3, "errors", first, "errors_low", first * 0.9, "errors_high", first * 1.1, "exact", 1 - first,
		"exact_low", 0.9, "exact_high", 1.0,
		"from", 28, "to", 30, "errors", last, "errors_low", last * 0.9, "errors_high", last * 1.1, "exact", 0.0,
		"exact_low", 0.0, "exact_high", 0.1);
}

static json_t *model(const char *name, double first, double last, int remembered)
{
	return json_pack("{s:s,s:s,s:i,s:i,s:b,s:i,s:i,s:i,s:[{s:i,s:f,s:f}],s:o}", "name", name, "spec", name,
		"parameters", 60000, "width", 32, "attends", remembered > 0, "remembered", remembered, "state", 512,
		"source_tokens", 16, "runs", "seed", 1, "short", first, "long", last, "lengths", bins(first, last));
}

/* Half of the sources are right at `half` letters: bins around it. */
static json_t *holding(int width, double half)
{
	json_t *c = model("lstm", 0.1, 0.9, 0), *all = json_array();
	const int at = isinf(half) ? 60 : (int)half;

	json_object_set_new(c, "width", json_integer(width));
	for (int n = 1; n <= 40 && !isnan(half); n++)
		json_array_append_new(all, json_pack("{s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:f}", "from", n, "to", n, "exact",
			n <= at ? 1.0 : 0.0, "exact_low", 0.0, "exact_high", 1.0, "errors", 0.0, "errors_low", 0.0,
			"errors_high", 0.0));
	json_object_set_new(c, "lengths", all);
	return c;
}

static json_t *facts_of(const world *w)
{
	json_t *facts = json_pack("{s:{s:s,s:i,s:i,s:i,s:i,s:[o,o]},s:{s:[]}}", "quality", "kind", w->kind, "without", 0,
		"with", 1, "agree", w->agree, "seeds", 3, "contenders", model("lstm", 0.02, w->without, 0),
		model("lstm-luong", 0.01, w->with, 1600), "fit", "contenders");

	for (int i = 0; i < w->widths; i++)
		json_array_append_new(json_object_get(json_object_get(facts, "fit"), "contenders"),
		                      holding(16 << i, w->half[i]));
	return facts;
}

static void assert_figure(const json_t *section, const char *name, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(ur_figure_find(section, name), "text")), text);
}

static void assert_verdict(const char *finding, world w, const char *verdict)
{
	assert_string_equal(verdict_on(&ur_experiment_bottleneck, facts_of(&w), finding), verdict);
}

static void test_bottleneck_rules(void **state)
{
	const ur_experiment *e = &ur_experiment_bottleneck;
	world lesson = { "shows", 0.6, 0.05, 3, 3, { 4, 8, 15 } };
	json_t *section;

	(void)state;
	assert_string_equal(verdict_on(e, facts_of(&lesson), "length"), "holds");
	assert_string_equal(verdict_on(e, facts_of(&lesson), "capacity"), "holds");
	section = section_from(e, facts_of(&lesson), NULL);
	assert_questions(section, 3);
	assert_figure(section, "errors_without", "60.0 %");
	assert_figure(section, "kept_with", "100 bytes");
	/* between lengths 4, all right, and 5, none */
	assert_true(fabs(json_number_value(json_object_get(ur_figure_find(section, "half_16"), "value")) - 4.5) < 1e-9);
	json_decref(section);

	/* worlds in which the claim is not true */
	assert_verdict("length", (world){ "none", 0.05, 0.05, 1, 0, { 0 } }, "fails");
	assert_verdict("length", (world){ "unsure", 0.6, 0.3, 2, 0, { 0 } }, "condition");
	assert_verdict("length", (world){ "everywhere", 0.6, 0.3, 3, 0, { 0 } }, "condition");
	assert_verdict("length", (world){ "unknown", 0.6, 0.3, 3, 0, { 0 } }, "missing");
	{
		json_t *one = facts_of(&lesson);
		json_object_set_new(json_object_get(one, "quality"), "seeds", json_integer(1));
		assert_string_equal(verdict_on(e, one, "length"), "condition");
	}
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 3, { 8, 12, 7 } }, "fails");
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 3, { 8, 8, 12 } }, "condition");
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 2, { 8, 12 } }, "condition");
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 3, { 8, 16, INFINITY } }, "condition");
	/* runs that diverged hold nothing, and not everything */
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 3, { NAN, NAN, NAN } }, "missing");
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 3, { 8, NAN, NAN } }, "missing");
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 3, { INFINITY, INFINITY, INFINITY } }, "missing");
	assert_verdict("capacity", (world){ "shows", 1, 0, 3, 1, { 8 } }, "missing");

	/* answers follow what was measured, not the lesson */
	section = section_from(e, facts_of(&(world){ "none", 0.05, 0.6, 0, 0, { 0 } }), NULL);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(section, "questions"), 0),
	                                                    "answer")), 0);
	json_decref(section);
}

/* -- before anything is measured, every experiment says what it claims and how that is decided -- */

static void test_stated_first(void **state)
{
	(void)state;
	for (int i = 0; ur_experiments[i]; i++) {
		json_t *section = section_from(ur_experiments[i], json_object(), NULL), *f;
		size_t k;

		assert_ptr_equal(ur_experiment_find(ur_experiments[i]->name), ur_experiments[i]);
		assert_true(json_array_size(json_object_get(section, "findings")) > 0);
		json_array_foreach(json_object_get(section, "findings"), k, f) {
			assert_string_equal(json_string_value(json_object_get(f, "verdict")), "missing");
			assert_true(json_is_string(json_object_get(f, "claim")) && json_is_string(json_object_get(f, "rule")));
		}
		assert_int_equal(json_array_size(json_object_get(section, "figures")), 0);
		assert_non_null(ur_experiments[i]->lesson[0]);
		assert_non_null(ur_experiments[i]->how[0]);
		json_decref(section);
	}
	assert_null(ur_experiment_find("bottlenecks"));
}

/* -- the order of work -- */

struct watching { int calls, stop_at; double share; };

static int watch(void *arg, const ur_lab_stage *s)
{
	struct watching *w = arg;

	assert_true(s->share >= w->share && s->share <= 1 && s->eta >= 0);
	w->share = s->share;
	return ++w->calls == w->stop_at;
}

enum { NOT_GIVEN = 0, GIVEN = 7 }; /* --threads */

static ur_status run_as(ur_journal *journal, struct watching *w, int threads, json_t **document)
{
	ur_err err = { 0 };
	ur_ctx ctx;
	ur_lab lab = { .seed = 3, .one = &ctx, .ctx = &ctx, .journal = journal, .watch = watch, .arg = w, .chosen = 1,
	               .threads = threads };
	ur_status status;

	while (ur_experiments[lab.only[0]] != &ur_experiment_bottleneck)
		lab.only[0]++;
	assert_true(ur_ctx_open(&ctx, NULL, 1));
	status = ur_lab_run(&lab, document, &err);
	ur_ctx_close(&ctx);
	if (status && status != UR_E_STOPPED)
		fail_msg("%s", err.text);
	return status;
}

static ur_status run(ur_journal *journal, struct watching *w, json_t **document)
{
	return run_as(journal, w, NOT_GIVEN, document);
}

static void test_stops_and_goes_on(void **state)
{
	struct watching w = { .stop_at = 1 };
	json_t *document, *again, *facts = facts_of(&(world){ "shows", 0.6, 0.05, 3, 3, { 4, 8, 15 } }), *fact, *section;
	ur_journal *journal;
	const char *name;

	(void)state;
	assert_int_equal(ur_journal_open(&journal, NULL), UR_OK);
	assert_int_equal(run(journal, &w, &document), UR_E_STOPPED);
	assert_string_equal(json_string_value(json_object_get(document, "state")), "running");
	section = json_array_get(json_object_get(document, "experiments"), 0);
	assert_string_equal(json_string_value(json_object_get(section, "state")), "running");
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "length"), "verdict")), "missing");
	json_decref(document);

	/* what is known is not measured again: the two facts are all there is to know */
	json_object_foreach(facts, name, fact) {
		char full[64];
		(void)snprintf(full, sizeof full, "bottleneck/%s", name);
		assert_int_equal(journal->put(journal->arg, full, fact, NULL), UR_OK);
	}
	json_decref(facts);
	w = (struct watching){ 0 };
	assert_int_equal(run(journal, &w, &document), UR_OK);
	assert_string_equal(json_string_value(json_object_get(document, "state")), "done");
	section = json_array_get(json_object_get(document, "experiments"), 0);
	assert_string_equal(json_string_value(json_object_get(section, "state")), "done");
	assert_string_equal(json_string_value(json_object_get(finding_of(section, "length"), "verdict")), "holds");
	assert_int_equal(journal->get(journal->arg, "document", &again, NULL), UR_OK);
	assert_true(json_equal(again, document));
	json_decref(again);
	json_decref(document);
	ur_journal_close(journal);
}

/* A journal that looks at every document that is put. */
struct looking { ur_journal *under; int documents, without; };

static ur_status look_get(void *arg, const char *name, json_t **fact, ur_err *err)
{
	const struct looking *l = arg;
	return l->under->get(l->under->arg, name, fact, err);
}

static ur_status look_put(void *arg, const char *name, const json_t *fact, ur_err *err)
{
	struct looking *l = arg;

	if (!strcmp(name, "document")) {
		const json_t *section = json_array_get(json_object_get(fact, "experiments"), 0);
		l->documents++;
		l->without += !strcmp(json_string_value(json_object_get(finding_of(section, "length"), "verdict")), "missing");
	}
	return l->under->put(l->under->arg, name, fact, err);
}

/* A lab that goes on does not take back what it had said, not for a moment. */
static void test_keeps_what_was_found(void **state)
{
	json_t *document, *facts = facts_of(&(world){ "shows", 0.6, 0.05, 3, 3, { 4, 8, 15 } }), *fact;
	json_t *names = json_array();
	struct looking look = { 0 };
	ur_journal over = { .arg = &look, .get = look_get, .put = look_put };
	struct watching w = { .stop_at = 1 };
	const char *name;

	(void)state;
	assert_int_equal(ur_journal_open(&look.under, NULL), UR_OK);
	json_object_foreach(facts, name, fact) {
		char full[64];
		(void)snprintf(full, sizeof full, "bottleneck/%s", name);
		assert_int_equal(look.under->put(look.under->arg, full, fact, NULL), UR_OK);
		json_array_append_new(names, json_string(name));
	}
	assert_int_equal(look.under->put(look.under->arg, "bottleneck/facts", names, NULL), UR_OK);
	json_decref(names);
	json_decref(facts);
	(void)run(&over, &w, &document);
	assert_true(look.documents > 0);
	assert_int_equal(look.without, 0);
	json_decref(document);
	/* and what it keeps it lists */
	assert_int_equal(look.under->get(look.under->arg, "bottleneck/facts", &names, NULL), UR_OK);
	assert_int_equal(json_array_size(names), 3);
	assert_string_equal(json_string_value(json_array_get(names, 2)), "seconds");
	json_decref(names);
	ur_journal_close(look.under);
}

/* The command that repeats a section has the threads that were asked for, and none that were not. */
static void test_command(void **state)
{
	static const int threads[] = { NOT_GIVEN, GIVEN };
	static const char *const commands[] = { "unroll lab bottleneck --quick --seed 3",
	                                        "unroll lab bottleneck --quick --seed 3 --threads 7" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct watching w = { .stop_at = 1 };
		json_t *document;
		ur_journal *journal;

		assert_int_equal(ur_journal_open(&journal, NULL), UR_OK);
		assert_int_equal(run_as(journal, &w, threads[i], &document), UR_E_STOPPED);
		assert_string_equal(json_string_value(json_object_get(
			json_array_get(json_object_get(document, "experiments"), 0), "command")), commands[i]);
		json_decref(document);
		ur_journal_close(journal);
	}
}

/* -- the closing table -- */

static void test_summary(void **state)
{
	json_t *sections = json_array(), *summary, *cells, *cell;
	ur_section s = { .json = json_pack("{s:s}", "name", "bottleneck") };
	size_t i, k, known = 0;
	json_t *row;

	(void)state;
	ur_section_figure(&s, "errors_without", 0.5, UR_MEASURED, "half");
	json_array_append_new(sections, s.json);
	summary = ur_lab_summary(sections);
	assert_int_equal(json_array_size(json_object_get(summary, "columns")), 4);
	json_array_foreach(json_object_get(summary, "rows"), i, row) {
		cells = json_object_get(row, "cells");
		assert_int_equal(json_array_size(cells), 3);
		json_array_foreach(cells, k, cell) {
			const char *text = json_string_value(json_object_get(cell, "text"));
			if (strcmp(text, "half"))
				continue;
			known++;
			assert_string_equal(json_string_value(json_object_get(cell, "experiment")), "bottleneck");
			assert_string_equal(json_string_value(json_object_get(cell, "origin")), "measured");
		}
	}
	assert_int_equal(known, 1);
	json_decref(summary);
	json_decref(sections);
}

/* Every cell's experiment is one there is. */
static void test_summary_leads_somewhere(void **state)
{
	json_t *summary = ur_lab_summary(NULL), *row, *cell;
	size_t i, k;

	(void)state;
	json_array_foreach(json_object_get(summary, "rows"), i, row)
		json_array_foreach(json_object_get(row, "cells"), k, cell)
			assert_non_null(ur_experiment_find(json_string_value(json_object_get(cell, "experiment"))));
	json_decref(summary);
}

/* -- timing -- */

struct nap { int runs; double seconds; };

static void sleep_once(void *arg)
{
	struct nap *n = arg;
	const double until = ur_clock() + n->seconds;

	n->runs++;
	while (ur_clock() < until)
		;
}

static int after_five(void *arg) { return ++*(int *)arg > 5; }

static void test_turns(void **state)
{
	struct nap nap[2] = { { 0, 0.002 }, { 0, 0.004 } };
	ur_timed things[] = { { sleep_once, &nap[0] }, { sleep_once, &nap[1] } };
	ur_times times[2];
	int calls = 0;

	(void)state;
	ur_lab_time(2, things, 10, times, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(times[i].n, UR_LAB_REPEATS);
		assert_true(times[i].sure && times[i].low <= times[i].median && times[i].median <= times[i].high);
		assert_true(times[i].thread_low <= times[i].thread && times[i].thread <= times[i].thread_high);
		/* processor time cannot be more than time, but for the clocks' grain */
		assert_true(times[i].thread > 0 && times[i].thread <= times[i].high + 1e-4);
		assert_true(times[i].low >= nap[i].seconds && times[i].cpu > 0 && times[i].cpu < 1.5);
	}
	assert_true(times[1].low >= 2 * nap[0].seconds);
	/* no time: each once, and that counts */
	nap[0].runs = nap[1].runs = 0;
	ur_lab_time(2, things, 0, times, NULL, NULL);
	assert_int_equal(times[0].n, 1);
	assert_false(times[0].sure);
	assert_int_equal(nap[0].runs, 1);
	assert_int_equal(nap[1].runs, 1);
	/* stopped */
	ur_lab_time(2, things, 10, times, after_five, &calls);
	assert_true(times[0].n < UR_LAB_REPEATS);
	/* what is too short for the clock is run more often, and told for one */
	nap[0] = (struct nap){ 0, 0 };
	ur_lab_time(1, things, 10, times, NULL, NULL);
	assert_true(nap[0].runs > 10 * UR_LAB_REPEATS && times[0].median < 1e-5);
}

/* Layers: the search for how many calls a turn takes is within the time, and asks whether to stop. */
static void test_layers(void **state)
{
	static const ur_lab_mixer mixer[] = { { "lstm", &ur_mixer_forward_lstm, &ur_mixer_backward_lstm }, { 0 } };
	struct watching w = { .stop_at = 2 };
	ur_rig_spec spec[3];
	const ur_ctx *on[3];
	ur_times times[3];
	ur_ctx ctx;
	ur_lab lab = { .one = &ctx, .ctx = &ctx, .mixer = mixer, .watch = watch, .arg = &w,
	               .now = &ur_experiment_bottleneck, .total = 1e6 };

	(void)state;
	assert_int_equal(ur_lab_mixer_count(&lab), 1);
	assert_true(ur_ctx_open(&ctx, NULL, 1));
	lab.began = ur_clock();
	for (int i = 0; i < 3; i++) {
		spec[i] = ur_lab_layer(&mixer[0], 16, 1, 1, UR_PASS_FORWARD);
		on[i] = &ctx;
	}
	/* stopped before the second layer, which cannot be opened */
	spec[1].dims.out++;
	assert_int_equal(ur_lab_time_layers(&lab, 3, spec, on, 1, times, NULL), UR_E_STOPPED);
	assert_int_equal(w.calls, 2);
	spec[1].dims.out--;
	/* no time: what the search took is all there is */
	w = (struct watching){ .share = w.share };
	assert_int_equal(ur_lab_time_layers(&lab, 3, spec, on, 0, times, NULL), UR_OK);
	assert_int_equal(w.calls, 3);
	for (int i = 0; i < 3; i++)
		assert_true(times[i].n == 1 && !times[i].sure && times[i].median > 0 && times[i].median < 1e-3);
	/* some: of the clock on the wall and of the processor, each by call */
	assert_int_equal(ur_lab_time_layers(&lab, 3, spec, on, 0.2, times, NULL), UR_OK);
	for (int i = 0; i < 3; i++)
		assert_true(times[i].n > 1 && times[i].thread > 0 && times[i].thread_high < 1e-3 && times[i].high < 1e-3);
	ur_ctx_close(&ctx);
}

/* -- numbers as they are told -- */

static void test_numbers(void **state)
{
	ur_said s;
	json_t *fact = json_pack("{s:{s:f}}", "lstm", "median", 2.5);

	(void)state;
	assert_string_equal(ur_tell_time(0.0031, s), "3.10 ms");
	assert_string_equal(ur_tell_time(0.99999, s), "1.00 s");
	assert_string_equal(ur_tell_time(300, s), "5 min");
	assert_string_equal(ur_tell_bytes(4e10, s), "40 GB");
	assert_string_equal(ur_tell_bytes(12, s), "12 bytes");
	assert_string_equal(ur_tell_count(262144, s), "262,144");
	assert_string_equal(ur_tell_count(16777216, s), "16.8 million");
	assert_string_equal(ur_tell_count(1e10, s), "10 billion");
	assert_string_equal(ur_tell_count(12, s), "12");
	assert_string_equal(ur_tell_time(NAN, s), "unknown");
	assert_true(ur_fact_at(fact, "lstm.median") == 2.5);
	assert_true(isnan(ur_fact_at(fact, "lstm.mean")) && isnan(ur_fact_at(fact, "gru.median")));
	json_decref(fact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bottleneck_rules),
		cmocka_unit_test(test_stated_first),
		cmocka_unit_test(test_stops_and_goes_on),
		cmocka_unit_test(test_keeps_what_was_found),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_summary_leads_somewhere),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
