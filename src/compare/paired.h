/* Differences between two models on the same text, and how far they can be trusted: losses are averaged over blocks of
 * consecutive tokens (neighbouring tokens are not independent), and the differences block by block give a standard
 * error and an interval. It speaks for other text of this kind, not for other seeds. */
#ifndef UR_PAIRED_H
#define UR_PAIRED_H

#include <stdint.h>

/* UR_BLOCK_TOKENS: the least in a block of a text. */
enum { UR_MOST_BLOCKS = 64, UR_BLOCK_TOKENS = 512 };

typedef struct ur_blocks {
	int n;
	int64_t tokens;                 /* in each but the last, which has the rest */
	double mean[UR_MOST_BLOCKS];    /* nats a token */
} ur_blocks;

typedef struct ur_gap {
	double mean, error;             /* a minus b, its standard error; NaN: fewer than two blocks */
	double low, high;               /* 95 % interval of the mean (Student's t) */
} ur_gap;

/* Cuts n losses into as many blocks of at least `least` tokens as there can be, at most UR_MOST_BLOCKS. */
void ur_blocks_make(const float *losses, int64_t n, int64_t least, ur_blocks *blocks);
/* a - b; both of the same tokens. */
ur_gap ur_paired_gap(const ur_blocks *a, const ur_blocks *b);

#endif
