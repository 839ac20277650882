/* Learning online: what a learner does with its ring against a plain form that keeps all of the past, stopping and
 * resuming, bad numbers, misuse, files that were damaged, and that it learns. */
#include "test_folder.h"

#include "base/rng.h"
#include "train/backward.h"
#include "train/learner.h"

#include <malloc.h>
#include <math.h>

static const char *const specs[] = { "rnn:1x8", "gru:2x8", "lstm:1x12", "gru:1x8,block=llama",
	"transformer:1x8,heads=2,context=32", "attention:2x8,block=llama,heads=2",
	"attention:1x8,block=llama,window=3" };
enum { SPECS = sizeof specs / sizeof *specs, FEATURES = 3, WINDOW = 5 };

/* One row, and what is asked of it: the class depends on this row and the one before. */
static float feature(int i, int k) { return (float)ur_rng_unit(9, ur_rng_for(UR_RNG_TEST, (uint64_t)k), (uint64_t)i); }
static int class_of(int i) { return (feature(i, 0) > 0.5f) ^ (i > 0 && feature(i - 1, 1) > 0.5f); }
static double value_of(int i) { return 5 + 3 * (double)feature(i, 0) - 2 * (double)(i ? feature(i - 1, 1) : 0); }

static ur_learning settings_for(const ur_spec *spec)
{
	ur_learning h;

	ur_learning_defaults(&h, spec);
	h.window = WINDOW;
	h.lr = 0.01;
	h.freeze_after = 60;
	return h;
}

typedef struct rig { ur_ctx *ctx; ur_learner *l; ur_learning how; } rig;

static rig open_rig(const char *text, const ur_learning *how, int classes, int blind, int threads)
{
	ur_spec spec;
	ur_model *m;
	rig r;

	r.ctx = calloc(1, sizeof *r.ctx); /* learners keep its address */
	assert_true(r.ctx && ur_ctx_open(r.ctx, NULL, threads));
	assert_ok(ur_spec_parse(text, &spec, why));
	r.how = how ? *how : settings_for(&spec);
	assert_ok(ur_learn_model(&spec, &(ur_learn_shape){ .features = FEATURES, .classes = classes, .blind = blind }, 4,
	                         r.ctx->k, &m, why));
	assert_ok(ur_learner_open(&r.how, m, 1, r.ctx, &r.l, why));
	return r;
}

static void close_rig(rig *r)
{
	ur_learner_close(r->l);
	ur_ctx_close(r->ctx);
	free(r->ctx);
}

/* Event i; what was foretold in out (NULL: not wanted). */
static void event(ur_learner *l, int i, int numbers, float *out)
{
	const float row[FEATURES] = { feature(i, 0), feature(i, 1), feature(i, 2) };
	const float *said;
	int drift;

	assert_ok(ur_learner_predict(l, row, &said, why));
	if (out)
		memcpy(out, said, (size_t)ur_learner_model(l)->V * sizeof *out);
	if (numbers)
		assert_ok(ur_learner_answer_value(l, value_of(i), &drift, why));
	else
		assert_ok(ur_learner_answer(l, class_of(i), &drift, why));
}

/* -- against a plain form -- */

/* All of the past, as it was seen, and the state before each event by the weights of the time it left the window. */
typedef struct past {
	ur_model *m;
	ur_net net, one;
	ur_backward back;
	ur_arena memory;
	const ur_ctx *ctx;
	int carries, in, n;
	float rows[400][FEATURES + 2];
	int32_t answer[400];
	void *state;
} past;

static void plan_past(past *p, ur_arena *a)
{
	ur_net_plan(&p->net, p->m, p->ctx, WINDOW, 1, 1, p->carries, a);
	ur_net_plan(&p->one, p->m, p->ctx, 1, 1, 0, p->carries, a);
	ur_backward_plan(&p->back, &p->net, a);
	p->state = UR_TAKE(a, char, ur_model_state_size(p->m));
}

