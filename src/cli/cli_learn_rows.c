/* Events as rows of features and an answer. */
#include "cli/cli_learn.h"

#include <stdlib.h>

static ur_status no_memory(ur_err *err) { return ur_fail(err, UR_E_NOMEM, "out of memory for columns"); }

/* A field by name, or by number from 1. */
static int find(const ur_event *e, const char *text)
{
	char *end;
	const int at = ur_event_find(e, text, 0);
	const long n = strtol(text, &end, 10);

	return at >= 0 ? at : !*end && n >= 1 && n <= e->fields ? (int)n - 1 : -1;
}

static ur_status lacks(const ur_events *from, const ur_event *e, const char *what, const char *name, ur_err *err)
{
	char has[160] = "", shown[100];

	for (int i = 0; i < e->fields && strlen(has) < 100; i++)
		(void)snprintf(has + strlen(has), sizeof has - strlen(has), "%s%.40s", i ? ", " : "",
		               e->field[i].name ? e->field[i].name : "(no name)");
	return ur_fail(err, UR_E_INVALID, "%.150s, line %lld: there is no %s '%.60s'; the fields are %s",
	               ur_events_name(from),
	               (long long)e->line, what, ur_visible(name, shown, sizeof shown), has);
}

static int left_out(const ur_event *e, int i, const ur_list *without)
{
	for (int k = 0; k < without->n; k++)
		if (find(e, without->text[k]) == i)
			return 1;
	return 0;
}

static ur_status room_for(ur_learn_rows *c, int n, ur_err *err)
{
	c->name = calloc((size_t)n + 1, sizeof *c->name);
	c->at = calloc((size_t)n + 1, sizeof *c->at);
	c->row = calloc((size_t)n + 1, sizeof *c->row);
	return c->name && c->at && c->row ? UR_OK : no_memory(err);
}

/* As they stood in an earlier sitting, whose events had names. */
static ur_status as_before(ur_learn_rows *c, const ur_learn_rows_ask *ask, ur_err *err)
{
	const json_t *at = json_object_get(ask->before, "columns");

	c->target = (int)json_integer_value(json_object_get(ask->before, "column"));
	for (c->features = 0; c->features < ask->features; c->features++) {
		const json_int_t i = json_integer_value(json_array_get(at, (size_t)c->features));
		c->at[c->features] = i >= 0 && i < UR_FIELDS_MOST ? (int)i : 0;
	}
	return c->target >= 0 ? UR_OK : ur_fail(err, UR_E_FORMAT, "the checkpoint's columns are damaged");
}

static ur_status choose(ur_learn_rows *c, const ur_event *e, const ur_learn_rows_ask *ask, ur_err *err)
{
	for (int i = 0; ask->names && i < ask->features; i++) {
		c->name[i] = strdup(ask->names[i]);
		if (!c->name[c->features++])
			return no_memory(err);
	}
	for (int i = 0; !ask->names && i < e->fields; i++) {
		if (i == c->target || left_out(e, i, ask->without))
			continue;
		c->at[c->features] = i;
		if (e->field[i].name && !(c->name[c->features] = strdup(e->field[i].name)))
			return no_memory(err);
		c->features++;
	}
	return UR_OK;
}

ur_status ur_learn_rows_open(ur_learn_rows *c, const ur_events *from, const ur_event *e,
                             const ur_learn_rows_ask *ask, ur_err *err)
{
	ur_status status;

	*c = (ur_learn_rows){ .target = e->fields - 1 };
	if (e->fields < 1)
		return ur_fail(err, UR_E_INVALID, "%.150s, line %lld: an event without fields", ur_events_name(from),
		               (long long)e->line);
	if ((status = room_for(c, e->fields > ask->features ? e->fields : ask->features, err)))
		return status;
	if (ask->before && !e->field[0].name)
		return as_before(c, ask, err);
	if (ask->target && (c->target = find(e, ask->target)) < 0)
		return lacks(from, e, "target", ask->target, err);
	for (int k = 0; k < ask->without->n; k++)
		if (find(e, ask->without->text[k]) < 0)
			return lacks(from, e, "field", ask->without->text[k], err);
	if (e->field[c->target].name && !(c->target_name = strdup(e->field[c->target].name)))
		return no_memory(err);
	if ((status = choose(c, e, ask, err)))
		return status;
	for (int i = 0; i < c->features && ask->names; i++)
		if (ur_event_find(e, c->name[i], i) < 0 && e->field[0].name)
			return lacks(from, e, "field", c->name[i], err);
	if (ask->features < 0 || c->features == ask->features)
		return UR_OK;
	return ur_fail(err, UR_E_INVALID, "%.150s, line %lld: %d fields beside the target, and the model reads %d",
	               ur_events_name(from), (long long)e->line, c->features, ask->features);
}

void ur_learn_rows_close(ur_learn_rows *c)
{
	for (int i = 0; c->name && i < c->features; i++)
		free(c->name[i]);
	free(c->name);
	free(c->at);
	free(c->row);
	free(c->target_name);
	*c = (ur_learn_rows){ 0 };
}

/* Where a field is now: by its name, or, without one, where it always is; -1: it is not there. */
static int place_of(const ur_event *e, const char *name, int at)
{
	return name ? ur_event_find(e, name, at) : at < e->fields ? at : -1;
}

ur_status ur_learn_rows_read(ur_learn_rows *c, const ur_events *from, const ur_event *e, const ur_field **answer,
                             ur_err *err)
{
	const int target = place_of(e, c->target_name, c->target);

	*answer = NULL;
	for (int i = 0; i < c->features; i++) {
		const int at = place_of(e, c->name[i], c->at[i]);
		ur_status status;

		c->row[i] = 0.0f / 0.0f;
		if (at < 0)
			continue; /* a key that is not there is missing, as null is */
		c->at[i] = at;
		if ((status = ur_event_float(from, e, at, &c->row[i], err)))
			return status;
	}
	if (target < 0)
		return UR_OK;
	c->target = target;
	*answer = e->field[target].is == UR_FIELD_MISSING ? NULL : &e->field[target];
	return UR_OK;
}

json_t *ur_learn_rows_json(const ur_learn_rows *c)
{
	json_t *at = json_array();
	char number[16];

	for (int i = 0; i < c->features; i++)
		(void)json_array_append_new(at, json_integer(c->at[i]));
	(void)snprintf(number, sizeof number, "%d", c->target + 1);
	return json_pack("{s:s,s:i,s:o}", "target", c->target_name ? c->target_name : number, "column", c->target,
	                 "columns",
	                 at);
}
