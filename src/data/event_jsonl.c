/* jsonl: a JSON object or array a line. */
#define _GNU_SOURCE
#include "data/events_parts.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS = 32 };

typedef struct jsonl {
	json_t *line;           /* what the event's texts stand in */
	char (*digits)[DIGITS]; /* (room) texts of numbers, one a field */
	char **wide;            /* (room) those of numbers that JSON's types do not hold; NULL: it is held */
	int any_wide;
	size_t room;
} jsonl;

/* ---- numbers that neither 64 bits nor a double hold ---- */

/* Behind the number, as JSON writes them, at p; or, *valid 0, behind what there was of one. */
static const char *number_end(const char *p, int *valid, int *whole)
{
	const char *from = p + (*p == '-');

	p = *from == '0' ? from + 1 : ur_events_digits(from);
	*valid = p > from;
	*whole = 1;
	if (*valid && *p == '.') {
		from = p + 1;
		p = ur_events_digits(from);
		*valid = p > from;
		*whole = 0;
	}
	if (*valid && (*p == 'e' || *p == 'E')) {
		from = p + 1 + (p[1] == '-' || p[1] == '+');
		p = ur_events_digits(from);
		*valid = p > from;
		*whole = 0;
	}
	return p;
}

static int is_wide(const ur_events *r, const char *number, int whole)
{
	if (!whole)
		return !isfinite(strtod_l(number, NULL, r->plain));
	errno = 0;
	(void)strtoll(number, NULL, 10);
	return errno == ERANGE;
}

/* Passes over a line, of JSON or not. blanked (a copy of it): numbers too wide become a digit and blanks, so that it is
 * JSON if and only if the line is. wide: of a line that is, sets where those of its `fields` values begin. One of the
 * two is NULL. */
static void find_wide(const ur_events *r, char *text, char *blanked, char **wide, size_t fields)
{
	size_t at = 0;
	int depth = 0, valid, whole;

	for (char *p = text, *end; *p; p = end) {
		end = p + 1;
		if (*p == '"') {
			for (; *end && *end != '"'; end++)
				end += *end == '\\' && end[1];
			end += *end == '"';
		} else if (*p == '-' || (*p >= '0' && *p <= '9')) {
			end = p + (number_end(p, &valid, &whole) - p);
			if (!valid || !is_wide(r, p, whole))
				continue;
			if (wide && depth == 1 && at < fields) {
				wide[at] = p;
			} else if (blanked) {
				const size_t first = (size_t)(p - text) + (*p == '-');
				memset(blanked + first + 1, ' ', (size_t)(end - text) - first - 1);
			}
		} else {
			depth += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
			at += *p == ',' && depth == 1;
		}
	}
}

/* ---- a line ---- */

