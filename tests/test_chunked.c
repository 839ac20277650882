/* Sequences in chunks: the gradient is the whole one for every mixer in every form, whatever the chunk; what is trained
 * does not depend on threads, and a run that was stopped goes on to the bit; memory grows as the square root of the
 * length where states do not; scoring in pieces is scoring whole. */
#include "sanitized.h"
#include "test_folder.h"

#include "base/rng.h"
#include "measure/memory.h"
#include "measure/step_time.h"
#include "train/chunked.h"
#include "train/score.h"
#include "train/score_task.h"

#include <math.h>

enum { T = 23, B = 3 };

/* -- gradients -- */

typedef struct rig {
	ur_ctx c;
	ur_model *m;
	ur_net net;
	ur_backward back;
	ur_chunked chunked;
	ur_arena arena;
	int32_t ids[T * B], targets[T * B];
	void *state[B];
	float *block;
	double loss;
} rig;

enum { FRESH, LENGTHS, CARRIED, CARRIED_LENGTHS, CASES };
static int has_lengths(int which) { return which % 2; }
static int carries(int which) { return which >= CARRIED; }

/* The gradient of one pass in chunks of `chunk`. */
static void rig_run(rig *r, const char *text, int V, int chunk, int which, int threads)
{
	static const int len[B] = { 17, T, 9 };
	ur_spec spec;
	size_t state;

	memset(r, 0, sizeof *r);
	assert_ok(ur_spec_parse(text, &spec, why));
	assert_true(ur_ctx_open(&r->c, NULL, threads));
	assert_ok(ur_model_create(&spec, &(ur_words){ .V = V }, r->c.k, 1, &r->m, why));
	ur_model_init(r->m, 3);
	for (int i = 0; i < r->m->params; i++)
		for (size_t j = r->m->param[i].at; j < r->m->param[i].at + r->m->param[i].count; j++)
			r->m->weights[j] = r->m->weights[j] * (r->m->param[i].decl.init == UR_INIT_ONE ? 1 : 3) +
			                   (i == r->m->stack.embedding ? 0.6f : 0.05f) *
			                   (float)ur_rng_normal(9, ur_rng_for(UR_RNG_TEST, 2), j);
	ur_model_pack(r->m, &r->c);
	for (int i = 0; i < T * B; i++) {
		r->ids[i] = (int32_t)ur_rng_below(7, ur_rng_for(UR_RNG_TEST, 0), (uint64_t)i, (uint64_t)V);
		r->targets[i] = (int32_t)ur_rng_below(7, ur_rng_for(UR_RNG_TEST, 1), (uint64_t)i, (uint64_t)V);
		if (has_lengths(which) && i / B >= len[i % B])
			r->targets[i] = -1;
	}
	for (int pass = 0; pass < 2; pass++) {
		assert_true(!pass || ur_arena_open(&r->arena));
		ur_chunked_plan(&r->chunked, &r->net, &r->back, r->m, &r->c, T, B, chunk, carries(which), &r->arena);
	}
	state = ur_model_state_size(r->m);
	r->block = calloc(B, state);
	assert_non_null(r->block);
	for (int b = 0; b < B; b++)
		r->state[b] = (char *)r->block + state * (size_t)b;
	/* two passes, so that the second meets what the first left; carried, it goes on from there */
	for (int i = 0; i < 2; i++) {
		const ur_pass p = { .T = T, .B = B, .ids = r->ids, .len = has_lengths(which) ? len : NULL,
			.state = carries(which) ? r->state : NULL, .seed = 5, .step = 2, .dropout = 1 };
		memset(r->back.all, 0, r->m->floats * sizeof *r->back.all);
		r->loss = ur_chunked_pass(&r->chunked, &p, &(ur_aim){ .targets = r->targets, .weight = 1 });
	}
}

static void rig_close(rig *r)
{
	free(r->block);
	ur_arena_close(&r->arena);
	ur_model_free(r->m);
	ur_ctx_close(&r->c);
}

/* Largest difference of a parameter's gradients by the norm of all. */
static double difference(const rig *a, const rig *b)
{
	double worst = 0;

	for (int i = 0; i < a->m->params; i++) {
		double off = 0, norm = 0;
		for (size_t j = 0; j < a->m->param[i].count; j++) {
			const double d = (double)a->back.of[i][j] - b->back.of[i][j];
			off += d * d;
			norm += (double)b->back.of[i][j] * b->back.of[i][j];
		}
		worst = fmax(worst, sqrt(off / fmax(norm, 1e-6)));
	}
	return worst;
}

