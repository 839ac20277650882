/* Any bytes as a vocabulary's JSON, as a model file might hold it. What is accepted is sound: it goes to JSON and back
 * unchanged, and every token's text encodes to that token; but with merges, which need not make every token they name,
 * to tokens that read the same. */
#include "vocab/vocab.h"
#include "vocab/vocab_kind.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) do { if (!(condition)) __builtin_trap(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL), *again;
	ur_vocab *v, *back;
	ur_err err = { 0 };

	if (!json)
		return 0;
	if (ur_vocab_from_json(json, &v, &err)) {
		CHECK(!v && err.status == UR_E_FORMAT && err.text[0]);
		json_decref(json);
		return 0;
	}
	again = ur_vocab_to_json(v);
	CHECK(again && !ur_vocab_from_json(again, &back, NULL));
	CHECK(ur_vocab_hash(v) == ur_vocab_hash(back) && ur_vocab_size(v) == ur_vocab_size(back));
	for (int i = 0; i < ur_vocab_size(v); i++) {
		const char *text, *part;
		int32_t tokens[1024]; /* no text of theirs is longer */
		size_t n = ur_vocab_decode(v, i, &text), used = 0;
		int64_t made = ur_vocab_encode(back, text, n, tokens, 1024, NULL);
		CHECK(n && made > 0 && made <= 1024);
		if (!v->kind->joined)
			CHECK(made == 1 && tokens[0] == i);
		for (int64_t k = 0; k < made; k++) {
			size_t length = ur_vocab_decode(back, tokens[k], &part);
			CHECK(used + length <= n && !memcmp(text + used, part, length));
			used += length;
		}
		CHECK(used == n);
	}
	ur_vocab_free(v);
	ur_vocab_free(back);
	json_decref(json);
	json_decref(again);
	return 0;
}
