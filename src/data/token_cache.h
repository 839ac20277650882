/* Files of token ids: a text, tokenised once.
 *
 * They lie in $XDG_CACHE_HOME/unroll or ~/.cache/unroll, or where that cannot be written in $TMPDIR (/tmp)/unroll-UID;
 * where nothing can, an unlinked temporary file serves this once. A file is written beside its name and renamed, so
 * that any number of processes may write it at once and a killed one leaves nothing that is taken for whole. What is
 * read is trusted in nothing: header, sizes and a hash of the body are checked at opening, each id when it is read.
 * A cache that fails a check is not an error; it is written anew. Files of one source that no longer fit it are
 * removed when a new one is written.
 *
 * Layout, in the machine's byte order: header; the source's real path; the vocabulary's JSON; zeros up to a multiple
 * of 8; ids of 1, 2 or 4 bytes, by the vocabulary's size; zeros up to a multiple of 8; for every UR_TOKEN_BLOCK-th
 * token the offset in the source, int64, where its bytes begin. */
#ifndef UR_TOKEN_CACHE_H
#define UR_TOKEN_CACHE_H

#include "data/corpus.h"

enum { UR_TOKEN_BLOCK = 4096, UR_TOKEN_PLACES = 3 };

/* What a cache must have been made from to be of use. */
typedef struct ur_token_key {
	const char *path;                   /* real */
	int64_t size, mtime, mtime_ns;
	uint64_t inode;
	const ur_vocab *use;                /* the vocabulary, or, NULL, one learnt from the source: */
	ur_vocab_request learn;             /* all of it decides what the tokens are */
} ur_token_key;

/* Tokens, open. */
typedef struct ur_tokens {
	int fd;
	char *name;                         /* for messages */
	int width, vocab_size;
	int64_t n, ids_at, size;            /* size: of the file */
	int64_t *index;                     /* offset in the source of token i * UR_TOKEN_BLOCK */
	uint64_t fingerprint;               /* of the source */
	int young;                          /* the source was so new that its time proves nothing: compare fingerprints */
} ur_tokens;

/* Looks for a cache that fits. *t is NULL where there is none; *vocab is a hold on its vocabulary. Fails only with
 * UR_E_NOMEM and UR_E_STOPPED. */
ur_status ur_tokens_find(const ur_token_key *key, ur_progress *progress, void *arg, ur_tokens **t, ur_vocab **vocab,
                         ur_err *err);
ur_status ur_tokens_read(const ur_tokens *t, int64_t from, int64_t n, int32_t *out, ur_err *err);
void ur_tokens_close(ur_tokens *t);

/* Writes a cache in place 0, 1 or 2, the last the unlinked one. vocab: what the ids are of. */
typedef struct ur_token_writer ur_token_writer;
ur_status ur_token_writer_open(int place, const ur_token_key *key, const ur_vocab *vocab, ur_token_writer **w,
                               ur_err *err);
/* A ur_token_sink; arg is the writer. */
ur_status ur_token_writer_add(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err);
int64_t ur_token_writer_count(const ur_token_writer *w);
/* Whether a failure was this place's (another may do), not the text's. */
int ur_token_writer_failed(const ur_token_writer *w);
/* Publishes the cache and opens it. */
ur_status ur_token_writer_finish(ur_token_writer *w, uint64_t fingerprint, ur_tokens **t, ur_err *err);
/* Removes what was not published. */
void ur_token_writer_close(ur_token_writer *w);

#endif
