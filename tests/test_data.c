/* Corpora: any range of any vocabulary, and the cache of tokens against accidents.
 * Splits and batches are in test_batches.c. */
#include "data/corpus.h"
#include "data/token_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_ROOM = 600 };

static char root[256];          /* a folder for this run alone */

static const char *in_root(const char *name)
{
	static char paths[4][PATH_ROOM];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, PATH_ROOM, "%s/%s", root, name);
	return path;
}

static void set_time(const char *path, time_t seconds)
{
	struct timespec times[2] = { { seconds, 0 }, { seconds, 0 } };
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Its time is some hours ago, so that it is not young, and later than that of any file written before. */
static const char *write_file(const char *name, const void *data, size_t bytes)
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

static ur_status open_kind(const char *path, const char *kind, ur_corpus **c, ur_err *err)
{
	return ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = kind }, c, err);
}

static ur_corpus *opened(const char *path, const char *kind)
{
	ur_corpus *c;
	ur_err err = { 0 };
	if (open_kind(path, kind, &c, &err))
		fail_msg("%s", err.text);
	return c;
}

/* Fresh and empty. */
static void use_cache(const char *name)
{
	assert_int_equal(setenv("XDG_CACHE_HOME", in_root(name), 1), 0);
}

/* Files in a folder whose names end in ".tokens", or those of writers too; the last one's path. */
static int cached_in(const char *folder, char path[PATH_ROOM], int all)
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

static int cached(char path[PATH_ROOM], int all)
{
	char folder[PATH_ROOM];
	snprintf(folder, sizeof folder, "%s/unroll", getenv("XDG_CACHE_HOME"));
	return cached_in(folder, path, all);
}

/* ---- a text of every kind of character, long enough for several blocks of the index ---- */

enum { LONG = 60000 };

static char *long_text(size_t *bytes)
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

static ur_status take(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	struct all *all = arg;
	(void)err;
	memcpy(all->ids + all->n, ids, n * sizeof *ids);
	memcpy(all->ends + all->n, ends, n * sizeof *ends);
	all->n += (int64_t)n;
	return UR_OK;
}

static struct all encode_all(const ur_vocab *v, const char *text, size_t bytes)
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
static void expect_tokens(const ur_corpus *c, const struct all *all)
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

static void any_range_of_any_vocabulary(void **state)
{
	static const char *const kinds[] = { "byte", "char", "word" };
	size_t bytes;
	char *text = long_text(&bytes);
	const char *path = write_file("long.txt", text, bytes);
	uint64_t prints[3];

	(void)state;
	use_cache("ranges");
	for (int k = 0; k < 3; k++)
		for (int again = 0; again < 2; again++) { /* the second time from the cache */
			ur_corpus *c = opened(path, kinds[k]);
			struct all all = encode_all(ur_corpus_vocab(c), text, bytes);
			int64_t n = all.n, got;

			assert_true(n > 2 * UR_TOKEN_BLOCK);
			assert_int_equal(ur_corpus_source_bytes(c), bytes);
			expect_tokens(c, &all);
			all.ends[n - 1] = (int64_t)bytes; /* blanks at the end are the last token's */
			for (int64_t from = 0; from <= n; from += from % UR_TOKEN_BLOCK < 2 || n - from < 4 ? 1 : 977)
				for (int64_t to = from; to <= n; to += to % UR_TOKEN_BLOCK < 2 || n - to < 4 ? 1 : 1013) {
					int64_t start = from ? all.ends[from - 1] : 0, end = to ? all.ends[to - 1] : 0;
					assert_int_equal(ur_corpus_bytes(c, from, to, &got, NULL), UR_OK);
					assert_int_equal(got, end - start);
				}
			assert_int_equal(ur_corpus_fingerprint(c, &prints[k], NULL), UR_OK);
			assert_true(prints[k] == prints[0]);
			ur_corpus_close(c);
			free(all.ids);
			free(all.ends);
		}
	assert_int_equal(cached(NULL, 1), 2);
	free(text);
}

