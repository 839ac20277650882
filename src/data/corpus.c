/* The table of readers, and what every corpus checks before it asks its reader. */
#include "data/corpus.h"

#include "data/reader.h"

#include <stdlib.h>
#include <string.h>

const ur_reader *const ur_readers[] = {
#define UR_READER(name) &ur_reader_##name,
#include "data/readers.def"
#undef UR_READER
	NULL
};

ur_status ur_corpus_open(const ur_corpus_request *request, ur_corpus **corpus, ur_err *err)
{
	const char *name = request->reader ? request->reader : ur_readers[0]->name;
	const ur_reader *reader = NULL;
	ur_corpus *c;
	ur_status status;

	*corpus = NULL;
	for (int i = 0; ur_readers[i]; i++)
		if (!strcmp(ur_readers[i]->name, name))
			reader = ur_readers[i];
	if (!reader)
		return ur_fail(err, UR_E_INVALID, "no reader is called '%.40s'", name);
	c = calloc(1, sizeof *c);
	if (!c || !(c->path = strdup(request->path))) {
		free(c);
		return ur_fail(err, UR_E_NOMEM, "out of memory for a corpus");
	}
	c->reader = reader;
	status = reader->open(request, c, err);
	if (status)
		ur_corpus_close(c);
	else
		*corpus = c;
	return status;
}

void ur_corpus_close(ur_corpus *c)
{
	if (!c)
		return;
	c->reader->close(c);
	ur_vocab_free(c->vocab);
	free(c->path);
	free(c);
}

int64_t ur_corpus_tokens(const ur_corpus *c)
{
	return c->tokens;
}

const ur_vocab *ur_corpus_vocab(const ur_corpus *c)
{
	return c->vocab;
}

const char *ur_corpus_path(const ur_corpus *c)
{
	return c->path;
}

int64_t ur_corpus_source_bytes(const ur_corpus *c)
{
	return c->bytes;
}

static ur_status outside(const ur_corpus *c, int64_t from, int64_t to, ur_err *err)
{
	return ur_fail(err, UR_E_INVALID, "tokens %lld to %lld of %s: it has %lld", (long long)from, (long long)to, c->path,
		(long long)c->tokens);
}

ur_status ur_corpus_read(const ur_corpus *c, int64_t from, int64_t n, int32_t *out, ur_err *err)
{
	if (from < 0 || n < 0 || from > c->tokens || n > c->tokens - from)
		return outside(c, from, n < 0 || from > INT64_MAX - n ? INT64_MAX : from + n, err);
	return n ? c->reader->read(c, from, n, out, err) : UR_OK;
}

static ur_status offset_of(const ur_corpus *c, int64_t i, int64_t *offset, ur_err *err)
{
	if (i == 0 || i == c->tokens) {
		*offset = i ? c->bytes : 0;
		return UR_OK;
	}
	return c->reader->offset(c, i, offset, err);
}

ur_status ur_corpus_bytes(const ur_corpus *c, int64_t from, int64_t to, int64_t *bytes, ur_err *err)
{
	int64_t start, end;
	ur_status status;

	*bytes = 0;
	if (from < 0 || to < from || to > c->tokens)
		return outside(c, from, to, err);
	if (from == to)
		return UR_OK;
	if ((status = offset_of(c, from, &start, err)) || (status = offset_of(c, to, &end, err)))
		return status;
	*bytes = end - start;
	return UR_OK;
}

ur_status ur_corpus_fingerprint(const ur_corpus *c, uint64_t *fingerprint, ur_err *err)
{
	return c->reader->fingerprint(c, fingerprint, err);
}
