/* Byte pairs, held to a plain reading of what vocab_bpe.c and vocab_bpe_learn.c say: texts are cut by rules written
 * anew, pairs are counted in a table of all of them, merges are done one after the other everywhere. The laws of every
 * vocabulary are in test_vocab.c. */
#include "vocab/vocab_bpe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { LONG = 3000, TABLE = 400 };

static ur_vocab *learn(int64_t cap, const char *text, size_t bytes, size_t chunk)
{
	ur_vocab_builder *b;
	ur_vocab *v;
	ur_err err = { 0 };

	if (ur_vocab_builder_open(&(ur_vocab_request){ .kind = "bpe", .cap = cap }, &b, &err))
		fail_msg("%s", err.text);
	for (size_t at = 0; at < bytes; at += chunk)
		assert_int_equal(ur_vocab_builder_feed(b, text + at, bytes - at < chunk ? bytes - at : chunk, &err), UR_OK);
	if (ur_vocab_builder_finish(b, &v, &err))
		fail_msg("%s", err.text);
	ur_vocab_builder_close(b);
	return v;
}

static ur_vocab *from_json(const char *text, ur_err *err)
{
	json_t *json = json_loads(text, 0, NULL);
	ur_vocab *v;

	assert_non_null(json);
	if (ur_vocab_from_json(json, &v, err))
		assert_null(v);
	json_decref(json);
	return v;
}

static void expect_text(const ur_vocab *v, int token, const char *expected)
{
	const char *text;
	size_t bytes = ur_vocab_decode(v, token, &text);
	if (bytes != strlen(expected) || memcmp(text, expected, bytes))
		fail_msg("token %d is '%.*s', not '%s'", token, (int)bytes, text, expected);
}

/* ---- pre-tokens ---- */

struct cuts { int64_t ends[1 << 16]; size_t n; const unsigned char *text; };

static ur_status add_cut(void *self, const unsigned char *text, size_t n, int64_t end, ur_err *err)
{
	struct cuts *c = self;
	(void)err;
	assert_true(n > 0 && n <= UR_BPE_LONGEST);
	assert_int_equal(end - (c->n ? c->ends[c->n - 1] : 0), n);
	assert_memory_equal(text, c->text + end - n, n);
	c->ends[c->n++] = end;
	return UR_OK;
}

static void cut(struct cuts *c, const char *text, size_t bytes, size_t chunk)
{
	ur_bpe_part part = { 0 };

	c->n = 0;
	c->text = (const unsigned char *)text;
	for (size_t at = 0; at < bytes; at += chunk)
		ur_bpe_cut(&part, c->text + at, bytes - at < chunk ? bytes - at : chunk, (int64_t)at, add_cut, c, NULL);
	ur_bpe_cut(&part, NULL, 0, (int64_t)bytes, add_cut, c, NULL);
}

static int class(unsigned char c)
{
	return c == '\n' ? 'n' : c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' ? 'b'
		: c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? 'l' : c >= '0' && c <= '9' ? 'd' : 'o';
}

/* Runs of a class; then the space before a run goes over to it; then what is too long is cut. */
static size_t plain_cuts(const char *text, size_t bytes, int64_t *ends)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t *starts = malloc((bytes + 1) * sizeof *starts), runs = 0, n = 0;

	for (size_t i = 0; i < bytes; i++)
		if (!i || class(s[i]) != class(s[i - 1]) || s[i] == '\n')
			starts[runs++] = i;
	for (size_t r = 1; r < runs; r++)
		if (s[starts[r] - 1] == ' ' && strchr("ldo", class(s[starts[r]])))
			starts[r]--;
	starts[runs] = bytes;
	for (size_t r = 0; r < runs; r++)
		for (size_t at = starts[r]; at < starts[r + 1]; at += UR_BPE_LONGEST)
			ends[n++] = (int64_t)(starts[r + 1] - at < UR_BPE_LONGEST ? starts[r + 1] : at + UR_BPE_LONGEST);
	free(starts);
	return n;
}

static uint32_t state_of_random = 1;

static uint32_t below(uint32_t n)
{
	return (uint32_t)((uint64_t)(state_of_random = state_of_random * 1664525 + 1013904223) * n >> 32);
}

