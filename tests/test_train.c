/* Training: gradients of whole models against finite differences, the same bits at any number of threads and across a
 * stop and resume, dropout, accumulation, divergence, early stopping. */
#include "base/machine.h"
#include "base/rng.h"
#include "train/backward.h"
#include "train/checkpoint.h"
#include "train/score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/unroll-train-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[4][256];
	static int next;
	char *p = path[next++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	return p;
}

/* -- gradients of a whole model -- */

typedef struct rig {
	ur_ctx c;
	ur_model *m;
	ur_net net;
	ur_backward back;
	ur_arena arena;
	int32_t ids[64], targets[64];
	int T, B;
} rig;

static void rig_open(rig *r, const char *text, int V, int T, int B, int threads)
{
	ur_spec spec;
	ur_err err = { 0 };

	memset(r, 0, sizeof *r);
	if (ur_spec_parse(text, &spec, &err))
		fail_msg("%s", err.text);
	assert_true(ur_ctx_open(&r->c, NULL, threads));
	assert_int_equal(ur_model_create(&spec, &(ur_words){ .V = V }, r->c.k, 1, &r->m, &err), UR_OK);
	r->T = T;
	r->B = B;
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			assert_true(ur_arena_open(&r->arena));
		ur_net_plan(&r->net, r->m, &r->c, T, B, 1, 0, &r->arena);
		ur_backward_plan(&r->back, &r->net, &r->arena);
	}
	for (int i = 0; i < T * B; i++) {
		r->ids[i] = (int32_t)ur_rng_below(7, ur_rng_for(UR_RNG_TEST, 0), (uint64_t)i, (uint64_t)V);
		r->targets[i] = (int32_t)ur_rng_below(7, ur_rng_for(UR_RNG_TEST, 1), (uint64_t)i, (uint64_t)V);
	}
	ur_model_init(r->m, 3);
	/* larger than they start in training, so that every term of the gradient counts */
	for (int i = 0; i < r->m->params; i++)
		for (size_t j = r->m->param[i].at; j < r->m->param[i].at + r->m->param[i].count; j++)
			r->m->weights[j] = r->m->weights[j] * (r->m->param[i].decl.init == UR_INIT_ONE ? 1 : 3) +
			                   (i == r->m->stack.embedding ? 0.6f : 0.05f) *
			                   (float)ur_rng_normal(9, ur_rng_for(UR_RNG_TEST, 2), j);
}

static void rig_close(rig *r)
{
	ur_arena_close(&r->arena);
	ur_model_free(r->m);
	ur_ctx_close(&r->c);
}

static double rig_loss(rig *r, int dropout)
{
	ur_pass p = { .T = r->T, .B = r->B, .ids = r->ids, .seed = 5, .step = 2, .dropout = dropout };
	double loss[64], sum = 0;
	ur_model_pack(r->m, &r->c);
	ur_net_forward(&r->net, &p);
	ur_net_losses(&r->net, r->T * r->B, r->targets, loss);
	for (int i = 0; i < r->T * r->B; i++)
		sum += loss[i];
	return sum;
}

static void rig_gradient(rig *r, int dropout)
{
	ur_pass p = { .T = r->T, .B = r->B, .ids = r->ids, .seed = 5, .step = 2, .dropout = dropout };
	ur_model_pack(r->m, &r->c);
	memset(r->back.all, 0, r->m->floats * sizeof *r->back.all);
	ur_net_forward(&r->net, &p);
	(void)ur_net_backward(&r->back, &p, &(ur_aim){ .targets = r->targets, .weight = 1 });
}

/* For each parameter: the gradient along a random direction against the loss's change along it. */
static void check_gradient(const char *text, int V, int T, int B, int dropout)
{
	rig r;
	double worst = 0;

	rig_open(&r, text, V, T, B, 2);
	rig_gradient(&r, dropout);
	for (int i = 0; i < r.m->params; i++) {
		const ur_parameter *p = &r.m->param[i];
		float *w = r.m->weights + p->at, *old = malloc(p->count * sizeof *old);
		double along = 0, norm = 0, slope[2], best = 1e9;

		assert_non_null(old);
		memcpy(old, w, p->count * sizeof *w);
		for (size_t j = 0; j < p->count; j++) {
			double d = ur_rng_normal(11, ur_rng_for(UR_RNG_TEST, (uint64_t)i), j);
			along += d * r.back.of[i][j];
			norm += (double)r.back.of[i][j] * r.back.of[i][j];
		}
		for (int s = 0; s < 2; s++) {
			double h = s ? 4e-3 : 8e-3, up = 0, down = 0;
			for (int sign = 1; sign >= -1; sign -= 2) {
				for (size_t j = 0; j < p->count; j++)
					w[j] = old[j] + (float)(sign * h * ur_rng_normal(11, ur_rng_for(UR_RNG_TEST, (uint64_t)i), j));
				if (sign > 0)
					up = rig_loss(&r, dropout);
				else
					down = rig_loss(&r, dropout);
			}
			slope[s] = (up - down) / (2 * h);
			memcpy(w, old, p->count * sizeof *w);
		}
		/* Richardson: the error of the second difference is a quarter of the first's */
		best = fabs((4 * slope[1] - slope[0]) / 3 - along) / (sqrt(norm) + 1e-3);
		if (best > worst)
			worst = best;
		if (best > 0.01)
			fail_msg("%s: gradient of %s: %g by backward, %g by differences, norm %g", text, p->name, along, slope[1],
			         sqrt(norm));
		free(old);
	}
	print_message("  %-44s worst %.1e of the gradient's norm\n", text, worst);
	rig_close(&r);
}

