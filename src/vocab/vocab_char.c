/* char: the code points of a UTF-8 text, in rising order. There is no token for what the text did not have: such a
 * character is an error that names it, because a model never saw it. Where an unknown token is asked for, or rare
 * characters are left out, it is the last one, reads U+FFFD and stands for that character too.
 *
 * Code point to token is a table of two levels: the page of code >> 8, then the token within that page. Page 0 is the
 * empty page that all absent code points share; the page of U+0000..U+00FF is always 1, so ASCII takes one look-up. */
#include "vocab/vocab_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = 0x110000, PAGE = 256, PAGES = CODES / PAGE, UNKNOWN = 0xFFFD };

struct lookup {
	int32_t unknown;        /* -1: none */
	uint16_t page[PAGES];
	int32_t token[];        /* PAGE a page; -1: absent */
};

/* ---- making one ---- */

static ur_status no_memory(ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for a char vocabulary");
}

/* From n valid code points in rising order; with an unknown token U+FFFD is not among them. */
static ur_status make(const uint32_t *codes, int n, int with_unknown, ur_vocab *v, ur_err *err)
{
	struct lookup *look;
	size_t bytes = 0, pages = 2, room;

	for (int i = 0; i < n; i++)
		if (codes[i] >= PAGE && (i == 0 || codes[i] / PAGE != codes[i - 1] / PAGE))
			pages++;
	if (!ur_vocab_room(v, n + with_unknown, ((size_t)n + 1) * 4))
		return no_memory(err);
	room = pages * PAGE * sizeof look->token[0];
	look = malloc(sizeof *look + room);
	if (!look)
		return no_memory(err);
	v->lookup = look;
	look->unknown = with_unknown ? n : -1;
	memset(look->page, 0, sizeof look->page);
	memset(look->token, 0xFF, room);
	look->page[0] = 1;
	pages = 2;
	for (int i = 0; i < n; i++) {
		uint16_t *page = &look->page[codes[i] / PAGE];
		if (!*page)
			*page = (uint16_t)pages++;
		look->token[(size_t)*page * PAGE + codes[i] % PAGE] = i;
		v->at[i] = bytes;
		bytes += ur_utf8_put(codes[i], v->text + bytes);
	}
	v->at[n] = bytes;
	if (with_unknown)
		v->at[n + 1] = bytes + ur_utf8_put(UNKNOWN, v->text + bytes);
	return UR_OK;
}

/* By code point. */
static void *counts_open(void)
{
	return calloc(CODES, sizeof(int64_t));
}

static ur_status count(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	int64_t *seen = self;

	(void)at;
	(void)err;
	for (size_t i = 0; i < bytes;) {
		uint32_t code = text[i];
		i += code < 0x80 ? 1 : (size_t)ur_utf8_next(text + i, bytes - i, &code);
		seen[code]++;
	}
	return UR_OK;
}

static ur_status learn(void *counts, const ur_vocab_request *request, ur_vocab *v, ur_err *err)
{
	const int64_t *seen = counts, least = request->least > 1 ? request->least : 1;
	int with_unknown = request->unknown || least > 1, n = 0;
	uint32_t *codes;
	ur_status status;

	for (int i = 0; i < CODES; i++)
		n += seen[i] >= least;
	codes = malloc(((size_t)n + 1) * sizeof *codes);
	if (!codes)
		return no_memory(err);
	n = 0;
	for (uint32_t i = 0; i < CODES; i++)
		if (seen[i] >= least && !(with_unknown && i == UNKNOWN))
			codes[n++] = i;
	status = make(codes, n, with_unknown, v, err);
	free(codes);
	return status;
}

/* ---- encoding ---- */

static ur_status absent(const ur_vocab *v, uint32_t code, int64_t at, ur_err *err)
{
	char shown[8] = "";

	if (code > 0x20 && code < 0x7F)
		snprintf(shown, sizeof shown, " ('%c')", (char)code);
	return ur_fail(err, UR_E_INVALID, "character U+%04X%s at byte %lld is not among the vocabulary's %d: leave it out, "
		"or train on text that has it", code, shown, (long long)at, v->size);
}

