/* Files of pairs in the test's folder, and pairs opened from them. */
#ifndef PAIR_FILES_H
#define PAIR_FILES_H

#include "data/pairs.h"
#include "test_folder.h"

static inline const char *put(const char *name, const void *data, size_t bytes)
{
	FILE *f = fopen(name, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
	return name;
}

/* A literal, NULs in it too. */
#define PUT(name, literal) put(name, literal, sizeof literal - 1)

static inline ur_status open_kind(const char *path, const char *target, const char *kind, ur_pairs **p, ur_err *err)
{
	return ur_pairs_open(&(ur_pairs_request){ .path = path, .target = target, .vocab = { { .kind = kind },
		{ .kind = kind } } }, p, err);
}

static inline ur_pairs *opened(const char *path, const char *target, const char *kind)
{
	ur_pairs *p;
	ur_err err = { 0 };
	if (open_kind(path, target, kind, &p, &err))
		fail_msg("%s", err.text);
	return p;
}

#endif