static void test_gradients(void **unused)
{
	static const char *const specs[] = {
		"rnn:2x12", "gru:2x12,tie=1", "lstm:2x12", "lstm:3x20,dropout=0.3", "transformer:2x16,heads=2,context=8",
		"transformer:2x16,heads=4,kv_heads=2,context=8,block=llama", "lstm:2x12,block=llama",
		"gru:2x12,block=gpt2,tie=0", "transformer:2x16,heads=2,context=8,dropout=0.2,window=3", "rnn:1x8,block=gpt2",
		"attention:1x16,heads=2,context=8,block=plain", "lstm:2x12,block=llama,norm=post,dropout=0.2",
		"transformer:2x16,heads=2,context=8,norm=post", "transformer:2x16,heads=2,context=8,positions=sinusoidal",
	};
	(void)unused;
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		check_gradient(specs[i], 11, 6, 3, 1); /* the first layer reads the embedding */
		check_gradient(specs[i], 5, 6, 3, 1);  /* ... by index, where it can */
	}
}

static void test_gradient_threads(void **unused)
{
	static const char *const specs[] = { "lstm:2x40", "gru:1x33", "transformer:2x32,heads=4,context=8,dropout=0.1" };
	(void)unused;
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		rig a, b;
		rig_open(&a, specs[i], 6, 8, 7, 1);
		rig_open(&b, specs[i], 6, 8, 7, 3);
		rig_gradient(&a, 1);
		rig_gradient(&b, 1);
		assert_memory_equal(a.back.all, b.back.all, a.m->floats * sizeof(float));
		rig_close(&a);
		rig_close(&b);
	}
}

/* -- whole runs on a small text -- */

static ur_corpus *corpus;

static ur_corpus *open_text(void)
{
	static const char *const words[] = { "the ", "cell ", "keeps ", "what ", "gates ", "let ", "through, ",
	                                     "step ", "by ", "step.\n" };
	const char *path = in_folder("text.txt");
	FILE *f = fopen(path, "w");
	ur_corpus *c;
	ur_err err = { 0 };

	assert_non_null(f);
	for (int i = 0; i < 3000; i++)
		fputs(words[ur_rng_below(1, ur_rng_for(UR_RNG_TEST, 3), (uint64_t)i, 10) / (uint64_t)(i % 2 + 1)], f);
	fclose(f);
	if (ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "char" }, &c, &err))
		fail_msg("%s", err.text);
	return c;
}

static ur_job job_of(const ur_ctx *c, const char *spec, const char *out)
{
	ur_job j = { .corpus = corpus, .ctx = c, .out = out };
	assert_int_equal(ur_spec_parse(spec, &j.spec, NULL), UR_OK);
	ur_recipe_defaults(&j.recipe, &j.spec);
	j.recipe.steps = 60;
	j.recipe.batch = 6;
	j.recipe.window = 16;
	j.recipe.warmup = 5;
	j.recipe.eval_every = 20;
	assert_int_equal(ur_split_make(ur_corpus_tokens(corpus), UR_SPLIT_TRAIN, UR_SPLIT_VAL, &j.split, NULL), UR_OK);
	return j;
}

static ur_model *train(const ur_job *j, ur_outcome *o)
{
	ur_model *m;
	ur_err err = { 0 };
	if (ur_train(j, &m, o, &err))
		fail_msg("%s", err.text);
	return m;
}

static void same_weights(const ur_model *a, const ur_model *b)
{
	assert_int_equal(a->floats, b->floats);
	assert_memory_equal(a->weights, b->weights, a->floats * sizeof(float));
}

static const char *const trained[] = { "lstm:2x24,dropout=0.1", "gru:1x24", "rnn:2x16",
                                       "transformer:2x24,heads=4,context=16,dropout=0.1", "lstm:2x16,block=llama" };

