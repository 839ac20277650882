/* unroll.h -- run a trained sequence model: open it, look at it, stream it one step at a time.
 *
 * Links libunroll-run only. The library never prints, exits or aborts; every call that can fail returns a ur_status
 * and writes the detail into the caller's ur_err. A model may be shared by many threads; a stream belongs to one
 * thread at a time. */
#ifndef UNROLL_H
#define UNROLL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNROLL_VERSION "0.1.0"

#define UR_STATUSES(X) \
	X(OK, 0, "ok") \
	X(E_INVALID, 1, "invalid argument or input") \
	X(E_NOMEM, 2, "out of memory") \
	X(E_IO, 3, "a file could not be read or written") \
	X(E_FORMAT, 4, "a file is malformed") \
	X(E_DIVERGED, 5, "training diverged") \
	X(E_STOPPED, 6, "stopped on request")

typedef enum ur_status {
#define X(name, value, text) UR_##name = value,
	UR_STATUSES(X)
#undef X
} ur_status;

/* What went wrong, where, and what to do: one sentence or two. Owned by the caller; NULL wherever it is not wanted. */
typedef struct ur_err {
	ur_status status;
	char text[508];
} ur_err;

const char *unroll_status_text(ur_status status);
const char *unroll_version(void);

/* A model file, opened: spec, vocabulary and weights ready to run. Immutable, so many streams may read it at once. */
typedef struct ur_model ur_model;
/* One live sequence through a model. */
typedef struct ur_stream ur_stream;

/* *model is NULL on failure. */
ur_status unroll_open(const char *path, ur_model **model, ur_err *err);
void unroll_close(ur_model *model);

/* The spec the model was built from ("lstm:2x256"), owned by the model. */
const char *unroll_spec(const ur_model *model);
/* Scalars in all parameters. */
int64_t unroll_parameters(const ur_model *model);
/* Size of the vocabulary: tokens are 0 to that minus 1, and a step gives that many logits. */
int unroll_vocabulary(const ur_model *model);
/* Steps a stream can take before it is full; 0: no limit. */
int64_t unroll_limit(const ur_model *model);

/* Bytes of one stream: its state and the working memory of a step. Fixed: it does not grow with the steps taken. */
size_t unroll_stream_size(const ur_model *model);
/* Starts a stream in `memory` (unroll_stream_size bytes, 64-byte aligned, kept by the caller until it is done), or in
 * memory of its own when that is NULL. The model must outlive it. UR_E_INVALID: misaligned; UR_E_NOMEM. */
ur_status unroll_stream_open(const ur_model *model, void *memory, ur_stream **stream, ur_err *err);
/* Gives back what the library took for it; memory the caller supplied stays the caller's. NULL is fine. */
void unroll_stream_close(ur_stream *stream);
/* Back to the start of a sequence. */
void unroll_stream_reset(ur_stream *stream);
/* Steps taken since the start. */
int64_t unroll_position(const ur_stream *stream);
/* Feeds one token; *logits (vocabulary floats, for the next one) are the stream's, valid until it is fed again; NULL
 * where they are not wanted. Allocates nothing. UR_E_INVALID: no such token, or the stream is full (unroll_limit); the
 * stream is as it was. */
ur_status unroll_step(ur_stream *stream, int token, const float **logits, ur_err *err);
/* Feeds n >= 1 tokens at once: the result of n steps, to rounding. *logits are those after the last token. A
 * stream's first prefill takes working memory of its own, kept until unroll_stream_close. UR_E_INVALID: as for a step,
 * found before the first token is fed; UR_E_NOMEM. On failure the stream is as it was. */
ur_status unroll_prefill(ur_stream *stream, const int32_t *tokens, int64_t n, const float **logits, ur_err *err);
/* Copies the state of `from` into `to`, a stream of the same model: from here on they are independent. */
ur_status unroll_stream_copy(ur_stream *to, const ur_stream *from, ur_err *err);

/* Text to tokens and back, with the model's own vocabulary. encode: the number of tokens, of which the first `room`
 * are written; -1 where the text has something the vocabulary lacks (err says what and where). decode: bytes of the
 * token's text, in *text, owned by the model. */
int64_t unroll_encode(const ur_model *model, const char *text, size_t bytes, int32_t *tokens, size_t room, ur_err *err);
size_t unroll_decode(const ur_model *model, int token, const char **text);

#ifdef __cplusplus
}
#endif
#endif
