/* Vocabularies: what each kind makes of text, that chunks do not matter, and that nothing malformed gets in. */
#include "vocab/text_hash.h"
#include "vocab/vocab.h"
#include "vocab/vocab_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4096 };

/* U+00E9, U+20AC, U+1F600, a NUL, CRLF, blanks at both ends, a word cut by nothing but the end. */
static const char mixed[] =
	" caf\xC3\xA9 \xE2\x82\xAC" "5\r\n\xF0\x9F\x98\x80 a\0b \tthe the \xE2\x82\xAC" "5\n\n end  the";
#define MIXED mixed, sizeof mixed - 1

static ur_vocab *learn(const char *kind, int64_t cap, const char *text, size_t bytes, size_t chunk)
{
	ur_vocab_builder *b;
	ur_vocab *v;
	ur_err err = { 0 };

	if (ur_vocab_builder_open(&(ur_vocab_request){ .kind = kind, .cap = cap }, &b, &err))
		fail_msg("%s", err.text);
	for (size_t at = 0; at < bytes; at += chunk)
		if (ur_vocab_builder_feed(b, text + at, bytes - at < chunk ? bytes - at : chunk, &err))
			fail_msg("%s", err.text);
	if (ur_vocab_builder_finish(b, &v, &err))
		fail_msg("%s", err.text);
	ur_vocab_builder_close(b);
	return v;
}

static ur_vocab *learn_text(const char *kind, int64_t cap, const char *text)
{
	return learn(kind, cap, text, strlen(text), ROOM);
}

struct got { int32_t ids[ROOM]; int64_t ends[ROOM]; size_t n; };

static ur_status take(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	struct got *got = arg;
	(void)err;
	assert_true(got->n + n <= ROOM);
	memcpy(got->ids + got->n, ids, n * sizeof *ids);
	memcpy(got->ends + got->n, ends, n * sizeof *ends);
	got->n += n;
	return UR_OK;
}

/* Encodes [0, cut) in one chunk and the rest in chunks of `chunk`. */
static ur_status encode(const ur_vocab *v, const char *text, size_t bytes, size_t cut, size_t chunk, struct got *got,
	ur_err *err)
{
	ur_encoder *e;
	ur_status status;

	got->n = 0;
	assert_int_equal(ur_encoder_open(v, 0, take, got, &e, err), UR_OK);
	status = ur_encoder_feed(e, text, cut, err);
	for (size_t at = cut; at < bytes && !status; at += chunk)
		status = ur_encoder_feed(e, text + at, bytes - at < chunk ? bytes - at : chunk, err);
	if (!status)
		status = ur_encoder_finish(e, err);
	ur_encoder_close(e);
	return status;
}

static void expect_text(const ur_vocab *v, int token, const char *expected)
{
	const char *text;
	size_t bytes = ur_vocab_decode(v, token, &text);
	if (bytes != strlen(expected) || memcmp(text, expected, bytes))
		fail_msg("token %d is '%.*s', not '%s'", token, (int)bytes, text, expected);
}

static size_t decode(const ur_vocab *v, const int32_t *ids, size_t n, char *out)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		const char *text;
		size_t bytes = ur_vocab_decode(v, ids[i], &text);
		memcpy(out + used, text, bytes);
		used += bytes;
	}
	return used;
}

static void expect_ids(const ur_vocab *v, const char *text, int n, const int32_t *ids)
{
	int32_t got[ROOM];
	ur_err err = { 0 };
	int64_t count = ur_vocab_encode(v, text, strlen(text), got, ROOM, &err);
	if (count < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count, n);
	assert_memory_equal(got, ids, (size_t)n * sizeof *ids);
}
#define IDS(...) (int)(sizeof(int32_t[]){ __VA_ARGS__ } / sizeof(int32_t)), (const int32_t[]){ __VA_ARGS__ }

/* ---- what the kinds make of text ---- */

static void byte_is_identity(void **state)
{
	ur_vocab *v = learn("byte", 0, NULL, 0, 1);
	char all[256], back[256];
	int32_t ids[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)(unsigned char)i;
	assert_int_equal(ur_vocab_size(v), 256);
	assert_int_equal(ur_vocab_encode(v, all, 256, ids, 256, NULL), 256);
	for (int i = 0; i < 256; i++)
		assert_int_equal(ids[i], i);
	assert_int_equal(decode(v, ids, 256, back), 256);
	assert_memory_equal(all, back, 256);
	assert_int_equal(ur_vocab_unknown(v), -1);
	ur_vocab_free(v);
}

