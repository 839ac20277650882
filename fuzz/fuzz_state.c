/* Any bytes as the state of a stream. The first byte says of which model, the next how they are used: as they are;
 * with the header of that model before them; or laid over a state that was saved, from a place on; and what is put
 * right then: the checksum, the last layer's number of bytes, the count of steps in each layer that has one. What is
 * refused says why and leaves the stream as it was; what is taken is saved again as the same bytes, and can be stepped,
 * prefilled, copied and reset to zeros. */
#include "run/saved.h"
#include "vocab/text_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define must(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

enum { MODELS = 5, V = 7, SAVED_AT = 11 };
enum { AS_IT_IS, HEADED, OVER, WAYS };

static const char *const specs[MODELS] = {
	"lstm:2x3", "gru:1x4", "attention:2x4,heads=2,block=llama,window=4", "transformer:2x4,heads=2,context=16",
	"attention:1x4,heads=1,block=plain,context=12,positions=none",
};
static ur_model *models[MODELS];
static ur_stream *streams[MODELS], *others[MODELS];
static char *saved[MODELS];
static size_t saved_bytes[MODELS];

static void open_all(void)
{
	for (int i = 0; i < MODELS; i++) {
		ur_spec spec;

		must(ur_spec_parse(specs[i], &spec, NULL) == UR_OK);
		must(ur_model_create(&spec, &(ur_words){ .V = V }, ur_kernels_pick("c"), 0, &models[i], NULL) == UR_OK);
		ur_model_init(models[i], 1);
		ur_model_pack(models[i], &(ur_ctx){ .k = models[i]->k, .threads = 1 });
		must(unroll_stream_open(models[i], NULL, &streams[i], NULL) == UR_OK);
		must(unroll_stream_open(models[i], NULL, &others[i], NULL) == UR_OK);
		for (int t = 0; t < SAVED_AT; t++)
			must(unroll_step(streams[i], t % V, NULL, NULL) == UR_OK);
		saved_bytes[i] = unroll_stream_save_size(streams[i]);
		saved[i] = malloc(saved_bytes[i]);
		must(saved[i] && unroll_stream_save(streams[i], saved[i], saved_bytes[i], NULL, NULL) == UR_OK);
	}
}

/* The last layer has the bytes that are left. */
static void balance(int model, char *state, size_t n)
{
	const size_t layers = (size_t)models[model]->spec.layers, at = sizeof(ur_saved);
	uint64_t left = n - at - (layers + 1) * sizeof left, used;

	if (n < at + (layers + 1) * sizeof left)
		return;
	for (size_t i = 0; i + 1 < layers; i++) {
		memcpy(&used, state + at + i * sizeof used, sizeof used);
		left -= used;
	}
	memcpy(state + at + (layers - 1) * sizeof left, &left, sizeof left);
}

/* Attention's layers have taken as many steps as the header says. */
static void count(int model, char *state, size_t n)
{
	const size_t layers = (size_t)models[model]->spec.layers;
	uint64_t at = sizeof(ur_saved) + layers * sizeof at, used;

	for (size_t i = 0; i < layers && models[model]->spec.mixer->state_fits; i++) {
		if (at > n || n - at < sizeof used)
			return;
		memcpy(state + at, state + offsetof(ur_saved, position), sizeof used);
		memcpy(&used, state + sizeof(ur_saved) + i * sizeof used, sizeof used);
		at = used > n ? n : at + used;
	}
}

static void seal(char *state, size_t n)
{
	const uint64_t bytes = n;
	ur_hash hash = { 0 };
	uint64_t sum;

	if (n < sizeof(ur_saved) + sizeof sum)
		return;
	memcpy(state + offsetof(ur_saved, bytes), &bytes, sizeof bytes);
	ur_hash_add(&hash, state, n - sizeof sum);
	sum = ur_hash_value(&hash);
	memcpy(state + n - sizeof sum, &sum, sizeof sum);
}

/* What is restored: of exactly its size, so that a byte read beyond is seen. */
static char *make(int model, int how, const uint8_t *bytes, size_t size, size_t *n)
{
	const size_t head = offsetof(ur_saved, position);
	size_t at = 0;
	char *state;

	if (how % WAYS == OVER) {
		if (size >= 2) {
			at = (bytes[0] | (size_t)bytes[1] << 8) % saved_bytes[model];
			bytes += 2;
			size -= 2;
		}
		*n = at + size > saved_bytes[model] ? at + size : saved_bytes[model];
	} else {
		at = how % WAYS == HEADED ? head : 0;
		*n = at + size;
	}
	state = calloc(*n + !*n, 1);
	must(state);
	if (how % WAYS != AS_IT_IS)
		memcpy(state, saved[model], how % WAYS == OVER ? saved_bytes[model] : head);
	if (size)
		memcpy(state + at, bytes, size);
	if (how / WAYS & 1)
		balance(model, state, *n);
	if (how / WAYS & 2)
		count(model, state, *n);
	if (how / WAYS & 4)
		seal(state, *n);
	return state;
}

static void use(int i, const char *state, size_t n)
{
	const ur_model *m = models[i];
	ur_stream *s = streams[i];
	const int64_t limit = unroll_limit(m), position = unroll_position(s);
	char *again = malloc(n);
	size_t said = 0;
	const float *out;

	must(again && position >= 0 && (limit == 0 || position <= limit));
	must(unroll_stream_save_size(s) == n && unroll_stream_save(s, again, n, &said, NULL) == UR_OK && said == n);
	must(!memcmp(again, state, n));
	free(again);
	must(unroll_stream_copy(others[i], s, NULL) == UR_OK && unroll_position(others[i]) == position);
	for (int t = 0; t < 5; t++)
		must(unroll_step(s, t, &out, NULL) == (limit && position + t >= limit ? UR_E_FULL : UR_OK));
	must(unroll_prefill(others[i], (const int32_t[]){ 1, 2, 3 }, 3, &out, NULL) ==
	     (limit && position + 3 > limit ? UR_E_FULL : UR_OK));
	unroll_stream_reset(s);
	unroll_stream_reset(others[i]);
	for (size_t b = 0; b < ur_model_state_size(m); b++)
		must(((const char *)s->state)[b] == 0 && ((const char *)others[i]->state)[b] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const int i = size > 0 ? bytes[0] % MODELS : 0, how = size > 1 ? bytes[1] : 0;
	ur_err err = { 0 };
	size_t n, had;
	char *state, *before;

	if (!models[0])
		open_all();
	state = make(i, how, size > 2 ? bytes + 2 : bytes, size > 2 ? size - 2 : 0, &n);
	had = ur_model_state_size(models[i]);
	before = malloc(had);
	must(before);
	must(unroll_stream_restore(streams[i], saved[i], saved_bytes[i], NULL) == UR_OK);
	memcpy(before, streams[i]->state, had);
	if (unroll_stream_restore(streams[i], state, n, &err)) {
		must((err.status == UR_E_FORMAT || err.status == UR_E_INVALID) && err.text[0]);
		must(!memcmp(before, streams[i]->state, had));
	} else {
		use(i, state, n);
	}
	free(before);
	free(state);
	return 0;
}
