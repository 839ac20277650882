/* The page, served to this machine's browsers while the comparison grows. libmicrohttpd runs one thread, which is the
 * only one to touch the store and the cache below once it has started.
 *
 * A web page of somebody else's may send requests here (its own name can be made to lead to 127.0.0.1), so a request
 * must name this machine as its host, and no answer says that other origins may read it. */
#define _GNU_SOURCE
#include "report/report.h"

#include "report/page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 64, IDLE_SECONDS = 30 };

struct ur_live {
	struct MHD_Daemon *daemon;
	ur_store *store;
	int64_t id;
	int port;
	const ur_page *page;
	char *json;             /* the document as last read */
	size_t bytes;
	char etag[40];
	double read_at;
};

/* A burst of requests shares one reading of the store. */
static const double FRESH_SECONDS = 0.2;

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* FNV-1a: tells one version of a document from the next, no more is asked of it. */
static uint64_t hash_of(const char *text, size_t bytes)
{
	uint64_t h = 0xCBF29CE484222325u;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001B3u;
	return h;
}

static ur_status refresh(ur_live *live, ur_err *err)
{
	json_t *document;
	char *json;
	size_t bytes = 0;
	ur_status status;

	if (live->json && now() - live->read_at < FRESH_SECONDS)
		return UR_OK;
	if ((status = ur_report_json(live->store, live->id, &document, err)))
		return status;
	json = ur_page_json(document, &bytes);
	live->page = ur_page_of(document);
	json_decref(document);
	if (!json)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a comparison's document");
	free(live->json);
	live->json = json;
	live->bytes = bytes;
	live->read_at = now();
	(void)snprintf(live->etag, sizeof live->etag, "\"%016" PRIx64 "-%zx\"", hash_of(json, bytes), bytes);
	return UR_OK;
}

/* `body` is copied, or freed once sent when `own`. */
static enum MHD_Result answer(struct MHD_Connection *to, unsigned int code, const char *type, const char *body,
                              size_t bytes, int own, const char *name, const char *value)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(bytes, (void *)(uintptr_t)body,
		own ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
	static const char *const headers[][2] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		/* the page's own policy is stricter; this one also holds for answers that are no page */
		{ "Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
		  "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
		{ "Cache-Control", "no-cache" },
	};
	enum MHD_Result result;

	if (!response) {
		if (own)
			free((void *)(uintptr_t)body);
		return MHD_NO;
	}
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		(void)MHD_add_response_header(response, headers[i][0], headers[i][1]);
	if (type)
		(void)MHD_add_response_header(response, "Content-Type", type);
	if (name)
		(void)MHD_add_response_header(response, name, value);
	result = MHD_queue_response(to, code, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *to, unsigned int code, const char *text)
{
	const char *allow = code == MHD_HTTP_METHOD_NOT_ALLOWED ? "Allow" : NULL;

	return answer(to, code, "text/plain; charset=utf-8", text, strlen(text), 0, allow, "GET, HEAD");
}

/* Whether the request is meant for this machine by a name that leads nowhere else. */
static int is_ours(const ur_live *live, const char *host)
{
	static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };
	char name[40];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		(void)snprintf(name, sizeof name, "%s:%d", names[i], live->port);
		if (!strcasecmp(host, name) || (live->port == 80 && !strcasecmp(host, names[i])))
			return 1;
	}
	return 0;
}

static enum MHD_Result send_document(ur_live *live, struct MHD_Connection *to)
{
	const char *known = MHD_lookup_connection_value(to, MHD_HEADER_KIND, "If-None-Match");

	if (known && strstr(known, live->etag))
		return answer(to, MHD_HTTP_NOT_MODIFIED, NULL, "", 0, 0, "ETag", live->etag);
	return answer(to, MHD_HTTP_OK, "application/json", live->json, live->bytes, 0, "ETag", live->etag);
}

static enum MHD_Result send_page(ur_live *live, struct MHD_Connection *to)
{
	char *text;
	size_t bytes = 0;
	ur_err err = { 0 };

