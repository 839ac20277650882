/* Streams: a model saved and opened again steps as its whole-sequence pass says, whatever way the tokens are fed, and
 * nothing a caller or a file can do wrong goes unnoticed. */
#include "stream_models.h"
#include "counted_malloc.h"

#include "run/options.h"

#include <pthread.h>

static void assert_near(const char *what, const ur_model *m, int t, const float *got, const float *want)
{
	double size = 1, off = difference(m->V, got, want);
	for (int i = 0; i < m->V; i++)
		size = fmax(size, fabs(want[i]));
	if (off > 1e-5 * size)
		fail_msg("%s, %s, step %d: logits differ by %g of %g", m->spec.text, what, t, off, size);
}

static void step_is_forward(void **unused)
{
	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = model_of(i);
		ur_stream *s = small_stream(m);
		int T = length_of(m), seen = 0;
		int32_t tokens[MOST];
		float *want;

		small_tokens(m, 1, T, tokens);
		tokens[T - 1] = tokens[T - 2] = tokens[0];
		want = whole(m, T, tokens);
		for (int t = 0; t < T; t++) {
			assert_int_equal(unroll_position(s), t);
			assert_near("step", m, t, small_step(s, tokens[t]), want + (size_t)t * (size_t)m->V);
		}
		assert_int_equal(unroll_position(s), T);
		/* the same token after another past is not the same: the comparison above means something */
		seen = difference(m->V, want, want + (size_t)(T - 1) * (size_t)m->V) > 1e-2;
		assert_true(seen);
		free(want);
		unroll_stream_close(s);
		unroll_close(m);
	}
}

/* Fed as prefill and steps in turns, in pieces of these sizes. */
static void feed_in_pieces(const ur_model *m, ur_stream *s, int T, const int32_t *tokens, const float *want,
                           const int *pieces)
{
	for (int at = 0, n, p = 0; at < T; at += n, p++) {
		const float *logits;
		n = pieces[p] && pieces[p] < T - at ? pieces[p] : T - at;
		if (n == 1)
			logits = small_step(s, tokens[at]);
		else
			assert_ok(unroll_prefill(s, tokens + at, n, &logits, why));
		assert_near("prefill", m, at + n - 1, logits, want + (size_t)(at + n - 1) * (size_t)m->V);
		assert_int_equal(unroll_position(s), at + n);
	}
}

static void prefill_is_forward(void **unused)
{
	static const int pieces[][8] = {
		{ 0 }, { 1, 2, 1, 3, 0 }, { 7, 1, 1, 9, 0 }, { 30, 1, 0 }, { 256, 1, 255, 0 }, { 257, 5, 0 },
	};

	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = model_of(i);
		ur_stream *s = small_stream(m);
		int T = length_of(m);
		int32_t tokens[MOST];
		float *want, *all = malloc((size_t)T * (size_t)m->V * sizeof *all);
		const float *logits;

		small_tokens(m, 2, T, tokens);
		want = whole(m, T, tokens);
		for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
			feed_in_pieces(m, s, T, tokens, want, pieces[p]);
			unroll_stream_reset(s);
		}
		/* one token is a prefill too */
		assert_ok(unroll_prefill(s, tokens, 1, &logits, why));
		assert_near("prefill of one", m, 0, logits, want);
		/* and the outputs of all steps, from anywhere */
		assert_non_null(all);
		assert_ok(unroll_forward(s, tokens + 1, T - 1, all, why));
		for (int t = 1; t < T; t++)
			assert_near("forward", m, t, all + (size_t)(t - 1) * (size_t)m->V, want + (size_t)t * (size_t)m->V);
		assert_int_equal(unroll_position(s), T);
		free(all);
		free(want);
		unroll_stream_close(s);
		unroll_close(m);
	}
}

