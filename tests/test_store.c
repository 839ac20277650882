/* The store: what is written is read back, found and deleted. What happens to it: test_store_trouble.c. */
#define _GNU_SOURCE
#include "store_files.h"

#include <math.h>
#include <sys/stat.h>

/* ---- what is written is read back ---- */

static void path_is_where_the_environment_says(void **unused)
{
	char path[UR_STORE_PATH], longer[UR_STORE_PATH + 10];
	ur_err err = { 0 };
	(void)unused;
	setenv("UNROLL_STORE", "/a/b.db", 1);
	setenv("XDG_DATA_HOME", "/x", 1);
	setenv("HOME", "/h", 1);
	assert_int_equal(ur_store_path(path, &err), UR_OK);
	assert_string_equal(path, "/a/b.db");
	setenv("UNROLL_STORE", "", 1);
	assert_int_equal(ur_store_path(path, &err), UR_OK);
	assert_string_equal(path, "/x/unroll/runs.db");
	setenv("XDG_DATA_HOME", "relative", 1);
	assert_int_equal(ur_store_path(path, &err), UR_OK);
	assert_string_equal(path, "/h/.local/share/unroll/runs.db");
	unsetenv("HOME");
	assert_int_equal(ur_store_path(path, &err), UR_E_INVALID);
	assert_says(err, "UNROLL_STORE");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = 0;
	setenv("UNROLL_STORE", longer, 1);
	assert_int_equal(ur_store_path(path, &err), UR_E_INVALID);
}

static void runs_come_back_as_they_were(void **unused)
{
	ur_store *s = open_store("new/folder/runs.db", UR_STORE_WRITE);
	json_t *recipe = json_pack("{s:i, s:f, s:[s, n]}", "steps", 20, "lr", 0.1, "list", "é");
	ur_store_run run = own_run("lstm:2x256"), bare = { .kind = "train", .seed = -1 };
	ur_store_runs list;
	const ur_store_run *r;
	const double before = ur_store_now();
	int64_t first, second;
	ur_err err = { 0 };
	(void)unused;

	run.recipe = recipe;
	run.started = 1234.5;
	first = begin_run(s, &run);
	second = begin_run(s, &bare);
	assert_int_equal(first, 1);
	assert_int_equal(second, 2);
	assert_status(s, first, "running");
	assert_int_equal(ur_store_run_end(s, first, "done", 20, 5000000000, 1.25, 0.1, &err), UR_OK);
	assert_int_equal(ur_store_run_end(s, second, "diverged", 1, 2, 3, NAN, &err), UR_OK);
	ur_store_close(s);

	s = open_store("new/folder/runs.db", UR_STORE_READ);
	list = runs_of(s, &(ur_store_filter){ 0 });
	assert_int_equal(list.n, 2);
	r = &list.run[1];
	assert_true(r->id == first && r->comparison == 0 && r->seed == 3 && r->fingerprint == 0xfedcba9876543210u);
	assert_string_equal(r->kind, "train");
	assert_string_equal(r->name, "m.safetensors");
	assert_string_equal(r->spec, "lstm:2x256");
	assert_string_equal(r->data, "corpus.txt");
	assert_string_equal(r->command, "unroll train");
	assert_string_equal(r->machine, "a machine");
	assert_string_equal(r->version, "0.1.0");
	assert_string_equal(r->status, "done");
	assert_true(r->started == 1234.5 && r->finished >= before && r->finished <= ur_store_now());
	assert_true(r->steps == 20 && r->tokens == 5000000000 && r->seconds == 1.25 && r->loss == 0.1);
	assert_true(json_equal(r->recipe, recipe));
	r = &list.run[0];
	assert_true(r->id == second && r->seed == -1 && isnan(r->loss) && !r->recipe && r->started >= before);
	assert_string_equal(r->name, "");
	assert_string_equal(r->spec, "");
	ur_store_runs_free(&list);
	ur_store_close(s);
	json_decref(recipe);
}

