/* What all vocabularies share: the table of kinds, texts by token, chunks, holds, JSON's outer object. */
#include "vocab/vocab.h"

#include "vocab/vocab_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ur_vocab_builder {
	const ur_vocab_kind *kind;
	ur_vocab_request request;
	ur_gate gate;
	int any;        /* some text was fed */
	void *counts;
};

const ur_vocab_kind *const ur_vocab_kinds[] = {
#define UR_VOCAB(name) &ur_vocab_kind_##name,
#include "vocab/vocabs.def"
#undef UR_VOCAB
	NULL
};

static ur_status no_memory(ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for a vocabulary");
}

const ur_vocab_kind *ur_vocab_kind_find(const char *name, ur_err *err)
{
	char list[256] = "";

	for (int i = 0; ur_vocab_kinds[i]; i++) {
		size_t used = strlen(list);
		if (!strcmp(ur_vocab_kinds[i]->name, name))
			return ur_vocab_kinds[i];
		snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", ur_vocab_kinds[i]->name);
	}
	ur_fail(err, UR_E_INVALID, "no vocabulary is called '%.40s': there are %s", name, list);
	return NULL;
}

/* ---- a vocabulary ---- */

int ur_vocab_room(ur_vocab *v, int size, size_t bytes)
{
	v->size = size;
	v->text = malloc(bytes ? bytes : 1);
	v->at = calloc((size_t)size + 1, sizeof *v->at);
	return v->text && v->at;
}

static ur_vocab *vocab_new(const ur_vocab_kind *kind)
{
	ur_vocab *v = calloc(1, sizeof *v);

	if (v) {
		v->kind = kind;
		atomic_init(&v->holds, 1);
	}
	return v;
}

/* The texts are final: what is derived from them. A text's length is hashed with it, so that no two lists of tokens
 * run together. */
static void vocab_seal(ur_vocab *v)
{
	ur_hash hash = { 0 };

	ur_hash_add(&hash, v->kind->name, strlen(v->kind->name) + 1);
	for (int i = 0; i < v->size; i++) {
		size_t bytes = v->at[i + 1] - v->at[i];
		unsigned char length[4] = { (unsigned char)bytes, (unsigned char)(bytes >> 8), (unsigned char)(bytes >> 16),
			(unsigned char)(bytes >> 24) };
		ur_hash_add(&hash, length, sizeof length);
		ur_hash_add(&hash, v->text + v->at[i], bytes);
	}
	if (v->kind->mark)
		v->kind->mark(v, &hash);
	v->hash = ur_hash_value(&hash);
}

ur_vocab *ur_vocab_hold(const ur_vocab *v)
{
	ur_vocab *mine = (ur_vocab *)(uintptr_t)v; /* the count of owners is not part of its value */
	atomic_fetch_add_explicit(&mine->holds, 1, memory_order_relaxed);
	return mine;
}

void ur_vocab_free(ur_vocab *v)
{
	if (!v || atomic_fetch_sub_explicit(&v->holds, 1, memory_order_acq_rel) > 1)
		return;
	free(v->text);
	free(v->at);
	free(v->lookup);
	free(v);
}

int ur_vocab_size(const ur_vocab *v)
{
	return v->size;
}

const char *ur_vocab_kind_of(const ur_vocab *v)
{
	return v->kind->name;
}

uint64_t ur_vocab_hash(const ur_vocab *v)
{
	return v->hash;
}

int ur_vocab_unknown(const ur_vocab *v)
{
	return v->kind->unknown ? v->kind->unknown(v) : -1;
}

size_t ur_vocab_decode(const ur_vocab *v, int token, const char **text)
{
	if (token < 0 || token >= v->size) {
		*text = "";
		return 0;
	}
	*text = v->text + v->at[token];
	return v->at[token + 1] - v->at[token];
}

/* ---- learning ---- */

