/* Pairs: what a file's lines become, what is refused and how that is said, and which part a pair is in. */
#include "pair_files.h"
#include "vocab/utf8.h"

#include <math.h>
#include <sys/stat.h>

static void expect_text(const ur_pairs *p, int64_t i, int side, const char *expected, size_t bytes)
{
	size_t n;
	const char *text = ur_pairs_text(p, i, side, &n);

	if (n != bytes || memcmp(text, expected, n))
		fail_msg("pair %d, side %d is '%.*s'", (int)i, side, (int)n, text);
}

#define EXPECT_PAIR(p, i, source, target) \
	do { \
		expect_text(p, i, UR_SOURCE, source, sizeof source - 1); \
		expect_text(p, i, UR_TARGET, target, sizeof target - 1); \
	} while (0)

/* The tokens' texts, joined, are the text. */
static void expect_tokens(const ur_pairs *p, int64_t i, int side, const char *expected)
{
	char joined[200] = "";
	int n;
	const int32_t *tokens = ur_pairs_tokens(p, i, side, &n);

	assert_true(n > 0);
	for (int k = 0; k < n; k++) {
		const char *text;
		size_t bytes = ur_vocab_decode(ur_pairs_vocab(p, side), tokens[k], &text);
		assert_true(tokens[k] < ur_pairs_end(p, side));
		strncat(joined, text, bytes);
	}
	assert_string_equal(joined, expected);
}

/* Tokens but for the one that stands for what is not there. */
static int known(const ur_pairs *p, int side)
{
	const ur_vocab *v = ur_pairs_vocab(p, side);
	return ur_vocab_size(v) - (ur_vocab_unknown(v) >= 0);
}

/* ---- what is read ---- */

static void a_line_is_a_pair(void **state)
{
	ur_pairs *p = opened(PUT("plain.tsv", "one\teins\ntwo words\tzwei W\xC3\xB6rter\n"), NULL, "byte");

	(void)state;
	assert_int_equal(ur_pairs_count(p), 2);
	EXPECT_PAIR(p, 0, "one", "eins");
	EXPECT_PAIR(p, 1, "two words", "zwei W\xC3\xB6rter");
	for (int side = 0; side < UR_SIDES; side++) {
		assert_string_equal(ur_pairs_path(p, side), "plain.tsv");
		assert_int_equal(ur_pairs_outputs(p, side), 257);
		assert_int_equal(ur_pairs_end(p, side), 256);
		for (int64_t i = 0; i < 2; i++) {
			size_t bytes;
			const char *text = ur_pairs_text(p, i, side, &bytes);
			int n;
			const int32_t *tokens = ur_pairs_tokens(p, i, side, &n);
			assert_int_equal(n, bytes);
			for (int k = 0; k < n; k++)
				assert_int_equal(tokens[k], (unsigned char)text[k]);
		}
	}
	ur_pairs_close(p);
	ur_pairs_close(NULL);
}

static void line_i_and_line_i_are_a_pair(void **state)
{
	ur_pairs *p = opened(PUT("a.txt", "one\ttab\ntwo\n"), PUT("b.txt", "eins\nzwei"), "char");

	(void)state;
	assert_int_equal(ur_pairs_count(p), 2);
	EXPECT_PAIR(p, 0, "one\ttab", "eins");
	EXPECT_PAIR(p, 1, "two", "zwei");
	assert_string_equal(ur_pairs_path(p, UR_SOURCE), "a.txt");
	assert_string_equal(ur_pairs_path(p, UR_TARGET), "b.txt");
	ur_pairs_close(p);
}

