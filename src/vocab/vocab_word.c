/* word: what stands between ASCII blanks (space, \t, \v, \f, \r), and a token for each newline; by falling frequency,
 * ties by bytes. `<unk>` is in every word vocabulary and stands for all words that are not; a text may hold it
 * literally, as WikiText does. The newline is in every one too.
 *
 * With a cap of n tokens the n - 2 most frequent words stay; with a least count, those that come up as often. `<unk>`
 * is ranked by how often the text has it literally. A word of more than WORD_MOST bytes is always `<unk>`: it bounds
 * what a chunk border can hold back. */
#include "vocab/vocab_kind.h"
#include "vocab/word_counts.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_MOST = 1024 };

static const char unknown_word[] = "<unk>";
static const unsigned char blank[256] = { [' '] = 1, ['\t'] = 1, ['\n'] = 1, ['\v'] = 1, ['\f'] = 1, ['\r'] = 1 };

static ur_status no_memory(ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for a word vocabulary");
}

/* ---- cutting text into words ---- */

/* The word that a chunk border has cut: its length so far (0: none) and as much of it as can matter. */
struct part {
	size_t n;
	unsigned char held[WORD_MOST];
};

/* A word that ends at offset `end`; n = 0: a newline; n > WORD_MOST: too long, and `word` must not be read. */
typedef ur_status word_fn(void *self, const unsigned char *word, size_t n, int64_t end, ur_err *err);

static void hold(struct part *p, const unsigned char *s, size_t n)
{
	if (p->n < WORD_MOST)
		memcpy(p->held + p->n, s, n < WORD_MOST - p->n ? n : WORD_MOST - p->n);
	p->n += n;
}

static inline __attribute__((always_inline)) ur_status split(struct part *p, const unsigned char *s, size_t bytes,
	int64_t at, word_fn *fn, void *self, ur_err *err)
{
	ur_status status = UR_OK;
	size_t i = 0;

	if (p->n) {
		size_t n;
		while (i < bytes && !blank[s[i]])
			i++;
		hold(p, s, i);
		if (i == bytes)
			return UR_OK;
		n = p->n;
		p->n = 0;
		status = fn(self, p->held, n, at + (int64_t)i, err);
	}
	while (!status && i < bytes) {
		size_t from = i;
		if (s[i] == '\n') {
			status = fn(self, s + i, 0, at + (int64_t)i + 1, err);
			i++;
		} else if (blank[s[i]]) {
			i++;
		} else {
			while (i < bytes && !blank[s[i]])
				i++;
			if (i == bytes)
				hold(p, s + from, i - from);
			else
				status = fn(self, s + from, i - from, at + (int64_t)i, err);
		}
	}
	return status;
}

/* ---- the finished vocabulary ---- */

struct lookup {
	int32_t newline, unknown;
	size_t mask;
	ur_word_slot slots[];
};

struct word {
	const char *text;       /* "\n" alone is the newline */
	size_t n;
	int64_t count;
};

static int is_newline(const struct word *w)
{
	return w->n == 1 && w->text[0] == '\n';
}

static int is_unknown(const struct word *w)
{
	return w->n == sizeof unknown_word - 1 && !memcmp(w->text, unknown_word, w->n);
}

/* From n words in the order of their tokens. *twice: a word that is there twice, or -1; then v is of no use. */
static ur_status make(const struct word *words, int n, ur_vocab *v, int *twice, ur_err *err)
{
	size_t bytes = 0, room = UR_WORD_SLOTS;
	struct lookup *look;

	*twice = -1;
	for (int i = 0; i < n; i++)
		bytes += words[i].n + 1;
	while (room < 2 * (size_t)n)
		room *= 2;
	v->lookup = look = calloc(1, sizeof *look + room * sizeof look->slots[0]);
	if (!look || !ur_vocab_room(v, n, bytes))
		return no_memory(err);
	look->mask = room - 1;
	look->newline = look->unknown = -1;
	bytes = 0;
	for (int i = 0; i < n; i++) {
		const unsigned char *word = (const unsigned char *)words[i].text;
		uint32_t tag = ur_word_tag(word, words[i].n);
		ur_word_slot *slot = ur_word_find(look->slots, look->mask, v->text, word, words[i].n, tag);
		if (slot->length) {
			*twice = i;
			return UR_OK;
		}
		*slot = (ur_word_slot){ bytes, (uint32_t)words[i].n, tag, i };
		v->at[i] = bytes;
		memcpy(v->text + bytes, word, words[i].n);
		bytes += words[i].n;
		if (is_newline(&words[i]))
			look->newline = i;
		else
			v->text[bytes++] = ' ';
		if (is_unknown(&words[i]))
			look->unknown = i;
	}
	v->at[n] = bytes;
	return UR_OK;
}

