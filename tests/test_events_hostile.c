/* Events from sources that mean no good, or that are only unusual: what they may cost, more fields than may be, texts
 * of numbers that no type holds, a locale with a decimal comma, signals while waiting. */
#include "events_from.h"
#include "test_folder.h"

#include "data/events_parts.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <poll.h>

/* ---- work ---- */

/* All events of n bytes, looking at each byte twice at most. */
static void check_work(const char *bytes, size_t n, size_t most, int events, int refused)
{
	ur_events_request ask = request_of("csv", file_with(bytes, n));
	ur_events *r;
	const ur_event *e = NULL;
	ur_status status;

	ask.most = most;
	r = reader_of(&ask);
	do {
		status = ur_events_next(r, &e, NULL);
		events -= e != NULL;
		refused -= status == UR_E_INVALID;
		assert_true(r->looked <= 2 * (int64_t)n); /* here, lest it takes hours to say so */
	} while (e || status == UR_E_INVALID);
	assert_int_equal(status, UR_OK);
	assert_int_equal(events, 0);
	assert_int_equal(refused, 0);
	assert_true(r->looked > (int64_t)n / 2);
	ur_events_close(r);
	close(ask.fd);
}

/* Each line opens a quote, which neither the source's end nor the most that a record may have closes. */
static void quotes_that_are_never_closed(void **state)
{
	enum { LINES = 400000, EACH = 5 };
	char *text = malloc((size_t)LINES * EACH);

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < LINES; i++)
		memcpy(text + (size_t)i * EACH, "a\",\"\n", EACH);
	check_work(text, (size_t)LINES * EACH, 0, 0, LINES);
	check_work(text, (size_t)LINES * EACH / 4, 0, 0, LINES / 4);
	check_work(text, (size_t)LINES * EACH, 100, 0, LINES);
	/* the last closes: the lines that fit before it are one record, of too many fields */
	memcpy(text + (size_t)(LINES - 1) * EACH, "a\"\n1\n", EACH);
	check_work(text, (size_t)LINES * EACH, 0, 1, LINES - UR_EVENT_MOST / EACH + 1);
	free(text);
}

/* The scan that is cut short at the end of line 2 comes to the same end. */
static void a_record_behind_one_that_is_too_long(void **state)
{
	static const char text[] = "1,\"\na\",\"\nx\"\n";
	ur_events_request ask = request_of("csv", file_with(text, sizeof text - 1));
	ur_events *r;
	const ur_event *e;
	ur_err err = { 0 };

	(void)state;
	ask.most = 10;
	ask.header = UR_HEADER_NO;
	r = reader_of(&ask);
	assert_int_equal(ur_events_next(r, &e, &err), UR_E_INVALID);
	assert_says(err, "input, line 1: an event begins here that has more than 10 bytes");
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(e->line, 2);
	assert_int_equal(e->fields, 2);
	assert_string_equal(e->field[0].text, "a\"");
	assert_string_equal(e->field[1].text, "\nx");
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_null(e);
	ur_events_close(r);
	close(ask.fd);
}

/* ---- sizes ---- */

/* `lead`, and a record of UR_FIELDS_MOST + extra ones behind it. */
static void check_fields(const char *kind, const char *lead, int extra)
{
	const int array = !strcmp(kind, "jsonl");
	const size_t before = strlen(lead), ones = 2 * ((size_t)UR_FIELDS_MOST + (size_t)extra);
	char *text = malloc(before + ones + 2), *p = text + before;
	ur_events_request ask;
	ur_events *r;
	const ur_event *e;
	ur_err err = { 0 };

	assert_non_null(text);
	memcpy(text, lead, before);
	if (array)
		*p++ = '[';
	for (size_t i = 0; i < ones; i++)
		*p++ = i % 2 ? ',' : '1';
	p[-1] = array ? ']' : '\n';
	if (array)
		*p++ = '\n';
	ask = request_of(kind, file_with(text, (size_t)(p - text)));
	r = reader_of(&ask);
	if (before)
		assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(ur_events_next(r, &e, &err), extra ? UR_E_INVALID : UR_OK);
	if (extra)
		assert_says(err, ": it has more than 65536 fields");
	else
		assert_int_equal(e->fields, UR_FIELDS_MOST);
	ur_events_close(r);
	close(ask.fd);
	free(text);
}

