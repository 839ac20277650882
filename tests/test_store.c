/* The store: what is written is read back; what processes that die, disks that fill and files that are something else
 * do to it. */
#define _GNU_SOURCE
#include "store/store_private.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_says(err, part) \
	do { \
		if (!strstr((err).text, part)) \
			fail_msg("\"%s\" does not say \"%s\"", (err).text, part); \
	} while (0)

/* In a child, where cmocka cannot be used: the line that failed is the exit code's story. */
#define check(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1); \
		} \
	} while (0)

enum { CANNOT = 77 };

static char folder[64];

static int open_folder(void **unused)
{
	(void)unused;
	strcpy(folder, "/tmp/unroll-store-XXXXXX");
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int close_folder(void **unused)
{
	char command[100];
	(void)unused;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return chdir("/") || system(command);
}

static ur_store *open_store(const char *path, ur_store_mode mode)
{
	ur_store *s;
	ur_err err = { 0 };
	if (ur_store_open(path, mode, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static ur_store_run own_run(const char *spec)
{
	return (ur_store_run){ .kind = "train", .name = "m.safetensors", .spec = spec, .seed = 3, .data = "corpus.txt",
		.fingerprint = 0xfedcba9876543210u, .command = "unroll train", .machine = "a machine", .version = "0.1.0" };
}

static int64_t begin_run(ur_store *s, const ur_store_run *run)
{
	int64_t id;
	ur_err err = { 0 };
	if (ur_store_run_begin(s, run, &id, &err))
		fail_msg("%s", err.text);
	return id;
}

static const ur_store_comparison question = { .key = "lstm or gru", .data = "corpus.txt", .fingerprint = ~0ull,
	.command = "unroll compare", .machine = "a machine", .version = "0.1.0" };

static int64_t begin_comparison(ur_store *s, int fresh, int *resumed)
{
	int64_t id;
	ur_err err = { 0 };
	if (ur_store_comparison_begin(s, &question, fresh, &id, resumed, &err))
		fail_msg("%s", err.text);
	return id;
}

static ur_store_runs runs_of(ur_store *s, const ur_store_filter *filter)
{
	ur_store_runs list;
	ur_err err = { 0 };
	if (ur_store_list_runs(s, filter, &list, &err))
		fail_msg("%s", err.text);
	return list;
}

static ur_store_comparisons comparisons_of(ur_store *s, const ur_store_filter *filter)
{
	ur_store_comparisons list;
	ur_err err = { 0 };
	if (ur_store_list_comparisons(s, filter, &list, &err))
		fail_msg("%s", err.text);
	return list;
}

static void assert_status(ur_store *s, int64_t id, const char *status)
{
	ur_store_runs list = runs_of(s, &(ur_store_filter){ 0 });
	for (int i = 0; i < list.n; i++)
		if (list.run[i].id == id) {
			assert_string_equal(list.run[i].status, status);
			ur_store_runs_free(&list);
			return;
		}
	fail_msg("no run %lld", (long long)id);
}

static void assert_comparison(ur_store *s, int64_t id, const char *status)
{
	ur_store_comparisons list = comparisons_of(s, &(ur_store_filter){ .comparison = id });
	assert_int_equal(list.n, 1);
	assert_string_equal(list.comparison[0].status, status);
	ur_store_comparisons_free(&list);
}

static int runs_in(ur_store *s, ur_store_filter filter)
{
	ur_store_runs list = runs_of(s, &filter);
	const int n = list.n;
	ur_store_runs_free(&list);
	return n;
}

static int comparisons_in(ur_store *s, ur_store_filter filter)
{
	ur_store_comparisons list = comparisons_of(s, &filter);
	const int n = list.n;
	ur_store_comparisons_free(&list);
	return n;
}

static json_t *points_of(ur_store *s, int64_t run)
{
	json_t *points;
	ur_err err = { 0 };
	if (ur_store_points_json(s, run, &points, &err))
		fail_msg("%s", err.text);
	return points;
}

static int count_points(ur_store *s, int64_t run, const char *name)
{
	json_t *points = points_of(s, run);
	const int n = (int)json_array_size(json_object_get(points, name));
	json_decref(points);
	return n;
}

static void assert_intact(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *row;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(row, 0), "ok");
	sqlite3_finalize(row);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_DONE);
	sqlite3_finalize(row);
	sqlite3_close(db);
}

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

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
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

static int64_t rows_in(const ur_store *s, const char *sql)
{
	int64_t n = -1;
	int found;
	ur_err err = { 0 };
	if (ur_sql_int(s, sql, UR_BIND_NOTHING, &n, &found, &err))
		fail_msg("%s", err.text);
	return n;
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

/* ---- other processes ---- */

static pid_t start_child(int (*work)(int), int arg)
{
	const pid_t pid = fork();
	if (!pid)
		_exit(work(arg));
	assert_true(pid > 0);
	return pid;
}

static int end_child(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void nap(int microseconds)
{
	usleep((useconds_t)microseconds);
}

/* Writes run after run, point after point, and tells `fd` of each once it is stored. */
static int write_and_tell(int fd)
{
	ur_store *s;
	ur_store_run run = own_run("gru:1x8");
	ur_store_point p[3] = { { .name = "train_loss" }, { .name = "lr" }, { .name = "grad_norm" } };

	check(!ur_store_open("kill.db", UR_STORE_WRITE, &s, NULL));
	for (;;) {
		int64_t id;
		check(!ur_store_run_begin(s, &run, &id, NULL));
		for (int64_t step = 1; step <= 20; step++) {
			const int64_t told[2] = { id, step };
			p[0].step = p[1].step = p[2].step = step;
			check(!ur_store_points(s, id, 3, p, NULL));
			check(write(fd, told, sizeof told) == sizeof told);
		}
		check(!ur_store_run_end(s, id, "done", 20, 20, 1, 1, NULL));
	}
}

static void kill_loses_nothing_that_was_said(void **unused)
{
	int64_t told[2], last[2] = { 0 }, acknowledged = 0;
	unsigned random = 12345;
	(void)unused;

	for (int round = 0; round < 40; round++) {
		ur_store *s;
		int fds[2], whole;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = start_child(write_and_tell, fds[1]);
		close(fds[1]);
		random = random * 1103515245u + 12345;
		if (round > 2) /* the first are killed while the file is made */
			assert_int_equal(read(fds[0], told, sizeof told), sizeof told);
		nap((int)(random >> 16) % 30000);
		kill(pid, SIGKILL);
		assert_int_equal(end_child(pid), 128 + SIGKILL);
		for (last[0] = 0; read(fds[0], told, sizeof told) == sizeof told; acknowledged++)
			memcpy(last, told, sizeof last);
		close(fds[0]);

		s = open_store("kill.db", UR_STORE_WRITE);
		assert_int_equal(runs_in(s, (ur_store_filter){ .status = "running" }), 0);
		if (last[0]) {
			assert_true(count_points(s, last[0], "train_loss") >= last[1]);
			whole = count_points(s, last[0], "lr"); /* a call is stored whole or not at all */
			assert_int_equal(count_points(s, last[0], "grad_norm"), whole);
			assert_int_equal(count_points(s, last[0], "train_loss"), whole);
		}
		ur_store_close(s);
		assert_intact("kill.db");
	}
	assert_true(acknowledged > 40);
}

static const int64_t many_runs = 12, many_points = 10;

static int write_many(int seed)
{
	ur_store *s;
	ur_store_run run = own_run("gru:1x8");
	ur_err err = { 0 };

	run.seed = seed;
	if (ur_store_open("many.db", UR_STORE_WRITE, &s, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (int64_t i = 0; i < many_runs; i++) {
		int64_t id;
		check(!ur_store_run_begin(s, &run, &id, &err));
		for (int64_t step = 0; step < many_points; step++)
			check(!ur_store_points(s, id, 1, &(ur_store_point){ .name = "lr", .step = step, .value = seed }, &err));
		check(!ur_store_run_end(s, id, "done", seed, 1, 1, 1, &err));
	}
	ur_store_close(s);
	return 0;
}

static int open_new(int go)
{
	ur_store *s;
	ur_err err = { 0 };
	char byte;

	check(read(go, &byte, 1) == 0);
	if (ur_store_open("once.db", UR_STORE_WRITE, &s, &err))
		fprintf(stderr, "%s\n", err.text);
	check(!err.status && runs_in(s, (ur_store_filter){ 0 }) == 0);
	ur_store_close(s);
	return 0;
}

static void a_new_file_is_made_once(void **unused)
{
	(void)unused;
	for (int round = 0; round < 30; round++) {
		int go[2];
		pid_t pid[4];

		assert_int_equal(pipe2(go, O_CLOEXEC), 0);
		for (int i = 0; i < 4; i++) {
			pid[i] = fork();
			if (!pid[i]) {
				close(go[1]);
				_exit(open_new(go[0]));
			}
		}
		close(go[0]);
		nap(2000);
		close(go[1]);
		for (int i = 0; i < 4; i++)
			assert_int_equal(end_child(pid[i]), 0);
		assert_int_equal(unlink("once.db"), 0);
		(void)unlink("once.db-wal");
		(void)unlink("once.db-shm");
	}
}

/* All start at once, before there is a file; one looks on. */
static void writers_at_once_lose_nothing(void **unused)
{
	(void)unused;
	for (int writers = 2; writers <= 4; writers += 2) {
		pid_t pid[4];
		ur_store *s = NULL;
		ur_store_runs list;

		for (int i = 0; i < writers; i++)
			pid[i] = start_child(write_many, i + 1);
		while (access("many.db", F_OK) || ur_store_open("many.db", UR_STORE_READ, &s, NULL))
			nap(1000);
		for (int i = 0; i < 20; i++) {
			assert_true(runs_in(s, (ur_store_filter){ .status = "killed" }) <= writers); /* one that has just ended */
			nap(1000);
		}
		for (int i = 0; i < writers; i++)
			assert_int_equal(end_child(pid[i]), 0);
		list = runs_of(s, &(ur_store_filter){ .status = "done" });
		assert_int_equal(list.n, writers * many_runs);
		for (int i = 0; i < list.n; i++) {
			assert_int_equal(count_points(s, list.run[i].id, "lr"), many_points);
			assert_int_equal(list.run[i].steps, list.run[i].seed);
		}
		ur_store_runs_free(&list);
		ur_store_close(s);
		assert_intact("many.db");
		assert_int_equal(unlink("many.db"), 0);
		(void)unlink("many.db-wal");
		(void)unlink("many.db-shm");
	}
}

/* Waits for the start, begins, says which it got, and stays until it is let go. */
static int begin_at_once(int at)
{
	ur_store *s;
	int64_t id;
	int resumed;
	char go;

	check(!ur_store_open("race.db", UR_STORE_WRITE, &s, NULL));
	check(read(at, &go, 1) == 0);
	check(!ur_store_comparison_begin(s, &question, 0, &id, &resumed, NULL));
	(void)alarm(20);
	check(write(at + 3, &id, sizeof id) == sizeof id);
	(void)pause();
	return 0;
}

static void two_that_begin_at_once_get_two(void **unused)
{
	enum { GO = 100, ANSWER = 103, N = 2 };
	(void)unused;
	for (int round = 0; round < 15; round++) {
		ur_store *s = open_store("race.db", UR_STORE_WRITE);
		int go[2], answer[2], resumed;
		int64_t id[N], left = 0;
		pid_t pid[N];

		/* in every second round there is one to go on with, which only one can have */
		if (round % 2)
			left = begin_comparison(s, 0, &resumed);
		ur_store_close(s);
		assert_int_equal(pipe(go) | pipe(answer), 0);
		assert_true(dup2(go[0], GO) == GO && dup2(answer[1], ANSWER) == ANSWER);
		close(go[0]);
		close(answer[1]);
		for (int i = 0; i < N; i++) {
			pid[i] = fork();
			if (!pid[i]) {
				close(go[1]);
				_exit(begin_at_once(GO));
			}
		}
		close(GO);
		close(ANSWER);
		nap(20000);
		close(go[1]);
		for (int i = 0; i < N; i++)
			assert_int_equal(read(answer[0], &id[i], sizeof id[i]), sizeof id[i]);
		close(answer[0]);
		assert_true(id[0] != id[1]);
		s = open_store("race.db", UR_STORE_WRITE);
		assert_int_equal(comparisons_in(s, (ur_store_filter){ .status = "running" }), N);
		if (left)
			assert_true(id[0] == left || id[1] == left);
		for (int i = 0; i < N; i++)
			kill(pid[i], SIGKILL);
		for (int i = 0; i < N; i++)
			assert_int_equal(end_child(pid[i]), 128 + SIGKILL);
		assert_int_equal(comparisons_in(s, (ur_store_filter){ .status = "running" }), 0);
		for (int i = 0; i < N; i++)
			assert_comparison(s, id[i], "killed");
		assert_int_equal(comparisons_in(s, (ur_store_filter){ .status = "killed" }),
		                 comparisons_in(s, (ur_store_filter){ 0 }));
		for (int i = 0; i < N; i++)
			assert_int_equal(ur_store_delete_comparison(s, id[i], NULL), UR_OK);
		ur_store_close(s);
	}
}

/* ---- trouble ---- */

/* Points in `s` until it fails or there are very many; how many calls were fine. */
static int fill(ur_store *s, int64_t run, int from, ur_err *err)
{
	static char name[4000];
	int n = from;

	memset(name, 'n', sizeof name - 1);
	while (n < from + 2000 && !ur_store_points(s, run, 1, &(ur_store_point){ .name = name, .step = n }, err))
		n++;
	return n;
}

static int meet_limit(int unused)
{
	struct rlimit limit;
	ur_store *s;
	ur_store_run run = own_run("x");
	int64_t id, other;
	int stored, more;
	ur_err err = { 0 };
	(void)unused;

	signal(SIGXFSZ, SIG_IGN);
	check(!ur_store_open("full.db", UR_STORE_WRITE, &s, &err) && !ur_store_run_begin(s, &run, &id, &err));
	check(!getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = 300000;
	check(!setrlimit(RLIMIT_FSIZE, &limit));
	stored = fill(s, id, 0, &err);
	check(stored > 0 && stored < 2000 && err.status == UR_E_IO);
	check(strstr(err.text, "full.db") && strstr(err.text, "what was stored before is kept"));
	limit.rlim_cur = 1000;
	check(!setrlimit(RLIMIT_FSIZE, &limit));
	check(ur_store_run_begin(s, &run, &other, &err) == UR_E_IO && other == 0);
	/* looking still works, and once there is room so does everything */
	check(runs_in(s, (ur_store_filter){ 0 }) == 1);
	limit.rlim_cur = limit.rlim_max;
	check(!setrlimit(RLIMIT_FSIZE, &limit));
	more = fill(s, id, stored, &err);
	check(more == stored + 2000);
	check(!ur_store_run_end(s, id, "done", more, 1, 1, 1, &err));
	ur_store_close(s);
	return stored > 250 ? 250 : stored;
}

static void a_full_disk_is_said_and_overcome(void **unused)
{
	ur_store *s;
	ur_store_run run = own_run("x");
	ur_err err = { 0 };
	int64_t id;
	int stored = end_child(start_child(meet_limit, 0));
	(void)unused;

	assert_true(stored > 1 && stored < 128);
	assert_intact("full.db");
	s = open_store("full.db", UR_STORE_WRITE);
	assert_int_equal(rows_in(s, "SELECT count(*) FROM point"), stored + 2000);
	assert_status(s, 1, "done");
	/* SQLite's own word for a full disk */
	id = begin_run(s, &run);
	(void)rows_in(s, "PRAGMA max_page_count = 1");
	stored = fill(s, id, 0, &err);
	assert_true(stored < 2000);
	assert_int_equal(err.status, UR_E_IO);
	assert_says(err, "full.db: the disk is full");
	(void)rows_in(s, "PRAGMA max_page_count = 1000000");
	assert_int_equal(fill(s, id, stored, &err), stored + 2000);
	assert_int_equal(ur_store_run_end(s, id, "done", 1, 1, 1, 1, &err), UR_OK);
	ur_store_close(s);
	assert_intact("full.db");
}

static ur_status opens(const char *path, ur_store_mode mode, ur_err *err)
{
	ur_store *s = (ur_store *)1;
	const ur_status status = ur_store_open(path, mode, &s, err);
	if (status)
		assert_null(s);
	ur_store_close(s);
	return status;
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL))
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void what_is_no_store_is_said(void **unused)
{
	static const struct { const char *path; ur_status status; const char *say; } cases[] = {
		{ "notes.txt", UR_E_FORMAT, "notes.txt: is not a store" },
		{ "short", UR_E_FORMAT, "short: is not a store" },
		{ "foreign.db", UR_E_FORMAT, "foreign.db: is a database, but not a store" },
		{ "newer.db", UR_E_FORMAT, "newer.db: was made by a newer Unroll" },
		{ "cut.db", UR_E_FORMAT, "cut.db: is damaged" },
		{ ".", UR_E_IO, "is a directory" },
		{ "/dev/null", UR_E_IO, "a device" },
		{ "notes.txt/runs.db", UR_E_IO, "notes.txt/runs.db" },
		{ "nowhere/", UR_E_IO, "nowhere/" },
		{ "", UR_E_INVALID, "empty" },
	};
	ur_err err = { 0 };
	char longer[UR_STORE_PATH + 1];
	struct stat st;
	int fd;
	(void)unused;

	fd = open("notes.txt", O_WRONLY | O_CREAT, 0666);
	for (int i = 0; i < 400; i++)
		assert_int_equal(write(fd, "what I wanted to remember\n", 26), 26);
	close(fd);
	put_file("short", "?");
	sql("foreign.db", "CREATE TABLE run (id)");
	assert_int_equal(opens("newer.db", UR_STORE_WRITE, &err) | opens("cut.db", UR_STORE_WRITE, &err), UR_OK);
	sql("newer.db", "PRAGMA user_version = 2");
	assert_int_equal(truncate("cut.db", 5000), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (ur_store_mode mode = UR_STORE_WRITE; mode <= UR_STORE_READ; mode++) {
			if (opens(cases[i].path, mode, &err) != cases[i].status)
				fail_msg("'%s', mode %d: not status %d: %s", cases[i].path, mode, cases[i].status, err.text);
			assert_says(err, cases[i].say);
		}
	assert_true(!stat("notes.txt", &st) && st.st_size == 400 * 26);
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = 0;
	assert_int_equal(opens(longer, UR_STORE_WRITE, &err), UR_E_INVALID);

	/* to be read it must be there; what is empty becomes one when it is written */
	assert_int_equal(opens("absent.db", UR_STORE_READ, &err), UR_E_IO);
	assert_says(err, "absent.db: there is no store");
	assert_int_not_equal(access("absent.db", F_OK), 0);
	put_file("empty.db", "");
	assert_int_equal(opens("empty.db", UR_STORE_READ, &err), UR_E_IO);
	assert_int_equal(opens("empty.db", UR_STORE_WRITE, &err), UR_OK);
	assert_int_equal(opens("empty.db", UR_STORE_READ, &err), UR_OK);
	/* names that mean something to SQLite are plain names here */
	assert_int_equal(opens(":memory:", UR_STORE_WRITE, &err) | opens("file:x?mode=memory", UR_STORE_WRITE, &err),
	                 UR_OK);
	assert_int_equal(access(":memory:", F_OK) | access("file:x?mode=memory", F_OK), 0);
}

/* Every page of a store in turn overwritten: an answer or an error, never a crash. */
static void damage_is_found_or_harmless(void **unused)
{
	enum { PAGE = 4096 };
	ur_store *s = open_store("whole.db", UR_STORE_WRITE);
	ur_store_run run = own_run("gru:1x8");
	int64_t id = 0;
	int resumed, found = 0;
	char *bytes;
	struct stat st;
	int fd;
	(void)unused;

	for (int i = 0; i < 60; i++) {
		run.comparison = i % 2 ? begin_comparison(s, 1, &resumed) : 0;
		id = begin_run(s, &run);
		assert_int_equal(ur_store_points(s, id, 1, &(ur_store_point){ .name = "lr" }, NULL), UR_OK);
	}
	ur_store_close(s);
	fd = open("whole.db", O_RDONLY);
	assert_true(fd >= 0 && !fstat(fd, &st));
	bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	for (off_t at = 0; at < st.st_size; at += PAGE / 4) {
		ur_err err = { 0 };
		ur_store_runs runs;
		ur_store_comparisons comparisons;
		ur_status status;
		char junk[PAGE / 4];

		memset(junk, at / PAGE % 2 ? 0xff : 0x5a, sizeof junk);
		fd = open("damaged.db", O_WRONLY | O_CREAT | O_TRUNC, 0666);
		assert_int_equal(write(fd, bytes, (size_t)st.st_size), st.st_size);
		assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
		close(fd);
		status = ur_store_open("damaged.db", UR_STORE_WRITE, &s, &err);
		if (!status) {
			status = ur_store_list_runs(s, &(ur_store_filter){ 0 }, &runs, &err);
			if (!status)
				ur_store_runs_free(&runs);
			if (!status && !(status = ur_store_list_comparisons(s, &(ur_store_filter){ 0 }, &comparisons, &err)))
				ur_store_comparisons_free(&comparisons);
			if (!status)
				status = ur_store_run_begin(s, &run, &id, &err);
			ur_store_close(s);
		}
		if (status) {
			found++;
			if (status != UR_E_FORMAT || !strstr(err.text, "damaged.db"))
				fail_msg("byte %lld: status %d: %s", (long long)at, status, err.text);
		}
	}
	free(bytes);
	assert_true(found > 3);
}

/* Tables of a stranger, with everything of another type than ours. */
static void strange_tables_do_no_harm(void **unused)
{
	ur_store *s;
	ur_store_runs list;
	ur_err err = { 0 };
	char text[600];
	(void)unused;

	snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = 1; CREATE TABLE run (id, comparison,"
	         "kind, name, spec, seed, data, fingerprint, command, machine, version, started, finished, status, owner,"
	         "steps, tokens, seconds, loss, recipe); INSERT INTO run VALUES ('x', 'y', 1, NULL, 2.5, 'z', x'00ff',"
	         " NULL,-9e99, 12345678901234567, 0.1, 'now', x'01', 'running', '../../etc/passwd', 'a', 'b', 'c', "
	         "'d', 'no json');",
	         0x556e526c);
	sql("strange.db", text);
	s = open_store("strange.db", UR_STORE_READ);
	assert_int_equal(ur_store_list_runs(s, &(ur_store_filter){ 0 }, &list, &err), UR_E_FORMAT);
	assert_says(err, "recipe");
	assert_int_equal(list.n, 0);
	assert_int_equal(ur_store_delete_run(s, 1, &err), UR_E_FORMAT);
	ur_store_close(s);
	sql("strange.db", "UPDATE run SET recipe = NULL");
	s = open_store("strange.db", UR_STORE_READ);
	list = runs_of(s, &(ur_store_filter){ 0 });
	assert_int_equal(list.n, 1);
	assert_string_equal(list.run[0].status, "killed");
	assert_string_equal(list.run[0].machine, "12345678901234567");
	ur_store_runs_free(&list);
	assert_int_equal(ur_store_list_comparisons(s, &(ur_store_filter){ 0 }, &(ur_store_comparisons){ 0 }, &err),
	                 UR_E_FORMAT);
	ur_store_close(s);
}

static int be_nobody(int unused)
{
	ur_store *s;
	ur_err err = { 0 };
	(void)unused;

	if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
		return CANNOT;
	check(ur_store_open("closed/new.db", UR_STORE_WRITE, &s, &err) == UR_E_IO && strstr(err.text, "closed/new.db"));
	check(ur_store_open("closed/deep/new.db", UR_STORE_WRITE, &s, &err) == UR_E_IO);
	check(ur_store_open("closed/run?s.db", UR_STORE_WRITE, &s, &err) == UR_E_IO && strstr(err.text, "no permission"));
	/* looking needs no more than the right to read */
	check(!ur_store_open("closed/run?s.db", UR_STORE_READ, &s, &err) && runs_in(s, (ur_store_filter){ 0 }) == 1);
	check(runs_in(s, (ur_store_filter){ .status = "killed" }) == 1);
	check(ur_store_delete_run(s, 1, &err) == UR_E_IO);
	ur_store_close(s);
	return 0;
}

static void permissions_are_respected(void **unused)
{
	ur_store *s;
	ur_store_run run = own_run("x");
	int status;
	(void)unused;

	assert_int_equal(mkdir("closed", 0755), 0);
	s = open_store("closed/run?s.db", UR_STORE_WRITE);
	begin_run(s, &run);
	ur_store_close(s);
	assert_int_equal(chmod(".", 0755) | chmod("closed/run?s.db", 0444) | chmod("closed", 0555), 0);
	status = end_child(start_child(be_nobody, 0));
	assert_int_equal(chmod("closed", 0755), 0);
	if (status == CANNOT)
		skip();
	assert_int_equal(status, 0);
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
		cmocka_unit_test(kill_loses_nothing_that_was_said),
		cmocka_unit_test(a_new_file_is_made_once),
		cmocka_unit_test(writers_at_once_lose_nothing),
		cmocka_unit_test(two_that_begin_at_once_get_two),
		cmocka_unit_test(a_full_disk_is_said_and_overcome),
		cmocka_unit_test(what_is_no_store_is_said),
		cmocka_unit_test(damage_is_found_or_harmless),
		cmocka_unit_test(strange_tables_do_no_harm),
		cmocka_unit_test(permissions_are_respected),
	};
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
