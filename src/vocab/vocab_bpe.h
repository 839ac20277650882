/* The two halves of bpe: what a pre-token is, how pairs are kept, and learning (vocab_bpe_learn.c). */
#ifndef UR_VOCAB_BPE_H
#define UR_VOCAB_BPE_H

#include "vocab/vocab_kind.h"

enum {
	UR_BPE_BYTES = 256,
	UR_BPE_MOST = 65536,        /* tokens: an id fits 16 bits, a pair 32 */
	UR_BPE_STANDARD = 8000,
	UR_BPE_LONGEST = 256        /* bytes of a pre-token, and so of a token */
};

/* ---- pre-tokens ---- */

/* The one that a chunk border has cut. */
typedef struct ur_bpe_part {
	size_t n;
	unsigned char held[UR_BPE_LONGEST + 1];
} ur_bpe_part;

/* A pre-token of n bytes that ends at offset `end`. */
typedef ur_status ur_bpe_fn(void *self, const unsigned char *text, size_t n, int64_t end, ur_err *err);

/* `bytes` more of a text, from offset `at`; bytes = 0: it is over. */
ur_status ur_bpe_cut(ur_bpe_part *part, const unsigned char *text, size_t bytes, int64_t at, ur_bpe_fn *fn, void *self,
                     ur_err *err);

/* ---- pairs ---- */

typedef struct ur_bpe_pair { uint16_t left, right; } ur_bpe_pair;

static inline uint32_t ur_bpe_key(uint32_t left, uint32_t right) { return left << 16 | right; }
static inline uint32_t ur_bpe_spot(uint32_t key) { return (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32); }

/* Fills v from n merges, of which merge i makes token 256 + i. UR_E_FORMAT: *wrong is one that cannot be. */
ur_status ur_bpe_make(const ur_bpe_pair *merges, int n, ur_vocab *v, int *wrong, ur_err *err);

/* ---- learning ---- */

void *ur_bpe_counts_open(void);
void ur_bpe_counts_close(void *counts);
ur_text_fn ur_bpe_count;
ur_status ur_bpe_learn(void *counts, const ur_vocab_request *request, ur_vocab *v, ur_err *err);

#endif
