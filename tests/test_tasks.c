/* Tasks: what their sequences say against solvers of their own, that they are drawn as promised, complaints; and models
 * that are trained and scored on them. */
#include "base/rng.h"
#include "train/score_task.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void parse(const char *text, ur_task *t)
{
	ur_err err = { 0 };
	if (ur_task_parse(text, t, &err))
		fail_msg("%s: %s", text, err.text);
}

/* -- solvers: from what is read alone, what is to be said at each position; '\0': nothing -- */

static char shown(const ur_task *t, int token)
{
	const char *text;
	assert_int_equal(ur_vocab_decode(t->vocab, token, &text), 1);
	assert_in_range(*text, 33, 126);
	return *text;
}

static void solve_adding(const char *read, int n, char *say)
{
	int sum = 0, marks = 0;
	for (int i = 0; i < n; i++)
		if (read[i] >= 'A' && read[i] <= 'M') {
			sum += read[i] - 'A';
			marks++;
		}
	assert_int_equal(marks, 2);
	assert_int_equal(read[n - 1], '=');
	say[n - 1] = (char)('a' + sum);
}

/* Both copies: the letters before '|', in order, from there on. */
static void solve_copy(const char *read, int n, char *say)
{
	int to = 0;
	while (read[to] != '|')
		to++;
	for (int i = 0, at = to; i < to; i++)
		if (read[i] != '.')
			say[at++] = read[i];
	/* and what was said is read back */
	for (int i = to + 1; i < n; i++)
		assert_int_equal(read[i], say[i - 1]);
}

static void solve_recall(const char *read, int n, char *say)
{
	int last = 0, from;
	for (int i = 0; i < n; i++) /* pairs stand at the beginning; asked is what stands behind the noise */
		if (read[i] == '.')
			last = i;
	from = last + 1;
	for (int i = from; i < n; i += 2) {
		const char *at = memchr(read, read[i], (size_t)from);
		assert_non_null(at);
		say[i] = at[1];
		assert_true(i + 1 >= n || read[i + 1] == say[i]);
		for (const char *other = at + 1; (other = memchr(other, read[i], (size_t)(read + from - other))); other++)
			fail_msg("key '%c' stands for two values", read[i]);
	}
}

static void solve_parity(const char *read, int n, char *say)
{
	int ones = 0;
	for (int i = 0; i < n; i++) {
		ones += read[i] == '1';
		say[i] = ones % 2 ? 'o' : 'e';
	}
}

static void solve_parity_last(const char *read, int n, char *say)
{
	solve_parity(read, n, say);
	memset(say, 0, (size_t)n - 1);
}

static const struct { const char *text; int length, scored; void (*solve)(const char *, int, char *); } cases[] = {
	{ "task:adding,T=2", 3, 1, solve_adding },
	{ "task:adding,T=50", 51, 1, solve_adding },
	{ "task:adding,T=30,levels=13", 31, 1, solve_adding },
	{ "task:copy,T=1", 20, 10, solve_copy },
	{ "task:copy,T=40", 59, 10, solve_copy },
	{ "task:copy,T=7,items=3,symbols=26", 12, 3, solve_copy },
	{ "task:selective,T=16", 32, 16, solve_copy },
	{ "task:selective,items=5,T=60,symbols=4", 65, 5, solve_copy },
	{ "task:recall,T=40", 41, 1, solve_recall },
	{ "task:recall,T=30,pairs=6,queries=6,keys=6", 41, 6, solve_recall },
	{ "task:parity,T=33", 33, 33, solve_parity },
	{ "task:parity,T=20,answers=last", 20, 1, solve_parity_last },
};
enum { CASES = sizeof cases / sizeof *cases, LONGEST = 80, MANY = 200 };

