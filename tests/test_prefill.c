/* How long sequences take: stretched models, turns, what is too long, being stopped; step latency far into a sequence;
 * energy, from a made-up /sys. */
#include "small_models.h"

#include "base/machine.h"
#include "measure/energy.h"
#include "measure/latency.h"
#include "measure/prefill.h"

#include <math.h>
#include <sys/stat.h>

/* -- stretched models -- */

static ur_model *stretched(const ur_model *m, int64_t positions)
{
	ur_ctx c;
	ur_model *out;

	assert_true(ur_ctx_open(&c, NULL, 2));
	assert_ok(ur_stretched(m, positions, &c, &out, why));
	ur_ctx_close(&c);
	return out;
}

/* Takes `positions` and no more, and is the same but for what depends on their number. */
static void check_stretched(const char *spec, int64_t positions, const char *text)
{
	ur_model *m = small_model(spec, NULL, 20, 1), *s = stretched(m, positions);
	int32_t *tokens = calloc((size_t)positions, sizeof *tokens);
	ur_stream *stream;
	const float *logits;
	ur_err err = { 0 };

	assert_non_null(s);
	assert_string_equal(unroll_spec(s), text);
	assert_int_equal(unroll_limit(s), positions);
	assert_int_equal(s->V, m->V);
	assert_ptr_equal(s->spec.mixer, m->spec.mixer);
	assert_ptr_equal(s->spec.form, m->spec.form);
	assert_true(s->spec.layers == m->spec.layers && s->spec.width == m->spec.width && s->spec.ffn == m->spec.ffn);
	assert_memory_equal(s->spec.option, m->spec.option, sizeof m->spec.option);
	assert_int_equal(s->scalars,
	                 m->scalars + (m->stack.positions >= 0 ? (positions - m->spec.context) * m->spec.width : 0));
	stream = small_stream(s);
	small_tokens(s, 3, (int)positions, tokens);
	assert_ok(unroll_prefill(stream, tokens, positions, &logits, why));
	for (int v = 0; v < s->V; v++)
		assert_true(isfinite(logits[v]) && logits[v] != 0);
	assert_int_equal(unroll_step(stream, 1, NULL, &err), UR_E_FULL);
	unroll_stream_close(stream);
	free(tokens);
	ur_model_free(s);
	ur_model_free(m);
}

static void test_stretched(void **state)
{
	static const char *const enough[] = { "lstm:2x8", "transformer:1x8,heads=2,context=100",
	                                      "transformer:1x8,heads=2,window=5,positions=none" };
	ur_model *m, *out = (ur_model *)1;
	ur_ctx c;
	ur_err err = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		m = small_model(enough[i], NULL, 20, 1);
		assert_null(stretched(m, 100));
		ur_model_free(m);
	}
	check_stretched("transformer:1x8,heads=2,context=48", 100, "transformer:1x8,heads=2,context=100");
	check_stretched("transformer:1x8,context=99,heads=2,dropout=0.1", 100,
	                "transformer:1x8,heads=2,dropout=0.1,context=100");
	check_stretched("transformer:2x8,heads=2", 5000, "transformer:2x8,heads=2,context=5000");
	check_stretched("attention:1x8,block=llama,heads=2,context=8", 300,
	                "attention:1x8,block=llama,heads=2,context=300");
	check_stretched("transformer:1x8,window=4,context=8", 60, "transformer:1x8,window=4,context=60");
	check_stretched("lstm:1x8,block=gpt2,positions=learned,context=8", 60,
	                "lstm:1x8,block=gpt2,positions=learned,context=60");

	m = small_model("transformer:64x64,context=8", NULL, 20, 1);
	assert_true(ur_ctx_open(&c, NULL, 1));
	if (ur_memory_free() >= 0) { /* half a terabyte of state */
		assert_int_equal(ur_stretched(m, 1 << 24, &c, &out, &err), UR_E_NOMEM);
		assert_null(out);
		assert_says(err, "MiB");
	}
	assert_int_equal(ur_stretched(m, (1 << 24) + 1, &c, &out, &err), UR_E_INVALID);
	ur_ctx_close(&c);
	ur_model_free(m);
}

/* -- prefill -- */

typedef struct bench {
	ur_model *m[3];
	ur_prefill_time of[3][UR_PREFILL_POINTS], *out[3];
	int models, done[3];
	ur_ctx c;
	int32_t tokens[7];
	int calls, stop_at;
} bench;