static void outside_is_refused(void **state)
{
	ur_corpus *c = opened(write_file("five.txt", "12345", 5), "byte");
	int64_t bytes;
	int32_t out[8];
	ur_err err;

	(void)state;
	assert_int_equal(ur_corpus_read(c, 3, 3, out, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "tokens 3 to 6"));
	assert_non_null(strstr(err.text, "it has 5"));
	assert_int_equal(ur_corpus_read(c, -1, 1, out, &err), UR_E_INVALID);
	assert_int_equal(ur_corpus_read(c, 0, -1, out, &err), UR_E_INVALID);
	assert_int_equal(ur_corpus_read(c, 1, INT64_MAX, out, &err), UR_E_INVALID);
	assert_int_equal(ur_corpus_read(c, 5, 0, out, &err), UR_OK);
	assert_int_equal(ur_corpus_bytes(c, 2, 6, &bytes, &err), UR_E_INVALID);
	assert_int_equal(ur_corpus_bytes(c, 3, 2, &bytes, &err), UR_E_INVALID);
	ur_corpus_close(c);
}

/* ---- files that are no corpus ---- */

static void expect_refusal(const char *path, const char *kind, ur_status status, const char *says)
{
	ur_corpus *c;
	ur_err err = { 0 };
	assert_int_equal(open_kind(path, kind, &c, &err), status);
	assert_null(c);
	if (err.status != status || !strstr(err.text, says))
		fail_msg("%s as %s: %s", path, kind, err.text);
}

static void bad_files_are_refused(void **state)
{
	ur_corpus *c;
	ur_err err;

	(void)state;
	use_cache("bad");
	expect_refusal(in_root("none.txt"), "char", UR_E_IO, "No such file");
	expect_refusal(in_root("none.txt"), "byte", UR_E_IO, in_root("none.txt"));
	expect_refusal(root, "byte", UR_E_IO, "is a directory");
	expect_refusal(write_file("empty", "", 0), "byte", UR_E_INVALID, "is empty");
	expect_refusal(in_root("empty"), "word", UR_E_INVALID, "is empty");
	expect_refusal(write_file("blank", " \t ", 3), "word", UR_E_INVALID, "no word token");
	expect_refusal(write_file("latin1", "caf\xE9 au lait", 12), "char", UR_E_INVALID, "invalid UTF-8 at byte 3");
	expect_refusal(in_root("latin1"), "word", UR_E_INVALID, "use --vocab byte or convert");
	expect_refusal(in_root("latin1"), "char", UR_E_INVALID, in_root("latin1"));
	expect_refusal(in_root("latin1"), "bpe", UR_E_INVALID, "byte, char, word");
	assert_int_equal(mkfifo(in_root("fifo"), 0600), 0);
	expect_refusal(in_root("fifo"), "byte", UR_E_IO, "pipe");
	expect_refusal("/dev/zero", "byte", UR_E_IO, "not a regular file");
	expect_refusal("-", "byte", UR_E_IO, "standard input");
	if (geteuid()) {
		write_file("locked", "abc", 3);
		assert_int_equal(chmod(in_root("locked"), 0), 0);
		expect_refusal(in_root("locked"), "byte", UR_E_IO, "Permission denied");
	}
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = in_root("latin1"), .reader = "tape" }, &c, &err),
		UR_E_INVALID);
	assert_non_null(strstr(err.text, "'tape'"));
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = in_root("latin1"), .vocab_size = 9 }, &c, &err),
		UR_E_INVALID);
	assert_int_equal(cached(NULL, 1), 0);
}

static void one_byte_is_a_corpus(void **state)
{
	static const char *const kinds[] = { "byte", "char", "word" };

	(void)state;
	use_cache("single");
	write_file("one", "x", 1);
	for (int k = 0; k < 3; k++) {
		ur_corpus *c = opened(in_root("one"), kinds[k]);
		int32_t id;
		assert_int_equal(ur_corpus_tokens(c), 1);
		assert_int_equal(ur_corpus_read(c, 0, 1, &id, NULL), UR_OK);
		assert_int_equal(id, k ? 0 : 'x');
		ur_corpus_close(c);
	}
}

/* ---- files that change ---- */