static void answers_are_those_of_a_solver(void **unused)
{
	(void)unused;
	for (int i = 0; i < CASES; i++) {
		static int32_t ids[LONGEST * MANY], targets[LONGEST * MANY];
		ur_task t;

		parse(cases[i].text, &t);
		assert_int_equal(t.length, cases[i].length);
		assert_int_equal(t.scored, cases[i].scored);
		for (int part = 0; part < UR_PARTS; part++) {
			ur_task_draw(&t, 3, (ur_part_of)part, 1000, MANY, ids, targets);
			for (int b = 0; b < MANY; b++) {
				char read[LONGEST], say[LONGEST] = { 0 };
				int scored = 0;

				for (int p = 0; p < t.length; p++)
					read[p] = shown(&t, ids[p * MANY + b]);
				cases[i].solve(read, t.length, say);
				for (int p = 0; p < t.length; p++) {
					const int32_t target = targets[p * MANY + b];
					scored += target >= 0;
					if (target < 0 ? say[p] != 0 : say[p] != shown(&t, target))
						fail_msg("%s: sequence %.*s at %d", cases[i].text, t.length, read, p);
				}
				assert_int_equal(scored, t.scored);
			}
		}
		ur_task_free(&t);
	}
}

/* The blank time of copy: from reading the last symbol to saying the first. */
static void copy_waits_so_long(void **unused)
{
	int32_t ids[59], targets[59];
	ur_task t;

	(void)unused;
	parse("task:copy,T=40", &t);
	ur_task_draw(&t, 1, UR_TRAIN, 0, 1, ids, targets);
	assert_true(targets[48] < 0 && targets[49] == ids[0] && targets[58] == ids[9]);
	ur_task_free(&t);
}

/* -- how they are drawn -- */

/* A sequence is a function of seed, part and number: of no batch, and no other part. */
static void batches_are_of_numbered_sequences(void **unused)
{
	int32_t ids[20 * 8], targets[20 * 8], one[20], aim[20], again[20];
	ur_task t;

	(void)unused;
	parse("task:copy,T=1", &t);
	ur_task_draw(&t, 9, UR_TRAIN, 40, 8, ids, targets);
	for (int b = 0; b < 8; b++) {
		ur_task_draw(&t, 9, UR_TRAIN, 40 + b, 1, one, aim);
		for (int p = 0; p < t.length; p++) {
			assert_int_equal(one[p], ids[p * 8 + b]);
			assert_int_equal(aim[p], targets[p * 8 + b]);
		}
	}
	ur_task_draw(&t, 10, UR_TRAIN, 47, 1, again, aim);
	assert_memory_not_equal(one, again, sizeof one);
	/* held-out parts do not depend on the seed */
	ur_task_draw(&t, 9, UR_VAL, 5, 1, one, aim);
	ur_task_draw(&t, 10, UR_VAL, 5, 1, again, aim);
	assert_memory_equal(one, again, 19 * sizeof *one);
	ur_task_free(&t);
}

static int by_bits(const void *a, const void *b) { return memcmp(a, b, 96 * sizeof(int32_t)); }

/* 96 bits: that two of so many agree by chance has a probability below 1e-20. The seed of the held-out parts is among
 * those of training. */
static void no_sequence_comes_twice(void **unused)
{
	enum { N = 1500, T = 96 };
	static const uint64_t seeds[] = { 0, 1, 0x74657374, UINT64_MAX };
	static int32_t all[N * 6][T], targets[T];
	ur_task t;
	int n = 0;

	(void)unused;
	parse("task:parity,T=96", &t);
	for (int s = 0; s < 4; s++)
		for (int i = 0; i < N; i++)
			ur_task_draw(&t, seeds[s], UR_TRAIN, i * (int64_t)(s == 3 ? 1000003 : 1), 1, all[n++], targets);
	for (int part = UR_VAL; part < UR_PARTS; part++)
		for (int i = 0; i < N; i++)
			ur_task_draw(&t, 1, (ur_part_of)part, i, 1, all[n++], targets);
	qsort(all, (size_t)n, sizeof all[0], by_bits);
	for (int i = 1; i < n; i++)
		assert_memory_not_equal(all[i - 1], all[i], sizeof all[0]);
	ur_task_free(&t);
}