static void char_is_sorted_code_points(void **state)
{
	ur_vocab *v = learn_text("char", 0, "b\xE2\x82\xAC" "a\xC3\xA9" "b\xF0\x9F\x98\x80");
	ur_err err = { 0 };

	(void)state;
	assert_int_equal(ur_vocab_size(v), 5);
	expect_text(v, 0, "a");
	expect_text(v, 1, "b");
	expect_text(v, 2, "\xC3\xA9");
	expect_text(v, 3, "\xE2\x82\xAC");
	expect_text(v, 4, "\xF0\x9F\x98\x80");
	expect_text(v, 5, "");
	expect_text(v, -1, "");
	expect_ids(v, "\xF0\x9F\x98\x80" "ab\xC3\xA9", IDS(4, 0, 1, 2));
	assert_int_equal(ur_vocab_unknown(v), -1);
	assert_int_equal(ur_vocab_encode(v, "ab\xC3\xA9!", 5, NULL, 0, &err), -1);
	assert_int_equal(err.status, UR_E_INVALID);
	assert_non_null(strstr(err.text, "U+0021 ('!') at byte 4"));
	/* a neighbour in a page that exists, and one in a page that does not */
	assert_int_equal(ur_vocab_encode(v, "a\xE2\x82\xAD", 4, NULL, 0, &err), -1);
	assert_non_null(strstr(err.text, "U+20AD at byte 1"));
	assert_int_equal(ur_vocab_encode(v, "\xF4\x8F\xBF\xBF", 4, NULL, 0, &err), -1);
	assert_non_null(strstr(err.text, "U+10FFFF at byte 0"));
	ur_vocab_free(v);
}

static void word_is_by_frequency(void **state)
{
	/* the 3, newline 2, and a b then <unk>: once and ties by bytes; <unk> never */
	ur_vocab *v = learn_text("word", 0, "the b the\r\n\ta \v the\n");

	(void)state;
	assert_int_equal(ur_vocab_size(v), 5);
	expect_text(v, 0, "the ");
	expect_text(v, 1, "\n");
	expect_text(v, 2, "a ");
	expect_text(v, 3, "b ");
	expect_text(v, 4, "<unk> ");
	assert_int_equal(ur_vocab_unknown(v), 4);
	expect_ids(v, "b a\nnever thee th the", IDS(3, 2, 1, 4, 4, 4, 0));
	expect_ids(v, " \t\r ", 0, NULL);
	ur_vocab_free(v);
}

static void word_caps(void **state)
{
	const char *text = "a a a a b b b c c <unk> <unk> <unk> <unk> <unk> d";
	ur_vocab *v = learn_text("word", 4, text);

	(void)state;
	/* two plain words stay; <unk> is ranked by its literal five; the newline is there though the text has none */
	assert_int_equal(ur_vocab_size(v), 4);
	expect_text(v, 0, "<unk> ");
	expect_text(v, 1, "a ");
	expect_text(v, 2, "b ");
	expect_text(v, 3, "\n");
	expect_ids(v, "c <unk> b d\n", IDS(0, 0, 2, 0, 3));
	ur_vocab_free(v);
	v = learn_text("word", 100, text);
	assert_int_equal(ur_vocab_size(v), 6);
	ur_vocab_free(v);
}

static void long_words_are_unknown(void **state)
{
	char text[3000];
	ur_vocab *v;

	(void)state;
	memset(text, 'x', sizeof text);
	text[1024] = ' ';
	v = learn("word", 0, text, sizeof text, 7);
	assert_int_equal(ur_vocab_size(v), 3); /* the one of 1,024, newline, <unk> */
	for (size_t chunk = 1; chunk < 3000; chunk += 499) {
		struct got got;
		assert_int_equal(encode(v, text, sizeof text, 0, chunk, &got, NULL), UR_OK);
		assert_int_equal(got.n, 2);
		assert_int_equal(got.ids[0], 0);
		assert_int_equal(got.ids[1], ur_vocab_unknown(v));
		assert_int_equal(got.ends[0], 1024);
		assert_int_equal(got.ends[1], 3000);
	}
	ur_vocab_free(v);
}

static ur_vocab *learn_request(const ur_vocab_request *request, const char *text)
{
	ur_vocab_builder *b;
	ur_vocab *v;

	assert_int_equal(ur_vocab_builder_open(request, &b, NULL), UR_OK);
	assert_int_equal(ur_vocab_builder_feed(b, text, strlen(text), NULL), UR_OK);
	assert_int_equal(ur_vocab_builder_finish(b, &v, NULL), UR_OK);
	ur_vocab_builder_close(b);
	return v;
}

