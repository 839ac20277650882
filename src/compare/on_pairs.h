/* What comparing on pairs holds on to. */
#ifndef UR_ON_PAIRS_H
#define UR_ON_PAIRS_H

#include "compare/compare_parts.h"

struct ur_held_pairs {
	ur_pair_split split;            /* of pairs that every contender takes; of the training part all */
	int longest;                    /* tokens of the longest side of any pair, its end included */
	ur_part_of part;                /* compared on: UR_TEST, or UR_VAL where there is no test */
	int64_t *index, n;              /* what is scored, rising; */
	int *block;                     /* the block each is in */
	int blocks;
};

/* How translations are made. */
ur_translating ur_pairs_settings(const ur_compare *what);
/* Held-out sources that are translated, of those of the comparison's part. */
static inline int64_t ur_pairs_most(const ur_compare *w) { return w->translate > 0 ? w->translate : UR_TRANSLATE; }

#endif