ur_status ur_vocab_request_check(const ur_vocab_request *request, ur_err *err)
{
	const ur_vocab_kind *kind = ur_vocab_kind_find(request->kind, err);
	const int64_t cap = request->cap, least = request->least;

	if (!kind)
		return UR_E_INVALID;
	if (cap && !kind->cap_most)
		return ur_fail(err, UR_E_INVALID, "a %s vocabulary takes no size: it keeps every token of the text",
			kind->name);
	if (cap && (cap < kind->cap_least || cap > kind->cap_most))
		return ur_fail(err, UR_E_INVALID, "a vocabulary size of %lld: for %s it must be %d to %d, or 0 for what is "
			"usual", (long long)cap, kind->name, kind->cap_least, kind->cap_most);
	if (least < 0)
		return ur_fail(err, UR_E_INVALID, "a least count of %lld: it must be 1 or more, or 0 for none",
			(long long)least);
	if (least > 1 && !kind->thins)
		return ur_fail(err, UR_E_INVALID, "a %s vocabulary takes no least count: it leaves no token out for being rare",
			kind->name);
	return UR_OK;
}

ur_status ur_vocab_request_parse(const char *text, ur_vocab_request *request, ur_err *err)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	ur_vocab_request read = { 0 };
	const ur_vocab_kind *kind;
	char name[41];
	ur_status status;

	snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : (int)sizeof name - 1, text);
	kind = ur_vocab_kind_find(name, err);
	if (!kind)
		return UR_E_INVALID;
	read.kind = kind->name;
	if (colon) {
		size_t digits = strspn(colon + 1, "0123456789");
		if (!digits || digits > 9 || colon[1 + digits])
			return ur_fail(err, UR_E_INVALID, "'%.60s': behind the colon goes the most tokens the vocabulary may have, "
				"as in bpe:8000", text);
		read.cap = strtoll(colon + 1, NULL, 10);
	}
	if ((status = ur_vocab_request_check(&read, err)))
		return status;
	request->kind = read.kind;
	request->cap = read.cap;
	return UR_OK;
}

ur_status ur_vocab_builder_open(const ur_vocab_request *request, ur_vocab_builder **builder, ur_err *err)
{
	ur_vocab_builder *b;
	const ur_vocab_kind *found;
	ur_status status = ur_vocab_request_check(request, err);

	*builder = NULL;
	if (status)
		return status;
	found = ur_vocab_kind_find(request->kind, err);
	b = calloc(1, sizeof *b);
	if (!b)
		return no_memory(err);
	b->kind = found;
	b->request = *request;
	b->request.kind = found->name;
	if (found->counts_open && !(b->counts = found->counts_open())) {
		free(b);
		return no_memory(err);
	}
	*builder = b;
	return UR_OK;
}

ur_status ur_vocab_builder_feed(ur_vocab_builder *b, const char *text, size_t bytes, ur_err *err)
{
	if (bytes)
		b->any = 1;
	if (!b->kind->count || !bytes)
		return UR_OK;
	if (b->kind->utf8)
		return ur_gate_feed(&b->gate, text, bytes, b->kind->count, b->counts, err);
	b->gate.at += (int64_t)bytes;
	return b->kind->count(b->counts, (const unsigned char *)text, bytes, b->gate.at - (int64_t)bytes, err);
}

ur_status ur_vocab_builder_finish(ur_vocab_builder *b, ur_vocab **vocab, ur_err *err)
{
	ur_vocab *v;
	ur_status status = ur_gate_finish(&b->gate, err);

	*vocab = NULL;
	if (status)
		return status;
	if (b->counts && !b->any)
		return ur_fail(err, UR_E_INVALID, "a %s vocabulary cannot be learnt from an empty text", b->kind->name);
	v = vocab_new(b->kind);
	if (!v)
		return no_memory(err);
	status = b->kind->learn(b->counts, &b->request, v, err);
	if (status) {
		ur_vocab_free(v);
		return status;
	}
	vocab_seal(v);
	*vocab = v;
	return UR_OK;
}

void ur_vocab_builder_close(ur_vocab_builder *b)
{
	if (!b)
		return;
	if (b->counts)
		b->kind->counts_close(b->counts);
	free(b);
}

