/* unroll.h -- run a trained sequence model: open it, look at it, stream it one step at a time.
 *
 * Links libunroll-run only. The library never prints, exits or aborts; every call that can fail returns a ur_status
 * and writes the detail into the caller's ur_err. A model may be shared by many threads; a stream belongs to one
 * thread at a time. */
#ifndef UNROLL_H
#define UNROLL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
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
	X(E_STOPPED, 6, "stopped on request") \
	X(E_FULL, 7, "the stream is full")

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

/* How weights are kept while they run. bfloat16 halves the bytes a step reads, int8 (a scale per row; what a product
 * reads is rounded to 8 bits as it comes) quarters them. */
typedef enum unroll_weights { UNROLL_AS_STORED, UNROLL_F32, UNROLL_BF16, UNROLL_INT8 } unroll_weights;

/* Zero-initialise, set `size`, change what is wanted otherwise. */
typedef struct unroll_options {
	size_t size;                    /* sizeof(unroll_options) */
	unroll_weights weights;
	int64_t context;                /* attention: positions a stream can hold; 0: what the model was built with */
	int64_t window;                 /* attention: each position sees this many, itself included, and a stream keeps no
	                                 * more: bounded memory, no limit of length; 0: what the model was built with */
} unroll_options;

/* options may be NULL. *model is NULL on failure. UR_E_INVALID: options that this model cannot have. */
ur_status unroll_open_with(const char *path, const unroll_options *options, ur_model **model, ur_err *err);
ur_status unroll_open(const char *path, ur_model **model, ur_err *err);
void unroll_close(ur_model *model);

/* What a model gives at each step. */
typedef enum unroll_says {
	UNROLL_CLASSES,                 /* logits: of the next token, or of the class of what it reads */
	UNROLL_VALUES,                  /* real numbers, in the units of the data */
	UNROLL_HIDDEN                   /* no head: the last layer's output */
} unroll_says;

/* The spec the model was built from ("lstm:2x256"), owned by the model. */
const char *unroll_spec(const ur_model *model);
/* Scalars in all parameters. */
int64_t unroll_parameters(const ur_model *model);
/* Bytes of the weights that a step reads. */
size_t unroll_weight_bytes(const ur_model *model);
unroll_weights unroll_weights_kept(const ur_model *model);
/* Values that a step reads; 0: it reads a token. */
int unroll_inputs(const ur_model *model);
/* Floats that a step gives, and what they are. */
int unroll_outputs(const ur_model *model);
unroll_says unroll_output_kind(const ur_model *model);
/* Size of the vocabulary of a model that reads tokens, 0 to that minus 1; 0: it reads values. */
int unroll_vocabulary(const ur_model *model);
/* The name of an input value, or of an output (a class, a value); NULL: it has none. Owned by the model. */
const char *unroll_input_name(const ur_model *model, int i);
const char *unroll_output_name(const ur_model *model, int i);
/* Steps a stream can take before it is full; 0: no limit. */
int64_t unroll_limit(const ur_model *model);

/* Bytes of one stream: its state and the working memory of a step. Fixed: it does not grow with the steps taken. */
size_t unroll_stream_size(const ur_model *model);
/* Starts a stream in `memory` (unroll_stream_size bytes, 64-byte aligned, kept by the caller until it is done), or in
 * memory of its own when that is NULL. The model must outlive it. UR_E_INVALID: misaligned, or a model of pairs, which
 * has no streams; UR_E_NOMEM. */
ur_status unroll_stream_open(const ur_model *model, void *memory, ur_stream **stream, ur_err *err);
/* Gives back what the library took for it; memory the caller supplied stays the caller's. NULL is fine. */
void unroll_stream_close(ur_stream *stream);
/* Back to the start of a sequence. */
void unroll_stream_reset(ur_stream *stream);
/* Steps taken since the start. */
int64_t unroll_position(const ur_stream *stream);
/* Bytes of its state that matter now. */
size_t unroll_stream_state(const ur_stream *stream);