/* Foretells event n from the window's rows, copied out; with an answer, one step of plain gradient descent. */
static void past_pass(past *p, int learn, int newest, double lr, float *out)
{
	const int T = p->n < WINDOW ? p->n : WINDOW, first = p->n - T;
	float *rows = calloc((size_t)T * (size_t)p->in, sizeof *rows);
	int32_t targets[WINDOW];
	char *state = calloc(1, ur_model_state_size(p->m));
	void *const at = state;
	ur_pass pass = { .T = T, .B = 1, .values = rows, .state = p->carries ? &at : NULL };

	for (int t = 0; t < T; t++) {
		memcpy(rows + (size_t)t * (size_t)p->in, p->rows[first + t], (size_t)p->in * sizeof *rows);
		targets[t] = newest && t < T - 1 ? -1 : p->answer[first + t];
	}
	if (p->carries)
		ur_model_state_copy(p->m, state, p->state);
	ur_net_forward(&p->net, &pass);
	ur_model_head(p->m, 1, p->net.last + (T - 1) * p->m->spec.width, out);
	if (learn) {
		memset(p->back.all, 0, p->m->floats * sizeof(float));
		ur_net_backward(&p->back, &pass, &(ur_aim){ .targets = targets, .weight = 1.0f / (float)(newest ? 1 : T) });
		for (size_t i = 0; i < p->m->floats; i++)
			p->m->weights[i] -= (float)lr * p->back.all[i];
		ur_model_pack(p->m, p->ctx);
	}
	free(state);
	free(rows);
}

static void check_past(const char *text, int newest)
{
	enum { N = 40 };
	ur_learning how;
	ur_spec spec;
	past *p = calloc(1, sizeof *p);
	float said[2], plain[2];
	double far = 0;
	rig r;

	assert_ok(ur_spec_parse(text, &spec, why));
	how = settings_for(&spec);
	how.optimizer = "sgd";
	how.momentum = how.clip = 0;
	how.lr = 0.05;
	how.whole = !newest;
	how.freeze_after = 1;
	r = open_rig(text, &how, 2, 0, 1);
	p->ctx = r.ctx;
	p->in = FEATURES + 2;
	assert_ok(ur_learn_model(&spec, &(ur_learn_shape){ .features = FEATURES, .classes = 2 }, 4, r.ctx->k, &p->m, why));
	p->carries = !strstr(text, "attention") && !strstr(text, "transformer");
	assert_int_equal(ur_learner_carries(p->m), p->carries);
	plan_past(p, &p->memory);
	assert_true(ur_arena_open(&p->memory));
	plan_past(p, &p->memory);
	ur_model_pack(p->m, r.ctx);
	for (int i = 0; i < N; i++) {
		float *row = p->rows[i];
		double mean, square;

		if (i >= WINDOW && p->carries) {
			ur_net_forward(&p->one, &(ur_pass){ .T = 1, .B = 1, .values = p->rows[i - WINDOW], .state = &p->state });
		}
		for (int k = 0; k < FEATURES; k++) { /* mean and variance of all so far, this one included */
			mean = square = 0;
			for (int j = 0; j <= i; j++)
				mean += (double)feature(j, k) / (i + 1);
			for (int j = 0; j <= i; j++)
				square += ((double)feature(j, k) - mean) * ((double)feature(j, k) - mean) / (i + 1);
			row[k] = i ? (float)(((double)feature(i, k) - mean) / sqrt(square)) : 0;
		}
		if (i)
			row[FEATURES + p->answer[i - 1]] = 1;
		p->answer[i] = class_of(i);
		p->n = i + 1;
		past_pass(p, 1, newest, how.lr, plain);
		event(r.l, i, 0, said);
		for (int k = 0; k < 2; k++)
			far = fmax(far, fabs((double)(said[k] - plain[k])));
	}
	for (size_t i = 0; i < p->m->floats; i++)
		far = fmax(far, fabs((double)(p->m->weights[i] - ur_learner_model(r.l)->weights[i])));
	if (far > 2e-5)
		fail_msg("%s, %s: %g from the plain form", text, newest ? "newest" : "all", far);
	ur_arena_close(&p->memory);
	ur_model_free(p->m);
	free(p);
	close_rig(&r);
}

