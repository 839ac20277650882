/* What kinds of events share: lines of text, the fields of records, and what a field's text is. */
#define _GNU_SOURCE
#include "data/events_parts.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

size_t ur_events_line(ur_events *r, const char *piece, size_t n)
{
	const char *end = memchr(piece + r->scanned, '\n', n - r->scanned);

	return end ? (size_t)(end - piece) + 1 : r->ended ? n : 0;
}

ur_status ur_events_text(const ur_events *r, char **piece, size_t *n, ur_err *err)
{
	if (r->taken.bytes == 0 && *n >= 3 && !memcmp(*piece, "\xEF\xBB\xBF", 3)) {
		*piece += 3;
		*n -= 3;
	}
	if (r->taken.bytes == 0 && *n >= 2 && (!memcmp(*piece, "\xFF\xFE", 2) || !memcmp(*piece, "\xFE\xFF", 2)))
		return ur_events_bad(r, err, "this is UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)");
	if (memchr(*piece, 0, *n))
		return ur_events_bad(r, err, "there is a NUL byte: this is no text");
	if (*n && (*piece)[*n - 1] == '\n')
		--*n;
	if (*n && (*piece)[*n - 1] == '\r')
		--*n;
	(*piece)[*n] = 0;
	return UR_OK;
}

/* ---- fields ---- */

ur_status ur_events_add_field(ur_events *r, ur_field **field, ur_err *err)
{
	if (r->fields == UR_FIELDS_MOST)
		return ur_events_bad(r, err, "it has more than %d fields", UR_FIELDS_MOST);
	if (r->fields == r->field_room) {
		const int room = r->field_room ? 2 * r->field_room : 16;
		ur_field *grown = realloc(r->field, (size_t)room * sizeof *grown);
		if (!grown)
			return ur_events_no_memory(r, err);
		r->field = grown;
		r->field_room = room;
	}
	*field = &r->field[r->fields++];
	**field = (ur_field){ .name = NULL };
	return UR_OK;
}

const char *ur_events_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The one way numbers are written that all agree on; strtod also takes hexadecimal, infinities and more. */
static int is_number(const char *text)
{
	const char *whole = text + (*text == '-' || *text == '+'), *end = ur_events_digits(whole), *part;
	ptrdiff_t n = end - whole;

	if (*end == '.') {
		part = end + 1;
		end = ur_events_digits(part);
		n += end - part;
	}
	if (!n)
		return 0;
	if (*end == 'e' || *end == 'E') {
		part = end + 1 + (end[1] == '-' || end[1] == '+');
		end = ur_events_digits(part);
		if (end == part)
			return 0;
	}
	return !*end;
}

void ur_events_read_field(const ur_events *r, ur_field *field)
{
	static const char *const missing[] = { "", "?", "na", "nan", "null" };

	field->value = NAN;
	field->is = UR_FIELD_TEXT;
	if (is_number(field->text)) {
		double value = strtod_l(field->text, NULL, r->plain);
		if (isfinite(value)) {
			field->is = UR_FIELD_NUMBER;
			field->value = value;
		}
		return;
	}
	for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
		if (!strcasecmp(field->text, missing[i]))
			field->is = UR_FIELD_MISSING;
}

void ur_events_record(ur_events *r)
{
	r->event.field = r->field;
	r->event.fields = r->fields;
}

/* ---- reading a record ---- */

int ur_event_find(const ur_event *event, const char *name, int hint)
{
	if (hint >= 0 && hint < event->fields && event->field[hint].name && !strcmp(event->field[hint].name, name))
		return hint;
	for (int i = 0; i < event->fields; i++)
		if (event->field[i].name && !strcmp(event->field[i].name, name))
			return i;
	return -1;
}

ur_status ur_event_float(const ur_events *r, const ur_event *event, int i, float *value, ur_err *err)
{
	const ur_field *f = &event->field[i];
	char which[80];

	*value = NAN;
	if (f->is == UR_FIELD_MISSING)
		return UR_OK;
	*value = (float)f->value;
	if (f->is == UR_FIELD_NUMBER && isfinite(*value))
		return UR_OK;
	if (f->name && *f->name)
		(void)snprintf(which, sizeof which, "%.60s", f->name);
	else
		(void)snprintf(which, sizeof which, "field %d", i + 1);
	return ur_fail(err, UR_E_INVALID, "%s, line %lld: %s is '%.60s', which is %s", ur_path_tail(ur_events_name(r)),
		(long long)event->line, which, f->text, f->is == UR_FIELD_NUMBER ? "too large" : "not a number");
}
