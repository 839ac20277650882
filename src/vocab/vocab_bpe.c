/* bpe: byte pairs (Sennrich et al. 2016), on bytes (Radford et al. 2019). The 256 bytes are tokens 0..255, so that
 * nothing is unknown, any bytes can be encoded and decoding gives back the very same; token 256 + i is merge i, a pair
 * of earlier tokens. Text is cut into pre-tokens first, and no token reaches across a cut:
 *
 *     a newline                                               by itself
 *     a run of letters (ASCII's, and every byte from 0x80),   with one space before it, where there is one
 *     of digits, or of other characters that are no blanks
 *     what is left of a run of blanks (space, \t, \v, \f, \r)
 *
 * each at most UR_BPE_LONGEST bytes, which bounds a token, the work on one and what a chunk border can hold back.
 *
 * Encoding merges the pair of the lowest merge, the leftmost first, until no pair is a merge. Because the token a merge
 * makes is only in later ones, that is the same as doing one merge after the other, everywhere. Encoding may start
 * behind any token of a pre-token: nothing was merged across that place, so what follows was merged by itself. */
#include "vocab/vocab_bpe.h"

#include "vocab/word_counts.h"

#include <stdlib.h>
#include <string.h>

static ur_status no_memory(ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for a bpe vocabulary");
}

/* ---- pre-tokens ---- */

enum { OTHER, LETTER, DIGIT, BLANK, NEWLINE };

static const unsigned char class_of[256] = {
	['A' ... 'Z'] = LETTER, ['a' ... 'z'] = LETTER, [0x80 ... 0xFF] = LETTER, ['0' ... '9'] = DIGIT,
	[' '] = BLANK, ['\t'] = BLANK, ['\v'] = BLANK, ['\f'] = BLANK, ['\r'] = BLANK, ['\n'] = NEWLINE,
};

/* Bytes of the pre-token that s starts with; 0: what follows s decides. More than UR_BPE_LONGEST bytes always do. */
static inline size_t first(const unsigned char *s, size_t n, int last)
{
	int class = class_of[s[0]];
	size_t i = 0;

	if (class == NEWLINE)
		return 1;
	if (class == BLANK) {
		while (i < n && i < UR_BPE_LONGEST && class_of[s[i]] == BLANK)
			i++;
		if (i == n)
			return last ? n : 0;
		if (s[i - 1] != ' ' || class_of[s[i]] == BLANK || class_of[s[i]] == NEWLINE)
			return i;
		if (i > 1)
			return i - 1;
		class = class_of[s[1]];
	}
	while (i < n && i < UR_BPE_LONGEST && class_of[s[i]] == class)
		i++;
	return i < n || i == UR_BPE_LONGEST || last ? i : 0;
}

ur_status ur_bpe_cut(ur_bpe_part *part, const unsigned char *s, size_t bytes, int64_t at, ur_bpe_fn *fn, void *self,
                     ur_err *err)
{
	ur_status status = UR_OK;
	size_t i = 0, length;

	while (part->n && !status) { /* the rest of what was held is in the chunk, as far as it matters */
		size_t more = sizeof part->held - part->n;
		if (more > bytes)
			more = bytes;
		if (more)
			memcpy(part->held + part->n, s, more);
		length = first(part->held, part->n + more, !bytes);
		if (!length) {
			part->n += more;
			return UR_OK;
		}
		status = fn(self, part->held, length, at - (int64_t)part->n + (int64_t)length, err);
		if (length >= part->n) {
			i = length - part->n;
			part->n = 0;
		} else {
			part->n -= length;
			memmove(part->held, part->held + length, part->n);
		}
	}
	for (; i < bytes && !status; i += length) {
		length = first(s + i, bytes - i, 0);
		if (!length) {
			part->n = bytes - i;
			memcpy(part->held, s + i, part->n);
			return UR_OK;
		}
		status = fn(self, s + i, length, at + (int64_t)(i + length), err);
	}
	return status;
}

/* ---- the finished vocabulary ---- */

/* token 0: an empty slot. */
struct slot { uint32_t key, token; };

struct lookup {
	uint32_t mask;
	const ur_bpe_pair *merges;  /* behind the slots */
	struct slot slots[];
};

/* The token that a pair makes, or 0. */
static inline uint32_t merged(const struct lookup *look, uint32_t left, uint32_t right)
{
	uint32_t key = ur_bpe_key(left, right);

	for (uint32_t i = ur_bpe_spot(key) & look->mask;; i = (i + 1) & look->mask) {
		const struct slot *slot = &look->slots[i];
		if (slot->key == key || !slot->token)
			return slot->token;
	}
}