static void ends_of_lines_and_files(void **state)
{
	static const struct { const char *text; size_t bytes; } same[] = {
#define SAME(literal) { literal, sizeof literal - 1 }
		SAME("a\tb\nc\td\n"), SAME("a\tb\nc\td"), SAME("a\tb\r\nc\td\r\n"), SAME("a\tb\nc\td\r"),
		SAME("\xEF\xBB\xBF" "a\tb\nc\td\n"), SAME("a\tb\nc\td\n\n"), SAME("a\tb\nc\td\r\n\r\n\n\r\n"),
		SAME("a\tb\nc\td\n\n\n\r"), SAME("\xEF\xBB\xBF" "a\tb\r\nc\td\r\n\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		ur_pairs *p = opened(put("ends.tsv", same[i].text, same[i].bytes), NULL, NULL);
		assert_int_equal(ur_pairs_count(p), 2);
		EXPECT_PAIR(p, 0, "a", "b");
		EXPECT_PAIR(p, 1, "c", "d");
		assert_int_equal(known(p, UR_SOURCE), 2);
		assert_int_equal(known(p, UR_TARGET), 2);
		ur_pairs_close(p);
	}
	{ /* what is not at an end is text */
		ur_pairs *p = opened(PUT("odd.tsv", "a\rb\tc\r\r\n\0\t\0\0\nx\xEF\xBB\xBF\t\xEF\xBB\xBFy\n"), NULL, "char");
		assert_int_equal(ur_pairs_count(p), 3);
		EXPECT_PAIR(p, 0, "a\rb", "c\r");
		EXPECT_PAIR(p, 1, "\0", "\0\0");
		EXPECT_PAIR(p, 2, "x\xEF\xBB\xBF", "\xEF\xBB\xBFy");
		ur_pairs_close(p);
	}
	{ /* each file has its own ends */
		ur_pairs *p = opened(PUT("a.txt", "\xEF\xBB\xBF" "a\r\nc\r\n\r\n"), PUT("b.txt", "b\nd"), "byte");
		assert_int_equal(ur_pairs_count(p), 2);
		EXPECT_PAIR(p, 0, "a", "b");
		EXPECT_PAIR(p, 1, "c", "d");
		ur_pairs_close(p);
	}
}

static void fingerprints(void **state)
{
	ur_pairs *p = opened(PUT("print.tsv", "a\tb\nc\td\n"), NULL, "char");
	uint64_t plain = ur_pairs_fingerprint(p), joined;

	(void)state;
	ur_pairs_close(p);
	p = opened(PUT("copy.tsv", "a\tb\nc\td\n"), NULL, "byte");
	assert_true(ur_pairs_fingerprint(p) == plain);
	ur_pairs_close(p);
	assert_true(plain == UINT64_C(0x854330B4731EB3A2)); /* on every machine */
	p = opened(PUT("other.tsv", "a\tb\nc\te\n"), NULL, "char");
	assert_true(ur_pairs_fingerprint(p) != plain);
	ur_pairs_close(p);
	p = opened(PUT("a.txt", "ab"), PUT("b.txt", "c\n"), "byte");
	joined = ur_pairs_fingerprint(p);
	ur_pairs_close(p);
	p = opened(PUT("a.txt", "a"), PUT("b.txt", "bc\n"), "byte"); /* the same bytes, one after the other */
	assert_true(ur_pairs_fingerprint(p) != joined);
	ur_pairs_close(p);
}

/* ---- vocabularies ---- */

static void a_side_learns_its_own_text(void **state)
{
	ur_pairs *p = opened(PUT("own.tsv", "abc\txy\ncab\tz\xC3\xA9y\n"), NULL, "char");

	(void)state;
	assert_int_equal(known(p, UR_SOURCE), 3); /* neither tab nor newline */
	assert_int_equal(known(p, UR_TARGET), 4);
	assert_int_equal(ur_pairs_outputs(p, UR_TARGET), ur_vocab_size(ur_pairs_vocab(p, UR_TARGET)) + 1);
	assert_int_equal(ur_pairs_end(p, UR_SOURCE), ur_vocab_size(ur_pairs_vocab(p, UR_SOURCE)));
	expect_tokens(p, 0, UR_SOURCE, "abc");
	expect_tokens(p, 1, UR_SOURCE, "cab");
	expect_tokens(p, 1, UR_TARGET, "z\xC3\xA9y");
	ur_pairs_close(p);

	p = opened("own.tsv", NULL, NULL); /* few characters: char */
	assert_string_equal(ur_vocab_kind_of(ur_pairs_vocab(p, UR_SOURCE)), "char");
	assert_string_equal(ur_vocab_kind_of(ur_pairs_vocab(p, UR_TARGET)), "char");
	assert_int_equal(known(p, UR_TARGET), 4);
	ur_pairs_close(p);

	/* words of two lines never join, on either side */
	p = opened(PUT("words.tsv", "a cat\tun chat\na dog\tun chien\n"), NULL, "word");
	assert_int_equal(known(p, UR_SOURCE), 4); /* a, cat, dog, newline */
	assert_int_equal(known(p, UR_TARGET), 4);
	expect_tokens(p, 1, UR_SOURCE, "a dog ");
	expect_tokens(p, 0, UR_TARGET, "un chat ");
	ur_pairs_close(p);
}

static void kinds_may_differ(void **state)
{
	ur_pairs *p;
	ur_err err = { 0 };
	ur_pairs_request request = { .path = PUT("mixed.tsv", "a cat\t\xFF\x01\na cow\t\xFE\n"),
		.vocab = { { .kind = "word", .cap = 3 }, { .kind = "byte" } } };

	(void)state;
	assert_int_equal(ur_pairs_open(&request, &p, &err), UR_OK);
	assert_int_equal(ur_vocab_size(ur_pairs_vocab(p, UR_SOURCE)), 3); /* a, newline, <unk> */
	expect_tokens(p, 0, UR_SOURCE, "a <unk> ");
	assert_int_equal(ur_pairs_outputs(p, UR_TARGET), 257);
	EXPECT_PAIR(p, 1, "a cow", "\xFE");
	ur_pairs_close(p);
	request.vocab[UR_TARGET].kind = "tape";
	assert_int_equal(ur_pairs_open(&request, &p, &err), UR_E_INVALID);
	assert_null(p);
	assert_says(err, "'tape'");
	request.vocab[UR_TARGET] = (ur_vocab_request){ .kind = "byte", .cap = 9 };
	assert_int_equal(ur_pairs_open(&request, &p, &err), UR_E_INVALID);
	assert_says(err, "takes no size");
}

static void given_vocabularies_are_used(void **state)
{
	ur_pairs *p = opened(PUT("learnt.tsv", "ab\txy\nc\tz\n"), NULL, "char"), *q;
	ur_vocab *source = ur_vocab_hold(ur_pairs_vocab(p, UR_SOURCE));
	ur_vocab *target = ur_vocab_hold(ur_pairs_vocab(p, UR_TARGET));
	ur_pairs_request request = { .path = PUT("used.tsv", "cab\tzz\n"), .use = { source, target } };
	ur_err err = { 0 };
	int n;

	(void)state;
	ur_pairs_close(p);
	assert_int_equal(ur_pairs_open(&request, &q, &err), UR_OK);
	assert_ptr_equal(ur_pairs_vocab(q, UR_SOURCE), source);
	expect_tokens(q, 0, UR_SOURCE, "cab");
	expect_tokens(q, 0, UR_TARGET, "zz");
	if (ur_vocab_unknown(target) >= 0) { /* what was learnt here has one */
		ur_pairs *r;
		request.path = PUT("unknown.tsv", "ab\tx!\n");
		assert_int_equal(ur_pairs_open(&request, &r, &err), UR_OK);
		assert_int_equal(ur_pairs_tokens(r, 0, UR_TARGET, &n)[1], ur_vocab_unknown(target));
		ur_pairs_close(r);
	}
	request.use[UR_TARGET] = NULL;
	assert_int_equal(ur_pairs_open(&request, &p, &err), UR_E_INVALID);
	assert_says(err, "both or none");
	ur_vocab_free(source);
	ur_vocab_free(target);
	expect_tokens(q, 0, UR_TARGET, "zz"); /* it has a hold of its own */
	ur_pairs_close(q);
}

static void what_a_vocabulary_lacks_is_an_error(void **state)
{
	json_t *json = json_pack("{s:s, s:[i,i,i]}", "kind", "char", "codes", 'a', 'b', 'c');
	ur_vocab *v;
	ur_pairs *p;
	ur_err err = { 0 };

	(void)state;
	assert_int_equal(ur_vocab_from_json(json, &v, &err), UR_OK);
	json_decref(json);
	assert_int_equal(ur_pairs_open(&(ur_pairs_request){ .path = PUT("lacks.tsv", "ab\tc\nc\tab\na\tbcX\n"),
		.use = { v, v } }, &p, &err), UR_E_INVALID);
	assert_null(p);
	assert_says(err, "lacks.tsv, line 3, target: character U+0058 ('X') at byte 2 is not among");
	ur_vocab_free(v);
}

/* Where no kind is asked for: characters while they are few, byte pairs beyond, each side for itself. */
static void many_characters_become_byte_pairs(void **state)
{
	(void)state;
	for (int different = 512; different <= 513; different++) {
		FILE *f = fopen("scripts.tsv", "w");
		ur_pairs_request request = { .path = "scripts.tsv" };
		ur_pairs *p;
		ur_err err = { 0 };
		char code[4];

		for (int i = 0; i < different; i++) {
			fwrite(code, 1, ur_utf8_put(0x4E00 + (uint32_t)i, code), f);
			fputs("\tten words of one kind, and then ten words more\n", f);
		}
		fclose(f);
		p = opened("scripts.tsv", NULL, NULL);
		assert_string_equal(ur_vocab_kind_of(ur_pairs_vocab(p, UR_SOURCE)), different > 512 ? "bpe" : "char");
		assert_string_equal(ur_vocab_kind_of(ur_pairs_vocab(p, UR_TARGET)), "char");
		if (different == 512)
			assert_int_equal(known(p, UR_SOURCE), 512);
		expect_tokens(p, 1, UR_SOURCE, "\xE4\xB8\x81");
		expect_tokens(p, 1, UR_TARGET, "ten words of one kind, and then ten words more");
		ur_pairs_close(p);
		request.vocab[UR_SOURCE].cap = 260; /* a cap for the byte pairs; characters have none */
		assert_int_equal(ur_pairs_open(&request, &p, &err), UR_OK);
		if (different > 512)
			assert_true(ur_vocab_size(ur_pairs_vocab(p, UR_SOURCE)) <= 260);
		expect_tokens(p, 1, UR_SOURCE, "\xE4\xB8\x81");
		ur_pairs_close(p);
	}
	{ /* byte pairs learn nothing from the ends of lines */
		ur_pairs *p = opened("scripts.tsv", NULL, "bpe");
		const ur_vocab *v = ur_pairs_vocab(p, UR_TARGET);
		for (int t = 256; t < ur_vocab_size(v); t++) {
			const char *text;
			size_t bytes = ur_vocab_decode(v, t, &text);
			assert_null(memchr(text, '\n', bytes));
		}
		expect_tokens(p, 0, UR_TARGET, "ten words of one kind, and then ten words more");
		ur_pairs_close(p);
	}
}

/* ---- what is refused ---- */

static void refused(const char *path, const char *target, const char *kind, ur_status status, const char *says)
{
	ur_pairs *p = (ur_pairs *)folder;
	ur_err err = { 0 };

	if (open_kind(path, target, kind, &p, &err) != status || err.status != status)
		fail_msg("%s: status %d: %s", path, err.status, err.text);
	assert_null(p);
	assert_says(err, says);
	assert_int_equal(open_kind(path, target, kind, &p, NULL), status);
}

static void lines_that_are_no_pair(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++) {
		static const char *const kinds[] = { NULL, "byte", "word" };
		const char *kind = kinds[k];
		refused(PUT("x.tsv", "a\tb\nc d\ne\tf\n"), NULL, kind, UR_E_INVALID, "x.tsv, line 2: no tab between");
		refused(PUT("x.tsv", "ab"), NULL, kind, UR_E_INVALID, "x.tsv, line 1: no tab between");
		refused(PUT("x.tsv", "a\tb\na\tb\na\tb\tc\n"), NULL, kind, UR_E_INVALID, "x.tsv, line 3: more than one tab");
		refused(PUT("x.tsv", "a\tb\t"), NULL, kind, UR_E_INVALID, "x.tsv, line 1: more than one tab");
		refused(PUT("x.tsv", "a\tb\n\tb\n"), NULL, kind, UR_E_INVALID, "x.tsv, line 2: the source is empty");
		refused(PUT("x.tsv", "a\tb\r\na\t\r\n"), NULL, kind, UR_E_INVALID, "x.tsv, line 2: the target is empty");
		refused(PUT("x.tsv", "a\t"), NULL, kind, UR_E_INVALID, "x.tsv, line 1: the target is empty");
		refused(PUT("x.tsv", "\t\n"), NULL, kind, UR_E_INVALID, "x.tsv, line 1: the source is empty");
		refused(PUT("x.tsv", "a\tb\n\n\na\tb\n"), NULL, kind, UR_E_INVALID, "x.tsv, line 2 is empty: only lines at");
		refused(PUT("x.tsv", "\r\na\tb\n"), NULL, kind, UR_E_INVALID, "x.tsv, line 1 is empty");
		refused(PUT("x.tsv", "a\tb\n \n"), NULL, kind, UR_E_INVALID, "x.tsv, line 2: no tab");
	}
	/* blanks alone are no word, though they are bytes */
	refused(PUT("x.tsv", "a\tb\n  \tb\n"), NULL, "word", UR_E_INVALID, "x.tsv, line 2, source: nothing but blanks");
	ur_pairs_close(opened("x.tsv", NULL, "byte"));

	PUT("a.txt", "a\nb\n\nd\n");
	PUT("b.txt", "a\nb\nc\nd\n");
	refused("a.txt", "b.txt", NULL, UR_E_INVALID, "a.txt, line 3: the source is empty");
	refused("b.txt", "a.txt", NULL, UR_E_INVALID, "a.txt, line 3: the target is empty");
}

