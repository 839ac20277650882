/* Splits and batches: what each mode covers, counted on a corpus in which every token is another. */
#include "data/batches.h"
#include "data/split.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 400, ROOM = 1 << 14 };

static char root[64];
static ur_corpus *corpus;
static int place[N + 2];        /* of each token in the corpus */

static int make_corpus(void **state)
{
	char path[128];
	int32_t ids[N];
	FILE *f;

	(void)state;
	strcpy(root, "/tmp/unroll-test-XXXXXX");
	if (!mkdtemp(root) || setenv("XDG_CACHE_HOME", root, 1))
		return -1;
	snprintf(path, sizeof path, "%s/numbers", root);
	f = fopen(path, "w");
	for (int i = 0; i < N; i++)
		fprintf(f, "%d ", (i * 7919) % 100003);
	fclose(f);
	if (ur_corpus_open(&(ur_corpus_request){ .path = path, .vocab = "word" }, &corpus, NULL) ||
	    ur_corpus_tokens(corpus) != N || ur_corpus_read(corpus, 0, N, ids, NULL))
		return -1;
	for (int i = 0; i < N; i++)
		place[ids[i]] = i;
	return 0;
}

static int remove_corpus(void **state)
{
	char command[128];
	(void)state;
	ur_corpus_close(corpus);
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

static ur_batches batches(int from, int to, int T, int B, ur_batch_mode mode, uint64_t seed)
{
	ur_batches b;
	ur_err err = { 0 };
	if (ur_batches_init(&b, corpus, from, to, T, B, mode, seed, &err))
		fail_msg("%s", err.text);
	return b;
}

static int32_t id_memory[ROOM], target_memory[ROOM];

/* Gets a batch, checks that its rows are runs of the range and its targets the next tokens; at[row]: where each is. */
static ur_batch get(const ur_batches *b, int64_t step, int at[])
{
	ur_batch batch = { .ids = id_memory, .targets = target_memory };
	ur_err err = { 0 };

	if (ur_batches_get(b, step, &batch, &err))
		fail_msg("%s", err.text);
	assert_true(batch.T >= 1 && batch.T <= b->T && batch.B == b->B);
	for (int row = 0; row < batch.B; row++) {
		at[row] = place[batch.ids[row]];
		assert_true(at[row] >= b->from && at[row] + batch.T < b->to);
		for (int t = 0; t < batch.T; t++) {
			assert_int_equal(place[batch.ids[t * batch.B + row]], at[row] + t);
			assert_int_equal(place[batch.targets[t * batch.B + row]], at[row] + t + 1);
		}
	}
	return batch;
}

static const int shapes[][4] = { /* from, to, T, B */
	{ 0, N, 16, 4 }, { 0, N, 7, 5 }, { 10, 111, 10, 10 }, { 0, N, 1, 1 }, { 3, N - 5, 390, 1 }, { 0, N, 1, 399 },
	{ 100, 165, 16, 4 }, { 0, 2, 1, 1 }, { 0, N, 133, 3 }, { 1, N, 50, 7 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void random_windows(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		const int *s = shapes[i];
		ur_batches b = batches(s[0], s[1], s[2], s[3], UR_BATCH_RANDOM, 42);
		int at[N], again[N], starts = s[1] - s[0] - s[2];
		int seen[N] = { 0 }, distinct = 0;

		for (int step = 0; step < 20 + 20 * starts / s[3]; step++) {
			assert_int_equal(get(&b, step, at).fresh, 1);
			for (int row = 0; row < s[3]; row++)
				seen[at[row] - s[0]]++;
		}
		for (int p = 0; p < N; p++) {
			assert_true(p < starts || !seen[p]);
			distinct += seen[p] > 0;
		}
		assert_int_equal(distinct, starts); /* every start is drawn, the last one too */
		get(&b, 5, at);
		get(&b, 6, again);
		get(&b, 5, again); /* a function of the step alone */
		assert_memory_equal(at, again, (size_t)s[3] * sizeof(int));
	}
	{
		ur_batches a = batches(0, N, 16, 8, UR_BATCH_RANDOM, 1), b = batches(0, N, 16, 8, UR_BATCH_RANDOM, 2);
		int x[8], y[8], z[8];
		get(&a, 0, x);
		get(&b, 0, y);
		get(&a, 1, z);
		assert_memory_not_equal(x, y, sizeof x);
		assert_memory_not_equal(x, z, sizeof x);
		assert_int_equal(ur_batches_count(&a), 4); /* 399 predictions, 128 a batch */
	}
}

static void carried_windows(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		const int *s = shapes[i];
		int T = s[2], B = s[3], predictions = s[1] - s[0] - 1, stream = predictions / B, windows = stream / T;
		int at[N], before[N], seen[N] = { 0 }, total = 0;
		ur_batches b = batches(s[0], s[1], T, B, UR_BATCH_CARRIED, 0);

		assert_int_equal(ur_batches_count(&b), windows);
		for (int step = 0; step < windows; step++) {
			ur_batch batch = get(&b, step, at);
			assert_int_equal(batch.T, T);
			assert_int_equal(batch.B, B);
			assert_int_equal(batch.fresh, step == 0);
			for (int row = 0; row < B; row++) {
				if (step)
					assert_int_equal(at[row], before[row] + T); /* the state of a row goes on */
				else
					assert_int_equal(at[row], s[0] + row * stream);
				for (int t = 0; t < T; t++)
					seen[at[row] + t]++;
			}
			memcpy(before, at, sizeof at);
		}
		for (int p = 0; p < N; p++) {
			assert_true(seen[p] <= 1);
			total += seen[p];
		}
		assert_int_equal(total, ur_batches_predictions(&b));
		assert_true(predictions - total < T * B + B); /* less than one window a stream, and less than B */
		/* round again */
		assert_int_equal(get(&b, windows * 3, at).fresh, 1);
		assert_int_equal(at[0], s[0]);
	}
}

static void sequential_windows(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++)
		for (int T = 1; T < 600; T = T * 2 + 1)
			for (int B = 1; B < 600; B = B * 2 + 1) {
				int from = shapes[i][0], to = shapes[i][1], predictions = to - from - 1, total = 0;
				int at[N], before[N], seen[N + 1] = { 0 }, last = T;
				ur_batches b = batches(from, to, T, B, UR_BATCH_SEQUENTIAL, 0);
				int64_t scored_from, scored_to, count = ur_batches_count(&b);

				assert_true(b.T <= T && b.B <= B && (b.B == B || b.B == predictions));
				for (int step = 0; step < count; step++) {
					ur_batch batch = get(&b, step, at);
					assert_int_equal(batch.fresh, step == 0);
					assert_true(step == count - 1 || batch.T == b.T);
					for (int row = 0; row < batch.B; row++) {
						assert_true(!step || at[row] == before[row] + last);
						for (int t = 0; t < batch.T; t++)
							seen[at[row] + t + 1]++; /* as a target */
					}
					last = batch.T;
					memcpy(before, at, sizeof at);
				}
				ur_batches_scored(&b, &scored_from, &scored_to);
				assert_int_equal(scored_from, from + 1);
				assert_true(scored_to <= to && to - scored_to < b.B);
				for (int p = 0; p <= N; p++) {
					assert_int_equal(seen[p], p >= scored_from && p < scored_to);
					total += seen[p];
				}
				assert_int_equal(total, ur_batches_predictions(&b));
			}
}