static void many_streams_are_single_ones(void **unused)
{
	enum { N = 5 };

	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = model_of(i);
		ur_stream *alone = small_stream(m), *s[N];
		ur_arena arena = { 0 };
		ur_step many;
		void *states[N];
		int32_t tokens[N * 12];
		float *logits;

		small_tokens(m, 3, N * 12, tokens);
		for (int pass = 0; pass < 2; pass++) {
			if (pass)
				assert_true(ur_arena_open(&arena));
			ur_step_plan(&many, m, N, &arena);
			logits = UR_TAKE(&arena, float, N * m->V);
		}
		for (int n = 0; n < N; n++) {
			s[n] = small_stream(m);
			states[n] = s[n]->state;
			/* each is somewhere else */
			for (int t = 0; t < 3 * n; t++)
				small_step(s[n], tokens[t]);
		}
		for (int t = 0; t < 12; t++)
			ur_step_many(&many, N - t % 2, tokens + t * N, states, logits);
		for (int n = 0; n < N - 1; n++) {
			unroll_stream_reset(alone);
			for (int t = 0; t < 3 * n; t++)
				small_step(alone, tokens[t]);
			for (int t = 0; t < 11; t++)
				small_step(alone, tokens[t * N + n]);
			assert_memory_equal(small_step(alone, tokens[11 * N + n]), logits + n * m->V,
			                    (size_t)m->V * sizeof *logits);
			assert_int_equal(unroll_position(s[n]), 3 * n + 12);
		}
		assert_int_equal(unroll_position(s[N - 1]), 3 * (N - 1) + 6);
		for (int n = 0; n < N; n++)
			unroll_stream_close(s[n]);
		unroll_stream_close(alone);
		ur_arena_close(&arena);
		unroll_close(m);
	}
}

static void all_zero(const ur_model *m, const ur_stream *s)
{
	const char *state = s->state;
	for (size_t i = 0; i < ur_model_state_size(m); i++)
		if (state[i])
			fail_msg("%s: byte %zu of a reset state is not 0", m->spec.text, i);
}

static void copies_are_independent(void **unused)
{
	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = model_of(i), *other = small_opened("gru:1x8", "char", 0, 1);
		ur_stream *a = small_stream(m), *b = small_stream(m), *c = small_stream(m), *stranger = small_stream(other);
		ur_err err = { 0 };
		int32_t tokens[40];
		size_t bytes = (size_t)m->V * sizeof(float);

		small_tokens(m, 4, 40, tokens);
		for (int t = 0; t < 10; t++)
			small_step(a, tokens[t]);
		for (int t = 0; t < 25; t++) /* what is copied over was longer */
			small_step(b, tokens[t + 3]);
		assert_ok(unroll_stream_copy(b, a, why));
		assert_ok(unroll_stream_copy(b, b, why));
		assert_int_equal(unroll_position(b), 10);
		for (int t = 10; t < 20; t++) {
			small_step(a, tokens[t]);
			small_step(b, tokens[t + 15]);
		}
		for (int t = 0; t < 20; t++)
			small_step(c, tokens[t]);
		assert_memory_equal(small_step(a, 3), small_step(c, 3), bytes);
		unroll_stream_reset(c);
		for (int t = 0; t < 20; t++)
			small_step(c, tokens[t < 10 ? t : t + 15]);
		assert_memory_equal(small_step(b, 3), small_step(c, 3), bytes);
		assert_true(difference(m->V, small_step(a, 3), small_step(b, 3)) > 0);

		/* nothing is left of what was longer */
		assert_ok(unroll_stream_copy(b, a, why));
		unroll_stream_reset(b);
		all_zero(m, b);
		unroll_stream_reset(a);
		assert_int_equal(unroll_position(a), 0);
		all_zero(m, a);
		for (int t = 0; t < 30; t++)
			small_step(b, tokens[t]);
		assert_ok(unroll_stream_copy(b, a, why));
		all_zero(m, b);
		unroll_stream_close(c);
		c = small_stream(m);
		assert_memory_equal(small_step(a, 1), small_step(c, 1), bytes);

		assert_int_equal(unroll_stream_copy(stranger, a, &err), UR_E_INVALID);
		assert_says(err, "same model");
		assert_int_equal(unroll_position(stranger), 0);
		unroll_stream_close(a);
		unroll_stream_close(b);
		unroll_stream_close(c);
		unroll_stream_close(stranger);
		unroll_close(m);
		unroll_close(other);
	}
}