static void shrinking_file(void **state)
{
	ur_corpus *c;
	int32_t out[100];
	int64_t bytes;
	uint64_t print;
	ur_err err;

	(void)state;
	use_cache("shrink");
	memset(out, 0, sizeof out);
	write_file("shrinks", out, 100);
	c = opened(in_root("shrinks"), "byte");
	assert_int_equal(truncate(in_root("shrinks"), 60), 0);
	assert_int_equal(ur_corpus_read(c, 0, 60, out, &err), UR_OK);
	assert_int_equal(ur_corpus_read(c, 50, 50, out, &err), UR_E_IO);
	assert_non_null(strstr(err.text, "ended at byte 60, expected 100: it changed while it was being read"));
	assert_non_null(strstr(err.text, in_root("shrinks")));
	assert_int_equal(ur_corpus_fingerprint(c, &print, &err), UR_E_IO);
	ur_corpus_close(c);

	/* tokens are in the cache and stay; only bytes need the source */
	write_file("shrinks", "the cat the dog", 15);
	c = opened(in_root("shrinks"), "word");
	assert_int_equal(truncate(in_root("shrinks"), 5), 0);
	assert_int_equal(ur_corpus_read(c, 0, 4, out, &err), UR_OK);
	assert_int_equal(out[0], out[2]);
	assert_int_equal(ur_corpus_bytes(c, 0, 4, &bytes, &err), UR_OK);
	assert_int_equal(bytes, 15);
	assert_int_equal(ur_corpus_bytes(c, 0, 3, &bytes, &err), UR_E_IO);
	assert_non_null(strstr(err.text, "changed while it was being read"));
	ur_corpus_close(c);
	write_file("shrinks", "the cat the dog", 15);
	c = opened(in_root("shrinks"), "word");
	write_file("shrinks", "a cat and a dog", 15); /* the same size, another time */
	assert_int_equal(ur_corpus_bytes(c, 0, 3, &bytes, &err), UR_E_IO);
	assert_non_null(strstr(err.text, "changed while it was being read"));
	ur_corpus_close(c);
}

static int grow(void *arg, int64_t done, int64_t total)
{
	FILE *f = fopen(arg, "ab");
	(void)done;
	(void)total;
	fputs("more", f);
	fclose(f);
	return 0;
}

static int cut(void *arg, int64_t done, int64_t total)
{
	(void)done;
	(void)total;
	return truncate(arg, 10);
}

static int stop(void *arg, int64_t done, int64_t total)
{
	int *calls = arg;
	assert_true(done > 0 && done <= total);
	return ++*calls == 2;
}

static void changes_while_tokenising(void **state)
{
	char path[PATH_ROOM];
	ur_corpus *c;
	ur_err err;
	int calls = 0;

	(void)state;
	use_cache("changes");
	strcpy(path, write_file("changes", "some text and some more", 23));
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "char", .progress = grow,
		.progress_arg = path }, &c, &err), UR_E_IO);
	assert_non_null(strstr(err.text, "changed while it was being read"));
	write_file("changes", "some text and some more", 23);
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word", .progress = cut,
		.progress_arg = path }, &c, &err), UR_E_IO);
	assert_non_null(strstr(err.text, "ended at byte 10, expected 23"));
	write_file("changes", "some text and some more", 23);
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word", .progress = stop,
		.progress_arg = &calls }, &c, &err), UR_E_STOPPED);
	assert_int_equal(calls, 2);
	assert_null(c);
	assert_int_equal(cached(NULL, 1), 0);
}

/* ---- the cache ---- */

static uint64_t file_id(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_ino * 1000003 + (uint64_t)st.st_mtim.tv_nsec + (uint64_t)st.st_mtim.tv_sec * 1000000007;
}

static void expect_text(const char *path, const char *kind, const char *text)
{
	ur_corpus *c = opened(path, kind);
	struct all all = encode_all(ur_corpus_vocab(c), text, strlen(text));
	expect_tokens(c, &all);
	free(all.ids);
	free(all.ends);
	ur_corpus_close(c);
}