static void bench_open(bench *b, int models, const char *const *spec, int threads)
{
	*b = (bench){ .models = models };
	assert_true(ur_ctx_open(&b->c, NULL, threads));
	for (int i = 0; i < models; i++) {
		b->m[i] = small_model(spec[i], NULL, 20, 1);
		b->out[i] = b->of[i];
	}
	small_tokens(b->m[0], 5, 7, b->tokens);
}

static void bench_close(bench *b)
{
	for (int i = 0; i < b->models; i++)
		ur_model_free(b->m[i]);
	ur_ctx_close(&b->c);
}

static int asked(void *arg)
{
	bench *b = arg;
	return ++b->calls == b->stop_at;
}

static ur_status measured(bench *b, int n, const int64_t *T, double seconds, int stop_at, ur_err *err)
{
	b->calls = 0;
	b->stop_at = stop_at;
	memset(b->of, 0, sizeof b->of);
	return ur_prefill_measure(b->models, (const ur_model *const *)b->m, &b->c, b->tokens, 7, n, T, seconds, b->out,
	                          b->done, asked, b, err);
}

enum { TRIES = 5 }; /* of what a busy machine may disturb; a fault fails all */

static double fastest(const ur_prefill_time *t)
{
	double best = INFINITY;
	for (int i = 0; i < t->repeats; i++)
		best = fmin(best, t->seconds[i]);
	return best;
}

static void test_prefill(void **state)
{
	static const char *const specs[] = { "lstm:2x16", "transformer:1x16,heads=1,context=8192", "rnn:1x8,block=gpt2" };
	const int64_t T[4] = { 1, 100, 512, 8192 };
	bench b;

	(void)state;
	for (int threads = 1; threads <= 2; threads++) {
		bench_open(&b, 3, specs, threads);
		assert_ok(measured(&b, 4, T, 1e9, 0, why));
		for (int i = 0; i < 3; i++) {
			assert_int_equal(b.done[i], 4);
			for (int j = 0; j < 4; j++) {
				assert_int_equal(b.of[i][j].T, T[j]);
				assert_int_equal(b.of[i][j].repeats, UR_PREFILL_REPEATS);
				for (int r = 0; r < UR_PREFILL_REPEATS; r++)
					assert_true(b.of[i][j].seconds[r] > 0 && b.of[i][j].seconds[r] < 100);
			}
			assert_true(fastest(&b.of[i][3]) > 2 * fastest(&b.of[i][2]));
		}
		/* 16 times the tokens, each with 16 times the past */
		assert_true(fastest(&b.of[1][3]) > 3 * 16 * fastest(&b.of[1][2]));
		bench_close(&b);
	}
}

/* Every timed sequence is a whole one from a fresh state, as a stream's prefill is. */
static void test_prefill_is_fresh(void **state)
{
	static const char *const specs[] = { "transformer:2x16,heads=1,context=2048" };
	const int64_t T = 2048;
	double ratio = 0;
	int32_t tokens[2048];
	ur_stream *s;
	bench b;

	(void)state;
	bench_open(&b, 1, specs, 1);
	s = small_stream(b.m[0]);
	small_tokens(b.m[0], 9, (int)T, tokens);
	/* from a full state it would be three times as much, at every try; a busy machine is not busy at all of them */
	for (int tries = 0; tries < TRIES && !(ratio > 0.5 && ratio < 2); tries++) {
		double best = INFINITY;

		assert_ok(measured(&b, 1, &T, 1e9, 0, why));
		for (int i = 0; i < 5; i++) {
			double start = ur_clock();
			assert_ok(unroll_prefill(s, tokens, T, NULL, why));
			best = fmin(best, ur_clock() - start);
			unroll_stream_reset(s);
		}
		ratio = fastest(&b.of[0][0]) / best;
	}
	if (!(ratio > 0.5 && ratio < 2))
		fail_msg("measured %g times a stream's prefill", ratio);
	unroll_stream_close(s);
	bench_close(&b);
}

