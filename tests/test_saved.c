/* Groups step many streams as each would alone; a saved stream goes on bit for bit wherever it is restored; and bytes
 * that are no state of the model, or damaged, are refused with the stream as it was. */
#include "stream_models.h"
#include "counted_malloc.h"

#include "base/file.h"
#include "run/saved.h"
#include "vocab/text_hash.h"

#include <pthread.h>
#include <sys/wait.h>

typedef struct saved { char *bytes; size_t n; } saved;

static saved save(const ur_stream *s)
{
	saved v = { .n = unroll_stream_save_size(s) };
	size_t said = 0;

	v.bytes = malloc(v.n); /* exactly: a byte more is seen by the address sanitizer */
	assert_non_null(v.bytes);
	assert_ok(unroll_stream_save(s, v.bytes, v.n, &said, why));
	assert_int_equal(said, v.n);
	return v;
}

static void feed(ur_stream *s, int from, int to, const int32_t *tokens)
{
	for (int t = from; t < to; t++)
		small_step(s, tokens[t]);
}

/* Positions worth saving at: the start, some, around where windows of 8 wrap, the limit. */
static int places(const ur_model *m, int at[6])
{
	static const int all[] = { 0, 1, 5, 8, 37, 40 };
	int n = 0;

	for (int i = 0; i < 6; i++)
		if (all[i] <= length_of(m))
			at[n++] = all[i];
	return n;
}

static void restored_goes_on(void **unused)
{
	enum { MORE = 24 };

	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = small_model(specs[i], "char", 0, 7);
		const size_t row = (size_t)m->V * sizeof(float);
		int at[6], n = places(m, at), limit = length_of(m);
		int32_t tokens[64 + MORE];

		small_tokens(m, 11, 64 + MORE, tokens);
		for (int p = 0; p < n; p++) {
			ur_stream *a = small_stream(m), *b = small_stream(m);
			int end = at[p] + MORE < limit ? at[p] + MORE : limit;
			saved v, again;

			feed(a, 0, at[p], tokens);
			feed(b, 0, 30 < limit ? 30 : limit, tokens + 7); /* what is restored over was elsewhere */
			v = save(a);
			assert_ok(unroll_stream_restore(b, v.bytes, v.n, why));
			assert_int_equal(unroll_position(b), at[p]);
			assert_int_equal(unroll_stream_state(b), unroll_stream_state(a));
			assert_memory_equal(a->state, b->state, ur_model_state_size(m));
			again = save(b);
			assert_int_equal(again.n, v.n);
			assert_memory_equal(again.bytes, v.bytes, v.n);
			for (int t = at[p]; t < end; t++)
				assert_memory_equal(small_step(a, tokens[t]), small_step(b, tokens[t]), row);
			free(v.bytes);
			free(again.bytes);
			unroll_stream_close(a);
			unroll_stream_close(b);
		}
		unroll_close(m);
	}
}

/* A process of its own opens the model's file, restores, steps, and leaves what came out. */
static void child(const char *model, const char *state, const char *out, const int32_t *tokens, int n)
{
	ur_model *m;
	ur_stream *s;
	ur_map map = { 0 };
	const float *logits = NULL;
	FILE *f = fopen(out, "wb");

	if (!f || unroll_open(model, &m, NULL) || unroll_stream_open(m, NULL, &s, NULL) ||
	    ur_file_map(state, &map, NULL) || unroll_stream_restore(s, map.bytes, map.size, NULL))
		_exit(1);
	for (int t = 0; t < n; t++)
		if (unroll_step(s, tokens[t], &logits, NULL))
			_exit(2);
	fwrite(logits, sizeof *logits, (size_t)unroll_outputs(m), f);
	_exit(fclose(f) ? 3 : 0);
}