static void too_many_fields(void **state)
{
	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		check_fields("csv", "", extra);
		check_fields("jsonl", "", extra);
		check_fields("jsonl", "[1]\n", extra);
		check_fields("jsonl", "[1e400, 1]\n", extra);
	}
}

static void events_of_any_size(void **state)
{
	enum { LONG = 200000 };
	static char line[LONG + 1];
	ur_events_request ask;
	ur_events *r;
	const ur_event *e;
	ur_err err = { 0 };

	(void)state;
	memset(line, 'x', LONG);
	line[LONG] = '\n';
	ask = request_of("lines", file_with(line, sizeof line));
	ask.most = PTRDIFF_MAX / 2;
	r = reader_of(&ask);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(e->n, sizeof line);
	ur_events_close(r);
	for (int i = 0; i < 2; i++) {
		ask.most = i ? SIZE_MAX : (size_t)PTRDIFF_MAX / 2 + 1;
		assert_int_equal(ur_events_open(&ask, &r, &err), UR_E_INVALID);
		assert_null(r);
		assert_says(err, "an event may have 4611686018427387903 bytes at most, not ");
	}
	close(ask.fd);
}

/* ---- texts of numbers ---- */

/* Of value i of a line of jsonl, which has n. */
static void text_in(const char *line, int n, int i, char *text, size_t room)
{
	ur_events_request ask = request_of("jsonl", file_with(line, strlen(line)));
	ur_events *r = reader_of(&ask);
	const ur_event *e;

	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(e->fields, n);
	assert_in_range(snprintf(text, room, "%d %s", e->field[i].is, e->field[i].text), 0, room - 1);
	assert_int_equal(e->field[i].is == UR_FIELD_NUMBER, !isnan(e->field[i].value));
	ur_events_close(r);
	close(ask.fd);
}

/* A class is known by its text: that must not depend on what else is in the event. */
static void a_number_has_the_same_text_beside_any_other(void **state)
{
	static const struct { const char *json, *expected; } values[] = {
		{ "1", "0 1" }, { "-0", "0 0" }, { "2.50", "0 2.5" }, { "9223372036854775807", "0 9223372036854775807" },
		{ "9223372036854775808", "0 9223372036854775808" }, { "-9223372036854775809", "0 -9223372036854775809" },
		{ "123456789012345678901234567890", "0 123456789012345678901234567890" }, { "1e400", "1 1e400" },
		{ "-2.5E+999", "1 -2.5E+999" }, { "\"1e400,\\\"]\"", "1 1e400,\"]" }, { "null", "2 " }, { "1e-400", "0 0.0" } };
	enum { VALUES = sizeof values / sizeof *values };
	char line[300], text[60];

	(void)state;
	for (int i = 0; i < VALUES; i++) {
		for (int k = 0; k < VALUES; k++) {
			(void)snprintf(line, sizeof line, "[%s]\n", values[i].json);
			text_in(line, 1, 0, text, sizeof text);
			assert_string_equal(text, values[i].expected);
			(void)snprintf(line, sizeof line, "[%s,%s]", values[k].json, values[i].json);
			text_in(line, 2, 1, text, sizeof text);
			assert_string_equal(text, values[i].expected);
			(void)snprintf(line, sizeof line, "{\"{,\\\\\":%s , \"1e999\":%s}", values[i].json, values[k].json);
			text_in(line, 2, 0, text, sizeof text);
			assert_string_equal(text, values[i].expected);
		}
	}
}

/* A number that no type holds makes nothing else JSON. */
static void what_is_no_json_beside_a_number_too_wide(void **state)
{
	static const char *const lines[] = { "{1e400: 2}", "[--5e400]", "[01e400]", "[-01e400]", "[1.e400]", "[+1e400]",
		"[1e400", "[1e400}", "[1e400, .5e400]", "[5e400.5]", "[1e400e]", "[1e4001-]", "[1e400, \"a]", "[1e400 1e400]",
		"{\"a\": 1e400, \"a\": 1}", "[[1e400]]", "{\"a\": {\"b\": 1e400}}", "1e400", "[1e400]]", "-", "[1e400,\"\\" };

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		ur_events_request ask = request_of("jsonl", file_with(lines[i], strlen(lines[i])));
		ur_events *r = reader_of(&ask);
		const ur_event *e;
		ur_err err = { 0 };

		if (ur_events_next(r, &e, &err) != UR_E_INVALID)
			fail_msg("%s is taken", lines[i]);
		if (strstr(err.text, "overflow"))
			fail_msg("%s: %s", lines[i], err.text);
		ur_events_close(r);
		close(ask.fd);
	}
}

