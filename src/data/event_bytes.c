/* bytes: an event is a byte. */
#include "data/events_parts.h"

static size_t bytes_whole(ur_events *r, const char *piece, size_t n)
{
	(void)r;
	(void)piece;
	return n > 0;
}

static ur_status bytes_take(ur_events *r, char *piece, size_t n, int *given, ur_err *err)
{
	(void)err;
	r->event.bytes = piece;
	r->event.n = n;
	*given = 1;
	return UR_OK;
}

const ur_event_kind ur_event_kind_bytes = {
	.name = "bytes",
	.about = "each byte",
	.broken = 1,
	.whole = bytes_whole,
	.take = bytes_take,
};
