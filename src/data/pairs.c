/* Pairs: files are read whole, cut into lines and texts, and each text is encoded by itself, so that what a pair's
 * tokens are depends on nothing but the pair and the vocabulary. Pair i is line i + 1 of its file. */
#include "data/pairs.h"

#include "base/file.h"
#include "data/pread_all.h"
#include "data/source_file.h"
#include "vocab/text_hash.h"
#include "vocab/vocab_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PIECE = 1 << 20,        /* bytes of work between two calls of progress */
	CHARS_MOST = 512,       /* different characters that a side learns as such where no kind is asked for */
	BPE_SIZE = 8000         /* and the tokens it learns where it has more */
};
static const char *const side_names[UR_SIDES] = { "source", "target" };

/* Offsets in a file and numbers of tokens, which are no more than its bytes, have 32 bits. */
#define FILE_MOST UINT32_MAX

struct text { uint32_t at, bytes; };

struct file {
	char *path;
	unsigned char *bytes;
	size_t size, start;     /* start: behind the byte order mark */
	int64_t lines;          /* but for empty ones at the end */
};

struct side {
	const struct file *file;
	struct text *text;
	ur_vocab *vocab;
	int32_t *tokens;
	uint32_t *at;           /* tokens at[i] to at[i + 1] are text i's */
};

struct ur_pairs {
	int64_t n;
	int files;
	struct file file[UR_SIDES];
	struct side side[UR_SIDES];
	uint64_t fingerprint;
	/* while it is opened */
	ur_progress *progress;
	void *progress_arg;
	int64_t done, said, total;      /* bytes of work */
};

static ur_status no_memory(const struct ur_pairs *p, ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for the pairs of %s", ur_path_tail(p->file[0].path));
}

static ur_status progress(struct ur_pairs *p, int64_t bytes, ur_err *err)
{
	p->done += bytes;
	if (!p->progress || (p->done - p->said < PIECE && p->done < p->total))
		return UR_OK;
	p->said = p->done;
	if (p->progress(p->progress_arg, p->done, p->total))
		return ur_fail(err, UR_E_STOPPED, "stopped while %s was being read", ur_path_tail(p->file[0].path));
	return UR_OK;
}

/* ---- files ---- */

static ur_status read_all(struct ur_pairs *p, struct file *f, int fd, int64_t size, ur_err *err)
{
	if (size > FILE_MOST)
		return ur_fail(err, UR_E_INVALID, "%s has %lld bytes: pairs are kept in memory, at most %lld bytes a file; "
			"take fewer of them", ur_path_tail(f->path), (long long)size, (long long)FILE_MOST);
	f->size = (size_t)size;
	f->bytes = malloc(f->size ? f->size : 1);
	if (!f->bytes)
		return no_memory(p, err);
	for (size_t at = 0; at < f->size;) {
		size_t n = f->size - at < PIECE ? f->size - at : PIECE;
		ur_status status = ur_pread_all(fd, ur_path_tail(f->path), size, (int64_t)at, f->bytes + at, n, err);
		if (!status)
			status = progress(p, (int64_t)n, err);
		if (status)
			return status;
		at += n;
	}
	return UR_OK;
}

/* The next line, without its end; 0: there is none. */
static int next_line(const struct file *f, size_t *at, struct text *line)
{
	const unsigned char *from = f->bytes + *at, *end;
	size_t n;

	if (*at >= f->size)
		return 0;
	end = memchr(from, '\n', f->size - *at);
	n = end ? (size_t)(end - from) : f->size - *at;
	*line = (struct text){ (uint32_t)*at, (uint32_t)n };
	*at += n + 1;
	if (n && from[n - 1] == '\r')
		line->bytes--;
	return 1;
}

static ur_status load(struct ur_pairs *p, struct file *f, int fd, const struct stat *st, ur_err *err)
{
	ur_status status = read_all(p, f, fd, st->st_size, err);
	int64_t lines = 0;
	struct text line;

	if (!status)
		status = ur_source_unchanged(fd, f->path, st, err);
	if (status)
		return status;
	if (f->size >= 2 && (!memcmp(f->bytes, "\xFF\xFE", 2) || !memcmp(f->bytes, "\xFE\xFF", 2)))
		return ur_fail(err, UR_E_INVALID, "%s is UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)",
			ur_path_tail(f->path));
	if (f->size >= 3 && !memcmp(f->bytes, "\xEF\xBB\xBF", 3))
		f->start = 3;
	for (size_t at = f->start; next_line(f, &at, &line);) {
		lines++;
		if (line.bytes)
			f->lines = lines;
	}
	if (!f->lines)
		return ur_fail(err, UR_E_INVALID, "%s %s: it takes at least one pair", ur_path_tail(f->path),
			f->size ? "has only empty lines" : "is empty");
	return UR_OK;
}

