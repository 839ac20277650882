/* A document, of a comparison completed with what the store knows of it, and written as a page. */
#include "report/report.h"

#include "base/file.h"
#include "report/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Points of one curve of one run that a report holds at most: more than a screen has columns for. */
enum { MOST_POINTS = 400 };

/* The comparison of this id (0: the newest) in a list that the caller frees; UR_E_INVALID: there is none. */
static ur_status find(ur_store *store, int64_t id, ur_store_comparisons *list, const ur_store_comparison **found,
                      ur_err *err)
{
	const ur_store_filter one = { .comparison = id, .limit = 1 };
	ur_status status = ur_store_list_comparisons(store, &one, list, err);

	*found = !status && list->n > 0 ? &list->comparison[0] : NULL;
	if (!status && !*found)
		status = id ? ur_fail(err, UR_E_INVALID, "the store has no comparison or lab %" PRId64, id)
		            : ur_fail(err, UR_E_INVALID,
		                      "the store has no comparison or lab yet; 'unroll compare' and 'unroll lab' make them");
	return status;
}

/* At most MOST_POINTS of them: the first, the last and what lies evenly between. None is made up. A new reference. */
static json_t *thinned(json_t *points)
{
	const size_t n = json_array_size(points);
	json_t *some;

	if (n <= MOST_POINTS)
		return json_incref(points);
	some = json_array();
	for (size_t i = 0; some && i < MOST_POINTS; i++)
		if (json_array_append(some, json_array_get(points, i * (n - 1) / (MOST_POINTS - 1)))) {
			json_decref(some);
			some = NULL;
		}
	return some;
}

static ur_status no_memory(ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for a comparison's document");
}

/* The curves of one run, appended to `curves`; nothing when it has none yet. */
static ur_status add_curve(ur_store *store, json_t *run, json_t *curves, ur_err *err)
{
	static const char *const names[] = { "val_loss", "train_loss" };
	const int64_t id = json_integer_value(json_object_get(run, "run"));
	json_t *points = NULL, *curve;
	int n = 0, failed = 0;
	ur_status status;

	if (id <= 0)
		return UR_OK;
	if ((status = ur_store_points_json(store, id, &points, err)))
		return status;
	curve = json_pack("{s:O?,s:I}", "seed", json_object_get(run, "seed"), "run", (json_int_t)id);
	for (size_t i = 0; curve && i < sizeof names / sizeof *names; i++) {
		json_t *of = json_object_get(points, names[i]);
		if (json_array_size(of)) {
			failed |= json_object_set_new(curve, names[i], thinned(of));
			n++;
		}
	}
	failed |= !curve || (n > 0 && json_array_append(curves, curve));
	json_decref(curve);
	json_decref(points);
	return failed ? no_memory(err) : UR_OK;
}

static ur_status add_curves(ur_store *store, json_t *document, ur_err *err)
{
	json_t *contenders = json_object_get(document, "contenders"), *contender, *run;
	size_t i, k;
	ur_status status = UR_OK;

	json_array_foreach(contenders, i, contender) {
		json_t *curves = json_array();

		if (!curves)
			return no_memory(err);
		json_array_foreach(json_object_get(contender, "runs"), k, run)
			if (!status)
				status = add_curve(store, run, curves, err);
		if (!status && json_is_object(contender) && json_object_set(contender, "curves", curves))
			status = no_memory(err);
		json_decref(curves);
		if (status)
			return status;
	}
	return UR_OK;
}

/* null where there is no text, or it is no UTF-8, as a path may be. */
static json_t *text_or_null(const char *text)
{
	json_t *json = text ? json_string(text) : NULL;

	return json ? json : json_null();
}

/* Of a comparison that was begun and has not said more. */
static json_t *bare(const ur_store_comparison *c)
{
	return json_pack("{s:i,s:s,s:f,s:o,s:o,s:{s:o},s:{s:o},s:[]}", "schema", 1, "state",
	                 strcmp(c->status, "done") ? "running" : "done", "started", c->started,
	                 "version", text_or_null(c->version), "command", text_or_null(c->command),
	                 "data", "path", text_or_null(c->data), "machine", "processor", text_or_null(c->machine),
	                 "contenders");
}

ur_status ur_report_json(ur_store *store, int64_t id, json_t **document, ur_err *err)
{
	ur_store_comparisons list = { 0 };
	const ur_store_comparison *c;
	json_t *found = NULL;
	ur_status status = find(store, id, &list, &c, err);

	*document = NULL;
	if (!status)
		status = ur_store_fact_get(store, c->id, UR_STORE_DOCUMENT, &found, err);
	if (!status && found && !json_is_object(found))
		status = ur_fail(err, UR_E_FORMAT, "comparison %" PRId64 ": its document is no JSON object", c->id);
	if (!status && !found && !(found = bare(c)))
		status = no_memory(err);
	/* "status" tells a comparison that is at work from one that was cut off, which the document cannot know */
	if (!status && (json_object_set_new(found, "id", json_integer((json_int_t)c->id)) ||
	                json_object_set_new(found, "status", json_string(c->status))))
		status = no_memory(err);
	if (!status)
		status = add_curves(store, found, err);
	ur_store_comparisons_free(&list);
	if (status)
		json_decref(found);
	else
		*document = found;
	return status;
}

ur_status ur_report_write(ur_store *store, int64_t id, const char *path, ur_err *err)
{
	json_t *document;
	char *json = NULL, *text = NULL;
	size_t json_bytes = 0, bytes = 0;
	ur_file *file = NULL;
	ur_status status = ur_report_json(store, id, &document, err);

	if (!status && !(json = ur_page_json(document, &json_bytes)))
		status = no_memory(err);
	if (!status)
		status = ur_page_text(ur_page_of(document), json, json_bytes, 0, &text, &bytes, err);
	if (!status)
		status = ur_file_begin(path, &file, err);
	if (!status && (status = ur_file_write(file, text, bytes, err))) {
		ur_file_abandon(file);
		file = NULL;
	}
	if (!status)
		status = ur_file_commit(file, err);
	json_decref(document);
	free(json);
	free(text);
	return status;
}