static void bytes_of_all_kinds_come_back(void **unused)
{
	char every[256], quotes[] = "'); DROP TABLE run; -- %s \" \\ % _ \xff\xfe \x1b[31m";
	ur_store *s = open_store("bytes.db", UR_STORE_WRITE);
	ur_store_run run = own_run("x");
	ur_store_runs list;
	ur_err err = { 0 };
	int64_t id;
	(void)unused;

	for (int i = 0; i < 255; i++)
		every[i] = (char)(i + 1);
	every[255] = 0;
	run.name = run.spec = every;
	run.data = run.command = quotes;
	id = begin_run(s, &run);
	/* part of the text, as bytes: neither % nor _ stands for anything */
	assert_int_equal(runs_in(s, (ur_store_filter){ .data = "%" }), 1);
	assert_int_equal(runs_in(s, (ur_store_filter){ .data = "_\xff" }), 0);
	assert_int_equal(runs_in(s, (ur_store_filter){ .data = "_ \xff" }), 1);
	assert_int_equal(runs_in(s, (ur_store_filter){ .spec = "x' OR '1" }), 0);
	list = runs_of(s, &(ur_store_filter){ 0 });
	assert_string_equal(list.run[0].name, every);
	assert_string_equal(list.run[0].spec, every);
	assert_string_equal(list.run[0].data, quotes);
	assert_string_equal(list.run[0].command, quotes);
	ur_store_runs_free(&list);
	/* a name of a metric is a key of JSON, which has no such bytes: said, not dropped */
	assert_int_equal(ur_store_points(s, id, 1, &(ur_store_point){ "\xff", 1, 1, 1, 1, 1 }, &err), UR_OK);
	assert_int_not_equal(ur_store_points_json(s, id, &(json_t *){ NULL }, &err), UR_OK);
	assert_says(err, "UTF-8");
	ur_store_close(s);
	assert_intact("bytes.db");
}

static void points_are_kept_and_replaced(void **unused)
{
	static const ur_store_point first[] = {
		{ "val_loss", 20, 200, 2.5, 2e9, 1.5 }, { "val_loss", 10, 100, 1.25, 1e9, 2.5 },
		{ "lr", 10, 100, 1.25, 1e9, NAN },
	};
	static const ur_store_point again[] = { { "val_loss", 20, 201, 2.75, 3e9, INFINITY } };
	ur_store *s = open_store("points.db", UR_STORE_WRITE);
	ur_store_run run = own_run("x");
	const int64_t id = begin_run(s, &run), other = begin_run(s, &run);
	json_t *points, *expected;
	ur_err err = { 0 };
	(void)unused;

	assert_int_equal(ur_store_points(s, id, 3, first, &err), UR_OK);
	assert_int_equal(ur_store_points(s, other, 1, first, &err), UR_OK);
	assert_int_equal(ur_store_points(s, id, 0, NULL, &err), UR_OK);
	points = points_of(s, id);
	expected = json_pack("{s:[[i,i,f,f,n]], s:[[i,i,f,f,f], [i,i,f,f,f]]}", "lr", 10, 100, 1.25, 1e9, "val_loss",
	                     10, 100, 1.25, 1e9, 2.5, 20, 200, 2.5, 2e9, 1.5);
	assert_non_null(expected);
	assert_true(json_equal(points, expected));
	json_decref(points);
	json_decref(expected);

	assert_int_equal(ur_store_points(s, id, 1, again, &err), UR_OK);
	points = points_of(s, id);
	expected = json_pack("[[i,i,f,f,f], [i,i,f,f,n]]", 10, 100, 1.25, 1e9, 2.5, 20, 201, 2.75, 3e9);
	assert_true(json_equal(json_object_get(points, "val_loss"), expected));
	json_decref(points);
	json_decref(expected);
	assert_int_equal(count_points(s, other, "val_loss"), 1);

	/* of an unknown run there are none, and none can be written */
	points = points_of(s, 99);
	assert_true(json_is_object(points) && !json_object_size(points));
	json_decref(points);
	assert_int_equal(ur_store_points(s, 99, 1, first, &err), UR_E_INVALID);
	assert_says(err, "no run 99");
	ur_store_close(s);
}

