/* Events from descriptors: what each kind makes of bytes, that an event is given with its last byte and not later, that
 * how the bytes arrive changes nothing, what is refused and where it goes on, places, and waiting. */
#include "events_from.h"

#include "data/columns.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a source amounts to, as text: an event a line ---- */

enum { SAID = 1 << 16 };
typedef struct said { char text[SAID]; size_t n; } said;

static void say(said *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(said *s, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	s->n += (size_t)vsnprintf(s->text + s->n, SAID - s->n, format, list);
	va_end(list);
	assert_true(s->n < SAID);
}

/* "1 l1 [a=1|b=<x>|c=-]" of a record, numbers bare, texts in <>, missing -; "1 l1 'text'" of text. */
static void say_event(said *s, const ur_event *e)
{
	say(s, "%s%lld l%lld ", e->after_blank ? "~" : "", (long long)e->number, (long long)e->line);
	if (e->bytes) {
		say(s, "'%.*s'\n", (int)e->n, e->bytes);
		return;
	}
	say(s, "[");
	for (int i = 0; i < e->fields; i++) {
		const ur_field *f = &e->field[i];
		say(s, "%s%s%s", i ? "|" : "", f->name ? f->name : "", f->name ? "=" : "");
		assert_int_equal(f->is == UR_FIELD_NUMBER, !isnan(f->value));
		if (f->is == UR_FIELD_NUMBER)
			say(s, "%.17g", f->value);
		else
			say(s, f->is == UR_FIELD_TEXT ? "<%s>" : "-", f->text);
	}
	say(s, "]\n");
}

/* All events, complaints as "! text"; ends at the source's end, or where it would wait. */
static ur_status say_all(ur_events *r, said *s)
{
	const ur_event *e;
	ur_err err = { 0 };
	ur_status status;

	for (;;) {
		status = ur_events_next(r, &e, &err);
		if (status == UR_E_INVALID) {
			assert_null(e);
			say(s, "! %s\n", err.text);
		} else if (status || !e) {
			return status;
		} else {
			say_event(s, e);
		}
	}
}

static int never_wait(void *arg) { (void)arg; return UR_WAIT_NOT; }

/* The same, of bytes that arrive one by one through a pipe; *first_at of them had arrived when the first was said. */
static void say_by_bytes(const ur_events_request *ask, const char *bytes, size_t n, said *s, size_t *first_at)
{
	ur_events_request request = *ask;
	ur_events *r;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	request.fd = ends[0];
	request.idle = never_wait;
	r = reader_of(&request);
	*first_at = 0;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(write(ends[1], bytes + i, 1), 1);
		assert_int_equal(say_all(r, s), UR_E_STOPPED);
		if (!*first_at && s->n)
			*first_at = i + 1;
	}
	close(ends[1]);
	assert_int_equal(say_all(r, s), UR_OK);
	ur_events_close(r);
	close(ends[0]);
}

/* What is said of `bytes`, whole and byte by byte, is `expected`; the first of it comes with byte number `first` (0:
 * not looked at). */
static void check_ask(ur_events_request ask, const char *bytes, size_t n, const char *expected, size_t first)
{
	static said whole, parts;
	ur_events *r;
	size_t first_at;

	whole.n = parts.n = 0;
	whole.text[0] = parts.text[0] = 0;
	ask.fd = file_with(bytes, n);
	r = reader_of(&ask);
	assert_int_equal(say_all(r, &whole), UR_OK);
	ur_events_close(r);
	close(ask.fd);
	assert_string_equal(whole.text, expected);
	say_by_bytes(&ask, bytes, n, &parts, &first_at);
	assert_string_equal(parts.text, expected);
	if (first)
		assert_int_equal(first_at, first);
}

static void check(const char *kind, const char *text, const char *expected, size_t first)
{
	check_ask(request_of(kind, -1), text, strlen(text), expected, first);
}

/* ---- kinds ---- */

static void bytes_and_lines(void **state)
{
	(void)state;
	check("bytes", "a\nb", "1 l1 'a'\n2 l1 '\n'\n3 l2 'b'\n", 1);
	check("lines", "one\n\ntwo\r\nlast", "1 l1 'one\n'\n2 l2 '\n'\n3 l3 'two\r\n'\n4 l4 'last'\n", 4);
	check("lines", "", "", 0);
	check_ask(request_of("lines", -1), "a\0b\n", 4, "1 l1 'a'\n", 4); /* printed up to the NUL */
}