static ur_status load_all(struct ur_pairs *p, const ur_pairs_request *request, ur_err *err)
{
	const char *const path[UR_SIDES] = { request->path, request->target };
	struct stat st[UR_SIDES];
	int fd[UR_SIDES] = { -1, -1 };
	ur_status status = UR_OK;
	ur_hash hash = { 0 };

	p->files = request->target ? 2 : 1;
	for (int i = 0; !status && i < p->files; i++)
		if (!(p->file[i].path = strdup(path[i])))
			status = ur_fail(err, UR_E_NOMEM, "out of memory for pairs");
	for (int i = 0; !status && i < p->files; i++) {
		status = ur_source_open(path[i], &fd[i], &st[i], err);
		/* it is read, learnt from and encoded */
		if (!status)
			p->total += st[i].st_size * (request->use[0] ? 2 : 3);
	}
	for (int i = 0; !status && i < p->files; i++)
		status = load(p, &p->file[i], fd[i], &st[i], err);
	for (int i = 0; i < p->files; i++) {
		unsigned char size[8]; /* so that no line can move from one file to the other unseen */
		if (fd[i] >= 0)
			close(fd[i]);
		if (status)
			continue;
		for (int k = 0; k < 8; k++)
			size[k] = (unsigned char)((uint64_t)p->file[i].size >> 8 * k);
		ur_hash_add(&hash, size, sizeof size);
		ur_hash_add(&hash, p->file[i].bytes, p->file[i].size);
	}
	p->fingerprint = ur_hash_value(&hash);
	return status;
}

/* ---- lines to texts ---- */

static ur_status bad_line(const struct file *f, int64_t i, const char *what, ur_err *err)
{
	return ur_fail(err, UR_E_INVALID, "%s, line %lld%s", ur_path_tail(f->path), (long long)i + 1, what);
}

/* Where the tab is, in *tab. */
static ur_status find_tab(const struct file *f, int64_t i, struct text line, uint32_t *tab, ur_err *err)
{
	const unsigned char *from = f->bytes + line.at, *first = memchr(from, '\t', line.bytes);

	if (!line.bytes)
		return bad_line(f, i, " is empty: only lines at the end may be; take it out", err);
	if (!first)
		return bad_line(f, i, ": no tab between source and target; a line is SOURCE, a tab, TARGET (or give the "
			"targets as a file of their own)", err);
	*tab = (uint32_t)(first - from);
	if (memchr(first + 1, '\t', line.bytes - *tab - 1))
		return bad_line(f, i, ": more than one tab; a line is SOURCE, one tab, TARGET: replace tabs inside a text by "
			"blanks, and cut off further columns (cut -f 1,2)", err);
	return UR_OK;
}

static ur_status put_text(struct ur_pairs *p, int side, int64_t i, uint32_t at, uint32_t bytes, ur_err *err)
{
	struct side *s = &p->side[side];
	char what[120];

	s->text[i] = (struct text){ at, bytes };
	if (bytes > 0 && bytes <= UR_PAIR_TEXT_MOST)
		return UR_OK;
	if (bytes)
		snprintf(what, sizeof what, ": the %s has %lu bytes, the most is %d; take the pair out", side_names[side],
			(unsigned long)bytes, UR_PAIR_TEXT_MOST);
	else
		snprintf(what, sizeof what, ": the %s is empty; take the pair out", side_names[side]);
	return bad_line(s->file, i, what, err);
}

static ur_status cut_tsv(struct ur_pairs *p, ur_err *err)
{
	const struct file *f = &p->file[0];
	size_t at = f->start;
	struct text line;
	uint32_t tab = 0;
	ur_status status = UR_OK;

	for (int64_t i = 0; !status && i < p->n && next_line(f, &at, &line); i++) {
		status = find_tab(f, i, line, &tab, err);
		if (!status)
			status = put_text(p, UR_SOURCE, i, line.at, tab, err);
		if (!status)
			status = put_text(p, UR_TARGET, i, line.at + tab + 1, line.bytes - tab - 1, err);
	}
	return status;
}

static ur_status cut_files(struct ur_pairs *p, ur_err *err)
{
	const struct file *a = &p->file[UR_SOURCE], *b = &p->file[UR_TARGET];
	size_t at[UR_SIDES] = { a->start, b->start };
	struct text line;
	ur_status status = UR_OK;

	if (a->lines != b->lines)
		return ur_fail(err, UR_E_INVALID, "%s has %lld lines and %s has %lld: line i of one is the pair of line i of "
			"the other, so both must have as many", ur_path_tail(a->path), (long long)a->lines, ur_path_tail(b->path),
			(long long)b->lines);
	for (int64_t i = 0; !status && i < p->n; i++)
		for (int side = 0; !status && side < UR_SIDES; side++) {
			next_line(&p->file[side], &at[side], &line);
			status = put_text(p, side, i, line.at, line.bytes, err);
		}
	return status;
}

