/* What the files of the store share: the connection, statements with bound values, errors in words, and owners. */
#ifndef UR_STORE_PRIVATE_H
#define UR_STORE_PRIVATE_H

#include "store/store.h"

#include <sqlite3.h>

enum { UR_OWNER = 40 };

struct ur_store {
	sqlite3 *db;
	char *path;                     /* as it was given, for messages */
	char folder[UR_STORE_PATH];     /* "PATH.d": the lock files of owners, the folders of comparisons */
	char owner[UR_OWNER];           /* our lock file in there, held by `lock`; "": none yet */
	int lock;
};

/* ---- statements (store_sql.c) ---- */

/* A value to bind. */
typedef struct ur_value {
	enum { UR_VALUE_END, UR_VALUE_INT, UR_VALUE_REAL, UR_VALUE_TEXT, UR_VALUE_NULL } kind;
	int64_t i;
	double x;
	const char *text;
} ur_value;

#define UR_INT(value) { .kind = UR_VALUE_INT, .i = (value) }
#define UR_REAL(value) { .kind = UR_VALUE_REAL, .x = (value) }      /* NaN becomes NULL */
#define UR_TEXT(value) { .kind = UR_VALUE_TEXT, .text = (value) }   /* NULL becomes "" */
#define UR_TEXT_OR_NULL(value) { .kind = (value) ? UR_VALUE_TEXT : UR_VALUE_NULL, .text = (value) }
#define UR_ID_OR_NULL(value) { .kind = (value) ? UR_VALUE_INT : UR_VALUE_NULL, .i = (value) }
/* Values for ?1, ?2, ... Texts must live until the statement is done. */
#define UR_BIND(...) ((const ur_value[]){ __VA_ARGS__, { .kind = UR_VALUE_END } })
#define UR_BIND_NOTHING ((const ur_value[]){ { .kind = UR_VALUE_END } })

/* Says in words what SQLite just failed at; `doing` is a verb: "write". */
ur_status ur_sql_fail(const ur_store *s, ur_err *err, const char *doing);
/* *statement is the caller's to finalize, NULL on failure. */
ur_status ur_sql_prepare(const ur_store *s, const char *sql, const ur_value *values, sqlite3_stmt **statement,
                         ur_err *err);
ur_status ur_sql_bind(const ur_store *s, sqlite3_stmt *statement, const ur_value *values, ur_err *err);
/* The next row, if there is one. */
ur_status ur_sql_row(const ur_store *s, sqlite3_stmt *statement, int *row, ur_err *err);
/* Runs a statement to its end. */
ur_status ur_sql_run(const ur_store *s, const char *sql, const ur_value *values, ur_err *err);
/* The first column of the first row; *found 0: there is no row, or a NULL. */
ur_status ur_sql_int(const ur_store *s, const char *sql, const ur_value *values, int64_t *value, int *found,
                     ur_err *err);

/* Takes the right to write, then what is looked up stays true until it ends. */
ur_status ur_sql_begin(const ur_store *s, ur_err *err);
/* Commits after UR_OK, else undoes and gives `status` back. */
ur_status ur_sql_end(const ur_store *s, ur_status status, ur_err *err);

/* A column's text, "" for NULL; the statement's. */
const char *ur_sql_text(sqlite3_stmt *statement, int column);
/* A column's number, NaN for NULL. */
double ur_sql_real(sqlite3_stmt *statement, int column);
/* A column's JSON, a new reference; NULL for NULL. `what` is what is damaged if it is none. */
ur_status ur_sql_json(const ur_store *s, sqlite3_stmt *statement, int column, const char *what, json_t **json,
                      ur_err *err);

double ur_store_now(void);

/* ---- owners (store_owner.c) ---- */

/* Makes this store's lock file, once; what is written with s->owner is this process's as long as it lives. */
ur_status ur_owner_take(ur_store *s, ur_err *err);
void ur_owner_drop(ur_store *s);
/* Whether the process that took `owner` still has it. */
int ur_owner_alive(const ur_store *s, const char *owner);
/* "PATH.d/ID", which need not be there. */
ur_status ur_folder_of(const ur_store *s, int64_t comparison, char path[UR_STORE_PATH], ur_err *err);
/* Makes it. */
ur_status ur_folder_make(const ur_store *s, int64_t comparison, char path[UR_STORE_PATH], ur_err *err);
/* Removes it with what is in it. Best effort: a failure leaves files, which the next owner removes. */
void ur_folder_remove(const ur_store *s, int64_t comparison);
/* mkdir -p of what is above the last '/', of which the missing parts are for the user alone. */
void ur_make_parents(const char *path);

#endif