static void full_streams_refuse(void **unused)
{
	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = model_of(i);
		ur_stream *s = small_stream(m);
		int64_t limit = unroll_limit(m);
		ur_err err = { 0 };
		int32_t tokens[MOST];
		const float *logits;
		float *state, before[2];

		if (strstr(m->spec.text, "context") && !strstr(m->spec.text, "gru"))
			assert_int_equal(limit, m->spec.context);
		if (limit > 0) {
			small_tokens(m, 5, (int)limit, tokens);
			assert_int_equal(unroll_prefill(s, tokens, limit + 1, &logits, &err), UR_E_FULL);
			assert_says(err, "do not fit");
			assert_int_equal(unroll_position(s), 0);
			assert_ok(unroll_prefill(s, tokens, limit, &logits, why));
			state = ur_model_state_of(m, s->state, 0);
			memcpy(before, state, sizeof before);
			assert_int_equal(unroll_step(s, 0, &logits, &err), UR_E_FULL);
			assert_int_equal(err.status, UR_E_FULL);
			assert_says(err, "the stream is full");
			assert_says(err, m->spec.text);
			assert_int_equal(unroll_prefill(s, tokens, 2, &logits, &err), UR_E_FULL);
			assert_says(err, "the stream is full");
			assert_int_equal(unroll_step(s, 0, &logits, NULL), UR_E_FULL);
			assert_memory_equal(before, state, sizeof before);
			assert_int_equal(unroll_position(s), limit);
			unroll_stream_reset(s);
			small_step(s, 0);
		}
		unroll_stream_close(s);
		unroll_close(m);
	}
}

static void strange_tokens_are_refused(void **unused)
{
	static const int strange[] = { -1, INT32_MIN, 1 << 24, INT32_MAX };
	ur_model *m = model_of(3);
	ur_stream *s = small_stream(m);
	ur_err err = { 0 };
	const float *logits;
	char range[32];

	(void)unused;
	snprintf(range, sizeof range, "0 to %d", m->V - 1);
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		assert_int_equal(unroll_step(s, strange[i], &logits, &err), UR_E_INVALID);
		assert_says(err, range);
		assert_int_equal(unroll_prefill(s, (const int32_t[]){ 0, 1, strange[i] }, 3, &logits, &err), UR_E_INVALID);
		assert_says(err, "number 2");
	}
	assert_int_equal(unroll_step(s, m->V, &logits, &err), UR_E_INVALID);
	assert_int_equal(unroll_prefill(s, NULL, 0, &logits, &err), UR_E_INVALID);
	assert_int_equal(unroll_prefill(s, NULL, -1, &logits, &err), UR_E_INVALID);
	assert_int_equal(unroll_position(s), 0);
	all_zero(m, s);
	assert_ok(unroll_step(s, m->V - 1, NULL, why)); /* logits not wanted */
	assert_ok(unroll_prefill(s, (const int32_t[]){ 0, 1 }, 2, NULL, why));
	unroll_stream_close(s);
	unroll_close(m);
}

static void callers_memory(void **unused)
{
	enum { GUARD = 256 };

	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *m = model_of(i);
		size_t size = unroll_stream_size(m);
		unsigned char *block = aligned_alloc(64, (size + 2 * GUARD + 63) / 64 * 64);
		ur_stream *own = small_stream(m), *s;
		ur_err err = { 0 };
		int32_t tokens[40];
		const float *logits;
		long before;

		assert_non_null(block);
		memset(block, 0xA5, size + 2 * GUARD);
		assert_ok(unroll_stream_open(m, block + GUARD, &s, why));
		small_tokens(m, 6, 40, tokens);
		before = atomic_load(&allocations);
		for (int t = 0; t < 20; t++)
			unroll_step(s, tokens[t], &logits, NULL);
		unroll_stream_reset(s);
		for (int t = 0; t < 20; t++)
			unroll_step(s, tokens[t], &logits, NULL);
		assert_int_equal(atomic_load(&allocations), before);
		for (int t = 0; t < 19; t++)
			small_step(own, tokens[t]);
		assert_memory_equal(logits, small_step(own, tokens[19]), (size_t)m->V * sizeof *logits);
		assert_ok(unroll_prefill(s, tokens + 20, 20, &logits, why));
		assert_int_equal(unroll_stream_size(m), size);
		unroll_stream_close(s);
		for (size_t b = 0; b < GUARD; b++)
			if (block[b] != 0xA5 || block[GUARD + size + b] != 0xA5)
				fail_msg("%s: wrote outside the memory it was given", m->spec.text);
		assert_int_equal(unroll_stream_open(m, block + GUARD + 4, &s, &err), UR_E_INVALID);
		assert_says(err, "64");
		assert_null(s);
		free(block);
		unroll_stream_close(own);
		unroll_close(m);
	}
	unroll_stream_close(NULL);
	unroll_close(NULL);
}

