/* Quality by length of the source, with intervals. */
#include "measure/translated.h"

#include "base/interval.h"
#include "base/order.h"
#include "base/rng.h"

#include <stdlib.h>

enum { RESAMPLES = 400, FEWEST = 20 };

/* One sample's rates. */
static void rates(const ur_sentence *const *of, int64_t n, uint64_t draw, double out[3])
{
	ur_bleu bleu = { 0 };
	int64_t edits = 0, tokens = 0, word_edits = 0, words = 0;

	for (int64_t i = 0; i < n; i++) {
		const uint64_t pick = draw ? ur_rng_below(draw, ur_rng_for(UR_RNG_RESAMPLE, 1), (uint64_t)i, (uint64_t)n)
		                           : (uint64_t)i;
		const ur_sentence *s = of[pick];

		ur_bleu_sum(&bleu, &s->bleu);
		edits += s->edits;
		tokens += s->of;
		word_edits += s->word_edits;
		words += s->words;
	}
	out[0] = tokens ? (double)edits / (double)tokens : 0;
	out[1] = words ? (double)word_edits / (double)words : 0;
	out[2] = ur_bleu_score(&bleu);
}

static void fill(const ur_sentence *const *of, int64_t n, ur_length_bin *b)
{
	static const int low_at = (int)(RESAMPLES * 0.025), high_at = (int)(RESAMPLES * 0.975);
	double value[3], sample[3][RESAMPLES];
	int64_t exact = 0;

	b->n = n;
	for (int64_t i = 0; i < n; i++) {
		exact += of[i]->exact;
		b->bleu_told |= of[i]->longest >= UR_BLEU_ORDER;
	}
	b->exact = (double)exact / (double)n;
	ur_wilson(exact, n, &b->exact_low, &b->exact_high);
	rates(of, n, 0, value);
	for (int r = 0; r < RESAMPLES; r++) {
		double one[3];
		rates(of, n, (uint64_t)r + 1, one);
		for (int k = 0; k < 3; k++)
			sample[k][r] = one[k];
	}
	for (int k = 0; k < 3; k++)
		ur_sort(RESAMPLES, sample[k]);
	b->errors = value[0];
	b->errors_low = sample[0][low_at];
	b->errors_high = sample[0][high_at];
	b->words = value[1];
	b->words_low = sample[1][low_at];
	b->words_high = sample[1][high_at];
	b->bleu = value[2];
	b->bleu_low = sample[2][low_at];
	b->bleu_high = sample[2][high_at];
}

static int by_length(const void *a, const void *b)
{
	const ur_sentence *x = *(const ur_sentence *const *)a, *y = *(const ur_sentence *const *)b;
	const int longer = (x->source_tokens > y->source_tokens) - (x->source_tokens < y->source_tokens);

	return longer ? longer : (x->pair > y->pair) - (x->pair < y->pair);
}

int ur_length_bins(const ur_translated *t, ur_length_bin *bin)
{
	const ur_sentence **sorted = malloc((size_t)(t->n ? t->n : 1) * sizeof *sorted);
	int bins = 0, shortest, longest, wide;

	for (int64_t i = 0; sorted && i < t->n; i++)
		sorted[i] = &t->sentence[i];
	if (!sorted || !t->n) {
		free(sorted);
		return 0;
	}
	qsort(sorted, (size_t)t->n, sizeof *sorted, by_length);
	shortest = sorted[0]->source_tokens;
	longest = sorted[t->n - 1]->source_tokens;
	wide = (longest - shortest) / UR_LENGTH_BINS + 1;
	for (int64_t i = 0, to; i < t->n; i = to) {
		int end = shortest + ((sorted[i]->source_tokens - shortest) / wide + 1) * wide;

		for (to = i; to < t->n && (sorted[to]->source_tokens < end || to - i < FEWEST); to++)
			if (sorted[to]->source_tokens >= end) /* too few: on into the next */
				end += ((sorted[to]->source_tokens - end) / wide + 1) * wide;
		if (t->n - to < FEWEST) {
			to = t->n;
			end = longest + 1;
		}
		bin[bins] = (ur_length_bin){ .from = sorted[i]->source_tokens, .to = sorted[to - 1]->source_tokens };
		fill(sorted + i, to - i, &bin[bins++]);
	}
	free(sorted);
	return bins;
}
