/* Looking at what is stored, newest first, and deleting it. */
#include "store/store_private.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A list's texts, a block for each row. */
typedef struct block {
	struct block *next;
	size_t used;
	char text[];
} block;

static void free_blocks(block *b)
{
	while (b) {
		block *next = b->next;
		free(b);
		b = next;
	}
}

/* A block with room for every column as text: a stranger's tables may have anything anywhere. */
static block *new_block(sqlite3_stmt *row, void **blocks)
{
	size_t bytes = 0;
	block *b;

	for (int i = 0; i < sqlite3_column_count(row); i++)
		bytes += strlen(ur_sql_text(row, i)) + 1;
	if (!(b = malloc(sizeof *b + bytes)))
		return NULL;
	b->next = *blocks;
	b->used = 0;
	*blocks = b;
	return b;
}

static const char *keep(block *b, const char *text)
{
	char *to = b->text + b->used;
	const size_t bytes = strlen(text) + 1;

	memcpy(to, text, bytes);
	b->used += bytes;
	return to;
}

/* "running" is said of what somebody is at; else it was killed. Never longer than what is in the row. */
static const char *true_status(const ur_store *s, const char *status, const char *owner)
{
	return !strcmp(status, "running") && !ur_owner_alive(s, owner) ? "killed" : status;
}

static int wanted(const ur_store_filter *f, const char *status)
{
	return !f->status || !strcmp(f->status, status);
}

/* Room for one more of n elements, in powers of two; NULL: no memory, and the list is as it was. */
static void *grown(void *list, int n, size_t size)
{
	return n & (n - 1) ? list : realloc(list, size * (n ? 2 * (size_t)n : 1));
}

static ur_status no_memory(const ur_store *s, ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "%s: no memory to list it", ur_path_tail(s->path));
}

/* ---- runs ---- */

#define RUN_COLUMNS "id, comparison, kind, name, spec, seed, data, fingerprint, command, machine, version, started, " \
	"finished, status, steps, tokens, seconds, loss, recipe, owner"

static ur_status add_run(const ur_store *s, sqlite3_stmt *row, const ur_store_filter *f, ur_store_runs *out,
                         ur_err *err)
{
	const char *status = true_status(s, ur_sql_text(row, 13), ur_sql_text(row, 19));
	ur_store_run *list, *r;
	json_t *recipe = NULL;
	ur_status failed;
	block *b;

	if (!wanted(f, status))
		return UR_OK;
	if (!(list = grown(out->run, out->n, sizeof *list)))
		return no_memory(s, err);
	out->run = list;
	if (!(b = new_block(row, &out->own)))
		return no_memory(s, err);
	if ((failed = ur_sql_json(s, row, 18, "a run's recipe", &recipe, err)))
		return failed;
	r = &out->run[out->n++];
	*r = (ur_store_run){
		.id = sqlite3_column_int64(row, 0), .comparison = sqlite3_column_int64(row, 1),
		.kind = keep(b, ur_sql_text(row, 2)), .name = keep(b, ur_sql_text(row, 3)),
		.spec = keep(b, ur_sql_text(row, 4)), .seed = sqlite3_column_int64(row, 5),
		.data = keep(b, ur_sql_text(row, 6)), .fingerprint = (uint64_t)sqlite3_column_int64(row, 7),
		.command = keep(b, ur_sql_text(row, 8)),
		.machine = keep(b, ur_sql_text(row, 9)), .version = keep(b, ur_sql_text(row, 10)),
		.started = sqlite3_column_double(row, 11), .finished = sqlite3_column_double(row, 12),
		.status = keep(b, status),
		.steps = sqlite3_column_int64(row, 14), .tokens = sqlite3_column_int64(row, 15),
		.seconds = sqlite3_column_double(row, 16), .loss = ur_sql_real(row, 17), .recipe = recipe,
	};
	return UR_OK;
}

ur_status ur_store_list_runs(ur_store *s, const ur_store_filter *filter, ur_store_runs *out, ur_err *err)
{
	static const char get[] = "SELECT " RUN_COLUMNS " FROM run WHERE (?1 = 0 OR comparison = ?1 OR"
		" (?1 < 0 AND comparison IS NULL)) AND instr(spec, ?2) AND instr(data, ?3) AND (?4 = '' OR kind = ?4)"
		" AND ?5 IN (0, id)" /* instr(x, '') is 1 */
		" ORDER BY id DESC";
	sqlite3_stmt *row;
	ur_status status = ur_sql_prepare(s, get, UR_BIND(UR_INT(filter->comparison), UR_TEXT(filter->spec),
	                                  UR_TEXT(filter->data), UR_TEXT(filter->kind), UR_INT(filter->run)), &row, err);
	int more = 1;

	*out = (ur_store_runs){ 0 };
	while (!status && (!filter->limit || out->n < filter->limit) && !(status = ur_sql_row(s, row, &more, err)) && more)
		status = add_run(s, row, filter, out, err);
	sqlite3_finalize(row);
	if (status)
		ur_store_runs_free(out);
	return status;
}

