/* Models whose matrices are kept as bfloat16 or int8: opened so from a file of float32 or from one that holds them,
 * they are the same model to the bit, near the float32 one, and smaller; and a file that lies about them is refused. */
#include "stream_models.h"

#include "base/file.h"
#include "run/saved.h"

static const unroll_weights kinds[] = { UNROLL_BF16, UNROLL_INT8 };
static const ur_dtype dtypes[] = { UR_BF16, UR_I8 };
enum { KINDS = 2 };

static ur_model *opened(const char *path, unroll_weights weights)
{
	const unroll_options o = { .size = sizeof o, .weights = weights };
	ur_model *m;

	assert_ok(unroll_open_with(path, &o, &m, why));
	return m;
}

/* Logits of n steps. */
static float *stepped(const ur_model *m, int n, const int32_t *tokens)
{
	const size_t V = (size_t)m->V;
	float *all = malloc((size_t)n * V * sizeof *all);
	ur_stream *s = small_stream(m);

	assert_non_null(all);
	for (int t = 0; t < n; t++)
		memcpy(all + (size_t)t * V, small_step(s, tokens[t]), V * sizeof *all);
	unroll_stream_close(s);
	return all;
}

/* What its matrices come to, for the same spec in float32. */
static size_t matrix_floats(const ur_model *m)
{
	size_t n = 0;
	for (int i = 0; i < m->params; i++)
		n += m->mat[i].panels ? m->param[i].count : 0;
	return n;
}

static void same_from_either_file(void **unused)
{
	enum { T = 32 };

	(void)unused;
	for (int i = 0; i < SPECS; i++) {
		ur_model *made = small_model(specs[i], "char", 0, 7), *full, *again;
		char path[64], stored[64];
		int32_t tokens[T];
		float *want;

		small_path(path);
		assert_ok(ur_model_save(made, path, 0, NULL, why));
		full = opened(path, UNROLL_F32);
		assert_int_equal(unroll_weights_kept(full), UNROLL_F32);
		small_tokens(full, 3, T, tokens);
		want = stepped(full, T, tokens);
		for (int q = 0; q < KINDS; q++) {
			ur_model *small = opened(path, kinds[q]), *held, *kept;
			float *a, *b, *c, *whole_logits;
			double size = 0;

			small_path(stored);
			assert_ok(ur_model_save_as(made, dtypes[q], stored, 0, NULL, why));
			held = opened(stored, UNROLL_AS_STORED);
			assert_int_equal(unroll_weights_kept(small), kinds[q]);
			assert_int_equal(unroll_weights_kept(held), kinds[q]);
			assert_int_equal(unroll_parameters(held), unroll_parameters(full));
			assert_true(ur_model_fingerprint(small) == ur_model_fingerprint(held));
			assert_true(ur_model_fingerprint(small) != ur_model_fingerprint(full));
			a = stepped(small, T, tokens);
			b = stepped(held, T, tokens);
			assert_memory_equal(a, b, T * (size_t)full->V * sizeof *a);
			assert_ok(ur_model_create_as(&full->spec, &(ur_words){ .V = full->V }, full->k, dtypes[q], &kept, why));
			assert_ok(ur_model_keep(kept, full, why));
			c = stepped(kept, T, tokens);
			assert_memory_equal(a, c, T * (size_t)full->V * sizeof *a);
			for (int j = 0; j < T * full->V; j++)
				size = fmax(size, fabs((double)want[j]));
			assert_true(difference(T * full->V, a, want) > 0);
			if (!(difference(T * full->V, a, want) < (q ? 0.25 : 0.05) * size))
				fail_msg("%s: %g of %g away", specs[i], difference(T * full->V, a, want), size);
			/* whole sequences read the same storage */
			whole_logits = whole(held, T, tokens);
			if (!(difference(T * full->V, a, whole_logits) < (q ? 0.15 : 1e-3) * size))
				fail_msg("%s: step and forward are %g of %g apart", specs[i],
				         difference(T * full->V, a, whole_logits), size);
			/* no float32 original of what is multiplied stays, but of a table */
			for (int j = 0; j < held->params; j++)
				assert_int_equal(held->mat[j].data == NULL, held->mat[j].panels && j != held->stack.embedding);
			assert_true(held->memory.used < full->memory.used - matrix_floats(full) * (q ? 6 : 5));
			assert_true(unroll_weight_bytes(held) < unroll_weight_bytes(full));
			/* as float32 again, it is what the smaller weights stand for */
			again = opened(stored, UNROLL_F32);
			for (int j = 0; j < held->params; j++)
				if (held->param[j].packed) {
					float row[512];
					const ur_mat *w = &held->mat[j];
					for (int r = 0; r < w->rows; r += 7) {
						assert_true(w->cols <= 512);
						ur_unpack(held->k, w, r, 0, w->cols, row);
						assert_memory_equal(row, again->weights + again->param[j].at + (size_t)r * (size_t)w->cols,
						                    (size_t)w->cols * sizeof *row);
					}
				}
			ur_model_free(again);
			assert_int_equal(ur_model_save(held, stored, 0, NULL, &(ur_err){ 0 }), UR_E_INVALID);
			unlink(stored);
			free(whole_logits);
			free(c);
			free(b);
			free(a);
			ur_model_free(kept);
			ur_model_free(held);
			ur_model_free(small);
		}
		free(want);
		unlink(path);
		ur_model_free(full);
		ur_model_free(made);
	}
}