/* Few different words, and now and then a run that is too long. */
static size_t random_text(char *out, size_t most)
{
	static const char *const bits[] = { "a", "b", "ab", "abc", "the", "then", " ", " ", "  ", "\n", "\t", "\r\n", "1",
		"12", ".", "...", "-a", "\xC3\xA9", "\xE4\xB8\xAD", "\xFF", "Z" };
	size_t n = 0, wanted = below((uint32_t)most);

	while (n < wanted) {
		const char *bit = bits[below(sizeof bits / sizeof *bits)];
		size_t times = below(60) ? 1 : below(600);
		for (; times && n + strlen(bit) < wanted; times--, n += strlen(bit))
			memcpy(out + n, bit, strlen(bit));
		if (times)
			out[n++] = (char)below(256);
	}
	return n;
}

static void known_cuts(void **state)
{
	static const struct { const char *text, *cut; } are[] = {
		{ "the cat", "the| cat" }, { "  the", " | the" }, { "a\t b", "a|\t| b" }, { "a \tb", "a| \t|b" },
		{ "don't.", "don|'|t|." }, { "x1 23y", "x|1| 23|y" }, { "a \n\n b", "a| |\n|\n| b" }, { "a,b !?", "a|,|b| !?" },
		{ "caf\xC3\xA9 \xFF", "caf\xC3\xA9| \xFF" }, { "a ", "a| " }, { " ", " " }, { "\r\n", "\r|\n" },
		{ "a   ", "a|   " }, { "_x-", "_|x|-" },
	};
	static struct cuts c;

	(void)state;
	for (size_t i = 0; i < sizeof are / sizeof *are; i++)
		for (size_t chunk = 1; chunk < 9; chunk++) {
			char got[64];
			size_t used = 0;
			cut(&c, are[i].text, strlen(are[i].text), chunk);
			for (size_t k = 0, at = 0; k < c.n; k++) {
				if (k)
					got[used++] = '|';
				for (; (int64_t)at < c.ends[k]; at++)
					got[used++] = are[i].text[at];
			}
			got[used] = 0;
			assert_string_equal(got, are[i].cut);
		}
}

static void cuts_are_as_described(void **state)
{
	static struct cuts c;
	static int64_t ends[1 << 16];
	char *text = malloc(LONG);

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t bytes = random_text(text, LONG), n = plain_cuts(text, bytes, ends);
		cut(&c, text, bytes, round % 3 ? below(700) + 1 : bytes + 1);
		assert_int_equal(c.n, n);
		assert_memory_equal(c.ends, ends, n * sizeof *ends);
	}
	/* runs of about the longest, of each class, cut anywhere */
	for (size_t blanks = 0; blanks < 4; blanks++)
		for (size_t length = UR_BPE_LONGEST - 3; length < UR_BPE_LONGEST + 4; length++)
			for (int kind = 0; kind < 4; kind++)
				for (size_t chunk = 1; chunk < 2 * length; chunk += chunk < 4 ? 1 : 29) {
					size_t bytes = 0, n;
					memset(text, ' ', blanks);
					memset(text + blanks, "a1. "[kind], length);
					bytes = blanks + length;
					memcpy(text + bytes, "a b", 3);
					n = plain_cuts(text, bytes + 3, ends);
					cut(&c, text, bytes + 3, chunk);
					assert_int_equal(c.n, n);
					assert_memory_equal(c.ends, ends, n * sizeof *ends);
				}
	free(text);
}

/* ---- learning and encoding, plainly ---- */

struct plain { int pairs[TABLE][2], n; };

/* One merge everywhere: tokens of all words, with -1 between words. */
static size_t plain_merge(int *t, size_t n, const int pair[2], int token)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (i + 1 < n && t[i] == pair[0] && t[i + 1] == pair[1]) {
			t[used++] = token;
			i++;
		} else {
			t[used++] = t[i];
		}
	return used;
}