static void a_nul_is_an_ordinary_byte_of_lines(void **state)
{
	ur_events_request ask = request_of("lines", file_with("a\0b\n\0", 5));
	ur_events *r = reader_of(&ask);
	const ur_event *e;

	(void)state;
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(e->n, 4);
	assert_memory_equal(e->bytes, "a\0b\n", 4);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(e->n, 1);
	ur_events_close(r);
	close(ask.fd);
}

/* More of them than any buffer holds, some longer than what is read at once. */
static void many_events(void **state)
{
	enum { EVENTS = 3000 };
	const int fd = memfd_create("events", 0);
	ur_events_request ask = request_of("lines", fd);
	FILE *f = fdopen(dup(fd), "w");
	ur_events *r;
	const ur_event *e;
	char expected[64];

	(void)state;
	for (int i = 0; i < EVENTS; i++)
		fprintf(f, "%d:%*s.\n", i, i * 7919 % (i % 100 ? 50 : 20000), "");
	fclose(f);
	lseek(fd, 0, SEEK_SET);
	r = reader_of(&ask);
	for (int i = 0; i < EVENTS; i++) {
		const int width = i * 7919 % (i % 100 ? 50 : 20000);
		const int n = snprintf(expected, sizeof expected, "%d:", i);
		assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
		assert_int_equal(e->n, (size_t)(n + width + 2));
		assert_int_equal(e->line, i + 1);
		assert_memory_equal(e->bytes, expected, (size_t)n);
		assert_memory_equal(e->bytes + e->n - 2, ".\n", 2);
		for (int k = 0; k < width; k++)
			assert_int_equal(e->bytes[n + k], ' ');
	}
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_null(e);
	ur_events_close(r);
	close(fd);
}

static void csv_records(void **state)
{
	(void)state;
	check("csv", "a,b\n1,2\n3,4\n", "1 l2 [a=1|b=2]\n2 l3 [a=3|b=4]\n", 8);
	check("csv", "1,x\n2,y", "1 l1 [1|<x>]\n2 l2 [2|<y>]\n", 4);
	check("csv", "\xEF\xBB\xBF\"a\",b\r\n1,2\r\n", "1 l2 [a=1|b=2]\n", 15);
	check("csv", "\xEF\xBB\xBF" "1\n", "1 l1 [1]\n", 5);
	check("csv", "a\n\n \n1\n\n2\n", "~1 l4 [a=1]\n~2 l6 [a=2]\n", 7);
	/* quotes */
	check("csv", "1,\"a,\"\"b\"\"\nc\"\n", "1 l1 [1|<a,\"b\"\nc>]\n", 14);
	check("csv", "1,\"\"\n2,\"\"\"\"\n", "1 l1 [1|-]\n2 l2 [2|<\">]\n", 5);
	check("csv", "1, \"a \" \n2, b \"c\" \n", "1 l1 [1|<a >]\n2 l2 [2|<b \"c\">]\n", 9);
	check("csv", "1,\"x\"\r\n", "1 l1 [1|<x>]\n", 7);
	/* blanks, and cells that are not there */
	check("csv", " 1 ,\t2\n", "1 l1 [1|2]\n", 7);
	check("csv", "1,\n,2\n,\n", "1 l1 [1|-]\n2 l2 [-|2]\n3 l3 [-|-]\n", 3);
	check("csv", "1,?,NA,NaN,nan,null,NULL,na\n", "1 l1 [1|-|-|-|-|-|-|-]\n", 28);
}

static void csv_numbers(void **state)
{
	(void)state;
	check("csv", "-1.5,+2,.5,5.,1e3,1E-2,-0,007\n", "1 l1 [-1.5|2|0.5|5|1000|0.01|-0|7]\n", 30);
	check("csv", "1,0x10,inf,1e999,1e,.,-,1 2,1_0,--1,e5\n",
	      "1 l1 [1|<0x10>|<inf>|<1e999>|<1e>|<.>|<->|<1 2>|<1_0>|<--1>|<e5>]\n", 39);
}

