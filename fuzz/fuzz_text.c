/* Text of any bytes through every kind of vocabulary. The first byte picks the kind and its cap, the second the chunks
 * and what is rare. Chunked equals whole, in tokens and in errors; what was learnt from a text encodes it; where
 * nothing is unknown it is given back, each token's text where it ends; decoding a text and encoding that gives the
 * same tokens; JSON and back changes nothing. */
#include "vocab/vocab.h"
#include "vocab/vocab_kind.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) do { if (!(condition)) __builtin_trap(); } while (0)

struct got { int32_t *ids; int64_t *ends; size_t n; };

static ur_status take(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	struct got *got = arg;
	(void)err;
	memcpy(got->ids + got->n, ids, n * sizeof *ids);
	memcpy(got->ends + got->n, ends, n * sizeof *ends);
	got->n += n;
	return UR_OK;
}

static ur_status learn(const ur_vocab_request *request, const char *text, size_t bytes, size_t chunk, ur_vocab **v,
	ur_err *err)
{
	ur_vocab_builder *b;
	ur_status status = ur_vocab_builder_open(request, &b, err);

	*v = NULL;
	for (size_t at = 0; at < bytes && !status; at += chunk)
		status = ur_vocab_builder_feed(b, text + at, bytes - at < chunk ? bytes - at : chunk, err);
	if (!status)
		status = ur_vocab_builder_finish(b, v, err);
	ur_vocab_builder_close(b);
	return status;
}

static void encode(const ur_vocab *v, const char *text, size_t bytes, size_t chunk, struct got *got)
{
	ur_encoder *e;

	got->n = 0;
	CHECK(!ur_encoder_open(v, 0, take, got, &e, NULL));
	for (size_t at = 0; at < bytes; at += chunk)
		CHECK(!ur_encoder_feed(e, text + at, bytes - at < chunk ? bytes - at : chunk, NULL));
	CHECK(!ur_encoder_finish(e, NULL));
	ur_encoder_close(e);
}

static ur_vocab *through_json(const ur_vocab *v)
{
	json_t *json = ur_vocab_to_json(v), *again;
	char *text = json_dumps(json, JSON_COMPACT);
	ur_vocab *back;

	CHECK(text);
	again = json_loads(text, 0, NULL);
	CHECK(again && !ur_vocab_from_json(again, &back, NULL));
	CHECK(ur_vocab_hash(back) == ur_vocab_hash(v) && ur_vocab_size(back) == ur_vocab_size(v));
	free(text);
	json_decref(json);
	json_decref(again);
	return back;
}

static void check_tokens(const ur_vocab *v, const char *text, size_t bytes, size_t chunk)
{
	struct got all = { malloc(bytes * 4 + 4), malloc(bytes * 8 + 8), 0 };
	struct got cut = { malloc(bytes * 4 + 4), malloc(bytes * 8 + 8), 0 };
	size_t used = 0;
	char *back;

	encode(v, text, bytes, bytes ? bytes : 1, &all);
	encode(v, text, bytes, chunk, &cut);
	CHECK(all.n == cut.n && !memcmp(all.ids, cut.ids, all.n * 4) && !memcmp(all.ends, cut.ends, all.n * 8));
	CHECK(ur_vocab_encode(v, text, bytes, cut.ids, all.n, NULL) == (int64_t)all.n);
	CHECK(!memcmp(all.ids, cut.ids, all.n * 4));
	back = malloc(bytes + all.n * 8 + 1); /* a word's blank may be more than the text had, "<unk> " too */
	for (size_t i = 0; i < all.n; i++) {
		const char *piece;
		size_t n = ur_vocab_decode(v, all.ids[i], &piece);
		CHECK(n && all.ends[i] > (i ? all.ends[i - 1] : 0) && all.ends[i] <= (int64_t)bytes);
		memcpy(back + used, piece, n);
		used += n;
		CHECK(ur_vocab_unknown(v) >= 0 || all.ends[i] == (int64_t)used);
	}
	if (ur_vocab_unknown(v) < 0)
		CHECK(used == bytes && !memcmp(back, text, bytes));
	free(cut.ids);
	free(cut.ends);
	cut = (struct got){ malloc(used * 4 + 4), malloc(used * 8 + 8), 0 };
	encode(v, back, used, chunk, &cut);
	CHECK(all.n == cut.n && !memcmp(all.ids, cut.ids, all.n * 4));
	free(back);
	free(all.ids);
	free(all.ends);
	free(cut.ids);
	free(cut.ends);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int kinds = 0;
	ur_err first = { 0 }, second = { 0 };
	ur_vocab *v, *other, *back;
	const char *text;
	size_t chunk, bytes;
	ur_vocab_request ask = { 0 };
	const ur_vocab_kind *kind;

	if (size < 2)
		return 0;
	while (ur_vocab_kinds[kinds])
		kinds++;
	kind = ur_vocab_kinds[data[0] % kinds];
	ask.kind = kind->name;
	if (kind->cap_most && data[0] / kinds)
		ask.cap = kind->cap_least + data[0] / kinds - 1;
	if (kind->thins)
		ask.least = data[1] / 64;
	ask.unknown = data[1] / 32 % 2;
	chunk = (size_t)data[1] % 64 + 1;
	text = (const char *)data + 2;
	bytes = size - 2;
	learn(&ask, text, bytes, bytes ? bytes : 1, &v, &first);
	learn(&ask, text, bytes, chunk, &other, &second);
	CHECK(first.status == second.status && !strcmp(first.text, second.text));
	if (v) {
		CHECK(ur_vocab_hash(v) == ur_vocab_hash(other));
		CHECK(!ask.cap || ur_vocab_size(v) <= ask.cap);
		back = through_json(v);
		check_tokens(v, text, bytes, chunk);
		check_tokens(back, text, bytes, chunk);
		ur_vocab_free(back);
	}
	ur_vocab_free(v);
	ur_vocab_free(other);
	return 0;
}
