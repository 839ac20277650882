/* A corpus: a sequence of tokens, in order, on disk. It may be larger than memory; nothing of it is held.
 *
 * Bytes are read straight from the file. Other vocabularies cost one pass over it, into a cache of token ids that the
 * next opening uses (token_cache.h). A corpus is immutable: any number of threads may read one. */
#ifndef UR_CORPUS_H
#define UR_CORPUS_H

#include "base/status.h"
#include "vocab/vocab.h"

typedef struct ur_corpus ur_corpus;

/* Called now and then while a file is read through: `done` of `total` bytes of work. Non-zero stops (UR_E_STOPPED). */
typedef int ur_progress(void *arg, int64_t done, int64_t total);

typedef struct ur_corpus_request {
	const char *path;
	const char *reader;     /* readers.def; NULL: "text" */
	const ur_vocab *use;    /* encode with this one, or, where it is NULL, learn one from the file: */
	const char *vocab;      /* its kind; NULL: "byte" */
	int64_t vocab_size;     /* its cap, 0: none */
	int64_t vocab_least;    /* its `least`, 0: none; see ur_vocab_request */
	int vocab_unknown;      /* its `unknown` */
	ur_progress *progress;  /* NULL: none */
	void *progress_arg;
} ur_corpus_request;

/* *corpus is NULL on failure. UR_E_IO: the file cannot be read, or not from any position (a pipe), or it changed
 * meanwhile. UR_E_INVALID: it is empty, or no text of that vocabulary (err says at which byte). */
ur_status ur_corpus_open(const ur_corpus_request *request, ur_corpus **corpus, ur_err *err);
void ur_corpus_close(ur_corpus *corpus);

/* At least 1. */
int64_t ur_corpus_tokens(const ur_corpus *corpus);
/* Owned by the corpus; who needs it for longer takes a hold. */
const ur_vocab *ur_corpus_vocab(const ur_corpus *corpus);
const char *ur_corpus_path(const ur_corpus *corpus);

/* Tokens [from, from + n) into out[n], each in [0, V). UR_E_INVALID: not in the corpus. UR_E_IO: the file became
 * shorter. UR_E_FORMAT: the cache was damaged while in use. */
ur_status ur_corpus_read(const ur_corpus *corpus, int64_t from, int64_t n, int32_t *out, ur_err *err);

/* Bytes of the source that tokens [from, to) stand for, exactly, for bits per byte. Every byte belongs to one token:
 * the blanks before a word are the word's, and those after the last token are the last token's, so that [0, tokens)
 * is the whole file. Reads the source: UR_E_IO where it has changed. */
ur_status ur_corpus_bytes(const ur_corpus *corpus, int64_t from, int64_t to, int64_t *bytes, ur_err *err);
int64_t ur_corpus_source_bytes(const ur_corpus *corpus);

/* A hash of the source's bytes, whatever the vocabulary: equal files have equal ones, on every machine. A corpus of
 * bytes is read through for it (about a second for each GB or two). */
ur_status ur_corpus_fingerprint(const ur_corpus *corpus, uint64_t *fingerprint, ur_err *err);

#endif
