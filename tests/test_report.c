/* The report: what the document becomes, that no text in it can break out of the page, and the live page's server. */
#define _GNU_SOURCE
#include "report/page.h"
#include "report/report.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define HOSTILE "</script><img src=x onerror=alert(1)> <!-- \xE2\x80\xA8 \" & {{nonce}} "

static char folder[64], path[80];

static void ok(ur_status status, const ur_err *err)
{
	if (status)
		fail_msg("status %d: %s", (int)status, err->text);
}

/* A store of the test's own, empty. */
static int open_folder(void **unused)
{
	(void)unused;
	strcpy(folder, "/tmp/unroll-report-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof path, "%s/runs.db", folder);
	return 0;
}

static int close_folder(void **unused)
{
	char command[100];

	(void)unused;
	(void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static ur_store *open_store(ur_store_mode mode)
{
	ur_store *store = NULL;
	ur_err err = { 0 };

	ok(ur_store_open(path, mode, &store, &err), &err);
	return store;
}

static int64_t begin(ur_store *store)
{
	const ur_store_comparison c = { .key = "k", .data = "text.txt", .command = "unroll compare " HOSTILE,
		.machine = "a machine", .version = "0.1.0", .started = 1000 };
	int64_t id = 0;
	int resumed;
	ur_err err = { 0 };

	ok(ur_store_comparison_begin(store, &c, 1, &id, &resumed, &err), &err);
	return id;
}

static void put(ur_store *store, int64_t id, json_t *document)
{
	ur_err err = { 0 };

	assert_non_null(document);
	ok(ur_store_fact_put(store, id, UR_STORE_DOCUMENT, document, &err), &err);
	json_decref(document);
}

static int64_t put_run(ur_store *store, int64_t comparison, int seed, int points)
{
	const ur_store_run run = { .comparison = comparison, .kind = "main", .name = "lstm", .spec = "lstm:1x8",
		.seed = seed, .data = "text.txt", .command = "c", .machine = "m", .version = "v", .started = 1,
		.status = "running" };
	ur_store_point *p = calloc((size_t)points + 1, sizeof *p);
	int64_t id;
	ur_err err = { 0 };

	ok(ur_store_run_begin(store, &run, &id, &err), &err);
	for (int i = 0; i < points; i++)
		p[i] = (ur_store_point){ "val_loss", i, 10 * i, 0.5 * i, 100.0 * i, i == 1 ? NAN : 4.0 / (i + 1) };
	ok(ur_store_points(store, id, points, p, &err), &err);
	free(p);
	return id;
}

static json_t *document_of(ur_store *store, int64_t id)
{
	json_t *document = NULL;
	ur_err err = { 0 };

	ok(ur_report_json(store, id, &document, &err), &err);
	assert_non_null(document);
	return document;
}

static char *read_all(const char *name, size_t *bytes)
{
	FILE *f = fopen(name, "rb");
	char *text;

	assert_non_null(f);
	(void)fseek(f, 0, SEEK_END);
	*bytes = (size_t)ftell(f);
	rewind(f);
	text = calloc(*bytes + 1, 1);
	assert_int_equal(fread(text, 1, *bytes, f), *bytes);
	(void)fclose(f);
	return text;
}

static int count(const char *text, const char *part)
{
	int n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* ---- the document ---- */

static void empty_store_has_nothing(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	json_t *document;
	ur_err err = { 0 };
	ur_live *live;
	int port = 0;

	(void)unused;
	assert_int_equal(ur_report_json(store, 0, &document, &err), UR_E_INVALID);
	assert_null(document);
	assert_non_null(strstr(err.text, "no comparison"));
	assert_int_equal(ur_report_json(store, 7, &document, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "7"));
	assert_int_equal(ur_report_write(store, 0, "never.html", &err), UR_E_INVALID);
	assert_int_equal(access("never.html", F_OK), -1);
	assert_int_equal(ur_live_start(path, 0, &port, &live, &err), UR_E_INVALID);
	assert_null(live);
	ur_store_close(store);
}

static void newest_or_the_one_asked_for(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	int64_t first = begin(store), second = begin(store);
	json_t *document;

	(void)unused;
	put(store, first, json_pack("{s:i,s:s}", "schema", 1, "state", "done"));
	put(store, second, json_pack("{s:i,s:s}", "schema", 1, "state", "running"));
	document = document_of(store, 0);
	assert_int_equal(json_integer_value(json_object_get(document, "id")), second);
	json_decref(document);
	document = document_of(store, first);
	assert_int_equal(json_integer_value(json_object_get(document, "id")), first);
	assert_string_equal(json_string_value(json_object_get(document, "state")), "done");
	json_decref(document);
	ur_store_close(store);
}

/* A comparison that was begun and has written nothing yet, and one that is cut off. */
static void without_a_document(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	json_t *document;

	(void)unused;
	begin(store);
	document = document_of(store, 0);
	assert_string_equal(json_string_value(json_object_get(document, "state")), "running");
	assert_string_equal(json_string_value(json_object_get(document, "status")), "running");
	assert_true(json_is_array(json_object_get(document, "contenders")));
	json_decref(document);
	ur_store_close(store);
	store = open_store(UR_STORE_READ);
	document = document_of(store, 0);
	assert_string_equal(json_string_value(json_object_get(document, "status")), "killed");
	json_decref(document);
	ur_store_close(store);
}

static void curves_come_from_the_runs(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	int64_t id = begin(store), one = put_run(store, id, 1, 5), two = put_run(store, id, 2, 1000);
	int64_t none = put_run(store, id, 3, 0);
	json_t *document, *curves, *points;

	(void)unused;
	put(store, id, json_pack("{s:[{s:s,s:[{s:I,s:i},{s:I,s:i},{s:I,s:i},{s:n,s:i}]},{s:s},{s:s,s:n}]}", "contenders",
		"name", "lstm", "runs", "run", (json_int_t)one, "seed", 1, "run", (json_int_t)two, "seed", 2,
		"run", (json_int_t)none, "seed", 3, "run", "seed", 4, "name", "bare", "name", "null", "runs"));
	document = document_of(store, id);
	curves = json_object_get(json_array_get(json_object_get(document, "contenders"), 0), "curves");
	assert_int_equal(json_array_size(curves), 2); /* the third has no points, the fourth no run */
	assert_int_equal(json_integer_value(json_object_get(json_array_get(curves, 0), "seed")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(curves, 0), "run")), one);
	points = json_object_get(json_array_get(curves, 0), "val_loss");
	assert_int_equal(json_array_size(points), 5);
	assert_int_equal(json_integer_value(json_array_get(json_array_get(points, 4), 0)), 4);
	assert_int_equal(json_integer_value(json_array_get(json_array_get(points, 4), 1)), 40);
	assert_true(fabs(json_number_value(json_array_get(json_array_get(points, 4), 4)) - 0.8) < 1e-12);
	assert_true(json_is_null(json_array_get(json_array_get(points, 1), 4)));
	/* a long curve is thinned: its ends stay, and no point is made up */
	points = json_object_get(json_array_get(curves, 1), "val_loss");
	assert_int_equal(json_array_size(points), 400);
	assert_int_equal(json_integer_value(json_array_get(json_array_get(points, 0), 0)), 0);
	assert_int_equal(json_integer_value(json_array_get(json_array_get(points, 399), 0)), 999);
	for (size_t i = 2; i < 400; i++) {
		const int64_t step = json_integer_value(json_array_get(json_array_get(points, i), 0));
		const double value = json_number_value(json_array_get(json_array_get(points, i), 4));
		assert_true(step > json_integer_value(json_array_get(json_array_get(points, i - 1), 0)));
		assert_true(fabs(value - 4.0 / (double)(step + 1)) < 1e-12);
	}
	assert_true(json_is_array(json_object_get(json_array_get(json_object_get(document, "contenders"), 1), "curves")));
	json_decref(document);
	ur_store_close(store);
}

static void odd_documents(void **unused)
{
	static const char *const odd[] = {
		"{}", "{\"contenders\": null}", "{\"contenders\": 3}", "{\"contenders\": [1, null, []]}",
		"{\"contenders\": [{\"runs\": [null, 5, {\"run\": \"x\"}, {\"run\": -1}, {\"run\": 99999}]}]}",
	};
	ur_store *store = open_store(UR_STORE_WRITE);
	int64_t id = begin(store);
	json_t *document;
	ur_err err = { 0 };

	(void)unused;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		put(store, id, json_loads(odd[i], 0, NULL));
		json_decref(document_of(store, id));
	}
	put(store, id, json_loads("[1]", 0, NULL));
	assert_int_equal(ur_report_json(store, id, &document, &err), UR_E_FORMAT);
	assert_null(document);
	ur_store_close(store);
}

/* ---- the page ---- */

/* A document with hostile texts, written as a page, and read back from it; a new reference. */
static json_t *through_a_page(json_t *in)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	int64_t id = begin(store);
	char file[100], *page, *begins, *ends, *json;
	size_t bytes;
	json_t *document;
	ur_err err = { 0 };

	put(store, id, in);
	(void)snprintf(file, sizeof file, "%s/page.html", folder);
	ok(ur_report_write(store, id, file, &err), &err);
	page = read_all(file, &bytes);
	assert_int_equal(strlen(page), bytes);
	/* the document's script ends where the page says, and holds no '<' at all */
	begins = strstr(page, "<script type=\"application/json\"");
	assert_non_null(begins);
	begins = strchr(begins, '>') + 1;
	ends = strchr(begins, '<');
	assert_non_null(ends);
	assert_memory_equal(ends, "</script>", 9);
	assert_null(memmem(begins, (size_t)(ends - begins), "\xE2\x80\xA8", 3));
	/* what it says is still what was put in */
	json = strndup(begins, (size_t)(ends - begins));
	document = json_loads(json, 0, NULL);
	assert_non_null(document);
	/* braces in data are no place holders */
	assert_non_null(strstr(json, "{{nonce}}"));
	free(json);
	free(page);
	ur_store_close(store);
	return document;
}

static void hostile_text_stays_text(void **unused)
{
	json_t *document = through_a_page(json_pack("{s:s,s:[{s:s,s:s}],s:s}", "state", "done", "contenders",
		"name", HOSTILE, "sample", HOSTILE, "</script>", "a key")), *of;

	(void)unused;
	of = json_array_get(json_object_get(document, "contenders"), 0);
	assert_string_equal(json_string_value(json_object_get(of, "name")), HOSTILE);
	assert_non_null(json_object_get(document, "</script>"));
	json_decref(document);
	document = through_a_page(json_pack("{s:s,s:s,s:[{s:s,s:[{s:s}]}],s:s}", "kind", "lab", "state", "done",
		"experiments", "title", HOSTILE, "questions", "because", HOSTILE, "</script>", "a key"));
	of = json_array_get(json_object_get(document, "experiments"), 0);
	assert_string_equal(json_string_value(json_object_get(of, "title")), HOSTILE);
	of = json_array_get(json_object_get(of, "questions"), 0);
	assert_string_equal(json_string_value(json_object_get(of, "because")), HOSTILE);
	assert_non_null(json_object_get(document, "</script>"));
	/* a lab has no contenders, and is given none */
	assert_null(json_object_get(document, "contenders"));
	json_decref(document);
}


/* `its` is in the page of this document, and `another` is not. */
static void whole_and_alone(json_t *document, const char *its, const char *another)
{
	const ur_page *kind = ur_page_of(document);
	size_t bytes, json_bytes;
	char *json = ur_page_json(document, &json_bytes), *page, *other, nonce[60], *at;
	ur_err err = { 0 };

	ok(ur_page_text(kind, json, json_bytes, 0, &page, &bytes, &err), &err);
	assert_int_equal(strlen(page), bytes);
	assert_memory_equal(page, "<!doctype html>", 15);
	assert_string_equal(page + bytes - 8, "</html>\n");
	assert_int_equal(count(page, "{{"), 0);
	assert_non_null(strstr(page, "Chart.js v3"));
	assert_non_null(strstr(page, its));
	assert_null(strstr(page, another));
	assert_non_null(strstr(page, "default-src 'none'"));
	assert_non_null(strstr(page, "connect-src 'none'"));
	assert_null(strstr(page, "unsafe"));
	/* nothing from elsewhere: no address in an attribute, no import */
	assert_null(strstr(page, "src=\""));
	assert_null(strstr(page, "@import"));
	assert_null(strstr(page, "innerHTML ="));
	assert_int_equal(count(page, "href=\""), 2); /* the icon, which is data, and the skip link */
	/* every script and style has the number, and another page another one */
	at = strstr(page, "'nonce-");
	assert_non_null(at);
	(void)snprintf(nonce, sizeof nonce, " nonce=\"%.32s\"", at + 7);
	/* Chart.js has no tags in it */
	assert_int_equal(count(page, nonce), count(page, "<script") + count(page, "<style"));
	ok(ur_page_text(kind, json, json_bytes, 1, &other, &bytes, &err), &err);
	assert_null(strstr(other, nonce));
	assert_non_null(strstr(other, "connect-src 'self'"));
	assert_non_null(strstr(other, "data-mode=\"live\""));
	free(page);
	free(other);
	free(json);
	json_decref(document);
}

static void page_is_whole_and_alone(void **unused)
{
	(void)unused;
	whole_and_alone(json_pack("{s:i}", "schema", 1), "const Translated =", "const LabQuiz =");
	whole_and_alone(json_pack("{s:i,s:s}", "schema", 1, "kind", "lab"), "const LabQuiz =", "const Translated =");
	/* what is no kind at all has a comparison's page */
	assert_ptr_equal(ur_page_of(NULL), ur_page_of(json_null()));
}

static void written_whole_or_not_at_all(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	char file[100], *page;
	size_t bytes;
	struct dirent *entry;
	DIR *dir;
	FILE *f;
	ur_err err = { 0 };

	(void)unused;
	begin(store);
	(void)snprintf(file, sizeof file, "%s/page.html", folder);
	f = fopen(file, "w");
	assert_non_null(f);
	(void)fputs("before", f);
	(void)fclose(f);
	/* a comparison that is not there leaves the file alone */
	assert_int_equal(ur_report_write(store, 99, file, &err), UR_E_INVALID);
	page = read_all(file, &bytes);
	assert_string_equal(page, "before");
	free(page);
	ok(ur_report_write(store, 0, file, &err), &err);
	page = read_all(file, &bytes);
	assert_non_null(strstr(page, "</html>"));
	free(page);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		assert_null(strstr(entry->d_name, ".tmp-"));
	(void)closedir(dir);
	assert_int_equal(ur_report_write(store, 0, "/nowhere/page.html", &err), UR_E_IO);
	assert_non_null(strstr(err.text, "/nowhere"));
	ur_store_close(store);
}

/* ---- the server ---- */

/* One request with these bytes to the port; the whole answer, until the server closes or 5 s are over. */
static char *ask(int port, const char *request)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const struct timeval limit = { .tv_sec = 5 };
	size_t room = 1 << 20, used = 0;
	char *answer = calloc(room, 1);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t n;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(s >= 0 && answer);
	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
	assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(s, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while (used + 1 < room && (n = recv(s, answer + used, room - used - 1, 0)) > 0)
		used += (size_t)n;
	(void)close(s);
	return answer;
}

static char *get(int port, const char *method, const char *what, const char *host, const char *more)
{
	char request[600];

	(void)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\n%s%sConnection: close\r\n\r\n",
	               method, what, host, more);
	return ask(port, request);
}