static void headers(void **state)
{
	ur_events_request ask = request_of("csv", -1);

	(void)state;
	/* found: texts alone; a missing cell is fine, a number is not */
	check("csv", ",a\n1,2\n", "1 l2 [=1|a=2]\n", 7);
	check("csv", "?,NA\n1,2\n", "1 l1 [-|-]\n2 l2 [1|2]\n", 5);
	check("csv", "a,1\nb,2\n", "1 l1 [<a>|1]\n2 l2 [<b>|2]\n", 4);
	ask.header = UR_HEADER_YES;
	check_ask(ask, "2001,2002\n1,2\n", 14, "1 l2 [2001=1|2002=2]\n", 14);
	/* what should have been one was refused: no row is taken for it */
	check_ask(ask, "a,b,a\n1,2,3\n4,5,6\n", 18,
	          "! input, line 1: two columns are named 'a': give each a name of its own\n"
	          "1 l2 [1|2|3]\n2 l3 [4|5|6]\n", 6);
	check_ask(ask, "\"a\"b,c\n1,2\n", 11, "! input, line 1: there is text behind the closing quote of a cell; a quote "
	          "inside one is doubled\n1 l2 [1|2]\n", 7);
	ask.header = UR_HEADER_NO;
	check_ask(ask, "a,b\nc,d\n", 8, "1 l1 [<a>|<b>]\n2 l2 [<c>|<d>]\n", 4);
	ask.header = UR_HEADER_FIND;
	ask.separator = ';';
	check_ask(ask, "a;b\n1;2,5\n", 10, "1 l2 [a=1|b=<2,5>]\n", 10);
	ask.separator = '\t';
	check_ask(ask, "a\tb\n\t\n1\t\"x\ty\"\n", 14, "1 l2 [a=-|b=-]\n2 l3 [a=1|b=<x\ty>]\n", 6);
}

static void json_lines(void **state)
{
	(void)state;
	check("jsonl", "{\"a\": 1, \"b\": \"x\", \"c\": null}\n", "1 l1 [a=1|b=<x>|c=-]\n", 30);
	check("jsonl", "[1, -2.5e3, \"3\", true, false, \"\", \"NA\"]", "1 l1 [1|-2500|3|1|0|-|-]\n", 0);
	check("jsonl", "\xEF\xBB\xBF{}\r\n\r\n[]\n", "1 l1 []\n~2 l3 []\n", 7);
	check("jsonl", "{\"n\": 123456789012345678901234567890}\n", "1 l1 [n=1.2345678901234568e+29]\n", 38);
}

static void texts_of_json_numbers_read_back(void **state)
{
	static const char text[] = "[0.1, 3.0, 12, 1e300, 0.1234567890123456789, true, -0.0]\n";
	static const char *const expected[] = { "0.1", "3.0", "12", "1e300", "0.12345678901234568", "true", "-0.0" };
	ur_events_request ask = request_of("jsonl", file_with(text, sizeof text - 1));
	ur_events *r = reader_of(&ask);
	const ur_event *e;

	(void)state;
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(e->fields, 7);
	for (int i = 0; i < 7; i++)
		assert_string_equal(e->field[i].text, expected[i]);
	ur_events_close(r);
	close(ask.fd);
}

/* ---- what is refused ---- */

static void bad_records(void **state)
{
	(void)state;
	check("csv", "a,b\n1\n2,3\n4,5,6\n7,8\n",
	      "! input, line 2: it has 1 cells, where the first line has 2\n1 l3 [a=2|b=3]\n"
	      "! input, line 4: it has 3 cells, where the first line has 2\n2 l5 [a=7|b=8]\n", 6);
	check("csv", "a,b,a\n1,2,3\n", "! input, line 1: two columns are named 'a': give each a name of its own\n"
	      "1 l2 [1|2|3]\n", 6);
	check("csv", "1,\"a\"b,\"\n2,x\n", "! input, line 1: there is text behind the closing quote of a cell; a quote "
	      "inside one is doubled\n1 l2 [2|<x>]\n", 9);
	check("csv", "1,\"a\" \"b\"\n2,x\n", "! input, line 1: there is text behind the closing quote of a cell; a quote "
	      "inside one is doubled\n1 l2 [2|<x>]\n", 10);
	/* of a quote that is never closed only its line is lost */
	check("csv", "1,\"a\n2,x\n3,y\n", "! input, line 1: a quote that opens a cell here is never closed\n"
	      "1 l2 [2|<x>]\n2 l3 [3|<y>]\n", 0);
	check_ask(request_of("csv", -1), "1\n\0\n2\n", 6,
	          "1 l1 [1]\n! input, line 2: there is a NUL byte: this is no text\n"
	          "2 l3 [2]\n", 2);
	check_ask(request_of("csv", -1), "\xFF\xFE" "1\0\n\0", 6,
	          "! input, line 1: this is UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)\n"
	          "! input, line 2: there is a NUL byte: this is no text\n", 5);
	check("jsonl", "{\"a\": 1, \"a\": 2}\n{\"a\": [1]}\n[1, {}]\n3\n[1]\n",
	      "! input, line 1: this is not JSON: duplicate object key near '\"a\"' (character 12)\n"
	      "! input, line 2: 'a' has values in it: make each a key of its own\n"
	      "! input, line 3: value 2 has values in it: make each a value of its own\n"
	      "! input, line 4: a JSON object, {\"name\": value, ...}, or an array belongs on each line\n"
	      "1 l5 [1]\n", 17);
}

