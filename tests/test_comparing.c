/* A whole comparison on a small text: what comes out, that it goes on where it was stopped, and what it refuses. */
#include "small_models.h"

#include "compare/compare.h"

#include <math.h>

/* -- a text to work on -- */

static char text_path[64];

/* Words that follow each other by a rule, so that there is something to learn. */
static ur_corpus *text_open(int bytes, ur_split *split)
{
	static const char *const words[] = { "the ", "cat ", "sat ", "on ", "a ", "mat ", "and ", "then\n",
	                                     "dog ", "ran " };
	ur_corpus *corpus;
	uint32_t r = 7;
	FILE *f;

	small_path(text_path);
	f = fopen(text_path, "w");
	assert_non_null(f);
	for (int n = 0, w = 0; n < bytes; n += (int)strlen(words[w])) {
		r = r * 1664525u + 1013904223u;
		w = (w * 3 + (int)(r >> 24) % 3) % 10;
		fputs(words[w], f);
	}
	assert_int_equal(fclose(f), 0);
	assert_ok(ur_corpus_open(&(ur_corpus_request){ .path = text_path, .vocab = "byte" }, &corpus, why));
	assert_ok(ur_split_make(ur_corpus_tokens(corpus), 0.8, 0.1, split, why));
	return corpus;
}

static void text_close(ur_corpus *corpus)
{
	ur_corpus_close(corpus);
	unlink(text_path);
}

/* -- the whole -- */

struct watching { int calls, trials, training, stop_at; double share; };

static int watch(void *arg, const ur_stage *s)
{
	struct watching *w = arg;
	w->calls++;
	w->trials += strstr(s->what, "trial") && s->step == 0;
	w->training += !strcmp(s->what, "training") && s->step == 0;
	assert_true(s->share >= 0 && s->share <= 1);
	if (w->trials)
		w->share = s->share;
	return w->stop_at > 0 && w->calls >= w->stop_at;
}

static ur_compare small_compare(const ur_corpus *corpus, const ur_split *split, const ur_ctx *ctx, ur_journal *journal,
                                struct watching *w)
{
	static const char *const archs[] = { "gru", "transformer,context=32,heads=2", "gru:1x12" };
	return (ur_compare){ .archs = 3, .arch = archs, .corpus = corpus, .split = *split, .kind = UR_BUDGET_TOKENS,
	                     .budget = 40000, .seeds = 2, .trials = 2, .share = 0.25, .tuned = 1,
	                     .tune = { ur_tunable_find("lr") }, .seed = 5, .ctx = ctx, .journal = journal,
	                     .watch = watch, .arg = w };
}

/* The same losses, to the bit. */
static void assert_same(const ur_comparison *a, const ur_comparison *b)
{
	assert_int_equal(a->n, b->n);
	for (int i = 0; i < a->n; i++) {
		const ur_contender *x = &a->of[i], *y = &b->of[i];
		for (int j = 0; j < x->tuning[0].trials; j++)
			assert_true(x->tuning[0].trial[j].loss == y->tuning[0].trial[j].loss);
		assert_true(x->loss.mean == y->loss.mean && x->loss_same.mean == y->loss_same.mean);
		for (int s = 0; s < a->seeds; s++) {
			assert_true(x->run[s].loss == y->run[s].loss && x->run[s].val_loss == y->run[s].val_loss);
			assert_int_equal(x->run[s].points, y->run[s].points);
			for (int p = 0; p < x->run[s].points; p++)
				assert_true(x->run[s].curve[p].loss == y->run[s].curve[p].loss);
		}
		assert_int_equal(x->bins, y->bins);
		for (int p = 0; p < x->bins; p++)
			assert_true(x->by_position[p].loss == y->by_position[p].loss);
		assert_string_equal(x->sample, y->sample);
	}
}

