/* What kinds of events share: the reader's insides, and the fields of a record. One struct a kind, one file, one line
 * in events.def. */
#ifndef UR_EVENTS_PARTS_H
#define UR_EVENTS_PARTS_H

#include "data/events.h"

#include <locale.h>
#include <stddef.h>
#include <string.h>

struct ur_event_kind {
	const char *name, *about;
	int records, cells, broken;     /* ur_event_kind_records and so on */
	const char *too_long;           /* more to say of an event that is; NULL: nothing */
	size_t own;                     /* bytes of its state, zeroed; holds r->own */
	/* Bytes of the piece that begins at `piece`, its line end included; 0: it is not whole. `n` > 0 are there, of
	 * which the first r->scanned were there at the last call for this piece; r->ended: no more will come. Need not
	 * look beyond r->ask.most: where more are there, 0 says that it is too long. */
	size_t (*whole)(ur_events *r, const char *piece, size_t n);
	/* Fills r->event of a whole piece, which it may write over, as it may the byte behind. *given: it is an event (0:
	 * a header, an empty line). */
	ur_status (*take)(ur_events *r, char *piece, size_t n, int *given, ur_err *err);
	/* Whether what the source's beginning says of all its events is known; NULL: it says nothing. */
	int (*begun)(const ur_events *r);
	void (*close)(ur_events *r);    /* NULL: nothing to do */
};

#define UR_EVENT_KIND(name) extern const ur_event_kind ur_event_kind_##name;
#include "data/events.def"
#undef UR_EVENT_KIND

struct ur_events {
	ur_events_request ask;
	char *name;
	void *own;
	locale_t plain;                 /* "C": numbers do not depend on the program's locale */
	char *buffer;
	size_t room, at, n;             /* bytes [at, at + n) are to be taken; one byte more is there */
	size_t scanned;
	int ended;
	int dropping;                   /* the rest of a line that was too long */
	int blank;                      /* an empty line was passed since the last event */
	int refused;                    /* a piece was malformed or too long */
	int64_t looked;                 /* csv: bytes looked at to find where records end */
	ur_events_place taken, given;   /* behind the last piece, behind the last event */
	ur_event event;
	ur_field *field;
	int fields, field_room;
};

/* UR_E_INVALID: the source, the line at which the piece begins, and what is said. */
ur_status ur_events_bad(const ur_events *r, ur_err *err, const char *format, ...) UR_PRINTF(3, 4);
ur_status ur_events_no_memory(const ur_events *r, ur_err *err);
/* The piece as text that ends with a NUL: without a byte order mark at the source's beginning, and without its line
 * end. UR_E_INVALID: UTF-16, or a NUL in it. */
ur_status ur_events_text(const ur_events *r, char **piece, size_t *n, ur_err *err);
/* A line with its end, or what stands before the source's end. */
size_t ur_events_line(ur_events *r, const char *piece, size_t n);
/* Another field, zeroed, at *field until the next is added. UR_E_INVALID: too many; UR_E_NOMEM. */
ur_status ur_events_add_field(ur_events *r, ur_field **field, ur_err *err);
/* Behind the decimal digits at p. */
const char *ur_events_digits(const char *p);
/* Sets what a field is, and its value, from its text. */
void ur_events_read_field(const ur_events *r, ur_field *field);
/* r->event is the record of the fields that were added. */
void ur_events_record(ur_events *r);

#endif