static void test_past(void **state)
{
	(void)state;
	for (int i = 0; i < SPECS; i++)
		for (int newest = 0; newest < 2; newest++)
			check_past(specs[i], newest);
}

/* -- stopping and resuming -- */

static char *file_bytes(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(1 << 22);

	assert_true(f && bytes);
	*n = fread(bytes, 1, 1 << 22, f);
	(void)fclose(f);
	return bytes;
}

static void assert_same_files(const char *a, const char *b)
{
	size_t na, nb;
	char *x = file_bytes(a, &na), *y = file_bytes(b, &nb);

	assert_true(na == nb && !memcmp(x, y, na));
	free(x);
	free(y);
}

/* 150 events at one go, on one thread; and in three sittings, on two. */
static void check_resume(const char *text, int classes, int stop, int again)
{
	rig r = open_rig(text, NULL, classes, 0, 1);
	json_t *place = json_pack("{s:i}", "row", stop), *back = NULL;

	for (int i = 0; i < 150; i++)
		event(r.l, i, !classes, NULL);
	assert_ok(ur_learner_save(r.l, NULL, "whole", why));
	close_rig(&r);
	r = open_rig(text, NULL, classes, 0, 2);
	for (int i = 0; i < stop; i++)
		event(r.l, i, !classes, NULL);
	assert_ok(ur_learner_save(r.l, place, "first", why));
	close_rig(&r);
	r = open_rig(text, NULL, classes, 0, 2);
	event(r.l, 999, !classes, NULL); /* whatever it was before */
	assert_ok(ur_learner_restore(r.l, "first", &back, why));
	assert_true(json_equal(place, back));
	assert_ok(ur_learner_save(r.l, back, "first_again", why));
	assert_same_files("first", "first_again");
	for (int i = stop; i < again; i++)
		event(r.l, i, !classes, NULL);
	assert_ok(ur_learner_save(r.l, NULL, "second", why));
	close_rig(&r);
	json_decref(back);
	r = open_rig(text, NULL, classes, 0, 2);
	assert_ok(ur_learner_restore(r.l, "second", &back, why));
	assert_null(back);
	for (int i = again; i < 150; i++)
		event(r.l, i, !classes, NULL);
	assert_ok(ur_learner_save(r.l, NULL, "parts", why));
	close_rig(&r);
	json_decref(place);
	assert_same_files("whole", "parts");
}

static void test_resume(void **state)
{
	(void)state;
	for (int i = 0; i < SPECS; i++) {
		check_resume(specs[i], 2, 3, 63);
		check_resume(specs[i], 0, 57, 58);
	}
}

/* -- tokens -- */

enum { TOKENS = 20 };

static rig open_tokens(const char *text, int threads)
{
	ur_spec spec;
	ur_model *m;
	rig r;

	r.ctx = calloc(1, sizeof *r.ctx); /* learners keep its address */
	assert_true(r.ctx && ur_ctx_open(r.ctx, NULL, threads));
	assert_ok(ur_spec_parse(text, &spec, why));
	r.how = settings_for(&spec);
	assert_ok(ur_model_create(&spec, &(ur_words){ .V = TOKENS }, r.ctx->k, 1, &m, why));
	ur_model_init(m, 2);
	assert_ok(ur_learner_open(&r.how, m, 0, r.ctx, &r.l, why));
	return r;
}

/* A word of seven tokens, again and again. */
static int token_of(int i) { return (i % 7) * (i % 7) % TOKENS; }

