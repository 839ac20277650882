/* Comparisons: begun or gone on with, their facts and their folder. */
#include "store/store_private.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static ur_status no_comparison(const ur_store *s, int64_t id, ur_err *err)
{
	return ur_fail(err, UR_E_INVALID, "%s: there is no comparison %" PRId64, ur_path_tail(s->path), id);
}

/* The newest of this key that is not done and that nobody is at; 0: none. */
static ur_status find_left(const ur_store *s, const char *key, int64_t *id, ur_err *err)
{
	static const char open[] = "SELECT id, owner FROM comparison WHERE key = ?1 AND status <> 'done' ORDER BY id DESC";
	sqlite3_stmt *statement;
	ur_status status = ur_sql_prepare(s, open, UR_BIND(UR_TEXT(key)), &statement, err);
	int row = 1;

	*id = 0;
	while (!status && !*id && !(status = ur_sql_row(s, statement, &row, err)) && row)
		if (!ur_owner_alive(s, ur_sql_text(statement, 1)))
			*id = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return status;
}

static ur_status start(const ur_store *s, const ur_store_comparison *c, int fresh, int64_t *id, ur_err *err)
{
	static const char insert[] =
		"INSERT INTO comparison (key, data, fingerprint, command, machine, version, owner, started, finished, status)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 'running')";
	static const char share[] =
		"INSERT INTO fact (comparison, name, json) SELECT ?1, name, json FROM fact WHERE substr(name, 1, 7) = 'shared/'"
		" AND comparison = (SELECT max(id) FROM comparison WHERE key = ?2 AND status = 'done')";
	ur_status status = ur_sql_run(s, insert, UR_BIND(UR_TEXT(c->key), UR_TEXT(c->data), UR_INT((int64_t)c->fingerprint),
	                              UR_TEXT(c->command), UR_TEXT(c->machine), UR_TEXT(c->version), UR_TEXT(s->owner),
	                              UR_REAL(c->started > 0 ? c->started : ur_store_now())), err);

	if (status)
		return status;
	*id = sqlite3_last_insert_rowid(s->db);
	ur_folder_remove(s, *id); /* of an earlier file of this name */
	return fresh ? UR_OK : ur_sql_run(s, share, UR_BIND(UR_INT(*id), UR_TEXT(c->key)), err);
}

/* Within one transaction, so that of two who begin at once the second sees that the first is at it. */
static ur_status begin(const ur_store *s, const ur_store_comparison *c, int fresh, int64_t *id, int *resumed,
                       ur_err *err)
{
	static const char go_on[] = "UPDATE comparison SET owner = ?2, command = ?3, machine = ?4, version = ?5, data = ?6,"
		" fingerprint = ?7 WHERE id = ?1";
	ur_status status = fresh ? UR_OK : find_left(s, c->key, id, err);

	if (status)
		return status;
	*resumed = *id != 0;
	if (!*resumed)
		return start(s, c, fresh, id, err);
	return ur_sql_run(s, go_on, UR_BIND(UR_INT(*id), UR_TEXT(s->owner), UR_TEXT(c->command), UR_TEXT(c->machine),
	                  UR_TEXT(c->version), UR_TEXT(c->data), UR_INT((int64_t)c->fingerprint)), err);
}

ur_status ur_store_comparison_begin(ur_store *s, const ur_store_comparison *c, int fresh, int64_t *id, int *resumed,
                                    ur_err *err)
{
	ur_status status;

	*id = 0;
	*resumed = 0;
	if ((status = ur_owner_take(s, err)) || (status = ur_sql_begin(s, err)))
		return status;
	status = ur_sql_end(s, begin(s, c, fresh, id, resumed, err), err);
	if (status)
		*id = *resumed = 0;
	return status;
}

ur_status ur_store_comparison_end(ur_store *s, int64_t id, ur_err *err)
{
	static const char end[] = "UPDATE comparison SET status = 'done', finished = ?2, owner = ''"
		" WHERE id = ?1 AND owner = ?3 AND owner <> ''";
	ur_status status = ur_sql_run(s, end, UR_BIND(UR_INT(id), UR_REAL(ur_store_now()), UR_TEXT(s->owner)), err);

	if (status)
		return status;
	if (!sqlite3_changes(s->db))
		return ur_fail(err, UR_E_INVALID, "%s: comparison %" PRId64 " is not running here", ur_path_tail(s->path), id);
	ur_folder_remove(s, id);
	return UR_OK;
}

ur_status ur_store_comparison_folder(ur_store *s, int64_t id, char path[UR_STORE_PATH], ur_err *err)
{
	int64_t one;
	int found;
	ur_status status = ur_sql_int(s, "SELECT 1 FROM comparison WHERE id = ?1 AND status <> 'done'", UR_BIND(UR_INT(id)),
	                              &one, &found, err);

	if (status)
		return status;
	if (!found)
		return ur_fail(err, UR_E_INVALID, "%s: there is no comparison %" PRId64 " that is not done",
		               ur_path_tail(s->path), id);
	return ur_folder_make(s, id, path, err);
}

/* ---- facts ---- */

ur_status ur_store_fact_get(ur_store *s, int64_t comparison, const char *name, json_t **fact, ur_err *err)
{
	sqlite3_stmt *statement;
	ur_status status = ur_sql_prepare(s, "SELECT json FROM fact WHERE comparison = ?1 AND name = ?2",
	                                  UR_BIND(UR_INT(comparison), UR_TEXT(name)), &statement, err);
	int row = 0;

	*fact = NULL;
	if (!status && !(status = ur_sql_row(s, statement, &row, err)) && row)
		status = ur_sql_json(s, statement, 0, "a fact of a comparison", fact, err);
	sqlite3_finalize(statement);
	return status;
}

ur_status ur_store_fact_put(ur_store *s, int64_t comparison, const char *name, const json_t *fact, ur_err *err)
{
	static const char put[] = "INSERT OR REPLACE INTO fact (comparison, name, json)"
		" SELECT id, ?2, ?3 FROM comparison WHERE id = ?1";
	char *text = json_dumps(fact, JSON_COMPACT | JSON_ENCODE_ANY);
	ur_status status;

	if (!text)
		return ur_fail(err, UR_E_NOMEM, "%s: no memory for a fact", ur_path_tail(s->path));
	status = ur_sql_run(s, put, UR_BIND(UR_INT(comparison), UR_TEXT(name), UR_TEXT(text)), err);
	free(text);
	return status || sqlite3_changes(s->db) ? status : no_comparison(s, comparison, err);
}