/* Counts of n equally likely outcomes out of `of` draws, each within 5 standard deviations. */
static void evenly(const char *what, int n, const int *count, int of)
{
	const double p = 1.0 / n, off = 5 * sqrt(of * p * (1 - p));
	for (int i = 0; i < n; i++)
		if (fabs(count[i] - of * p) > off)
			fail_msg("%s: %d of %d draws are the %d. of %d", what, count[i], of, i, n);
}

static void draws_are_even(void **unused)
{
	enum { N = 20000 };
	int32_t ids[64], targets[64];
	int values[10] = { 0 }, marks[8] = { 0 }, asked[4] = { 0 }, letters[5] = { 0 }, sets[32] = { 0 }, ten[10], k = 0;
	ur_draw d = { .seed = 5, .high = ur_rng_for(UR_RNG_TEST, 0) };
	ur_task t;

	(void)unused;
	parse("task:adding,T=8", &t);
	for (int i = 0; i < N; i++) {
		ur_task_draw(&t, 1, UR_TRAIN, i, 1, ids, targets);
		for (int p = 0; p < 8; p++) {
			const char c = shown(&t, ids[p]);
			marks[p] += c >= 'A';
			values[c >= 'A' ? c - 'A' : c - '0']++;
		}
	}
	evenly("values", 10, values, 8 * N);
	evenly("marks", 8, marks, 2 * N);
	ur_task_free(&t);
	parse("task:recall,T=8,pairs=4", &t);
	for (int i = 0; i < N; i++) {
		ur_task_draw(&t, 1, UR_TRAIN, i, 1, ids, targets);
		for (int p = 0; p < 4; p++)
			asked[p] += ids[8] == ids[2 * p];
	}
	evenly("keys that are asked for", 4, asked, N);
	ur_task_free(&t);
	parse("task:selective,T=6,items=2,symbols=5", &t);
	for (int i = 0; i < N; i++) {
		ur_task_draw(&t, 1, UR_TRAIN, i, 1, ids, targets);
		letters[shown(&t, targets[6]) - 'a']++;
	}
	evenly("symbols", 5, letters, N);
	ur_task_free(&t);
	for (int i = 0; i < N; i++) {
		int place[3];
		ur_draw_places(&d, 3, 5, place);
		assert_true(place[0] < place[1] && place[1] < place[2]);
		sets[1 << place[0] | 1 << place[1] | 1 << place[2]]++;
	}
	for (int i = 0; i < 32; i++)
		if (__builtin_popcount((unsigned)i) == 3)
			ten[k++] = sets[i];
	evenly("sets of 3 of 5", 10, ten, N);
}

/* -- texts -- */