static void test_tokens(void **state)
{
	static const char *const of[] = { "lstm:1x16", "transformer:1x16,heads=2,context=16" };

	(void)state;
	for (int s = 0; s < 2; s++) {
		ur_learned whole;
		const float *out;
		int drift;
		rig r = open_tokens(of[s], 1), two;

		assert_ok(ur_learner_predict(r.l, NULL, &out, why));
		assert_null(out); /* nothing to go by */
		for (int i = 0; i < 600; i++) {
			assert_ok(ur_learner_answer(r.l, token_of(i), &drift, why));
			if (i == 300)
				assert_ok(ur_learner_save(r.l, NULL, "half", why));
		}
		whole = ur_learner_score(r.l);
		assert_int_equal(whole.events, 599); /* the first is foretold by nothing */
		assert_true(ur_prequential_of(&whole.score, UR_OF_MODEL).right_now.mean > 0.6);
		assert_true(ur_prequential_of(&whole.score, UR_OF_FROZEN).right_now.mean < 0.4);
		assert_ok(ur_learner_save(r.l, NULL, "whole", why));
		/* asking changes nothing, however often */
		assert_ok(ur_learner_predict(r.l, NULL, &out, why));
		assert_non_null(out);
		assert_int_equal(ur_learner_save(r.l, NULL, "no", NULL), UR_E_INVALID); /* its answer is open */
		close_rig(&r);
		two = open_tokens(of[s], 2);
		assert_ok(ur_learner_restore(two.l, "half", NULL, why));
		for (int i = 301; i < 600; i++) {
			if (i % 3)
				assert_ok(ur_learner_predict(two.l, NULL, &out, why));
			if (i % 3 > 1)
				assert_ok(ur_learner_predict(two.l, NULL, &out, why));
			assert_ok(ur_learner_answer(two.l, token_of(i), &drift, why));
		}
		assert_ok(ur_learner_save(two.l, NULL, "parts", why));
		assert_same_files("whole", "parts");
		close_rig(&two);
	}
}

/* -- it learns -- */

/* The answer turns around at 2,000: learning is right again, the frozen one is wrong, and the change is seen. */
static void test_drift(void **state)
{
	(void)state;
	for (int s = 0; s < SPECS; s++) {
		ur_spec spec;
		ur_learning how;
		ur_learned before, after;
		rig r;

		assert_ok(ur_spec_parse(specs[s], &spec, why));
		how = settings_for(&spec);
		how.freeze_after = 1900;
		r = open_rig(specs[s], &how, 2, 1, 1);
		for (int i = 0; i < 4000; i++) {
			const float row[FEATURES] = { feature(i, 0), feature(i, 1), feature(i, 2) };
			const float *out;
			int drift;

			assert_ok(ur_learner_predict(r.l, row, &out, why));
			assert_ok(ur_learner_answer(r.l, (row[0] > 0.5f) ^ (i >= 2000), &drift, why));
			if (i == 1999)
				before = ur_learner_score(r.l);
		}
		after = ur_learner_score(r.l);
		if (ur_prequential_of(&before.score, UR_OF_MODEL).right_now.mean < 0.9)
			fail_msg("%s: did not learn", specs[s]);
		assert_true(ur_prequential_of(&before.score, UR_OF_FROZEN).right_now.mean > 0.9);
		assert_int_equal(before.drifts, 0);
		if (ur_prequential_of(&after.score, UR_OF_MODEL).right_now.mean < 0.8)
			fail_msg("%s: did not learn again", specs[s]);
		assert_true(ur_prequential_of(&after.score, UR_OF_FROZEN).right_now.mean < 0.3);
		assert_true(after.drifts >= 1 && after.last_drift > 2000);
		close_rig(&r);
	}
}