static void unknown_characters(void **state)
{
	/* U+FFFD in the text is what stands for the unknown, not a token of its own */
	static const char text[] = "aab\xEF\xBF\xBD" "c\xC3\xA9\xC3\xA9";
	ur_vocab *v = learn_request(&(ur_vocab_request){ .kind = "char", .unknown = 1 }, text), *plain, *back;
	json_t *json;

	(void)state;
	assert_int_equal(ur_vocab_size(v), 5);
	expect_text(v, 3, "\xC3\xA9");
	expect_text(v, 4, "\xEF\xBF\xBD");
	assert_int_equal(ur_vocab_unknown(v), 4);
	expect_ids(v, "a\xE2\x82\xAC\xEF\xBF\xBDz\xC3\xA9", IDS(0, 4, 4, 4, 3));
	ur_vocab_free(v);
	for (int64_t least = 2; least < 5; least++) { /* implies it */
		v = learn_request(&(ur_vocab_request){ .kind = "char", .least = least }, text);
		assert_int_equal(ur_vocab_size(v), least == 2 ? 3 : 1);
		assert_int_equal(ur_vocab_unknown(v), ur_vocab_size(v) - 1);
		expect_ids(v, "ab", IDS(0, least == 2 ? 2 : 0));
		json = ur_vocab_to_json(v);
		assert_int_equal(ur_vocab_from_json(json, &back, NULL), UR_OK);
		assert_true(ur_vocab_hash(back) == ur_vocab_hash(v));
		assert_int_equal(ur_vocab_unknown(back), ur_vocab_unknown(v));
		ur_vocab_free(back);
		json_decref(json);
		ur_vocab_free(v);
	}
	/* the same texts, but the one has it for what is not there */
	v = learn_request(&(ur_vocab_request){ .kind = "char", .unknown = 1 }, "ab\xEF\xBF\xBD");
	plain = learn_request(&(ur_vocab_request){ .kind = "char", .least = 1 }, "ab\xEF\xBF\xBD");
	assert_int_equal(ur_vocab_size(v), ur_vocab_size(plain));
	assert_true(ur_vocab_hash(v) != ur_vocab_hash(plain));
	ur_vocab_free(v);
	ur_vocab_free(plain);
}

static void rare_words(void **state)
{
	static const char text[] = "a a a b b c c d";
	ur_vocab *v = learn_request(&(ur_vocab_request){ .kind = "word", .least = 2 }, text);

	(void)state;
	assert_int_equal(ur_vocab_size(v), 5); /* <unk> and newline are there, though there are none */
	expect_ids(v, "d a c", IDS(ur_vocab_unknown(v), 0, 2));
	ur_vocab_free(v);
	v = learn_request(&(ur_vocab_request){ .kind = "word", .least = 2, .cap = 4 }, text);
	assert_int_equal(ur_vocab_size(v), 4);
	ur_vocab_free(v);
	v = learn_request(&(ur_vocab_request){ .kind = "word", .least = 9 }, text);
	assert_int_equal(ur_vocab_size(v), 2);
	ur_vocab_free(v);
}

static void many_words(void **state)
{
	/* enough for the table to spread many times; word i appears 1 + i % 3 times */
	enum { WORDS = 50000 };
	char *text = malloc(WORDS * 30);
	size_t used = 0;
	int64_t tokens = 0;
	int32_t *ids;
	char *back;
	ur_vocab *v;

	(void)state;
	for (int i = 0; i < WORDS; i++)
		for (int k = 0; k <= i % 3; k++, tokens++)
			used += (size_t)sprintf(text + used, "w%d ", i * 7919);
	v = learn("word", 0, text, used, 1000);
	assert_int_equal(ur_vocab_size(v), WORDS + 2);
	ids = malloc((size_t)tokens * sizeof *ids);
	assert_int_equal(ur_vocab_encode(v, text, used, ids, (size_t)tokens, NULL), tokens);
	back = malloc(used);
	assert_int_equal(decode(v, ids, (size_t)tokens, back), used);
	assert_memory_equal(back, text, used);
	for (int i = 0; i < WORDS; i++) { /* 16,666 are seen three times, 16,667 twice, 16,667 once */
		int32_t id = ids[i / 3 * 6 + (i % 3) * (i % 3 + 1) / 2];
		assert_int_equal(id < 16666 ? 2 : id < 33333 ? 1 : 0, i % 3);
		assert_true(id < WORDS);
	}
	ur_vocab_free(v);
	free(ids);
	free(back);
	free(text);
}

/* ---- laws of every kind ---- */

