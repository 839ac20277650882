/* Any bytes as events. The first byte picks the kind, the header and the separator, the second the most bytes an event
 * may have. Read whole and read in small pieces through a pipe, the same events and the same complaints come; what is
 * given is well formed; from the place of any event another reader goes on with the same events; and no byte is looked
 * at more than twice to find where records end. */
#define _GNU_SOURCE
#include "data/events_parts.h"
#include "vocab/text_hash.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) __builtin_trap(); } while (0)

enum { MOST_NOTES = 4096 };

/* A hash of each event or complaint, in order, and the places behind events. */
typedef struct notes {
	int n, events;
	uint64_t hash[MOST_NOTES];
	ur_events_place place[MOST_NOTES];
	int place_note[MOST_NOTES];     /* notes before place i */
} notes;

static uint64_t hash_event(const ur_events *r, const ur_event *e, int records)
{
	ur_hash h = { 0 };

	ur_hash_add(&h, (const char *)&e->number, sizeof e->number);
	ur_hash_add(&h, (const char *)&e->line, sizeof e->line);
	CHECK(records == !e->bytes);
	if (!records) {
		CHECK(e->n > 0 && !e->fields);
		ur_hash_add(&h, e->bytes, e->n);
	}
	for (int i = 0; i < e->fields; i++) {
		const ur_field *f = &e->field[i];
		float value;
		ur_status status = ur_event_float(r, e, i, &value, NULL);

		CHECK(isnan(f->value) == (f->is != UR_FIELD_NUMBER));
		CHECK((status == UR_E_INVALID) == (f->is == UR_FIELD_TEXT || (f->is == UR_FIELD_NUMBER && !isfinite(value))));
		CHECK(!f->name || !*f->name || ur_event_find(e, f->name, i / 2) == i);
		ur_hash_add(&h, f->name ? f->name : "-", f->name ? strlen(f->name) : 1);
		ur_hash_add(&h, f->text, strlen(f->text) + 1);
	}
	return ur_hash_value(&h);
}

/* To the end of the source, or to where it would wait. */
static ur_status note(ur_events *r, int records, notes *to)
{
	for (;;) {
		const ur_event *e;
		ur_err err = { 0 };
		ur_status status = ur_events_next(r, &e, &err);

		if (status != UR_E_INVALID && (status || !e))
			return status;
		if (to->n == MOST_NOTES)
			return UR_OK;
		if (status) {
			ur_hash h = { 0 };
			CHECK(!e && !strncmp(err.text, "input, line ", 12));
			ur_hash_add(&h, err.text, strlen(err.text));
			to->hash[to->n++] = ur_hash_value(&h);
			continue;
		}
		CHECK(e->number == ur_events_where(r).events);
		to->hash[to->n++] = hash_event(r, e, records);
		to->place[to->events] = ur_events_where(r);
		to->place_note[to->events++] = to->n;
	}
}

static int not_now(void *arg) { (void)arg; return UR_WAIT_NOT; }

static ur_events *opened(const ur_events_request *ask)
{
	ur_events *r;

	CHECK(!ur_events_open(ask, &r, NULL));
	return r;
}

static void in_pieces(ur_events_request ask, const uint8_t *data, size_t size, notes *to)
{
	ur_events *r;
	int ends[2];
	const int records = ur_event_kind_records(ask.kind);

	CHECK(!pipe(ends));
	ask.fd = ends[0];
	ask.idle = not_now;
	r = opened(&ask);
	for (size_t at = 0, step = 1; at < size; at += step, step = step % 7 + 1) {
		if (step > size - at)
			step = size - at;
		CHECK(write(ends[1], data + at, step) == (ssize_t)step);
		if (note(r, records, to) != UR_E_STOPPED)
			break;
	}
	close(ends[1]);
	if (to->n < MOST_NOTES)
		CHECK(!note(r, records, to));
	CHECK(r->looked <= 2 * (int64_t)size);
	ur_events_close(r);
	close(ends[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char separators[] = { ',', ';', '\t', '|' };
	static notes all, pieces, rest;
	ur_events_request ask = { .name = "input" };
	ur_events *r;
	int records;

	if (size < 2 || size > 1 << 15)
		return 0;
	ask.kind = ur_event_kind_nth(data[0] % 4);
	ask.header = (ur_header)(data[0] / 4 % 3);
	ask.separator = separators[data[0] / 12 % 4];
	ask.most = data[1] ? data[1] : 0;
	records = ur_event_kind_records(ask.kind);
	data += 2;
	size -= 2;
	all.n = all.events = pieces.n = pieces.events = 0;
	ask.fd = memfd_create("events", 0);
	CHECK(ask.fd >= 0 && write(ask.fd, data, size) == (ssize_t)size && !lseek(ask.fd, 0, SEEK_SET));
	r = opened(&ask);
	CHECK(!note(r, records, &all));
	CHECK(r->looked <= 2 * (int64_t)size);
	ur_events_close(r);
	in_pieces(ask, data, size, &pieces);
	CHECK(all.n == pieces.n && !memcmp(all.hash, pieces.hash, (size_t)all.n * sizeof *all.hash));
	if (all.events && all.n < MOST_NOTES) {
		int from = size % 2 ? all.events / 2 : 0;
		ask.from = all.place[from];
		rest.n = rest.events = 0;
		r = opened(&ask);
		CHECK(!note(r, records, &rest));
		ur_events_close(r);
		CHECK(rest.n == all.n - all.place_note[from]);
		CHECK(!memcmp(rest.hash, all.hash + all.place_note[from], (size_t)rest.n * sizeof *rest.hash));
	}
	close(ask.fd);
	return 0;
}
