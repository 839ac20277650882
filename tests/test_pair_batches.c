/* Batches of pairs: what is in each, what a pass covers, and that the rows of a batch are of like length. */
#include "data/pair_batches.h"

#include "base/rng.h"
#include "pair_files.h"

enum { PAIRS = 5000 };

static ur_pairs *pairs;
static int64_t all[PAIRS];

/* Source and target of 4 to 49 bytes, so 5 to 50 tokens with the end; the target is about as long as the source. */
static int make_pairs(void **state)
{
	FILE *f;
	uint32_t r[4];

	if (open_folder(state) || !(f = fopen("pairs.tsv", "w")))
		return -1;
	for (uint64_t i = 0; i < PAIRS; i++) {
		int source, target;
		ur_rng4(7, ur_rng_for(UR_RNG_TEST, 0), i, r);
		source = 4 + (int)(r[0] % 46);
		target = source + (int)(r[1] % 7) - 3;
		target = target < 4 ? 4 : target > 49 ? 49 : target;
		for (int k = 0; k < source; k++)
			fputc('a' + (int)((r[2] >> k % 29) % 26), f);
		fputc('\t', f);
		for (int k = 0; k < target; k++)
			fputc('A' + (int)((r[3] >> k % 23) % 26), f);
		fputc('\n', f);
		all[i] = (int64_t)i;
	}
	fclose(f);
	pairs = opened("pairs.tsv", NULL, "byte");
	return 0;
}

static int remove_pairs(void **state)
{
	ur_pairs_close(pairs);
	return close_folder(state);
}

static ur_pair_batches batches(const int64_t *index, int64_t n, int B, int in_order, uint64_t seed)
{
	ur_pair_batches b;
	ur_err err = { 0 };
	if (ur_pair_batches_open(&b, pairs, index, n, B, in_order, seed, &err))
		fail_msg("%s", err.text);
	assert_int_equal(b.B, B < n ? B : n);
	assert_int_equal(b.count, (n + B - 1) / B);
	return b;
}

static void close_batch(ur_pair_batch *batch)
{
	free(batch->source);
	free(batch->source_len);
	free(batch->ids);
	free(batch->targets);
	free(batch->len);
	free(batch->pair);
}

/* Whether pair a belongs before pair b. */
static int falls(int64_t a, int64_t b)
{
	int source[2], target[2];

	ur_pairs_tokens(pairs, a, UR_SOURCE, &source[0]);
	ur_pairs_tokens(pairs, b, UR_SOURCE, &source[1]);
	ur_pairs_tokens(pairs, a, UR_TARGET, &target[0]);
	ur_pairs_tokens(pairs, b, UR_TARGET, &target[1]);
	return target[0] != target[1] ? target[0] > target[1] : source[0] != source[1] ? source[0] > source[1] : a <= b;
}

/* A batch in memory of exactly the size the contract asks for, all of it held to the pairs it names. */
static ur_pair_batch get(ur_pair_batches *b, int64_t step)
{
	size_t B = (size_t)b->B;
	ur_pair_batch batch = { .source = malloc((size_t)b->S * B * 4), .source_len = malloc(B * sizeof(int)),
		.ids = malloc((size_t)b->T * B * 4), .targets = malloc((size_t)b->T * B * 4), .len = malloc(B * sizeof(int)),
		.pair = malloc(B * sizeof(int64_t)) };
	int S = 0, T = 0;
	int64_t tokens = 0;

	ur_pair_batches_get(b, step, &batch);
	assert_int_equal(batch.B, step % b->count < b->count - 1 ? b->B : b->n - (b->count - 1) * b->B);
	for (int r = 0; r < batch.B; r++) {
		int source, target;
		const int32_t *from = ur_pairs_tokens(pairs, batch.pair[r], UR_SOURCE, &source);
		const int32_t *to = ur_pairs_tokens(pairs, batch.pair[r], UR_TARGET, &target);

		assert_int_equal(batch.source_len[r], source + 1);
		assert_int_equal(batch.len[r], target + 1);
		for (int t = 0; t < batch.S; t++)
			assert_int_equal(batch.source[t * batch.B + r], t < source ? from[t] : t == source ? 256 : 0);
		for (int t = 0; t < batch.T; t++) {
			assert_int_equal(batch.ids[t * batch.B + r], t == 0 ? 256 : t <= target ? to[t - 1] : 0);
			assert_int_equal(batch.targets[t * batch.B + r], t < target ? to[t] : t == target ? 256 : -1);
		}
		if (r)
			assert_true(falls(batch.pair[r - 1], batch.pair[r]));
		S = source + 1 > S ? source + 1 : S;
		T = target + 1 > T ? target + 1 : T;
		tokens += target + 1;
	}
	assert_int_equal(batch.S, S);
	assert_int_equal(batch.T, T);
	assert_true(S <= b->S && T <= b->T);
	assert_int_equal(batch.tokens, tokens);
	assert_int_equal(ur_pair_batches_tokens(b, step), tokens);
	return batch;
}

