/* What the tests of the store share: stores, runs and comparisons to put in, and looking at what is there. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "test_folder.h"

#include "store/store_private.h"

/* In a child, where cmocka cannot be used: the line that failed is the exit code's story. */
#define check(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1); \
		} \
	} while (0)

enum { CANNOT = 77 };

static inline ur_store *open_store(const char *path, ur_store_mode mode)
{
	ur_store *s;
	ur_err err = { 0 };
	if (ur_store_open(path, mode, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static inline ur_store_run own_run(const char *spec)
{
	return (ur_store_run){ .kind = "train", .name = "m.safetensors", .spec = spec, .seed = 3, .data = "corpus.txt",
		.fingerprint = 0xfedcba9876543210u, .command = "unroll train", .machine = "a machine", .version = "0.1.0" };
}

static inline int64_t begin_run(ur_store *s, const ur_store_run *run)
{
	int64_t id;
	ur_err err = { 0 };
	if (ur_store_run_begin(s, run, &id, &err))
		fail_msg("%s", err.text);
	return id;
}

static const ur_store_comparison question = { .key = "lstm or gru", .data = "corpus.txt", .fingerprint = ~0ull,
	.command = "unroll compare", .machine = "a machine", .version = "0.1.0" };

static inline int64_t begin_comparison(ur_store *s, int fresh, int *resumed)
{
	int64_t id;
	ur_err err = { 0 };
	if (ur_store_comparison_begin(s, &question, fresh, &id, resumed, &err))
		fail_msg("%s", err.text);
	return id;
}

static inline ur_store_runs runs_of(ur_store *s, const ur_store_filter *filter)
{
	ur_store_runs list;
	ur_err err = { 0 };
	if (ur_store_list_runs(s, filter, &list, &err))
		fail_msg("%s", err.text);
	return list;
}

static inline ur_store_comparisons comparisons_of(ur_store *s, const ur_store_filter *filter)
{
	ur_store_comparisons list;
	ur_err err = { 0 };
	if (ur_store_list_comparisons(s, filter, &list, &err))
		fail_msg("%s", err.text);
	return list;
}

static inline void assert_status(ur_store *s, int64_t id, const char *status)
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

static inline void assert_comparison(ur_store *s, int64_t id, const char *status)
{
	ur_store_comparisons list = comparisons_of(s, &(ur_store_filter){ .comparison = id });
	assert_int_equal(list.n, 1);
	assert_string_equal(list.comparison[0].status, status);
	ur_store_comparisons_free(&list);
}

static inline int runs_in(ur_store *s, ur_store_filter filter)
{
	ur_store_runs list = runs_of(s, &filter);
	const int n = list.n;
	ur_store_runs_free(&list);
	return n;
}

static inline int comparisons_in(ur_store *s, ur_store_filter filter)
{
	ur_store_comparisons list = comparisons_of(s, &filter);
	const int n = list.n;
	ur_store_comparisons_free(&list);
	return n;
}

static inline json_t *points_of(ur_store *s, int64_t run)
{
	json_t *points;
	ur_err err = { 0 };
	if (ur_store_points_json(s, run, &points, &err))
		fail_msg("%s", err.text);
	return points;
}

static inline int count_points(ur_store *s, int64_t run, const char *name)
{
	json_t *points = points_of(s, run);
	const int n = (int)json_array_size(json_object_get(points, name));
	json_decref(points);
	return n;
}

static inline void assert_intact(const char *path)
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

static inline int64_t rows_in(const ur_store *s, const char *sql)
{
	int64_t n = -1;
	int found;
	ur_err err = { 0 };
	if (ur_sql_int(s, sql, UR_BIND_NOTHING, &n, &found, &err))
		fail_msg("%s", err.text);
	return n;
}

static inline void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

#endif