static size_t plain_words(const char *text, size_t bytes, int *t)
{
	static int64_t ends[1 << 16];
	size_t cuts = plain_cuts(text, bytes, ends), n = 0, at = 0;

	for (size_t k = 0; k < cuts; k++) {
		for (; (int64_t)at < ends[k]; at++)
			t[n++] = (unsigned char)text[at];
		t[n++] = -1;
	}
	return n;
}

static void plain_learn(const char *text, size_t bytes, int cap, struct plain *p)
{
	static int counts[TABLE + 256][TABLE + 256];
	int *t = malloc((2 * bytes + 1) * sizeof *t);
	size_t n = plain_words(text, bytes, t);

	for (p->n = 0; 256 + p->n < cap; p->n++) {
		int best = 1, *pair = p->pairs[p->n];
		memset(counts, 0, sizeof counts);
		for (size_t i = 0; i + 1 < n; i++)
			if (t[i] >= 0 && t[i + 1] >= 0)
				counts[t[i]][t[i + 1]]++;
		for (int a = 0; a < 256 + p->n; a++)
			for (int b = 0; b < 256 + p->n; b++)
				if (counts[a][b] > best) {
					best = counts[a][b];
					pair[0] = a;
					pair[1] = b;
				}
		if (best == 1)
			break;
		n = plain_merge(t, n, pair, 256 + p->n);
	}
	free(t);
}

static void expect_merges(const ur_vocab *v, const struct plain *p)
{
	json_t *json = ur_vocab_to_json(v), *merges = json_object_get(json, "merges");

	assert_int_equal(json_array_size(merges), p->n);
	assert_int_equal(ur_vocab_size(v), 256 + p->n);
	for (int i = 0; i < p->n; i++)
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(json_integer_value(json_array_get(json_array_get(merges, (size_t)i), k)), p->pairs[i][k]);
	json_decref(json);
}

struct got { int32_t ids[LONG * 2]; int64_t ends[LONG * 2]; size_t n; };

static ur_status take(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	struct got *got = arg;
	(void)err;
	assert_true(got->n + n <= LONG * 2);
	memcpy(got->ids + got->n, ids, n * sizeof *ids);
	memcpy(got->ends + got->n, ends, n * sizeof *ends);
	got->n += n;
	return UR_OK;
}

/* In chunks of random sizes; decodes to the text, and ends are where texts end. */
static void encode(const ur_vocab *v, const char *text, size_t bytes, struct got *got)
{
	ur_encoder *e;
	int64_t end = 7;

	got->n = 0;
	assert_int_equal(ur_encoder_open(v, end, take, got, &e, NULL), UR_OK);
	for (size_t at = 0, more; at < bytes; at += more) {
		more = below(3) ? below(40) + 1 : below(1000) + 1;
		more = more < bytes - at ? more : bytes - at;
		assert_int_equal(ur_encoder_feed(e, text + at, more, NULL), UR_OK);
	}
	assert_int_equal(ur_encoder_finish(e, NULL), UR_OK);
	ur_encoder_close(e);
	for (size_t i = 0; i < got->n; i++) {
		const char *piece;
		size_t n = ur_vocab_decode(v, got->ids[i], &piece);
		assert_true(end - 7 + (int64_t)n <= (int64_t)bytes);
		assert_memory_equal(piece, text + end - 7, n);
		end += (int64_t)n;
		assert_int_equal(got->ends[i], end);
	}
	assert_int_equal(end - 7, bytes);
}

static void expect_encoding(const ur_vocab *v, const struct plain *p, const char *text, size_t bytes)
{
	static struct got got;
	int *t = malloc((2 * bytes + 1) * sizeof *t);
	size_t n = plain_words(text, bytes, t), k = 0;

	for (int i = 0; i < p->n; i++)
		n = plain_merge(t, n, p->pairs[i], 256 + i);
	encode(v, text, bytes, &got);
	for (size_t i = 0; i < n; i++)
		if (t[i] >= 0) {
			assert_true(k < got.n);
			assert_int_equal(got.ids[k++], t[i]);
		}
	assert_int_equal(k, got.n);
	free(t);
}