static void says_what_it_is(void **unused)
{
	ur_model *m = small_opened("lstm:2x16", "char", 0, 1), *mute = small_opened("gru:1x8", NULL, 300, 1);
	ur_err err = { 0 };
	int32_t tokens[8];
	const char *text;
	int64_t n;

	(void)unused;
	assert_string_equal(unroll_version(), UNROLL_VERSION);
	assert_string_equal(unroll_spec(m), "lstm:2x16");
	/* embedding, two layers of 4 x 16 rows of (16 + 16 + 2), head with bias */
	assert_int_equal(unroll_parameters(m), 16 * m->V + 2 * 64 * 34 + 17 * m->V);
	assert_int_equal(unroll_vocabulary(m), 32);
	assert_int_equal(unroll_limit(m), 0);
	assert_int_equal(unroll_inputs(m), 0);
	assert_int_equal(unroll_outputs(m), 32);
	assert_int_equal(unroll_output_kind(m), UNROLL_CLASSES);
	assert_null(unroll_input_name(m, 0));
	assert_null(unroll_output_name(m, 0));
	n = unroll_encode(m, "f\xC3\xA9\n", 4, tokens, 8, &err);
	assert_int_equal(n, 3);
	assert_int_equal(unroll_decode(m, tokens[1], &text), 2);
	assert_memory_equal(text, "\xC3\xA9", 2);
	assert_int_equal(unroll_encode(m, "f\xC3\xA9\n", 4, tokens, 0, &err), 3);
	assert_int_equal(unroll_encode(m, "ab#", 3, tokens, 8, &err), -1);
	assert_says(err, "2");
	assert_int_equal(unroll_decode(m, -1, &text), 0);
	assert_int_equal(unroll_decode(m, 32, &text), 0);
	assert_int_equal(unroll_vocabulary(mute), 300);
	assert_int_equal(unroll_encode(mute, "a", 1, tokens, 8, &err), -1);
	assert_says(err, "no vocabulary");
	assert_int_equal(unroll_decode(mute, 1, &text), 0);
	assert_string_equal(text, "");
	unroll_close(m);
	unroll_close(mute);
}

static ur_status open_with(const char *path, unroll_weights weights, int64_t context, int64_t window, ur_model **m,
                           ur_err *err)
{
	return unroll_open_with(path, &(unroll_options){ .size = sizeof(unroll_options), .weights = weights,
		.context = context, .window = window }, m, err);
}

/* Opened with another reach, a model is what it would be had its spec said so. */
static void another_reach(void **unused)
{
	static const struct { const char *spec, *as; int64_t context, window; } to[] = {
		{ "attention:2x32,heads=2,block=llama,context=48", "attention:2x32,heads=2,block=llama,context=130", 130, 0 },
		{ "attention:2x32,heads=2,block=llama,context=48", "attention:2x32,heads=2,block=llama,context=7", 7, 0 },
		{ "attention:2x32,heads=2,block=llama,context=48", "attention:2x32,heads=2,block=llama,window=9", 0, 9 },
		{ "attention:2x32,heads=2,block=llama,window=9", "attention:2x32,heads=2,block=llama,window=20", 0, 20 },
		{ "transformer:2x32,heads=4,context=48", "transformer:2x32,heads=4,context=20", 20, 0 },
	};
	int32_t tokens[200];

	(void)unused;
	for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
		ur_model *made = small_model(to[i].spec, "char", 0, 7), *m, *want;
		ur_stream *a, *b;
		char path[64];
		int n;

		small_path(path);
		assert_ok(ur_model_save(made, path, 0, NULL, why));
		assert_ok(open_with(path, UNROLL_AS_STORED, to[i].context, to[i].window, &m, why));
		unlink(path);
		/* the table of positions is cut off in the spec that says so: the rest of it is the first's */
		want = i == 4 ? NULL : small_model(to[i].as, "char", 0, 7);
		n = to[i].context ? (int)to[i].context : 200;
		assert_int_equal(unroll_limit(m), to[i].context);
		small_tokens(m, 20, 200, tokens);
		a = small_stream(m);
		b = small_stream(want ? want : made);
		if (want)
			assert_int_equal(unroll_stream_size(m), unroll_stream_size(want));
		for (int t = 0; t < n; t++)
			assert_memory_equal(small_step(a, tokens[t]), small_step(b, tokens[t]), (size_t)m->V * sizeof(float));
		assert_int_equal(unroll_step(a, 0, NULL, NULL), to[i].context ? UR_E_FULL : UR_OK);
		unroll_stream_reset(a);
		assert_ok(unroll_prefill(a, tokens, n, NULL, why));
		unroll_stream_close(a);
		unroll_stream_close(b);
		unroll_close(m);
		unroll_close(made);
		unroll_close(want);
	}
}