/* As JSON writes it in any locale, in the fewest digits of 15 to 17 that read back as the same. */
static void real_text(json_t *real, char out[DIGITS])
{
	for (unsigned digits = 15; digits <= 17; digits++) {
		size_t n = json_dumpb(real, out, DIGITS - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
		json_t *again;
		int same;

		out[n < DIGITS ? n : 0] = 0;
		again = json_loadb(out, strlen(out), JSON_DECODE_ANY, NULL);
		same = again && json_equal(again, real);
		json_decref(again);
		if (same)
			return;
	}
}

static ur_status add(ur_events *r, const char *name, json_t *value, ur_err *err)
{
	jsonl *j = r->own;
	ur_field *field;
	ur_status status = ur_events_add_field(r, &field, err);
	char *digits;

	if (status)
		return status;
	digits = j->digits[r->fields - 1];
	field->name = name;
	field->text = digits;
	switch (json_typeof(value)) {
	case JSON_STRING:
		field->text = json_string_value(value);
		break;
	case JSON_INTEGER:
		if (j->any_wide && j->wide[r->fields - 1]) {
			field->text = j->wide[r->fields - 1];
			j->wide[r->fields - 1][strspn(field->text, "+-.0123456789eE")] = 0;
			break;
		}
		(void)snprintf(digits, DIGITS, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		real_text(value, digits);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		field->text = json_is_true(value) ? "true" : "false";
		field->is = UR_FIELD_NUMBER;
		field->value = json_is_true(value);
		return UR_OK;
	case JSON_NULL:
		field->text = "";
		break;
	default:
		if (name)
			return ur_events_bad(r, err, "'%.60s' has values in it: make each a key of its own", name);
		return ur_events_bad(r, err, "value %d has values in it: make each a value of its own", r->fields);
	}
	ur_events_read_field(r, field);
	return UR_OK;
}

static ur_status make_room(ur_events *r, size_t fields, ur_err *err)
{
	jsonl *j = r->own;
	void *wider;

	if (fields > UR_FIELDS_MOST)
		return ur_events_bad(r, err, "it has more than %d fields", UR_FIELDS_MOST);
	if (fields <= j->room)
		return UR_OK;
	if (!(wider = realloc(j->digits, fields * sizeof *j->digits)))
		return ur_events_no_memory(r, err);
	j->digits = wider;
	if (!(wider = realloc(j->wide, fields * sizeof *j->wide)))
		return ur_events_no_memory(r, err);
	j->wide = wider;
	j->room = fields;
	return UR_OK;
}

static ur_status load(ur_events *r, char *text, size_t n, ur_err *err)
{
	jsonl *j = r->own;
	json_error_t why;
	size_t fields;
	ur_status status;

	json_decref(j->line);
	j->line = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	j->any_wide = !j->line && json_error_code(&why) == json_error_numeric_overflow;
	if (j->any_wide) {
		char *copy = malloc(n + 1);
		if (!copy)
			return ur_events_no_memory(r, err);
		memcpy(copy, text, n + 1);
		find_wide(r, text, copy, NULL, 0);
		j->line = json_loadb(copy, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
		free(copy);
	}
	if (!j->line && json_error_code(&why) == json_error_out_of_memory)
		return ur_events_no_memory(r, err);
	if (!j->line)
		return ur_events_bad(r, err, "this is not JSON: %s (character %d)", why.text, why.column);
	if (!json_is_object(j->line) && !json_is_array(j->line))
		return ur_events_bad(r, err, "a JSON object, {\"name\": value, ...}, or an array belongs on each line");
	fields = json_is_object(j->line) ? json_object_size(j->line) : json_array_size(j->line);
	status = make_room(r, fields, err);
	if (status || !j->any_wide)
		return status;
	memset(j->wide, 0, fields * sizeof *j->wide);
	find_wide(r, text, NULL, j->wide, fields);
	return UR_OK;
}

static ur_status jsonl_take(ur_events *r, char *piece, size_t n, int *given, ur_err *err)
{
	jsonl *j = r->own;
	const char *key;
	json_t *value;
	size_t i;
	ur_status status = ur_events_text(r, &piece, &n, err);

	if (status)
		return status;
	if (strspn(piece, " \t") == n) {
		r->blank = 1;
		return UR_OK;
	}
	status = load(r, piece, n, err);
	if (status)
		return status;
	r->event.keyed = json_is_object(j->line);
	if (r->event.keyed) {
		json_object_foreach(j->line, key, value)
			if (!status)
				status = add(r, key, value, err);
	} else {
		json_array_foreach(j->line, i, value)
			if (!status)
				status = add(r, NULL, value, err);
	}
	ur_events_record(r);
	*given = !status;
	return status;
}

static void jsonl_close(ur_events *r)
{
	jsonl *j = r->own;

	json_decref(j->line);
	free(j->digits);
	free(j->wide);
}

const ur_event_kind ur_event_kind_jsonl = {
	.name = "jsonl",
	.about = "each JSON object or array, one a line",
	.records = 1,
	.own = sizeof(jsonl),
	.whole = ur_events_line,
	.take = jsonl_take,
	.close = jsonl_close,
};