/* Behind any token encoding may start, but in runs that were cut. */
static void expect_starts(const ur_vocab *v, const char *text, size_t bytes)
{
	static struct got all, rest;
	size_t same = 0;

	for (size_t i = 1; i < bytes; i++) {
		same = class((unsigned char)text[i]) == class((unsigned char)text[i - 1]) ? same + 1 : 0;
		if (same > UR_BPE_LONGEST - 2)
			return;
	}
	encode(v, text, bytes, &all);
	for (size_t i = 0; i < all.n; i += 1 + below(9)) {
		size_t at = (size_t)all.ends[i] - 7;
		encode(v, text + at, bytes - at, &rest);
		assert_int_equal(rest.n, all.n - i - 1);
		assert_memory_equal(rest.ids, all.ids + i + 1, rest.n * sizeof *rest.ids);
	}
}

static void learning_and_encoding_are_as_described(void **state)
{
	char *text = malloc(LONG), *other = malloc(LONG);

	(void)state;
	for (int round = 0; round < 60; round++) {
		size_t bytes = random_text(text, LONG - 1) + 1;
		int cap = 257 + (int)below(TABLE - 257);
		struct plain p;
		ur_vocab *v = learn(cap, text, bytes, below(3000) + 1);

		plain_learn(text, bytes, cap, &p);
		expect_merges(v, &p);
		expect_encoding(v, &p, text, bytes);
		for (int k = 0; k < 5; k++)
			expect_encoding(v, &p, other, random_text(other, LONG));
		ur_vocab_free(v);
	}
	free(text);
	free(other);
}

/* Merges that no text would teach: any pairs, in any order. */
static void any_merges_encode_as_described(void **state)
{
	char *text = malloc(LONG);

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct plain p = { .n = 0 };
		json_t *json = json_pack("{s:s, s:[]}", "kind", "bpe", "merges"), *list = json_object_get(json, "merges");
		ur_vocab *v;
		for (int i = 0; i < 60; i++) {
			int known = 0, *pair = p.pairs[p.n];
			pair[0] = below(2) && p.n ? 256 + (int)below((uint32_t)p.n) : "abthen .1"[below(9)];
			pair[1] = below(2) && p.n ? 256 + (int)below((uint32_t)p.n) : "abthen .1"[below(9)];
			for (int k = 0; k < p.n; k++)
				known |= p.pairs[k][0] == pair[0] && p.pairs[k][1] == pair[1];
			if (known)
				continue;
			json_array_append_new(list, json_pack("[i, i]", pair[0], pair[1]));
			if (ur_vocab_from_json(json, &v, NULL)) { /* too long */
				json_array_remove(list, (size_t)p.n);
				continue;
			}
			ur_vocab_free(v);
			p.n++;
		}
		assert_int_equal(ur_vocab_from_json(json, &v, NULL), UR_OK);
		expect_merges(v, &p);
		expect_encoding(v, &p, text, random_text(text, LONG));
		expect_starts(v, text, random_text(text, 400));
		ur_vocab_free(v);
		json_decref(json);
	}
	free(text);
}

/* The example of Sennrich et al. 2016, a word a line: 5 low, 2 lower, 6 newest, 3 widest. Worked out by hand, by count
 * and then by the lower pair. */
static void low_lower_newest_widest(void **state)
{
	static const char text[] = "low\nlow\nlow\nlow\nlow\nlower\nlower\nnewest\nnewest\nnewest\nnewest\nnewest\nnewest\n"
		"widest\nwidest\nwidest";
	static const char *const made[] = { "es" /* 9 */, "est", "lo" /* 7 */, "low", "ew" /* 6 */, "new", "newest",
		"dest" /* 3 */, "idest", "widest", "er" /* 2 */, "lower" };
	ur_vocab *v = learn(0, text, sizeof text - 1, 3);
	int32_t ids[16];

	(void)state;
	assert_int_equal(ur_vocab_size(v), 256 + 12);
	for (int i = 0; i < 12; i++)
		expect_text(v, 256 + i, made[i]);
	assert_int_equal(ur_vocab_encode(v, "lowest", 6, ids, 16, NULL), 2);
	assert_int_equal(ids[0], 259);
	assert_int_equal(ids[1], 257);
	assert_int_equal(ur_vocab_encode(v, " newer\xFF", 7, ids, 16, NULL), 4); /* " ", new, er, \xFF */
	assert_int_equal(ids[1], 261);
	assert_int_equal(ids[2], 266);
	assert_int_equal(ids[3], 0xFF);
	ur_vocab_free(v);
	v = learn(260, text, sizeof text - 1, 1000);
	assert_int_equal(ur_vocab_size(v), 260);
	expect_text(v, 259, "low");
	ur_vocab_free(v);
}