static void only_who_began_ends(void **unused)
{
	ur_store *s = open_store("ends.db", UR_STORE_WRITE), *other = open_store("ends.db", UR_STORE_WRITE);
	ur_store_run run = own_run("x");
	const int64_t id = begin_run(s, &run);
	int resumed;
	const int64_t c = begin_comparison(s, 0, &resumed);
	ur_err err = { 0 };
	(void)unused;

	assert_int_equal(ur_store_run_end(other, id, "done", 1, 1, 1, 1, &err), UR_E_INVALID);
	assert_int_equal(ur_store_comparison_end(other, c, &err), UR_E_INVALID);
	begin_run(other, &run);
	assert_int_equal(ur_store_run_end(other, id, "done", 1, 1, 1, 1, &err), UR_E_INVALID);
	assert_int_equal(ur_store_comparison_end(other, c, &err), UR_E_INVALID);
	assert_int_equal(ur_store_run_end(s, id, "done", 1, 1, 1, 1, &err), UR_OK);
	assert_int_equal(ur_store_run_end(s, id, "done", 1, 1, 1, 1, &err), UR_E_INVALID);
	assert_int_equal(ur_store_comparison_end(s, c, &err), UR_OK);
	assert_int_equal(ur_store_comparison_end(s, c, &err), UR_E_INVALID);
	assert_says(err, "not running here");
	ur_store_close(other);
	ur_store_close(s);
}

/* ---- comparisons ---- */

static void comparisons_go_on_by_their_key(void **unused)
{
	ur_store *s = open_store("resume.db", UR_STORE_WRITE), *other = open_store("resume.db", UR_STORE_WRITE);
	ur_store_comparison newer = question;
	ur_store_run trial = own_run("lstm:1x8");
	ur_store_comparisons list;
	int64_t one, two, id, run;
	int resumed;
	ur_err err = { 0 };
	(void)unused;

	one = begin_comparison(s, 0, &resumed);
	assert_false(resumed);
	trial.comparison = one;
	trial.kind = "trial";
	trial.started = 50;
	run = begin_run(s, &trial);
	assert_int_equal(ur_store_points(s, run, 1, &(ur_store_point){ "lr", 1, 1, 1, 1, 1 }, &err), UR_OK);
	/* somebody is at it: in this process, and through this very store */
	two = begin_comparison(other, 0, &resumed);
	assert_true(two != one && !resumed);
	assert_int_equal(ur_store_comparison_end(other, two, &err), UR_OK);
	id = begin_comparison(s, 0, &resumed);
	assert_true(id != one && id != two && !resumed);
	assert_int_equal(ur_store_delete_comparison(other, id, &err), UR_E_INVALID);
	assert_says(err, "is running");
	ur_store_close(s);

	/* now nobody is: the newest first, then the older, and never one that is done; another key is another question */
	assert_comparison(other, one, "killed");
	assert_status(other, run, "killed");
	assert_int_equal(begin_comparison(other, 0, &resumed), id);
	assert_true(resumed);
	newer.command = "unroll compare, once more";
	assert_int_equal(ur_store_comparison_begin(other, &newer, 0, &id, &resumed, &err), UR_OK);
	assert_true(id == one && resumed);
	assert_comparison(other, one, "running");
	newer.key = "lstm or gr";
	assert_int_equal(ur_store_comparison_begin(other, &newer, 0, &id, &resumed, &err), UR_OK);
	assert_true(id > two && !resumed);

	/* its run goes on: same id, start and points */
	trial.started = 70;
	trial.spec = "lstm:1x9";
	assert_int_equal(begin_run(other, &trial), run);
	assert_status(other, run, "running");
	assert_int_equal(count_points(other, run, "lr"), 1);
	{
		ur_store_runs runs = runs_of(other, &(ur_store_filter){ .comparison = one });
		assert_true(runs.n == 1 && runs.run[0].started == 50);
		assert_string_equal(runs.run[0].spec, "lstm:1x9");
		ur_store_runs_free(&runs);
	}
	trial.seed++;
	assert_int_not_equal(begin_run(other, &trial), run);
	trial.comparison = 99;
	assert_int_equal(ur_store_run_begin(other, &trial, &id, &err), UR_E_INVALID);
	assert_says(err, "no comparison 99");
	assert_int_equal(id, 0);

	list = comparisons_of(other, &(ur_store_filter){ .comparison = one });
	assert_string_equal(list.comparison[0].command, "unroll compare, once more");
	assert_string_equal(list.comparison[0].key, question.key);
	assert_true(list.comparison[0].fingerprint == ~0ull && list.comparison[0].runs == 2);
	ur_store_comparisons_free(&list);
	ur_store_close(other);

	s = open_store("resume.db", UR_STORE_WRITE);
	id = begin_comparison(s, 1, &resumed);
	assert_false(resumed);
	ur_store_close(s);
}