void ur_store_runs_free(ur_store_runs *list)
{
	for (int i = 0; i < list->n; i++)
		json_decref(list->run[i].recipe);
	free_blocks(list->own);
	free(list->run);
	*list = (ur_store_runs){ 0 };
}

/* ---- comparisons ---- */

static ur_status add_comparison(const ur_store *s, sqlite3_stmt *row, const ur_store_filter *f,
                                ur_store_comparisons *out, ur_err *err)
{
	const char *status = true_status(s, ur_sql_text(row, 9), ur_sql_text(row, 11));
	ur_store_comparison *list;
	block *b;

	if (!wanted(f, status))
		return UR_OK;
	if (!(list = grown(out->comparison, out->n, sizeof *list)))
		return no_memory(s, err);
	out->comparison = list;
	if (!(b = new_block(row, &out->own)))
		return no_memory(s, err);
	out->comparison[out->n++] = (ur_store_comparison){
		.id = sqlite3_column_int64(row, 0), .key = keep(b, ur_sql_text(row, 1)), .data = keep(b, ur_sql_text(row, 2)),
		.command = keep(b, ur_sql_text(row, 3)), .machine = keep(b, ur_sql_text(row, 4)),
		.version = keep(b, ur_sql_text(row, 5)), .fingerprint = (uint64_t)sqlite3_column_int64(row, 6),
		.started = sqlite3_column_double(row, 7), .finished = sqlite3_column_double(row, 8), .status = keep(b, status),
		.runs = sqlite3_column_int(row, 10),
	};
	return UR_OK;
}

ur_status ur_store_list_comparisons(ur_store *s, const ur_store_filter *filter, ur_store_comparisons *out, ur_err *err)
{
	static const char get[] = "SELECT id, key, data, command, machine, version, fingerprint, started, finished, status,"
		" (SELECT count(*) FROM run WHERE comparison = c.id), owner FROM comparison c WHERE (?1 <= 0 OR id = ?1)"
		" AND (?2 = '' OR EXISTS (SELECT 1 FROM run WHERE comparison = c.id AND instr(spec, ?2)))"
		" AND instr(data, ?3) ORDER BY id DESC";
	sqlite3_stmt *row;
	ur_status status = ur_sql_prepare(s, get, UR_BIND(UR_INT(filter->comparison), UR_TEXT(filter->spec),
	                                  UR_TEXT(filter->data)), &row, err);
	int more = 1;

	*out = (ur_store_comparisons){ 0 };
	while (!status && (!filter->limit || out->n < filter->limit) && !(status = ur_sql_row(s, row, &more, err)) && more)
		status = add_comparison(s, row, filter, out, err);
	sqlite3_finalize(row);
	if (status)
		ur_store_comparisons_free(out);
	return status;
}

void ur_store_comparisons_free(ur_store_comparisons *list)
{
	free_blocks(list->own);
	free(list->comparison);
	*list = (ur_store_comparisons){ 0 };
}

/* ---- deleting ---- */

/* That it is there and nobody is at it, and then that it is gone: in one transaction. `find` gives status and owner of
 * it, or rather of whatever is at it. */
static ur_status delete_one(const ur_store *s, const char *what, int64_t id, const char *find, const char *remove,
                            ur_err *err)
{
	sqlite3_stmt *row;
	ur_status status = ur_sql_begin(s, err);
	int n = 0, more = 1, live = 0;

	if (status)
		return status;
	status = ur_sql_prepare(s, find, UR_BIND(UR_INT(id)), &row, err);
	while (!status && !(status = ur_sql_row(s, row, &more, err)) && more) {
		n++;
		live |= !strcmp(true_status(s, ur_sql_text(row, 0), ur_sql_text(row, 1)), "running");
	}
	sqlite3_finalize(row);
	if (!status && !n)
		status = ur_fail(err, UR_E_INVALID, "%s: there is no %s %" PRId64, ur_path_tail(s->path), what, id);
	else if (!status && live)
		status = ur_fail(err, UR_E_INVALID, "%s: %s %" PRId64 " is running; stop that first", ur_path_tail(s->path),
		                 what, id);
	if (!status)
		status = ur_sql_run(s, remove, UR_BIND(UR_INT(id)), err);
	return ur_sql_end(s, status, err);
}

ur_status ur_store_delete_run(ur_store *s, int64_t id, ur_err *err)
{
	return delete_one(s, "run", id, "SELECT status, owner FROM run WHERE id = ?1 UNION ALL SELECT status, owner"
	                  " FROM comparison WHERE id = (SELECT comparison FROM run WHERE id = ?1)",
	                  "DELETE FROM run WHERE id = ?1", err);
}

ur_status ur_store_delete_comparison(ur_store *s, int64_t id, ur_err *err)
{
	ur_status status = delete_one(s, "comparison", id, "SELECT status, owner FROM comparison WHERE id = ?1"
	                              " UNION ALL SELECT status, owner FROM run WHERE comparison = ?1",
	                              "DELETE FROM comparison WHERE id = ?1", err);

	if (!status)
		ur_folder_remove(s, id);
	return status;
}