static void sizes(void **state)
{
	ur_vocab *v = learn(0, "ab cd", 5, 5);
	char *text = malloc(1 << 20);
	size_t n = 0;

	(void)state;
	assert_int_equal(ur_vocab_size(v), 256); /* nothing twice */
	assert_int_equal(ur_vocab_unknown(v), -1);
	ur_vocab_free(v);
	v = learn(0, "\n", 1, 1);
	assert_int_equal(ur_vocab_size(v), 256);
	ur_vocab_free(v);
	for (int i = 0; i < 80000; i++) { /* each word twice, so that all of it can be learnt */
		char word[3] = { (char)(0x80 + below(128)), (char)(0x80 + below(128)), (char)(0x80 + below(128)) };
		memcpy(text + n, word, 3);
		text[n + 3] = '\n';
		memcpy(text + n + 4, word, 3);
		text[n + 7] = '\n';
		n += 8;
	}
	v = learn(0, text, n, 1 << 16);
	assert_int_equal(ur_vocab_size(v), 8000);
	ur_vocab_free(v);
	v = learn(65536, text, n, 1 << 16);
	assert_int_equal(ur_vocab_size(v), 65536);
	for (int i = 65000; i < 65536; i++) {
		const char *piece;
		int32_t id;
		size_t length = ur_vocab_decode(v, i, &piece);
		assert_int_equal(ur_vocab_encode(v, piece, length, &id, 1, NULL), 1);
		assert_int_equal(id, i);
	}
	ur_vocab_free(v);
	free(text);
}

/* A word of a million letters costs as much as many words of the longest. */
static void endless_words(void **state)
{
	enum { MANY = 1 << 20 };
	char *text = malloc(MANY);
	int32_t *ids = malloc(MANY * sizeof *ids);
	struct timespec from, to;
	ur_vocab *v;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	memset(text, 'a', MANY);
	v = learn(0, text, MANY, 1000);
	assert_int_equal(ur_vocab_size(v), 256 + 8); /* 2, 4 ... 256 letters */
	assert_int_equal(ur_vocab_encode(v, text, MANY, ids, MANY, NULL), MANY / 256);
	ur_vocab_free(v);
	for (int i = 0; i < MANY; i++) /* nothing merges: the longest way */
		text[i] = (char)('a' + below(26));
	v = learn(0, text, MANY, 1 << 16);
	assert_true(ur_vocab_encode(v, text, MANY, ids, MANY, NULL) < MANY);
	ur_vocab_free(v);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 30); /* seconds even under sanitizers, where a square would take hours */
	free(text);
	free(ids);
}

static void any_bytes_come_back(void **state)
{
	static struct got got;
	char text[LONG];
	ur_vocab *v;

	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t bytes = below(LONG - 1) + 1;
		for (size_t i = 0; i < bytes; i++)
			text[i] = (char)below(round % 2 ? 256 : 5);
		v = learn(300, text, bytes, below(99) + 1);
		encode(v, text, bytes, &got);
		ur_vocab_free(v);
	}
}

/* ---- JSON ---- */