static void deep_nesting_is_refused(void **state)
{
	enum { DEEP = 100000 };
	static char text[2 * DEEP + 8];
	static said s;
	ur_events_request ask;
	ur_events *r;

	(void)state;
	memset(text, '[', DEEP);
	memset(text + DEEP, ']', DEEP);
	strcpy(text + 2 * DEEP, "\n[7]\n");
	ask = request_of("jsonl", file_with(text, strlen(text)));
	r = reader_of(&ask);
	assert_int_equal(say_all(r, &s), UR_OK);
	assert_non_null(strstr(s.text, "! input, line 1: this is not JSON: maximum parsing depth reached"));
	assert_non_null(strstr(s.text, "\n1 l2 [7]\n"));
	ur_events_close(r);
	close(ask.fd);
}

static void events_that_are_too_long(void **state)
{
	ur_events_request ask = request_of("lines", -1);
	static char wide[3 * UR_EVENT_MOST];
	static said s;
	ur_events *r;

	(void)state;
	ask.most = 5;
	check_ask(ask, "12345678\nabcd\nabcde\n", 20, "! input, line 1: an event begins here that has more than 5 bytes\n"
	          "1 l2 'abcd\n'\n! input, line 3: an event begins here that has more than 5 bytes\n", 0);
	/* one that no buffer holds, and an event behind it */
	memset(wide, 'x', sizeof wide);
	memcpy(wide + sizeof wide - 4, "\nab\n", 4);
	ask.most = 0;
	ask.fd = file_with(wide, sizeof wide);
	r = reader_of(&ask);
	assert_int_equal(say_all(r, &s), UR_OK);
	assert_string_equal(s.text,
	                    "! input, line 1: an event begins here that has more than 1048576 bytes\n1 l2 'ab\n'\n");
	ur_events_close(r);
	close(ask.fd);
	/* a quote that is never closed costs its line, not all that follows */
	ask = request_of("csv", -1);
	ask.most = 12;
	check_ask(ask, "1,2\n3,\"a\n4,5\n6,7\n8,9\n", 21,
	          "1 l1 [1|2]\n! input, line 2: an event begins here that has more than "
	          "12 bytes (is a quote never closed?)\n2 l3 [4|5]\n3 l4 [6|7]\n4 l5 [8|9]\n", 4);
}

static void requests_that_cannot_be(void **state)
{
	ur_events_request ask = request_of("csv", -1);
	ur_err err = { 0 };
	ur_events *r;
	const ur_event *e;
	int ends[2];

	(void)state;
	assert_null(ur_event_kind_find("tsv", &err));
	assert_string_equal(err.text, "there are no events of kind 'tsv'; there are bytes, lines, csv, jsonl");
	for (int i = -3; i < 40; i++)
		assert_int_equal(ur_event_kind_nth(i) != NULL, i >= 0 && i < 4);
	for (const char *p = "\"\n\r 5.-+"; *p; p++) {
		ask.separator = *p;
		assert_int_equal(ur_events_open(&ask, &r, &err), UR_E_INVALID);
		assert_null(r);
	}
	/* a descriptor that is none, and one of a folder */
	ask = request_of("lines", 999);
	r = reader_of(&ask);
	assert_int_equal(ur_events_next(r, &e, &err), UR_E_IO);
	assert_string_equal(err.text, "input could not be read: Bad file descriptor");
	ur_events_close(r);
	ask.fd = open("/", O_RDONLY);
	r = reader_of(&ask);
	assert_int_equal(ur_events_next(r, &e, &err), UR_E_IO);
	assert_string_equal(err.text, "input could not be read: Is a directory");
	ur_events_close(r);
	close(ask.fd);
	/* going on in what cannot be sought, or is too short */
	assert_int_equal(pipe(ends), 0);
	ask.fd = ends[0];
	ask.from = (ur_events_place){ 4, 1, 1 };
	assert_int_equal(ur_events_open(&ask, &r, &err), UR_E_INVALID);
	close(ends[0]);
	close(ends[1]);
	ask.fd = file_with("abc", 3);
	assert_int_equal(ur_events_open(&ask, &r, &err), UR_E_INVALID);
	assert_string_equal(err.text, "input has 3 bytes, but was left at byte 4: it is another file, or was cut");
	close(ask.fd);
}

