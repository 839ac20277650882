/* Pairs: a source text and a target text each, in memory: as they stand in the file, and as tokens. A pair is a line:
 *
 *     one file     SOURCE <tab> TARGET                       (TSV)
 *     two files    line i of the one and line i of the other
 *
 * Lines end at \n; a \r at a line's end is not part of it; the last may lack its \n. A byte order mark at the start is
 * skipped (that of UTF-16 is an error). Text is UTF-8 where a vocabulary needs it, any bytes otherwise; a NUL is an
 * ordinary character. Empty lines at the end are left out; any other line that is no pair (no tab, two tabs, a side
 * that is empty or has no token) is an error that names it, so pair i is line i + 1.
 *
 * A vocabulary a side, learnt from all texts of the side. Each text is encoded by itself. Where its tokens end, and
 * before a decoder's first, stands one token more, the end, whose number is ur_vocab_size of that side; so a side has
 * ur_pairs_outputs = size + 1 tokens. What the vocabulary lacks is its unknown token (kinds that have one: word, char
 * as learnt here; bytes and byte pairs lack nothing), or, where there is none, an error. */
#ifndef UR_PAIRS_H
#define UR_PAIRS_H

#include "base/status.h"
#include "data/corpus.h"
#include "data/split.h"

enum { UR_SOURCE, UR_TARGET, UR_SIDES };
enum { UR_PAIR_TEXT_MOST = 1 << 24 };   /* bytes of a text; of a file: 2^32 - 1 */

typedef struct ur_pairs ur_pairs;

typedef struct ur_pairs_request {
	const char *path;               /* the TSV, or the sources */
	const char *target;             /* NULL, or the file of targets */
	const ur_vocab *use[UR_SIDES];  /* encode with these (both or none), or learn: */
	ur_vocab_request vocab[UR_SIDES];       /* `unknown` is taken as 1. kind NULL: char where the side has at most 512
	                                 * different characters (no cap), else bpe with its cap or 8000 */
	ur_progress *progress;          /* NULL: none */
	void *progress_arg;
} ur_pairs_request;

/* *pairs is NULL on failure. UR_E_IO: a file cannot be read, or changed meanwhile. UR_E_INVALID: a line that is no
 * pair, invalid UTF-8, what the vocabulary lacks (err names file, line, side and the byte of the text, from 0), files
 * of different length, too large, or without a pair; a vocabulary that cannot be. UR_E_STOPPED: by progress.
 * UR_E_NOMEM. */
ur_status ur_pairs_open(const ur_pairs_request *request, ur_pairs **pairs, ur_err *err);
void ur_pairs_close(ur_pairs *pairs);

int64_t ur_pairs_count(const ur_pairs *p);
const ur_vocab *ur_pairs_vocab(const ur_pairs *p, int side);    /* owned by p */
/* Tokens of a side, the end included; the end is the last one. */
int ur_pairs_outputs(const ur_pairs *p, int side);
static inline int32_t ur_pairs_end(const ur_pairs *p, int side) { return ur_pairs_outputs(p, side) - 1; }
/* Tokens of one text, at least one, without the end; owned by p. */
const int32_t *ur_pairs_tokens(const ur_pairs *p, int64_t i, int side, int *n);
/* Whether both its sides have at most `most` tokens, ends included; most 0: always. */
int ur_pairs_fit(const ur_pairs *p, int64_t i, int most);
/* The text as it stands in the file; owned by p, not NUL-terminated. */
const char *ur_pairs_text(const ur_pairs *p, int64_t i, int side, size_t *bytes);
const char *ur_pairs_path(const ur_pairs *p, int side); /* of a TSV the same for both */
/* A hash of the files' bytes, whatever the vocabulary; the same on every machine. */
uint64_t ur_pairs_fingerprint(const ur_pairs *p);

/* -- parts -- */

/* Which part a pair is in is drawn from a hash of its source's bytes alone: so pairs of one source never fall into
 * different parts, adding lines moves none, and the test part is the same whatever the share of validation. The three
 * lists are of pair numbers in order of the file, in one block. */
typedef struct ur_pair_split {
	int64_t *index[UR_PARTS], n[UR_PARTS];
} ur_pair_split;
/* Shares of validation and test, 0 .. 0.9 together; the rest trains. `most`: pairs with more tokens on a side, the end
 * included, are left out of training (not of the others); 0: no limit; *left_out (may be NULL) says how many.
 * A part may be empty. UR_E_INVALID: other shares. UR_E_NOMEM. On failure *split is empty. */
ur_status ur_pair_split_make(const ur_pairs *p, double val, double test, int most, ur_pair_split *split,
                             int64_t *left_out, ur_err *err);
/* Every pair in one part. UR_E_NOMEM. */
ur_status ur_pair_split_all(const ur_pairs *p, ur_part_of part, ur_pair_split *split, ur_err *err);
void ur_pair_split_free(ur_pair_split *split);

#endif