static void chunks_do_not_matter(void **state)
{
	size_t bytes = sizeof mixed - 1;

	(void)state;
	for (int k = 0; ur_vocab_kinds[k]; k++) {
		const char *kind = ur_vocab_kinds[k]->name;
		ur_vocab *whole = learn(kind, 0, MIXED, bytes);
		struct got expected, got;
		int32_t once[ROOM];

		assert_int_equal(encode(whole, MIXED, bytes, 1, &expected, NULL), UR_OK);
		assert_int_equal(ur_vocab_encode(whole, MIXED, once, ROOM, NULL), expected.n);
		assert_memory_equal(once, expected.ids, expected.n * sizeof *once);
		for (size_t i = 0; i < expected.n; i++)
			assert_true(expected.ends[i] > (i ? expected.ends[i - 1] : 0));
		for (size_t chunk = 1; chunk < bytes; chunk++) {
			ur_vocab *v = learn(kind, 0, MIXED, chunk);
			assert_int_equal(ur_vocab_size(v), ur_vocab_size(whole));
			assert_true(ur_vocab_hash(v) == ur_vocab_hash(whole));
			ur_vocab_free(v);
		}
		for (size_t cut = 0; cut <= bytes; cut++)
			for (size_t chunk = 1; chunk <= bytes; chunk++) {
				assert_int_equal(encode(whole, MIXED, cut, chunk, &got, NULL), UR_OK);
				assert_int_equal(got.n, expected.n);
				assert_memory_equal(got.ids, expected.ids, got.n * sizeof got.ids[0]);
				assert_memory_equal(got.ends, expected.ends, got.n * sizeof got.ends[0]);
			}
		ur_vocab_free(whole);
	}
}

static void decoding_encodes_again(void **state)
{
	(void)state;
	for (int k = 0; ur_vocab_kinds[k]; k++) {
		ur_vocab *v = learn(ur_vocab_kinds[k]->name, 0, MIXED, sizeof mixed);
		struct got first, second;
		char text[ROOM];
		size_t bytes;

		assert_int_equal(encode(v, MIXED, 0, 1, &first, NULL), UR_OK);
		bytes = decode(v, first.ids, first.n, text);
		if (ur_vocab_unknown(v) < 0) {
			int64_t end = 0;
			assert_int_equal(bytes, sizeof mixed - 1);
			assert_memory_equal(text, mixed, bytes);
			for (size_t i = 0; i < first.n; i++) {
				const char *piece;
				end += (int64_t)ur_vocab_decode(v, first.ids[i], &piece);
				assert_int_equal(first.ends[i], end);
			}
		}
		assert_int_equal(encode(v, text, bytes, 0, 3, &second, NULL), UR_OK);
		assert_int_equal(first.n, second.n);
		assert_memory_equal(first.ids, second.ids, first.n * sizeof first.ids[0]);
		ur_vocab_free(v);
	}
}

static void encoding_may_start_at_any_token(void **state)
{
	(void)state;
	for (int k = 0; ur_vocab_kinds[k]; k++) {
		ur_vocab *v = learn(ur_vocab_kinds[k]->name, 0, MIXED, sizeof mixed);
		struct got all, rest;

		assert_true(!ur_vocab_kinds[k]->joined || ur_vocab_unknown(v) < 0);

		assert_int_equal(encode(v, MIXED, 0, 5, &all, NULL), UR_OK);
		for (size_t i = 0; i < all.n; i++) {
			size_t at = (size_t)all.ends[i];
			ur_encoder *e;
			rest.n = 0;
			assert_int_equal(ur_encoder_open(v, all.ends[i], take, &rest, &e, NULL), UR_OK);
			assert_int_equal(ur_encoder_feed(e, mixed + at, sizeof mixed - 1 - at, NULL), UR_OK);
			assert_int_equal(ur_encoder_finish(e, NULL), UR_OK);
			ur_encoder_close(e);
			assert_int_equal(rest.n, all.n - i - 1);
			assert_memory_equal(rest.ids, all.ids + i + 1, rest.n * sizeof rest.ids[0]);
			assert_memory_equal(rest.ends, all.ends + i + 1, rest.n * sizeof rest.ends[0]);
		}
		ur_vocab_free(v);
	}
}

static void only_room_is_written(void **state)
{
	ur_vocab *v = learn("byte", 0, NULL, 0, 1);
	char text[5000];
	int32_t ids[5001];

	(void)state;
	for (int i = 0; i < 5000; i++)
		text[i] = (char)('a' + i % 26);
	for (size_t room = 0; room <= 5000; room += 625) {
		memset(ids, 0xAB, sizeof ids);
		assert_int_equal(ur_vocab_encode(v, text, 5000, ids, room, NULL), 5000);
		for (size_t i = 0; i < room; i++)
			assert_int_equal(ids[i], text[i]);
		assert_int_equal(ids[room], (int32_t)0xABABABAB);
	}
	assert_int_equal(ur_vocab_encode(v, "", 0, NULL, 0, NULL), 0);
	ur_vocab_free(v);
}