static void reach_that_cannot_be(void **unused)
{
	static const struct { const char *spec; int64_t context, window; const char *says; } no[] = {
		{ "lstm:1x8", 64, 0, "constant memory" }, { "lstm:1x8", 0, 64, "constant memory" },
		{ "transformer:1x8,heads=2,context=16", 17, 0, "16 positions" },
		{ "transformer:1x8,heads=2,context=16", 0, 8, "16 positions" },
		{ "attention:1x8,heads=2,window=8", 64, 0, "window of 8" },
		{ "attention:1x8,heads=2", 64, 8, "not both" },
		{ "attention:1x8,heads=2", -1, 0, "-1" }, { "attention:1x8,heads=2", 0, -1, "-1" },
		{ "attention:1x8,heads=2", (1 << 24) + 1, 0, "16777217" },
		{ "attention:1x8,heads=2", 0, INT64_MAX, "9223372036854775807" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
		ur_model *made = small_model(no[i].spec, "char", 0, 7), *m;
		ur_err err = { 0 };
		char path[64];

		assert_int_equal(ur_options_reach(&(unroll_options){ .context = no[i].context, .window = no[i].window }, made,
		                                  &err), UR_E_INVALID);
		assert_says(err, no[i].says);
		if (i == 0) { /* and so it is when a file is opened */
			small_path(path);
			assert_ok(ur_model_save(made, path, 0, NULL, why));
			assert_int_equal(open_with(path, UNROLL_AS_STORED, no[i].context, 0, &m, &err), UR_E_INVALID);
			assert_says(err, no[i].says);
			assert_null(m);
			unlink(path);
		}
		ur_model_free(made);
	}
}

/* Options end where their size says: a caller of an older or newer header is understood, or told. */
static void options_of_other_versions(void **unused)
{
	struct { unroll_options o; char later[16]; } newer = { .o = { .size = sizeof newer } };
	unroll_options older = { .size = offsetof(unroll_options, context), .context = -5, .window = -5 };
	ur_model *made = small_model("gru:1x8", "char", 0, 7), *m;
	ur_err err = { 0 };
	char path[64];

	(void)unused;
	small_path(path);
	assert_ok(ur_model_save(made, path, 0, NULL, why));
	assert_ok(unroll_open_with(path, &older, &m, why));
	unroll_close(m);
	assert_ok(unroll_open_with(path, &newer.o, &m, why));
	unroll_close(m);
	newer.later[3] = 1;
	assert_int_equal(unroll_open_with(path, &newer.o, &m, &err), UR_E_INVALID);
	assert_says(err, "does not know");
	assert_null(m);
	older.size = 0;
	assert_int_equal(unroll_open_with(path, &older, &m, &err), UR_E_INVALID);
	assert_says(err, "size");
	unlink(path);
	ur_model_free(made);
}

static void *walk(void *arg)
{
	const ur_model *m = arg;
	ur_stream *s;
	const float *logits = NULL;
	int32_t tokens[64];
	double *sum = NULL;

	small_tokens(m, 8, 64, tokens);
	if (!unroll_stream_open(m, NULL, &s, NULL) && !unroll_prefill(s, tokens, 32, &logits, NULL)) {
		for (int t = 32; t < 64; t++)
			if (unroll_step(s, tokens[t], &logits, NULL))
				return NULL;
		sum = malloc(sizeof *sum);
		for (int i = 0; sum && i < m->V; i++)
			*sum = i ? *sum + logits[i] : logits[i];
	}
	unroll_stream_close(s);
	return sum;
}

static void threads_share_a_model(void **unused)
{
	enum { THREADS = 3 };
	ur_model *m = model_of(7);
	pthread_t threads[THREADS];
	void *sum[THREADS];

	(void)unused;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, walk, m), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &sum[i]), 0);
		assert_non_null(sum[i]);
		assert_memory_equal(sum[i], sum[0], sizeof(double));
	}
	for (int i = 0; i < THREADS; i++)
		free(sum[i]);
	unroll_close(m);
}

/* -- damaged files -- */