static void files_of_different_length(void **state)
{
	(void)state;
	PUT("three.txt", "a\nb\nc");
	PUT("two.txt", "a\nb\n\n\n\n");
	refused("three.txt", "two.txt", NULL, UR_E_INVALID, "three.txt has 3 lines and two.txt has 2: line i");
	refused("two.txt", "three.txt", NULL, UR_E_INVALID, "two.txt has 2 lines and three.txt has 3: line i");
}

static void text_that_is_not_utf8(void **state)
{
	(void)state;
	PUT("latin.tsv", "caf\xC3\xA9\tcoffee\nt\xC3\xA9\ttea\nlait\tmilk \xE9t\n");
	for (int k = 0; k < 3; k++) {
		static const char *const kinds[] = { NULL, "char", "word" };
		refused("latin.tsv", NULL, kinds[k], UR_E_INVALID, "latin.tsv, line 3, target: invalid UTF-8 at byte 5 (0xE9)");
		/* what two lines have together is not a character */
		refused(PUT("x.txt", "a\nb\xC3\n\xA9z\n"), PUT("y.txt", "a\nb\nc\n"), kinds[k], UR_E_INVALID,
			"x.txt, line 2, source: invalid UTF-8 at byte 1: the text ends inside a character");
		refused(PUT("x.tsv", "a\tb\n\xA9\tb\n"), NULL, kinds[k], UR_E_INVALID,
			"x.tsv, line 2, source: invalid UTF-8 at byte 0 (0xA9)");
		refused(PUT("x.tsv", "a\tb\nz\xC3\t\xA9\n"), NULL, kinds[k], UR_E_INVALID,
			"x.tsv, line 2, source: invalid UTF-8 at byte 1");
		refused(PUT("x.tsv", "\xFF\xFE" "a\0\t\0b\0\n\0"), NULL, kinds[k], UR_E_INVALID, "x.tsv is UTF-16: convert");
		refused(PUT("x.tsv", "\xFE\xFF\0a\0\t\0b"), NULL, kinds[k], UR_E_INVALID, "x.tsv is UTF-16");
	}
	ur_pairs_close(opened("latin.tsv", NULL, "byte"));
	{ /* a given vocabulary sees it too */
		ur_pairs *p = opened(PUT("good.tsv", "a\tb\n"), NULL, "word"), *q;
		const ur_vocab *v = ur_pairs_vocab(p, UR_SOURCE);
		ur_err err = { 0 };
		assert_int_equal(ur_pairs_open(&(ur_pairs_request){ .path = "latin.tsv", .use = { v, v } }, &q, &err),
			UR_E_INVALID);
		assert_says(err, "latin.tsv, line 3, target: invalid UTF-8 at byte 5");
		ur_pairs_close(p);
	}
}

