/* Text from a model: a prompt, then tokens drawn one after the other. */
#ifndef UR_GENERATE_H
#define UR_GENERATE_H

#include "run/sample.h"

typedef struct ur_generation {
	const int32_t *prompt;
	int64_t prompt_tokens;          /* 0: starts from a newline, where the vocabulary has one, or else from token 0 */
	int64_t count;                  /* the most tokens to draw */
	ur_sampling sampling;
	const char *stop;               /* ends with the token that completes this text; NULL: none */
} ur_generation;

enum { UR_STOP_MOST = 256 }; /* bytes of `stop` */

/* Receives each drawn token and its text, as it comes: `bytes` bytes, not NUL-terminated, none for a model without a
 * vocabulary. Text comes in whole UTF-8 sequences but for byte and bpe vocabularies, whose tokens may end inside one.
 * Non-zero: stop. */
typedef int ur_text_out(void *arg, int32_t token, const char *text, size_t bytes);

/* Resets the stream, feeds the prompt and draws up to `count` tokens; *drawn (may be NULL) says how many.
 *
 * A stream that is full (unroll_limit) starts again from the last half of what it holds, so text of any length can be
 * drawn; of a prompt that does not fit, the last half of what would is fed. The same settings give the same text.
 *
 * UR_E_STOPPED: `out` said so; what was drawn stands. UR_E_INVALID: settings or prompt, or logits that are no numbers.
 * UR_E_NOMEM. */
ur_status ur_generate(ur_stream *stream, const ur_generation *g, ur_text_out *out, void *arg, int64_t *drawn,
                      ur_err *err);

#endif
