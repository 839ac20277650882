/* jsonl: a JSON object or array a line. */
#include "data/events_parts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS = 32 };

typedef struct jsonl {
	json_t *line;           /* what the event's texts stand in */
	char (*digits)[DIGITS]; /* texts of numbers, one a field */
	size_t room;
} jsonl;

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

static ur_status load(ur_events *r, const char *text, size_t n, ur_err *err)
{
	jsonl *j = r->own;
	json_error_t why;
	size_t fields;

	json_decref(j->line);
	j->line = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!j->line && json_error_code(&why) == json_error_numeric_overflow)
		j->line = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
	if (!j->line && json_error_code(&why) == json_error_out_of_memory)
		return ur_events_no_memory(r, err);
	if (!j->line)
		return ur_events_bad(r, err, "this is not JSON: %s (character %d)", why.text, why.column);
	if (!json_is_object(j->line) && !json_is_array(j->line))
		return ur_events_bad(r, err, "a JSON object, {\"name\": value, ...}, or an array belongs on each line");
	fields = json_is_object(j->line) ? json_object_size(j->line) : json_array_size(j->line);
	if (fields > j->room && fields <= UR_FIELDS_MOST) {
		char (*wider)[DIGITS] = realloc(j->digits, fields * sizeof *wider);
		if (!wider)
			return ur_events_no_memory(r, err);
		j->digits = wider;
		j->room = fields;
	}
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