static void complaints_point_at_what_is_wrong(void **unused)
{
	static const struct { const char *text, *says; int at; } wrong[] = {
		{ "adding,T=3", "begins with 'task:'", 0 },
		{ "task:", "there are adding, copy, selective, recall, parity", 5 },
		{ "task:add,T=3", "'add' is no task; there are adding, copy", 5 },
		{ "task:adding", "T is missing", 11 },
		{ "task:adding,T=1", "at least 2", 14 },
		{ "task:adding,T=0", "must be from 1", 14 },
		{ "task:adding,T=4e9", "must be from 1", 14 },
		{ "task:adding,T=2.5", "whole number", 14 },
		{ "task:adding,T=x", "wants a number", 14 },
		{ "task:adding,T=", "wants a value", 14 },
		{ "task:adding,T", "expected T=value", 13 },
		{ "task:adding,T=5,T=6", "twice", 16 },
		{ "task:adding,T=5,", "has no option ''; it has T, levels", 16 },
		{ "task:adding,T=5,items=3", "has no option 'items'; it has T, levels", 16 },
		{ "task:adding,levels=14,T=3", "from 2 to 13", 19 },
		{ "task:copy,T=4e6", "4000019 tokens long", 12 },
		{ "task:selective,T=15", "16 symbols do not fit among T = 15", 17 },
		{ "task:recall,T=15", "use T=16 or pairs=7", 14 },
		{ "task:recall,T=99,pairs=17", "keys=17", 14 },
		{ "task:recall,T=99,queries=9", "9 queries of 8 pairs", 14 },
		{ "task:parity,T=9,answers=some", "it takes all|last", 24 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ur_task t;
		ur_err err = { 0 };
		const char *line;

		assert_int_equal(ur_task_parse(wrong[i].text, &t, &err), UR_E_INVALID);
		assert_null(t.vocab);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("%s: %s", wrong[i].text, err.text);
		line = strrchr(err.text, '\n');
		assert_non_null(line);
		assert_int_equal(strlen(line) - 4, wrong[i].at);
	}
}

static void fingerprints_are_of_the_meaning(void **unused)
{
	static const char *const texts[] = {
		"task:copy,T=9", "task:copy,T=10", "task:selective,T=16", "task:copy,T=9,items=9",
		"task:parity,T=9"
	};
	ur_task a, b;

	(void)unused;
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 5; j++) {
			parse(texts[i], &a);
			parse(texts[j], &b);
			assert_int_equal(ur_task_fingerprint(&a) == ur_task_fingerprint(&b), i == j);
			ur_task_free(&a);
			ur_task_free(&b);
		}
	parse("task:copy,T=9", &a);
	parse("task:copy,symbols=8,T=9,items=10", &b);
	assert_true(ur_task_fingerprint(&a) == ur_task_fingerprint(&b));
	ur_task_free(&a);
	ur_task_free(&b);
}

/* -- training and scoring -- */

static char folder[] = "/tmp/unroll-tasks-XXXXXX";

typedef struct trial {
	ur_ctx c;
	ur_task task;
	ur_job job;
	int64_t stop_at, enough_at;
	double seen;                    /* the last report's accuracy */
} trial;

static int on_step(void *arg, const ur_step_report *r)
{
	trial *t = arg;
	if (r->task)
		t->seen = r->task->accuracy.mean;
	assert_int_equal(r->tokens, r->step * t->job.recipe.batch * t->job.recipe.accumulate * t->task.length);
	if (r->step == t->enough_at)
		return UR_ENOUGH;
	return t->stop_at && r->step == t->stop_at;
}

static void trial_open(trial *t, const char *spec, const char *task, int64_t steps, int threads)
{
	ur_err err = { 0 };

	*t = (trial){ 0 };
	assert_true(ur_ctx_open(&t->c, NULL, threads));
	parse(task, &t->task);
	if (ur_spec_parse(spec, &t->job.spec, &err))
		fail_msg("%s", err.text);
	ur_recipe_defaults(&t->job.recipe, &t->job.spec);
	t->job.recipe.steps = steps;
	t->job.recipe.batch = 32;
	t->job.recipe.lr = 1e-2;
	t->job.recipe.warmup = 10;
	t->job.recipe.eval_every = 100;
	t->job.task = &t->task;
	t->job.ctx = &t->c;
	t->job.report = on_step;
	t->job.arg = t;
}

static void trial_close(trial *t)
{
	ur_task_free(&t->task);
	ur_ctx_close(&t->c);
}

static ur_model *trained(trial *t, ur_outcome *o)
{
	ur_model *m;
	ur_err err = { 0 };
	if (ur_train(&t->job, &m, o, &err))
		fail_msg("%s: %s", t->task.text, err.text);
	return m;
}

