/* Dropout: value i of a site is kept where a word of Philox, counted by (site, step, i), is at or above p 2^32. */
#include "block/block.h"

#include "base/rng.h"

void ur_drop(const ur_dropout *d, size_t from, size_t to, const float *x, float *y)
{
	const float keep = 1 / (1 - d->p);
	const uint32_t below = (uint32_t)(d->p * 4294967296.0);
	uint32_t word[4] = { 0 };

	from += d->first;
	to += d->first;
	for (size_t i = from; i < to; i++, x++, y++) {
		if (i == from || i % 4 == 0)
			ur_rng4(d->seed, ur_rng_for(UR_RNG_DROPOUT, (uint64_t)d->site << 40 | d->step), i / 4, word);
		*y = word[i % 4] < below ? 0 : *x * keep;
	}
}
