/* Measuring: peaks, step latency and state by position, and memory of training, planned and had. */
#include "small_models.h"

#include "measure/latency.h"
#include "measure/memory.h"
#include "measure/speed.h"

#include "base/machine.h"

#include <math.h>

static void test_speed(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 2; threads++) {
		ur_ctx c;
		ur_speed speed = { -1, -1 };
		double start = ur_clock();

		assert_true(ur_ctx_open(&c, NULL, threads));
		ur_speed_measure(&c, &speed);
		/* no processor this runs on is slower than 100 MFLOP/s or faster than 100 TFLOP/s a thread */
		assert_true(speed.flops > 1e8 && speed.flops < 1e14 * threads);
		assert_true(speed.bandwidth == 0 || (speed.bandwidth > 1e7 && speed.bandwidth < 1e13));
		assert_true(ur_clock() - start < 30);
		ur_ctx_close(&c);
	}
}

/* What is said of a position is what a stream there has. */
static void check_latency(const char *spec, const int64_t *at, int n)
{
	ur_model *m = small_model(spec, NULL, 20, 1);
	ur_stream *s = small_stream(m);
	int32_t tokens[7];
	ur_latency l[4];

	small_tokens(m, 5, 7, tokens);
	assert_ok(ur_latency_measure(m, tokens, 7, 50, n, at, l, why));
	for (int i = 0; i < n; i++) {
		while (unroll_position(s) < at[i])
			small_step(s, tokens[unroll_position(s) % 7]);
		assert_int_equal(l[i].position, at[i]);
		assert_int_equal(l[i].samples, 50);
		assert_true(l[i].p50 > 0 && l[i].p99 >= l[i].p50 && l[i].p99 < 1e8);
		assert_int_equal(l[i].state, ur_model_state_used(m, s->state));
	}
	unroll_stream_close(s);
	ur_model_free(m);
}

static void test_latency(void **state)
{
	(void)state;
	check_latency("lstm:2x12", (const int64_t[]){ 0, 3, 300 }, 3);
	check_latency("transformer:2x16,heads=2,context=48", (const int64_t[]){ 0, 10, 32 }, 3);
	check_latency("transformer:1x8,heads=2,context=5", (const int64_t[]){ 0 }, 1);
}

static void test_latency_of_growing_state(void **state)
{
	ur_model *m = small_model("transformer:2x16,heads=2,context=48", NULL, 20, 1);
	const int64_t at[2] = { 4, 32 }, beyond = 33, before = -1;
	int32_t token = 3, wrong = 20;
	ur_latency l[2];
	ur_err err = { 0 };

	(void)state;
	assert_ok(ur_latency_measure(m, &token, 1, 20, 2, at, l, why));
	assert_true(l[1].state > 4 * l[0].state);
	assert_int_equal(ur_latency_last(m, 1000), 32);
	assert_int_equal(ur_latency_last(m, 7), 7);
	assert_int_equal(ur_latency_measure(m, &token, 1, 20, 1, &beyond, l, &err), UR_E_INVALID);
	assert_says(err, "position 33");
	assert_int_equal(ur_latency_measure(m, &token, 1, 20, 1, &before, l, &err), UR_E_INVALID);
	assert_int_equal(ur_latency_measure(m, &wrong, 1, 20, 1, at, l, &err), UR_E_INVALID);
	assert_says(err, "vocabulary");
	assert_int_equal(ur_latency_measure(m, &token, 1, 0, 1, at, l, &err), UR_E_INVALID);
	ur_model_free(m);
	m = small_model("gru:1x8", NULL, 20, 1);
	assert_int_equal(ur_latency_last(m, 1000), 1000);
	ur_model_free(m);
}

/* -- memory -- */

typedef struct text { char path[64]; ur_corpus *corpus; ur_split split; ur_ctx ctx; } text;

static void text_open(text *t)
{
	FILE *f;
	small_path(t->path);
	f = fopen(t->path, "w");
	assert_non_null(f);
	for (int i = 0; i < 4000; i++)
		fprintf(f, "%c", "abcab cabd"[(i * i + i / 7) % 10]);
	assert_int_equal(fclose(f), 0);
	assert_ok(ur_corpus_open(&(ur_corpus_request){ .path = t->path, .vocab = "byte" }, &t->corpus, why));
	assert_ok(ur_split_make(ur_corpus_tokens(t->corpus), 0.9, 0.1, &t->split, why));
	assert_true(ur_ctx_open(&t->ctx, NULL, 2));
}

static void text_close(text *t)
{
	ur_corpus_close(t->corpus);
	ur_ctx_close(&t->ctx);
	unlink(t->path);
}

static void job_make(ur_job *job, const text *t, const char *spec)
{
	*job = (ur_job){ .corpus = t->corpus, .split = t->split, .ctx = &t->ctx };
	assert_ok(ur_spec_parse(spec, &job->spec, why));
	ur_recipe_defaults(&job->recipe, &job->spec);
	job->recipe.steps = 3;
	job->recipe.batch = 4;
	job->recipe.window = 16;
	job->recipe.warmup = 0;
}

static void test_memory(void **state)
{
	text t;
	ur_job job;
	ur_memory memory, again;
	ur_outcome watched, plain;
	ur_model *m;
	size_t bytes;
	int64_t parameters;

	(void)state;
	text_open(&t);
	job_make(&job, &t, "gru:1x24");
	assert_ok(ur_train_memory(&job, &bytes, &parameters, why));
	assert_ok(ur_memory_plan(&job, &memory, why));
	assert_int_equal(memory.planned, bytes);
	assert_int_equal(memory.parameters, parameters);
	assert_int_equal(memory.peak, -1);

	/* watching changes nothing */
	assert_ok(ur_memory_train(&job, &m, &watched, &again, why));
	assert_ok(ur_train(&job, NULL, &plain, why));
	assert_true(watched.val_loss == plain.val_loss);
	assert_int_equal(again.planned, bytes);
	assert_int_equal(m->scalars, parameters);
	ur_model_free(m);
	assert_true(again.peak == -1 || (again.peak >= again.before && again.peak > 1 << 20));

	/* a wider model is planned larger, and had more */
	job_make(&job, &t, "gru:2x512");
	assert_ok(ur_memory_train(&job, NULL, NULL, &memory, why));
	assert_true(memory.planned > again.planned + (8 << 20));
	if (!memory.since_start && memory.peak >= 0)
		assert_true(memory.peak - memory.before > 8 << 20);
	text_close(&t);
}

static void test_memory_refused(void **state)
{
	text t;
	ur_job job;
	ur_memory memory;
	ur_err err = { 0 };
	ur_model *m = (ur_model *)1;

	(void)state;
	text_open(&t);
	job_make(&job, &t, "lstm:64x60000"); /* some 30 TB */
	if (ur_memory_free() < 0)
		skip();
	assert_int_equal(ur_memory_train(&job, &m, NULL, &memory, &err), UR_E_NOMEM);
	assert_null(m);
	assert_says(err, "MiB");
	text_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_latency_of_growing_state),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_refused),
	};
	return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