static json_t *fact_of(ur_store *s, int64_t comparison, const char *name)
{
	json_t *fact;
	ur_err err = { 0 };
	if (ur_store_fact_get(s, comparison, name, &fact, &err))
		fail_msg("%s", err.text);
	return fact;
}

static void put_fact(ur_store *s, int64_t comparison, const char *name, json_t *fact)
{
	ur_err err = { 0 };
	if (ur_store_fact_put(s, comparison, name, fact, &err))
		fail_msg("%s", err.text);
	json_decref(fact);
}

static void assert_fact(ur_store *s, int64_t comparison, const char *name, int value)
{
	json_t *fact = fact_of(s, comparison, name);
	if (!value)
		assert_null(fact);
	else
		assert_int_equal(json_integer_value(fact), value);
	json_decref(fact);
}

static void shared_facts_pass_to_the_next(void **unused)
{
	ur_store *s = open_store("facts.db", UR_STORE_WRITE);
	json_t *text = json_stringn("a\0b", 3), *got;
	int64_t one, two, three;
	int resumed;
	ur_err err = { 0 };
	(void)unused;

	one = begin_comparison(s, 0, &resumed);
	assert_fact(s, one, "shared/speed", 0);
	put_fact(s, one, "shared/speed", json_integer(1));
	put_fact(s, one, "shared/speed", json_integer(2));
	put_fact(s, one, "Shared/speed", json_integer(3));
	put_fact(s, one, "notshared/", json_integer(4));
	put_fact(s, one, "text", json_incref(text));
	assert_fact(s, one, "shared/speed", 2);
	got = fact_of(s, one, "text");
	assert_true(json_equal(got, text));
	json_decref(got);
	json_decref(text);

	/* not finished: nothing passes */
	two = begin_comparison(s, 0, &resumed);
	assert_fact(s, two, "shared/speed", 0);
	assert_int_equal(ur_store_comparison_end(s, one, &err), UR_OK);
	/* from the newest that is finished, to one that starts, unless that is fresh */
	three = begin_comparison(s, 0, &resumed);
	assert_fact(s, three, "shared/speed", 2);
	assert_fact(s, three, "Shared/speed", 0);
	assert_fact(s, three, "notshared/", 0);
	put_fact(s, three, "shared/speed", json_integer(5));
	assert_fact(s, one, "shared/speed", 2);
	assert_int_equal(ur_store_comparison_end(s, three, &err), UR_OK);
	assert_fact(s, begin_comparison(s, 0, &resumed), "shared/speed", 5);
	assert_fact(s, begin_comparison(s, 1, &resumed), "shared/speed", 0);

	assert_int_equal(ur_store_fact_put(s, 99, "x", got = json_true(), &err), UR_E_INVALID);
	assert_says(err, "no comparison 99");
	ur_store_close(s);
}

