/* The store in trouble: other processes, processes that die, disks that fill, and files that are something else. */
#define _GNU_SOURCE
#include "store_files.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

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
