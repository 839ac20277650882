/* Translations: targets that a model of pairs finds likely for sources, by greedy or beam search.
 *
 * The encoder takes all sources of a batch at once; what steps want of them is worked out once a source (run/step.h),
 * and then every hypothesis of every source goes one step at a time. A hypothesis is worth log p / ((5 + n) / 6)^penalty,
 * n its tokens with the end (Wu et al. 2016); 0: log p alone. A source's translation does not depend on the others in the
 * batch, nor on the number of threads. */
#ifndef UR_TRANSLATE_H
#define UR_TRANSLATE_H

#include "run/step.h"

enum { UR_MOST_BEAM = 64 };

typedef struct ur_translating {
	int beam;                       /* 1: greedy; 1 .. UR_MOST_BEAM */
	double penalty;                 /* of length, 0 .. 10 */
	int most;                       /* tokens of a translation, the end not counted; 0: twice the source's and 10;
	                                 * either way no more than the model's context has room for */
	int batch;                      /* sources at a time, at least 1 */
	int longest;                    /* tokens of a source at most, the end not counted */
	int alignments;                 /* keep where each token's step looked */
} ur_translating;

typedef struct ur_translation {
	int32_t *tokens;                /* without the end; owned by the translator until its next call */
	int n;
	int ended;                      /* with the end; else it was cut at `most` */
	double log_p;                   /* of all its tokens, the end included, in nats */
	int S;                          /* source tokens, the end included */
	float *weights;                 /* NULL, or (n + ended, S): each token's, the end's included; as tokens */
} ur_translation;

typedef struct ur_translator ur_translator;

/* The model is one of pairs and outlives it, as the context does. UR_E_INVALID: settings, or sources longer than the
 * model takes. UR_E_NOMEM. */
ur_status ur_translator_open(const ur_model *m, const ur_ctx *c, const ur_translating *settings,
                             ur_translator **translator, ur_err *err);
void ur_translator_close(ur_translator *t);
/* n sources (at most settings.batch) of len[i] tokens each, in range, without the end. UR_E_INVALID: one is too long,
 * or the model's outputs are no numbers. */
ur_status ur_translate(ur_translator *t, int n, const int32_t *const *source, const int *len, ur_translation *out,
                       ur_err *err);
/* The text of tokens: joined, of a vocabulary of words without the blank that the last ends with. malloc'd and
 * NUL-terminated; NULL: no memory. */
char *ur_translation_text(const ur_vocab *vocab, const int32_t *tokens, int n, size_t *bytes);
/* The longest source this model takes, the end not counted; 0: any. */
int ur_source_limit(const ur_model *m);

#endif