static void folders_go_with_their_comparison(void **unused)
{
	char path[UR_STORE_PATH], inner[UR_STORE_PATH + 40];
	ur_store *s;
	int64_t one, two;
	int resumed;
	ur_err err = { 0 };
	(void)unused;

	/* left by another file of this name: not what a new comparison finds */
	assert_int_equal(mkdir("left.db.d", 0777) | mkdir("left.db.d/1", 0777) | mkdir("left.db.d/77", 0777) |
	                 mkdir("left.db.d/notes", 0777), 0);
	put_file("left.db.d/1/checkpoint", "of something else");
	put_file("left.db.d/12-00ff.lock", "");
	s = open_store("left.db", UR_STORE_WRITE);
	one = begin_comparison(s, 0, &resumed);
	assert_int_not_equal(access("left.db.d/1", F_OK), 0);
	assert_int_not_equal(access("left.db.d/77", F_OK), 0);
	assert_int_not_equal(access("left.db.d/12-00ff.lock", F_OK), 0);
	assert_int_equal(access("left.db.d/notes", F_OK), 0);

	assert_int_equal(ur_store_comparison_folder(s, one, path, &err), UR_OK);
	snprintf(inner, sizeof inner, "%s/left.db.d/%lld", folder, (long long)one);
	assert_string_equal(path, inner);
	assert_int_equal(ur_store_comparison_folder(s, one, path, &err), UR_OK);
	snprintf(inner, sizeof inner, "%s/deep", path);
	assert_int_equal(mkdir(inner, 0777), 0);
	snprintf(inner, sizeof inner, "%s/deep/file", path);
	put_file(inner, "x");
	/* what a link leads to stays */
	put_file("kept", "x");
	snprintf(inner, sizeof inner, "%s/link", path);
	assert_int_equal(symlink(folder, inner), 0);
	/* another that opens the store, under another name, sweeps only what nobody needs */
	assert_int_equal(symlink("left.db", "alias.db"), 0);
	{
		ur_store *other = open_store("alias.db", UR_STORE_WRITE);
		two = begin_comparison(other, 0, &resumed);
		assert_true(two != one && !resumed);
		assert_comparison(other, one, "running");
		assert_int_equal(ur_store_comparison_folder(other, two, inner, &err), UR_OK);
		ur_store_close(other);
	}
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(ur_store_comparison_end(s, one, &err), UR_OK);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(access("kept", F_OK), 0);
	assert_int_equal(ur_store_comparison_folder(s, one, path, &err), UR_E_INVALID);
	assert_int_equal(ur_store_comparison_folder(s, 99, path, &err), UR_E_INVALID);
	assert_int_equal(access(inner, F_OK), 0);
	assert_int_equal(ur_store_delete_comparison(s, two, &err), UR_OK);
	assert_int_not_equal(access(inner, F_OK), 0);
	ur_store_close(s);
}

/* ---- looking and deleting ---- */

