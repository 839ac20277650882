/* A vocabulary turns text into tokens 0..V-1 and back. It is learnt from a text (or fixed), stored in model files as
 * JSON, and immutable once made, so any number of threads may use one.
 *
 * The kinds are in vocabs.def: `byte`, `char`, `word`, `bpe`. Text arrives in chunks of any size, because corpora are
 * larger than memory: a chunk may end inside a UTF-8 sequence or a word and the result is the same as for the whole
 * text. */
#ifndef UR_VOCAB_H
#define UR_VOCAB_H

#include "base/status.h"

#include <jansson.h>

typedef struct ur_vocab ur_vocab;
typedef struct ur_vocab_builder ur_vocab_builder;
typedef struct ur_encoder ur_encoder;

enum { UR_VOCAB_MOST = 1 << 24 }; /* tokens a vocabulary may have */

/* ---- learning one from text ---- */

/* What to learn. */
typedef struct ur_vocab_request {
	const char *kind;               /* a name in vocabs.def */
	int64_t cap;                    /* the most tokens it may have (word, bpe), 0: any number; bpe: 8,000 */
	int64_t least;                  /* leave out what comes up fewer times than this (char, word); 0 and 1: nothing */
	int unknown;                    /* char: have a token for what is not there, as `least` implies; other kinds do or
	                                 * need none anyway */
} ur_vocab_request;

/* Reads KIND or KIND:CAP, as in "char" and "bpe:8000", into kind (static) and cap; the rest of *request stays.
 * UR_E_INVALID: no such kind, or what it cannot have. */
ur_status ur_vocab_request_parse(const char *text, ur_vocab_request *request, ur_err *err);
/* Whether a request can be met, as far as that can be said before there is text. UR_E_INVALID. */
ur_status ur_vocab_request_check(const ur_vocab_request *request, ur_err *err);

/* Starts learning. UR_E_INVALID: no such kind, or what it cannot have. */
ur_status ur_vocab_builder_open(const ur_vocab_request *request, ur_vocab_builder **builder, ur_err *err);
/* The next `bytes` of the text. UR_E_INVALID: not valid UTF-8 (kinds that need it), the byte's offset is in err.
 * After a failure a builder can only be closed. */
ur_status ur_vocab_builder_feed(ur_vocab_builder *builder, const char *text, size_t bytes, ur_err *err);
/* The text is over: *vocab is the result (NULL on failure), one hold, the caller's. Called once. */
ur_status ur_vocab_builder_finish(ur_vocab_builder *builder, ur_vocab **vocab, ur_err *err);
void ur_vocab_builder_close(ur_vocab_builder *builder);

/* One more owner of v (returned), who calls ur_vocab_free too; the last call frees it. Safe from any thread. */
ur_vocab *ur_vocab_hold(const ur_vocab *v);
void ur_vocab_free(ur_vocab *v);

int ur_vocab_size(const ur_vocab *v);
/* Name of its kind, static. */
const char *ur_vocab_kind_of(const ur_vocab *v);
/* Equal for vocabularies of one kind that make the same tokens of every text; the same on every machine. */
uint64_t ur_vocab_hash(const ur_vocab *v);
/* The token for what the vocabulary lacks, or -1 where it has none. */
int ur_vocab_unknown(const ur_vocab *v);

/* ---- text to tokens ---- */

/* Receives n tokens, in order. ends[i] is the offset in the text just behind token i, so token i covers the bytes
 * from ends[i - 1] to ends[i]: a word covers the blanks before it. Any status but UR_OK stops the encoder. */
typedef ur_status ur_token_sink(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err);

/* An encoder for one text whose first byte has offset `at` (for errors and ends). v must outlive it. It may start at
 * the end of any token of a text and then gives the tokens that follow; with bpe only outside runs of more than 256
 * letters or the like, which are cut by counting from where they begin. Where a vocabulary has no unknown token, ends
 * need no encoder: a token covers as many bytes as its text has. */
ur_status ur_encoder_open(const ur_vocab *v, int64_t at, ur_token_sink *sink, void *arg, ur_encoder **e, ur_err *err);
/* UR_E_INVALID: not valid UTF-8, or something the vocabulary lacks, with the byte's offset. Of two such places the
 * first is reported. After a failure an encoder can only be closed. */
ur_status ur_encoder_feed(ur_encoder *e, const char *text, size_t bytes, ur_err *err);
/* The text is over: the sink gets what is left. */
ur_status ur_encoder_finish(ur_encoder *e, ur_err *err);
void ur_encoder_close(ur_encoder *e);

/* A whole text at once: the number of tokens, of which the first `room` are written; -1 on failure. */
int64_t ur_vocab_encode(const ur_vocab *v, const char *text, size_t bytes, int32_t *tokens, size_t room, ur_err *err);

/* ---- tokens to text ---- */

/* Bytes of a token's text, in *text, owned by v (not NUL-terminated); 0 and "" for a token that is not in v.
 * The texts of a run of tokens, joined, are readable. Without an unknown token (byte, bpe, most often char) they are
 * the very text that was encoded. A word's text ends with a blank, a newline is "\n"; char's unknown token is U+FFFD.
 * Encoding the joined text of a whole text gives the same tokens again. */
size_t ur_vocab_decode(const ur_vocab *v, int token, const char **text);

/* ---- JSON, as model files hold it ---- */

/* {"kind": "byte"}, {"kind": "char", "codes": [10, 32, ...]} (and "unknown": true, where it has that token),
 * {"kind": "word", "words": ["the", "\n", ...]} or {"kind": "bpe", "merges": [[116, 104], [256, 101], ...]}; a word
 * with a NUL in it is an array of its bytes, because many JSON readers refuse "\u0000". A new reference, NULL: no
 * memory. */
json_t *ur_vocab_to_json(const ur_vocab *v);
/* Reads that, trusting nothing. UR_E_FORMAT: err says which member is wrong and how. */
ur_status ur_vocab_from_json(const json_t *json, ur_vocab **vocab, ur_err *err);

#endif
