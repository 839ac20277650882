/* Events, one after the other, from a descriptor: a file, a pipe, a terminal, a program that writes a line an hour. An
 * event is given as soon as it is whole, in memory that the longest one bounds; nothing is read ahead that has to be
 * waited for. The kinds are in events.def:
 *
 *     bytes    a byte
 *     lines    a line with its newline; the last may lack it
 *     csv      a record of RFC 4180, its cells by column. A byte order mark is passed over; lines may end with \r\n; a
 *              quoted cell may hold separators, line ends and doubled quotes. Blanks around a cell that is not quoted
 *              are not part of it.
 *     jsonl    a JSON object a line, fields by key, or an array, fields in order. Values are numbers, texts, true (1),
 *              false (0) or null; a key given twice is refused, and so is a value with values in it.
 *
 * Empty lines are no records (csv, jsonl). A field is missing where its text is empty, "?", or NA, NaN or null in any
 * case; a number where it is one as JSON, C and people write them ("-3", "+.5", "1e-3"), whatever the locale; a text
 * otherwise ("0x10", "inf", "1,5").
 *
 * A header (csv) is the first record, where that is asked for; or else where none of its cells is a number and one is
 * a text. All records of csv have as many cells as the first. Where a header is asked for and what should be it is
 * malformed, or it has a name twice, the columns have no names. */
#ifndef UR_EVENTS_H
#define UR_EVENTS_H

#include "base/status.h"

typedef struct ur_events ur_events;
typedef struct ur_event_kind ur_event_kind;

enum {
	UR_EVENT_MOST = 1 << 20,        /* bytes an event may have, where nothing else is said */
	UR_FIELDS_MOST = 65536          /* fields */
};

typedef enum ur_field_is { UR_FIELD_NUMBER, UR_FIELD_TEXT, UR_FIELD_MISSING } ur_field_is;

typedef struct ur_field {
	const char *name;               /* NULL: it has none */
	const char *text;               /* without quotes; of a JSON number, one that reads back as the same */
	double value;                   /* NaN: not a number */
	ur_field_is is;
} ur_field;

typedef struct ur_event {
	int64_t number;                 /* of the event, from 1 */
	int64_t line;                   /* that it begins on, from 1 (bytes: counts newlines) */
	const char *bytes;              /* kinds of text: what it is, not NUL-terminated */
	size_t n;
	const ur_field *field;          /* kinds of records */
	int fields;
	int keyed;                      /* with names of its own (jsonl), not a header's */
	int after_blank;                /* records: an empty line stood before it */
} ur_event;

/* How far a reader is: what lies behind the last event given. Bytes are counted from the source's beginning, events and
 * lines from where the first reader stood. To go on, csv reads its header at the source's beginning again: of csv that
 * was begun elsewhere a place is of no use. */
typedef struct ur_events_place { int64_t bytes, events, lines; } ur_events_place;

typedef enum ur_header { UR_HEADER_FIND, UR_HEADER_YES, UR_HEADER_NO } ur_header;

/* Milliseconds to wait, after which it is called again; UR_WAIT_EVER; UR_WAIT_NOT. */
enum { UR_WAIT_EVER = -1, UR_WAIT_NOT = -2 };
typedef int ur_events_idle(void *arg);

typedef struct ur_events_request {
	const ur_event_kind *kind;
	int fd;                         /* the caller's, not closed here */
	const char *name;               /* of the source, for messages; copied */
	ur_events_place from;           /* go on from here: of a file, wherever fd stands; zero: where fd stands */
	size_t most;                    /* bytes an event may have, at most PTRDIFF_MAX / 2; 0: UR_EVENT_MOST */
	char separator;                 /* csv; 0: a comma */
	ur_header header;               /* csv */
	int leave;                      /* a line, or record, that the source's end cuts before its newline is not given,
	                                 * nor found bad: who writes it may not have ended it. Not of bytes */
	int wake;                       /* a descriptor that can be read once waiting is to end; 0: none */
	ur_events_idle *idle;           /* called before each wait (NULL: none), also when a signal ended the last: the
	                                 * time to show what was answered.
	                                 * UR_WAIT_NOT: next returns UR_E_STOPPED */
	void *arg;
} ur_events_request;

/* NULL: no such kind, and err lists them (UR_E_INVALID). */
const ur_event_kind *ur_event_kind_find(const char *name, ur_err *err);
/* In the order of events.def; NULL: there are no more. */
const ur_event_kind *ur_event_kind_nth(int i);
const char *ur_event_kind_name(const ur_event_kind *kind);
const char *ur_event_kind_about(const ur_event_kind *kind);
/* Whether its events are records, with fields; else they are text. */
int ur_event_kind_records(const ur_event_kind *kind);
/* Whether they may have a header, and separators between cells. */
int ur_event_kind_cells(const ur_event_kind *kind);
/* Whether an event may be less than a line, or a character. */
int ur_event_kind_broken(const ur_event_kind *kind);

/* Reads nothing yet, unless it goes on behind a header. UR_E_INVALID: no such place in the source, or a separator or
 * `most` that cannot be; UR_E_IO; UR_E_NOMEM. *reader is NULL on failure. */
ur_status ur_events_open(const ur_events_request *request, ur_events **reader, ur_err *err);
/* Waits for the next event. *event is the reader's, valid until the next call; NULL: the source is at its end.
 * UR_E_INVALID: an event that is malformed or too long, named by source and line; the reader stands behind it, and the
 * next call goes on there. UR_E_STOPPED: by `wake` or `idle`; nothing is lost. UR_E_IO, UR_E_NOMEM. */
ur_status ur_events_next(ur_events *reader, const ur_event **event, ur_err *err);
/* Behind the last event given, or where it began. (Of csv without an event yet: before its header.) */
ur_events_place ur_events_where(const ur_events *reader);
/* Once the source was at its end: bytes of what was left there, as request.leave says. */
size_t ur_events_left(const ur_events *reader);
/* The name given. */
const char *ur_events_name(const ur_events *reader);
void ur_events_close(ur_events *reader);

/* The field of that name, or -1. `hint`: where it was last time, looked at first. */
int ur_event_find(const ur_event *event, const char *name, int hint);
/* Field i as a float; missing: NaN. UR_E_INVALID, naming source, line and field: a text, or beyond a float. */
ur_status ur_event_float(const ur_events *reader, const ur_event *event, int i, float *value, ur_err *err);

#endif