static void filters_choose(void **unused)
{
	ur_store *s = open_store("filters.db", UR_STORE_WRITE);
	ur_store_run run = own_run("lstm:2x256");
	ur_store_runs list;
	int resumed;
	const int64_t c = begin_comparison(s, 0, &resumed);
	ur_err err = { 0 };
	(void)unused;

	for (int i = 0; i < 6; i++) {
		static const char *const kinds[] = { "train", "trial", "main" };
		int64_t id;
		run.kind = kinds[i % 3];
		run.comparison = i % 3 ? c : 0;
		run.spec = i < 3 ? "lstm:2x256" : "gru:1x8";
		run.data = i == 4 ? "other.txt" : "corpus.txt";
		run.seed = i;
		id = begin_run(s, &run);
		assert_int_equal(id, i + 1);
		if (i != 2)
			assert_int_equal(ur_store_run_end(s, id, i == 3 ? "diverged" : "done", 1, 1, 1, 1, &err), UR_OK);
	}
	assert_int_equal(ur_store_comparison_begin(s, &(ur_store_comparison){ .key = "k", .data = "other.txt" }, 0,
	                                           &(int64_t){ 0 }, &resumed, &err), UR_OK);
	list = runs_of(s, &(ur_store_filter){ .limit = 4 });
	assert_int_equal(list.n, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(list.run[i].id, 6 - i);
	ur_store_runs_free(&list);
	assert_int_equal(runs_in(s, (ur_store_filter){ 0 }), 6);
	assert_int_equal(runs_in(s, (ur_store_filter){ .comparison = c }), 4);
	assert_int_equal(runs_in(s, (ur_store_filter){ .comparison = -1 }), 2);
	assert_int_equal(runs_in(s, (ur_store_filter){ .comparison = 99 }), 0);
	assert_int_equal(runs_in(s, (ur_store_filter){ .spec = "gru" }), 3);
	assert_int_equal(runs_in(s, (ur_store_filter){ .spec = "GRU" }), 0);
	assert_int_equal(runs_in(s, (ur_store_filter){ .data = "other" }), 1);
	assert_int_equal(runs_in(s, (ur_store_filter){ .kind = "trial" }), 2);
	assert_int_equal(runs_in(s, (ur_store_filter){ .kind = "tria" }), 0);
	assert_int_equal(runs_in(s, (ur_store_filter){ .status = "running" }), 1);
	assert_int_equal(runs_in(s, (ur_store_filter){ .status = "diverged", .spec = "gru" }), 1);
	assert_int_equal(runs_in(s, (ur_store_filter){ .status = "done", .limit = 3 }), 3);
	assert_int_equal(comparisons_in(s, (ur_store_filter){ 0 }), 2);
	assert_int_equal(comparisons_in(s, (ur_store_filter){ .spec = "lstm" }), 1);
	assert_int_equal(comparisons_in(s, (ur_store_filter){ .spec = "rnn" }), 0);
	assert_int_equal(comparisons_in(s, (ur_store_filter){ .data = "other" }), 1);
	assert_int_equal(comparisons_in(s, (ur_store_filter){ .status = "running" }), 2);
	assert_int_equal(comparisons_in(s, (ur_store_filter){ .limit = 1 }), 1);
	ur_store_close(s);
	s = open_store("filters.db", UR_STORE_READ);
	assert_int_equal(runs_in(s, (ur_store_filter){ .status = "killed" }), 1);
	assert_int_equal(runs_in(s, (ur_store_filter){ .status = "running" }), 0);
	assert_int_equal(comparisons_in(s, (ur_store_filter){ .status = "killed" }), 2);
	ur_store_close(s);
}

static void deleting_takes_all_that_belongs(void **unused)
{
	static const ur_store_point point = { "lr", 1, 1, 1, 1, 1 };
	ur_store *s = open_store("delete.db", UR_STORE_WRITE), *other = open_store("delete.db", UR_STORE_WRITE);
	ur_store_run run = own_run("x");
	int64_t own, in, last;
	int resumed;
	const int64_t c = begin_comparison(s, 0, &resumed);
	ur_err err = { 0 };
	(void)unused;

	own = begin_run(s, &run);
	run.comparison = c;
	in = begin_run(s, &run);
	run.seed++;
	last = begin_run(s, &run);
	assert_int_equal(ur_store_points(s, own, 1, &point, &err) | ur_store_points(s, in, 1, &point, &err), UR_OK);
	put_fact(s, c, "f", json_true());
	assert_int_equal(ur_store_delete_run(other, own, &err), UR_E_INVALID);
	assert_says(err, "run 1 is running");
	assert_int_equal(ur_store_run_end(s, own, "done", 1, 1, 1, 1, &err), UR_OK);
	assert_int_equal(ur_store_run_end(s, in, "done", 1, 1, 1, 1, &err), UR_OK);
	/* a part of what is running */
	assert_int_equal(ur_store_delete_run(other, in, &err), UR_E_INVALID);
	assert_int_equal(ur_store_comparison_end(s, c, &err), UR_OK);
	assert_int_equal(ur_store_delete_comparison(other, c, &err), UR_E_INVALID); /* a run of it goes on */
	assert_int_equal(ur_store_run_end(s, last, "done", 1, 1, 1, 1, &err), UR_OK);

	assert_int_equal(ur_store_delete_run(other, own, &err), UR_OK);
	assert_int_equal(ur_store_delete_run(other, own, &err), UR_E_INVALID);
	assert_says(err, "no run 1");
	assert_int_equal(rows_in(s, "SELECT count(*) FROM point"), 1);
	assert_int_equal(ur_store_delete_run(other, last, &err), UR_OK);
	assert_int_equal(ur_store_delete_comparison(other, c, &err), UR_OK);
	assert_int_equal(ur_store_delete_comparison(other, c, &err), UR_E_INVALID);
	assert_int_equal(rows_in(s, "SELECT (SELECT count(*) FROM point) + (SELECT count(*) FROM run) +"
	                         " (SELECT count(*) FROM fact) + (SELECT count(*) FROM comparison)"), 0);
	/* ids are not given again */
	run.comparison = 0;
	assert_int_equal(begin_run(s, &run), last + 1);
	assert_int_equal(begin_comparison(s, 0, &resumed), c + 1);
	ur_store_close(other);
	ur_store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_where_the_environment_says),
		cmocka_unit_test(runs_come_back_as_they_were),
		cmocka_unit_test(bytes_of_all_kinds_come_back),
		cmocka_unit_test(points_are_kept_and_replaced),
		cmocka_unit_test(only_who_began_ends),
		cmocka_unit_test(comparisons_go_on_by_their_key),
		cmocka_unit_test(shared_facts_pass_to_the_next),
		cmocka_unit_test(folders_go_with_their_comparison),
		cmocka_unit_test(filters_choose),
		cmocka_unit_test(deleting_takes_all_that_belongs),
	};
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