/* ---- UTF-8 ---- */

static const struct { const char *text; int at; } malformed[] = {
	{ "ab\x80", 2 },                    /* a continuation alone */
	{ "ab\xC0\x80", 2 },                /* overlong NUL */
	{ "\xC1\xBF", 0 },                  /* overlong */
	{ "\xC3\xA9\xE0\x9F\xBF", 2 },      /* overlong, three bytes */
	{ "a\xED\xA0\x80", 1 },             /* surrogates, first and last */
	{ "a\xED\xBF\xBF", 1 },
	{ "\xF0\x8F\xBF\xBF", 0 },          /* overlong, four bytes */
	{ "\xF4\x90\x80\x80", 0 },          /* above U+10FFFF */
	{ "\xF5\x80\x80\x80", 0 },
	{ "\xFF\xFE" "a", 0 },              /* UTF-16 */
	{ "12345678901\xE2\x82", 11 },      /* cut off at the end */
	{ "a\xE2\x82 b", 1 },               /* cut off by another character */
	{ "\xF0\x9F\x98", 0 },
	{ "a\xC3", 1 },
	{ "\xC3\xC3\xA9", 0 },
};

static void malformed_text_is_refused(void **state)
{
	ur_vocab *v = learn_text("word", 0, "a");

	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		for (size_t chunk = 1; chunk <= strlen(malformed[i].text); chunk++) {
			size_t bytes = strlen(malformed[i].text);
			char expected[64];
			struct got got;
			ur_vocab_builder *b;
			ur_vocab *none;
			ur_err err = { 0 };
			ur_status status = UR_OK;

			snprintf(expected, sizeof expected, "invalid UTF-8 at byte %d", malformed[i].at);
			assert_int_equal(ur_vocab_builder_open(&(ur_vocab_request){ .kind = "char", .cap = 0 }, &b, NULL), UR_OK);
			for (size_t at = 0; at < bytes && !status; at += chunk)
				status = ur_vocab_builder_feed(b, malformed[i].text + at, bytes - at < chunk ? bytes - at : chunk,
					&err);
			if (!status)
				status = ur_vocab_builder_finish(b, &none, &err);
			ur_vocab_builder_close(b);
			assert_int_equal(status, UR_E_INVALID);
			if (strncmp(err.text, expected, strlen(expected)) || !strstr(err.text, "use --vocab byte or convert"))
				fail_msg("case %zu: %s", i, err.text);
			memset(&err, 0, sizeof err);
			assert_int_equal(encode(v, malformed[i].text, bytes, 0, chunk, &got, &err), UR_E_INVALID);
			if (strncmp(err.text, expected, strlen(expected)))
				fail_msg("case %zu: %s", i, err.text);
		}
	ur_vocab_free(v);
}

static void every_code_point_passes(void **state)
{
	char *text = malloc(0x110000 * 4), *back = malloc(0x110000 * 4);
	int32_t *ids = malloc(0x110000 * sizeof *ids);
	size_t bytes = 0;
	ur_vocab *v;

	(void)state;
	for (uint32_t code = 0; code < 0x110000; code++)
		if (ur_utf8_scalar(code))
			bytes += ur_utf8_put(code, text + bytes);
	v = learn("char", 0, text, bytes, 4093);
	assert_int_equal(ur_vocab_size(v), 0x110000 - 0x800);
	assert_int_equal(ur_vocab_encode(v, text, bytes, ids, 0x110000, NULL), 0x110000 - 0x800);
	for (int i = 0; i < 0x110000 - 0x800; i++)
		assert_int_equal(ids[i], i);
	assert_int_equal(decode(v, ids, 0x110000 - 0x800, back), bytes);
	assert_memory_equal(back, text, bytes);
	ur_vocab_free(v);
	free(text);
	free(back);
	free(ids);
}

/* The earlier of two faults is reported, however the text is cut. */
static void first_fault_first(void **state)
{
	ur_vocab *v = learn_text("char", 0, "ab");

	(void)state;
	for (size_t chunk = 1; chunk <= 5; chunk++) {
		struct got got;
		ur_err err = { 0 };
		assert_int_equal(encode(v, "ac\xFF" "b", 4, 0, chunk, &got, &err), UR_E_INVALID);
		assert_non_null(strstr(err.text, "U+0063 ('c') at byte 1"));
		assert_int_equal(encode(v, "a\xFF" "c", 3, 0, chunk, &got, &err), UR_E_INVALID);
		assert_non_null(strstr(err.text, "invalid UTF-8 at byte 1"));
	}
	ur_vocab_free(v);
}

