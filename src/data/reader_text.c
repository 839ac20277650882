/* text: a file of text, one token after the other. A vocabulary whose tokens are the bytes needs no tokenising: its
 * corpus is the file itself. Any other costs a pass to learn the vocabulary (unless one is given) and a pass to write
 * the tokens to the cache, after which the source is read only to count bytes. */
#include "data/pread_all.h"
#include "data/reader.h"
#include "data/source_file.h"
#include "data/token_cache.h"
#include "vocab/text_hash.h"
#include "vocab/vocab_kind.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 20, SMALL = 1 << 16 };

struct text {
	int fd;
	struct stat st;         /* when it was opened */
	ur_tokens *tokens;      /* NULL: the bytes themselves */
};

static void text_close(ur_corpus *c)
{
	struct text *t = c->own;
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	ur_tokens_close(t->tokens);
	free(t);
}

/* ---- opening the file ---- */

static ur_status open_source(ur_corpus *c, struct text *t, ur_err *err)
{
	ur_status status = ur_source_open(c->path, &t->fd, &t->st, err);

	if (status)
		return status;
	c->bytes = t->st.st_size;
	if (c->bytes == 0)
		return ur_fail(err, UR_E_INVALID, "%s is empty: a corpus needs at least one token", c->path);
	return UR_OK;
}

static ur_status unchanged(const ur_corpus *c, ur_err *err)
{
	const struct text *t = c->own;
	return ur_source_unchanged(t->fd, c->path, &t->st, err);
}

/* ---- passes over the file ---- */

typedef ur_status feed_fn(void *self, const char *text, size_t bytes, ur_err *err);

struct passes {
	ur_progress *progress;
	void *arg;
	int64_t before, total;  /* bytes of work before this pass, and in all */
};

/* Reads it all. feed NULL: only its hash is wanted; hash NULL: only feed. */
static ur_status pass(const ur_corpus *c, const struct passes *p, feed_fn *feed, void *self, ur_hash *hash, ur_err *err)
{
	const struct text *t = c->own;
	char *piece = malloc(PIECE);
	ur_status status = UR_OK;

	if (!piece)
		return ur_fail(err, UR_E_NOMEM, "out of memory for reading %s", c->path);
	for (int64_t at = 0; at < c->bytes && !status;) {
		size_t n = c->bytes - at < PIECE ? (size_t)(c->bytes - at) : PIECE;
		status = ur_pread_all(t->fd, c->path, c->bytes, at, piece, n, err);
		if (status)
			break;
		if (hash)
			ur_hash_add(hash, piece, n);
		if (feed)
			status = feed(self, piece, n, err);
		at += (int64_t)n;
		if (!status && p->progress && p->progress(p->arg, p->before + at, p->total))
			status = ur_fail(err, UR_E_STOPPED, "stopped at byte %lld of %s", (long long)at, c->path);
	}
	free(piece);
	return status;
}

/* Puts the file's name before what a vocabulary said of its text. */
static ur_status in_file(const ur_corpus *c, ur_status status, ur_err *err)
{
	if (status == UR_E_INVALID && err) {
		ur_err why = *err;
		ur_fail(err, status, "%.200s: %.300s", c->path, why.text);
	}
	return status;
}

static ur_status feed_builder(void *self, const char *text, size_t bytes, ur_err *err)
{
	return ur_vocab_builder_feed(self, text, bytes, err);
}

static ur_status feed_encoder(void *self, const char *text, size_t bytes, ur_err *err)
{
	return ur_encoder_feed(self, text, bytes, err);
}

static ur_status learn(ur_corpus *c, const ur_vocab_request *request, struct passes *p, ur_err *err)
{
	ur_vocab_builder *b;
	ur_status status = ur_vocab_builder_open(request, &b, err);

	if (status)
		return status;
	p->total += c->bytes;
	status = pass(c, p, feed_builder, b, NULL, err);
	p->before = c->bytes;
	if (!status)
		status = ur_vocab_builder_finish(b, &c->vocab, err);
	ur_vocab_builder_close(b);
	return in_file(c, status, err);
}