static void test_learns_and_threads(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof trained / sizeof *trained; i++) {
		ur_ctx one, three;
		ur_model *a, *b;
		ur_outcome oa, ob;
		ur_job j;

		assert_true(ur_ctx_open(&one, NULL, 1));
		assert_true(ur_ctx_open(&three, NULL, 3));
		j = job_of(&one, trained[i], NULL);
		a = train(&j, &oa);
		j.ctx = &three;
		b = train(&j, &ob);
		same_weights(a, b);
		assert_true(oa.best_loss == ob.best_loss);
		print_message("  %-44s loss %.3f after %lld tokens\n", trained[i], oa.best_loss, (long long)oa.tokens);
		/* the text has about 20 letters: knowing nothing costs ln 20 = 3.0 */
		assert_true(oa.best_loss < 2.75);
		ur_model_free(a);
		ur_model_free(b);
		ur_ctx_close(&one);
		ur_ctx_close(&three);
	}
}

struct stopper { int64_t at; };

static int stop_at(void *arg, const ur_step_report *r) { return r->step == ((struct stopper *)arg)->at; }

static void test_resume(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof trained / sizeof *trained; i++) {
		ur_ctx c;
		ur_model *whole, *resumed;
		ur_outcome o;
		ur_err err = { 0 };
		struct stopper at = { 0 };
		ur_job j;

		assert_true(ur_ctx_open(&c, NULL, 2));
		j = job_of(&c, trained[i], in_folder("whole.safetensors"));
		whole = train(&j, &o);
		j.out = in_folder("resumed.safetensors");
		j.report = stop_at;
		j.arg = &at;
		for (at.at = 7; at.at < 60; at.at += 17) {
			assert_int_equal(ur_train(&j, NULL, NULL, &err), UR_E_STOPPED);
			j.resume = 1;
		}
		resumed = train(&j, &o);
		same_weights(whole, resumed);
		/* another recipe is refused, by name */
		j.recipe.lr *= 2;
		j.recipe.min_lr = 0;
		assert_int_equal(ur_train(&j, NULL, NULL, &err), UR_E_INVALID);
		assert_non_null(strstr(err.text, "lr"));
		ur_model_free(whole);
		ur_model_free(resumed);
		ur_ctx_close(&c);
	}
}

/* Two half batches accumulated are the whole batch, to rounding. */
static void test_accumulate(void **unused)
{
	rig whole, half;
	double most = 0, off = 0;
	(void)unused;

	rig_open(&whole, "lstm:1x16", 7, 5, 6, 1);
	rig_open(&half, "lstm:1x16", 7, 5, 3, 1);
	rig_gradient(&whole, 0);
	memset(half.back.all, 0, half.m->floats * sizeof *half.back.all);
	ur_model_pack(half.m, &half.c);
	for (int h = 0; h < 2; h++) {
		int32_t ids[15], targets[15];
		ur_pass p = { .T = 5, .B = 3, .ids = ids };
		for (int t = 0; t < 5; t++)
			for (int b = 0; b < 3; b++) {
				ids[t * 3 + b] = whole.ids[t * 6 + h * 3 + b];
				targets[t * 3 + b] = whole.targets[t * 6 + h * 3 + b];
			}
		ur_net_forward(&half.net, &p);
		(void)ur_net_backward(&half.back, &p, &(ur_aim){ .targets = targets, .weight = 1 });
	}
	for (size_t i = 0; i < whole.m->floats; i++) {
		most = fmax(most, fabs(whole.back.all[i]));
		off = fmax(off, fabs(whole.back.all[i] - half.back.all[i]));
	}
	assert_true(off < 1e-5 * most);
	rig_close(&whole);
	rig_close(&half);
}

static void test_divergence(void **unused)
{
	ur_ctx c;
	ur_err err = { 0 };
	ur_model *start;
	ur_outcome o;
	ur_job j;
	(void)unused;

	assert_true(ur_ctx_open(&c, NULL, 2));
	j = job_of(&c, "gru:1x16", NULL);
	start = train(&j, &o);
	/* one weight of the second gate bias is infinite: the first step must stop and say where it shows */
	start->weights[start->param[start->stack.layer[0].mixer + 2].at + 3] = NAN;
	j.start = start;
	assert_int_equal(ur_train(&j, NULL, NULL, &err), UR_E_DIVERGED);
	assert_non_null(strstr(err.text, "step 1"));
	ur_model_free(start);
	/* and a rate that blows up ends in the same words, with the checkpoint before it intact */
	j = job_of(&c, "rnn:2x16,nonlinearity=relu", in_folder("diverged.safetensors"));
	j.recipe.lr = 1e12;
	j.recipe.clip = 0;
	j.recipe.warmup = 0;
	j.recipe.optimizer = "sgd";
	j.recipe.windows = "random";
	assert_int_equal(ur_train(&j, NULL, NULL, &err), UR_E_DIVERGED);
	assert_non_null(strstr(err.text, "not finite"));
	ur_ctx_close(&c);
}