/* ---- what cannot be built ---- */

static void bad_requests(void **state)
{
	ur_vocab_builder *b;
	ur_vocab *v;
	ur_err err;

	(void)state;
	assert_int_equal(ur_vocab_builder_open(&(ur_vocab_request){ .kind = "bytes", .cap = 0 }, &b, &err), UR_E_INVALID);
	assert_null(b);
	assert_non_null(strstr(err.text, "'bytes'"));
	assert_non_null(strstr(err.text, "byte, char, word, bpe"));
	assert_int_equal(ur_vocab_builder_open(&(ur_vocab_request){ .kind = "char", .cap = 100 }, &b, &err), UR_E_INVALID);
	assert_int_equal(ur_vocab_builder_open(&(ur_vocab_request){ .kind = "word", .cap = 2 }, &b, &err), UR_E_INVALID);
	assert_int_equal(ur_vocab_builder_open(&(ur_vocab_request){ .kind = "word", .cap = -1 }, &b, &err), UR_E_INVALID);
	assert_int_equal(ur_vocab_builder_open(&(ur_vocab_request){ .kind = "word", .cap = INT64_MAX }, &b, &err),
		UR_E_INVALID);
	assert_int_equal(ur_vocab_builder_open(&(ur_vocab_request){ .kind = "char", .cap = 0 }, &b, &err), UR_OK);
	assert_int_equal(ur_vocab_builder_finish(b, &v, &err), UR_E_INVALID);
	assert_null(v);
	assert_non_null(strstr(err.text, "empty"));
	ur_vocab_builder_close(b);
	ur_vocab_builder_close(NULL);
	ur_vocab_free(NULL);
}

static void requests_are_read(void **state)
{
	static const struct { const char *text, *kind; int64_t cap; const char *says; } are[] = {
		{ "char", "char", 0, NULL }, { "byte", "byte", 0, NULL }, { "word:30000", "word", 30000, NULL },
		{ "bpe:8000", "bpe", 8000, NULL }, { "bpe:0", "bpe", 0, NULL }, { "bpe:257", "bpe", 257, NULL },
		{ "", NULL, 0, "''" }, { "chars", NULL, 0, "'chars'" }, { ":9", NULL, 0, "''" },
		{ "bpe:", NULL, 0, "bpe:8000" },
		{ "bpe:-9", NULL, 0, "bpe:8000" }, { "bpe:8k", NULL, 0, "bpe:8000" }, { "bpe:300:4", NULL, 0, "bpe:8000" },
		{ "bpe: 300", NULL, 0, "bpe:8000" }, { "word:99999999999999999999", NULL, 0, "bpe:8000" },
		{ "bpe:256", NULL, 0, "257 to 65536" }, { "bpe:65537", NULL, 0, "257 to 65536" }, { "word:2", NULL, 0, "3 to" },
		{ "char:100", NULL, 0, "takes no size" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof are / sizeof *are; i++) {
		ur_vocab_request r = { .kind = "x", .cap = -1, .least = 5, .unknown = 6 };
		ur_err err = { 0 };
		assert_int_equal(ur_vocab_request_parse(are[i].text, &r, &err), are[i].kind ? UR_OK : UR_E_INVALID);
		if (!are[i].kind && !strstr(err.text, are[i].says))
			fail_msg("%s: %s", are[i].text, err.text);
		assert_string_equal(r.kind, are[i].kind ? are[i].kind : "x");
		assert_int_equal(r.cap, are[i].kind ? are[i].cap : -1);
		assert_int_equal(r.least, 5);
		assert_int_equal(r.unknown, 6);
	}
	for (int k = 0; ur_vocab_kinds[k]; k++) {
		const char *name = ur_vocab_kinds[k]->name;
		int thins = !strcmp(name, "char") || !strcmp(name, "word");
		assert_int_equal(ur_vocab_request_check(&(ur_vocab_request){ .kind = name, .least = 1 }, NULL), UR_OK);
		assert_int_equal(ur_vocab_request_check(&(ur_vocab_request){ .kind = name, .least = -1 }, NULL), UR_E_INVALID);
		assert_int_equal(ur_vocab_request_check(&(ur_vocab_request){ .kind = name, .least = 2 }, NULL),
			thins ? UR_OK : UR_E_INVALID);
	}
}

/* ---- JSON ---- */

static void json_round_trip(void **state)
{
	(void)state;
	for (int k = 0; ur_vocab_kinds[k]; k++) {
		ur_vocab *v = learn(ur_vocab_kinds[k]->name, 0, MIXED, sizeof mixed), *back;
		json_t *json = ur_vocab_to_json(v), *again;
		char *text = json_dumps(json, JSON_COMPACT);
		struct got a, b;
		ur_err err = { 0 };

		assert_null(strstr(text, "\\u0000"));
		again = json_loads(text, 0, NULL);
		assert_non_null(again);
		if (ur_vocab_from_json(again, &back, &err))
			fail_msg("%s", err.text);
		assert_string_equal(ur_vocab_kind_of(back), ur_vocab_kinds[k]->name);
		assert_int_equal(ur_vocab_size(back), ur_vocab_size(v));
		assert_true(ur_vocab_hash(back) == ur_vocab_hash(v));
		assert_int_equal(ur_vocab_unknown(back), ur_vocab_unknown(v));
		for (int i = 0; i < ur_vocab_size(v); i++) {
			const char *x, *y;
			size_t n = ur_vocab_decode(v, i, &x);
			assert_int_equal(ur_vocab_decode(back, i, &y), n);
			assert_memory_equal(x, y, n);
		}
		assert_int_equal(encode(v, MIXED, 0, 64, &a, NULL), UR_OK);
		assert_int_equal(encode(back, MIXED, 0, 64, &b, NULL), UR_OK);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.ids, b.ids, a.n * sizeof a.ids[0]);
		ur_vocab_free(v);
		ur_vocab_free(back);
		json_decref(json);
		json_decref(again);
		free(text);
	}
}

