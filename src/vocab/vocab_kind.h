/* What a kind of vocabulary is: one struct, one file, one line in vocabs.def. Nothing outside its file names it. */
#ifndef UR_VOCAB_KIND_H
#define UR_VOCAB_KIND_H

#include "vocab/text_hash.h"
#include "vocab/utf8.h"
#include "vocab/vocab.h"

#include <stdatomic.h>

enum { UR_ENCODER_ROOM = 2048 };

typedef struct ur_vocab_kind {
	const char *name, *about;
	int cap_least, cap_most;    /* the caps it takes; both 0: none */
	int thins;                  /* takes `least` */
	int utf8;                   /* its text must be UTF-8: count and encode are given whole, valid sequences */
	int identity;               /* token t is byte t */

	int joined;                 /* tokens are made of tokens: one's text may be encoded as others, and encoding cannot
	                             * start behind every one. Such a kind has no unknown token */

	/* Learning. All three NULL: nothing is learnt, and learn is called with counts NULL. */
	void *(*counts_open)(void);
	ur_text_fn *count;          /* self: what counts_open gave */
	void (*counts_close)(void *counts);
	/* The text is over: fills v (texts, lookup) from the counts. */
	ur_status (*learn)(void *counts, const ur_vocab_request *request, ur_vocab *v, ur_err *err);

	/* Encoding. `own`: bytes of state in each encoder, zeroed at its start. */
	size_t own;
	ur_text_fn *encode;         /* self: the ur_encoder */
	ur_status (*encode_end)(ur_encoder *e, ur_err *err); /* NULL: nothing is held back */
	int (*unknown)(const ur_vocab *v);                   /* NULL: it has no such token */
	void (*mark)(const ur_vocab *v, ur_hash *hash);      /* what decides besides texts; NULL: nothing */

	/* JSON: adds members to (0: no memory), or fills v from, an object whose "kind" is this one's name. */
	int (*save)(const ur_vocab *v, json_t *object);
	ur_status (*load)(const json_t *object, ur_vocab *v, ur_err *err);
} ur_vocab_kind;

#define UR_VOCAB(name) extern const ur_vocab_kind ur_vocab_kind_##name;
#include "vocab/vocabs.def"
#undef UR_VOCAB

/* In the order of vocabs.def, NULL-terminated. */
extern const ur_vocab_kind *const ur_vocab_kinds[];
/* NULL: no such kind, and err lists those there are. */
const ur_vocab_kind *ur_vocab_kind_find(const char *name, ur_err *err);

struct ur_vocab {
	const ur_vocab_kind *kind;
	atomic_int holds;
	int size;
	char *text;                 /* token i's text is text[at[i]] up to text[at[i + 1]] */
	size_t *at;
	void *lookup;               /* text to token, the kind's own; one block */
	uint64_t hash;
};

/* Room for `size` tokens of `bytes` of text together, in v; 0: no memory. */
int ur_vocab_room(ur_vocab *v, int size, size_t bytes);

struct ur_encoder {
	const ur_vocab *v;
	ur_gate gate;
	ur_token_sink *sink;
	void *arg;
	size_t n;
	int32_t ids[UR_ENCODER_ROOM];
	int64_t ends[UR_ENCODER_ROOM];
	max_align_t own[];          /* kind->own bytes */
};

ur_status ur_encoder_flush(ur_encoder *e, ur_err *err);

static inline ur_status ur_encoder_put(ur_encoder *e, int32_t id, int64_t end, ur_err *err)
{
	e->ids[e->n] = id;
	e->ends[e->n++] = end;
	return e->n < UR_ENCODER_ROOM ? UR_OK : ur_encoder_flush(e, err);
}

#endif