static void write_all(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void another_process_goes_on(void **unused)
{
	static const char *const few[] = { "lstm:2x24", "transformer:1x24,heads=2,window=8,positions=none,rope=1" };

	(void)unused;
	for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
		char model[64], state[64], out[64];
		ur_model *made = small_model(few[i], "char", 0, 7), *m;
		ur_stream *s;
		ur_map map;
		saved v;
		int32_t tokens[40];
		const float *logits = NULL;
		int status = 0;
		pid_t pid;

		small_path(model);
		small_path(state);
		small_path(out);
		assert_ok(ur_model_save(made, model, 0, NULL, why));
		ur_model_free(made);
		assert_ok(unroll_open(model, &m, why));
		s = small_stream(m);
		small_tokens(m, 12, 40, tokens);
		feed(s, 0, 29, tokens);
		v = save(s);
		write_all(state, v.bytes, v.n);
		pid = fork();
		if (pid == 0)
			child(model, state, out, tokens + 29, 11);
		for (int t = 29; t < 40; t++)
			logits = small_step(s, tokens[t]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_ok(ur_file_map(out, &map, why));
		assert_int_equal(map.size, (size_t)m->V * sizeof *logits);
		assert_memory_equal(map.bytes, logits, map.size);
		ur_file_unmap(&map);
		unlink(model);
		unlink(state);
		unlink(out);
		free(v.bytes);
		unroll_stream_close(s);
		unroll_close(m);
	}
}

/* Bytes that must be refused, and leave the stream as it was. */
static void refused(ur_stream *s, const void *bytes, size_t n, ur_status status, const char *says)
{
	const size_t size = ur_model_state_size(s->m);
	char *before = malloc(size);
	ur_err err = { 0 };

	assert_non_null(before);
	memcpy(before, s->state, size);
	assert_int_equal(unroll_stream_restore(s, bytes, n, &err), status);
	assert_int_equal(err.status, status);
	if (says)
		assert_says(err, says);
	assert_int_equal(unroll_stream_restore(s, bytes, n, NULL), status);
	assert_memory_equal(before, s->state, size);
	free(before);
}

static void damage_is_refused(void **unused)
{
	static const char *const few[] = { "gru:2x6", "attention:1x8,heads=2,window=4" };

	(void)unused;
	for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
		ur_model *m = small_model(few[i], "char", 0, 7);
		ur_stream *a = small_stream(m), *b = small_stream(m);
		int32_t tokens[40];
		saved v;

		small_tokens(m, 13, 40, tokens);
		feed(a, 0, 30, tokens);
		feed(b, 0, 3, tokens);
		v = save(a);
		for (size_t cut = 0; cut < v.n; cut++) {
			char *exact = malloc(cut + !cut);
			assert_non_null(exact);
			memcpy(exact, v.bytes, cut);
			refused(b, exact, cut, UR_E_FORMAT, NULL);
			free(exact);
		}
		for (size_t at = 0; at < v.n; at++)
			for (int bit = 0; bit < 8; bit += 7) {
				v.bytes[at] = (char)(v.bytes[at] ^ 1 << bit);
				refused(b, v.bytes, v.n, UR_E_FORMAT, NULL);
				v.bytes[at] = (char)(v.bytes[at] ^ 1 << bit);
			}
		assert_ok(unroll_stream_restore(b, v.bytes, v.n, why));
		free(v.bytes);
		unroll_stream_close(a);
		unroll_stream_close(b);
		unroll_close(m);
	}
}

static void seal(saved *v)
{
	ur_hash hash = { 0 };
	uint64_t sum;

	ur_hash_add(&hash, v->bytes, v->n - sizeof sum);
	sum = ur_hash_value(&hash);
	memcpy(v->bytes + v->n - sizeof sum, &sum, sizeof sum);
}

/* The same bytes with `n` others at `at`, and the checksum of these. */
static void forged(ur_stream *s, const saved *v, size_t at, const void *bytes, size_t n, ur_status status,
                   const char *says)
{
	saved copy = { .n = v->n, .bytes = malloc(v->n) };

	assert_non_null(copy.bytes);
	memcpy(copy.bytes, v->bytes, v->n);
	memcpy(copy.bytes + at, bytes, n);
	seal(&copy);
	refused(s, copy.bytes, copy.n, status, says);
	free(copy.bytes);
}

/* The same with `more` bytes of state behind, or less, and all that says how many there are but a layer's number. */
static void resized(ur_stream *s, const saved *v, int more, const char *says)
{
	saved copy = { .n = v->n + (size_t)more };
	uint64_t n = copy.n;

	copy.bytes = calloc(copy.n, 1);
	assert_non_null(copy.bytes);
	memcpy(copy.bytes, v->bytes, copy.n < v->n ? copy.n : v->n);
	memcpy(copy.bytes + offsetof(ur_saved, bytes), &n, sizeof n);
	seal(&copy);
	refused(s, copy.bytes, copy.n, UR_E_FORMAT, says);
	free(copy.bytes);
}