/* A tiny instance of each, and a model that can do it. */
static void models_learn_them(void **unused)
{
	static const struct { const char *spec, *task; int64_t steps; } tiny[] = {
		{ "gru:1x32", "task:adding,T=3,levels=2", 400 },
		{ "gru:1x32", "task:copy,T=3,items=2,symbols=3", 300 },
		{ "lstm:1x32", "task:selective,T=6,items=2,symbols=3", 500 },
		{ "transformer:1x32,heads=2", "task:recall,T=8,pairs=1,keys=3,values=4", 300 },
		{ "gru:1x32", "task:parity,T=6", 500 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof tiny / sizeof *tiny; i++) {
		ur_outcome o;
		ur_task_score score;
		ur_err err = { 0 };
		trial t;
		ur_model *m;

		trial_open(&t, tiny[i].spec, tiny[i].task, tiny[i].steps, 2);
		m = trained(&t, &o);
		print_message("  %-44s %-26s loss %.4f, right %.3f\n", tiny[i].task, tiny[i].spec, o.task.loss.mean,
		              o.task.accuracy.mean);
		assert_true(o.task.loss.mean < 0.05 && o.task.accuracy.mean > 0.97 && o.task.whole.mean > 0.97);
		assert_true(o.best_loss == o.task.loss.mean && o.task.sequences == UR_TASK_HELD_OUT);
		/* scored again from outside: the same numbers; and the test part, which is another */
		assert_int_equal(ur_evaluate_task(m, &t.c, &t.task, UR_VAL, UR_TASK_HELD_OUT, &score, &err), UR_OK);
		assert_true(score.loss.mean == o.task.loss.mean && score.accuracy.mean == o.task.accuracy.mean);
		assert_int_equal(ur_evaluate_task(m, &t.c, &t.task, UR_TEST, UR_TASK_HELD_OUT, &score, &err), UR_OK);
		assert_true(score.loss.mean != o.task.loss.mean && score.accuracy.mean > 0.95);
		assert_true(score.accuracy.high <= 1 && score.accuracy.low > 0.9);
		ur_model_free(m);
		trial_close(&t);
	}
}

/* The score against plain sums over what the model says, sequence by sequence. */
static void scores_are_plain_means(void **unused)
{
	enum { N = 70 };
	static const char *const texts[] = { "task:adding,T=9", "task:copy,T=4,items=3", "task:parity,T=11" };

	(void)unused;
	for (int i = 0; i < 3; i++) {
		double loss = 0, losses2 = 0, right = 0, off = 0;
		int64_t whole = 0;
		ur_task_score score;
		ur_arena arena = { 0 };
		ur_err err = { 0 };
		ur_model *m;
		ur_net net;
		trial t;
		int32_t ids[64], targets[64];

		trial_open(&t, "gru:1x16", texts[i], 60, 1);
		m = trained(&t, NULL);
		for (int pass = 0; pass < 2; pass++) {
			assert_true(!pass || ur_arena_open(&arena));
			ur_net_plan(&net, m, &t.c, t.task.length, 1, 0, 0, &arena);
		}
		for (int n = 0; n < N; n++) {
			double mine = 0;
			int good = 0;

			ur_task_draw(&t.task, 1, UR_TEST, n, 1, ids, targets);
			ur_net_forward(&net, &(ur_pass){ .T = t.task.length, .B = 1, .ids = ids });
			for (int p = 0; p < t.task.length; p++) {
				double each[64], mean = 0, best = 1e9, of_numbers = 0, number;
				int says = -1;

				if (targets[p] < 0)
					continue;
				for (int v = 0; v < m->V; v++) { /* each token's loss in turn is its -log p */
					int32_t aim[64];
					double out[64];
					memset(aim, -1, sizeof aim);
					aim[p] = v;
					ur_net_losses(&net, t.task.length, aim, out);
					each[v] = out[p];
					if (each[v] < best) {
						best = each[v];
						says = v;
					}
					if (t.task.kind->number && !isnan(number = ur_task_number(&t.task, v))) {
						of_numbers += exp(-each[v]);
						mean += exp(-each[v]) * number;
					}
				}
				mine += each[targets[p]];
				good += says == targets[p];
				if (t.task.kind->number)
					off += pow(mean / of_numbers - ur_task_number(&t.task, targets[p]), 2);
			}
			loss += mine / t.task.scored;
			losses2 += pow(mine / t.task.scored, 2);
			right += (double)good / t.task.scored;
			whole += good == t.task.scored;
		}
		assert_int_equal(ur_evaluate_task(m, &t.c, &t.task, UR_TEST, N, &score, &err), UR_OK);
		assert_true(fabs(score.loss.mean - loss / N) < 1e-5);
		assert_true(fabs(score.accuracy.mean - right / N) < 1e-12);
		assert_true(fabs(score.whole.mean - (double)whole / N) < 1e-12);
		assert_true(t.task.kind->number ? fabs(score.mse.mean - off / N) < 1e-5 : isnan(score.mse.mean));
		/* the interval of the mean, from the spread of its N values */
		assert_true(fabs((score.loss.high - score.loss.low) / 2 -
		                 1.96 * sqrt((losses2 / N - loss / N * loss / N) / (N - 1))) < 1e-4);
		ur_arena_close(&arena);
		ur_model_free(m);
		trial_close(&t);
	}
}

/* A model that knows nothing says 1: the published baseline, in our units. */
static void knowing_nothing_is_the_baseline(void **unused)
{
	ur_task_score score;
	ur_err err = { 0 };
	ur_words words;
	ur_model *m;
	trial t;

	(void)unused;
	trial_open(&t, "gru:1x8", "task:adding,T=20", 1, 1);
	words = (ur_words){ .V = ur_vocab_size(t.task.vocab), .vocab = t.task.vocab };
	assert_int_equal(ur_model_create(&t.job.spec, &words, t.c.k, 0, &m, &err), UR_OK);
	ur_model_pack(m, &t.c); /* zeros */
	assert_int_equal(ur_evaluate_task(m, &t.c, &t.task, UR_VAL, 20000, &score, &err), UR_OK);
	print_message("  mse of knowing nothing %.4f, expected %.4f\n", score.mse.mean, 2 * (1 - 0.01) / 12);
	assert_true(fabs(score.mse.mean - 0.165) < 0.005);
	assert_true(fabs(score.loss.mean - log(m->V)) < 1e-5);
	ur_model_free(m);
	trial_close(&t);
}

/* Any number of threads, and a stop on the way, end in the same file. */
static void training_repeats_to_the_bit(void **unused)
{
	char path[2][64];
	ur_outcome o[2];
	ur_err err = { 0 };
	ur_model *m[2];
	trial t;

	(void)unused;
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path[i], sizeof path[i], "%s/m%d.safetensors", folder, i);
		trial_open(&t, "lstm:1x24", "task:recall,T=20,pairs=3", 60, i + 1);
		t.job.recipe.eval_every = 25;
		t.job.out = path[i];
		if (i) {
			t.stop_at = 33;
			assert_int_equal(ur_train(&t.job, NULL, NULL, &err), UR_E_STOPPED);
			t.stop_at = 0;
			t.job.resume = 1;
		}
		m[i] = trained(&t, &o[i]);
		trial_close(&t);
	}
	assert_memory_equal(m[0]->weights, m[1]->weights, m[0]->floats * sizeof *m[0]->weights);
	assert_true(o[0].task.loss.mean == o[1].task.loss.mean);
	ur_model_free(m[0]);
	ur_model_free(m[1]);
	/* the checkpoint is of this task and no other */
	trial_open(&t, "lstm:1x24", "task:recall,T=20,pairs=3,values=15,keys=17", 80, 1);
	t.job.recipe.eval_every = 25;
	t.job.out = path[1];
	t.job.resume = 1;
	assert_int_equal(ur_train(&t.job, NULL, NULL, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "other data"));
	trial_close(&t);
}