static void cache_is_used_again(void **state)
{
	char path[PATH_ROOM], file[PATH_ROOM], now[PATH_ROOM];
	ur_corpus *c, *d;
	ur_err err;
	uint64_t id;

	(void)state;
	use_cache("again");
	strcpy(path, write_file("again.txt", "hello world", 11));
	expect_text(path, "char", "hello world");
	assert_int_equal(cached(file, 1), 1);
	id = file_id(file);
	expect_text(path, "char", "hello world");
	c = opened(path, "char");
	/* the same vocabulary, given: the same cache */
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .use = ur_corpus_vocab(c) }, &d, &err), UR_OK);
	assert_true(ur_corpus_vocab(d) == ur_corpus_vocab(c));
	ur_corpus_close(c);
	assert_int_equal(ur_corpus_tokens(d), 11);
	assert_int_equal(cached(now, 1), 1);
	assert_string_equal(now, file);
	assert_true(file_id(file) == id);
	/* another way to the same file */
	assert_int_equal(symlink(path, in_root("link.txt")), 0);
	expect_text(in_root("link.txt"), "char", "hello world");
	assert_true(file_id(file) == id);
	/* other kinds and caps are other caches */
	expect_text(path, "word", "hello world");
	assert_int_equal(cached(NULL, 1), 2);
	/* the source changes: what was made from it goes, and open corpora keep what they have */
	write_file("again.txt", "other words", 11);
	expect_text(path, "char", "other words");
	assert_int_equal(cached(NULL, 1), 1);
	assert_int_equal(ur_corpus_read(d, 0, 1, &(int32_t){ 0 }, &err), UR_OK);
	ur_corpus_close(d);
}

static void caps_are_kept_apart(void **state)
{
	static const char text[] = "a a a b b c d";
	static const int sizes[] = { 3, 4, 6, 3, 4 };
	char path[PATH_ROOM];

	(void)state;
	use_cache("caps");
	strcpy(path, write_file("caps.txt", text, sizeof text - 1));
	for (int i = 0; i < 5; i++) {
		ur_corpus *c;
		int32_t ids[7];
		assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word",
			.vocab_size = sizes[i] == 6 ? 0 : sizes[i] }, &c, NULL), UR_OK);
		assert_int_equal(ur_vocab_size(ur_corpus_vocab(c)), sizes[i]);
		assert_int_equal(ur_corpus_read(c, 0, 7, ids, NULL), UR_OK);
		assert_int_equal(ids[6] == ur_vocab_unknown(ur_corpus_vocab(c)), sizes[i] < 6);
		ur_corpus_close(c);
	}
	assert_int_equal(cached(NULL, 1), 3);
}

/* Written again within the file system's clock tick, same size: only the contents tell. */
static void young_sources_are_compared(void **state)
{
	char path[PATH_ROOM];
	struct stat st;

	(void)state;
	use_cache("young");
	strcpy(path, write_file("young.txt", "abcabc", 6));
	assert_int_equal(utimensat(AT_FDCWD, path, NULL, 0), 0);
	expect_text(path, "char", "abcabc");
	assert_int_equal(stat(path, &st), 0);
	for (int i = 0; i < 2; i++) {
		const char *text = i ? "abcabc" : "cabbac";
		struct timespec times[2];
		int fd = open(path, O_WRONLY);
		assert_int_equal(pwrite(fd, text, 6, 0), 6);
		times[0] = times[1] = st.st_mtim;
		assert_int_equal(futimens(fd, times), 0);
		close(fd);
		expect_text(path, "char", text);
	}
}