/* Feeds one token, or one vector of unroll_inputs values (in the units of the data; NaN: missing, taken as its mean, or
 * as 0 in a model that was built without units). *out (unroll_outputs floats) are the stream's, valid until it is fed
 * again; NULL where they are not wanted. Allocates nothing. UR_E_INVALID: no such token; a value that is infinite or,
 * as the layers see it (less its mean, by its scale), not below 1e16 in magnitude; the model reads the other kind.
 * UR_E_FULL: unroll_limit is reached. On failure the stream is as it was. */
ur_status unroll_step(ur_stream *stream, int token, const float **out, ur_err *err);
ur_status unroll_step_values(ur_stream *stream, const float *values, const float **out, ur_err *err);
/* Feeds n >= 1 tokens, or (n, unroll_inputs) values, at once: the result of n steps, to rounding. *out are those after
 * the last. A stream's first prefill takes working memory of its own, kept until unroll_stream_close. Errors as for a
 * step, found before the first is fed; UR_E_NOMEM. On failure the stream is as it was. */
ur_status unroll_prefill(ur_stream *stream, const int32_t *tokens, int64_t n, const float **out, ur_err *err);
ur_status unroll_prefill_values(ur_stream *stream, const float *values, int64_t n, const float **out, ur_err *err);
/* The same with the outputs of every step, out (n, unroll_outputs), the caller's; NULL where they are not wanted. */
ur_status unroll_forward(ur_stream *stream, const int32_t *tokens, int64_t n, float *out, ur_err *err);
ur_status unroll_forward_values(ur_stream *stream, const float *values, int64_t n, float *out, ur_err *err);
/* Copies the state of `from` into `to`, a stream of the same model: from here on they are independent. */
ur_status unroll_stream_copy(ur_stream *to, const ur_stream *from, ur_err *err);

/* Writes the stream's state as bytes that any later process may restore, on a machine of the same byte order, into a
 * stream of the same model and options, and go on bit for bit (with the same kernels: another processor may round
 * another way). Size of what save would write now; save into `room` bytes, which need no alignment; *bytes (or NULL) is
 * that size. The first save or restore of a model reads all its weights once, to know it by. UR_E_INVALID: too little
 * room. */
size_t unroll_stream_save_size(const ur_stream *stream);
ur_status unroll_stream_save(const ur_stream *stream, void *to, size_t room, size_t *bytes, ur_err *err);
/* The bytes are not trusted: UR_E_FORMAT where they are damaged or cut, UR_E_INVALID where they are of another model
 * or other options. Numbers that somebody made up, with a checksum to match, are taken for the state's. On failure the
 * stream is as it was. */
ur_status unroll_stream_restore(ur_stream *stream, const void *from, size_t bytes, ur_err *err);

/* Many streams of one model stepped together, which reads the weights once for all: working memory for at most `most`
 * of them, placed as a stream's is. One thread at a time. */
typedef struct ur_group ur_group;
size_t unroll_group_size(const ur_model *model, int most);
ur_status unroll_group_open(const ur_model *model, int most, void *memory, ur_group **group, ur_err *err);
void unroll_group_close(ur_group *group);
/* Feeds tokens[i], or row i of values (n, unroll_inputs), to streams[i], i < n <= most, all different. *out (n,
 * unroll_outputs) are the group's, valid until its next step; NULL where they are not wanted. Each stream's result is
 * to the bit what it would be alone. Errors as for a step, and then no stream was fed. */
ur_status unroll_group_step(ur_group *group, int n, ur_stream *const *streams, const int32_t *tokens, const float **out,
                            ur_err *err);
ur_status unroll_group_step_values(ur_group *group, int n, ur_stream *const *streams, const float *values,
                                   const float **out, ur_err *err);

/* Text to tokens and back, with the model's own vocabulary. encode: the number of tokens, of which the first `room`
 * are written; -1 where the text has something the vocabulary lacks (err says what and where). decode: bytes of the
 * token's text, in *text, owned by the model. */
int64_t unroll_encode(const ur_model *model, const char *text, size_t bytes, int32_t *tokens, size_t room, ur_err *err);
size_t unroll_decode(const ur_model *model, int token, const char **text);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
