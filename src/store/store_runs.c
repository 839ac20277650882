/* Runs and their points: begun, measured, ended. */
#include "store/store_private.h"

#include "base/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ur_status begin(const ur_store *s, const ur_store_run *r, const char *recipe, int64_t *id, ur_err *err)
{
	static const char find[] = "SELECT id FROM run WHERE comparison = ?1 AND kind = ?2 AND name = ?3 AND seed = ?4";
	static const char go_on[] =
		"UPDATE run SET spec = ?2, data = ?3, fingerprint = ?4, command = ?5, machine = ?6, version = ?7, finished = 0,"
		" status = 'running', owner = ?8, recipe = ?9 WHERE id = ?1";
	static const char start[] =
		"INSERT INTO run (comparison, kind, name, seed, spec, data, fingerprint, command, machine, version, owner,"
		" recipe, started, finished, status, steps, tokens, seconds)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, 'running', 0, 0, 0)";
	int64_t known = 0;
	int found = 0;
	ur_status status;

	if (r->comparison) {
		if ((status = ur_sql_int(s, "SELECT 1 FROM comparison WHERE id = ?1", UR_BIND(UR_INT(r->comparison)), &known,
		                         &found, err)))
			return status;
		if (!found)
			return ur_fail(err, UR_E_INVALID, "%s: there is no comparison %" PRId64, ur_path_tail(s->path),
			               r->comparison);
		if ((status = ur_sql_int(s, find, UR_BIND(UR_INT(r->comparison), UR_TEXT(r->kind), UR_TEXT(r->name),
		                                          UR_INT(r->seed)), &known, &found, err)))
			return status;
	}
	if (found) {
		*id = known;
		return ur_sql_run(s, go_on, UR_BIND(UR_INT(known), UR_TEXT(r->spec), UR_TEXT(r->data),
		                  UR_INT((int64_t)r->fingerprint), UR_TEXT(r->command), UR_TEXT(r->machine),
		                  UR_TEXT(r->version), UR_TEXT(s->owner), UR_TEXT_OR_NULL(recipe)), err);
	}
	status = ur_sql_run(s, start, UR_BIND(UR_ID_OR_NULL(r->comparison), UR_TEXT(r->kind), UR_TEXT(r->name),
	                    UR_INT(r->seed), UR_TEXT(r->spec), UR_TEXT(r->data), UR_INT((int64_t)r->fingerprint),
	                    UR_TEXT(r->command), UR_TEXT(r->machine), UR_TEXT(r->version), UR_TEXT(s->owner),
	                    UR_TEXT_OR_NULL(recipe), UR_REAL(r->started > 0 ? r->started : ur_store_now())), err);
	*id = sqlite3_last_insert_rowid(s->db);
	return status;
}

ur_status ur_store_run_begin(ur_store *s, const ur_store_run *run, int64_t *id, ur_err *err)
{
	char *recipe = run->recipe ? json_dumps(run->recipe, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	ur_status status = UR_OK;

	*id = 0;
	if (run->recipe && !recipe)
		status = ur_fail(err, UR_E_NOMEM, "%s: no memory for a run's recipe", ur_path_tail(s->path));
	if (!status && !(status = ur_owner_take(s, err)) && !(status = ur_sql_begin(s, err)))
		status = ur_sql_end(s, begin(s, run, recipe, id, err), err);
	if (status)
		*id = 0;
	free(recipe);
	return status;
}

ur_status ur_store_run_end(ur_store *s, int64_t id, const char *result, int64_t steps, int64_t tokens, double seconds,
                           double loss, ur_err *err)
{
	static const char end[] = "UPDATE run SET status = ?2, steps = ?3, tokens = ?4, seconds = ?5, loss = ?6,"
		" finished = ?7, owner = '' WHERE id = ?1 AND owner = ?8 AND owner <> ''";
	ur_status status = ur_sql_run(s, end, UR_BIND(UR_INT(id), UR_TEXT(result), UR_INT(steps), UR_INT(tokens),
	                              UR_REAL(isfinite(seconds) ? seconds : 0), UR_REAL(loss), UR_REAL(ur_store_now()),
	                              UR_TEXT(s->owner)), err);

	if (!status && !sqlite3_changes(s->db))
		return ur_fail(err, UR_E_INVALID, "%s: run %" PRId64 " is not running here", ur_path_tail(s->path), id);
	return status;
}

/* ---- points ---- */

ur_status ur_store_points(ur_store *s, int64_t run, int n, const ur_store_point *points, ur_err *err)
{
	static const char put[] = "INSERT OR REPLACE INTO point (run, name, step, tokens, seconds, flops, value)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	sqlite3_stmt *statement = NULL;
	int64_t one;
	ur_status status;
	int row, found;

	if (n <= 0)
		return UR_OK;
	if ((status = ur_sql_begin(s, err)))
		return status;
	status = ur_sql_int(s, "SELECT 1 FROM run WHERE id = ?1", UR_BIND(UR_INT(run)), &one, &found, err);
	if (!status && !found)
		status = ur_fail(err, UR_E_INVALID, "%s: there is no run %" PRId64, ur_path_tail(s->path), run);
	if (!status)
		status = ur_sql_prepare(s, put, UR_BIND_NOTHING, &statement, err);
	for (int i = 0; i < n && !status; i++) {
		const ur_store_point *p = &points[i];
		status = ur_sql_bind(s, statement, UR_BIND(UR_INT(run), UR_TEXT(p->name), UR_INT(p->step), UR_INT(p->tokens),
		                     UR_REAL(p->seconds), UR_REAL(p->flops), UR_REAL(p->value)), err);
		if (!status)
			status = ur_sql_row(s, statement, &row, err);
		(void)sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	return ur_sql_end(s, status, err);
}

static json_t *number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

/* A name is any bytes, JSON's keys are UTF-8: 0 if it cannot be one. */
static int add_point(json_t *points, sqlite3_stmt *statement)
{
	const char *name = ur_sql_text(statement, 0);
	json_t *list = json_object_get(points, name), *point;

	if (!list && json_object_set_new(points, name, list = json_array()))
		return 0;
	point = json_pack("[I, I, o, o, o]", (json_int_t)sqlite3_column_int64(statement, 1),
	                  (json_int_t)sqlite3_column_int64(statement, 2), number(ur_sql_real(statement, 3)),
	                  number(ur_sql_real(statement, 4)), number(ur_sql_real(statement, 5)));
	return point && !json_array_append_new(list, point);
}

ur_status ur_store_points_json(ur_store *s, int64_t run, json_t **points, ur_err *err)
{
	static const char get[] = "SELECT name, step, tokens, seconds, flops, value FROM point WHERE run = ?1"
		" ORDER BY name, step";
	sqlite3_stmt *statement;
	ur_status status = ur_sql_prepare(s, get, UR_BIND(UR_INT(run)), &statement, err);
	int row = 1;

	*points = json_object();
	while (!status && !(status = ur_sql_row(s, statement, &row, err)) && row)
		if (!add_point(*points, statement))
			status = ur_fail(err, UR_E_NOMEM, "%s: no memory for the points of run %" PRId64 ", or a name among them "
			                 "is no UTF-8", ur_path_tail(s->path), run);
	sqlite3_finalize(statement);
	if (status) {
		json_decref(*points);
		*points = NULL;
	}
	return status;
}