/* Any byte of a cache may be wrong: the tokens are right all the same, and the cache is whole afterwards. */
static void damaged_caches_are_rebuilt(void **state)
{
	static const char text[] = "the cat sat on the mat\nthe end\n";
	char path[PATH_ROOM], file[PATH_ROOM];
	unsigned char good[4096], now[4096];
	FILE *f;
	size_t bytes;

	(void)state;
	use_cache("damage");
	strcpy(path, write_file("damage.txt", text, sizeof text - 1));
	expect_text(path, "word", text);
	assert_int_equal(cached(file, 1), 1);
	f = fopen(file, "rb");
	bytes = fread(good, 1, sizeof good, f);
	fclose(f);
	assert_true(bytes > sizeof(ur_token_header) && bytes < sizeof good);
	for (size_t at = 0; at < bytes; at += at < sizeof(ur_token_header) ? 1 : 3) {
		int fd = open(file, O_WRONLY);
		unsigned char bad = good[at] ^ (unsigned char)(1 << at % 8);
		assert_int_equal(pwrite(fd, &bad, 1, (off_t)at), 1);
		close(fd);
		expect_text(path, "word", text);
		f = fopen(file, "rb");
		assert_non_null(f);
		assert_int_equal(fread(now, 1, sizeof now, f), bytes);
		fclose(f);
		assert_memory_equal(now, good, bytes);
	}
	for (size_t size = 0; size < bytes + 100; size += 41) { /* too short, too long */
		assert_int_equal(truncate(file, (off_t)size), 0);
		expect_text(path, "word", text);
		assert_int_equal(cached(NULL, 1), 1);
	}
	/* not even a file */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	expect_text(path, "word", text);
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(symlink("/dev/zero", file), 0);
	expect_text(path, "word", text);
	assert_int_equal(cached(NULL, 1), 1);
}