static void check(const char *text)
{
	static const int chunks[] = { 1, 4, 11, 22 };
	double worst = 0;

	for (int which = 0; which < CASES; which++)
		for (int V = 3; V <= 9; V += 6) { /* with 3, chunks of 4 and more read the embedding by index */
			rig whole, r;

			rig_run(&whole, text, V, 0, which, 1);
			if (carries(which) && ur_model_limit(whole.m)) {
				rig_close(&whole);
				continue;
			}
			for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
				double off;

				rig_run(&r, text, V, chunks[i], which, 1 + (int)i % 3);
				assert_int_equal(r.chunked.chunks, (T + chunks[i] - 1) / chunks[i]);
				off = difference(&r, &whole);
				worst = fmax(worst, off);
				if (off > 2e-5 || fabs(r.loss - whole.loss) > 1e-5 * whole.loss)
					fail_msg("%s, chunks of %d, case %d: gradients differ by %.2g of their norm, the loss is %.9g, "
					         "whole %.9g", text, chunks[i], which, off, r.loss, whole.loss);
				for (int b = 0; carries(which) && b < B; b++) {
					assert_int_equal(*ur_model_position(r.state[b]), *ur_model_position(whole.state[b]));
					assert_int_equal(ur_model_state_used(r.m, r.state[b]),
					                 ur_model_state_used(whole.m, whole.state[b]));
				}
				rig_close(&r);
			}
			rig_close(&whole);
		}
	print_message("  %-64s worst %.1e of the gradient's norm\n", text, worst);
}

static void test_gradients(void **unused)
{
	static const char *const more[] = {
		"attention:2x16,heads=2,window=7,rope=1,block=llama,context=23,dropout=0.2",
		"attention:1x16,heads=2,window=30,block=plain", "lstm:3x12,block=gpt2,norm=post,positions=learned,context=23",
		"transformer:2x16,heads=4,kv_heads=2,context=40,positions=sinusoidal,norm=post,dropout=0.2",
		"gru:2x16,tie=1,dropout=0.3",
	};
	int done = 0;
	(void)unused;

	for (int i = 0; ur_mixers[i]; i++)
		for (int f = 0; ur_form_nth(f); f++) {
			char text[100];
			ur_spec spec;

			if (ur_mixers[i]->flags & UR_READS_MEMORY)
				continue;
			snprintf(text, sizeof text, "%s:2x16,block=%s,context=%d,dropout=0.2", ur_mixers[i]->name,
			         ur_form_nth(f)->name, T);
			if (ur_spec_parse(text, &spec, NULL)) /* a form of pairs */
				continue;
			check(text);
			done++;
		}
	assert_true(done >= 4 * 4);
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		check(more[i]);
}

static void test_threads(void **unused)
{
	static const char *const specs[] = { "lstm:2x40,dropout=0.1", "transformer:2x32,heads=4,context=23,dropout=0.1" };
	(void)unused;

	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
		for (int which = 0; which < CASES; which++) {
			rig a, b;
			if (carries(which) && i > 0) /* of limited context */
				continue;
			rig_run(&a, specs[i], 6, 7, which, 1);
			rig_run(&b, specs[i], 6, 7, which, 3);
			assert_memory_equal(a.back.all, b.back.all, a.m->floats * sizeof(float));
			rig_close(&a);
			rig_close(&b);
		}
}

/* -- runs -- */

typedef struct trial {
	ur_ctx c;
	ur_task task;
	ur_job job;
	int stop;                       /* after this step; 0: not */
} trial;

static int stop_at(void *arg, const ur_step_report *r) { return ((trial *)arg)->stop == r->step; }

static void trial_open(trial *t, const char *spec, const char *task, const char *out)
{
	memset(t, 0, sizeof *t);
	assert_true(ur_ctx_open(&t->c, NULL, 2));
	assert_ok(ur_task_parse(task, &t->task, why));
	assert_ok(ur_spec_parse(spec, &t->job.spec, why));
	ur_recipe_defaults(&t->job.recipe, &t->job.spec);
	t->job.recipe.steps = 6;
	t->job.recipe.batch = 2;
	t->job.recipe.warmup = 0;
	t->job.recipe.eval_every = 2;
	t->job.recipe.eval_tokens = 8;
	t->job.ctx = &t->c;
	t->job.task = &t->task;
	t->job.out = out;
	t->job.report = stop_at;
	t->job.arg = t;
	ur_job_settle(&t->job, &t->job.recipe);
}

static void trial_close(trial *t)
{
	ur_task_free(&t->task);
	ur_ctx_close(&t->c);
}