#define FORGE(member, value, status, says) \
	forged(b, &v, offsetof(ur_saved, member), &(value), sizeof(value), status, says)

static void forgery_is_refused(void **unused)
{
	static const char *const few[] = { "lstm:2x6", "attention:2x8,heads=2,window=4",
	                                   "transformer:2x8,heads=2,context=40" };

	(void)unused;
	for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
		ur_model *m = small_model(few[i], "char", 0, 7);
		const int grows = m->spec.mixer->state_fits != NULL;
		ur_stream *a = small_stream(m), *b = small_stream(m);
		const uint64_t most = UINT64_MAX, none = 0;
		const uint32_t three = 3, nil = 0;
		const int64_t before = -1, far = INT64_MAX, one = 1, later = 31, beyond = 41;
		const size_t sizes = sizeof(ur_saved), states = sizes + 2 * sizeof(uint64_t);
		int32_t tokens[40];
		uint64_t used;
		saved v;

		small_tokens(m, 13, 40, tokens);
		feed(a, 0, 30, tokens);
		feed(b, 0, 3, tokens);
		v = save(a);
		memcpy(&used, v.bytes + sizes, sizeof used);
		FORGE(position, before, UR_E_FORMAT, "at step -1");
		FORGE(position, far, UR_E_FORMAT, "at step");
		FORGE(layers, three, UR_E_FORMAT, "2 layers");
		FORGE(layers, nil, UR_E_FORMAT, "2 layers");
		FORGE(none, three, UR_E_FORMAT, "damaged");
		FORGE(version, three, UR_E_FORMAT, "format 3");
		FORGE(order, three, UR_E_FORMAT, "byte order");
		FORGE(bytes, most, UR_E_FORMAT, "cut");
		FORGE(model, none, UR_E_INVALID, "another model");
		FORGE(context, one, UR_E_INVALID, "context 1");
		FORGE(window, one, UR_E_INVALID, "window 1");
		forged(b, &v, sizes, &most, sizeof most, UR_E_FORMAT, "layer 0");
		forged(b, &v, sizes, &none, sizeof none, UR_E_FORMAT, "layer 0");
		forged(b, &v, sizes + sizeof used, &none, sizeof none, UR_E_FORMAT, "layer 1");
		used += 8;
		forged(b, &v, sizes, &used, sizeof used, UR_E_FORMAT, "layer 0");
		resized(b, &v, 8, "8 bytes are of no layer");
		resized(b, &v, -8, "layer 1");
		resized(b, &v, (int)sizeof(ur_saved) + 24 - (int)v.n, "layer 0");
		resized(b, &v, (int)sizeof(ur_saved) + 23 - (int)v.n, "2 layers");
		if (grows) { /* what a layer says of itself */
			FORGE(position, later, UR_E_FORMAT, "layer 0");
			forged(b, &v, states, &later, sizeof later, UR_E_FORMAT, "layer 0");
			forged(b, &v, states, &before, sizeof before, UR_E_FORMAT, "layer 0");
			forged(b, &v, states + sizeof later, &one, sizeof one, UR_E_FORMAT, "layer 0");
		}
		if (unroll_limit(m))
			FORGE(position, beyond, UR_E_FORMAT, "at step 41");
		assert_ok(unroll_stream_restore(b, v.bytes, v.n, why));
		free(v.bytes);
		unroll_stream_close(a);
		unroll_stream_close(b);
		unroll_close(m);
	}
}

/* A window has no end, and rotary positions tell distances alone: three billion steps on, which are forged here, the same
 * text is answered as at the start, once it has passed through the window of every layer. */
