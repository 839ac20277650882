/* Which part a pair is in: its source's hash as a number in [0, 1), cut at the shares. The hash of text_hash.h is mixed
 * well enough to be cut at its top bits as it is, for texts of few bytes too (tests/test_pairs.c). */
#include "data/pairs.h"

#include "base/file.h"
#include "vocab/text_hash.h"

#include <stdlib.h>

static ur_part_of part_of(const ur_pairs *p, int64_t i, double val, double test)
{
	size_t bytes;
	const char *text = ur_pairs_text(p, i, UR_SOURCE, &bytes);
	ur_hash hash = { 0 };
	double place;

	ur_hash_add(&hash, text, bytes);
	place = (double)(ur_hash_value(&hash) >> 11) * 0x1p-53;
	return place < test ? UR_TEST : place < test + val ? UR_VAL : UR_TRAIN;
}

/* Pair i is in the list of part[i]; UR_PARTS: in none. */
static ur_status collect(const unsigned char *part, int64_t pairs, ur_pair_split *split, ur_err *err)
{
	int64_t next[UR_PARTS + 1] = { 0 }, count[UR_PARTS + 1] = { 0 };
	int64_t *block = malloc((size_t)pairs * sizeof *block);

	if (!block)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a split of pairs");
	for (int64_t i = 0; i < pairs; i++)
		count[part[i]]++;
	for (int k = 0; k < UR_PARTS; k++) {
		split->index[k] = block + next[k];
		split->n[k] = count[k];
		next[k + 1] = next[k] + count[k];
	}
	for (int64_t i = 0; i < pairs; i++)
		if (part[i] < UR_PARTS)
			block[next[part[i]]++] = i;
	return UR_OK;
}

ur_status ur_pair_split_make(const ur_pairs *p, double val, double test, int most, ur_pair_split *split,
                             int64_t *left_out, ur_err *err)
{
	const double slack = 1e-9; /* 0.6 + 0.3 is not 0.9 in binary */
	int64_t n = ur_pairs_count(p), count[UR_PARTS + 1] = { 0 };
	unsigned char *part;
	ur_status status;

	*split = (ur_pair_split){ 0 };
	if (left_out)
		*left_out = 0;
	if (!(val >= 0) || !(test >= 0) || !(val + test <= 0.9 + slack))
		return ur_fail(err, UR_E_INVALID, "%g of the pairs for validation and %g for testing: neither may be below 0, "
			"and both together at most 0.9", val, test);
	part = malloc((size_t)n);
	if (!part)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a split of pairs");
	for (int64_t i = 0; i < n; i++) {
		ur_part_of of = part_of(p, i, val, test);
		part[i] = (unsigned char)(of == UR_TRAIN && !ur_pairs_fit(p, i, most) ? UR_PARTS : of);
		count[part[i]]++;
	}
	status = collect(part, n, split, err);
	if (!status && left_out)
		*left_out = count[UR_PARTS];
	free(part);
	return status;
}

ur_status ur_pair_split_all(const ur_pairs *p, ur_part_of part, ur_pair_split *split, ur_err *err)
{
	int64_t n = ur_pairs_count(p);
	unsigned char *parts = malloc((size_t)n);
	ur_status status;

	*split = (ur_pair_split){ 0 };
	if (!parts)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a split of pairs");
	memset(parts, (int)part, (size_t)n);
	status = collect(parts, n, split, err);
	free(parts);
	return status;
}

void ur_pair_split_free(ur_pair_split *split)
{
	free(split->index[0]); /* the others are in its block */
	*split = (ur_pair_split){ 0 };
}
