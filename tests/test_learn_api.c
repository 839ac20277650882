/* unroll_train.h, as a program uses it. */
#include "test_folder.h"

#include "unroll_train.h"

#include <math.h>

/* Two values of 0 to 1, from a number. */
static float value(int i, int k) { return (float)((unsigned)(i * 2 + k) * 2654435761u >> 8) / (float)(1 << 24); }

static ur_online *open_new(int classes, int blind)
{
	const unroll_learn_options o = { .size = sizeof o, .window = 4, .lr = 0.01, .freeze_after = 50, .fade = 200,
		.seed = 3 };
	ur_online *l;

	assert_ok(unroll_learn_new("lstm:1x8", 2, classes, blind, &o, &l, why));
	return l;
}

static void learn_class(ur_online *l, int from, int to)
{
	for (int i = from; i < to; i++) {
		const float row[] = { value(i, 0), value(i, 1) };
		int drift;

		assert_ok(unroll_learn_predict(l, row, NULL, why));
		assert_ok(unroll_learn_class(l, (row[0] > 0.5f) ^ (i > 1000), i % 2 ? &drift : NULL, why));
	}
}

static void test_classes(void **state)
{
	unroll_learn_score score = { .size = sizeof score };
	const float row[] = { 0.9f, NAN };
	const float *out, *first, *step;
	float kept[2];
	ur_stream *stream;
	ur_model *m;
	ur_online *l = open_new(2, 1), *other;

	(void)state;
	assert_int_equal(unroll_learn_features(l), 2);
	assert_int_equal(unroll_learn_outputs(l), 2);
	learn_class(l, 0, 700);
	assert_ok(unroll_learn_save(l, "half", why));
	learn_class(l, 700, 1500);
	assert_ok(unroll_learn_ask(l, &score, why));
	assert_int_equal(score.events, 1500);
	assert_true(score.model.accuracy_lately > 0.85 && score.frozen.accuracy_lately < 0.4);
	assert_true(score.drifts >= 1 && score.last_drift > 1000 && isnan(score.model.rmse) && score.skipped == 0);
	assert_true(fabs(score.last.accuracy - 0.5) < 0.1 && score.usual.events == 1500);
	/* restored and gone on, it says the same, to the bit */
	other = open_new(2, 1);
	assert_ok(unroll_learn_restore(other, "half", why));
	learn_class(other, 700, 1500);
	assert_ok(unroll_learn_predict(l, row, &out, why));
	memcpy(kept, out, sizeof kept);
	assert_ok(unroll_learn_predict(other, row, &first, why));
	assert_memory_equal(kept, first, sizeof kept);
	unroll_learn_close(other);
	/* the file it writes is a model, and streams */
	assert_ok(unroll_learn_write(l, "model", why));
	assert_ok(unroll_open("model", &m, why));
	assert_int_equal(unroll_inputs(m), 2);
	assert_int_equal(unroll_outputs(m), 2);
	assert_int_equal(unroll_output_kind(m), UNROLL_CLASSES);
	assert_ok(unroll_stream_open(m, NULL, &stream, why));
	for (int i = 0; i < 5; i++) {
		const float one[] = { i % 2 ? 0.9f : 0.1f, 0.5f };
		assert_ok(unroll_step_values(stream, one, &step, why));
		assert_true((step[1] > step[0]) == (one[0] < 0.5f)); /* as it has been since 1,000 */
	}
	unroll_stream_close(stream);
	unroll_close(m);
	/* and can be gone on from */
	assert_ok(unroll_learn_open("model", NULL, &other, why));
	assert_ok(unroll_learn_predict(other, row, &out, why));
	assert_true(out[0] > out[1]);
	unroll_learn_close(other);
	assert_true(unroll_learn_bytes(l) < 1 << 22);
	unroll_learn_close(l);
}

static void test_values(void **state)
{
	unroll_learn_score score = { .size = sizeof score };
	ur_online *l = open_new(0, 0);
	const float *out;

	(void)state;
	for (int i = 0; i < 1500; i++) {
		const float row[] = { value(i, 0), value(i, 1) };

		assert_ok(unroll_learn_predict(l, row, &out, why));
		assert_ok(unroll_learn_value(l, 100 + 10 * (double)row[0], NULL, why));
	}
	assert_true(out[0] > 95 && out[0] < 115); /* in its units */
	assert_ok(unroll_learn_ask(l, &score, why));
	assert_true(isnan(score.model.accuracy) && score.model.rmse_lately < 0.5 * score.usual.rmse_lately);
	unroll_learn_close(l);
}

static void test_misuse(void **state)
{
	unroll_learn_options o = { .size = 3 };
	unroll_learn_score score = { .size = 0 };
	const float row[2] = { 0 };
	ur_online *l;
	ur_err err;

	(void)state;
	assert_int_equal(unroll_learn_new("lstm:1x8", 2, 2, 0, &o, &l, &err), UR_E_INVALID);
	assert_null(l);
	assert_says(err, "size is 3");
	o = (unroll_learn_options){ .size = sizeof o, .lr = -1 };
	assert_int_equal(unroll_learn_new("lstm:1x8", 2, 2, 0, &o, &l, &err), UR_E_INVALID);
	assert_says(err, "learning rate");
	assert_int_equal(unroll_learn_new("lstm:1y8", 2, 2, 0, NULL, &l, &err), UR_E_INVALID);
	assert_says(err, "expected 'x'");
	assert_int_equal(unroll_learn_new("lstm:1x8", -1, 2, 0, NULL, &l, &err), UR_E_INVALID);
	assert_int_equal(unroll_learn_open("nowhere", NULL, &l, &err), UR_E_IO);
	assert_null(l);
	l = open_new(2, 0);
	assert_int_equal(unroll_learn_class(l, 0, NULL, &err), UR_E_INVALID);
	assert_int_equal(unroll_learn_token(l, 0, NULL, &err), UR_E_INVALID);
	assert_says(err, "reads values, not tokens");
	assert_int_equal(unroll_learn_value(l, 0, NULL, &err), UR_E_INVALID);
	assert_int_equal(unroll_learn_ask(l, &score, &err), UR_E_INVALID);
	assert_ok(unroll_learn_predict(l, row, NULL, why));
	assert_int_equal(unroll_learn_save(l, "no", &err), UR_E_INVALID);
	assert_int_equal(unroll_learn_class(l, 5, NULL, &err), UR_E_INVALID);
	assert_ok(unroll_learn_class(l, 1, NULL, why)); /* what was refused has changed nothing */
	assert_int_equal(unroll_learn_restore(l, "nowhere", &err), UR_E_IO);
	unroll_learn_close(l);
	unroll_learn_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes), cmocka_unit_test(test_values), cmocka_unit_test(test_misuse),
	};
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
