/* BLEU (Papineni et al. 2002) of a corpus, as sacreBLEU 2 computes it with its defaults (Post 2018): one reference,
 * tokenised by "13a" (mteval-v13a), case kept, n-grams to 4, exponential smoothing, effective order off. */
#ifndef UR_BLEU_H
#define UR_BLEU_H

#include <stddef.h>
#include <stdint.h>

enum { UR_BLEU_ORDER = 4 };

/* What a sentence, and summed, a corpus, contributes. Zero-initialised it is the empty corpus. */
typedef struct ur_bleu {
	int64_t match[UR_BLEU_ORDER], total[UR_BLEU_ORDER];
	int64_t hypothesis, reference;  /* lengths in tokens */
} ur_bleu;

/* Adds one sentence; texts are UTF-8 (other bytes count as they are). 0: no memory, and nothing was added. */
int ur_bleu_add(ur_bleu *b, const char *hypothesis, size_t hypothesis_bytes, const char *reference,
                size_t reference_bytes);
void ur_bleu_sum(ur_bleu *b, const ur_bleu *more);
/* 0 .. 100. */
double ur_bleu_score(const ur_bleu *b);
/* The 13a tokenisation of a text: tokens joined by single spaces, malloc'd, NUL-terminated. NULL: no memory. */
char *ur_bleu_tokenize(const char *text, size_t bytes);

#endif