static void far_from_the_start(void **unused)
{
	enum { T = 40 };
	ur_model *m = small_model("attention:2x16,heads=2,window=8,block=llama", "char", 0, 7);
	ur_stream *near = small_stream(m), *far = small_stream(m), *fed = small_stream(m);
	const int64_t there = 3000000008; /* where the ring stands as it does at step 8, so that order is its only trace */
	const size_t layers = sizeof(ur_saved) + 2 * sizeof(uint64_t);
	int32_t tokens[T];
	uint64_t used;
	const float *out;
	saved v;

	(void)unused;
	small_tokens(m, 15, T, tokens);
	feed(far, 0, 8, tokens);
	v = save(far);
	memcpy(&used, v.bytes + sizeof(ur_saved), sizeof used);
	memcpy(v.bytes + offsetof(ur_saved, position), &there, sizeof there);
	memcpy(v.bytes + layers, &there, sizeof there);
	memcpy(v.bytes + layers + used, &there, sizeof there);
	seal(&v);
	assert_ok(unroll_stream_restore(far, v.bytes, v.n, why));
	assert_ok(unroll_stream_copy(fed, far, why));
	feed(near, 0, T - 1, tokens);
	feed(far, 0, T - 1, tokens);
	assert_int_equal(unroll_position(far), there + T - 1);
	out = small_step(near, tokens[T - 1]);
	assert_true(difference(m->V, small_step(far, tokens[T - 1]), out) < 2e-5);
	assert_ok(unroll_prefill(fed, tokens, T, &out, why));
	assert_true(difference(m->V, far->out, out) < 2e-5);
	free(v.bytes);
	unroll_stream_close(near);
	unroll_stream_close(far);
	unroll_stream_close(fed);
	unroll_close(m);
}

/* Too little room is no harm, and says how much it takes. */
static void little_room(void **unused)
{
	ur_model *m = small_model("gru:2x6", "char", 0, 7);
	ur_stream *s = small_stream(m);
	const size_t n = unroll_stream_save_size(s);
	char *bytes = malloc(n);
	size_t said = 0;
	ur_err err = { 0 };

	(void)unused;
	assert_non_null(bytes);
	memset(bytes, 0x5A, n);
	for (size_t room = 0; room < n; room++) {
		assert_int_equal(unroll_stream_save(s, bytes, room, &said, &err), UR_E_INVALID);
		assert_int_equal(said, n);
	}
	assert_says(err, "room");
	for (size_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], 0x5A);
	assert_ok(unroll_stream_save(s, bytes, n, NULL, why));
	free(bytes);
	unroll_stream_close(s);
	unroll_close(m);
}

/* Each of these differs from the first in one thing, which changes what a step gives. */
static void other_models_are_refused(void **unused)
{
	static const char *const kin[] = {
		"transformer:2x16,heads=2,context=32", "transformer:2x16,heads=4,context=32",
		"transformer:2x16,heads=2,context=64",
		"transformer:2x16,heads=2,context=32,rope=1", "transformer:2x16,heads=2,context=32,window=8",
		"transformer:1x16,heads=2,context=32", "transformer:2x16,heads=2,context=32,norm=post",
		"transformer:2x16,heads=2,context=32,ffn=32", "gru:2x16", "rnn:2x16", "rnn:2x16,nonlinearity=relu",
	};
	enum { KIN = sizeof kin / sizeof *kin };
	ur_model *m[KIN + 1];
	ur_stream *s[KIN + 1];

	(void)unused;
	for (int i = 0; i < KIN; i++)
		m[i] = small_model(kin[i], "char", 0, 7);
	m[KIN] = small_model(kin[0], "char", 0, 8); /* other weights */
	for (int i = 0; i <= KIN; i++) {
		s[i] = small_stream(m[i]);
		small_step(s[i], 1);
	}
	for (int i = 0; i <= KIN; i++)
		for (int j = 0; j <= KIN; j++) {
			saved v = save(s[i]);
			if (i == j)
				assert_ok(unroll_stream_restore(s[j], v.bytes, v.n, why));
			else
				refused(s[j], v.bytes, v.n, UR_E_INVALID, NULL);
			free(v.bytes);
		}
	for (int i = 0; i <= KIN; i++) {
		unroll_stream_close(s[i]);
		unroll_close(m[i]);
	}
}

