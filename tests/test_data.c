/* Corpora: any range of any vocabulary, files that are none, files that change, threads. The cache of tokens is in
 * test_token_cache.c, splits and batches in test_batches.c. */
#include "corpus_files.h"
#include "data/token_cache.h"

#include <pthread.h>

static void any_range_of_any_vocabulary(void **state)
{
	static const ur_corpus_request asks[] = { { .vocab = "byte" }, { .vocab = "char" }, { .vocab = "word" },
		{ .vocab = "bpe" }, { .vocab = "bpe", .vocab_size = 270 }, { .vocab = "char", .vocab_least = 2500 } };
	enum { ASKS = sizeof asks / sizeof *asks };
	size_t bytes;
	char *text = long_text(&bytes);
	const char *path = write_file("long.txt", text, bytes);
	uint64_t prints[ASKS];

	(void)state;
	use_cache("ranges");
	for (int k = 0; k < ASKS; k++)
		for (int again = 0; again < 2; again++) { /* the second time from the cache */
			ur_corpus_request ask = asks[k];
			ur_corpus *c;
			struct all all;
			int64_t n, got;

			ask.path = path;
			assert_int_equal(ur_corpus_open(&ask, &c, NULL), UR_OK);
			all = encode_all(ur_corpus_vocab(c), text, bytes);
			n = all.n;

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
	assert_int_equal(cached(NULL, 1), ASKS - 1);
	free(text);
}

/* Where encoding cannot start behind every token, bytes are counted all the same: one word, cut by length. */
static void a_run_without_a_blank(void **state)
{
	enum { BYTES = 100000 };
	char *text = malloc(BYTES);
	uint32_t r = 7;
	ur_corpus *c;
	struct all all;

	(void)state;
	use_cache("run");
	for (int i = 0; i < BYTES; i++)
		text[i] = (char)('a' + ((r = r * 1664525 + 1013904223) >> 24) % 7);
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = write_file("run.txt", text, BYTES), .vocab = "bpe",
		.vocab_size = 300 }, &c, NULL), UR_OK);
	all = encode_all(ur_corpus_vocab(c), text, BYTES);
	assert_true(all.n > 4 * UR_TOKEN_BLOCK);
	for (int64_t to = 1; to <= all.n; to += to % UR_TOKEN_BLOCK > 300 ? 777 : 1) {
		int64_t got;
		assert_int_equal(ur_corpus_bytes(c, 0, to, &got, NULL), UR_OK);
		assert_int_equal(got, all.ends[to - 1]);
	}
	ur_corpus_close(c);
	free(all.ids);
	free(all.ends);
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
	expect_refusal(in_root("latin1"), "bytes", UR_E_INVALID, "byte, char, word, bpe");
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
	static const char *const kinds[] = { "byte", "char", "word", "bpe" };

	(void)state;
	use_cache("single");
	write_file("one", "x", 1);
	for (int k = 0; k < 4; k++) {
		ur_corpus *c = opened(in_root("one"), kinds[k]);
		int32_t id;
		assert_int_equal(ur_corpus_tokens(c), 1);
		assert_int_equal(ur_corpus_read(c, 0, 1, &id, NULL), UR_OK);
		assert_int_equal(id, k == 1 || k == 2 ? 0 : 'x');
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_range_of_any_vocabulary),
		cmocka_unit_test(a_run_without_a_blank),
		cmocka_unit_test(outside_is_refused),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(one_byte_is_a_corpus),
		cmocka_unit_test(shrinking_file),
		cmocka_unit_test(changes_while_tokenising),
		cmocka_unit_test(given_vocabulary),
		cmocka_unit_test(threads_share_a_corpus),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