/* ---- learning ---- */

struct counts {
	struct part part;
	ur_word_counts words;
	int64_t newlines, end;  /* end: bytes counted */
};

static void counts_close(void *counts)
{
	struct counts *c = counts;
	ur_word_counts_free(&c->words);
	free(c);
}

static void *counts_open(void)
{
	struct counts *c = calloc(1, sizeof *c);

	if (c && !ur_word_counts_init(&c->words)) {
		free(c);
		return NULL;
	}
	return c;
}

static ur_status count_word(void *self, const unsigned char *word, size_t n, int64_t end, ur_err *err)
{
	struct counts *c = self;

	if (!n) {
		c->newlines++;
		return UR_OK;
	}
	if (n > WORD_MOST)
		return UR_OK;
	if (!ur_word_counts_add(&c->words, word, n))
		return no_memory(err);
	if (c->words.n > UR_VOCAB_MOST - 2)
		return ur_fail(err, UR_E_INVALID, "more than %d different words by byte %lld: use --vocab char or byte",
			UR_VOCAB_MOST - 2, (long long)end);
	return UR_OK;
}

static ur_status count(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	struct counts *c = self;
	c->end = at + (int64_t)bytes;
	return split(&c->part, text, bytes, at, count_word, c, err);
}

static int by_rank(const void *left, const void *right)
{
	const struct word *a = left, *b = right;
	int order;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	order = memcmp(a->text, b->text, a->n < b->n ? a->n : b->n);
	return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

static ur_status learn(void *counts, const ur_vocab_request *request, ur_vocab *v, ur_err *err)
{
	struct counts *c = counts;
	const ur_word_counts *all = &c->words;
	struct word *words;
	int n = 0, kept = 0, have_unknown = 0, plain = 0, twice;
	ur_status status = c->part.n ? count_word(c, c->part.held, c->part.n, c->end, err) : UR_OK;

	if (status)
		return status;
	words = malloc(((size_t)all->n + 2) * sizeof *words);
	if (!words)
		return no_memory(err);
	for (size_t i = 0; i <= all->mask; i++) {
		const ur_word_slot *slot = &all->slots[i];
		if (!slot->length)
			continue;
		words[n] = (struct word){ all->pool + slot->at, slot->length, all->count[slot->id] };
		have_unknown |= is_unknown(&words[n++]);
	}
	words[n++] = (struct word){ "\n", 1, c->newlines };
	if (!have_unknown)
		words[n++] = (struct word){ unknown_word, sizeof unknown_word - 1, 0 };
	qsort(words, (size_t)n, sizeof *words, by_rank);
	for (int i = 0; i < n; i++) {
		int always = is_newline(&words[i]) || is_unknown(&words[i]);
		if (always || (words[i].count >= request->least && (!request->cap || plain < request->cap - 2)))
			words[kept++] = words[i];
		plain += !always;
	}
	status = make(words, kept, v, &twice, err);
	free(words);
	return status;
}

/* ---- encoding ---- */

static ur_status encode_word(void *self, const unsigned char *word, size_t n, int64_t end, ur_err *err)
{
	ur_encoder *e = self;
	struct lookup *look = e->v->lookup;
	int32_t id = look->unknown;

	if (!n) {
		id = look->newline;
	} else if (n <= WORD_MOST) {
		const ur_word_slot *slot = ur_word_find(look->slots, look->mask, e->v->text, word, n, ur_word_tag(word, n));
		if (slot->length)
			id = slot->id;
	}
	return ur_encoder_put(e, id, end, err);
}

static ur_status encode(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	ur_encoder *e = self;
	return split((struct part *)e->own, text, bytes, at, encode_word, e, err);
}

static ur_status encode_end(ur_encoder *e, ur_err *err)
{
	struct part *part = (struct part *)e->own;
	size_t n = part->n;

	part->n = 0;
	return n ? encode_word(e, part->held, n, e->gate.at, err) : UR_OK;
}

static int unknown(const ur_vocab *v)
{
	return ((const struct lookup *)v->lookup)->unknown;
}

/* ---- JSON: "words", in the order of their tokens ---- */

static json_t *word_json(const char *text, size_t n)
{
	json_t *bytes;

	if (!memchr(text, 0, n))
		return json_stringn(text, n);
	bytes = json_array();
	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(bytes, json_integer((unsigned char)text[i]))) {
			json_decref(bytes);
			return NULL;
		}
	return bytes;
}