/* ---- encoding ---- */

ur_status ur_encoder_open(const ur_vocab *v, int64_t at, ur_token_sink *sink, void *arg, ur_encoder **e, ur_err *err)
{
	*e = calloc(1, sizeof **e + v->kind->own);
	if (!*e)
		return ur_fail(err, UR_E_NOMEM, "out of memory for an encoder");
	(*e)->v = v;
	(*e)->gate.at = at;
	(*e)->sink = sink;
	(*e)->arg = arg;
	return UR_OK;
}

ur_status ur_encoder_flush(ur_encoder *e, ur_err *err)
{
	size_t n = e->n;

	e->n = 0;
	return n ? e->sink(e->arg, e->ids, e->ends, n, err) : UR_OK;
}

ur_status ur_encoder_feed(ur_encoder *e, const char *text, size_t bytes, ur_err *err)
{
	const ur_vocab_kind *kind = e->v->kind;

	if (!bytes)
		return UR_OK;
	if (kind->utf8)
		return ur_gate_feed(&e->gate, text, bytes, kind->encode, e, err);
	e->gate.at += (int64_t)bytes;
	return kind->encode(e, (const unsigned char *)text, bytes, e->gate.at - (int64_t)bytes, err);
}

ur_status ur_encoder_finish(ur_encoder *e, ur_err *err)
{
	ur_status status = ur_gate_finish(&e->gate, err);

	if (!status && e->v->kind->encode_end)
		status = e->v->kind->encode_end(e, err);
	return status ? status : ur_encoder_flush(e, err);
}

void ur_encoder_close(ur_encoder *e)
{
	free(e);
}

struct list { int32_t *tokens; size_t room; int64_t n; };

static ur_status list_add(void *arg, const int32_t *ids, const int64_t *ends, size_t n, ur_err *err)
{
	struct list *list = arg;
	size_t have = (size_t)list->n;

	(void)ends;
	(void)err;
	if (have < list->room)
		memcpy(list->tokens + have, ids, (n < list->room - have ? n : list->room - have) * sizeof *ids);
	list->n += (int64_t)n;
	return UR_OK;
}

int64_t ur_vocab_encode(const ur_vocab *v, const char *text, size_t bytes, int32_t *tokens, size_t room, ur_err *err)
{
	struct list list = { tokens, room, 0 };
	ur_encoder *e;
	ur_status status = ur_encoder_open(v, 0, list_add, &list, &e, err);

	if (!status)
		status = ur_encoder_feed(e, text, bytes, err);
	if (!status)
		status = ur_encoder_finish(e, err);
	ur_encoder_close(e);
	return status ? -1 : list.n;
}

/* ---- JSON ---- */

json_t *ur_vocab_to_json(const ur_vocab *v)
{
	json_t *object = json_object();

	if (json_object_set_new(object, "kind", json_string(v->kind->name)) ||
	    (v->kind->save && !v->kind->save(v, object))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

ur_status ur_vocab_from_json(const json_t *json, ur_vocab **vocab, ur_err *err)
{
	const char *name = json_string_value(json_object_get(json, "kind"));
	const ur_vocab_kind *kind;
	ur_vocab_request none = { .kind = name };
	ur_err why = { 0 };
	ur_status status;
	ur_vocab *v;

	*vocab = NULL;
	if (!name)
		return ur_fail(err, UR_E_FORMAT, "a vocabulary must be a JSON object with a \"kind\"");
	kind = ur_vocab_kind_find(name, &why);
	if (!kind)
		return ur_fail(err, UR_E_FORMAT, "%s", why.text);
	v = vocab_new(kind);
	if (!v)
		return no_memory(err);
	status = kind->load ? kind->load(json, v, err) : kind->learn(NULL, &none, v, err);
	if (status) {
		ur_vocab_free(v);
		return status;
	}
	vocab_seal(v);
	*vocab = v;
	return UR_OK;
}