/* The pairs of passes * n rows, row by row. */
static int64_t *rows(ur_pair_batches *b, int passes)
{
	int64_t *list = malloc((size_t)(b->n * passes) * sizeof *list), n = 0;

	assert_non_null(list);
	for (int64_t step = 0; step < b->count * passes; step++) {
		ur_pair_batch batch = get(b, step);
		memcpy(list + n, batch.pair, (size_t)batch.B * sizeof *list);
		n += batch.B;
		close_batch(&batch);
	}
	assert_int_equal(n, b->n * passes);
	return list;
}

static void a_pass_has_every_pair_once(void **state)
{
	static const int shapes[][2] = { { PAIRS, 32 }, { PAIRS, 7 }, { 1000, 1 }, { 333, 10 }, { 64, 64 }, { 63, 64 },
		{ 65, 64 }, { 1, 1 }, { 1, 5 }, { 3200, 32 }, { 3201, 32 } };

	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		for (int in_order = 0; in_order < 2; in_order++) {
			int64_t n = shapes[i][0], tokens = 0, longest[UR_SIDES] = { 0 };
			/* a part of the pairs: these and no others */
			const int64_t *index = all + (PAIRS - n) / 2;
			ur_pair_batches b = batches(index, n, shapes[i][1], in_order, 3);
			int64_t *list = rows(&b, 2);

			for (int pass = 0; pass < 2; pass++) {
				char seen[PAIRS] = { 0 };
				for (int64_t k = 0; k < n; k++) {
					int64_t pair = list[pass * n + k];
					assert_true(pair >= index[0] && pair <= index[n - 1]);
					assert_int_equal(seen[pair]++, 0);
				}
			}
			for (int64_t k = 0; k < n; k++)
				for (int side = 0; side < UR_SIDES; side++) {
					int have;
					ur_pairs_tokens(pairs, index[k], side, &have);
					longest[side] = have + 1 > longest[side] ? have + 1 : longest[side];
					tokens += side == UR_TARGET ? have + 1 : 0;
				}
			assert_int_equal(b.tokens, tokens);
			assert_int_equal(b.S, longest[UR_SOURCE]);
			assert_int_equal(b.T, longest[UR_TARGET]);
			free(list);
			ur_pair_batches_close(&b);
		}
}

/* Batches of the second pass that the first had too, row for row. */
static int same_batches(const ur_pair_batches *b, const int64_t *list)
{
	int same = 0;
	const size_t bytes = (size_t)b->B * sizeof *list;

	for (int64_t i = 0; i < b->n / b->B; i++)
		for (int64_t k = 0; k < b->n / b->B; k++)
			same += !memcmp(list + i * b->B, list + b->n + k * b->B, bytes);
	return same;
}

static void passes_and_seeds_differ(void **state)
{
	static const int sizes[] = { PAIRS, 3000 }; /* two pools and one */

	(void)state;
	for (int i = 0; i < 2; i++) {
		int n = sizes[i];
		ur_pair_batches a = batches(all, n, 32, 0, 1), b = batches(all, n, 32, 0, 1), c = batches(all, n, 32, 0, 2);
		int64_t *x = rows(&a, 2), *y = rows(&b, 2), *z = rows(&c, 2);
		size_t pass = (size_t)n * sizeof *x;

		assert_memory_equal(x, y, 2 * pass);
		assert_memory_not_equal(x, x + n, pass);
		assert_memory_not_equal(x, z, pass);
		/* not only the order of the batches: who is with whom differs too */
		assert_true(same_batches(&a, x) < n / 32 / 10);
		free(x);
		free(y);
		free(z);
		ur_pair_batches_close(&a);
		ur_pair_batches_close(&b);
		ur_pair_batches_close(&c);
	}
}

static void a_batch_is_a_function_of_its_number(void **state)
{
	(void)state;
	for (int in_order = 0; in_order < 2; in_order++) {
		ur_pair_batches a = batches(all, 700, 16, in_order, 5);
		int64_t *list = rows(&a, 4);
		for (uint64_t k = 0; k < 200; k++) {
			/* now and then from a fresh start, as after resuming */
			ur_pair_batches fresh = batches(all, 700, 16, in_order, 5);
			int64_t step = (int64_t)ur_rng_below(1, ur_rng_for(UR_RNG_TEST, 1), k, (uint64_t)a.count * 4);
			ur_pair_batch batch = get(k % 10 ? &a : &fresh, step);
			assert_memory_equal(batch.pair, list + step / a.count * 700 + step % a.count * 16,
				(size_t)batch.B * sizeof *list);
			close_batch(&batch);
			ur_pair_batches_close(&fresh);
		}
		{ /* far out */
			ur_pair_batch batch = get(&a, INT64_C(1) << 55);
			close_batch(&batch);
		}
		free(list);
		ur_pair_batches_close(&a);
	}
}

static void in_order_is_by_length(void **state)
{
	ur_pair_batches b = batches(all, 1000, 30, 1, 9), c = batches(all, 1000, 30, 1, 10);
	int64_t *x = rows(&b, 2), *y = rows(&c, 2);

	(void)state;
	for (int k = 1; k < 1000; k++)
		assert_true(falls(x[k - 1], x[k]));
	assert_memory_equal(x, y, 2000 * sizeof *x);        /* the seed means nothing */
	assert_memory_equal(x, x + 1000, 1000 * sizeof *x); /* nor does the pass */
	free(x);
	free(y);
	ur_pair_batches_close(&b);
	ur_pair_batches_close(&c);
}