/* ---- locales ---- */

/* A locale with a decimal comma, made here: machines of tests often have none. */
static int take_comma(void)
{
	FILE *f = fopen("comma.src", "w");

	assert_non_null(f);
	fputs("LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\nEND LC_NUMERIC\n", f);
	fclose(f);
	/* it complains of all that is not defined, and goes on */
	if (system("localedef -c -i comma.src ./comma >comma.log 2>&1") < 0)
		return 0;
	setenv("LOCPATH", folder, 1);
	return setlocale(LC_NUMERIC, "comma") && !strcmp(localeconv()->decimal_point, ",");
}

static void numbers_are_the_same_in_every_locale(void **state)
{
	static const char *const lines[][2] = { { "csv", "1.5,0.1\n" }, { "jsonl", "[1.5, 0.1]\n" },
		{ "jsonl", "[1.5, 0.1, 1.5e999]\n" } };

	(void)state;
	if (!take_comma()) {
		print_message("SKIPPED: no locale with a decimal comma could be made (localedef): numbers in other locales are "
			"NOT tested\n");
		skip();
	}
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		ur_events_request ask = request_of(lines[i][0], file_with(lines[i][1], strlen(lines[i][1])));
		ur_events *r = reader_of(&ask);
		const ur_event *e;

		assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
		assert_true(e->field[0].value == 1.5);
		assert_true(e->field[1].value == 0.1);
		assert_string_equal(e->field[0].text, "1.5");
		assert_string_equal(e->field[1].text, "0.1");
		if (e->fields > 2)
			assert_string_equal(e->field[2].text, "1.5e999");
		ur_events_close(r);
		close(ask.fd);
	}
	(void)setlocale(LC_NUMERIC, "C");
	unsetenv("LOCPATH");
}

/* ---- signals ---- */

/* What poll does here: a signal ends it so often where it looks [0] and where it waits [1]; else its time is over at
 * once. */
static int signals[2], polled, waited, idled, unannounced;

int poll(struct pollfd *p, nfds_t n, int ms)
{
	const struct timespec now = { 0 };

	polled++;
	if (ms)
		unannounced += ++waited != idled;
	if (signals[ms != 0]) {
		signals[ms != 0]--;
		errno = EINTR;
		return -1;
	}
	return ppoll(p, n, &now, NULL);
}

static int wait_a_minute(void *arg)
{
	return ++idled <= *(const int *)arg ? 60000 : UR_WAIT_NOT;
}

/* Reads of a pipe with an event in it, and once more, with so many signals each and so many waits. */
static void check_signals(int of_read, int of_wait, int waits)
{
	int ends[2];
	ur_events_request ask = request_of("lines", -1);
	ur_events *r;
	const ur_event *e;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "a\n", 2), 2);
	ask.fd = ends[0];
	ask.idle = wait_a_minute;
	ask.arg = &waits;
	polled = waited = idled = unannounced = 0;
	signals[0] = of_read;
	r = reader_of(&ask);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_non_null(e);
	assert_int_equal(polled, of_read + 1);
	assert_int_equal(idled, 0);
	signals[1] = of_wait;
	assert_int_equal(ur_events_next(r, &e, NULL), UR_E_STOPPED);
	assert_int_equal(waited, waits);
	assert_int_equal(idled, waits + 1);
	assert_int_equal(unannounced, 0);
	assert_int_equal(signals[1], 0);
	ur_events_close(r);
	close(ends[0]);
	close(ends[1]);
}

static void idle_is_called_when_a_signal_ends_a_wait(void **state)
{
	(void)state;
	check_signals(0, 0, 3);
	check_signals(2, 0, 1); /* nothing had to be waited for */
	check_signals(0, 5, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_that_are_never_closed),
		cmocka_unit_test(a_record_behind_one_that_is_too_long),
		cmocka_unit_test(too_many_fields),
		cmocka_unit_test(events_of_any_size),
		cmocka_unit_test(a_number_has_the_same_text_beside_any_other),
		cmocka_unit_test(what_is_no_json_beside_a_number_too_wide),
		cmocka_unit_test(numbers_are_the_same_in_every_locale),
		cmocka_unit_test(idle_is_called_when_a_signal_ends_a_wait),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