static void test_whole(void **state)
{
	ur_split split;
	ur_corpus *corpus = text_open(30000, &split);
	ur_comparison *c[2];
	ur_err err = { 0 };
	char folder[] = "/tmp/unroll-compare-XXXXXX", out[64], file[128];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(out, sizeof out, "%s/deep/models", folder);
	for (int t = 0; t < 2; t++) {
		struct watching w = { 0 };
		ur_ctx ctx;
		ur_journal *journal;
		ur_compare what;
		json_t *document;

		assert_true(ur_ctx_open(&ctx, NULL, t + 1));
		assert_ok(ur_journal_open(&journal, why));
		what = small_compare(corpus, &split, &ctx, journal, &w);
		what.out_dir = t ? out : NULL;
		c[t] = calloc(1, sizeof *c[t]);
		if (ur_compare_run(&what, c[t], &err))
			fail_msg("%s", err.text);
		assert_int_equal(w.trials, 6);
		assert_true(w.training >= 6);
		assert_true(w.share > 0.5);
		assert_ok(journal->get(journal->arg, "document", &document, why));
		assert_string_equal(json_string_value(json_object_get(document, "state")), "done");
		json_decref(document);
		ur_journal_close(journal);
		ur_ctx_close(&ctx);
	}
	assert_int_equal(c[1]->n, 3);
	/* the one with a shape keeps it, the others match it */
	assert_string_equal(c[1]->of[2].spec.text, "gru:1x12");
	assert_string_equal(c[1]->of[2].name, "gru-1x12");
	assert_string_equal(c[1]->of[1].name, "transformer");
	assert_int_equal(c[1]->target, c[1]->of[2].parameters);
	for (int i = 0; i < 3; i++) {
		const ur_contender *k = &c[1]->of[i];
		ur_model *m;

		assert_true(!k->diverged && k->tuning[0].trials == 2);
		assert_true(llabs(k->run[1].tokens - 40000) <= 1024);
		/* learnt something: below what equally likely bytes would cost; and no two seeds alike */
		assert_true(k->loss.mean > 0.5 && k->loss.mean < log(256) - 0.5);
		assert_true(k->run[0].loss != k->run[1].loss);
		assert_true(fabs(k->bits_per_byte.mean - k->loss.mean / log(2)) < 1e-9); /* bytes are tokens here */
		assert_true(k->positions > 2 && k->latency[0].p50 > 0 && k->tokens_per_second > 0 && k->memory.planned > 0);
		assert_true(k->lengths > 2 && k->bins > 3 && k->sample[0] && k->run[0].points >= UR_VALIDATIONS);
		assert_true(k->above.difference.mean >= 0);
		/* what was saved is what was scored */
		assert_int_equal(c[0]->of[i].file_bytes, 0);
		snprintf(file, sizeof file, "%s/%s.safetensors", out, k->name);
		assert_string_equal(k->path, file);
		assert_ok(unroll_open(file, &m, why));
		assert_string_equal(unroll_spec(m), k->spec.text);
		assert_int_equal(unroll_parameters(m), k->parameters);
		unroll_close(m);
		unlink(file);
	}
	/* at any number of threads */
	assert_same(c[0], c[1]);
	assert_true(c[1]->advice.pick >= 0 && c[1]->advice.text[0]);
	free(c[0]);
	free(c[1]);
	assert_int_equal(rmdir(out), 0);
	snprintf(out, sizeof out, "%s/deep", folder);
	assert_int_equal(rmdir(out), 0);
	assert_int_equal(rmdir(folder), 0);
	text_close(corpus);
}

