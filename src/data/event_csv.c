/* csv: records as RFC 4180 has them, and what is met besides: blanks around cells, quotes inside a cell that does not
 * begin with one (they are ordinary there), empty lines, ends of lines with and without \r. */
#include "data/events_parts.h"

#include <stdlib.h>

/* Where in a record a scan stands. */
typedef enum where {
	CELL,           /* a cell begins, or there were only blanks of it */
	PLAIN,          /* in one that is not quoted */
	QUOTED,
	QUOTE,          /* behind a quote in a quoted cell: its end, or the first of two */
	CLOSED,         /* behind the end of a quoted cell, and a blank */
	SPOILT          /* behind text that followed the end of a quoted cell */
} where;

typedef struct csv {
	size_t next;            /* to be scanned */
	where at;
	int unclosed;           /* the source ended in quotes */
	int64_t front;          /* byte of the source to which a scan came that found no end; at the end of each line
	                         * before, from where it began, it was in quotes */
	where front_at;
	int columns;            /* 0: no record has been seen */
	char *names;            /* the header's texts, each with its NUL; NULL: there is none */
	const char **name;      /* (columns) */
} csv;

static int is_blank(char c) { return c == ' ' || c == '\t'; }

static where after(where at, char c, char separator)
{
	if (at == SPOILT)
		return SPOILT;
	if (at == QUOTED)
		return c == '"' ? QUOTE : QUOTED;
	if (c == separator)
		return CELL;
	if (at == QUOTE)
		return c == '"' ? QUOTED : is_blank(c) || c == '\r' ? CLOSED : SPOILT;
	if (at == CLOSED)
		return is_blank(c) || c == '\r' ? CLOSED : SPOILT;
	if (at == CELL)
		return c == '"' ? QUOTED : is_blank(c) ? CELL : PLAIN;
	return PLAIN;
}

/* Behind the line end that ends the piece; 0: there is none in the first n bytes. Of a piece that a quote makes endless
 * only the first line is dropped, so that the lines behind it are scanned again. Such a scan is cut short: in quotes at
 * the end of a line at which the scan before was in quotes as well, it would go on as that one did. So a byte is looked
 * at once for its line and once besides, whatever the quotes are. */
static size_t scan(ur_events *r, const char *piece, size_t n)
{
	csv *c = r->own;

	for (; c->next < n; c->next++) {
		if (piece[c->next] == '\n') {
			const int64_t ahead = c->front - r->taken.bytes;
			if (c->at != QUOTED)
				return c->next + 1;
			if (ahead > (int64_t)c->next + 1 && ahead <= (int64_t)n) {
				c->next = (size_t)ahead - 1;
				c->at = c->front_at;
				continue;
			}
		}
		c->at = after(c->at, piece[c->next], r->ask.separator);
		r->looked++;
	}
	c->front = r->taken.bytes + (int64_t)n;
	c->front_at = c->at;
	return 0;
}

static size_t csv_whole(ur_events *r, const char *piece, size_t n)
{
	csv *c = r->own;
	const int start = !r->taken.bytes;
	size_t whole;

	if (!r->scanned) {
		c->next = 0;
		c->at = CELL;
		c->unclosed = 0;
	}
	if (start && n < 3 && !memcmp(piece, "\xEF\xBB\xBF", n) && !r->ended)
		return 0; /* it may become a byte order mark */
	if (start && !c->next && n >= 3 && !memcmp(piece, "\xEF\xBB\xBF", 3))
		c->next = 3;
	whole = scan(r, piece, n < r->ask.most ? n : r->ask.most);
	if (whole || !r->ended || n > r->ask.most)
		return whole;
	c->unclosed = c->at == QUOTED;
	if (c->unclosed) { /* what is lost is the line it stands on */
		const char *end = memchr(piece, '\n', n);
		return end ? (size_t)(end - piece) + 1 : n;
	}
	return n;
}

/* ---- cells ---- */

/* The cell at p, which is made its text, with a NUL, in place; returns what follows its separator, or NULL: it was the
 * last. */
