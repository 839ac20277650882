/* Any bytes as a vocabulary's JSON, as a model file might hold it. What is accepted is sound: it goes to JSON and back
 * unchanged, and every token's text encodes to that token. */
#include "vocab/vocab.h"

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
		const char *text;
		int32_t token;
		size_t n = ur_vocab_decode(v, i, &text);
		CHECK(n && ur_vocab_encode(back, text, n, &token, 1, NULL) == 1 && token == i);
	}
	ur_vocab_free(v);
	ur_vocab_free(back);
	json_decref(json);
	json_decref(again);
	return 0;
}