static void hostile_json(void **state)
{
	static const struct { const char *json, *says; } bad[] = {
		{ "{\"kind\": \"bpe\"}", "merges" },
		{ "{\"kind\": \"bpe\", \"merges\": {}}", "merges" },
		{ "{\"kind\": \"bpe\", \"merges\": [97, 98]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97]]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, 98, 99]]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, 98.0]]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, \"b\"]]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, -1]]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, 65536]]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, 4294967393]]}", "merges[0] is not two tokens" },
		{ "{\"kind\": \"bpe\", \"merges\": [[256, 97]]}", "merges[0] is no pair" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, 98], [97, 257]]}", "merges[1] is no pair" },
		{ "{\"kind\": \"bpe\", \"merges\": [[97, 98], [98, 97], [97, 98]]}", "merges[2] is no pair" },
		{ "{\"kind\": \"bpe\", \"merges\": [[0, 0], [0, 0]]}", "merges[1] is no pair" },
		/* each twice the one before: the ninth would have 512 bytes */
		{ "{\"kind\": \"bpe\", \"merges\": [[97, 97], [256, 256], [257, 257], [258, 258], [259, 259], [260, 260], "
		  "[261, 261], [262, 262], [263, 263]]}", "merges[8] is no pair" },
	};
	ur_err err;
	ur_vocab *v;
	json_t *json, *list;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(&err, 0, sizeof err);
		assert_null(from_json(bad[i].json, &err));
		if (err.status != UR_E_FORMAT || !strstr(err.text, bad[i].says))
			fail_msg("%s: %s", bad[i].json, err.text);
	}
	v = from_json("{\"kind\": \"bpe\", \"merges\": [[97, 97], [256, 256], [257, 257], [258, 258], [259, 259], "
		"[260, 260], [261, 261], [262, 262], [0, 0], [255, 10]]}", &err);
	assert_int_equal(ur_vocab_size(v), 266);
	ur_vocab_free(v);

	/* as many as there may be, and one more */
	json = json_pack("{s:s, s:[]}", "kind", "bpe", "merges");
	list = json_object_get(json, "merges");
	for (int i = 0; i < 65280; i++)
		json_array_append_new(list, json_pack("[i, i]", i / 256, i % 256));
	assert_int_equal(ur_vocab_from_json(json, &v, &err), UR_OK);
	assert_int_equal(ur_vocab_size(v), 65536);
	ur_vocab_free(v);
	json_array_append_new(list, json_pack("[i, i]", 255, 255));
	assert_int_equal(ur_vocab_from_json(json, &v, &err), UR_E_FORMAT);
	assert_non_null(strstr(err.text, "at most 65280"));
	json_decref(json);
}

/* The same texts, made of other pairs, are another vocabulary: it makes other tokens of "abc". */
static void hash_knows_merges(void **state)
{
	ur_vocab *a = from_json("{\"kind\": \"bpe\", \"merges\": [[97, 98], [98, 99], [256, 99]]}", NULL);
	ur_vocab *b = from_json("{\"kind\": \"bpe\", \"merges\": [[97, 98], [98, 99], [97, 257]]}", NULL);

	(void)state;
	for (int i = 256; i < 259; i++)
		expect_text(b, i, i == 256 ? "ab" : i == 257 ? "bc" : "abc");
	assert_int_equal(ur_vocab_encode(a, "abc", 3, NULL, 0, NULL), 1);
	assert_int_equal(ur_vocab_encode(b, "abc", 3, NULL, 0, NULL), 2);
	assert_true(ur_vocab_hash(a) != ur_vocab_hash(b));
	ur_vocab_free(a);
	ur_vocab_free(b);
}

/* What is learnt, in numbers: the same on every machine, or model files would not be. */
static void recorded(void **state)
{
	char *text = malloc(LONG);
	ur_vocab *v;
	size_t bytes;

	(void)state;
	state_of_random = 4711;
	bytes = random_text(text, LONG);
	while (bytes < 1000)
		bytes = random_text(text, LONG);
	v = learn(400, text, bytes, 100);
	if (ur_vocab_hash(v) != UINT64_C(0x39B6E1A8DABD7E14))
		fail_msg("%d tokens, hash 0x%016llX", ur_vocab_size(v), (unsigned long long)ur_vocab_hash(v));
	ur_vocab_free(v);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_cuts),
		cmocka_unit_test(cuts_are_as_described),
		cmocka_unit_test(learning_and_encoding_are_as_described),
		cmocka_unit_test(any_merges_encode_as_described),
		cmocka_unit_test(low_lower_newest_widest),
		cmocka_unit_test(sizes),
		cmocka_unit_test(endless_words),
		cmocka_unit_test(any_bytes_come_back),
		cmocka_unit_test(hostile_json),
		cmocka_unit_test(hash_knows_merges),
		cmocka_unit_test(recorded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