/* One number in a million is enough. */
static void every_weight_counts(void **unused)
{
	ur_model *m = small_model("gru:2x12,block=gpt2,context=20", "char", 0, 7);
	ur_stream *s = small_stream(m);
	saved v = save(s);

	(void)unused;
	for (int i = 0; i < m->params; i++)
		for (size_t j = 0; j < m->param[i].count; j += m->param[i].count - 1) {
			ur_model *other = small_model("gru:2x12,block=gpt2,context=20", "char", 0, 7);
			ur_stream *b = small_stream(other);

			other->weights[other->param[i].at + j] += 1e-3f;
			refused(b, v.bytes, v.n, UR_E_INVALID, "another model");
			unroll_stream_close(b);
			unroll_close(other);
		}
	free(v.bytes);
	unroll_stream_close(s);
	unroll_close(m);
}

/* -- groups -- */

static void group_is_each_alone(void **unused)
{
	enum { N = 5, T = 12 };

	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = small_model(specs[i], "char", 0, 7);
		const size_t row = (size_t)m->V;
		ur_stream *s[N], *alone[N], *turned[N];
		ur_group *g;
		int32_t tokens[N * T], of[N];
		const float *out;
		long before;

		assert_ok(unroll_group_open(m, N, NULL, &g, why));
		small_tokens(m, 14, N * T, tokens);
		for (int n = 0; n < N; n++) { /* each is somewhere else */
			s[n] = small_stream(m);
			alone[n] = small_stream(m);
			feed(s[n], 0, 3 * n, tokens);
			feed(alone[n], 0, 3 * n, tokens);
		}
		before = atomic_load(&allocations);
		for (int t = 0; t < T; t++) {
			const int n = N - t % 2;
			for (int j = 0; j < n; j++) { /* and in another row each time */
				turned[j] = s[(j + t) % n];
				of[j] = tokens[t * N + (j + t) % n];
			}
			assert_int_equal(unroll_group_step(g, n, turned, of, &out, NULL), UR_OK);
			for (int j = 0; j < n; j++)
				assert_memory_equal(out + (size_t)j * row, small_step(alone[(j + t) % n], of[j]), row * sizeof *out);
		}
		assert_int_equal(atomic_load(&allocations), before);
		for (int n = 0; n < N; n++) {
			assert_memory_equal(s[n]->state, alone[n]->state, ur_model_state_size(m));
			unroll_stream_close(s[n]);
			unroll_stream_close(alone[n]);
		}
		unroll_group_close(g);
		unroll_close(m);
	}
	unroll_group_close(NULL);
}

static void group_refuses(void **unused)
{
	ur_model *m = small_model("transformer:1x8,heads=2,context=8", "char", 0, 7);
	ur_model *other = small_model("gru:1x8", "char", 0, 7);
	ur_stream *a = small_stream(m), *b = small_stream(m), *c = small_stream(m), *stranger = small_stream(other);
	const size_t size = unroll_group_size(m, 2);
	char *block = aligned_alloc(64, (size + 128 + 63) / 64 * 64);
	ur_group *g;
	ur_err err = { 0 };
	const float *out;
	const int32_t tokens[3] = { 1, 2, 3 }, strange[2] = { 1, 1000 };
	const float value = 1;

	(void)unused;
	assert_non_null(block);
	memset(block, 0x5A, size + 128);
	assert_int_equal(unroll_group_open(m, 0, NULL, &g, &err), UR_E_INVALID);
	assert_null(g);
	assert_int_equal(unroll_group_size(m, 0), 0);
	assert_int_equal(unroll_group_open(m, 2, block + 4, &g, &err), UR_E_INVALID);
	assert_says(err, "64");
	assert_null(g);
	assert_ok(unroll_group_open(m, 2, block, &g, why));
	feed(c, 0, 8, (const int32_t[]){ 1, 2, 3, 4, 5, 6, 7, 8 });
	assert_int_equal(unroll_group_step(g, 0, (ur_stream *[]){ a }, tokens, &out, &err), UR_E_INVALID);
	assert_int_equal(unroll_group_step(g, 3, (ur_stream *[]){ a, b, c }, tokens, &out, &err), UR_E_INVALID);
	assert_says(err, "1 to 2");
	assert_int_equal(unroll_group_step(g, 2, (ur_stream *[]){ a, a }, tokens, &out, &err), UR_E_INVALID);
	assert_says(err, "twice");
	assert_int_equal(unroll_group_step(g, 2, (ur_stream *[]){ a, stranger }, tokens, &out, &err), UR_E_INVALID);
	assert_says(err, "gru:1x8");
	assert_int_equal(unroll_group_step(g, 2, (ur_stream *[]){ a, c }, tokens, &out, &err), UR_E_FULL);
	assert_says(err, "stream 1");
	assert_int_equal(unroll_group_step(g, 2, (ur_stream *[]){ a, b }, strange, &out, &err), UR_E_INVALID);
	assert_says(err, "1000");
	assert_int_equal(unroll_group_step_values(g, 1, (ur_stream *[]){ a }, &value, &out, &err), UR_E_INVALID);
	assert_says(err, "tokens");
	/* none of these fed any, or left a stream in the way of the next */
	assert_int_equal(unroll_position(a) + unroll_position(b), 0);
	assert_int_equal(unroll_position(c), 8);
	assert_ok(unroll_group_step(g, 2, (ur_stream *[]){ a, b }, tokens, NULL, why));
	assert_int_equal(unroll_position(a) + unroll_position(b), 2);
	for (size_t i = size; i < size + 128; i++)
		assert_int_equal(block[i], 0x5A);
	unroll_group_close(g);
	free(block);
	unroll_stream_close(a);
	unroll_stream_close(b);
	unroll_stream_close(c);
	unroll_stream_close(stranger);
	unroll_close(m);
	unroll_close(other);
}

