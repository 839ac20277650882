/* The reader: a buffer that grows to the longest event, waiting, and places. What an event is, its kind says. */
#include "data/events_parts.h"

#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 16, LEAST_READ = 1 << 12 };
static const size_t EVER_MOST = PTRDIFF_MAX / 2; /* with a piece more it can still be counted */

static const ur_event_kind *const kinds[] = {
#define UR_EVENT_KIND(name) &ur_event_kind_##name,
#include "data/events.def"
#undef UR_EVENT_KIND
	NULL
};

const ur_event_kind *ur_event_kind_nth(int i)
{
	return i >= 0 && i < (int)(sizeof kinds / sizeof *kinds) ? kinds[i] : NULL;
}

const char *ur_event_kind_name(const ur_event_kind *kind) { return kind->name; }
const char *ur_event_kind_about(const ur_event_kind *kind) { return kind->about; }
int ur_event_kind_records(const ur_event_kind *kind) { return kind->records; }
int ur_event_kind_cells(const ur_event_kind *kind) { return kind->cells; }
int ur_event_kind_broken(const ur_event_kind *kind) { return kind->broken; }

const ur_event_kind *ur_event_kind_find(const char *name, ur_err *err)
{
	char list[200] = "";

	for (int i = 0; kinds[i]; i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	for (int i = 0; kinds[i]; i++)
		(void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", kinds[i]->name);
	ur_fail(err, UR_E_INVALID, "there are no events of kind '%.40s'; there are %s", name, list);
	return NULL;
}

/* ---- what goes wrong ---- */

ur_status ur_events_bad(const ur_events *r, ur_err *err, const char *format, ...)
{
	char text[300];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof text, format, list);
	va_end(list);
	return ur_fail(err, UR_E_INVALID, "%s, line %lld: %s", ur_path_tail(r->name), (long long)r->taken.lines + 1, text);
}

ur_status ur_events_no_memory(const ur_events *r, ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for the events of %s", ur_path_tail(r->name));
}

static ur_status io(const ur_events *r, const char *what, ur_err *err)
{
	return ur_fail(err, UR_E_IO, "%s could not be %s: %s", ur_path_tail(r->name), what, strerror(errno));
}

/* ---- the buffer ---- */

static ur_status wait_for_more(const ur_events *r, ur_err *err)
{
	struct pollfd p[2] = { { .fd = r->ask.fd, .events = POLLIN },
		{ .fd = r->ask.wake > 0 ? r->ask.wake : -1, .events = POLLIN } };
	int ms = 0;

	for (;;) {
		int ready = poll(p, 2, ms);
		if (ready < 0 && errno != EINTR)
			return io(r, "waited for", err);
		if (ready > 0 && p[1].revents)
			return ur_fail(err, UR_E_STOPPED, "stopped while waiting for %s", ur_path_tail(r->name));
		if (ready > 0 && (p[0].revents & POLLNVAL)) {
			errno = EBADF;
			return io(r, "read", err);
		}
		if (ready > 0)
			return UR_OK;
		if (ready < 0 && !ms) /* nothing was waited for yet */
			continue;
		ms = r->ask.idle ? r->ask.idle(r->ask.arg) : UR_WAIT_EVER;
		if (ms == UR_WAIT_NOT)
			return ur_fail(err, UR_E_STOPPED, "stopped while waiting for %s", ur_path_tail(r->name));
	}
}

static ur_status make_room(ur_events *r, ur_err *err)
{
	const size_t most = r->ask.most + PIECE + 1;
	size_t wider = r->room < most / 2 ? 2 * r->room : most;
	char *grown;

	if (r->room - 1 - r->at - r->n >= LEAST_READ)
		return UR_OK;
	if (r->at) {
		memmove(r->buffer, r->buffer + r->at, r->n);
		r->at = 0;
	}
	if (r->room - 1 - r->n >= LEAST_READ || r->room == most)
		return UR_OK;
	if (!(grown = realloc(r->buffer, wider)))
		return ur_events_no_memory(r, err);
	r->buffer = grown;
	r->room = wider;
	return UR_OK;
}

/* Reads what is there, after a wait where nothing is. */
static ur_status fill(ur_events *r, ur_err *err)
{
	ur_status status = make_room(r, err);
	ssize_t got = -1;

	while (!status && got < 0) {
		status = wait_for_more(r, err);
		if (status)
			break;
		got = read(r->ask.fd, r->buffer + r->at + r->n, r->room - 1 - r->at - r->n);
		if (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
			return io(r, "read", err);
	}
	if (status)
		return status;
	r->n += (size_t)got;
	r->ended = got == 0;
	return UR_OK;
}

/* Leaves n bytes behind, with so many lines' ends in them. */
static void pass_over(ur_events *r, size_t n, int64_t lines)
{
	r->taken.bytes += (int64_t)n;
	r->taken.lines += lines;
	r->at += n;
	r->n -= n;
	r->scanned = 0;
}

static int64_t lines_in(const char *p, size_t n)
{
	const char *const end = p + n;
	int64_t lines = 0;

	for (; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	return lines;
}

/* ---- pieces ---- */

/* Behind the line that the piece begins on, or, where that has not ended, all that is there. */
static void drop_line(ur_events *r)
{
	const char *piece = r->buffer + r->at, *end = memchr(piece, '\n', r->n);

	r->dropping = !end;
	pass_over(r, end ? (size_t)(end - piece) + 1 : r->n, end != NULL);
}

/* Of records over several lines the first is dropped, whether the rest has arrived or not. */
static ur_status too_long(ur_events *r, ur_err *err)
{
	const char *more = r->ask.kind->too_long;
	ur_status status = ur_events_bad(r, err, "an event begins here that has more than %zu bytes%s", r->ask.most,
		more ? more : "");

	r->refused = 1;
	drop_line(r);
	return status;
}

/* What the end cut: it lies before the end, and no newline between them. */
static int is_left(const ur_events *r, size_t whole)
{
	return r->ask.leave && r->ended && !r->ask.kind->broken && whole == r->n &&
	       r->buffer[r->at + whole - 1] != '\n';
}

/* The next piece. *given: it is an event; *over: there are no more. */
static ur_status next_piece(ur_events *r, int *given, int *over, ur_err *err)
{
	const ur_event_kind *kind = r->ask.kind;
	ur_status status;
	size_t whole;
	int64_t lines;

	*given = *over = 0;
	for (;;) {
		if (r->dropping && r->n)
			drop_line(r);
		whole = r->n && !r->dropping ? kind->whole(r, r->buffer + r->at, r->n) : 0;
		if (whole > r->ask.most || (!whole && !r->dropping && r->n > r->ask.most))
			return too_long(r, err);
		if (whole && !is_left(r, whole))
			break;
		r->scanned = r->n;
		if (r->ended) {
			*over = 1;
			return UR_OK;
		}
		status = fill(r, err);
		if (status)
			return status;
	}
	r->fields = 0;
	r->event = (ur_event){ .number = r->taken.events + 1, .line = r->taken.lines + 1 };
	lines = lines_in(r->buffer + r->at, whole); /* before it is written over */
	status = kind->take(r, r->buffer + r->at, whole, given, err);
	r->refused |= status == UR_E_INVALID;
	pass_over(r, whole, lines);
	return status;
}

ur_status ur_events_next(ur_events *r, const ur_event **event, ur_err *err)
{
	int given = 0, over = 0;

	*event = NULL;
	while (!given) {
		ur_status status = next_piece(r, &given, &over, err);
		if (status || over)
			return status;
	}
	r->event.after_blank = r->blank;
	r->blank = 0;
	r->taken.events++;
	r->given = r->taken;
	*event = &r->event;
	return UR_OK;
}

/* ---- opening ---- */

/* Behind what the source's beginning says, at the place to go on from. */
static ur_status go_on(ur_events *r, ur_err *err)
{
	const ur_events_place *from = &r->ask.from;
	struct stat st;
	int given, over = 0;
	ur_status status = UR_OK;

	if (fstat(r->ask.fd, &st) || !S_ISREG(st.st_mode))
		return ur_fail(err, UR_E_INVALID, "%s is no file: it cannot go on where it was left", ur_path_tail(r->name));
	if (from->bytes < 0 || from->events < 0 || from->lines < 0 || st.st_size < from->bytes)
		return ur_fail(err, UR_E_INVALID, "%s has %lld bytes, but was left at byte %lld: it is another file, or was "
			"cut", ur_path_tail(r->name), (long long)st.st_size, (long long)from->bytes);
	if (r->ask.kind->begun && lseek(r->ask.fd, 0, SEEK_SET) < 0)
		return io(r, "read", err);
	r->taken = (ur_events_place){ 0 };
	while (!status && r->ask.kind->begun && !r->ask.kind->begun(r) && !over) {
		status = next_piece(r, &given, &over, err);
		if (status == UR_E_INVALID) /* it was told when it was first read */
			status = UR_OK;
	}
	if (!status && lseek(r->ask.fd, from->bytes, SEEK_SET) < 0)
		return io(r, "read", err);
	r->at = r->n = r->scanned = 0;
	r->ended = r->dropping = r->blank = 0;
	r->given = r->taken = *from;
	return status;
}

ur_status ur_events_open(const ur_events_request *request, ur_events **reader, ur_err *err)
{
	const char separator = request->separator ? request->separator : ',';
	const off_t begin = lseek(request->fd, 0, SEEK_CUR); /* -1: it cannot be sought, and none goes on in it */
	ur_events *r;
	ur_status status = UR_OK;

	*reader = NULL;
	if (strchr("\"\r\n .+-", separator) || (separator >= '0' && separator <= '9'))
		return ur_fail(err, UR_E_INVALID, "'%c' cannot separate cells: take a comma, a semicolon, a tab or the like",
			separator);
	if (request->most > EVER_MOST)
		return ur_fail(err, UR_E_INVALID, "an event may have %zu bytes at most, not %zu", EVER_MOST, request->most);
	r = calloc(1, sizeof *r);
	if (!r)
		return ur_fail(err, UR_E_NOMEM, "out of memory for events");
	r->ask = *request;
	r->ask.separator = separator;
	r->ask.most = request->most ? request->most : UR_EVENT_MOST;
	r->given.bytes = r->taken.bytes = begin > 0 ? (int64_t)begin : 0;
	r->name = strdup(request->name);
	r->own = calloc(1, request->kind->own ? request->kind->own : 1);
	r->room = 2 * LEAST_READ + 1;
	r->buffer = malloc(r->room);
	r->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!r->name || !r->own || !r->buffer || !r->plain)
		status = ur_fail(err, UR_E_NOMEM, "out of memory for events");
	if (!status && (request->from.bytes || request->from.events || request->from.lines))
		status = go_on(r, err);
	if (status) {
		ur_events_close(r);
		return status;
	}
	*reader = r;
	return UR_OK;
}

void ur_events_close(ur_events *r)
{
	if (!r)
		return;
	if (r->ask.kind->close && r->own)
		r->ask.kind->close(r);
	if (r->plain)
		freelocale(r->plain);
	free(r->field);
	free(r->buffer);
	free(r->own);
	free(r->name);
	free(r);
}

ur_events_place ur_events_where(const ur_events *r) { return r->given; }
size_t ur_events_left(const ur_events *r) { return r->ask.leave && r->ended ? r->n : 0; }
const char *ur_events_name(const ur_events *r) { return r->name; }