/* ---- places ---- */

/* From every place that a reader says, another goes on with what is left. */
static void going_on(void **state)
{
	static const struct { const char *kind, *text; } cases[] = {
		{ "bytes", "a\nbc" }, { "lines", "a\n\nb\r\nc" },
		{ "csv", "\xEF\xBB\xBF" "a,b\r\n1,2\r\n\r\n3,\"4\n5\"\n6\n7,8" },
		{ "csv", "1,2\n\n3,4\n5,6" }, { "csv", "x,y\n" },
		{ "csv", "1,\"a\"b\nh,i\n1,2\n3,4\n" }, { "csv", "a,b,a\n1,2,3\n4,5,6\n" }, { "csv", "a,\"b\n1,2\n3,4\n" },
		{ "jsonl", "{\"a\": 1}\n\n{\"a\": 2}\n{]\n{\"a\": 3}" } };

	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		const int fd = file_with(cases[c].text, strlen(cases[c].text));
		ur_events_request ask = request_of(cases[c].kind, fd);
		static said all, part;
		for (int stop = 0;; stop++) {
			ur_events *r;
			const ur_event *e = NULL;
			int given = 0;

			memset(&part, 0, sizeof part);
			ask.from = (ur_events_place){ 0 };
			assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
			r = reader_of(&ask);
			while (given < stop) {
				ur_err err = { 0 };
				ur_status status = ur_events_next(r, &e, &err);
				if (status == UR_E_INVALID)
					say(&part, "! %s\n", err.text);
				else if (!e)
					break;
				else
					say_event(&part, e);
				given += !status;
			}
			ask.from = ur_events_where(r);
			assert_int_equal(ask.from.events, given);
			ur_events_close(r);
			if (given < stop)
				break;
			r = reader_of(&ask);
			assert_int_equal(say_all(r, &part), UR_OK);
			ur_events_close(r);
			if (!stop)
				all = part;
			assert_string_equal(part.text, all.text);
		}
		close(fd);
	}
}

/* What the end cuts is not given where that is asked for, nor found bad; it is there for the next reader, whole. */
static void a_cut_end_is_left(void **state)
{
	static const struct { const char *kind, *text; int given; size_t left; const char *rest; } cases[] = {
		{ "bytes", "a\nb", 3, 0, "c" }, { "lines", "a\nbc", 1, 2, "d\n" }, { "lines", "a\nbc\n", 2, 0, "d\n" },
		{ "lines", "", 0, 0, "a\n" }, { "lines", "abc\r", 0, 4, "\n" }, { "csv", "x,y", 0, 3, "z\n1,2\n" },
		{ "csv", "x,y\n1,2\n3", 1, 1, ",4\n" }, { "csv", "x,y\n1,\"2\"", 0, 5, "\n" },
		{ "csv", "\xEF\xBB", 0, 2, "\xBFx,y\n1,2\n" }, { "jsonl", "[1]\n[2", 1, 2, "]\n" },
		{ "jsonl", "[1]\n[2]", 1, 3, "\n" }, { "jsonl", "[1]\n  ", 1, 2, "[2]\n" } };

	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		ur_events_request ask = request_of(cases[c].kind, file_with(cases[c].text, strlen(cases[c].text)));
		const ur_event *e;
		ur_events *r;
		int given = 0;

		ask.leave = 1;
		r = reader_of(&ask);
		while (assert_int_equal(ur_events_next(r, &e, NULL), UR_OK), e)
			given++;
		assert_int_equal(given, cases[c].given);
		assert_int_equal(ur_events_left(r), cases[c].left);
		assert_int_equal(ur_events_next(r, &e, NULL), UR_OK); /* asked again, it stays so */
		assert_null(e);
		ask.from = ur_events_where(r);
		ur_events_close(r);
		/* written on, it is one event more */
		assert_int_equal(lseek(ask.fd, 0, SEEK_END), strlen(cases[c].text));
		assert_int_equal(write(ask.fd, cases[c].rest, strlen(cases[c].rest)), strlen(cases[c].rest));
		assert_int_equal(lseek(ask.fd, 0, SEEK_SET), 0);
		r = reader_of(&ask);
		assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
		assert_non_null(e);
		assert_int_equal(e->number, cases[c].given + 1);
		assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
		assert_null(e);
		assert_int_equal(ur_events_left(r), 0);
		ur_events_close(r);
		close(ask.fd);
	}
}