/* Stopped again and again, it ends as if nothing had been. */
static void test_resumed(void **state)
{
	ur_split split;
	ur_corpus *corpus = text_open(30000, &split);
	ur_comparison *whole = calloc(1, sizeof *whole), *parts = calloc(1, sizeof *parts);
	struct watching w = { 0 };
	ur_ctx ctx;
	ur_journal *journal;
	ur_compare what;
	ur_status status = UR_E_STOPPED;
	int sittings = 0;

	(void)state;
	assert_true(ur_ctx_open(&ctx, NULL, 2));
	assert_ok(ur_journal_open(&journal, why));
	what = small_compare(corpus, &split, &ctx, journal, &w);
	assert_ok(ur_compare_run(&what, whole, why));
	ur_journal_close(journal);

	assert_ok(ur_journal_open(&journal, why));
	for (; status == UR_E_STOPPED; sittings++) {
		w = (struct watching){ .stop_at = 37 + 7 * sittings };
		what = small_compare(corpus, &split, &ctx, journal, &w);
		status = ur_compare_run(&what, parts, NULL);
		assert_true(sittings < 100);
	}
	assert_int_equal(status, UR_OK);
	assert_true(sittings > 5);
	assert_same(whole, parts);
	ur_journal_close(journal);
	ur_ctx_close(&ctx);
	free(whole);
	free(parts);
	text_close(corpus);
}

/* A spec given twice is trained with other seeds: else the two would be one. */
static void test_copies(void **state)
{
	static const char *const archs[] = { "gru:1x12", "gru:1x12" };
	ur_split split;
	ur_corpus *corpus = text_open(30000, &split);
	ur_comparison *c = calloc(1, sizeof *c);
	struct watching w = { 0 };
	ur_ctx ctx;
	ur_journal *journal;
	ur_compare what;

	(void)state;
	assert_true(ur_ctx_open(&ctx, NULL, 2));
	assert_ok(ur_journal_open(&journal, why));
	what = small_compare(corpus, &split, &ctx, journal, &w);
	what.archs = 2;
	what.arch = archs;
	what.lr = (const double[]){ 0.01, 0.01 };
	what.tuned = 0;
	assert_ok(ur_compare_run(&what, c, why));
	assert_string_equal(c->of[0].spec.text, c->of[1].spec.text);
	assert_string_not_equal(c->of[0].name, c->of[1].name);
	assert_true(c->of[0].run[0].loss != c->of[1].run[0].loss);
	assert_true(c->of[0].recipe.lr == 0.01);
	ur_journal_close(journal);
	ur_ctx_close(&ctx);
	free(c);
	text_close(corpus);
}

static void test_refused(void **state)
{
	ur_split split, none;
	ur_corpus *corpus = text_open(30000, &split);
	ur_comparison *c = calloc(1, sizeof *c);
	ur_ctx ctx;
	ur_err err = { 0 };
	ur_compare what;
	ur_journal *journal;

	(void)state;
	assert_true(ur_ctx_open(&ctx, NULL, 1));
	assert_ok(ur_journal_open(&journal, why));
	what = small_compare(corpus, &split, &ctx, journal, &(struct watching){ 0 });
	what.budget = 0;
	assert_int_equal(ur_compare_run(&what, c, &err), UR_E_INVALID);
	assert_says(err, "budget");
	what.kind = UR_BUDGET_TOTAL;
	what.budget = 1e-3;
	assert_int_equal(ur_compare_run(&what, c, &err), UR_E_INVALID);
	assert_says(err, "too few");
	what = small_compare(corpus, &split, &ctx, journal, &(struct watching){ 0 });
	assert_ok(ur_split_make(ur_corpus_tokens(corpus), 1, 0, &none, why));
	what.split = none;
	assert_int_equal(ur_compare_run(&what, c, &err), UR_E_INVALID);
	assert_says(err, "--val");
	what = small_compare(corpus, &split, &ctx, journal, &(struct watching){ 0 });
	what.archs = 0;
	assert_int_equal(ur_compare_run(&what, c, &err), UR_E_INVALID);
	what = small_compare(corpus, &split, &ctx, journal, &(struct watching){ 0 });
	what.out_dir = text_path;
	assert_int_equal(ur_compare_run(&what, c, &err), UR_E_IO);
	ur_journal_close(journal);
	ur_ctx_close(&ctx);
	free(c);
	text_close(corpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests_name("comparing", tests, NULL, NULL);
}