/* Rows longer than one read. */
static void long_windows(void **state)
{
	char path[128];
	ur_corpus *c;
	FILE *f;
	ur_batches b;
	ur_batch batch = { .ids = id_memory, .targets = target_memory };

	(void)state;
	snprintf(path, sizeof path, "%s/bytes", root);
	f = fopen(path, "w");
	for (int i = 0; i < 10001; i++)
		fputc(i % 251, f);
	fclose(f);
	assert_int_equal(ur_corpus_open(&(ur_corpus_request){ .path = path }, &c, NULL), UR_OK);
	for (int T = 1020; T <= 5000; T += T < 1030 || (T > 2040 && T < 2052) ? 1 : 1011) {
		assert_int_equal(ur_batches_init(&b, c, 0, 10001, T, 2, UR_BATCH_CARRIED, 0, NULL), UR_OK);
		assert_int_equal(ur_batches_get(&b, 0, &batch, NULL), UR_OK);
		for (int t = 0; t < T; t++)
			for (int row = 0; row < 2; row++) {
				assert_int_equal(batch.ids[t * 2 + row], (row * 5000 + t) % 251);
				assert_int_equal(batch.targets[t * 2 + row], (row * 5000 + t + 1) % 251);
			}
	}
	assert_int_equal(truncate(path, 6000), 0);
	{
		ur_err err;
		assert_int_equal(ur_batches_get(&b, 0, &batch, &err), UR_E_IO);
		assert_non_null(strstr(err.text, "ended at byte 6000, expected 10001"));
	}
	ur_corpus_close(c);
}

static void check_says(int64_t n, int T, int B, ur_batch_mode mode, const char *says)
{
	ur_err err = { 0 };
	ur_status status = ur_batches_check(n, T, B, mode, &err);
	assert_int_equal(status, says ? UR_E_INVALID : UR_OK);
	if (says && !strstr(err.text, says))
		fail_msg("%s", err.text);
}

