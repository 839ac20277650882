/* The store's file: where it is, opening it, its tables, closing it. */
#define _GNU_SOURCE
#include "store/store_private.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	APPLICATION = 0x556e526c,       /* "UnRl", in the file's header: file(1) and other programs see whose it is */
	SCHEMA = 1,                     /* goes up with every change of the tables */
	WAIT_MS = 30000, MAKING_MS = 500, PAUSE_MS = 10,
	LEAST = 512                     /* bytes of a database's smallest page */
};

static const char tables[] =
	"CREATE TABLE comparison ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, data TEXT NOT NULL, fingerprint INTEGER NOT NULL,"
	" command TEXT NOT NULL, machine TEXT NOT NULL, version TEXT NOT NULL, started REAL NOT NULL,"
	" finished REAL NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL) STRICT;"
	"CREATE INDEX comparison_key ON comparison (key);"
	"CREATE TABLE run ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, comparison INTEGER REFERENCES comparison ON DELETE CASCADE,"
	" kind TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL, seed INTEGER NOT NULL, data TEXT NOT NULL,"
	" fingerprint INTEGER NOT NULL, command TEXT NOT NULL, machine TEXT NOT NULL, version TEXT NOT NULL,"
	" started REAL NOT NULL, finished REAL NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL,"
	" steps INTEGER NOT NULL, tokens INTEGER NOT NULL, seconds REAL NOT NULL, loss REAL, recipe TEXT) STRICT;"
	/* a run of its own has no comparison: NULLs are never equal, so that there may be any number of them */
	"CREATE UNIQUE INDEX run_place ON run (comparison, kind, name, seed);"
	"CREATE TABLE point ("
	" run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL, step INTEGER NOT NULL,"
	" tokens INTEGER NOT NULL, seconds REAL, flops REAL, value REAL,"
	" PRIMARY KEY (run, name, step)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE fact ("
	" comparison INTEGER NOT NULL REFERENCES comparison ON DELETE CASCADE, name TEXT NOT NULL, json TEXT NOT NULL,"
	" PRIMARY KEY (comparison, name)) STRICT;";

ur_status ur_store_path(char path[UR_STORE_PATH], ur_err *err)
{
	const char *store = getenv("UNROLL_STORE"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	int n;

	if (store && *store)
		n = snprintf(path, UR_STORE_PATH, "%s", store);
	else if (data && *data == '/') /* a relative one is to be ignored, says its specification */
		n = snprintf(path, UR_STORE_PATH, "%s/unroll/runs.db", data);
	else if (home && *home)
		n = snprintf(path, UR_STORE_PATH, "%s/.local/share/unroll/runs.db", home);
	else
		return ur_fail(err, UR_E_INVALID,
		               "there is no place for the store of runs: set UNROLL_STORE to a file, or HOME");
	if (n >= UR_STORE_PATH)
		return ur_fail(err, UR_E_INVALID,
		               "the path of the store of runs is too long: set UNROLL_STORE to another file");
	return UR_OK;
}

/* ---- what kind of file it is ---- */

typedef enum contents { OURS, EMPTY, FOREIGN } contents;

/* In one statement, so that it is one state of a file that another process may be making. */
static ur_status look(const ur_store *s, contents *what, ur_err *err)
{
	static const char get[] = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
		" FROM pragma_application_id, pragma_user_version";
	int64_t application = 0, version = 0, objects = 0;
	sqlite3_stmt *statement;
	ur_status status = ur_sql_prepare(s, get, UR_BIND_NOTHING, &statement, err);
	int row = 0;

	if (!status && !(status = ur_sql_row(s, statement, &row, err)) && row) {
		application = sqlite3_column_int64(statement, 0);
		version = sqlite3_column_int64(statement, 1);
		objects = sqlite3_column_int64(statement, 2);
	}
	sqlite3_finalize(statement);
	if (status)
		return status;
	*what = application == APPLICATION && version > 0 ? OURS : application || version || objects ? FOREIGN : EMPTY;
	if (*what == OURS && version > SCHEMA)
		return ur_fail(err, UR_E_FORMAT, "%s: was made by a newer Unroll (its tables are version %lld, this one knows "
		               "%d): use that one, or name another file", ur_path_tail(s->path), (long long)version, SCHEMA);
	if (*what == FOREIGN)
		return ur_fail(err, UR_E_FORMAT, "%s: is a database, but not a store of runs; name another file",
		               ur_path_tail(s->path));
	return UR_OK;
}

/* SQLite gives up at once where two change the mode of a new file, rather than wait as it does everywhere else. */
static ur_status write_ahead(const ur_store *s, ur_err *err)
{
	for (int waited = 0;; waited += PAUSE_MS) {
		int code = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (code == SQLITE_OK)
			return UR_OK;
		if ((code & 0xff) != SQLITE_BUSY || waited >= WAIT_MS)
			return ur_sql_fail(s, err, "write");
		usleep(PAUSE_MS * 1000);
	}
}

static ur_status make_tables(const ur_store *s, ur_err *err)
{
	contents what;
	char stamp[100];
	ur_status status;

	if ((status = write_ahead(s, err)) || (status = ur_sql_begin(s, err)))
		return status;
	/* another process may have been first */
	if (!(status = look(s, &what, err)) && what == EMPTY) {
		(void)snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION,
		               SCHEMA);
		if (sqlite3_exec(s->db, tables, NULL, NULL, NULL) || sqlite3_exec(s->db, stamp, NULL, NULL, NULL))
			status = ur_sql_fail(s, err, "write");
	}
	return ur_sql_end(s, status, err);
}

/* ---- opening ---- */