static char *cell(char *p, char *end, char separator, const char **text)
{
	char *to, *stop;

	while (p < end && is_blank(*p) && *p != separator)
		p++;
	*text = to = p;
	if (p < end && *p == '"') {
		for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
			if (*p == '"')
				p++;
			*to++ = *p;
		}
		p = memchr(p, separator, (size_t)(end - p));
		*to = 0;
		return p ? p + 1 : NULL;
	}
	stop = p = memchr(p, separator, (size_t)(end - p));
	if (!stop)
		stop = end;
	while (stop > *text && is_blank(stop[-1]))
		stop--;
	*stop = 0;
	return p ? p + 1 : NULL;
}

static ur_status split(ur_events *r, char *piece, size_t n, ur_err *err)
{
	csv *c = r->own;
	ur_field *field;
	ur_status status;

	for (char *p = piece, *end = piece + n; p;) {
		status = ur_events_add_field(r, &field, err);
		if (status)
			return status;
		p = cell(p, end, r->ask.separator, &field->text);
		ur_events_read_field(r, field);
		if (c->name && r->fields <= c->columns)
			field->name = c->name[r->fields - 1];
	}
	return UR_OK;
}

/* ---- the header ---- */

static int is_header(const ur_events *r)
{
	int texts = 0;

	if (r->ask.header != UR_HEADER_FIND)
		return r->ask.header == UR_HEADER_YES && !r->refused; /* what was refused was it */
	for (int i = 0; i < r->fields; i++) {
		if (r->field[i].is == UR_FIELD_NUMBER)
			return 0;
		texts += r->field[i].is == UR_FIELD_TEXT;
	}
	return texts > 0;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Two columns of one name: whoever asks for it could mean either. Empty names cannot be asked for. */
static const char *twice(const ur_events *r, const char **room)
{
	for (int i = 0; i < r->fields; i++)
		room[i] = r->field[i].text;
	qsort(room, (size_t)r->fields, sizeof *room, by_text);
	for (int i = 1; i < r->fields; i++)
		if (*room[i] && !strcmp(room[i], room[i - 1]))
			return room[i];
	return NULL;
}

static ur_status keep_names(ur_events *r, ur_err *err)
{
	csv *c = r->own;
	size_t bytes = 0;
	const char *same;
	char *p;

	for (int i = 0; i < r->fields; i++)
		bytes += strlen(r->field[i].text) + 1;
	c->names = p = malloc(bytes);
	c->name = malloc((size_t)r->fields * sizeof *c->name);
	if (!c->names || !c->name)
		return ur_events_no_memory(r, err);
	if ((same = twice(r, c->name)))
		return ur_events_bad(r, err, "two columns are named '%.60s': give each a name of its own", same);
	for (int i = 0; i < r->fields; i++) {
		size_t n = strlen(r->field[i].text) + 1;
		memcpy(p, r->field[i].text, n);
		c->name[i] = p;
		p += n;
	}
	return UR_OK;
}

static void forget_names(csv *c)
{
	free(c->names);
	free(c->name);
	c->names = NULL;
	c->name = NULL;
}

static ur_status csv_take(ur_events *r, char *piece, size_t n, int *given, ur_err *err)
{
	csv *c = r->own;
	ur_status status = ur_events_text(r, &piece, &n, err);

	if (status)
		return status;
	if (c->unclosed)
		return ur_events_bad(r, err, "a quote that opens a cell here is never closed");
	if (c->at == SPOILT)
		return ur_events_bad(r, err, "there is text behind the closing quote of a cell; a quote inside one is doubled");
	if (strspn(piece, r->ask.separator == '\t' ? " " : " \t") == n) {
		r->blank = 1;
		return UR_OK;
	}
	status = split(r, piece, n, err);
	if (status)
		return status;
	*given = c->columns || !is_header(r);
	if (!c->columns)
		c->columns = r->fields;
	if (!*given) {
		status = keep_names(r, err);
		if (status)
			forget_names(c);
	}
	if (!status && r->fields != c->columns)
		status = ur_events_bad(r, err, "it has %d cells, where the first line has %d", r->fields, c->columns);
	ur_events_record(r);
	return status;
}

static int csv_begun(const ur_events *r) { return ((const csv *)r->own)->columns > 0; }
static void csv_close(ur_events *r) { forget_names(r->own); }

const ur_event_kind ur_event_kind_csv = {
	.name = "csv",
	.about = "each record of comma-separated cells",
	.records = 1,
	.cells = 1,
	.too_long = " (is a quote never closed?)",
	.own = sizeof(csv),
	.whole = csv_whole,
	.take = csv_take,
	.begun = csv_begun,
	.close = csv_close,
};