static void too_short_is_explained(void **state)
{
	ur_batches b;
	ur_err err;

	(void)state;
	check_says(65, 64, 32, UR_BATCH_RANDOM, NULL);
	check_says(64, 64, 32, UR_BATCH_RANDOM, "64 tokens are too few for windows of 64: it takes 65");
	check_says(1, 1, 1, UR_BATCH_RANDOM, "1 tokens");
	check_says(2049, 64, 32, UR_BATCH_CARRIED, NULL);
	check_says(2048, 64, 32, UR_BATCH_CARRIED, "32 x 64 + 1 = 2049");
	check_says(2048, 64, 32, UR_BATCH_CARRIED, "2048 tokens are too few");
	check_says(2, 64, 32, UR_BATCH_SEQUENTIAL, NULL);
	check_says(1, 64, 32, UR_BATCH_SEQUENTIAL, "1 token is too few");
	check_says(0, 64, 32, UR_BATCH_SEQUENTIAL, "0 tokens are too few");
	check_says(100, 0, 1, UR_BATCH_RANDOM, "1 to");
	check_says(100, 1, -1, UR_BATCH_CARRIED, "1 to");
	check_says(INT64_MAX, INT32_MAX, INT32_MAX, UR_BATCH_CARRIED, "1 to");
	check_says(100, 1, 1, UR_BATCH_MODES, "number");
	assert_int_equal(ur_batches_init(&b, corpus, 0, N + 1, 1, 1, UR_BATCH_RANDOM, 0, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "it has 400"));
	assert_int_equal(ur_batches_init(&b, corpus, -1, 10, 1, 1, UR_BATCH_RANDOM, 0, &err), UR_E_INVALID);
	assert_int_equal(ur_batches_init(&b, corpus, 10, 9, 1, 1, UR_BATCH_RANDOM, 0, &err), UR_E_INVALID);
}

static void modes_have_names(void **state)
{
	ur_batch_mode mode;
	ur_err err;

	(void)state;
	for (int i = 0; i < UR_BATCH_MODES; i++) {
		assert_int_equal(ur_batch_mode_find(ur_batch_mode_name((ur_batch_mode)i), &mode, &err), UR_OK);
		assert_int_equal(mode, i);
		assert_true(strlen(ur_batch_mode_about(mode)) > 10);
	}
	assert_int_equal(ur_batch_mode_find("shuffled", &mode, &err), UR_E_INVALID);
	assert_non_null(strstr(err.text, "random, carried, sequential"));
}

static void splits(void **state)
{
	ur_split s;
	ur_err err;

	(void)state;
	assert_int_equal(ur_split_make(1115394, UR_SPLIT_TRAIN, UR_SPLIT_VAL, &s, &err), UR_OK);
	assert_int_equal(s.train_to, 1003854); /* nanoGPT's figure for this file */
	assert_int_equal(s.val_to, 1115394);
	assert_int_equal(s.test_from, s.test_to);
	for (int64_t n = 0; n < 2000; n += 7) {
		static const double parts[][2] = { { 0.9, 0.1 }, { 0.8, 0.1 }, { 0.7, 0.3 }, { 1, 0 }, { 0.5, 0 },
			{ 1.0 / 3, 1.0 / 3 } };
		for (int i = 0; i < 6; i++) {
			double train = parts[i][0], val = parts[i][1];
			assert_int_equal(ur_split_make(n, train, val, &s, &err), UR_OK);
			assert_true(s.train_from == 0 && s.train_to == s.val_from && s.val_to == s.test_from && s.test_to == n);
			assert_true(fabs((double)s.train_to - (double)n * train) <= 1);
			assert_true(fabs((double)(s.val_to - s.val_from) - (double)n * val) <= 1);
			assert_true(train + val < 0.999 || s.test_from == n);
		}
	}
	assert_int_equal(ur_split_make(10, 0, 0.5, &s, &err), UR_E_INVALID);
	assert_int_equal(ur_split_make(10, 0.9, 0.2, &s, &err), UR_E_INVALID);
	assert_int_equal(ur_split_make(10, 0.9, -0.1, &s, &err), UR_E_INVALID);
	assert_int_equal(ur_split_make(10, NAN, 0.1, &s, &err), UR_E_INVALID);
	assert_int_equal(ur_split_make(10, 0.5, INFINITY, &s, &err), UR_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_windows),
		cmocka_unit_test(carried_windows),
		cmocka_unit_test(sequential_windows),
		cmocka_unit_test(long_windows),
		cmocka_unit_test(too_short_is_explained),
		cmocka_unit_test(modes_have_names),
		cmocka_unit_test(splits),
	};
	return cmocka_run_group_tests(tests, make_corpus, remove_corpus);
}