/* The path as a URI that says that nobody writes the file; malloc'd. */
static char *immutable_uri(const char *path)
{
	static const char hex[] = "0123456789ABCDEF", ends[] = "?immutable=1";
	char *uri = malloc(3 * strlen(path) + sizeof "file:" + sizeof ends), *to = uri;

	if (!uri)
		return NULL;
	to = stpcpy(to, "file:");
	for (; *path; path++)
		if (strchr("%?#", *path)) {
			*to++ = '%';
			*to++ = hex[(unsigned char)*path >> 4];
			*to++ = hex[*path & 15];
		} else {
			*to++ = *path;
		}
	strcpy(to, ends);
	return uri;
}

/* A store in a folder nobody may write has no place for the files that readers and writers agree by. It needs none,
 * as long as no writer left part of the data in one. */
static int is_still(const char *path)
{
	char log[UR_STORE_PATH + 8];
	struct stat st;

	(void)snprintf(log, sizeof log, "%s-wal", path);
	return stat(log, &st) || !st.st_size;
}

static ur_status connect_to(ur_store *s, const char *name, int flags, ur_err *err)
{
	if (sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL))
		return s->db ? ur_sql_fail(s, err, "open")
		             : ur_fail(err, UR_E_NOMEM, "%s: no memory to open it", ur_path_tail(s->path));
	(void)sqlite3_busy_timeout(s->db, WAIT_MS);
	/* what a stranger's file defines is not run */
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	return UR_OK;
}

static ur_status open_to_read(ur_store *s, const char *name, ur_err *err)
{
	contents what = EMPTY;
	ur_status status = connect_to(s, name, SQLITE_OPEN_READONLY, err);
	int code;

	if (!status)
		status = look(s, &what, err);
	code = sqlite3_errcode(s->db) & 0xff;
	if (status && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && is_still(name)) {
		char *uri = immutable_uri(name);
		sqlite3_close(s->db);
		s->db = NULL;
		status = uri ? connect_to(s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err)
		             : ur_fail(err, UR_E_NOMEM, "%s: no memory to open it", ur_path_tail(s->path));
		free(uri);
		if (!status)
			status = look(s, &what, err);
	}
	/* another process may be making it */
	for (int waited = 0; !status && what == EMPTY && waited < MAKING_MS; waited += PAUSE_MS) {
		usleep(PAUSE_MS * 1000);
		status = look(s, &what, err);
	}
	if (!status && what == EMPTY)
		status = ur_fail(err, UR_E_IO, "%s: there is no run in it yet", ur_path_tail(s->path));
	return status;
}

static ur_status open_to_write(ur_store *s, const char *name, ur_err *err)
{
	contents what = EMPTY;
	ur_status status;

	ur_make_parents(name);
	if ((status = connect_to(s, name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err)) ||
	    (status = look(s, &what, err)))
		return status;
	/* SQLite opens a file it may not write as one to read */
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return ur_fail(err, UR_E_IO, "%s: no permission to write it", ur_path_tail(s->path));
	if (what == EMPTY && (status = make_tables(s, err)))
		return status;
	/* a commit is on the disk when it returns, whatever happens to the machine */
	return ur_sql_run(s, "PRAGMA synchronous = FULL", UR_BIND_NOTHING, err);
}

static ur_status open_file(ur_store *s, const char *name, ur_store_mode mode, ur_err *err)
{
	const char *tail = ur_path_tail(s->path), *slash = strrchr(name, '/');
	struct stat st;
	ur_status status;

	if (!*s->path || strlen(name) + 60 > UR_STORE_PATH)
		return ur_fail(err, UR_E_INVALID, "%s%s", tail,
		               *tail ? ": too long a path for a store" : "the path of a store is empty");
	if (!stat(name, &st)) {
		if (!S_ISREG(st.st_mode))
			return ur_fail(err, UR_E_IO, "%s: is %s; a store is a file", tail,
			               S_ISDIR(st.st_mode) ? "a directory" : "a device or pipe");
		if (st.st_size > 0 && st.st_size < LEAST) /* SQLite takes it for an empty file, and writes over it */
			return ur_fail(err, UR_E_FORMAT, "%s: is not a store of runs; name another file", tail);
	}
	if (mode == UR_STORE_READ && access(name, F_OK))
		return ur_fail(err, UR_E_IO, "%s: there is no store of runs: %s", tail, strerror(errno));
	if (slash && !slash[1])
		return ur_fail(err, UR_E_IO, "%s: names a directory; a store is a file", tail);
	status = mode == UR_STORE_READ ? open_to_read(s, name, err) : open_to_write(s, name, err);
	/* past symbolic links, so that whoever opens this file finds the same locks, from any folder */
	if (!status)
		(void)snprintf(s->folder, sizeof s->folder, "%s.d", sqlite3_db_filename(s->db, "main"));
	return status;
}

ur_status ur_store_open(const char *path, ur_store_mode mode, ur_store **store, ur_err *err)
{
	ur_store *s = calloc(1, sizeof *s);
	char *name = NULL;
	ur_status status;

	*store = NULL;
	/* ":memory:" and "file:..." mean something to SQLite */
	if (!s || !(s->path = strdup(path)) || asprintf(&name, "%s%s", *path == '/' ? "" : "./", path) < 0) {
		status = ur_fail(err, UR_E_NOMEM, "%s: no memory to open it", ur_path_tail(path));
		name = NULL;
	} else {
		status = open_file(s, name, mode, err);
	}
	free(name);
	if (status)
		ur_store_close(s);
	else
		*store = s;
	return status;
}

void ur_store_close(ur_store *s)
{
	if (!s)
		return;
	ur_owner_drop(s);
	(void)sqlite3_close(s->db);
	free(s->path);
	free(s);
}
