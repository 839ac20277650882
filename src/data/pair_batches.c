/* Which pairs are in which batch (pair_batches.h), and the batch's arrays. */
#include "data/pair_batches.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { POOL = UR_PAIR_POOL, MOST = 1 << 30 };

struct ur_pair_place {
	int target, source;     /* tokens */
	int64_t at, pair;       /* at: its place among those of equal length */
};

static struct ur_pair_place place_of(const ur_pairs *p, int64_t pair, int64_t at)
{
	struct ur_pair_place place = { .at = at, .pair = pair };
	ur_pairs_tokens(p, pair, UR_TARGET, &place.target);
	ur_pairs_tokens(p, pair, UR_SOURCE, &place.source);
	return place;
}

static int by_length(const void *left, const void *right)
{
	const struct ur_pair_place *a = left, *b = right;

	if (a->target != b->target)
		return a->target > b->target ? -1 : 1;
	if (a->source != b->source)
		return a->source > b->source ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* Sorts pairs by length; equal ones by number, or as they stand. */
static void sort(const ur_pair_batches *b, int64_t *pairs, int64_t n, int by_number)
{
	for (int64_t i = 0; i < n; i++)
		b->place[i] = place_of(b->pairs, pairs[i], by_number ? pairs[i] : i);
	qsort(b->place, (size_t)n, sizeof *b->place, by_length);
	for (int64_t i = 0; i < n; i++)
		pairs[i] = b->place[i].pair;
}

/* Fisher and Yates: where item i, of 0 .. i, comes from. Streams 2 pass and 2 pass + 1 of UR_RNG_BATCH: no run batches
 * both pairs and windows (batches.c). */
static int64_t draw(const ur_pair_batches *b, int64_t pass, int batches, int64_t i)
{
	uint64_t stream = (uint64_t)pass * 2 + (uint64_t)batches;
	return (int64_t)ur_rng_below(b->seed, ur_rng_for(UR_RNG_BATCH, stream), (uint64_t)i, (uint64_t)i + 1);
}

static void shuffle(const ur_pair_batches *b, int64_t pass)
{
	for (int64_t i = b->n - 1; i > 0; i--) {
		int64_t from = draw(b, pass, 0, i), pair = b->order[i];
		b->order[i] = b->order[from];
		b->order[from] = pair;
	}
}

/* Of full batches: one that is not stays the last. */
static void shuffle_batches(const ur_pair_batches *b, int64_t pass)
{
	for (int64_t i = b->n / b->B - 1; i > 0; i--) {
		int64_t *here = b->order + i * b->B, *there = b->order + draw(b, pass, 1, i) * b->B;
		for (int r = 0; r < b->B; r++) {
			int64_t pair = here[r];
			here[r] = there[r];
			there[r] = pair;
		}
	}
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Makes b->order that of `pass`. */
static void arrange(ur_pair_batches *b, int64_t pass)
{
	const int64_t pool = (int64_t)b->B * POOL;

	if (b->pass == pass)
		return;
	b->pass = pass;
	memcpy(b->order, b->index, (size_t)b->n * sizeof *b->order);
	if (b->in_order) {
		sort(b, b->order, b->n, 1);
		return;
	}
	shuffle(b, pass);
	/* pairs of equal length stay shuffled here, else one pool would give the same batches in every pass */
	for (int64_t at = 0; at < b->n; at += pool)
		sort(b, b->order + at, least(pool, b->n - at), 0);
	for (int64_t at = 0; at < b->n; at += b->B)
		sort(b, b->order + at, least(b->B, b->n - at), 1);
	shuffle_batches(b, pass);
}

ur_status ur_pair_batches_open(ur_pair_batches *b, const ur_pairs *pairs, const int64_t *index, int64_t n, int B,
                               int in_order, uint64_t seed, ur_err *err)
{
	int64_t sorted;

	*b = (ur_pair_batches){ .pairs = pairs, .index = index, .n = n, .seed = seed, .in_order = in_order, .pass = -1 };
	if (n < 1)
		return ur_fail(err, UR_E_INVALID, "there is no pair to make batches of");
	if (B < 1 || B > MOST)
		return ur_fail(err, UR_E_INVALID, "batches of %d pairs: it must be 1 to %d", B, MOST);
	b->B = (int)least(B, n); /* and below, that rows of a batch can be counted in an int */
	b->count = (n - 1) / b->B + 1;
	for (int64_t i = 0; i < n; i++) {
		struct ur_pair_place place;
		if (index[i] < 0 || index[i] >= ur_pairs_count(pairs))
			return ur_fail(err, UR_E_INVALID, "batches with pair %lld: there are %lld, from 0", (long long)index[i],
				(long long)ur_pairs_count(pairs));
		place = place_of(pairs, index[i], 0);
		b->S = place.source >= b->S ? place.source + 1 : b->S;
		b->T = place.target >= b->T ? place.target + 1 : b->T;
		b->tokens += place.target + 1;
	}
	if ((int64_t)b->B * (b->S > b->T ? b->S : b->T) > MOST)
		return ur_fail(err, UR_E_INVALID, "batches of %d pairs of up to %d tokens are over a thousand million tokens: "
			"make them smaller", b->B, b->S > b->T ? b->S : b->T);
	sorted = in_order ? n : least(n, (int64_t)b->B * POOL);
	b->order = malloc((size_t)n * sizeof *b->order);
	b->place = malloc((size_t)sorted * sizeof *b->place);
	if (!b->order || !b->place) {
		ur_pair_batches_close(b);
		return ur_fail(err, UR_E_NOMEM, "out of memory for batches of %lld pairs", (long long)n);
	}
	return UR_OK;
}

void ur_pair_batches_close(ur_pair_batches *b)
{
	free(b->order);
	free(b->place);
	*b = (ur_pair_batches){ 0 };
}

/* The pairs of a batch. */
static const int64_t *rows_of(ur_pair_batches *b, int64_t step, int *rows)
{
	int64_t pass = step / b->count, from = step % b->count * b->B;

	arrange(b, b->in_order ? 0 : pass);
	*rows = (int)least(b->B, b->n - from);
	return b->order + from;
}

/* A column of a (most, B) array: n tokens, then `end`, then `beyond`. */
static void put_column(int32_t *to, int B, int most, const int32_t *tokens, int n, int32_t end, int32_t beyond)
{
	for (int t = 0; t < most; t++)
		to[(size_t)t * (size_t)B] = t < n ? tokens[t] : t == n ? end : beyond;
}

void ur_pair_batches_get(ur_pair_batches *b, int64_t step, ur_pair_batch *batch)
{
	const int32_t source_end = ur_pairs_end(b->pairs, UR_SOURCE), end = ur_pairs_end(b->pairs, UR_TARGET);
	const int64_t *pair = rows_of(b, step, &batch->B);

	batch->S = batch->T = 0;
	batch->tokens = 0;
	for (int r = 0; r < batch->B; r++) {
		struct ur_pair_place place = place_of(b->pairs, pair[r], 0);
		batch->pair[r] = pair[r];
		batch->source_len[r] = place.source + 1;
		batch->len[r] = place.target + 1;
		batch->tokens += batch->len[r];
		batch->S = batch->S > batch->source_len[r] ? batch->S : batch->source_len[r];
		batch->T = batch->T > batch->len[r] ? batch->T : batch->len[r];
	}
	for (int r = 0; r < batch->B; r++) {
		int n;
		const int32_t *tokens = ur_pairs_tokens(b->pairs, pair[r], UR_SOURCE, &n);
		put_column(batch->source + r, batch->B, batch->S, tokens, n, source_end, 0);
		tokens = ur_pairs_tokens(b->pairs, pair[r], UR_TARGET, &n);
		put_column(batch->targets + r, batch->B, batch->T, tokens, n, end, -1);
		batch->ids[r] = end;
		/* one later: the last token is read, the end is not */
		for (int t = 1; t < batch->T; t++)
			batch->ids[(size_t)t * (size_t)batch->B + (size_t)r] = t <= n ? tokens[t - 1] : 0;
	}
}

int64_t ur_pair_batches_tokens(ur_pair_batches *b, int64_t step)
{
	int rows;
	const int64_t *pair = rows_of(b, step, &rows);
	int64_t tokens = 0;

	for (int r = 0; r < rows; r++)
		tokens += place_of(b->pairs, pair[r], 0).target + 1;
	return tokens;
}