static void files_that_cannot_be(void **state)
{
	char name[300];

	(void)state;
	PUT("good.txt", "a\n");
	refused("none.tsv", NULL, NULL, UR_E_IO, "none.tsv cannot be opened: No such file");
	refused("good.txt", "none.txt", NULL, UR_E_IO, "none.txt cannot be opened: No such file");
	refused(".", NULL, NULL, UR_E_IO, ". is a directory: give a file");
	refused("good.txt", "/tmp", NULL, UR_E_IO, "/tmp is a directory");
	refused("-", NULL, NULL, UR_E_IO, "standard input");
	refused("/dev/null", NULL, NULL, UR_E_IO, "not a regular file");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	refused("fifo", NULL, NULL, UR_E_IO, "pipe");
	refused(PUT("empty", ""), NULL, NULL, UR_E_INVALID, "empty is empty: it takes at least one pair");
	refused("good.txt", "empty", NULL, UR_E_INVALID, "empty is empty");
	refused(PUT("newlines", "\n\r\n\n"), NULL, NULL, UR_E_INVALID, "newlines has only empty lines");
	refused(PUT("mark", "\xEF\xBB\xBF"), NULL, NULL, UR_E_INVALID, "mark has only empty lines");
	PUT("large", "a\tb\n");
	assert_int_equal(truncate("large", (off_t)UINT32_MAX + 1), 0);
	refused("large", NULL, "byte", UR_E_INVALID, "large has 4294967296 bytes: pairs are kept in memory, at most "
		"4294967295");
	memset(name, 'n', 250); /* the line and what to do are said however long the name is */
	name[250] = 0;
	refused(PUT(name, "a\tb\nc\n"), NULL, NULL, UR_E_INVALID, "nnn, line 2: no tab between source and target");
	refused(PUT(name, "a\tb\nc\xFF\tx\n"), NULL, NULL, UR_E_INVALID, "nnn, line 2, source: invalid UTF-8 at byte 1");
}