/* One that began in the middle says where it is in the source; going on does not mind where the descriptor stands. */
static void going_on_from_the_middle(void **state)
{
	static const char text[] = "skip\none\ntwo\nthree\n";
	ur_events_request ask = request_of("lines", file_with(text, sizeof text - 1));
	ur_events *r;
	const ur_event *e;
	static said rest;

	(void)state;
	assert_int_equal(lseek(ask.fd, 5, SEEK_SET), 5);
	r = reader_of(&ask);
	assert_int_equal(ur_events_where(r).bytes, 5);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_memory_equal(e->bytes, "one\n", 4);
	ask.from = ur_events_where(r);
	assert_int_equal(ask.from.bytes, 9);
	ur_events_close(r);
	r = reader_of(&ask);
	assert_int_equal(say_all(r, &rest), UR_OK);
	assert_string_equal(rest.text, "2 l2 'two\n'\n3 l3 'three\n'\n");
	ur_events_close(r);
	close(ask.fd);
}

/* ---- waiting ---- */

typedef struct waits { int count, fd; } waits;

static int write_when_idle(void *arg)
{
	waits *w = arg;

	if (++w->count == 2)
		assert_int_equal(write(w->fd, "b\n", 2), 2);
	return w->count < 3 ? 1 : UR_WAIT_NOT;
}

static void idle_is_called_before_each_wait(void **state)
{
	int ends[2];
	waits w = { 0 };
	ur_events_request ask = request_of("lines", -1);
	ur_events *r;
	const ur_event *e;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "a\n", 2), 2);
	w.fd = ends[1];
	ask.fd = ends[0];
	ask.idle = write_when_idle;
	ask.arg = &w;
	r = reader_of(&ask);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(w.count, 0); /* nothing had to be waited for */
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_memory_equal(e->bytes, "b\n", 2);
	assert_int_equal(w.count, 2);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_E_STOPPED);
	assert_null(e);
	ur_events_close(r);
	close(ends[0]);
	close(ends[1]);
}

static void waiting_ends_when_woken(void **state)
{
	int ends[2], wake[2];
	ur_events_request ask = request_of("lines", -1);
	ur_events *r;
	const ur_event *e;
	char c;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(wake), 0);
	assert_int_equal(write(ends[1], "one\ntw", 6), 6);
	ask.fd = ends[0];
	ask.wake = wake[0];
	r = reader_of(&ask);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(write(wake[1], "x", 1), 1);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_E_STOPPED);
	/* nothing is lost */
	assert_int_equal(read(wake[0], &c, 1), 1);
	assert_int_equal(write(ends[1], "o\n", 2), 2);
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(e->n, 4);
	assert_memory_equal(e->bytes, "two\n", 4);
	ur_events_close(r);
	close(ends[0]);
	close(ends[1]);
	close(wake[0]);
	close(wake[1]);
}

/* ---- fields by name ---- */