static ur_status write_tokens(ur_corpus *c, int place, const ur_token_key *key, const struct passes *p, int *again,
	ur_err *err)
{
	struct text *t = c->own;
	ur_token_writer *w = NULL;
	ur_encoder *e = NULL;
	ur_hash hash = { 0 };
	ur_status status = ur_token_writer_open(place, key, c->vocab, &w, err);

	if (!status)
		status = ur_encoder_open(c->vocab, 0, ur_token_writer_add, w, &e, err);
	if (!status)
		status = pass(c, p, feed_encoder, e, &hash, err);
	if (!status)
		status = ur_encoder_finish(e, err);
	if (!status)
		status = unchanged(c, err);
	status = in_file(c, status, err);
	if (!status && !ur_token_writer_count(w))
		status = ur_fail(err, UR_E_INVALID, "%s is empty but for blanks: it has no %s token", c->path,
			ur_vocab_kind_of(c->vocab));
	if (!status)
		status = ur_token_writer_finish(w, ur_hash_value(&hash), &t->tokens, err);
	*again = status == UR_E_IO && ur_token_writer_failed(w);
	ur_encoder_close(e);
	ur_token_writer_close(w);
	return status;
}

/* ---- opening ---- */

/* A cache that fits, or t->tokens and c->vocab stay NULL. */
static ur_status find_tokens(ur_corpus *c, const ur_token_key *key, const struct passes *p, ur_err *err)
{
	struct text *t = c->own;
	ur_hash hash = { 0 };
	ur_status status = ur_tokens_find(key, p->progress, p->arg, &t->tokens, &c->vocab, err);

	if (status || !t->tokens || !t->tokens->young)
		return status;
	status = pass(c, p, NULL, NULL, &hash, err);
	if (status || ur_hash_value(&hash) == t->tokens->fingerprint)
		return status;
	ur_tokens_close(t->tokens);
	ur_vocab_free(c->vocab);
	t->tokens = NULL;
	c->vocab = NULL;
	return UR_OK;
}

static ur_status open_tokens(const ur_corpus_request *request, ur_corpus *c, const ur_vocab_request *ask, ur_err *err)
{
	struct text *t = c->own;
	struct passes p = { request->progress, request->progress_arg, 0, c->bytes };
	char *real = realpath(c->path, NULL);
	ur_token_key key = { .path = real ? real : c->path, .size = c->bytes, .mtime = t->st.st_mtim.tv_sec,
		.mtime_ns = t->st.st_mtim.tv_nsec, .inode = t->st.st_ino, .use = request->use,
		.learn = *ask };
	int again = 1;
	ur_status status = find_tokens(c, &key, &p, err);

	if (!status && !t->tokens) {
		if (request->use)
			c->vocab = ur_vocab_hold(request->use);
		else
			status = learn(c, ask, &p, err);
		for (int place = 0; !status && place < UR_TOKEN_PLACES && again; place++) {
			status = write_tokens(c, place, &key, &p, &again, err);
			if (again && place < UR_TOKEN_PLACES - 1)
				status = UR_OK;
		}
	}
	free(real);
	if (!status)
		c->tokens = t->tokens->n;
	return status;
}

static ur_status text_open(const ur_corpus_request *request, ur_corpus *c, ur_err *err)
{
	const ur_vocab_request ask = request->use ? (ur_vocab_request){ .kind = ur_vocab_kind_of(request->use) }
		: (ur_vocab_request){ .kind = request->vocab ? request->vocab : "byte", .cap = request->vocab_size,
		.least = request->vocab_least, .unknown = request->vocab_unknown };
	const ur_vocab_kind *found = ur_vocab_kind_find(ask.kind, err);
	struct text *t;
	ur_vocab_builder *b;
	ur_status status;

	if (!found)
		return UR_E_INVALID;
	c->own = t = calloc(1, sizeof *t);
	if (!t)
		return ur_fail(err, UR_E_NOMEM, "out of memory for a corpus");
	t->fd = -1;
	/* also says what is wrong with the request, before the file is looked at */
	status = ur_vocab_builder_open(&ask, &b, err);
	if (!status)
		status = open_source(c, t, err);
	if (!status && !found->identity)
		status = open_tokens(request, c, &ask, err);
	if (!status && found->identity) {
		c->tokens = c->bytes;
		if (request->use)
			c->vocab = ur_vocab_hold(request->use);
		else
			status = ur_vocab_builder_finish(b, &c->vocab, err);
	}
	ur_vocab_builder_close(b);
	return status;
}