static unsigned char *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	unsigned char *bytes;
	long n;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	n = ftell(f);
	rewind(f);
	bytes = malloc((size_t)n);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)n, f), n);
	fclose(f);
	*size = (size_t)n;
	return bytes;
}

static void write_file(const char *path, const unsigned char *bytes, size_t size)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* Opens what may be damaged: it fails and says why, or it is a model that works. */
static int opens(const char *path)
{
	ur_err err = { 0 };
	ur_model *m = (ur_model *)(uintptr_t)1;
	ur_status status = unroll_open(path, &m, &err);
	ur_stream *s;
	const float *logits;

	if (status) {
		assert_null(m);
		assert_int_equal(err.status, status);
		assert_true(err.text[0]);
		return 0;
	}
	/* a flipped digit may have made a context of many gigabytes, which is no damage to the file */
	if (unroll_stream_size(m) < 1 << 24 && !unroll_stream_open(m, NULL, &s, &err)) {
		assert_ok(unroll_step(s, 0, &logits, why));
		assert_ok(unroll_prefill(s, (const int32_t[]){ 0, 0 }, 2, &logits, why));
		unroll_stream_close(s);
	}
	unroll_close(m);
	return 1;
}

static void damaged_files_fail_cleanly(void **unused)
{
	static const char *const damaged[] = { "lstm:1x8", "transformer:1x8,heads=2,context=8" };
	static const unsigned char flips[] = { 0x01, 0x04, 0x20, 0x80, 0xFF };

	(void)unused;
	for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
		ur_model *m = small_model(damaged[i], "char", 0, 1);
		unsigned char *bytes;
		size_t size, header = 0;
		char path[64];
		int still = 0;

		small_path(path);
		assert_ok(ur_model_save(m, path, 0, NULL, why));
		ur_model_free(m);
		assert_true(opens(path));
		bytes = read_file(path, &size);
		for (int b = 7; b >= 0; b--)
			header = header << 8 | bytes[b];
		header += 8;
		assert_true(header < size);
		for (size_t cut = 0; cut < size; cut += 64) {
			write_file(path, bytes, cut);
			assert_false(opens(path));
		}
		write_file(path, bytes, size - 1);
		assert_false(opens(path));
		for (size_t at = 0; at < header; at++) {
			unsigned char flip = flips[at % sizeof flips];
			bytes[at] ^= flip;
			write_file(path, bytes, size);
			still += opens(path);
			bytes[at] ^= flip;
		}
		/* names, shapes, offsets and the spec are checked; a character of the vocabulary or of a note may change */
		assert_in_range(still, 0, header / 2);
		free(bytes);
		unlink(path);
	}
}

static void what_is_no_model(void **unused)
{
	ur_err err = { 0 };
	ur_model *m;

	(void)unused;
	assert_int_equal(unroll_open("/nonexistent/model.safetensors", &m, &err), UR_E_IO);
	assert_says(err, "/nonexistent");
	assert_null(m);
	assert_int_equal(unroll_open("/tmp", &m, &err), UR_E_IO);
	assert_null(m);
	assert_int_equal(unroll_open("/nonexistent/model.safetensors", &m, NULL), UR_E_IO);
}

static void unknown_kernels(void **unused)
{
	const char *was = getenv("UNROLL_CPU");
	char *kept = was ? strdup(was) : NULL;
	ur_err err = { 0 };
	ur_model *m;

	(void)unused;
	setenv("UNROLL_CPU", "abacus", 1);
	assert_int_equal(unroll_open("/nonexistent", &m, &err), UR_E_INVALID);
	assert_says(err, "UNROLL_CPU");
	assert_null(m);
	if (kept)
		setenv("UNROLL_CPU", kept, 1);
	else
		unsetenv("UNROLL_CPU");
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step_is_forward),
		cmocka_unit_test(prefill_is_forward),
		cmocka_unit_test(many_streams_are_single_ones),
		cmocka_unit_test(copies_are_independent),
		cmocka_unit_test(full_streams_refuse),
		cmocka_unit_test(strange_tokens_are_refused),
		cmocka_unit_test(callers_memory),
		cmocka_unit_test(says_what_it_is),
		cmocka_unit_test(another_reach),
		cmocka_unit_test(reach_that_cannot_be),
		cmocka_unit_test(options_of_other_versions),
		cmocka_unit_test(threads_share_a_model),
		cmocka_unit_test(damaged_files_fail_cleanly),
		cmocka_unit_test(what_is_no_model),
		cmocka_unit_test(unknown_kernels),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