ur_status ur_bpe_make(const ur_bpe_pair *merges, int n, ur_vocab *v, int *wrong, ur_err *err)
{
	size_t *lengths = calloc((size_t)n + UR_BPE_BYTES, sizeof *lengths), bytes = 0;
	uint32_t room = 1024;
	struct lookup *look;
	ur_bpe_pair *own;
	ur_status status = UR_OK;

	*wrong = -1;
	while (room < 4 * (uint32_t)n)
		room *= 2;
	v->lookup = look = calloc(1, sizeof *look + room * sizeof look->slots[0] + (size_t)n * sizeof *own);
	if (!look || !lengths) {
		free(lengths);
		return no_memory(err);
	}
	look->mask = room - 1;
	own = (ur_bpe_pair *)(look->slots + room);
	look->merges = own;
	for (int i = 0; i < UR_BPE_BYTES; i++)
		bytes += lengths[i] = 1;
	for (int i = 0; i < n && *wrong < 0; i++) {
		uint32_t key = ur_bpe_key(merges[i].left, merges[i].right), at = ur_bpe_spot(key) & look->mask;
		int token = UR_BPE_BYTES + i;
		if (merges[i].left >= token || merges[i].right >= token || merged(look, merges[i].left, merges[i].right) ||
		    lengths[merges[i].left] + lengths[merges[i].right] > UR_BPE_LONGEST) {
			*wrong = i;
			break;
		}
		bytes += lengths[token] = lengths[merges[i].left] + lengths[merges[i].right];
		while (look->slots[at].token)
			at = (at + 1) & look->mask;
		look->slots[at] = (struct slot){ key, (uint32_t)token };
		own[i] = merges[i];
	}
	if (*wrong >= 0)
		status = ur_fail(err, UR_E_FORMAT, "the bpe vocabulary's merges[%d] is no pair of earlier tokens, of at most "
			"%d bytes together, that was not merged before", *wrong, UR_BPE_LONGEST);
	else if (!ur_vocab_room(v, UR_BPE_BYTES + n, bytes))
		status = no_memory(err);
	free(lengths);
	if (status)
		return status;
	for (int i = 0; i < UR_BPE_BYTES; i++) {
		v->text[i] = (char)(unsigned char)i;
		v->at[i + 1] = (size_t)i + 1;
	}
	for (int i = 0; i < n; i++) {
		size_t at = v->at[UR_BPE_BYTES + i], left = v->at[own[i].left], right = v->at[own[i].right];
		size_t l = v->at[own[i].left + 1] - left, r = v->at[own[i].right + 1] - right;
		memcpy(v->text + at, v->text + left, l);
		memcpy(v->text + at + l, v->text + right, r);
		v->at[UR_BPE_BYTES + i + 1] = at + l + r;
	}
	return UR_OK;
}

/* ---- encoding ---- */

enum { KEPT = 1024, KEPT_BYTES = 22, KEPT_TOKENS = 12 };

/* A short pre-token and what it became. */
struct kept {
	unsigned char bytes, n;     /* bytes 0: empty */
	unsigned char text[KEPT_BYTES];
	uint16_t ids[KEPT_TOKENS];
};

struct own {
	ur_bpe_part part;
	struct kept kept[KEPT];     /* by hash; the later of two takes the place */
};

/* ids: room for n. Returns how many there are. */
static int merge_all(const struct lookup *look, const unsigned char *text, int n, uint16_t *ids)
{
	uint32_t next[UR_BPE_LONGEST]; /* the token that i and i + 1 would make; 0: none */

	for (int i = 0; i < n; i++)
		ids[i] = text[i];
	for (int i = 0; i < n - 1; i++)
		next[i] = merged(look, ids[i], ids[i + 1]);
	for (;;) {
		uint32_t least = UR_BPE_MOST;
		int at = -1;
		for (int i = 0; i < n - 1; i++)
			if (next[i] && next[i] < least) {
				least = next[i];
				at = i;
			}
		if (at < 0)
			return n;
		ids[at] = (uint16_t)least;
		n--;
		memmove(ids + at + 1, ids + at + 2, (size_t)(n - at - 1) * sizeof *ids);
		if (n - at - 2 > 0)
			memmove(next + at + 1, next + at + 2, (size_t)(n - at - 2) * sizeof *next);
		if (at + 1 < n)
			next[at] = merged(look, ids[at], ids[at + 1]);
		if (at)
			next[at - 1] = merged(look, ids[at - 1], ids[at]);
	}
}

static ur_status put(ur_encoder *e, const uint16_t *ids, int n, int64_t end, ur_err *err)
{
	const size_t *at = e->v->at;
	ur_status status = UR_OK;

	for (int i = 0; i < n; i++)
		end -= (int64_t)(at[ids[i] + 1] - at[ids[i]]);
	for (int i = 0; i < n && !status; i++) {
		end += (int64_t)(at[ids[i] + 1] - at[ids[i]]);
		status = ur_encoder_put(e, ids[i], end, err);
	}
	return status;
}

