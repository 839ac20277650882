/* Files, corpora and caches in a folder of the test's own, for test_data.c and test_token_cache.c. */
#ifndef CORPUS_FILES_H
#define CORPUS_FILES_H

#include "data/corpus.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_ROOM = 600 };

static char root[256];          /* a folder for this run alone */

static inline const char *in_root(const char *name)
{
	static char paths[4][PATH_ROOM];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, PATH_ROOM, "%s/%s", root, name);
	return path;
}

static inline void set_time(const char *path, time_t seconds)
{
	struct timespec times[2] = { { seconds, 0 }, { seconds, 0 } };
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Its time is some hours ago, so that it is not young, and later than that of any file written before. */
static inline const char *write_file(const char *name, const void *data, size_t bytes)
{
	static int written;
	const char *path = in_root(name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
	set_time(path, time(NULL) - 36000 + 10 * written++);
	return path;
}

static inline ur_status open_kind(const char *path, const char *kind, ur_corpus **c, ur_err *err)
{
	return ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = kind }, c, err);
}

static inline ur_corpus *opened(const char *path, const char *kind)
{
	ur_corpus *c;
	ur_err err = { 0 };
	if (open_kind(path, kind, &c, &err))
		fail_msg("%s", err.text);
	return c;
}

/* Fresh and empty. */
static inline void use_cache(const char *name)
{
	assert_int_equal(setenv("XDG_CACHE_HOME", in_root(name), 1), 0);
}

/* Files in a folder whose names end in ".tokens", or those of writers too; the last one's path. */
static inline int cached_in(const char *folder, char path[PATH_ROOM], int all)
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		const char *end = strstr(entry->d_name, ".tokens");
		if (!end || (!all && strcmp(end, ".tokens")))
			continue;
		n++;
		if (path)
			assert_true(snprintf(path, PATH_ROOM, "%.300s/%.250s", folder, entry->d_name) < PATH_ROOM);
	}
	if (dir)
		closedir(dir);
	return n;
}

static inline int cached(char path[PATH_ROOM], int all)
{
	char folder[PATH_ROOM];
	snprintf(folder, sizeof folder, "%s/unroll", getenv("XDG_CACHE_HOME"));
	return cached_in(folder, path, all);
}

/* ---- a text of every kind of character, long enough for several blocks of the index ---- */

enum { LONG = 60000 };

static inline char *long_text(size_t *bytes)
{
	static const char *const bits[] = { "a", "the ", " of\n", "\xC3\xA9t\xC3\xA9 ", "\xE2\x82\xAC",
		"\xF0\x9F\x98\x80", "\t", "  ", "x1 ", "\r\n", "word", "q" };
	char *text = malloc(LONG + 8);
	uint32_t r = 12345;
	size_t n = 0;

	while (n < LONG) {
		const char *bit = bits[(r = r * 1664525 + 1013904223) >> 16 & 0xFFFF ? (r >> 20) % 12 : 0];
		memcpy(text + n, bit, strlen(bit));
		n += strlen(bit);
	}
	*bytes = n;
	return text;
}

struct all { int32_t *ids; int64_t *ends; int64_t n; };

static inline ur_status take(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	struct all *all = arg;
	(void)err;
	memcpy(all->ids + all->n, ids, n * sizeof *ids);
	memcpy(all->ends + all->n, ends, n * sizeof *ends);
	all->n += (int64_t)n;
	return UR_OK;
}

static inline struct all encode_all(const ur_vocab *v, const char *text, size_t bytes)
{
	struct all all = { malloc(bytes * sizeof(int32_t)), malloc(bytes * sizeof(int64_t)), 0 };
	ur_encoder *e;
	assert_int_equal(ur_encoder_open(v, 0, take, &all, &e, NULL), UR_OK);
	assert_int_equal(ur_encoder_feed(e, text, bytes, NULL), UR_OK);
	assert_int_equal(ur_encoder_finish(e, NULL), UR_OK);
	ur_encoder_close(e);
	return all;
}

/* The corpus holds these tokens, in ranges of all kinds. */
static inline void expect_tokens(const ur_corpus *c, const struct all *all)
{
	int32_t *out = malloc(((size_t)all->n + 1) * sizeof *out);
	ur_err err = { 0 };

	assert_int_equal(ur_corpus_tokens(c), all->n);
	for (int64_t from = 0, n = all->n; n > 0; from = (from + 3571) % all->n, n -= n / 7 + 1) {
		int64_t now = n < all->n - from ? n : all->n - from;
		out[now] = -7;
		if (ur_corpus_read(c, from, now, out, &err))
			fail_msg("%s", err.text);
		assert_memory_equal(out, all->ids + from, (size_t)now * sizeof *out);
		assert_int_equal(out[now], -7);
	}
	free(out);
}

static inline void expect_text(const char *path, const char *kind, const char *text)
{
	ur_corpus *c = opened(path, kind);
	struct all all = encode_all(ur_corpus_vocab(c), text, strlen(text));
	expect_tokens(c, &all);
	free(all.ids);
	free(all.ends);
	ur_corpus_close(c);
}

static inline int remove_root(void **state)
{
	char command[300];
	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

static inline int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/unroll-test-XXXXXX");
	return mkdtemp(root) && !mkdir(in_root("tmp"), 0700) ? setenv("TMPDIR", in_root("tmp"), 1) : -1;
}

#endif