/* Behind a drift steps are four times as long, where that was asked for. */
static void test_faster(void **state)
{
	ur_spec spec;
	ur_learning how;
	double length[2] = { 0 };

	(void)state;
	assert_ok(ur_spec_parse("gru:1x8", &spec, why));
	how = settings_for(&spec);
	how.optimizer = "sgd";
	how.momentum = 0;
	how.lr = 0.2; /* steps far above a weight's rounding */
	for (how.faster = 0; how.faster < 2; how.faster++) {
		rig r = open_rig("gru:1x8", &how, 2, 1, 1);
		const ur_model *m = ur_learner_model(r.l);
		float *before = calloc(m->floats, sizeof *before);
		int drift = 0;

		for (int i = 0; !length[how.faster] && i < 6000; i++) {
			const float row[FEATURES] = { feature(i, 0), feature(i, 1), feature(i, 2) }, *out;

			memcpy(before, m->weights, m->floats * sizeof *before);
			assert_ok(ur_learner_predict(r.l, row, &out, why));
			if (drift) {
				assert_ok(ur_learner_answer(r.l, 0, &drift, why));
				for (size_t k = 0; k < m->floats; k++)
					length[how.faster] += fabs((double)(m->weights[k] - before[k]));
			} else {
				assert_ok(ur_learner_answer(r.l, (row[0] > 0.5f) ^ (i >= 3000), &drift, why));
			}
		}
		assert_true(length[how.faster] > 0);
		free(before);
		close_rig(&r);
	}
	assert_true(fabs(length[1] / length[0] - 4) < 1e-2);
}

/* A number: what was one step ago decides, too. */
static void test_values(void **state)
{
	ur_standing model, last, usual;
	ur_learned g;
	rig r;

	(void)state;
	r = open_rig("gru:1x16", NULL, 0, 0, 1);
	for (int i = 0; i < 4000; i++)
		event(r.l, i, 1, NULL);
	g = ur_learner_score(r.l);
	model = ur_prequential_of(&g.score, UR_OF_MODEL);
	last = ur_prequential_of(&g.score, UR_OF_LAST);
	usual = ur_prequential_of(&g.score, UR_OF_USUAL);
	assert_true(g.says_values && g.events == 4000);
	assert_true(model.rmse_now < 0.35 * usual.rmse_now && usual.rmse_now < last.rmse_now);
	assert_true(fabs(usual.rmse - sqrt((9 + 4) / 12.0)) < 0.05); /* the spread of 3 u - 2 v */
	close_rig(&r);
}

/* -- files of the model as it is now -- */

static void test_snapshot(void **state)
{
	(void)state;
	for (int numbers = 0; numbers < 2; numbers++) {
		rig r = open_rig("lstm:1x12", NULL, numbers ? 0 : 2, 1, 1);
		const float row[FEATURES] = { 0.3f, 0.9f, 0.1f };
		const float *out;
		float first, again;
		ur_learner *l;
		ur_model *m;
		int class;

		for (int i = 0; i < 200; i++)
			event(r.l, i, numbers, NULL);
		if (!numbers) {
			assert_ok(ur_learner_class(r.l, "down", 4, &class, why));
			assert_int_equal(class, 0);
			assert_ok(ur_learner_class(r.l, "up\"", 3, &class, why));
			assert_ok(ur_learner_class(r.l, "down", 4, &class, why));
			assert_int_equal(class, 0);
		}
		assert_ok(ur_model_save(ur_learner_model(r.l), "model", 0, NULL, why));
		assert_ok(ur_model_load("model", r.ctx->k, 1, &m, why));
		assert_int_equal(m->ports->in.n, FEATURES);
		if (!numbers)
			assert_string_equal(m->ports->out.name[1], "up\"");
		/* a new learner of that file foretells its first row as an ordinary stream of the file would: no state yet */
		assert_ok(ur_learner_open(&r.how, m, 0, r.ctx, &l, why));
		{
			float seen[FEATURES], said[2] = { 0 };
			ur_net net;
			ur_arena a = { 0 };

			ur_port_see(&m->ports->in, row, seen);
			ur_net_plan(&net, m, r.ctx, 1, 1, 0, 0, &a);
			assert_true(ur_arena_open(&a));
			ur_net_plan(&net, m, r.ctx, 1, 1, 0, 0, &a);
			ur_net_forward(&net, &(ur_pass){ .T = 1, .B = 1, .values = seen });
			ur_model_head(m, 1, net.last, said);
			ur_port_say(&m->ports->out, said);
			first = said[0];
			ur_arena_close(&a);
		}
		assert_ok(ur_learner_predict(l, row, &out, why));
		again = out[0];
		assert_true(fabsf(first - again) < 2e-2f); /* means have moved by this row, worth one in a thousand */
		ur_learner_close(l);
		close_rig(&r);
	}
}

