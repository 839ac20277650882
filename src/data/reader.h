/* What reads a kind of source as a sequence of tokens: one struct, one file, one line in readers.def. */
#ifndef UR_READER_H
#define UR_READER_H

#include "data/corpus.h"

typedef struct ur_reader {
	const char *name, *about;
	/* Sets tokens, bytes, vocab and own. After a failure close is called too. */
	ur_status (*open)(const ur_corpus_request *request, ur_corpus *c, ur_err *err);
	void (*close)(ur_corpus *c);
	/* The range was checked. */
	ur_status (*read)(const ur_corpus *c, int64_t from, int64_t n, int32_t *out, ur_err *err);
	/* Offset in the source of the first byte of token i, 0 < i < tokens. */
	ur_status (*offset)(const ur_corpus *c, int64_t i, int64_t *offset, ur_err *err);
	ur_status (*fingerprint)(const ur_corpus *c, uint64_t *fingerprint, ur_err *err);
} ur_reader;

struct ur_corpus {
	const ur_reader *reader;
	char *path;
	int64_t tokens, bytes;      /* bytes: of the source */
	ur_vocab *vocab;            /* a hold */
	void *own;                  /* the reader's */
};

#define UR_READER(name) extern const ur_reader ur_reader_##name;
#include "data/readers.def"
#undef UR_READER

/* In the order of readers.def, NULL-terminated. */
extern const ur_reader *const ur_readers[];

#endif
