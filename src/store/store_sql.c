/* Statements with bound values, transactions, and SQLite's errors in words: what, which file, what to do. */
#define _GNU_SOURCE
#include "store/store_private.h"

#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <time.h>

/* The system's own words where SQLite kept the error number, else SQLite's. */
static const char *reason(const ur_store *s, char room[100])
{
	int error = sqlite3_system_errno(s->db);
	return error ? strerror_r(error, room, 100) : sqlite3_errmsg(s->db);
}

ur_status ur_sql_fail(const ur_store *s, ur_err *err, const char *doing)
{
	const char *path = ur_path_tail(s->path);
	char room[100];

	switch (sqlite3_errcode(s->db) & 0xff) {
	case SQLITE_NOMEM:
		return ur_fail(err, UR_E_NOMEM, "%s: no memory to %s it", path, doing);
	case SQLITE_NOTADB:
		return ur_fail(err, UR_E_FORMAT, "%s: is not a store of runs; name another file, or move this one away", path);
	case SQLITE_CORRUPT:
	case SQLITE_ERROR: /* of statements that are right wherever the tables are ours */
	case SQLITE_MISMATCH:
		return ur_fail(err, UR_E_FORMAT, "%s: is damaged (%.100s); move it away, and save what is left with: "
		               "sqlite3 FILE .recover", path, sqlite3_errmsg(s->db));
	case SQLITE_FULL:
		return ur_fail(err, UR_E_IO, "%s: the disk is full; what was stored before is kept. Free some space, or name a "
		               "file elsewhere", path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ur_fail(err, UR_E_IO, "%s: another process has kept it locked for half a minute; try again later", path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ur_fail(err, UR_E_IO, "%s: no permission to write it, or files beside it", path);
	case SQLITE_TOOBIG:
		return ur_fail(err, UR_E_INVALID, "%s: a text of over a gigabyte cannot be stored", path);
	case SQLITE_CONSTRAINT: /* callers look for what they refer to; this is the race that is left */
		return ur_fail(err, UR_E_INVALID, "%s: what this belongs to has been deleted", path);
	case SQLITE_CANTOPEN:
		return ur_fail(err, UR_E_IO, "%s: could not open it: %.100s; name a file elsewhere", path, reason(s, room));
	default:
		return ur_fail(err, UR_E_IO, "%s: could not %s it: %.100s; what was stored before is kept", path, doing,
		               reason(s, room));
	}
}

ur_status ur_sql_bind(const ur_store *s, sqlite3_stmt *statement, const ur_value *values, ur_err *err)
{
	for (int i = 0; values[i].kind != UR_VALUE_END; i++) {
		const ur_value *v = &values[i];
		int code;

		if (v->kind == UR_VALUE_INT)
			code = sqlite3_bind_int64(statement, i + 1, v->i);
		else if (v->kind == UR_VALUE_REAL)
			code = sqlite3_bind_double(statement, i + 1, v->x);
		else if (v->kind == UR_VALUE_TEXT)
			code = sqlite3_bind_text(statement, i + 1, v->text ? v->text : "", -1, SQLITE_STATIC);
		else
			code = sqlite3_bind_null(statement, i + 1);
		if (code)
			return ur_sql_fail(s, err, "write");
	}
	return UR_OK;
}

ur_status ur_sql_prepare(const ur_store *s, const char *sql, const ur_value *values, sqlite3_stmt **statement,
                         ur_err *err)
{
	ur_status status;

	if (sqlite3_prepare_v2(s->db, sql, -1, statement, NULL))
		return ur_sql_fail(s, err, "read");
	if ((status = ur_sql_bind(s, *statement, values, err))) {
		sqlite3_finalize(*statement);
		*statement = NULL;
	}
	return status;
}

ur_status ur_sql_row(const ur_store *s, sqlite3_stmt *statement, int *row, ur_err *err)
{
	int code = sqlite3_step(statement);

	*row = code == SQLITE_ROW;
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return UR_OK;
	return ur_sql_fail(s, err, sqlite3_stmt_readonly(statement) ? "read" : "write");
}

ur_status ur_sql_run(const ur_store *s, const char *sql, const ur_value *values, ur_err *err)
{
	sqlite3_stmt *statement;
	ur_status status = ur_sql_prepare(s, sql, values, &statement, err);
	int row = 1;

	while (!status && row)
		status = ur_sql_row(s, statement, &row, err);
	sqlite3_finalize(statement);
	return status;
}

ur_status ur_sql_int(const ur_store *s, const char *sql, const ur_value *values, int64_t *value, int *found,
                     ur_err *err)
{
	sqlite3_stmt *statement;
	ur_status status = ur_sql_prepare(s, sql, values, &statement, err);

	*found = 0;
	if (!status && !(status = ur_sql_row(s, statement, found, err)) && *found) {
		*value = sqlite3_column_int64(statement, 0);
		*found = sqlite3_column_type(statement, 0) != SQLITE_NULL;
	}
	sqlite3_finalize(statement);
	return status;
}

ur_status ur_sql_begin(const ur_store *s, ur_err *err)
{
	return ur_sql_run(s, "BEGIN IMMEDIATE", UR_BIND_NOTHING, err);
}

ur_status ur_sql_end(const ur_store *s, ur_status status, ur_err *err)
{
	if (!status)
		status = ur_sql_run(s, "COMMIT", UR_BIND_NOTHING, err);
	/* a failure may have undone it already */
	if (status && !sqlite3_get_autocommit(s->db))
		(void)ur_sql_run(s, "ROLLBACK", UR_BIND_NOTHING, NULL);
	return status;
}

const char *ur_sql_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);
	return text ? (const char *)text : "";
}

double ur_sql_real(sqlite3_stmt *statement, int column)
{
	return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}

ur_status ur_sql_json(const ur_store *s, sqlite3_stmt *statement, int column, const char *what, json_t **json,
                      ur_err *err)
{
	*json = NULL;
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return UR_OK;
	*json = json_loads(ur_sql_text(statement, column), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!*json)
		return ur_fail(err, UR_E_FORMAT, "%s: is damaged: %s is no JSON; delete what it belongs to",
		               ur_path_tail(s->path), what);
	return UR_OK;
}

double ur_store_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
