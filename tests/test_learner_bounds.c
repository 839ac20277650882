/* Learning online at its edges: values that hardly move, what the frozen copy sees when it is made, classes without
 * names, and checkpoints whose numbers cannot be. */
#include "test_folder.h"

#include "base/rng.h"
#include "train/learner_parts.h"

#include <math.h>

static float feature(int i, int k) { return (float)ur_rng_unit(9, ur_rng_for(UR_RNG_TEST, (uint64_t)k), (uint64_t)i); }

typedef struct rig { ur_ctx ctx; ur_learner *l; ur_learning how; } rig;

static ur_learning defaults(const char *text, ur_spec *spec)
{
	ur_learning how;

	assert_ok(ur_spec_parse(text, spec, why));
	ur_learning_defaults(&how, spec);
	return how;
}

static rig *open_rig(const char *text, const ur_learning *how, int features, int classes, int blind)
{
	rig *r = calloc(1, sizeof *r);
	ur_spec spec;
	ur_model *m;

	assert_true(r && ur_ctx_open(&r->ctx, NULL, 1));
	r->how = defaults(text, &spec);
	if (how)
		r->how = *how;
	assert_ok(ur_learn_model(&spec, &(ur_learn_shape){ .features = features, .classes = classes, .blind = blind }, 4,
	                         r->ctx.k, &m, why));
	assert_ok(ur_learner_open(&r->how, m, 1, &r->ctx, &r->l, why));
	return r;
}

static void close_rig(rig *r)
{
	ur_learner_close(r->l);
	ur_ctx_close(&r->ctx);
	free(r);
}

/* -- classes of a file's model that names none -- */

/* Whichever comes first: class 1 is output 1. */
static void test_unnamed(void **state)
{
	rig *r = open_rig("gru:1x8", NULL, 2, 3, 1);
	ur_learner *l, *again;
	ur_model *m;
	ur_learning how = r->how;
	ur_err err;
	int class;

	(void)state;
	assert_ok(ur_model_save(ur_learner_model(r->l), "unnamed", 0, NULL, why));
	assert_ok(ur_model_load("unnamed", r->ctx.k, 1, &m, why));
	assert_ok(ur_learner_open(&how, m, 0, &r->ctx, &l, why));
	assert_ok(ur_learner_class(l, "1", 1, &class, why));
	assert_int_equal(class, 1);
	assert_ok(ur_learner_class(l, "0", 1, &class, why));
	assert_int_equal(class, 0);
	assert_int_equal(ur_learner_class(l, "3", 1, &class, &err), UR_E_INVALID);
	assert_says(err, "answers are 0 to 2, not '3'");
	assert_int_equal(ur_learner_class(l, "high", 4, &class, &err), UR_E_INVALID);
	assert_int_equal(ur_learner_class(l, "01", 2, &class, &err), UR_E_INVALID);
	ur_learner_close(l);
	/* a new model's are named as they come, also where it was stopped before the first of them */
	assert_ok(ur_learner_save(r->l, NULL, "early", why));
	assert_ok(ur_model_load("unnamed", r->ctx.k, 1, &m, why));
	assert_ok(ur_learner_open(&how, m, 0, &r->ctx, &again, why));
	assert_ok(ur_learner_restore(again, "early", NULL, why));
	assert_ok(ur_learner_class(again, "high", 4, &class, why));
	assert_int_equal(class, 0);
	ur_learner_close(again);
	close_rig(r);
}

/* -- the frozen copy -- */

/* Where hardly anything is learnt, what was just frozen says what the model says, whatever the units of the data: it
 * has seen the same, in the same units. */
static void test_frozen(void **state)
{
	static const char *const specs[] = { "rnn:1x8", "gru:2x8", "lstm:1x12", "transformer:1x8,heads=2,context=32",
		"attention:2x8,block=llama,heads=2", "attention:1x8,block=llama,window=3" };
	enum { AT = 1000, WINDOW = 16 };

	(void)state;
	for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
		for (int blind = 0; blind < 2; blind++) {
			ur_spec spec;
			ur_learning how = defaults(specs[s], &spec);
			rig *r;

			how.window = WINDOW;
			how.lr = 1e-12;
			how.norm = 0;
			how.freeze_after = AT;
			r = open_rig(specs[s], &how, 2, 0, blind);
			for (size_t i = 0; i < r->l->live.m->floats; i++) /* the past decides, too */
				r->l->live.m->weights[i] *= 4;
			ur_learner_pack(r->l);
			for (int i = 0; i <= AT; i++) {
				const float row[] = { 1000 + 10 * feature(i, 0), 300 * feature(i, 1) };
				const float *out;
				double far;
				int drift;

				assert_ok(ur_learner_predict(r->l, row, &out, why));
				far = fabs((double)(r->l->live.said[0] - r->l->frozen.said[0]));
			if (i >= AT && !(far < 0.002))
					fail_msg("%s: %g apart", specs[s], far);
				assert_ok(ur_learner_answer_value(r->l, 1e4 + 500 * (double)feature(i, 0), &drift, why));
			}
			assert_int_equal(r->l->frozen_lives, 1);
			close_rig(r);
		}
}

/* -- what layers see -- */