/* -- bad numbers -- */

static void assert_sound(ur_learner *l)
{
	const ur_model *m = ur_learner_model(l);

	for (size_t i = 0; i < m->floats; i++)
		assert_true(isfinite(m->weights[i]));
}

static void test_bad_numbers(void **state)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f, 0 };
	enum { BAD = sizeof bad / sizeof *bad };

	(void)state;
	for (int s = 0; s < SPECS; s++)
		for (int numbers = 0; numbers < 2; numbers++) {
			rig r = open_rig(specs[s], NULL, numbers ? 0 : 2, 0, 1);
			ur_learned g;

			for (int i = 0; i < 300; i++) {
				const float row[FEATURES] = { i % 5 ? feature(i, 0) : bad[i / 5 % BAD], feature(i, 1), bad[i % BAD] };
				const float *out;
				int drift;

				assert_ok(ur_learner_predict(r.l, row, &out, why));
				assert_true(isfinite(out[0]));
				if (!numbers)
					assert_ok(ur_learner_answer(r.l, class_of(i), &drift, why));
				else if (i % 50 == 49)
					assert_ok(ur_learner_answer_value(r.l, 3e38, &drift, why));
				else
					assert_ok(ur_learner_answer_value(r.l, value_of(i), &drift, why));
			}
			assert_sound(r.l);
			g = ur_learner_score(r.l);
			assert_int_equal(g.events, 300);
			assert_int_equal(g.skipped, 0); /* what was shown was in bounds */
			assert_true(isfinite(ur_prequential_of(&g.score, UR_OF_MODEL).loss));
			close_rig(&r);
		}
}

/* A rate that throws the weights away: it goes back to the frozen ones, and on. */
static void test_restart(void **state)
{
	ur_spec spec;
	ur_learning how;
	ur_learned g;
	ur_model *m;
	rig r;

	(void)state;
	assert_ok(ur_spec_parse("rnn:1x8,nonlinearity=relu", &spec, why));
	how = settings_for(&spec);
	how.optimizer = "sgd";
	how.clip = 0;
	how.lr = 1e25;
	how.momentum = 0;
	how.freeze_after = 0; /* as it begins */
	assert_ok(ur_learn_model(&spec, &(ur_learn_shape){ .features = FEATURES }, 4, ur_kernels_pick(NULL), &m, why));
	r = open_rig("rnn:1x8,nonlinearity=relu", &how, 0, 0, 1);
	for (int i = 0; i < 400; i++) {
		const int64_t before = ur_learner_score(r.l).restarts;

		event(r.l, i, 1, NULL);
		if (ur_learner_score(r.l).restarts > before)
			assert_memory_equal(ur_learner_model(r.l)->weights, m->weights, m->floats * sizeof *m->weights);
	}
	ur_model_free(m);
	g = ur_learner_score(r.l);
	assert_true(g.skipped > WINDOW && g.restarts > 0 && g.events == 400);
	assert_sound(r.l);
	assert_true(isfinite(ur_prequential_of(&g.score, UR_OF_MODEL).rmse));
	close_rig(&r);
}

/* -- memory -- */