static ur_status cut(struct ur_pairs *p, ur_err *err)
{
	p->n = p->file[0].lines;
	for (int side = 0; side < UR_SIDES; side++) {
		struct side *s = &p->side[side];
		s->file = &p->file[p->files == 2 ? side : 0];
		s->text = malloc((size_t)p->n * sizeof *s->text);
		s->at = malloc(((size_t)p->n + 1) * sizeof *s->at);
		if (!s->text || !s->at)
			return no_memory(p, err);
	}
	return p->files == 2 ? cut_files(p, err) : cut_tsv(p, err);
}

/* ---- vocabularies ---- */

static const char *text_of(const struct side *s, int64_t i)
{
	return (const char *)s->file->bytes + s->text[i].at;
}

/* Puts file, line and side before what a vocabulary said of a text. */
static ur_status in_line(const ur_pairs *p, int side, int64_t i, const ur_err *why, ur_err *err)
{
	const struct side *s = &p->side[side];

	if (why->status != UR_E_INVALID)
		return ur_fail(err, why->status, "%s", why->text);
	return ur_fail(err, UR_E_INVALID, "%s, line %lld, %s: %.250s", ur_path_tail(s->file->path), (long long)i + 1,
		side_names[side], why->text);
}

/* Gives fn text i in whole, valid UTF-8 sequences. */
static ur_status valid_text(const struct side *s, int64_t i, ur_text_fn *fn, void *self, ur_err *err)
{
	ur_gate gate = { 0 };
	ur_status status = ur_gate_feed(&gate, text_of(s, i), s->text[i].bytes, fn, self, err);

	return status ? status : ur_gate_finish(&gate, err);
}

struct characters { int n; uint64_t seen[0x110000 / 64]; };

static ur_status count_characters(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	struct characters *c = self;

	(void)at;
	(void)err;
	for (size_t i = 0; i < bytes;) {
		uint32_t code;
		i += (size_t)ur_utf8_next(text + i, bytes - i, &code);
		c->n += !(c->seen[code / 64] >> code % 64 & 1);
		c->seen[code / 64] |= UINT64_C(1) << code % 64;
	}
	return UR_OK;
}

/* What a side learns where no kind is asked for. */
static ur_status choose(const ur_pairs *p, int side, ur_vocab_request *want, ur_err *err)
{
	struct characters *c = calloc(1, sizeof *c);
	ur_err why;
	ur_status status = c ? UR_OK : no_memory(p, err);

	for (int64_t i = 0; !status && i < p->n && c->n <= CHARS_MOST; i++)
		if (valid_text(&p->side[side], i, count_characters, c, &why))
			status = in_line(p, side, i, &why, err);
	if (!status && c->n <= CHARS_MOST)
		*want = (ur_vocab_request){ .kind = "char", .least = want->least };
	else if (!status)
		*want = (ur_vocab_request){ .kind = "bpe", .cap = want->cap ? want->cap : BPE_SIZE };
	free(c);
	return status;
}

static ur_status feed_builder(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	(void)at;
	return ur_vocab_builder_feed(self, (const char *)text, bytes, err);
}

static ur_status feed_text(const struct side *s, int64_t i, const ur_vocab_kind *kind, ur_vocab_builder *b, ur_err *err)
{
	ur_status status = kind->utf8 ? valid_text(s, i, feed_builder, b, err) :
		ur_vocab_builder_feed(b, text_of(s, i), s->text[i].bytes, err);

	/* no token joins two texts; a newline among characters would be one that no text has */
	if (!status && strcmp(kind->name, "char"))
		status = ur_vocab_builder_feed(b, "\n", 1, err);
	return status;
}

static ur_status learn(ur_pairs *p, int side, const ur_vocab_request *asked, ur_err *err)
{
	struct side *s = &p->side[side];
	ur_vocab_request want = *asked;
	const ur_vocab_kind *kind;
	ur_vocab_builder *b;
	ur_err why;
	ur_status status = want.kind ? UR_OK : choose(p, side, &want, err);

	want.unknown = 1; /* texts to come have characters that these do not */
	if (!status)
		status = ur_vocab_builder_open(&want, &b, err);
	if (status)
		return status;
	kind = ur_vocab_kind_find(want.kind, err);
	for (int64_t i = 0; !status && i < p->n; i++) {
		if (feed_text(s, i, kind, b, &why))
			status = in_line(p, side, i, &why, err);
		else
			status = progress(p, (int64_t)s->text[i].bytes, err);
	}
	if (!status)
		status = ur_vocab_builder_finish(b, &s->vocab, err);
	ur_vocab_builder_close(b);
	return status;
}