static int save(const ur_vocab *v, json_t *object)
{
	const struct lookup *look = v->lookup;
	json_t *words = json_array();

	for (int i = 0; i < v->size; i++) {
		size_t n = v->at[i + 1] - v->at[i] - (i != look->newline);
		if (json_array_append_new(words, word_json(v->text + v->at[i], n))) {
			json_decref(words);
			return 0;
		}
	}
	return !json_object_set_new(object, "words", words);
}

/* The bytes of one item, in *w; those of an array go to pool + *used, which has room. 0: it is no word. */
static int word_of(const json_t *item, struct word *w, char *pool, size_t *used)
{
	*w = (struct word){ json_string_value(item), json_string_length(item), 0 };
	if (json_is_array(item)) {
		w->text = pool + *used;
		w->n = json_array_size(item);
		for (size_t i = 0; i < w->n; i++) {
			const json_t *byte = json_array_get(item, i);
			if (!json_is_integer(byte) || json_integer_value(byte) < 0 || json_integer_value(byte) > 255)
				return 0;
			pool[(*used)++] = (char)(unsigned char)json_integer_value(byte);
		}
	}
	if (!w->text || w->n < 1 || w->n > WORD_MOST || ur_utf8_valid((const unsigned char *)w->text, w->n) != w->n)
		return 0;
	if (is_newline(w))
		return 1;
	for (size_t i = 0; i < w->n; i++)
		if (blank[(unsigned char)w->text[i]])
			return 0;
	return 1;
}

static ur_status load_words(const json_t *list, struct word *words, int n, char *pool, ur_vocab *v, ur_err *err)
{
	const struct lookup *look;
	size_t used = 0;
	int twice;
	ur_status status;

	for (int i = 0; i < n; i++)
		if (!word_of(json_array_get(list, (size_t)i), &words[i], pool, &used))
			return ur_fail(err, UR_E_FORMAT, "the word vocabulary's words[%d] is not a word: 1 to %d bytes of UTF-8 "
				"without blanks", i, WORD_MOST);
	status = make(words, n, v, &twice, err);
	if (status)
		return status;
	if (twice >= 0)
		return ur_fail(err, UR_E_FORMAT, "the word vocabulary's words[%d] is there twice", twice);
	look = v->lookup;
	if (look->newline < 0 || look->unknown < 0)
		return ur_fail(err, UR_E_FORMAT, "the word vocabulary's \"words\" lack %s",
			look->newline < 0 ? "the newline" : unknown_word);
	return UR_OK;
}

static ur_status load(const json_t *object, ur_vocab *v, ur_err *err)
{
	const json_t *list = json_object_get(object, "words");
	size_t n = json_array_size(list), bytes = 0;
	struct word *words;
	char *pool;
	ur_status status;

	if (!json_is_array(list) || n < 2 || n > UR_VOCAB_MOST)
		return ur_fail(err, UR_E_FORMAT, "a word vocabulary needs \"words\", a list of 2 to %d words", UR_VOCAB_MOST);
	for (size_t i = 0; i < n; i++)
		bytes += json_array_size(json_array_get(list, i));
	words = malloc(n * sizeof *words);
	pool = malloc(bytes ? bytes : 1);
	status = words && pool ? load_words(list, words, (int)n, pool, v, err) : no_memory(err);
	free(words);
	free(pool);
	return status;
}

const ur_vocab_kind ur_vocab_kind_word = {
	.name = "word",
	.about = "the words between blanks, and newlines; rare ones may become <unk>",
	.cap_least = 3,
	.cap_most = UR_VOCAB_MOST,
	.thins = 1,
	.utf8 = 1,
	.counts_open = counts_open,
	.count = count,
	.counts_close = counts_close,
	.learn = learn,
	.own = sizeof(struct part),
	.encode = encode,
	.encode_end = encode_end,
	.unknown = unknown,
	.save = save,
	.load = load,
};