static const struct { const char *json, *says; } bad_json[] = {
	{ "[]", "kind" },
	{ "{}", "kind" },
	{ "{\"kind\": 1}", "kind" },
	{ "{\"kind\": \"bytes\"}", "'bytes'" },
	{ "{\"kind\": \"char\"}", "codes" },
	{ "{\"kind\": \"char\", \"codes\": {}}", "codes" },
	{ "{\"kind\": \"char\", \"codes\": []}", "codes" },
	{ "{\"kind\": \"char\", \"codes\": [1, \"a\"]}", "codes[1]" },
	{ "{\"kind\": \"char\", \"codes\": [1, 1]}", "codes[1]" },
	{ "{\"kind\": \"char\", \"codes\": [2, 1]}", "codes[1]" },
	{ "{\"kind\": \"char\", \"codes\": [-1]}", "codes[0]" },
	{ "{\"kind\": \"char\", \"codes\": [1.0]}", "codes[0]" },
	{ "{\"kind\": \"char\", \"codes\": [55296]}", "codes[0]" },
	{ "{\"kind\": \"char\", \"codes\": [1114112]}", "codes[0]" },
	{ "{\"kind\": \"char\", \"codes\": [4294967306]}", "codes[0]" },
	{ "{\"kind\": \"char\", \"codes\": [97], \"unknown\": 1}", "unknown" },
	{ "{\"kind\": \"char\", \"codes\": [], \"unknown\": false}", "codes" },
	{ "{\"kind\": \"char\", \"codes\": [97, 65533], \"unknown\": true}", "codes[1] is U+FFFD" },
	{ "{\"kind\": \"word\"}", "words" },
	{ "{\"kind\": \"word\", \"words\": [\"\\n\"]}", "words" },
	{ "{\"kind\": \"word\", \"words\": [\"\\n\", \"a\"]}", "<unk>" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"a\"]}", "newline" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", \"a\", \"a\"]}", "words[3] is there twice" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", \"\\n\"]}", "words[2] is there twice" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", \"\"]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", \"a b\"]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", \"a\\n\"]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", 7]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", [97, 256]]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", [97, 128]]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", [[97]]]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", []]}", "words[2]" },
	{ "{\"kind\": \"word\", \"words\": [\"<unk>\", \"\\n\", \"a\", [97]]}", "words[3] is there twice" },
};