/* Who watches may say that it is enough: then that step was the last. */
static void enough_ends_a_run_well(void **unused)
{
	ur_outcome o;
	ur_model *m;
	trial t;

	(void)unused;
	trial_open(&t, "gru:1x16", "task:parity,T=8", 1000, 1);
	t.enough_at = 100;
	m = trained(&t, &o);
	assert_int_equal(o.steps, 100);
	assert_true(o.stopped_early && o.best_loss == o.task.loss.mean && o.task.sequences == UR_TASK_HELD_OUT);
	ur_model_free(m);
	trial_close(&t);
}

/* Whoever is content with a validation gets the weights that it was about, though earlier ones had less loss. */
static int content_with_worse(void *arg, const ur_step_report *r)
{
	double *loss = arg;

	if (!r->validated || !(r->val_loss > r->best_loss))
		return 0;
	*loss = r->val_loss;
	return UR_ENOUGH;
}

static void what_was_enough_is_kept(void **unused)
{
	double loss = NAN;
	ur_outcome o;
	trial t;

	(void)unused;
	trial_open(&t, "gru:1x16", "task:parity,T=8", 300, 1);
	t.job.recipe.eval_every = 1;
	t.job.recipe.lr = 0.1;
	t.job.report = content_with_worse;
	t.job.arg = &loss;
	ur_model_free(trained(&t, &o));
	assert_true(o.steps < 300 && o.best_step == o.steps);
	assert_true(o.task.loss.mean == loss && o.best_loss == loss);
	trial_close(&t);
}

