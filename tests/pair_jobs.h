/* Small files of pairs whose target is the source from its end in capitals and a stop, and jobs that train on them. */
#ifndef PAIR_JOBS_H
#define PAIR_JOBS_H

#include <stdio.h>

#include "base/rng.h"
#include "small_models.h"
#include "train/train.h"

/* n lines of 2 to `longest` of the first `letters` letters, each another one for another seed. */
static inline void write_reversals(const char *path, int n, int letters, int longest, uint64_t seed)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int i = 0; i < n; i++) {
		const int length = 2 + (int)ur_rng_below(seed, ur_rng_for(UR_RNG_TEST, 60), (uint64_t)i, (uint64_t)longest - 1);
		char text[32], turned[32] = "";

		for (int j = 0; j < length; j++) {
			text[j] = (char)('a' + ur_rng_below(seed, ur_rng_for(UR_RNG_TEST, 61), (uint64_t)(i * 32 + j),
			                                    (uint64_t)letters));
			turned[length - 1 - j] = (char)(text[j] - 'a' + 'A');
		}
		fprintf(f, "%.*s\t%.*s.\n", length, text, length, turned);
	}
	assert_int_equal(fclose(f), 0);
}

static inline ur_pairs *pairs_with(const char *path, const ur_pairs *like)
{
	ur_pairs_request q = { .path = path };
	ur_pairs *pairs;

	for (int side = 0; like && side < UR_SIDES; side++)
		q.use[side] = ur_pairs_vocab(like, side);
	assert_ok(ur_pairs_open(&q, &pairs, why));
	return pairs;
}

static inline ur_pair_split split_of(const ur_pairs *pairs, double val)
{
	ur_pair_split split;
	assert_ok(ur_pair_split_make(pairs, val, 0, 0, &split, NULL, why));
	return split;
}

static inline ur_pair_split all_of(const ur_pairs *pairs, ur_part_of part)
{
	ur_pair_split split;
	assert_ok(ur_pair_split_all(pairs, part, &split, why));
	return split;
}

/* Trains 30 steps of 8 pairs, validated every 10. */
static inline ur_job pair_job(const ur_ctx *c, const char *spec, const ur_pairs *pairs, const ur_pair_split *split,
                              const char *out)
{
	ur_job j = { .pairs = pairs, .pair_split = split, .ctx = c, .out = out };

	assert_ok(ur_spec_parse(spec, &j.spec, why));
	ur_recipe_defaults(&j.recipe, &j.spec);
	j.recipe.steps = 30;
	j.recipe.batch = 8;
	j.recipe.window = 10;
	j.recipe.warmup = 5;
	j.recipe.eval_every = 10;
	j.recipe.lr = 1e-2;
	return j;
}

#endif