static ur_status encode(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	ur_encoder *e = self;
	const struct lookup *look = e->v->lookup;
	const int32_t *low = look->token + PAGE;
	ur_status status;

	for (size_t i = 0; i < bytes;) {
		uint32_t code = text[i];
		size_t length = 1;
		int32_t id;
		if (code < 0x80) {
			id = low[code];
		} else {
			length = (size_t)ur_utf8_next(text + i, bytes - i, &code);
			id = look->token[(size_t)look->page[code / PAGE] * PAGE + code % PAGE];
		}
		if (id < 0 && (id = look->unknown) < 0)
			return absent(e->v, code, at + (int64_t)i, err);
		i += length;
		if ((status = ur_encoder_put(e, id, at + (int64_t)i, err)))
			return status;
	}
	return UR_OK;
}

static int unknown(const ur_vocab *v)
{
	return ((const struct lookup *)v->lookup)->unknown;
}

/* A text may have U+FFFD of its own, last. */
static void mark(const ur_vocab *v, ur_hash *hash)
{
	if (unknown(v) >= 0)
		ur_hash_add(hash, "unknown", 7);
}

/* ---- JSON: "codes", the code points as numbers, because "\u0000" is refused by many readers; "unknown" ---- */

static int save(const ur_vocab *v, json_t *object)
{
	json_t *codes = json_array();

	for (int i = 0; i < v->size - (unknown(v) >= 0); i++) {
		uint32_t code = 0;
		ur_utf8_next((const unsigned char *)v->text + v->at[i], v->at[i + 1] - v->at[i], &code);
		if (json_array_append_new(codes, json_integer((json_int_t)code))) {
			json_decref(codes);
			return 0;
		}
	}
	return !json_object_set_new(object, "codes", codes) &&
	       (unknown(v) < 0 || !json_object_set_new(object, "unknown", json_true()));
}

static ur_status load(const json_t *object, ur_vocab *v, ur_err *err)
{
	const json_t *list = json_object_get(object, "codes"), *more = json_object_get(object, "unknown");
	size_t n = json_array_size(list);
	int with_unknown = json_is_true(more);
	uint32_t *codes;
	ur_status status;

	if (more && !json_is_boolean(more))
		return ur_fail(err, UR_E_FORMAT, "the char vocabulary's \"unknown\" is neither true nor false");
	if (!json_is_array(list) || (n < 1 && !with_unknown) || n > CODES)
		return ur_fail(err, UR_E_FORMAT, "a char vocabulary needs \"codes\", a list of 1 to %d code points", CODES);
	codes = malloc((n + 1) * sizeof *codes);
	if (!codes)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);
		int64_t code = json_is_integer(item) ? json_integer_value(item) : -1;
		if (!ur_utf8_scalar(code) || (i && code <= codes[i - 1])) {
			free(codes);
			return ur_fail(err, UR_E_FORMAT, "the char vocabulary's codes[%zu] is not a code point above the one "
				"before it", i);
		}
		codes[i] = (uint32_t)code;
		if (with_unknown && code == UNKNOWN) {
			free(codes);
			return ur_fail(err, UR_E_FORMAT, "the char vocabulary's codes[%zu] is U+FFFD, which its unknown token has",
				i);
		}
	}
	status = make(codes, (int)n, with_unknown, v, err);
	free(codes);
	return status;
}

const ur_vocab_kind ur_vocab_kind_char = {
	.name = "char",
	.about = "the characters (UTF-8 code points) of the text",
	.thins = 1,
	.utf8 = 1,
	.counts_open = counts_open,
	.count = count,
	.counts_close = free,
	.learn = learn,
	.encode = encode,
	.unknown = unknown,
	.mark = mark,
	.save = save,
	.load = load,
};