/* Steps go on where the last one ended: two batches of 16 a step are the sequences of one of 32. */
static void batches_follow_one_another(void **unused)
{
	double loss[2];

	(void)unused;
	for (int i = 0; i < 2; i++) {
		ur_outcome o;
		trial t;

		trial_open(&t, "gru:1x16", "task:copy,T=5,items=4", 20, 1);
		t.job.recipe.batch = i ? 16 : 32;
		t.job.recipe.accumulate = i ? 2 : 1;
		ur_model_free(trained(&t, &o));
		loss[i] = o.task.loss.mean;
		trial_close(&t);
	}
	assert_true(fabs(loss[0] - loss[1]) < 1e-4);
}

static void what_does_not_fit_is_said(void **unused)
{
	ur_err err = { 0 };
	ur_task_score score;
	ur_model *m;
	trial t;
	ur_task other;

	(void)unused;
	trial_open(&t, "transformer:1x8,heads=1,context=20", "task:adding,T=20", 1, 1);
	assert_int_equal(ur_train(&t.job, NULL, NULL, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "sequences of 21 tokens, which do not fit a context of 20; put context=21"));
	trial_close(&t);
	trial_open(&t, "seq2seq:gru:1x8", "task:adding,T=20", 1, 1);
	assert_int_equal(ur_train(&t.job, NULL, NULL, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "trains on pairs"));
	trial_close(&t);
	trial_open(&t, "gru:1x8", "task:adding,T=20", 1, 1);
	m = trained(&t, NULL);
	parse("task:copy,T=9", &other);
	assert_int_equal(ur_evaluate_task(m, &t.c, &other, UR_VAL, 10, &score, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "other characters"));
	ur_task_free(&other);
	parse("task:adding,T=31", &other); /* longer than it was trained on */
	assert_int_equal(ur_evaluate_task(m, &t.c, &other, UR_VAL, 10, &score, &err), UR_OK);
	ur_task_free(&other);
	ur_model_free(m);
	trial_close(&t);
}

static int make_folder(void **unused)
{
	(void)unused;
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **unused)
{
	char path[128];

	(void)unused;
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "%s/m%d.safetensors", folder, i);
		(void)unlink(path);
		(void)snprintf(path, sizeof path, "%s/m%d.ckpt.safetensors", folder, i);
		(void)unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_those_of_a_solver),
		cmocka_unit_test(copy_waits_so_long),
		cmocka_unit_test(batches_are_of_numbered_sequences),
		cmocka_unit_test(no_sequence_comes_twice),
		cmocka_unit_test(draws_are_even),
		cmocka_unit_test(complaints_point_at_what_is_wrong),
		cmocka_unit_test(fingerprints_are_of_the_meaning),
		cmocka_unit_test(models_learn_them),
		cmocka_unit_test(scores_are_plain_means),
		cmocka_unit_test(knowing_nothing_is_the_baseline),
		cmocka_unit_test(training_repeats_to_the_bit),
		cmocka_unit_test(enough_ends_a_run_well),
		cmocka_unit_test(what_was_enough_is_kept),
		cmocka_unit_test(batches_follow_one_another),
		cmocka_unit_test(what_does_not_fit_is_said),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