static void test_turns_and_stop(void **state)
{
	static const char *const specs[] = { "lstm:1x8", "transformer:1x8,heads=2,context=64" };
	const int64_t T[3] = { 4, 64, 100 }, long_one = 5000;
	ur_err err = { 0 };
	bench b;

	(void)state;
	bench_open(&b, 2, specs, 2);
	/* a run asks once: two that are not counted, then turns */
	assert_int_equal(measured(&b, 3, T, 1e9, 5, &err), UR_E_STOPPED);
	assert_int_equal(b.calls, 5);
	assert_true(b.done[0] == 0 && b.done[1] == 0);
	assert_true(b.of[0][0].repeats == 1 && b.of[1][0].repeats == 1);
	assert_int_equal(measured(&b, 3, T, 1e9, 12 + 2 + 4, &err), UR_E_STOPPED);
	assert_true(b.done[0] == 1 && b.done[1] == 1);
	assert_true(b.of[0][1].repeats == 2 && b.of[1][1].repeats == 1);
	/* the second takes no more than 64: the first goes on alone */
	assert_ok(measured(&b, 3, T, 1e9, 0, why));
	assert_true(b.done[0] == 3 && b.done[1] == 2);
	assert_int_equal(b.calls, 12 + 12 + 6);
	/* stopped within a long sequence */
	assert_int_equal(measured(&b, 1, &long_one, 1e9, 2, &err), UR_E_STOPPED);
	assert_int_equal(b.calls, 2);
	bench_close(&b);
}

static void test_too_long(void **state)
{
	static const char *const specs[] = { "transformer:1x16,heads=1,context=65536", "gru:1x8" };
	const int64_t T[3] = { 512, 2048, 65536 };
	double most;
	bench b;

	(void)state;
	bench_open(&b, 2, specs, 2);
	/* whatever is first is measured, once if there is no time */
	assert_ok(measured(&b, 3, T, 1e-9, 0, why));
	for (int i = 0; i < 2; i++)
		assert_true(b.done[i] == 1 && b.of[i][0].repeats == 1);
	/* more than the last length would take in proportion to its tokens, 32 times, and far less than by their square */
	for (int tries = 0; tries < TRIES && !(b.done[0] == 2 && b.done[1] == 3); tries++) {
		assert_ok(measured(&b, 2, T, 1e9, 0, why));
		most = 100 * fastest(&b.of[0][1]);
		assert_ok(measured(&b, 3, T, most, 0, why));
	}
	assert_true(b.done[0] == 2 && b.done[1] == 3);
	assert_int_equal(b.of[1][1].repeats, UR_PREFILL_REPEATS);
	bench_close(&b);
	/* time for two or so */
	bench_open(&b, 1, specs + 1, 1);
	assert_ok(measured(&b, 1, T + 1, 1e9, 0, why));
	most = 2.5 * fastest(&b.of[0][0]);
	assert_ok(measured(&b, 1, T + 1, most, 0, why));
	assert_true(b.done[0] == 1 && b.of[0][0].repeats >= 1 && b.of[0][0].repeats <= 3);
	bench_close(&b);
}

static void test_refused(void **state)
{
	static const char *const specs[] = { "gru:1x8" };
	ur_err err = { 0 };
	bench b;

	(void)state;
	bench_open(&b, 1, specs, 1);
	assert_int_equal(measured(&b, 2, (const int64_t[]){ 5, 5 }, 1, 0, &err), UR_E_INVALID);
	assert_int_equal(measured(&b, 1, (const int64_t[]){ 0 }, 1, 0, &err), UR_E_INVALID);
	b.tokens[3] = 20;
	assert_int_equal(measured(&b, 1, (const int64_t[]){ 2 }, 1, 0, &err), UR_E_INVALID);
	assert_says(err, "vocabulary");
	b.tokens[3] = -1;
	assert_int_equal(measured(&b, 1, (const int64_t[]){ 2 }, 1, 0, &err), UR_E_INVALID);
	assert_int_equal(ur_prefill_measure(1, (const ur_model *const *)b.m, &b.c, b.tokens, 0, 0, NULL, 1, b.out, b.done,
	                                    NULL, NULL, &err), UR_E_INVALID);
	bench_close(&b);
}

/* -- steps, far into a sequence -- */

static void test_far_steps(void **state)
{
	static const int64_t at[5] = { 0, 700, 9000, 20, 9000 };
	ur_model *m = small_model("transformer:1x8,heads=2,context=32", NULL, 20, 1), *s = stretched(m, 9016);
	size_t row = 2 * 8 * sizeof(float), head = 0;
	int32_t tokens[7];
	ur_latency l[5];

	(void)state;
	small_tokens(m, 5, 7, tokens);
	assert_ok(ur_latency_measure(s, tokens, 7, 40, 5, at, l, why));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(l[i].position, at[i]);
		assert_int_equal(l[i].samples, 40);
		assert_true(l[i].p50 > 0 && l[i].p99 >= l[i].p50);
		if (i == 0)
			head = l[0].state;
		assert_int_equal(l[i].state, head + row * (size_t)at[i]);
	}
	assert_true(l[2].p50 > 2 * l[0].p50 && l[4].p50 > 2 * l[3].p50);
	ur_model_free(s);
	ur_model_free(m);
}

