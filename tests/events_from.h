/* Sources of events for tests: a file of some bytes, a request for it, and its reader. */
#ifndef EVENTS_FROM_H
#define EVENTS_FROM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static inline int file_with(const char *bytes, size_t n)
{
	int fd = memfd_create("events", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline ur_events_request request_of(const char *kind, int fd)
{
	return (ur_events_request){ .kind = ur_event_kind_find(kind, NULL), .fd = fd, .name = "input" };
}

static inline ur_events *reader_of(const ur_events_request *request)
{
	ur_events *r;
	ur_err err = { 0 };
	ur_status status = ur_events_open(request, &r, &err);

	if (status)
		fail_msg("%s", err.text);
	return r;
}

#endif