/* -- one model, many threads -- */

typedef struct walker { const ur_model *m; float last[64]; int bad; } walker;

static void *walk(void *arg)
{
	enum { N = 3 };
	walker *w = arg;
	ur_stream *s[N] = { 0 };
	ur_group *g = NULL;
	const float *out = NULL;
	char bytes[1 << 16];
	size_t n;

	w->bad = unroll_group_open(w->m, N, NULL, &g, NULL) != UR_OK;
	for (int i = 0; i < N; i++)
		w->bad |= unroll_stream_open(w->m, NULL, &s[i], NULL) != UR_OK;
	for (int t = 0; !w->bad && t < 12; t++) {
		const int32_t tokens[N] = { t, t + 1, t + 2 };
		w->bad |= unroll_group_step(g, N, s, tokens, NULL, NULL) || unroll_step(s[t % N], t, NULL, NULL);
		w->bad |= unroll_prefill(s[1], tokens, N, NULL, NULL) || unroll_stream_copy(s[2], s[1], NULL);
		w->bad |= unroll_stream_save(s[2], bytes, sizeof bytes, &n, NULL) != UR_OK;
		w->bad |= unroll_stream_restore(s[0], bytes, n, NULL) || unroll_step(s[0], t, &out, NULL);
	}
	if (!w->bad)
		memcpy(w->last, out, (size_t)unroll_outputs(w->m) * sizeof *out);
	for (int i = 0; i < N; i++)
		unroll_stream_close(s[i]);
	unroll_group_close(g);
	return NULL;
}

static void threads_share_a_model(void **unused)
{
	enum { THREADS = 4 };
	static const char *const few[] = { "lstm:2x16", "attention:2x16,heads=2,window=8,block=llama" };

	(void)unused;
	for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
		ur_model *m = small_model(few[i], "char", 0, 7);
		walker w[THREADS] = { 0 };
		pthread_t thread[THREADS];

		for (int t = 0; t < THREADS; t++) {
			w[t].m = m;
			assert_int_equal(pthread_create(&thread[t], NULL, walk, &w[t]), 0);
		}
		for (int t = 0; t < THREADS; t++) {
			assert_int_equal(pthread_join(thread[t], NULL), 0);
			assert_false(w[t].bad);
			assert_memory_equal(w[t].last, w[0].last, sizeof w->last);
		}
		unroll_close(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restored_goes_on),
		cmocka_unit_test(another_process_goes_on),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(forgery_is_refused),
		cmocka_unit_test(far_from_the_start),
		cmocka_unit_test(little_room),
		cmocka_unit_test(other_models_are_refused),
		cmocka_unit_test(every_weight_counts),
		cmocka_unit_test(group_is_each_alone),
		cmocka_unit_test(group_refuses),
		cmocka_unit_test(threads_share_a_model),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