static void a_text_has_a_limit(void **state)
{
	size_t n = UR_PAIR_TEXT_MOST;
	char *text = malloc(n + 8);
	ur_pairs *p;
	size_t bytes;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n + 1);
	memcpy(text + n, "\tb\n", 3);
	p = opened(put("long.tsv", text, n + 3), NULL, "byte");
	ur_pairs_text(p, 0, UR_SOURCE, &bytes);
	assert_int_equal(bytes, n);
	ur_pairs_close(p);
	memcpy(text + n, "x\tb\n", 4);
	refused(put("long.tsv", text, n + 4), NULL, "byte", UR_E_INVALID, "long.tsv, line 1: the source has 16777217 "
		"bytes, the most is 16777216");
	free(text);
}

/* ---- progress ---- */

struct said { int64_t done, total; int calls, stop; };

static int hear(void *arg, int64_t done, int64_t total)
{
	struct said *said = arg;

	assert_true(done >= said->done && done <= total && total > 0);
	assert_true(!said->calls || total == said->total);
	said->done = done;
	said->total = total;
	return ++said->calls == said->stop;
}

static void progress_is_told_and_can_stop(void **state)
{
	FILE *f = fopen("slow.tsv", "w");
	struct said said = { 0 };
	ur_pairs_request request = { .path = "slow.tsv", .progress = hear, .progress_arg = &said };
	ur_pairs *p;
	ur_err err = { 0 };
	int calls;

	(void)state;
	for (int i = 0; i < 200000; i++)
		fprintf(f, "%d\tnumber %d\r\n", i, i);
	fclose(f);
	assert_int_equal(ur_pairs_open(&request, &p, &err), UR_OK);
	ur_pairs_close(p);
	calls = said.calls;
	assert_true(calls >= 8 && said.done == said.total);
	for (int i = 1; i <= calls; i++) {
		said = (struct said){ .stop = i };
		assert_int_equal(ur_pairs_open(&request, &p, &err), UR_E_STOPPED);
		assert_null(p);
		assert_int_equal(said.calls, i);
		assert_says(err, "slow.tsv");
	}
}