static void test_no_allocation(void **state)
{
	rig r = open_rig("lstm:1x12", NULL, 2, 0, 1);
	const size_t bytes = ur_learner_bytes(r.l);
	struct mallinfo2 before, after;

	(void)state;
	for (int i = 0; i < 70; i++)
		event(r.l, i, 0, NULL);
	before = mallinfo2();
	for (int i = 70; i < 3000; i++)
		event(r.l, i, 0, NULL);
	after = mallinfo2();
	assert_true(before.uordblks == after.uordblks && before.hblkhd == after.hblkhd);
	assert_int_equal(bytes, ur_learner_bytes(r.l));
	close_rig(&r);
}

/* -- misuse -- */

static void test_misuse(void **state)
{
	const float row[FEATURES] = { 0 };
	const float *out;
	ur_learner *l;
	ur_learning how;
	ur_spec spec;
	ur_model *m;
	int drift, class;
	ur_err err;
	rig r = open_rig("lstm:1x12", NULL, 2, 0, 1), v, t;

	(void)state;
	assert_int_equal(ur_learner_answer(r.l, 0, &drift, &err), UR_E_INVALID);
	assert_says(err, "foretold first");
	assert_int_equal(ur_learner_predict(r.l, NULL, &out, &err), UR_E_INVALID);
	assert_says(err, "reads values");
	assert_ok(ur_learner_predict(r.l, row, &out, why));
	assert_int_equal(ur_learner_answer(r.l, 2, &drift, &err), UR_E_INVALID);
	assert_says(err, "no class 2: the model has 2");
	assert_int_equal(ur_learner_answer(r.l, -1, &drift, &err), UR_E_INVALID);
	assert_int_equal(ur_learner_answer_value(r.l, 1, &drift, &err), UR_E_INVALID);
	assert_says(err, "not numbers");
	assert_int_equal(ur_learner_save(r.l, NULL, "no", &err), UR_E_INVALID);
	assert_says(err, "waits for its answer");
	ur_learner_pass(r.l);
	ur_learner_pass(r.l);
	assert_int_equal(ur_learner_score(r.l).unanswered, 1);
	assert_int_equal(ur_learner_score(r.l).events, 0);
	assert_ok(ur_learner_class(r.l, "a", 1, &class, why));
	assert_ok(ur_learner_class(r.l, "b", 1, &class, why));
	assert_int_equal(ur_learner_class(r.l, "c", 1, &class, &err), UR_E_INVALID);
	assert_says(err, "'c' would be class 3, and the model has outputs for 2");
	v = open_rig("lstm:1x12", NULL, 0, 0, 1);
	assert_ok(ur_learner_predict(v.l, row, &out, why));
	assert_int_equal(ur_learner_answer(v.l, 0, &drift, &err), UR_E_INVALID);
	assert_says(err, "not a class");
	assert_int_equal(ur_learner_answer_value(v.l, NAN, &drift, &err), UR_E_INVALID);
	assert_int_equal(ur_learner_answer_value(v.l, 1e300, &drift, &err), UR_E_INVALID);
	assert_int_equal(ur_learner_class(v.l, "c", 1, &class, &err), UR_E_INVALID);
	t = open_tokens("gru:1x8", 1);
	assert_int_equal(ur_learner_predict(t.l, row, &out, &err), UR_E_INVALID);
	assert_says(err, "reads tokens");
	assert_int_equal(ur_learner_answer(t.l, TOKENS, &drift, &err), UR_E_INVALID);
	assert_says(err, "no token 20");
	/* settings and models that cannot be */
	how = r.how;
	how.window = 33;
	assert_ok(ur_spec_parse("transformer:1x8,context=32", &spec, why));
	assert_ok(ur_learn_model(&spec, &(ur_learn_shape){ .features = 2, .classes = 3 }, 1, r.ctx->k, &m, why));
	assert_int_equal(ur_learner_open(&how, m, 1, r.ctx, &l, &err), UR_E_INVALID);
	assert_says(err, "do not fit a context of 32");
	how = r.how;
	how.optimizer = "newton";
	assert_ok(ur_learn_model(&spec, &(ur_learn_shape){ .features = 2, .classes = 3 }, 1, r.ctx->k, &m, why));
	assert_int_equal(ur_learner_open(&how, m, 1, r.ctx, &l, &err), UR_E_INVALID);
	assert_says(err, "newton");
	assert_ok(ur_learn_model(&spec, &(ur_learn_shape){ .features = 2, .classes = 3 }, 1, r.ctx->k, &m, why));
	m->weights[7] = NAN;
	assert_int_equal(ur_learner_open(&r.how, m, 1, r.ctx, &l, &err), UR_E_INVALID);
	assert_says(err, "not all numbers");
	assert_int_equal(ur_learn_model(&spec, &(ur_learn_shape){ .features = 2, .classes = 1 }, 1, r.ctx->k, &m, &err),
	                 UR_E_INVALID);
	close_rig(&r);
	close_rig(&v);
	close_rig(&t);
}