static int code_of(const char *answer)
{
	int code = 0;

	return sscanf(answer, "HTTP/1.1 %d", &code) == 1 ? code : 0;
}

static void expect(int port, const char *method, const char *what, const char *host, int code)
{
	char *answer = get(port, method, what, host, "");

	if (code_of(answer) != code)
		fail_msg("%s %s with '%s': %d instead of %d", method, what, host, code_of(answer), code);
	/* every answer, also one that refuses */
	if (code != 400) {
		assert_non_null(strcasestr(answer, "X-Content-Type-Options: nosniff"));
		assert_non_null(strcasestr(answer, "Content-Security-Policy: default-src 'none'"));
	}
	assert_null(strcasestr(answer, "Access-Control-Allow"));
	free(answer);
}

static void server_answers_and_refuses(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	char host[80], wrong[80], *answer;
	ur_live *live, *second;
	int port = 0, same;
	ur_err err = { 0 };

	(void)unused;
	put(store, begin(store), json_pack("{s:s}", "state", "running"));
	ok(ur_live_start(path, 0, &port, &live, &err), &err);
	assert_true(port > 0);
	(void)snprintf(host, sizeof host, "Host: 127.0.0.1:%d\r\n", port);
	(void)snprintf(wrong, sizeof wrong, "Host: evil.example:%d\r\n", port);
	expect(port, "GET", "/", host, 200);
	expect(port, "HEAD", "/", host, 200);
	expect(port, "GET", "/document.json", host, 200);
	expect(port, "GET", "/document.json?x=1", host, 200);
	expect(port, "GET", "/favicon.ico", host, 404);
	expect(port, "GET", "/../../etc/passwd", host, 404);
	expect(port, "POST", "/", host, 405);
	expect(port, "DELETE", "/document.json", host, 405);
	expect(port, "OPTIONS", "/", host, 405);
	expect(port, "GET", "/", wrong, 403);
	expect(port, "GET", "/document.json", wrong, 403);
	expect(port, "GET", "/", "Host: 127.0.0.1\r\n", 403);
	expect(port, "GET", "/", "Host: 127.0.0.1.evil.example\r\n", 403);
	expect(port, "GET", "/", "", 400);
	(void)snprintf(host, sizeof host, "Host: LocalHost:%d\r\n", port);
	expect(port, "GET", "/", host, 200);

	answer = get(port, "POST", "/", host, "Content-Length: 3\r\n");
	assert_int_equal(code_of(answer), 405);
	assert_non_null(strcasestr(answer, "Allow: GET, HEAD"));
	free(answer);
	answer = get(port, "HEAD", "/", host, "");
	assert_non_null(strcasestr(answer, "Content-Type: text/html; charset=utf-8"));
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n"); /* no body */
	free(answer);
	free(ask(port, "nonsense\r\n\r\n"));
	/* a port that is taken */
	same = port;
	assert_int_equal(ur_live_start(path, 0, &same, &second, &err), UR_E_IO);
	assert_null(second);
	assert_non_null(strstr(err.text, "taken"));
	ur_live_stop(live);
	ur_live_stop(NULL);
	ur_store_close(store);
}