static ur_status encode(ur_pairs *p, int side, ur_err *err)
{
	struct side *s = &p->side[side];
	size_t used = 0, room = 0;
	int32_t *fit;

	for (int64_t i = 0; i < p->n; i++)
		room += s->text[i].bytes;
	/* a token has at least one byte; what is not written takes no memory */
	s->tokens = malloc(room * sizeof *s->tokens);
	if (!s->tokens)
		return no_memory(p, err);
	for (int64_t i = 0; i < p->n; i++) {
		ur_err why = { 0 };
		int64_t n = ur_vocab_encode(s->vocab, text_of(s, i), s->text[i].bytes, s->tokens + used, room - used, &why);
		ur_status status;
		if (n == 0)
			ur_fail(&why, UR_E_INVALID, "nothing but blanks, which are no %s token; take the pair out",
				ur_vocab_kind_of(s->vocab));
		if (n <= 0)
			return in_line(p, side, i, &why, err);
		s->at[i] = (uint32_t)used;
		used += (size_t)n;
		if ((status = progress(p, (int64_t)s->text[i].bytes, err)))
			return status;
	}
	s->at[p->n] = (uint32_t)used;
	fit = realloc(s->tokens, used * sizeof *s->tokens);
	if (fit)
		s->tokens = fit;
	return UR_OK;
}

/* ---- opening and reading ---- */

ur_status ur_pairs_open(const ur_pairs_request *request, ur_pairs **pairs, ur_err *err)
{
	ur_pairs *p;
	ur_status status;

	*pairs = NULL;
	if (!request->use[UR_SOURCE] != !request->use[UR_TARGET])
		return ur_fail(err, UR_E_INVALID, "pairs with the vocabulary of one side only: give both or none");
	p = calloc(1, sizeof *p);
	if (!p)
		return ur_fail(err, UR_E_NOMEM, "out of memory for pairs");
	p->progress = request->progress;
	p->progress_arg = request->progress_arg;
	status = load_all(p, request, err);
	if (!status)
		status = cut(p, err);
	for (int side = 0; !status && side < UR_SIDES; side++) {
		if (request->use[side])
			p->side[side].vocab = ur_vocab_hold(request->use[side]);
		else
			status = learn(p, side, &request->vocab[side], err);
	}
	for (int side = 0; !status && side < UR_SIDES; side++)
		status = encode(p, side, err);
	if (!status) /* tabs and ends of lines were no work */
		status = progress(p, p->total - p->done, err);
	if (status)
		ur_pairs_close(p);
	else
		*pairs = p;
	return status;
}

void ur_pairs_close(ur_pairs *p)
{
	if (!p)
		return;
	for (int i = 0; i < UR_SIDES; i++) {
		struct side *s = &p->side[i];
		free(s->text);
		free(s->tokens);
		free(s->at);
		ur_vocab_free(s->vocab);
		free(p->file[i].path);
		free(p->file[i].bytes);
	}
	free(p);
}

int64_t ur_pairs_count(const ur_pairs *p)
{
	return p->n;
}

const ur_vocab *ur_pairs_vocab(const ur_pairs *p, int side)
{
	return p->side[side].vocab;
}

int ur_pairs_outputs(const ur_pairs *p, int side)
{
	return ur_vocab_size(p->side[side].vocab) + 1;
}

int ur_pairs_fit(const ur_pairs *p, int64_t i, int most)
{
	int source, target;

	(void)ur_pairs_tokens(p, i, UR_SOURCE, &source);
	(void)ur_pairs_tokens(p, i, UR_TARGET, &target);
	return most == 0 || (source < most && target < most); /* the end is one more */
}

const int32_t *ur_pairs_tokens(const ur_pairs *p, int64_t i, int side, int *n)
{
	const struct side *s = &p->side[side];
	*n = (int)(s->at[i + 1] - s->at[i]);
	return s->tokens + s->at[i];
}

const char *ur_pairs_text(const ur_pairs *p, int64_t i, int side, size_t *bytes)
{
	const struct side *s = &p->side[side];
	*bytes = s->text[i].bytes;
	return text_of(s, i);
}

const char *ur_pairs_path(const ur_pairs *p, int side)
{
	return p->side[side].file->path;
}

uint64_t ur_pairs_fingerprint(const ur_pairs *p)
{
	return p->fingerprint;
}