/* A forged cache: every hash is right, the contents are not. */
static void forge(const char *file, size_t at, unsigned char value)
{
	unsigned char data[4096];
	ur_token_header h;
	ur_hash hash = { 0 };
	FILE *f = fopen(file, "r+b");
	size_t bytes = fread(data, 1, sizeof data, f);

	memcpy(&h, data, sizeof h);
	data[at] = value;
	ur_hash_add(&hash, data + sizeof h, bytes - sizeof h);
	h.body_hash = ur_hash_value(&hash);
	h.header_hash = ur_token_header_hash(&h);
	memcpy(data, &h, sizeof h);
	rewind(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	fclose(f);
}

static void forged_caches_do_no_harm(void **state)
{
	static const char text[] = "abcabc";
	char path[PATH_ROOM], file[PATH_ROOM];
	int64_t ids_at, index_at, size;
	ur_token_header h;
	ur_corpus *c;
	int32_t ids[6];
	ur_err err;
	FILE *f;

	(void)state;
	use_cache("forge");
	strcpy(path, write_file("forge.txt", text, sizeof text - 1));
	expect_text(path, "char", text);
	assert_int_equal(cached(file, 1), 1);
	f = fopen(file, "rb");
	assert_int_equal(fread(&h, sizeof h, 1, f), 1);
	fclose(f);
	assert_true(ur_token_layout(&h, &ids_at, &index_at, &size));
	/* a token that the vocabulary does not have */
	forge(file, (size_t)ids_at + 2, 3);
	c = opened(path, "char");
	assert_int_equal(ur_corpus_read(c, 0, 2, ids, &err), UR_OK);
	assert_int_equal(ur_corpus_read(c, 0, 6, ids, &err), UR_E_FORMAT);
	assert_non_null(strstr(err.text, file));
	ur_corpus_close(c);
	/* an index that does not begin at 0; a vocabulary that is no JSON, and one that is another */
	forge(file, (size_t)ids_at + 2, 2);
	forge(file, (size_t)index_at, 1);
	c = opened(path, "char");
	assert_int_equal(ur_corpus_bytes(c, 2, 6, &size, &err), UR_OK);
	assert_int_equal(size, 4);
	ur_corpus_close(c);
	forge(file, sizeof h + h.path_bytes, 'x');
	expect_text(path, "char", text);
	forge(file, sizeof h + h.path_bytes + h.json_bytes - strlen("7,98,99]}"), '6');
	expect_text(path, "char", text);
	/* another source's path */
	forge(file, sizeof h + 1, '?');
	expect_text(path, "char", text);
	f = fopen(file, "rb");
	assert_int_equal(fseek(f, sizeof h + 1, SEEK_SET), 0);
	assert_int_equal(fgetc(f), path[1]);
	fclose(f);
	assert_int_equal(cached(NULL, 1), 1);
}

/* ---- several processes, and places that cannot be written ---- */

static int kill_in_second_pass(void *arg, int64_t done, int64_t total)
{
	(void)arg;
	if (done > total / 2)
		raise(SIGKILL);
	return 0;
}

static void killed_writers_leave_nothing(void **state)
{
	static const char text[] = "to be or not to be";
	char path[PATH_ROOM], file[PATH_ROOM];
	int status;
	pid_t child;
	ur_corpus *c;

	(void)state;
	use_cache("killed");
	strcpy(path, write_file("killed.txt", text, sizeof text - 1));
	child = fork();
	if (!child) {
		ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word", .progress = kill_in_second_pass }, &c,
			NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(cached(NULL, 0), 0);
	assert_int_equal(cached(file, 1), 1); /* the temporary file */
	expect_text(path, "word", text);
	assert_int_equal(cached(NULL, 0), 1);
	assert_int_equal(cached(NULL, 1), 2);
	/* once it is old, the next writer removes it */
	set_time(file, time(NULL) - 7200);
	write_file("killed.txt", "to see", 6);
	expect_text(path, "word", "to see");
	assert_int_equal(cached(NULL, 1), 1);
}

static void processes_at_once(void **state)
{
	enum { CHILDREN = 4, ROUNDS = 5 };
	size_t bytes;
	char *text = long_text(&bytes), path[PATH_ROOM];
	ur_corpus *c;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t child[CHILDREN];
		char cache[16];
		snprintf(cache, sizeof cache, "once%d", round);
		use_cache(cache);
		strcpy(path, write_file("once.txt", text, bytes));
		for (int i = 0; i < CHILDREN; i++) {
			child[i] = fork();
			if (!child[i]) {
				int32_t *out = malloc(bytes * sizeof *out), *expected = malloc(bytes * sizeof *out);
				int bad = open_kind(path, i % 2 ? "word" : "char", &c, NULL) != UR_OK;
				int64_t n = bad ? 0 : ur_vocab_encode(ur_corpus_vocab(c), text, bytes, expected, bytes, NULL);
				bad |= !n || n != ur_corpus_tokens(c) || ur_corpus_read(c, 0, n, out, NULL) ||
					memcmp(out, expected, (size_t)n * sizeof *out);
				_exit(bad);
			}
		}
		for (int i = 0; i < CHILDREN; i++) {
			int status;
			assert_int_equal(waitpid(child[i], &status, 0), child[i]);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		}
		assert_int_equal(cached(NULL, 0), 2);
		assert_int_equal(cached(NULL, 1), 2);
	}
	free(text);
}

static void other_places(void **state)
{
	static const char text[] = "here and there";
	char path[PATH_ROOM], folder[PATH_ROOM], file[PATH_ROOM], now[PATH_ROOM];
	struct stat st;

	(void)state;
	strcpy(path, write_file("place.txt", text, sizeof text - 1));
	/* ~/.cache */
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", in_root("home"), 1);
	assert_int_equal(mkdir(in_root("other"), 0700), 0);
	setenv("TMPDIR", in_root("other"), 1);
	expect_text(path, "char", text);
	assert_int_equal(stat(in_root("home/.cache/unroll"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* $TMPDIR */
	setenv("HOME", "/dev/null", 1);
	expect_text(path, "char", text);
	snprintf(folder, sizeof folder, "%s/unroll-%lu", in_root("other"), (unsigned long)geteuid());
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(cached_in(folder, file, 1), 1);
	/* not if others may write there: then a file without a name */
	assert_int_equal(chmod(folder, 0777), 0);
	write_file("place.txt", "moved away now", 14);
	expect_text(path, "char", "moved away now");
	expect_text(path, "char", "moved away now");
	assert_int_equal(cached_in(folder, now, 1), 1);
	assert_string_equal(now, file);
	unsetenv("HOME");
	setenv("TMPDIR", "/dev/null", 1);
	expect_text(path, "word", "moved away now");
	setenv("TMPDIR", in_root("tmp"), 1);
}

/* A full disk: every place fails, err says what to do, and nothing is left behind. */
static void full_disks(void **state)
{
	size_t bytes;
	char *text = long_text(&bytes), path[PATH_ROOM];
	int status;
	pid_t child;

	(void)state;
	use_cache("full");
	strcpy(path, write_file("full.txt", text, bytes));
	child = fork();
	if (!child) {
		ur_corpus *c;
		ur_err err = { 0 };
		struct rlimit limit = { 20000, 20000 };
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(open_kind(path, "char", &c, &err) != UR_E_IO || !strstr(err.text, path) ||
			!strstr(err.text, "set XDG_CACHE_HOME or TMPDIR"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(cached(NULL, 1), 0);
	free(text);
}

static void given_vocabulary(void **state)
{
	char path[PATH_ROOM];
	ur_corpus *c, *d;
	int32_t ids[8];
	ur_err err;

	(void)state;
	use_cache("given");
	c = opened(write_file("given1.txt", "abcd", 4), "char");
	strcpy(path, write_file("given2.txt", "dbca", 4));
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .use = ur_corpus_vocab(c) }, &d, &err), UR_OK);
	ur_corpus_close(c); /* d has its own hold */
	assert_int_equal(ur_corpus_read(d, 0, 4, ids, &err), UR_OK);
	assert_memory_equal(ids, ((int32_t[]){ 3, 1, 2, 0 }), 16);
	strcpy(path, write_file("given3.txt", "ab!d", 4));
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .use = ur_corpus_vocab(d) }, &c, &err),
		UR_E_INVALID);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "U+0021 ('!') at byte 2"));
	ur_corpus_close(d);
	c = opened(path, "byte");
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path, .use = ur_corpus_vocab(c) }, &d, &err), UR_OK);
	ur_corpus_close(c);
	assert_int_equal(ur_corpus_read(d, 2, 1, ids, &err), UR_OK);
	assert_int_equal(ids[0], '!');
	ur_corpus_close(d);
}

