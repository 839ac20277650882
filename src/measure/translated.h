/* How good a model's translations of held-out pairs are. Each distinct source is translated once; pairs of one source
 * are its references, and it is right when it is any of them (as pronunciation dictionaries are scored). */
#ifndef UR_TRANSLATED_H
#define UR_TRANSLATED_H

#include "data/pairs.h"
#include "quality/bleu.h"
#include "run/translate.h"

/* One source. Edits are to the reference that takes the fewest. */
typedef struct ur_sentence {
	int64_t pair;                   /* the first pair of this source */
	int references;
	int source_tokens, tokens;      /* of the source and of the translation, ends not counted */
	int ended, exact;
	int64_t edits, of;              /* tokens to insert, delete or change; tokens of the reference */
	int64_t word_edits, words;      /* the same between blanks */
	ur_bleu bleu;                   /* of all its pairs */
	int64_t longest;                /* words of its longest reference, as BLEU tells them apart */
} ur_sentence;

typedef struct ur_translated {
	int64_t n, pairs, left_out;     /* sources translated, pairs of them; sources too long for the model */
	ur_sentence *sentence;          /* n, in order of the file */
	double bleu;                    /* 0 .. 100, over pairs */
	int bleu_told;                  /* some reference has the four words that BLEU looks for; else it is 0 or near it,
	                                 * whatever the translations */
	double exact;                   /* shares: of sources that are right, ... */
	double token_errors, word_errors;       /* ... edits per token and per word of the references */
	double seconds;                 /* of translating */
	int64_t tokens;                 /* of the translations, ends included */
	int64_t cut;                    /* translations that did not end */
} ur_translated;

/* Called after each batch. Non-zero: stop (UR_E_STOPPED). */
typedef int ur_translated_watch(void *arg, int64_t done, int64_t of);

/* Translates the sources of pairs index[n] (settings.longest is found here); at most `most` of them, taken evenly from
 * the list (0: all). UR_E_INVALID, UR_E_NOMEM. */
ur_status ur_translated_measure(const ur_model *m, const ur_ctx *c, const ur_pairs *pairs, const int64_t *index,
                                int64_t n, int64_t most, const ur_translating *settings, ur_translated_watch *watch,
                                void *arg, ur_translated *out, ur_err *err);
void ur_translated_free(ur_translated *t);
/* The totals anew, of some of the sentences. */
void ur_translated_sum(ur_translated *t);

/* -- by length of the source -- */

enum { UR_LENGTH_BINS = 12 };

typedef struct ur_length_bin {
	int from, to;                   /* source tokens, both included */
	int64_t n;
	double exact, exact_low, exact_high;    /* share, and Wilson's 95 % interval (Wilson 1927) */
	double errors, errors_low, errors_high; /* edits per reference token, and 95 % by resampling sources */
	double words, words_low, words_high;    /* the same of words */
	double bleu, bleu_low, bleu_high;       /* the same of BLEU (Koehn 2004) */
	int bleu_told;                  /* as above */
} ur_length_bin;

/* Bins of about equal width over the lengths there are, those with few sources joined to their neighbour; at most
 * UR_LENGTH_BINS. Returns how many. The same sentences give the same intervals. */
int ur_length_bins(const ur_translated *t, ur_length_bin *bin);

#endif