static ur_status encode_part(void *self, const unsigned char *text, size_t n, int64_t end, ur_err *err)
{
	ur_encoder *e = self;
	struct own *own = (struct own *)e->own;
	struct kept *kept;
	uint16_t ids[UR_BPE_LONGEST];
	int made;

	if (n == 1)
		return ur_encoder_put(e, text[0], end, err);
	if (n > KEPT_BYTES)
		return put(e, ids, merge_all(e->v->lookup, text, (int)n, ids), end, err);
	kept = &own->kept[ur_word_tag(text, n) % KEPT];
	if (kept->bytes == n && !memcmp(kept->text, text, n))
		return put(e, kept->ids, kept->n, end, err);
	made = merge_all(e->v->lookup, text, (int)n, ids);
	if (made <= KEPT_TOKENS) {
		kept->bytes = (unsigned char)n;
		kept->n = (unsigned char)made;
		memcpy(kept->text, text, n);
		memcpy(kept->ids, ids, (size_t)made * sizeof *ids);
	}
	return put(e, ids, made, end, err);
}

static ur_status encode(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	ur_encoder *e = self;
	struct own *own = (struct own *)e->own;
	return ur_bpe_cut(&own->part, text, bytes, at, encode_part, e, err);
}

static ur_status encode_end(ur_encoder *e, ur_err *err)
{
	struct own *own = (struct own *)e->own;
	return ur_bpe_cut(&own->part, NULL, 0, e->gate.at, encode_part, e, err);
}

/* Texts alone do not say what was merged into what. */
static void mark(const ur_vocab *v, ur_hash *hash)
{
	const struct lookup *look = v->lookup;

	for (int i = 0; i < v->size - UR_BPE_BYTES; i++) {
		unsigned left = look->merges[i].left, right = look->merges[i].right;
		unsigned char pair[4] = { (unsigned char)left, (unsigned char)(left >> 8), (unsigned char)right,
			(unsigned char)(right >> 8) };
		ur_hash_add(hash, pair, sizeof pair);
	}
}

/* ---- JSON: "merges", pairs of tokens in the order of what they make ---- */

static int save(const ur_vocab *v, json_t *object)
{
	const struct lookup *look = v->lookup;
	json_t *merges = json_array();

	for (int i = 0; i < v->size - UR_BPE_BYTES; i++)
		if (json_array_append_new(merges, json_pack("[i, i]", look->merges[i].left, look->merges[i].right))) {
			json_decref(merges);
			return 0;
		}
	return !json_object_set_new(object, "merges", merges);
}

/* One of a pair of tokens; -1: it is none. */
static int half(const json_t *pair, size_t i)
{
	const json_t *item = json_array_get(pair, i);
	int64_t token = json_is_integer(item) ? json_integer_value(item) : -1;

	return token >= 0 && token < UR_BPE_MOST ? (int)token : -1;
}

static ur_status load(const json_t *object, ur_vocab *v, ur_err *err)
{
	const json_t *list = json_object_get(object, "merges");
	size_t n = json_array_size(list);
	ur_bpe_pair *merges;
	int wrong;
	ur_status status = UR_OK;

	if (!json_is_array(list) || n > UR_BPE_MOST - UR_BPE_BYTES)
		return ur_fail(err, UR_E_FORMAT, "a bpe vocabulary needs \"merges\", a list of at most %d pairs",
			UR_BPE_MOST - UR_BPE_BYTES);
	merges = malloc((n + 1) * sizeof *merges);
	if (!merges)
		return no_memory(err);
	for (size_t i = 0; i < n && !status; i++) {
		const json_t *pair = json_array_get(list, i);
		int left = half(pair, 0), right = half(pair, 1);
		if (json_array_size(pair) != 2 || left < 0 || right < 0)
			status = ur_fail(err, UR_E_FORMAT, "the bpe vocabulary's merges[%zu] is not two tokens", i);
		else
			merges[i] = (ur_bpe_pair){ (uint16_t)left, (uint16_t)right };
	}
	if (!status)
		status = ur_bpe_make(merges, (int)n, v, &wrong, err);
	free(merges);
	return status;
}

const ur_vocab_kind ur_vocab_kind_bpe = {
	.name = "bpe",
	.about = "byte pairs: bytes, and what is often beside each other, within words; any text",
	.cap_least = UR_BPE_BYTES + 1,
	.cap_most = UR_BPE_MOST,
	.joined = 1,
	.counts_open = ur_bpe_counts_open,
	.count = ur_bpe_count,
	.counts_close = ur_bpe_counts_close,
	.learn = ur_bpe_learn,
	.own = sizeof(struct own),
	.encode = encode,
	.encode_end = encode_end,
	.mark = mark,
	.save = save,
	.load = load,
};