static int change(void *size, int64_t done, int64_t total)
{
	assert_true(done < total);
	return truncate("slow.tsv", *(const off_t *)size);
}

static void a_file_that_changes_is_no_file(void **state)
{
	off_t more = (off_t)1 << 23, less = (off_t)1 << 21;
	ur_pairs *p;
	ur_err err = { 0 };

	(void)state;
	assert_int_equal(ur_pairs_open(&(ur_pairs_request){ .path = "slow.tsv", .progress = change, .progress_arg = &more },
		&p, &err), UR_E_IO);
	assert_says(err, "slow.tsv changed while it was being read");
	assert_int_equal(ur_pairs_open(&(ur_pairs_request){ .path = "slow.tsv", .progress = change, .progress_arg = &less },
		&p, &err), UR_E_IO);
	assert_says(err, "slow.tsv ended at byte 2097152, expected 8388608");
}

/* ---- parts ---- */

enum { PAIRS = 10000, SOURCES = 4000 };

/* Pair i is "source k" for a k below SOURCES, most of them several times; every seventh target is long. */
static ur_pairs *many(const char *name, int pairs, const char *before)
{
	FILE *f = fopen(name, "w");

	fputs(before, f);
	for (int i = 0; i < pairs; i++)
		fprintf(f, "%d\t%s%d\n", i * 7919 % SOURCES, i % 7 ? "" : "long, long, long ", i);
	fclose(f);
	return opened(name, NULL, "byte");
}

/* The part of each pair, from the lists; UR_PARTS: in none. The lists rise and no pair is in two. */
static unsigned char *parts(const ur_pairs *p, const ur_pair_split *split)
{
	int64_t n = ur_pairs_count(p);
	unsigned char *part = malloc((size_t)n);

	assert_non_null(part);
	memset(part, UR_PARTS, (size_t)n);
	for (int k = 0; k < UR_PARTS; k++)
		for (int64_t i = 0; i < split->n[k]; i++) {
			int64_t pair = split->index[k][i];
			assert_true(pair >= 0 && pair < n && (!i || pair > split->index[k][i - 1]));
			assert_int_equal(part[pair], UR_PARTS);
			part[pair] = (unsigned char)k;
		}
	return part;
}

static ur_pair_split made(const ur_pairs *p, double val, double test, int most, int64_t *left_out)
{
	ur_pair_split split;
	ur_err err = { 0 };

	if (ur_pair_split_make(p, val, test, most, &split, left_out, &err))
		fail_msg("%s", err.text);
	return split;
}

static int source_of(const ur_pairs *p, int64_t i)
{
	size_t bytes;
	return atoi(ur_pairs_text(p, i, UR_SOURCE, &bytes));
}

static void expect_share(int64_t n, int64_t of, double share)
{
	double expected = (double)of * share, deviation = sqrt(expected * (1 - share));
	if (fabs((double)n - expected) > 4 * deviation + 1e-9)
		fail_msg("%lld of %lld, expected %g", (long long)n, (long long)of, expected);
}

static void sources_stay_together(void **state)
{
	static const double shares[][2] = { { 0.05, 0.05 }, { 0.1, 0 }, { 0, 0.2 }, { 0.4, 0.5 }, { 0.6, 0.3 }, { 0, 0 } };
	ur_pairs *p = many("many.tsv", PAIRS, "");

	(void)state;
	for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++) {
		double val = shares[s][0], test = shares[s][1];
		int64_t left_out = -1;
		ur_pair_split split = made(p, val, test, 0, &left_out);
		unsigned char *part = parts(p, &split), of_source[SOURCES];
		int64_t sources[UR_PARTS] = { 0 };

		assert_int_equal(left_out, 0);
		assert_int_equal(split.n[UR_TRAIN] + split.n[UR_VAL] + split.n[UR_TEST], PAIRS);
		memset(of_source, UR_PARTS, sizeof of_source);
		for (int64_t i = 0; i < PAIRS; i++) {
			int source = source_of(p, i);
			assert_int_not_equal(part[i], UR_PARTS);
			if (of_source[source] == UR_PARTS)
				sources[of_source[source] = part[i]]++;
			assert_int_equal(part[i], of_source[source]);
		}
		expect_share(sources[UR_VAL], SOURCES, val);
		expect_share(sources[UR_TEST], SOURCES, test);
		free(part);
		ur_pair_split_free(&split);
		assert_null(split.index[UR_TRAIN]);
		assert_int_equal(split.n[UR_TRAIN], 0);
	}
	ur_pairs_close(p);
}