static void test_resume(void **unused)
{
	static const char *const specs[] = { "gru:2x12,dropout=0.2", "transformer:1x16,heads=2,context=200,dropout=0.2" };
	(void)unused;

	for (size_t i = 0; i < 2; i++) {
		ur_model *straight, *resumed, *whole;
		ur_err err = { 0 };
		trial t;

		trial_open(&t, specs[i], "task:recall,T=50,pairs=3", NULL);
		assert_ok(ur_train(&t.job, &whole, NULL, why));
		t.job.recipe.chunk = 16;
		assert_ok(ur_train(&t.job, &straight, NULL, why));
		/* it is another order of sums, and the same training */
		assert_int_not_equal(memcmp(straight->weights, whole->weights, whole->floats * sizeof(float)), 0);
		t.job.out = "chunked.safetensors";
		t.stop = 3;
		assert_int_equal(ur_train(&t.job, NULL, NULL, &err), UR_E_STOPPED);
		t.job.resume = 1;
		t.stop = 0;
		t.job.recipe.chunk = 24;
		assert_int_equal(ur_train(&t.job, NULL, NULL, &err), UR_E_INVALID);
		assert_says(err, "--chunk 16");
		t.job.recipe.chunk = 16;
		assert_ok(ur_train(&t.job, &resumed, NULL, why));
		assert_memory_equal(resumed->weights, straight->weights, straight->floats * sizeof(float));
		ur_model_free(straight);
		ur_model_free(resumed);
		ur_model_free(whole);
		trial_close(&t);
	}
}

/* -- memory -- */

/* The least that states and activations take of a task of `length` steps, and the chunk with which they do. */
static double least(const char *spec, int length, int *chunk)
{
	char task[60];
	double best = INFINITY;
	trial t;

	snprintf(task, sizeof task, "task:recall,T=%d", length);
	trial_open(&t, spec, task, NULL);
	t.job.recipe.batch = 1;
	for (int c = 8; c < 2048; c += c / 8) {
		ur_train_plan p;
		t.job.recipe.chunk = c;
		assert_ok(ur_train_plan_of(&t.job, &p, why));
		assert_int_equal(p.all, p.weights + p.optimiser + p.states + p.data + p.validation + p.activations);
		if ((double)(p.states + p.activations) < best) {
			best = (double)(p.states + p.activations);
			*chunk = c;
		}
	}
	trial_close(&t);
	return best;
}

static void test_square_root(void **unused)
{
	static const char *const specs[] = { "rnn:2x64", "gru:1x64", "lstm:2x64", "lstm:2x64,block=llama",
	                                     "attention:1x32,heads=1,window=16,block=llama,context=300000" };
	(void)unused;

	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		int chunk[3];
		const double a = least(specs[i], 4096, &chunk[0]), b = least(specs[i], 16384, &chunk[1]);
		const double c = least(specs[i], 65536, &chunk[2]);

		print_message("  %-60s %.2f, %.2f, %.2f MB with chunks of %d, %d, %d\n", specs[i], a * 1e-6, b * 1e-6, c * 1e-6,
		              chunk[0], chunk[1], chunk[2]);
		/* four times as long: twice as much; 2.2 for what is left over */
		assert_true(b / a < 2.2 && c / b < 2.2);
		assert_true(c / b > 1.5);
		assert_true(chunk[2] > 2 * chunk[0]);
	}
}

static void test_fit(void **unused)
{
	static const char *const specs[] = { "lstm:2x64", "transformer:2x64,context=20000" };
	(void)unused;

	for (size_t i = 0; i < 2; i++) {
		ur_train_plan whole, p;
		ur_err err = { 0 };
		trial t;
		int chunk = -1, less;
		size_t most;

		trial_open(&t, specs[i], "task:recall,T=16384", NULL);
		assert_ok(ur_train_plan_of(&t.job, &whole, why));
		assert_ok(ur_train_fit(&t.job, whole.all, &chunk, &p, why));
		assert_int_equal(chunk, 0);
		assert_ok(ur_train_fit(&t.job, most = whole.all - 1, &chunk, &p, why));
		assert_true(chunk > 4096 && chunk < 16384);
		/* less memory, shorter chunks; each in what it may take */
		for (;; chunk = less) {
			ur_status status = ur_train_fit(&t.job, most = most / 4 * 3, &less, &p, &err);
			if (status == UR_E_NOMEM)
				break;
			assert_int_equal(status, UR_OK);
			assert_true(less <= chunk && less > 0);
			t.job.recipe.chunk = less;
			assert_true(p.all <= most);
			assert_ok(ur_train_plan_of(&t.job, &whole, why));
			assert_memory_equal(&p, &whole, sizeof p);
		}
		assert_says(err, "MiB at the least");
		/* and what it says is enough, and no less is */
		most = p.all;
		assert_ok(ur_train_fit(&t.job, most, &chunk, &p, why));
		assert_int_equal(chunk, less);
		assert_int_equal(ur_train_fit(&t.job, most - 1, &chunk, &p, NULL), UR_E_NOMEM);
		trial_close(&t);
	}
}