/* Time stamps of nanoseconds as floats stay the same for long and then move by a rounding: that is no value at all. */
static void test_bounds(void **state)
{
	enum { BACK = 10000 };
	ur_spec spec;
	ur_learning how = defaults("gru:1x4", &spec);
	rig *r;

	(void)state;
	how.norm = BACK;
	r = open_rig("gru:1x4", &how, 3, 0, 0);
	for (int i = 0; i < 20000; i++) {
		const float stamp = (float)(1.7e18 + i * 1e7);
		const float row[] = { stamp, feature(i, 0), i % 3000 == 2999 ? 3e38f : 1e9f }, *out;
		const float *seen;
		int drift;

		assert_ok(ur_learner_predict(r->l, row, &out, why));
		seen = r->l->live.ring.rows + (size_t)(r->l->live.ring.from + r->l->live.ring.count - 1) * 4;
		for (int k = 0; k < 4; k++)
			if (!(fabsf(seen[k]) <= 100)) /* the root of BACK */
				fail_msg("event %d, input %d: %g", i, k, (double)seen[k]);
		assert_ok(ur_learner_answer_value(r->l, (double)stamp, &drift, why));
		assert_true(fabsf(r->l->wanted[r->l->live.ring.from + r->l->live.ring.count - 1]) <= 100);
	}
	close_rig(r);
}

/* No deviation is known before two answers differ, so there is no loss; the same answer again is foretold as it is. */
static void test_first_loss(void **state)
{
	rig *r = open_rig("lstm:1x8", NULL, 1, 0, 0);
	const float *out;
	ur_learned g;
	int drift;

	(void)state;
	for (int i = 0; i < 300; i++) {
		const float row[] = { sinf((float)i) };

		assert_ok(ur_learner_predict(r->l, row, &out, why));
		if (i > 0 && i < 20)
			assert_true(out[0] == 1e6f);
		assert_ok(ur_learner_answer_value(r->l, 1e6 + (i < 20 ? 0 : sin(i)), &drift, why));
		g = ur_learner_score(r->l);
		assert_int_equal(isnan(ur_prequential_of(&g.score, UR_OF_MODEL).loss), i <= 20);
	}
	assert_true(ur_prequential_of(&g.score, UR_OF_MODEL).loss < 10);
	close_rig(r);
}

/* -- checkpoints and settings that cannot be -- */

/* Saves it with one number changed, then goes back to what it was. */
static void refused(ur_learner *l, int64_t *number, int64_t to, const char *name)
{
	const int64_t was = *number;
	ur_status status;

	*number = to;
	assert_ok(ur_learner_save(l, NULL, "hostile", why));
	*number = was;
	if ((status = ur_learner_restore(l, "hostile", NULL, NULL)) != UR_E_FORMAT)
		fail_msg("%s of %lld: %s", name, (long long)to, unroll_status_text(status));
	assert_ok(ur_learner_restore(l, "sound", NULL, why));
}

static void test_hostile(void **state)
{
	static const int64_t to[] = { INT64_MAX, ((int64_t)1 << 53) + 1, -2 };
	rig *r = open_rig("lstm:1x4", NULL, 2, 3, 0);
	ur_learner *l = r->l;
	const float *out;
	int drift;

	(void)state;
	for (int i = 0; i < 50; i++) {
		const float row[] = { feature(i, 0), feature(i, 1) };

		assert_ok(ur_learner_predict(l, row, &out, why));
		assert_ok(ur_learner_answer(l, i % 3, &drift, why));
	}
	assert_ok(ur_learner_save(l, NULL, "sound", why));
	for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
		refused(l, &l->events, to[i], "events");
		refused(l, &l->steps, to[i], "steps");
		refused(l, &l->skipped, to[i], "skipped");
		refused(l, &l->unanswered, to[i], "unanswered");
		refused(l, &l->bad, to[i], "bad");
		refused(l, &l->usual, to[i], "usual");
		refused(l, &l->counts[0], to[i], "counts");
		refused(l, &l->adwin.seen, to[i], "seen");
		refused(l, ur_model_position(l->live.state), to[i], "position");
		refused(l, ur_model_position(l->frozen.state), to[i], "frozen position");
	}
	close_rig(r);
}

static void test_infinite(void **state)
{
	ur_spec spec;
	const ur_learning how = defaults("gru:1x4", &spec);
	ur_learning h = how;
	double *const of[] = { &h.lr, &h.beta1, &h.beta2, &h.eps, &h.momentum, &h.weight_decay, &h.clip, &h.norm, &h.fade,
		&h.delta };

	(void)state;
	assert_ok(ur_learning_check(&h, why));
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		for (int nan = 0; nan < 2; nan++) {
			h = how;
			*of[i] = nan ? NAN : INFINITY;
			if (ur_learning_check(&h, NULL) != UR_E_INVALID)
				fail_msg("setting %zu may be %g", i, *of[i]);
		}
}

/* Inputs of the previous answer are known by their names, which fields may not have. */
static void test_names(void **state)
{
	static const char *const names[] = { "a", "answer[-1]x" };
	ur_spec spec;
	ur_model *m;
	ur_err err;

	(void)state;
	(void)defaults("gru:1x4", &spec);
	for (int blind = 0; blind < 2; blind++) {
		const ur_learn_shape shape = { .features = 2, .name = names, .blind = blind };

		assert_int_equal(ur_learn_model(&spec, &shape, 1, ur_kernels_pick(NULL), &m, &err), UR_E_INVALID);
		assert_says(err, "called 'answer[-1]x'");
		assert_null(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unnamed), cmocka_unit_test(test_frozen), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_first_loss), cmocka_unit_test(test_hostile), cmocka_unit_test(test_infinite),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