/* -- checkpoints that are damaged, or of something else -- */

static void write_bytes(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_true(f && fwrite(bytes, 1, n, f) == n && !fclose(f));
}

static void test_damaged(void **state)
{
	rig r = open_rig("gru:1x8", NULL, 2, 0, 1), other;
	ur_learning how = r.how;
	size_t n;
	char *bytes;
	ur_err err;
	int refused = 0;

	(void)state;
	for (int i = 0; i < 90; i++)
		event(r.l, i, 0, NULL);
	assert_ok(ur_learner_save(r.l, NULL, "good", why));
	bytes = file_bytes("good", &n);
	for (size_t at = 0; at < n; at += n / 40 + 1) { /* cut short */
		write_bytes("bad", bytes, at);
		assert_int_not_equal(ur_learner_restore(r.l, "bad", NULL, &err), UR_OK);
	}
	for (uint64_t i = 0; i < 300; i++) { /* one byte is another: refused, or it goes on without trouble */
		const size_t at = (size_t)ur_rng_below(5, ur_rng_for(UR_RNG_TEST, 3), i, n);
		const char was = bytes[at];
		ur_status status;

		bytes[at] = (char)(was ^ (char)(1 << i % 8));
		write_bytes("bad", bytes, n);
		bytes[at] = was;
		status = ur_learner_restore(r.l, "bad", NULL, &err);
		assert_true(status == UR_OK || status == UR_E_FORMAT || status == UR_E_INVALID);
		refused += status != UR_OK;
		if (!status)
			for (int k = 0; k < 10; k++)
				event(r.l, k, 0, NULL);
	}
	assert_true(refused > 0);
	free(bytes);
	/* other settings, other models, no checkpoint at all */
	how.lr = 0.02;
	other = open_rig("gru:1x8", &how, 2, 0, 1);
	assert_int_equal(ur_learner_restore(other.l, "good", NULL, &err), UR_E_INVALID);
	assert_says(err, "had --lr 0.01, now 0.02");
	close_rig(&other);
	other = open_rig("gru:1x9", NULL, 2, 0, 1);
	assert_int_equal(ur_learner_restore(other.l, "good", NULL, &err), UR_E_INVALID);
	assert_says(err, "is of 'gru:1x8', not of 'gru:1x9'");
	close_rig(&other);
	other = open_rig("gru:1x8", NULL, 3, 0, 1);
	assert_int_equal(ur_learner_restore(other.l, "good", NULL, &err), UR_E_INVALID);
	assert_says(err, "\"outputs\":2");
	assert_ok(ur_model_save(ur_learner_model(other.l), "model", 0, NULL, why));
	assert_int_equal(ur_learner_restore(other.l, "model", NULL, &err), UR_E_FORMAT);
	assert_says(err, "no checkpoint of a model that learns");
	close_rig(&other);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_past), cmocka_unit_test(test_resume), cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_drift), cmocka_unit_test(test_faster),
		cmocka_unit_test(test_values), cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_bad_numbers), cmocka_unit_test(test_restart), cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_misuse), cmocka_unit_test(test_damaged),
	};
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
