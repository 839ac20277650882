/* What the two halves of the token cache share: the file's header and where files lie. */
#ifndef UR_TOKEN_FILE_H
#define UR_TOKEN_FILE_H

#include "data/token_cache.h"
#include "vocab/text_hash.h"

#include <dirent.h>

#define UR_TOKEN_MAGIC "UnrollTk"
#define UR_TOKEN_SUFFIX ".tokens"

enum { UR_TOKEN_VERSION = 2, UR_TOKEN_PATH = 4096, UR_TOKEN_PIECE = 1 << 20 };

typedef struct ur_token_header {
	char magic[8];
	uint32_t version, width;
	int64_t size, mtime, mtime_ns;      /* of the source */
	uint64_t inode;
	int64_t tokens, cap, least;
	uint64_t path_bytes, json_bytes;
	uint64_t vocab_hash, fingerprint, body_hash;
	uint32_t learnt, young;             /* learnt: the vocabulary is that of the source, by kind, cap, least, unknown */
	uint32_t unknown, zero;
	char kind[16];
	uint64_t header_hash;               /* of all before it */
} ur_token_header;

uint64_t ur_token_header_hash(const ur_token_header *h);
/* Where the parts of a file begin, and its size; 0: no file can have these sizes. */
int ur_token_layout(const ur_token_header *h, int64_t *ids_at, int64_t *index_at, int64_t *size);
static inline int ur_token_width(int vocab_size) { return vocab_size <= 256 ? 1 : vocab_size <= 65536 ? 2 : 4; }

/* The folder of place 0 or 1, made if `make`; 0: there is none that is safe to use. */
int ur_token_place(int place, int make, char dir[UR_TOKEN_PATH]);
/* Where unlinked temporary files may go, best first; NULL behind the last. */
const char *ur_token_temporary(int i);
/* Start of the names of all files of one source. */
void ur_token_prefix(const char *path, char prefix[18]);
/* The next entry of `dir` whose name starts so, NULL: no more. */
const struct dirent *ur_token_next(DIR *dir, const char *prefix);
/* Reads and checks the header of file `name` in a folder. Its descriptor, or -1. */
int ur_token_open(int dir, const char *name, ur_token_header *h);
/* Whether h was made from the source as it is now. */
int ur_token_fresh(const ur_token_header *h, const ur_token_key *key);

#endif