/* ---- threads ---- */

struct reading { const ur_corpus *c; const struct all *all; int bad, seed; };

static void *read_a_lot(void *arg)
{
	struct reading *r = arg;
	uint32_t x = (uint32_t)r->seed;
	int32_t out[300];

	for (int i = 0; i < 300; i++) {
		int64_t from = (x = x * 1664525 + 1013904223) % (uint32_t)(r->all->n - 300), bytes;
		r->bad |= ur_corpus_read(r->c, from, 300, out, NULL) || memcmp(out, r->all->ids + from, sizeof out);
		r->bad |= ur_corpus_bytes(r->c, from, from + 300, &bytes, NULL) ||
			bytes != r->all->ends[from + 299] - (from ? r->all->ends[from - 1] : 0);
	}
	return NULL;
}

static void threads_share_a_corpus(void **state)
{
	enum { THREADS = 4 };
	size_t bytes;
	char *text = long_text(&bytes);
	ur_corpus *c;
	struct all all;
	struct reading r[THREADS];
	pthread_t id[THREADS];

	(void)state;
	use_cache("threads");
	c = opened(write_file("threads.txt", text, bytes), "char");
	all = encode_all(ur_corpus_vocab(c), text, bytes);
	for (int i = 0; i < THREADS; i++) {
		r[i] = (struct reading){ c, &all, 0, i };
		assert_int_equal(pthread_create(&id[i], NULL, read_a_lot, &r[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(id[i], NULL);
		assert_int_equal(r[i].bad, 0);
	}
	ur_corpus_close(c);
	free(all.ids);
	free(all.ends);
	free(text);
}

static int remove_root(void **state)
{
	char command[300];
	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/unroll-test-XXXXXX");
	return mkdtemp(root) && !mkdir(in_root("tmp"), 0700) ? setenv("TMPDIR", in_root("tmp"), 1) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_range_of_any_vocabulary),
		cmocka_unit_test(outside_is_refused),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(one_byte_is_a_corpus),
		cmocka_unit_test(shrinking_file),
		cmocka_unit_test(changes_while_tokenising),
		cmocka_unit_test(cache_is_used_again),
		cmocka_unit_test(caps_are_kept_apart),
		cmocka_unit_test(young_sources_are_compared),
		cmocka_unit_test(damaged_caches_are_rebuilt),
		cmocka_unit_test(forged_caches_do_no_harm),
		cmocka_unit_test(killed_writers_leave_nothing),
		cmocka_unit_test(processes_at_once),
		cmocka_unit_test(other_places),
		cmocka_unit_test(full_disks),
		cmocka_unit_test(given_vocabulary),
		cmocka_unit_test(threads_share_a_corpus),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