/* ---- reading ---- */

static ur_status text_read(const ur_corpus *c, int64_t from, int64_t n, int32_t *out, ur_err *err)
{
	const struct text *t = c->own;
	unsigned char piece[1 << 14];

	if (t->tokens)
		return ur_tokens_read(t->tokens, from, n, out, err);
	while (n > 0) {
		size_t now = n < (int64_t)sizeof piece ? (size_t)n : sizeof piece;
		ur_status status = ur_pread_all(t->fd, c->path, c->bytes, from, piece, now, err);
		if (status)
			return status;
		for (size_t i = 0; i < now; i++)
			out[i] = piece[i];
		from += (int64_t)now;
		out += now;
		n -= (int64_t)now;
	}
	return UR_OK;
}

/* Counts down to one token, keeps where it ends, and stops there. */
struct seek { int64_t left, end; };

static ur_status seek_end(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	struct seek *seek = arg;

	(void)ids;
	(void)err;
	if (seek->left > (int64_t)n) {
		seek->left -= (int64_t)n;
		return UR_OK;
	}
	seek->end = ends[seek->left - 1];
	seek->left = 0;
	return UR_E_STOPPED;
}

/* Bytes that n tokens stand for, from token `from` on, by a vocabulary whose texts are the very text. */
static ur_status text_lengths(const ur_corpus *c, int64_t from, int64_t n, int64_t *bytes, ur_err *err)
{
	const struct text *t = c->own;
	int32_t ids[UR_TOKEN_BLOCK];
	const char *text;
	ur_status status = ur_tokens_read(t->tokens, from, n, ids, err);

	for (int64_t i = 0; i < n && !status; i++)
		*bytes += (int64_t)ur_vocab_decode(c->vocab, ids[i], &text);
	return status;
}

/* The index says where the token's block begins; from there tokens are measured, or, where a token's text is not what
 * it stands for, the source is encoded once more. */
static ur_status text_offset(const ur_corpus *c, int64_t i, int64_t *offset, ur_err *err)
{
	const struct text *t = c->own;
	struct seek seek = { i % UR_TOKEN_BLOCK, 0 };
	char piece[SMALL];
	ur_encoder *e;
	int64_t at;
	ur_status status;

	if (!t->tokens) {
		*offset = i;
		return UR_OK;
	}
	*offset = at = t->tokens->index[i / UR_TOKEN_BLOCK];
	if (!seek.left)
		return UR_OK;
	if ((status = unchanged(c, err)))
		return status;
	if (ur_vocab_unknown(c->vocab) < 0)
		return text_lengths(c, i - seek.left, seek.left, offset, err);
	if ((status = ur_encoder_open(c->vocab, at, seek_end, &seek, &e, err)))
		return status;
	while (!status && at < c->bytes) {
		size_t n = c->bytes - at < SMALL ? (size_t)(c->bytes - at) : SMALL;
		status = ur_pread_all(t->fd, c->path, c->bytes, at, piece, n, err);
		if (!status)
			status = ur_encoder_feed(e, piece, n, err);
		at += (int64_t)n;
	}
	if (!status)
		status = ur_encoder_finish(e, err);
	ur_encoder_close(e);
	*offset = seek.end;
	if (!seek.left)
		return UR_OK;
	return status ? status : ur_fail(err, UR_E_IO, "%s has fewer tokens than it had: it changed while it was being "
		"read", c->path);
}

static ur_status text_fingerprint(const ur_corpus *c, uint64_t *fingerprint, ur_err *err)
{
	const struct text *t = c->own;
	struct passes none = { 0 };
	ur_hash hash = { 0 };
	ur_status status = UR_OK;

	if (!t->tokens)
		status = pass(c, &none, NULL, NULL, &hash, err);
	*fingerprint = t->tokens ? t->tokens->fingerprint : ur_hash_value(&hash);
	return status;
}

const ur_reader ur_reader_text = {
	.name = "text",
	.about = "a file of text (or any bytes, with --vocab byte)",
	.open = text_open,
	.close = text_close,
	.read = text_read,
	.offset = text_offset,
	.fingerprint = text_fingerprint,
};
