/* Fields by name: where each was in the last event is where it is looked for first. */
#include "data/columns.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct column { const char *name; int at; } column;

struct ur_columns {
	int n, named;           /* named: all have names */
	column column[];
};

ur_status ur_columns_open(int n, const char *const *name, ur_columns **columns, ur_err *err)
{
	ur_columns *c = *columns = malloc(sizeof *c + (size_t)n * sizeof *c->column);

	if (!c)
		return ur_fail(err, UR_E_NOMEM, "out of memory for %d columns", n);
	*c = (ur_columns){ .n = n, .named = name != NULL };
	for (int i = 0; i < n; i++) {
		c->column[i] = (column){ name ? name[i] : NULL, i };
		c->named &= c->column[i].name != NULL;
	}
	return UR_OK;
}

void ur_columns_close(ur_columns *c) { free(c); }

static ur_status bad(const ur_events *r, const ur_event *event, ur_err *err, const char *what, const char *name)
{
	char list[200] = "";
	size_t at = 0;

	for (int i = 0; i < event->fields && at + 70 < sizeof list; i++)
		at += (size_t)snprintf(list + at, sizeof list - at, "%s%.60s", i ? ", " : "",
			event->field[i].name ? event->field[i].name : "");
	return ur_fail(err, UR_E_INVALID, "%s, line %lld: there is no %s '%.60s', which the model reads; there is %s",
		ur_path_tail(ur_events_name(r)), (long long)event->line, what, name, *list ? list : "nothing");
}

static ur_status by_name(ur_columns *c, const ur_events *r, const ur_event *event, float *values, ur_err *err)
{
	int found = 0;

	for (int k = 0; k < c->n; k++) {
		column *const want = &c->column[k];
		const int at = ur_event_find(event, want->name, want->at);
		ur_status status = UR_OK;

		values[k] = NAN;
		if (at >= 0) {
			want->at = at;
			found = 1;
			status = ur_event_float(r, event, at, &values[k], err);
		} else if (!event->keyed) {
			status = bad(r, event, err, "column", want->name);
		}
		if (status)
			return status;
	}
	return found ? UR_OK : bad(r, event, err, "key", c->column[0].name);
}

ur_status ur_columns_read(ur_columns *c, const ur_events *reader, const ur_event *event, float *values, ur_err *err)
{
	ur_status status = UR_OK;

	if (!c->n)
		return UR_OK;
	if (c->named && (event->keyed || (event->fields && event->field[0].name)))
		return by_name(c, reader, event, values, err);
	if (event->fields != c->n)
		return ur_fail(err, UR_E_INVALID, "%s, line %lld: it has %d values, where the model reads %d%s",
			ur_path_tail(ur_events_name(reader)), (long long)event->line, event->fields, c->n,
			c->named ? "; with names there may be others among them" : "");
	for (int k = 0; k < c->n && !status; k++)
		status = ur_event_float(reader, event, k, &values[k], err);
	return status;
}