/* The tag of an answer, with its quotes. */
static void tag_of(const char *answer, char tag[80])
{
	const char *at = strcasestr(answer, "ETag: ");

	assert_non_null(at);
	(void)snprintf(tag, 80, "%.*s", (int)strcspn(at + 6, "\r\n"), at + 6);
}

static void polling_costs_nothing(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	int64_t id = begin(store);
	char host[80], more[160], tag[80], other[80], *answer;
	ur_live *live;
	int port = 0;
	ur_err err = { 0 };

	(void)unused;
	put(store, id, json_pack("{s:s,s:f}", "state", "running", "seconds", 1.0));
	ok(ur_live_start(path, 0, &port, &live, &err), &err);
	(void)snprintf(host, sizeof host, "Host: 127.0.0.1:%d\r\n", port);
	answer = get(port, "GET", "/document.json", host, "");
	tag_of(answer, tag);
	assert_non_null(strstr(answer, "\"seconds\":1.0"));
	free(answer);
	(void)snprintf(more, sizeof more, "If-None-Match: %s\r\n", tag);
	answer = get(port, "GET", "/document.json", host, more);
	assert_int_equal(code_of(answer), 304);
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
	/* it changes: another tag, and the new text to who asks with the old one. A later comparison changes nothing. */
	put(store, id, json_pack("{s:s,s:f}", "state", "running", "seconds", 2.0));
	put(store, begin(store), json_pack("{s:s,s:f}", "state", "running", "seconds", 3.0));
	usleep(400000);
	answer = get(port, "GET", "/document.json", host, more);
	assert_int_equal(code_of(answer), 200);
	tag_of(answer, other);
	assert_string_not_equal(tag, other);
	assert_non_null(strstr(answer, "\"seconds\":2.0"));
	free(answer);
	ur_live_stop(live);
	ur_store_close(store);
}