static void test_early_stop(void **unused)
{
	ur_ctx c;
	ur_model *m;
	ur_outcome o;
	ur_job j;
	double again;
	int64_t tokens;
	ur_score score;
	(void)unused;

	assert_true(ur_ctx_open(&c, NULL, 2));
	j = job_of(&c, "lstm:1x16", NULL);
	j.recipe.steps = 400;
	j.recipe.eval_every = 2;
	j.recipe.patience = 2;
	j.recipe.lr = 0.5;
	j.recipe.schedule = "constant";
	m = train(&j, &o);
	assert_true(o.stopped_early && o.steps < 400 && o.best_step <= o.steps - 4);
	/* the weights handed back are the best ones */
	assert_int_equal(ur_evaluate(m, &c, corpus, j.split.val_from, j.split.val_to, j.recipe.window, j.recipe.batch, 0,
	                             &score, NULL), UR_OK);
	again = score.loss;
	tokens = score.tokens;
	assert_true(again == o.best_loss && tokens == o.scored);
	ur_model_free(m);
	ur_ctx_close(&c);
}

static void test_memory(void **unused)
{
	ur_ctx c;
	size_t bytes;
	int64_t parameters;
	ur_job j;
	(void)unused;

	assert_true(ur_ctx_open(&c, NULL, 1));
	j = job_of(&c, "lstm:2x256", NULL);
	assert_int_equal(ur_train_memory(&j, &bytes, &parameters, NULL), UR_OK);
	/* a 2x256 LSTM is 2 x 4 x 256 x (256 + 256 + 2) parameters; weights, packings, gradients and
	 * moments hold them 7 times */
	assert_true(parameters > 2 * 4 * 256 * 514 && bytes > (size_t)parameters * 4 * 7);
	j = job_of(&c, "transformer:64x4096,heads=32", NULL);
	j.recipe.batch = 4096;
	j.recipe.window = 256;
	assert_int_equal(ur_train_memory(&j, &bytes, &parameters, NULL), UR_OK);
	assert_true(bytes >> 40 >= 1);
	ur_ctx_close(&c);
}

static void test_schedules(void **unused)
{
	ur_recipe r;
	ur_spec spec;
	ur_pace pace = { .factor = 1 };
	const ur_schedule *s;
	(void)unused;

	assert_int_equal(ur_spec_parse("lstm:1x8", &spec, NULL), UR_OK);
	ur_recipe_defaults(&r, &spec);
	r.lr = 1;
	r.min_lr = 0.1;
	r.warmup = 4;
	r.steps = 104;
	s = ur_schedule_find("cosine");
	assert_true(fabs(ur_schedule_rate(s, &r, &pace, 0) - 0.2) < 1e-12);
	assert_true(fabs(ur_schedule_rate(s, &r, &pace, 4) - 1) < 1e-12);
	assert_true(fabs(ur_schedule_rate(s, &r, &pace, 54) - 0.55) < 1e-12);
	assert_true(fabs(ur_schedule_rate(s, &r, &pace, 104) - 0.1) < 1e-12);
	s = ur_schedule_find("step");
	r.decay = 0.5;
	r.decay_every = 10;
	assert_true(fabs(ur_schedule_rate(s, &r, &pace, 13) - 1) < 1e-12);
	assert_true(fabs(ur_schedule_rate(s, &r, &pace, 34) - 0.125) < 1e-12);
	s = ur_schedule_find("plateau");
	r.decay_every = 2;
	for (int i = 0; i < 3; i++)
		s->validated(&r, &pace, 0);
	assert_true(fabs(ur_schedule_rate(s, &r, &pace, 50) - 0.5) < 1e-12 && pace.stale == 0);
	assert_null(ur_schedule_find("linear"));
}

static int open_all(void **unused)
{
	(void)unused;
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
	corpus = open_text();
	return 0;
}

static int close_all(void **unused)
{
	char command[300];
	(void)unused;
	ur_corpus_close(corpus);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients), cmocka_unit_test(test_gradient_threads),
		cmocka_unit_test(test_learns_and_threads), cmocka_unit_test(test_resume), cmocka_unit_test(test_accumulate),
		cmocka_unit_test(test_divergence), cmocka_unit_test(test_early_stop), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_schedules),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, open_all, close_all);
}