/* -- energy -- */

static char root[64];

static void zone_path(int zone, const char *file, char path[256])
{
	snprintf(path, 256, "%s/sys/class/powercap/intel-rapl:%d%s%s", root, zone, *file ? "/" : "", file);
}

/* A zone's file; text NULL: none. */
static void put(int zone, const char *file, const char *text)
{
	char path[256];
	FILE *f;

	zone_path(zone, "", path);
	mkdir(path, 0777);
	zone_path(zone, file, path);
	unlink(path);
	if (!text)
		return;
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void put_zone(int zone, const char *name, const char *energy, const char *most)
{
	put(zone, "name", name);
	put(zone, "energy_uj", energy);
	put(zone, "max_energy_range_uj", most);
}

static double between(const ur_energy *a, int zone, const char *energy)
{
	ur_energy b;
	put(zone, "energy_uj", energy);
	ur_energy_read(root, &b);
	return ur_energy_between(a, &b);
}

static void test_energy(void **state)
{
	static const char *const folders[] = { "/sys", "/sys/class", "/sys/class/powercap" };
	static const char *const files[] = { "name", "energy_uj", "max_energy_range_uj" };
	ur_energy a, b;
	char path[256];

	(void)state;
	strcpy(root, "/tmp/unroll-energy-XXXXXX");
	assert_non_null(mkdtemp(root));
	ur_energy_read(root, &a);
	assert_int_equal(a.n, 0);
	assert_true(isnan(ur_energy_between(&a, &a)));
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s%s", root, folders[i]);
		assert_int_equal(mkdir(path, 0777), 0);
	}
	/* two packages, a board that includes them, and a gap in the numbers */
	put_zone(0, "package-0\n", "1500000\n", "262143328850\n");
	put_zone(1, "psys\n", "900000000\n", "262143328850\n");
	put_zone(3, "package-1\n", "2000000\n", "10000000\n");
	ur_energy_read(root, &a);
	assert_int_equal(a.n, 2);
	assert_true(fabs(a.joules[0] - 1.5) < 1e-9 && fabs(a.joules[1] - 2) < 1e-9);
	assert_true(fabs(a.most[0] - 262143.32885) < 1e-6 && fabs(a.most[1] - 10) < 1e-9);
	assert_true(ur_energy_between(&a, &a) == 0);
	assert_true(fabs(between(&a, 0, "4000000\n") - 2.5) < 1e-9);
	assert_true(fabs(between(&a, 3, "2250000\n") - 2.75) < 1e-9);
	/* past its end: 8 to go there and 1 on */
	assert_true(fabs(between(&a, 3, "1000000\n") - 11.5) < 1e-9);
	/* without its end only what did not wrap is known */
	put(3, "max_energy_range_uj", NULL);
	assert_true(isnan(between(&a, 3, "1000000\n")));
	assert_true(fabs(between(&a, 3, "3000000\n") - 3.5) < 1e-9);
	/* a package that does not tell, or tells nonsense: no sum */
	assert_true(isnan(between(&a, 3, NULL)));
	ur_energy_read(root, &b);
	assert_int_equal(b.n, 0);
	assert_true(isnan(ur_energy_between(&b, &a)));
	assert_true(isnan(between(&a, 3, "12 cows\n")));
	assert_true(isnan(between(&a, 3, "\n")));
	/* one that was not there before */
	put(3, "energy_uj", "3000000\n");
	put_zone(4, "package-2\n", "1\n", "2\n");
	ur_energy_read(root, &b);
	assert_int_equal(b.n, 3);
	assert_true(isnan(ur_energy_between(&a, &b)));

	for (int zone = 0; zone < 5; zone++) {
		for (int i = 0; i < 3; i++) {
			zone_path(zone, files[i], path);
			unlink(path);
		}
		zone_path(zone, "", path);
		rmdir(path);
	}
	for (int i = 2; i >= 0; i--) {
		snprintf(path, sizeof path, "%s%s", root, folders[i]);
		assert_int_equal(rmdir(path), 0);
	}
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stretched),
		cmocka_unit_test(test_prefill),
		cmocka_unit_test(test_prefill_is_fresh),
		cmocka_unit_test(test_turns_and_stop),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_far_steps),
		cmocka_unit_test(test_energy),
	};
	return cmocka_run_group_tests_name("prefill", tests, NULL, NULL);
}