static int shared_port;

static void *ask_often(void *arg)
{
	char host[80], *answer;
	int *good = arg;

	(void)snprintf(host, sizeof host, "Host: 127.0.0.1:%d\r\n", shared_port);
	for (int i = 0; i < 8; i++) {
		answer = get(shared_port, "GET", i % 2 ? "/" : "/document.json", host, "");
		*good += code_of(answer) == 200 && strstr(answer, "\"state\":");
		free(answer);
	}
	return NULL;
}

static void many_at_once(void **unused)
{
	enum { CLIENTS = 8 };
	ur_store *store = open_store(UR_STORE_WRITE);
	pthread_t thread[CLIENTS];
	int good[CLIENTS] = { 0 };
	ur_live *live;
	ur_err err = { 0 };

	(void)unused;
	put(store, begin(store), json_pack("{s:s}", "state", "running"));
	shared_port = 0;
	ok(ur_live_start(path, 0, &shared_port, &live, &err), &err);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask_often, &good[i]), 0);
	for (int i = 0; i < CLIENTS; i++) {
		(void)pthread_join(thread[i], NULL);
		assert_int_equal(good[i], 8);
	}
	ur_live_stop(live);
	ur_store_close(store);
}

static int descriptors(void)
{
	int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return n;
}

static void starts_and_stops(void **unused)
{
	ur_store *store = open_store(UR_STORE_WRITE);
	int before = 0, port;
	char host[80];
	ur_live *live;
	ur_err err = { 0 };

	(void)unused;
	put(store, begin(store), json_pack("{s:s}", "state", "done"));
	for (int i = 0; i < 30; i++) {
		port = 0;
		ok(ur_live_start(path, 0, &port, &live, &err), &err);
		(void)snprintf(host, sizeof host, "Host: 127.0.0.1:%d\r\n", port);
		expect(port, "GET", "/document.json", host, 200);
		ur_live_stop(live);
		if (i == 0)
			before = descriptors();
	}
	assert_int_equal(descriptors(), before);
	port = 70000;
	assert_int_equal(ur_live_start(path, 0, &port, &live, &err), UR_E_INVALID);
	port = 0;
	assert_int_not_equal(ur_live_start("/nowhere/runs.db", 0, &port, &live, &err), UR_OK);
	assert_null(live);
	ur_store_close(store);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(empty_store_has_nothing), EACH(newest_or_the_one_asked_for), EACH(without_a_document),
		EACH(curves_come_from_the_runs), EACH(odd_documents), EACH(hostile_text_stays_text),
		EACH(page_is_whole_and_alone), EACH(written_whole_or_not_at_all), EACH(server_answers_and_refuses),
		EACH(polling_costs_nothing), EACH(many_at_once), EACH(starts_and_stops),
	};
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