/* What a run has at most is what was planned: within 5 %, and what the program takes besides, whatever it runs. */
static void test_peak(void **unused)
{
	static const struct { const char *spec; int length, batch; size_t most; } runs[] = {
		{ "lstm:1x64", 16000, 8, 60 << 20 }, { "gru:1x64,block=llama", 4000, 8, 60 << 20 },
		{ "transformer:1x64,heads=2,context=4001", 4000, 6, 100 << 20 },
		{ "attention:1x64,heads=2,window=64,block=gpt2,context=4001", 4000, 6, 70 << 20 },
	};
	enum { BASE = 4 << 20 };
	(void)unused;

#ifdef SANITIZED
	skip(); /* what they keep beside the memory counts too */
#endif
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		char task[60];
		double planned, peak;
		ur_train_plan p;
		ur_memory m;
		trial t;

		snprintf(task, sizeof task, "task:recall,T=%d", runs[i].length);
		trial_open(&t, runs[i].spec, task, NULL);
		t.job.recipe.steps = 1;
		t.job.recipe.batch = runs[i].batch;
		assert_ok(ur_train_fit(&t.job, runs[i].most, &t.job.recipe.chunk, &p, why));
		assert_true(t.job.recipe.chunk > 0 && p.all > 40 << 20);
		assert_ok(ur_memory_train(&t.job, NULL, NULL, &m, why));
		trial_close(&t);
		if (m.since_start || m.peak < 0)
			skip();
		planned = (double)m.planned;
		peak = (double)(m.peak - m.before);
		print_message("  %-60s %.1f MB planned, %.1f taken\n", runs[i].spec, planned * 1e-6, peak * 1e-6);
		assert_true(m.planned == p.all);
		assert_true(peak < 1.05 * planned + BASE && peak > 0.95 * planned - BASE);
	}
}

/* Seconds are the machine's; that they grow with the work is not. */
static void test_step_time(void **unused)
{
	static const char *const specs[] = { "gru:1x16", "transformer:1x16,heads=2,context=70000" };
	(void)unused;

	for (size_t i = 0; i < 2; i++) {
		ur_step_time time;
		ur_err err = { 0 };
		trial t;

		trial_open(&t, specs[i], "task:recall,T=60000", NULL);
		assert_ok(ur_step_time_predict(&t.job, (size_t)1 << 30, &time, why));
		assert_true(time.seconds > 0 && isfinite(time.seconds) && time.length > 0 && time.length <= 8192);
		assert_int_equal(ur_step_time_predict(&t.job, 1 << 10, &time, &err), UR_E_NOMEM);
		assert_says(err, "timing a step");
		trial_close(&t);
	}
}

/* -- scoring -- */

enum { N = 9 }; /* more than go side by side */

static void test_scores(void **unused)
{
	static const char *const specs[] = { "gru:1x16", "transformer:1x16,heads=2,context=3000",
	                                     "attention:1x16,heads=2,window=50,block=llama,rope=1,context=3000" };
	(void)unused;

	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		ur_arena arena = { 0 };
		ur_task_score score;
		ur_model *m;
		ur_net net;
		double losses[3000], sum = 0;
		int32_t ids[3000], targets[3000];
		trial t;

		/* a copy task asks at its end of what stood at its beginning: all pieces count */
		trial_open(&t, specs[i], "task:copy,T=2500,items=20", NULL);
		assert_true(t.task.length > 2 * UR_SCORE_STEPS && t.task.length <= 3000);
		t.job.recipe.steps = 1;
		t.job.recipe.chunk = 512;
		assert_ok(ur_train(&t.job, &m, NULL, why));
		assert_ok(ur_evaluate_task(m, &t.c, &t.task, UR_TEST, N, &score, why));
		for (int pass = 0; pass < 2; pass++) {
			assert_true(!pass || ur_arena_open(&arena));
			ur_net_plan(&net, m, &t.c, t.task.length, 1, 0, 0, &arena);
		}
		for (int n = 0; n < N; n++) {
			ur_task_draw(&t.task, 0, UR_TEST, n, 1, ids, targets);
			ur_net_forward(&net, &(ur_pass){ .T = t.task.length, .B = 1, .ids = ids });
			ur_net_losses(&net, t.task.length, targets, losses);
			for (int p = 0; p < t.task.length; p++)
				sum += losses[p];
		}
		assert_true(fabs(score.loss.mean - sum / ((double)N * t.task.scored)) < 1e-5);
		ur_arena_close(&arena);
		ur_model_free(m);
		trial_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients), cmocka_unit_test(test_threads), cmocka_unit_test(test_resume),
		cmocka_unit_test(test_square_root), cmocka_unit_test(test_fit), cmocka_unit_test(test_peak),
		cmocka_unit_test(test_step_time), cmocka_unit_test(test_scores),
	};

	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