/* Share of the places of a pass that are padding, targets and sources, in *target and *source. */
static void padding(ur_pair_batches *b, double *target, double *source)
{
	int64_t places[UR_SIDES] = { 0 }, used[UR_SIDES] = { 0 };

	for (int64_t step = 0; step < b->count; step++) {
		ur_pair_batch batch = get(b, step);
		places[UR_SOURCE] += (int64_t)batch.S * batch.B;
		places[UR_TARGET] += (int64_t)batch.T * batch.B;
		for (int r = 0; r < batch.B; r++)
			used[UR_SOURCE] += batch.source_len[r];
		used[UR_TARGET] += batch.tokens;
		close_batch(&batch);
	}
	assert_int_equal(used[UR_TARGET], b->tokens);
	*target = 1 - (double)used[UR_TARGET] / (double)places[UR_TARGET];
	*source = 1 - (double)used[UR_SOURCE] / (double)places[UR_SOURCE];
}

static void little_is_padding(void **state)
{
	double target, source;

	(void)state;
	for (int in_order = 0; in_order < 2; in_order++) {
		ur_pair_batches b = batches(all, PAIRS, 32, in_order, 4);
		padding(&b, &target, &source);
		assert_true(target < 0.02 && source < 0.15); /* unsorted: about 0.45 each */
		ur_pair_batches_close(&b);
	}
}

/* Neighbours in the file are in one batch hardly more often than others, and long batches come at any time. */
static void passes_are_shuffled(void **state)
{
	ur_pair_batches b = batches(all, PAIRS, 4, 0, 6);
	int64_t early = 0, near = 0, longer = 0, before = 0, full = PAIRS / 4;

	(void)state;
	for (int64_t step = 0; step < full; step++) {
		ur_pair_batch batch = get(&b, step);
		for (int r = 0; r < batch.B; r++) {
			early += step < full / 2 && batch.pair[r] < PAIRS / 2;
			for (int q = 0; q < r; q++)
				near += llabs(batch.pair[r] - batch.pair[q]) < PAIRS / 10;
		}
		longer += batch.T > before;
		before = batch.T;
		close_batch(&batch);
	}
	/* a quarter of all pairs; 19 % of the pairs of rows; a batch is as often longer as shorter than the one before */
	assert_true(early > PAIRS * 0.22 && early < PAIRS * 0.28);
	assert_true((double)near > (double)full * 6 * 0.15 && (double)near < (double)full * 6 * 0.23);
	assert_true((double)longer > 0.4 * (double)full && (double)longer < 0.6 * (double)full);
	ur_pair_batches_close(&b);
}

static void any_list_of_pairs(void **state)
{
	static const int64_t index[] = { 4999, 17, 0, 17, 2500 }; /* in no order, one of them twice */
	ur_pair_batches b = batches(index, 5, 2, 0, 0);
	int64_t *list = rows(&b, 3);

	(void)state;
	for (int pass = 0; pass < 3; pass++) {
		int count[PAIRS] = { 0 };
		for (int k = 0; k < 5; k++)
			count[list[pass * 5 + k]]++;
		assert_true(count[4999] == 1 && count[17] == 2 && count[0] == 1 && count[2500] == 1);
	}
	free(list);
	ur_pair_batches_close(&b);
}

static void batches_that_cannot_be(void **state)
{
	static const int64_t wrong[] = { 0, PAIRS }, below[] = { -1 };
	ur_pair_batches b;
	ur_err err = { 0 };

	(void)state;
	assert_int_equal(ur_pair_batches_open(&b, pairs, all, 0, 4, 0, 0, &err), UR_E_INVALID);
	assert_says(err, "no pair");
	assert_int_equal(ur_pair_batches_open(&b, pairs, all, 4, 0, 0, 0, &err), UR_E_INVALID);
	assert_says(err, "batches of 0 pairs");
	assert_int_equal(ur_pair_batches_open(&b, pairs, all, 4, -3, 0, 0, &err), UR_E_INVALID);
	assert_int_equal(ur_pair_batches_open(&b, pairs, wrong, 2, 2, 0, 0, &err), UR_E_INVALID);
	assert_says(err, "pair 5000");
	assert_int_equal(ur_pair_batches_open(&b, pairs, below, 1, 2, 0, 0, &err), UR_E_INVALID);
	ur_pair_batches_close(&b); /* nothing there: harmless */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pass_has_every_pair_once),
		cmocka_unit_test(passes_and_seeds_differ),
		cmocka_unit_test(a_batch_is_a_function_of_its_number),
		cmocka_unit_test(in_order_is_by_length),
		cmocka_unit_test(little_is_padding),
		cmocka_unit_test(passes_are_shuffled),
		cmocka_unit_test(any_list_of_pairs),
		cmocka_unit_test(batches_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, make_pairs, remove_pairs);
}