/* A saved state is of a model and of how its weights are kept. */
static void states_go_between_files(void **unused)
{
	enum { T = 20 };
	ur_model *made = small_model("gru:2x24", "char", 0, 7), *a, *b, *full;
	char path[64], stored[64];
	int32_t tokens[T];
	ur_stream *s, *to, *other;
	size_t bytes;
	char *saved;
	ur_err err;

	(void)unused;
	small_path(path);
	small_path(stored);
	assert_ok(ur_model_save(made, path, 0, NULL, why));
	assert_ok(ur_model_save_as(made, UR_I8, stored, 0, NULL, why));
	a = opened(path, UNROLL_INT8);
	b = opened(stored, UNROLL_AS_STORED);
	full = opened(path, UNROLL_AS_STORED);
	small_tokens(a, 5, T, tokens);
	s = small_stream(a);
	to = small_stream(b);
	other = small_stream(full);
	for (int t = 0; t < T / 2; t++)
		small_step(s, tokens[t]);
	bytes = unroll_stream_save_size(s);
	saved = malloc(bytes);
	assert_ok(unroll_stream_save(s, saved, bytes, &bytes, why));
	assert_ok(unroll_stream_restore(to, saved, bytes, why));
	assert_int_equal(unroll_stream_restore(other, saved, bytes, &err), UR_E_INVALID);
	for (int t = T / 2; t < T; t++) {
		const float *x = small_step(s, tokens[t]), *y = small_step(to, tokens[t]);
		assert_memory_equal(x, y, (size_t)a->V * sizeof *x);
	}
	free(saved);
	unroll_stream_close(s);
	unroll_stream_close(to);
	unroll_stream_close(other);
	ur_model_free(a);
	ur_model_free(b);
	ur_model_free(full);
	ur_model_free(made);
	unlink(path);
	unlink(stored);
}

/* A file of tensors, changed one thing at a time. */
typedef struct change {
	const char *tensor;             /* which */
	const char *drop;               /* leave this one out */
	ur_st_dtype dtype;              /* with UR_ST_DTYPE_COUNT: as it is */
	int shorter, set, byte;         /* `set`: the first scale becomes this many of `value`; `byte`: the first byte */
	float value;
	const char *kept_as, *says;
} change;