static void lines_added_move_none(void **state)
{
	ur_pairs *few = many("few.tsv", 3000, ""), *more = many("more.tsv", PAIRS, "first\tline\nsecond\tline\n");
	ur_pair_split a = made(few, 0.1, 0.1, 0, NULL), b = made(more, 0.1, 0.1, 0, NULL), c = made(few, 0.5, 0.1, 0, NULL);
	unsigned char *x = parts(few, &a), *y = parts(more, &b), *z = parts(few, &c);

	(void)state;
	for (int64_t i = 0; i < 3000; i++) {
		assert_int_equal(x[i], y[i + 2]);
		assert_int_equal(x[i] == UR_TEST, z[i] == UR_TEST); /* whatever the share of validation */
		assert_true(x[i] != UR_VAL || z[i] == UR_VAL);
	}
	free(x);
	free(y);
	free(z);
	ur_pair_split_free(&a);
	ur_pair_split_free(&b);
	ur_pair_split_free(&c);
	ur_pairs_close(few);
	ur_pairs_close(more);
}

/* Nothing but the source decides, and on every machine alike. */
static void parts_of_known_sources(void **state)
{
	FILE *f = fopen("known.tsv", "w"), *g = fopen("known.sources", "w"), *h = fopen("known.targets", "w");
	char text[400] = "";
	ur_pairs *p, *q;
	ur_pair_split s, t;

	(void)state;
	for (int i = 0; i < 100; i++) {
		fprintf(f, "%d\ttarget\n", i);
		fprintf(g, "%d\r\n", i);
		fprintf(h, "%d other\r\n", i);
	}
	fclose(f);
	fclose(g);
	fclose(h);
	p = opened("known.tsv", NULL, "char");
	q = opened("known.sources", "known.targets", "word");
	s = made(p, 0.1, 0.1, 0, NULL);
	t = made(q, 0.1, 0.1, 0, NULL);
	for (int k = UR_VAL; k < UR_PARTS; k++) {
		assert_int_equal(s.n[k], t.n[k]);
		assert_memory_equal(s.index[k], t.index[k], (size_t)s.n[k] * sizeof *s.index[k]);
		for (int64_t i = 0; i < s.n[k]; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%lld ", (long long)s.index[k][i]);
	}
	assert_string_equal(text, "2 21 32 33 65 82 10 30 43 64 66 79 97 ");
	ur_pair_split_free(&s);
	ur_pair_split_free(&t);
	ur_pairs_close(p);
	ur_pairs_close(q);
}

/* Sources of a few bytes, and such as differ in one place, are spread as well. */
static void short_sources_are_spread(void **state)
{
	static const char *const names[] = { "letters.tsv", "numbers.tsv", "alike.tsv" };

	(void)state;
	for (int k = 0; k < 3; k++) {
		FILE *f = fopen(names[k], "w");
		ur_pairs *p;
		for (int i = 0; i < 26 * 26 * 26; i++) {
			if (k == 0)
				fprintf(f, "%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676);
			else if (k == 1)
				fprintf(f, "%d", i);
			else
				fprintf(f, "The answer to question %05d is not in this book.", i);
			fputs("\tx\n", f);
		}
		fclose(f);
		p = opened(names[k], NULL, "byte");
		for (int tenth = 1; tenth < 9; tenth++) {
			ur_pair_split split = made(p, 0.1, tenth / 10.0, 0, NULL);
			expect_share(split.n[UR_VAL], 26 * 26 * 26, 0.1);
			expect_share(split.n[UR_TEST], 26 * 26 * 26, tenth / 10.0);
			ur_pair_split_free(&split);
		}
		ur_pairs_close(p);
	}
}

static void long_pairs_do_not_train(void **state)
{
	ur_pairs *p = many("long.tsv", 700, "");
	ur_pair_split all = made(p, 0.2, 0.2, 0, NULL), some;
	int64_t left_out = -1, train = 0;

	(void)state;
	some = made(p, 0.2, 0.2, 5, &left_out);
	assert_int_equal(some.n[UR_VAL], all.n[UR_VAL]);
	assert_int_equal(some.n[UR_TEST], all.n[UR_TEST]);
	assert_memory_equal(some.index[UR_VAL], all.index[UR_VAL], (size_t)all.n[UR_VAL] * sizeof(int64_t));
	for (int64_t i = 0; i < all.n[UR_TRAIN]; i++) {
		int source, target;
		ur_pairs_tokens(p, all.index[UR_TRAIN][i], UR_SOURCE, &source);
		ur_pairs_tokens(p, all.index[UR_TRAIN][i], UR_TARGET, &target);
		if (source + 1 <= 5 && target + 1 <= 5)
			assert_int_equal(some.index[UR_TRAIN][train++], all.index[UR_TRAIN][i]);
	}
	assert_int_equal(some.n[UR_TRAIN], train);
	assert_int_equal(left_out, all.n[UR_TRAIN] - train);
	assert_true(left_out > 0);
	ur_pair_split_free(&some);
	ur_pair_split_free(&all);
	ur_pairs_close(p);

	/* each side counts, and its end */
	p = opened(PUT("sides.tsv", "abc\tx\nx\tabc\nab\tab\nabcd\tx\nx\tabcd\n"), NULL, "char");
	some = made(p, 0, 0, 4, &left_out);
	assert_int_equal(some.n[UR_TRAIN], 3);
	assert_int_equal(left_out, 2);
	ur_pair_split_free(&some);
	some = made(p, 0, 0, 3, &left_out);
	assert_int_equal(some.n[UR_TRAIN], 1);
	assert_int_equal(some.index[UR_TRAIN][0], 2);
	assert_int_equal(left_out, 4);
	ur_pair_split_free(&some);
	ur_pairs_close(p);
}

static void splits_that_cannot_be(void **state)
{
	static const double bad[][2] = { { 0.5, 0.41 }, { -0.1, 0.1 }, { 0.1, -0.1 }, { NAN, 0.1 }, { 0.1, NAN },
		{ INFINITY, 0 }, { 1, 0 } };
	ur_pairs *p = opened(PUT("one.tsv", "abc\tabc\n"), NULL, "char");
	ur_pair_split split;
	int64_t left_out = -1;
	ur_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		split.index[0] = (int64_t *)folder;
		assert_int_equal(ur_pair_split_make(p, bad[i][0], bad[i][1], 0, &split, NULL, &err), UR_E_INVALID);
		assert_says(err, "at most 0.9");
		assert_null(split.index[0]);
	}
	split = made(p, 0, 0, 3, &left_out);
	assert_int_equal(split.n[UR_TRAIN], 0);
	assert_int_equal(left_out, 1);
	ur_pair_split_free(&split);
	split = made(p, 0, 0, 4, &left_out);
	assert_int_equal(split.n[UR_TRAIN], 1);
	ur_pair_split_free(&split);
	ur_pairs_close(p);
	/* of a few pairs all may fall to the others */
	p = opened(PUT("one.tsv", "10\tabc\n"), NULL, "char");
	split = made(p, 0, 0.1, 0, NULL);
	assert_int_equal(split.n[UR_TRAIN], 0);
	assert_int_equal(split.n[UR_TEST], 1);
	ur_pair_split_free(&split);
	ur_pairs_close(p);
}

static void all_in_one_part(void **state)
{
	ur_pairs *p = many("all.tsv", 100, "");

	(void)state;
	for (int k = 0; k < UR_PARTS; k++) {
		ur_pair_split split;
		ur_err err = { 0 };
		assert_int_equal(ur_pair_split_all(p, (ur_part_of)k, &split, &err), UR_OK);
		for (int of = 0; of < UR_PARTS; of++)
			assert_int_equal(split.n[of], of == k ? 100 : 0);
		for (int64_t i = 0; i < 100; i++)
			assert_int_equal(split.index[k][i], i);
		ur_pair_split_free(&split);
	}
	ur_pairs_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_pair),
		cmocka_unit_test(line_i_and_line_i_are_a_pair),
		cmocka_unit_test(ends_of_lines_and_files),
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(a_side_learns_its_own_text),
		cmocka_unit_test(kinds_may_differ),
		cmocka_unit_test(given_vocabularies_are_used),
		cmocka_unit_test(what_a_vocabulary_lacks_is_an_error),
		cmocka_unit_test(many_characters_become_byte_pairs),
		cmocka_unit_test(lines_that_are_no_pair),
		cmocka_unit_test(files_of_different_length),
		cmocka_unit_test(text_that_is_not_utf8),
		cmocka_unit_test(files_that_cannot_be),
		cmocka_unit_test(a_text_has_a_limit),
		cmocka_unit_test(progress_is_told_and_can_stop),
		cmocka_unit_test(a_file_that_changes_is_no_file),
		cmocka_unit_test(sources_stay_together),
		cmocka_unit_test(lines_added_move_none),
		cmocka_unit_test(parts_of_known_sources),
		cmocka_unit_test(short_sources_are_spread),
		cmocka_unit_test(long_pairs_do_not_train),
		cmocka_unit_test(splits_that_cannot_be),
		cmocka_unit_test(all_in_one_part),
	};
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