static void bad_json_is_refused(void **state)
{
	json_t *json, *words;
	char *text;
	ur_vocab *v;
	ur_err err;

	(void)state;
	for (size_t i = 0; i < sizeof bad_json / sizeof bad_json[0]; i++) {
		json = json_loads(bad_json[i].json, 0, NULL);
		assert_non_null(json);
		memset(&err, 0, sizeof err);
		assert_int_equal(ur_vocab_from_json(json, &v, &err), UR_E_FORMAT);
		assert_null(v);
		if (err.status != UR_E_FORMAT || !strstr(err.text, bad_json[i].says))
			fail_msg("%s: %s", bad_json[i].json, err.text);
		json_decref(json);
	}
	assert_int_equal(ur_vocab_from_json(NULL, &v, &err), UR_E_FORMAT);

	/* invalid UTF-8 that JSON's own reader would have refused, and a word too long */
	text = malloc(1026);
	memset(text, 'y', 1025);
	text[1025] = '\0';
	json = json_pack("{s:s, s:[s, s]}", "kind", "word", "words", "<unk>", "\n");
	words = json_object_get(json, "words");
	json_array_append_new(words, json_string_nocheck("a\xFF"));
	assert_int_equal(ur_vocab_from_json(json, &v, &err), UR_E_FORMAT);
	assert_non_null(strstr(err.text, "words[2]"));
	json_array_set_new(words, 2, json_string(text));
	assert_int_equal(ur_vocab_from_json(json, &v, &err), UR_E_FORMAT);
	assert_non_null(strstr(err.text, "words[2]"));
	text[1024] = '\0';
	json_array_set_new(words, 2, json_string(text));
	assert_int_equal(ur_vocab_from_json(json, &v, &err), UR_OK);
	ur_vocab_free(v);
	json_decref(json);
	free(text);
}

/* ---- hashes and holds ---- */

static void hash_tells_apart(void **state)
{
	ur_vocab *v[] = { learn_text("char", 0, "ab"), learn_text("char", 0, "ac"), learn_text("char", 0, "abc"),
		learn_text("word", 0, "a b"), learn_text("word", 0, "b b a"), learn_text("byte", 0, ""),
		learn_text("word", 0, "ab a"), learn_text("word", 0, "abc") };
	enum { N = sizeof v / sizeof v[0] };
	ur_vocab *same = learn_text("char", 0, "bbab");

	(void)state;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < i; j++)
			assert_true(ur_vocab_hash(v[i]) != ur_vocab_hash(v[j]));
	assert_true(ur_vocab_hash(v[0]) == ur_vocab_hash(same));
	ur_vocab_free(same);
	for (int i = 0; i < N; i++)
		ur_vocab_free(v[i]);
}

static void holds_are_counted(void **state)
{
	ur_vocab *v = learn_text("char", 0, "xy"), *mine = ur_vocab_hold(v);

	(void)state;
	ur_vocab_free(v);
	expect_text(mine, 1, "y");
	ur_vocab_free(mine);
}

static void hash_of_pieces(void **state)
{
	unsigned char data[100];
	ur_hash whole = { 0 }, other = { 0 };
	uint64_t expected;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 37);
	ur_hash_add(&whole, data, sizeof data);
	expected = ur_hash_value(&whole);
	/* recorded: fingerprints are kept in files, so the function must never change */
	assert_true(expected == UINT64_C(0xD8DA3B6A3300E1EA));
	for (size_t a = 0; a <= sizeof data; a++)
		for (size_t b = a; b <= sizeof data; b++) {
			ur_hash hash = { 0 };
			ur_hash_add(&hash, data, a);
			ur_hash_add(&hash, data + a, b - a);
			ur_hash_add(&hash, data + b, sizeof data - b);
			assert_true(ur_hash_value(&hash) == expected);
		}
	/* lengths count: zeros at the end are not nothing */
	for (int i = 0; i < 20; i++) {
		uint64_t before = ur_hash_value(&other);
		ur_hash_add(&other, "", 1);
		assert_true(ur_hash_value(&other) != before);
	}
	for (size_t i = 0; i < sizeof data; i++)
		for (int bit = 0; bit < 8; bit++) {
			ur_hash hash = { 0 };
			data[i] ^= (unsigned char)(1 << bit);
			ur_hash_add(&hash, data, sizeof data);
			assert_true(ur_hash_value(&hash) != expected);
			data[i] ^= (unsigned char)(1 << bit);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(byte_is_identity),
		cmocka_unit_test(char_is_sorted_code_points),
		cmocka_unit_test(word_is_by_frequency),
		cmocka_unit_test(word_caps),
		cmocka_unit_test(long_words_are_unknown),
		cmocka_unit_test(unknown_characters),
		cmocka_unit_test(rare_words),
		cmocka_unit_test(many_words),
		cmocka_unit_test(chunks_do_not_matter),
		cmocka_unit_test(decoding_encodes_again),
		cmocka_unit_test(encoding_may_start_at_any_token),
		cmocka_unit_test(only_room_is_written),
		cmocka_unit_test(malformed_text_is_refused),
		cmocka_unit_test(every_code_point_passes),
		cmocka_unit_test(first_fault_first),
		cmocka_unit_test(bad_requests),
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(json_round_trip),
		cmocka_unit_test(bad_json_is_refused),
		cmocka_unit_test(hash_tells_apart),
		cmocka_unit_test(holds_are_counted),
		cmocka_unit_test(hash_of_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