static const change changes[] = {
	{ .drop = "rnn.weight_ih_l0.scale", .says = "lacks its scales" },
	{ .drop = "rnn.weight_ih_l0", .says = "is missing" },
	{ .tensor = "rnn.weight_ih_l0.scale", .shorter = 1, .says = "expected 96 scales of F32" },
	{ .tensor = "rnn.weight_ih_l0.scale", .dtype = UR_ST_I32, .says = "expected 96 scales of F32" },
	{ .tensor = "rnn.weight_ih_l0.scale", .set = 1, .value = NAN, .says = "scale 0 is" },
	{ .tensor = "rnn.weight_ih_l0.scale", .set = 1, .value = INFINITY, .says = "scale 0 is" },
	{ .tensor = "rnn.weight_ih_l0.scale", .set = 1, .value = 3e36f, .says = "scale 0 is 3e+36" },
	{ .tensor = "rnn.weight_ih_l0.scale", .set = 1, .value = -1, .says = "scale 0 is -1" },
	{ .tensor = "rnn.weight_hh_l1", .byte = -128, .says = "holds -128" },
	{ .tensor = "rnn.weight_hh_l1", .shorter = 1, .says = "another shape" },
	{ .tensor = "rnn.weight_hh_l1", .dtype = UR_ST_U8, .says = "holds U8" },
	{ .tensor = "rnn.bias_hh_l1", .dtype = UR_ST_I32, .says = "holds I32" },
	{ .kept_as = "int9", .says = "'int9'; f32, bf16 and int8 are known" },
};

static void lies_are_refused(void **unused)
{
	ur_model *made = small_model("lstm:2x24", "char", 0, 7), *m;
	ur_safetensors *file;
	char path[64], lying[64];

	(void)unused;
	small_path(path);
	small_path(lying);
	assert_ok(ur_model_save_as(made, UR_I8, path, 0, NULL, why));
	assert_ok(ur_safetensors_open(path, &file, why));
	for (size_t c = 0; c <= sizeof changes / sizeof *changes; c++) {
		const change none = { 0 }, *q = c < sizeof changes / sizeof *changes ? &changes[c] : &none;
		ur_tensor tensors[64];
		ur_meta meta[16];
		int n = 0, metas = ur_safetensors_meta_count(file);
		void *copy = NULL;
		ur_err err = { 0 };

		for (int i = 0; i < ur_safetensors_count(file); i++) {
			ur_tensor t = *ur_safetensors_at(file, i);

			if (q->drop && !strcmp(t.name, q->drop))
				continue;
			if (q->tensor && !strcmp(t.name, q->tensor)) {
				copy = malloc(t.bytes);
				memcpy(copy, t.data, t.bytes);
				t.data = copy;
				t.dtype = q->dtype ? q->dtype : t.dtype;
				t.shape[0] -= q->shorter;
				if (q->set)
					memcpy(copy, &q->value, sizeof q->value);
				if (q->byte)
					*(int8_t *)copy = (int8_t)q->byte;
			}
			tensors[n++] = t;
		}
		for (int i = 0; i < metas; i++) {
			meta[i] = *ur_safetensors_meta_at(file, i);
			if (q->kept_as && !strcmp(meta[i].key, "unroll.weights"))
				meta[i].value = q->kept_as;
		}
		assert_ok(ur_safetensors_write(lying, n, tensors, metas, meta, why));
		free(copy);
		if (q == &none) { /* nothing changed: the copying itself is sound */
			assert_ok(unroll_open(lying, &m, why));
			ur_model_free(m);
			continue;
		}
		if (unroll_open(lying, &m, &err) != UR_E_FORMAT)
			fail_msg("not refused: %s", q->says);
		assert_null(m);
		assert_says(err, q->says);
	}
	ur_safetensors_close(file);
	ur_model_free(made);
	unlink(path);
	unlink(lying);
}

static void options_are_checked(void **unused)
{
	unroll_options o = { .size = sizeof o, .weights = (unroll_weights)9 };
	ur_model *made = small_model("rnn:1x8", "char", 0, 7), *m;
	char path[64];
	ur_err err;

	(void)unused;
	small_path(path);
	assert_ok(ur_model_save(made, path, 0, NULL, why));
	assert_int_equal(unroll_open_with(path, &o, &m, &err), UR_E_INVALID);
	assert_null(m);
	assert_says(err, "weights is 9");
	/* bytes of a step: all of every matrix, a row of the table, the vectors */
	m = opened(path, UNROLL_F32);
	assert_int_equal(unroll_weight_bytes(m), sizeof(float) * ((size_t)m->k->nr * 8 * 2 + 8 + 8 + 8 + (size_t)m->V) +
	                 ur_mat_bytes(m->k, &m->mat[m->head]));
	ur_model_free(m);
	ur_model_free(made);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_from_either_file), cmocka_unit_test(states_go_between_files),
		cmocka_unit_test(lies_are_refused), cmocka_unit_test(options_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