static void fields(void **state)
{
	static const char text[] = "a,b,c,\n1,x,1e300,y\n,2,3,\n";
	ur_events_request ask = request_of("csv", file_with(text, sizeof text - 1));
	ur_events *r = reader_of(&ask);
	const ur_event *e;
	ur_err err = { 0 };
	float value;

	(void)state;
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(ur_event_find(e, "b", 0), 1);
	assert_int_equal(ur_event_find(e, "b", 1), 1);
	assert_int_equal(ur_event_find(e, "b", 99), 1);
	assert_int_equal(ur_event_find(e, "c", -1), 2);
	assert_int_equal(ur_event_find(e, "d", 0), -1);
	assert_int_equal(ur_event_float(r, e, 0, &value, &err), UR_OK);
	assert_true(value == 1);
	assert_int_equal(ur_event_float(r, e, 1, &value, &err), UR_E_INVALID);
	assert_string_equal(err.text, "input, line 2: b is 'x', which is not a number");
	assert_int_equal(ur_event_float(r, e, 2, &value, &err), UR_E_INVALID);
	assert_string_equal(err.text, "input, line 2: c is '1e300', which is too large");
	assert_int_equal(ur_event_float(r, e, 3, &value, &err), UR_E_INVALID);
	assert_string_equal(err.text, "input, line 2: field 4 is 'y', which is not a number"); /* its name is empty */
	assert_int_equal(ur_events_next(r, &e, NULL), UR_OK);
	assert_int_equal(ur_event_float(r, e, 0, &value, &err), UR_OK);
	assert_true(isnan(value));
	ur_events_close(r);
	close(ask.fd);
}

/* ---- the values a model reads ---- */

/* "1 - 3; ! text": what each event's values are for a model of these inputs. */
static void check_columns(const char *kind, const char *text, int n, const char *const *name, const char *expected)
{
	ur_events_request ask = request_of(kind, file_with(text, strlen(text)));
	ur_events *r = reader_of(&ask);
	ur_columns *c;
	const ur_event *e;
	float values[4];
	static said s;
	ur_err err = { 0 };

	s.n = 0;
	assert_int_equal(ur_columns_open(n, name, &c, NULL), UR_OK);
	while (!ur_events_next(r, &e, NULL) && e) {
		if (ur_columns_read(c, r, e, values, &err)) {
			say(&s, "! %s; ", err.text);
			continue;
		}
		for (int i = 0; i < n; i++)
			isnan(values[i]) ? say(&s, "- ") : say(&s, "%g ", (double)values[i]);
		say(&s, "; ");
	}
	assert_string_equal(s.text, expected);
	ur_columns_close(c);
	ur_events_close(r);
	close(ask.fd);
}

static void columns(void **state)
{
	static const char *const names[] = { "b", "a" }, *const half[] = { "b", NULL };

	(void)state;
	/* by name, whatever else there is and wherever it stands */
	check_columns("csv", "a,x,b\n1,text,2\n3,,?\n", 2, names, "2 1 ; - 3 ; ");
	check_columns("jsonl", "{\"a\": 1, \"b\": 2}\n{\"x\": \"t\", \"b\": 4}\n{\"x\": 1}\n{}\n", 2, names,
	              "2 1 ; 4 - ; ! input, line 3: there is no key 'b', which the model reads; there is x; "
	              "! input, line 4: there is no key 'b', which the model reads; there is nothing; ");
	check_columns("csv", "a,c\n1,2\n", 2, names,
	              "! input, line 2: there is no column 'b', which the model reads; there is a, c; ");
	check_columns("csv", "a,b\n1,x\n", 2, names, "! input, line 2: b is 'x', which is not a number; ");
	/* in order: the model or the event lacks names */
	check_columns("csv", "a,b\n1,2\n", 2, NULL, "1 2 ; ");
	check_columns("csv", "a,b\n1,2\n", 2, half, "1 2 ; ");
	check_columns("csv", "1,2\n3,\n", 2, names, "1 2 ; 3 - ; ");
	check_columns("jsonl", "[1, 2]\n[3]\n", 2, names,
	              "1 2 ; ! input, line 2: it has 1 values, where the model reads 2; with names there may be others "
	              "among them; ");
	check_columns("csv", "1,2,3\n1,x\n", 2, NULL, "! input, line 1: it has 3 values, where the model reads 2; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_lines),
		cmocka_unit_test(a_nul_is_an_ordinary_byte_of_lines),
		cmocka_unit_test(many_events),
		cmocka_unit_test(csv_records),
		cmocka_unit_test(csv_numbers),
		cmocka_unit_test(headers),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(texts_of_json_numbers_read_back),
		cmocka_unit_test(bad_records),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(events_that_are_too_long),
		cmocka_unit_test(requests_that_cannot_be),
		cmocka_unit_test(going_on),
		cmocka_unit_test(going_on_from_the_middle),
		cmocka_unit_test(a_cut_end_is_left),
		cmocka_unit_test(idle_is_called_before_each_wait),
		cmocka_unit_test(waiting_ends_when_woken),
		cmocka_unit_test(fields),
		cmocka_unit_test(columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
