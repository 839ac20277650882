/* lines: an event is a line with its newline, byte for byte as it stands. */
#include "data/events_parts.h"

static ur_status lines_take(ur_events *r, char *piece, size_t n, int *given, ur_err *err)
{
	(void)err;
	r->event.bytes = piece;
	r->event.n = n;
	*given = 1;
	return UR_OK;
}

const ur_event_kind ur_event_kind_lines = {
	.name = "lines",
	.about = "each line, with its newline",
	.whole = ur_events_line,
	.take = lines_take,
};