	if (ur_page_text(live->page, live->json, live->bytes, 1, &text, &bytes, &err))
		return say(to, MHD_HTTP_INTERNAL_SERVER_ERROR, err.text);
	return answer(to, MHD_HTTP_OK, "text/html; charset=utf-8", text, bytes, 1, NULL, NULL);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *to, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_bytes, void **seen)
{
	ur_live *live = arg;
	const char *host = MHD_lookup_connection_value(to, MHD_HEADER_KIND, "Host");
	const int page = !strcmp(url, "/");
	ur_err err = { 0 };
	ur_status status;

	(void)version;
	(void)upload;
	if (!host)
		return say(to, MHD_HTTP_BAD_REQUEST, "A request must name its host.\n");
	if (!is_ours(live, host))
		return say(to, MHD_HTTP_FORBIDDEN, "This server answers only to 127.0.0.1 and localhost.\n");
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return say(to, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only.\n");
	/* an answer at the first call would close the connection; at the second it stays open for the next request */
	if (!*seen) {
		*seen = live;
		return MHD_YES;
	}
	if (*upload_bytes) {
		*upload_bytes = 0;
		return MHD_YES;
	}
	if (!page && strcmp(url, "/document.json") != 0)
		return say(to, MHD_HTTP_NOT_FOUND, "There are / and /document.json here.\n");
	if ((status = refresh(live, &err)))
		return say(to, status == UR_E_INVALID ? MHD_HTTP_NOT_FOUND : MHD_HTTP_INTERNAL_SERVER_ERROR, err.text);
	return page ? send_page(live, to) : send_document(live, to);
}

/* A listening socket of 127.0.0.1 and its port; -1: *err says why. It is opened here and not by the daemon, so that the
 * port, by which requests are judged, is known before the first of them. */
static int open_port(int port, int *got, ur_err *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t size = sizeof address;
	const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
	    bind(s, (struct sockaddr *)&address, sizeof address) || listen(s, MOST_CONNECTIONS) ||
	    getsockname(s, (struct sockaddr *)&address, &size)) {
		if (errno == EADDRINUSE)
			(void)ur_fail(err, UR_E_IO, "port %d of 127.0.0.1 is taken; another, or 0 for any free one, will do", port);
		else
			(void)ur_fail(err, UR_E_IO, "port %d of 127.0.0.1 cannot be served: %s", port, strerror(errno));
		if (s >= 0)
			(void)close(s);
		return -1;
	}
	*got = ntohs(address.sin_port);
	return s;
}

static ur_status serve(ur_live *live, int port, ur_err *err)
{
	const int s = open_port(port, &live->port, err);

	if (s < 0)
		return UR_E_IO;
	live->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, live,
		MHD_OPTION_LISTEN_SOCKET, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)MOST_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_SECONDS, MHD_OPTION_END);
	return live->daemon ? UR_OK : ur_fail(err, UR_E_IO, "the server of port %d did not start", live->port);
}

ur_status ur_live_start(const char *store_path, int64_t id, int *port, ur_live **live, ur_err *err)
{
	ur_live *l = calloc(1, sizeof *l);
	ur_status status;

	*live = NULL;
	if (!l)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a server");
	if (*port < 0 || *port > 65535)
		status = ur_fail(err, UR_E_INVALID, "there is no port %d", *port);
	else
		status = ur_store_open(store_path, UR_STORE_READ, &l->store, err);
	l->id = id;
	/* found now, so that what cannot be served is said at once, and a comparison begun later does not take its place */
	if (!status && !(status = refresh(l, err))) {
		json_t *document = json_loads(l->json, 0, NULL);
		l->id = json_integer_value(json_object_get(document, "id"));
		json_decref(document);
	}
	if (!status)
		status = serve(l, *port, err);
	if (status) {
		ur_live_stop(l);
		return status;
	}
	*port = l->port;
	*live = l;
	return UR_OK;
}

void ur_live_stop(ur_live *live)
{
	if (!live)
		return;
	if (live->daemon)
		MHD_stop_daemon(live->daemon);
	ur_store_close(live->store);
	free(live->json);
	free(live);
}
