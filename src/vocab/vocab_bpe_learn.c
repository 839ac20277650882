/* Learning byte pairs. Different pre-tokens are counted; then, again and again, the pair that comes up most, ties by
 * the lower left and then the lower right token, becomes a token, until there are enough or none comes up twice. A pair
 * comes up wherever its tokens are neighbours, so twice in "aaa".
 *
 * Each pair knows the words it was ever seen in, and how often it comes up now: a merge goes only to those words and
 * changes only the pairs beside it. Counts of pairs that exist only fall, because what a merge makes has the new token
 * in it; so a heap may hold counts that are too high: what it gives goes back with the right one until it is right. */
#include "vocab/vocab_bpe.h"

#include "vocab/word_counts.h"

#include <stdlib.h>

/* Bytes of different pre-tokens: beyond them new ones are not counted. 100 MB of prose have about 10 MB. */
enum { POOL_MOST = 1 << 26 };

static ur_status no_memory(ur_err *err)
{
	return ur_fail(err, UR_E_NOMEM, "out of memory for learning byte pairs: use a smaller text");
}

/* ---- counting ---- */

struct counts {
	ur_bpe_part part;
	ur_word_counts words;
	int64_t end;            /* bytes counted */
};

void *ur_bpe_counts_open(void)
{
	struct counts *c = calloc(1, sizeof *c);

	if (c && !ur_word_counts_init(&c->words)) {
		free(c);
		return NULL;
	}
	return c;
}

void ur_bpe_counts_close(void *counts)
{
	struct counts *c = counts;
	ur_word_counts_free(&c->words);
	free(c);
}

static ur_status count_part(void *self, const unsigned char *text, size_t n, int64_t end, ur_err *err)
{
	struct counts *c = self;
	ur_word_counts *words = &c->words;

	(void)end;
	if (n == 1) /* no pair in it */
		return UR_OK;
	if (words->pool_used + n > POOL_MOST &&
	    !ur_word_find(words->slots, words->mask, words->pool, text, n, ur_word_tag(text, n))->length)
		return UR_OK;
	return ur_word_counts_add(words, text, n) ? UR_OK : no_memory(err);
}

ur_status ur_bpe_count(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	struct counts *c = self;
	c->end = at + (int64_t)bytes;
	return ur_bpe_cut(&c->part, text, bytes, at, count_part, c, err);
}

/* ---- pairs, by key ---- */

struct pair {
	uint32_t key;
	int32_t n, room;
	int32_t *words;         /* that have it, or had; some more than once */
	int64_t count;
};

struct entry { int64_t count; uint32_t key; };

struct learner {
	const ur_word_counts *words;
	uint16_t *tokens;       /* of word w: from starts[w] on, lengths[w] of them */
	size_t *starts;
	uint16_t *lengths;
	struct pair *pairs;     /* in the order of first sight */
	size_t n, room;
	uint32_t *slots, mask;  /* key to pair + 1, or 0 */
	struct entry *heap;
	size_t heap_n, heap_room;
};

static int spread(struct learner *l)
{
	uint32_t mask = l->mask * 2 + 1, *slots = calloc((size_t)mask + 1, sizeof *slots);

	if (!slots)
		return 0;
	for (size_t i = 0; i < l->n; i++) {
		uint32_t at = ur_bpe_spot(l->pairs[i].key) & mask;
		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = (uint32_t)i + 1;
	}
	free(l->slots);
	l->slots = slots;
	l->mask = mask;
	return 1;
}

/* The pair's number, made if need be; -1: no memory. */
static int64_t pair_of(struct learner *l, uint32_t left, uint32_t right)
{
	uint32_t key = ur_bpe_key(left, right), at = ur_bpe_spot(key) & l->mask;

	for (; l->slots[at]; at = (at + 1) & l->mask)
		if (l->pairs[l->slots[at] - 1].key == key)
			return l->slots[at] - 1;
	if (l->n == l->room) {
		size_t room = l->room * 2 + 1024;
		struct pair *pairs = realloc(l->pairs, room * sizeof *pairs);
		if (!pairs)
			return -1;
		l->pairs = pairs;
		l->room = room;
	}
	l->pairs[l->n] = (struct pair){ .key = key };
	l->slots[at] = (uint32_t)++l->n;
	return l->n * 2 <= l->mask || spread(l) ? (int64_t)l->n - 1 : -1;
}

/* The pair is there once more in a word; 0: no memory. */
static int more_of(struct learner *l, uint32_t left, uint32_t right, int32_t word)
{
	int64_t number = pair_of(l, left, right);
	struct pair *p;

	if (number < 0)
		return 0;
	p = &l->pairs[number];
	p->count += l->words->count[word];
	if (p->n && p->words[p->n - 1] == word)
		return 1;
	if (p->n == p->room) {
		int32_t room = p->room * 2 + 4, *words = realloc(p->words, (size_t)room * sizeof *words);
		if (!words)
			return 0;
		p->words = words;
		p->room = room;
	}
	p->words[p->n++] = word;
	return 1;
}

static void less_of(struct learner *l, uint32_t left, uint32_t right, int32_t word)
{
	int64_t number = pair_of(l, left, right); /* it is there */

	l->pairs[number].count -= l->words->count[word];
}

/* ---- the heap ---- */

static int before(const struct entry *a, const struct entry *b)
{
	return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static int push(struct learner *l, struct entry e)
{
	size_t i = l->heap_n;

	if (i == l->heap_room) {
		size_t room = l->heap_room * 2 + 1024;
		struct entry *heap = realloc(l->heap, room * sizeof *heap);
		if (!heap)
			return 0;
		l->heap = heap;
		l->heap_room = room;
	}
	for (l->heap_n++; i && before(&e, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = e;
	return 1;
}

static struct entry pop(struct learner *l)
{
	struct entry top = l->heap[0], e = l->heap[--l->heap_n];
	size_t i = 0, n = l->heap_n;

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		child += child + 1 < n && before(&l->heap[child + 1], &l->heap[child]);
		if (before(&e, &l->heap[child]))
			break;
		l->heap[i] = l->heap[child];
	}
	if (n)
		l->heap[i] = e;
	return top;
}

/* Pairs from number `from` on come to the heap. */
static int push_new(struct learner *l, size_t from)
{
	for (size_t i = from; i < l->n; i++)
		if (l->pairs[i].count > 1 && !push(l, (struct entry){ l->pairs[i].count, l->pairs[i].key }))
			return 0;
	return 1;
}

/* The number of the pair that comes up most; -1: none does twice; -2: no memory. */
static int64_t best(struct learner *l)
{
	while (l->heap_n) {
		struct entry top = pop(l);
		int64_t number = pair_of(l, top.key >> 16, top.key & 0xFFFF), count = l->pairs[number].count;
		if (count == top.count)
			return number;
		if (count > 1 && !push(l, (struct entry){ count, top.key }))
			return -2;
	}
	return -1;
}

/* ---- merging ---- */

static int merge_in(struct learner *l, int32_t word, uint32_t left, uint32_t right, uint32_t token)
{
	uint16_t *t = l->tokens + l->starts[word];
	int n = l->lengths[word], used = 0, i = 0;

	while (i < n) {
		if (t[i] != left || i + 1 == n || t[i + 1] != right) {
			t[used++] = t[i++];
			continue;
		}
		if (used) {
			less_of(l, t[used - 1], left, word);
			if (!more_of(l, t[used - 1], token, word))
				return 0;
		}
		if (i + 2 < n) {
			less_of(l, right, t[i + 2], word);
			if (!more_of(l, token, t[i + 2], word))
				return 0;
		}
		less_of(l, left, right, word);
		t[used++] = (uint16_t)token;
		i += 2;
	}
	l->lengths[word] = (uint16_t)used;
	return 1;
}

/* Pair `number` becomes `token` everywhere; 0: no memory. */
static int merge(struct learner *l, int64_t number, uint32_t token)
{
	uint32_t key = l->pairs[number].key;
	int32_t *words = l->pairs[number].words, n = l->pairs[number].n;
	size_t known = l->n;
	int fine = 1;

	/* its own list may not move or grow meanwhile; no new neighbours are this pair */
	l->pairs[number].words = NULL;
	l->pairs[number].n = l->pairs[number].room = 0;
	for (int32_t i = 0; i < n && fine; i++)
		fine = merge_in(l, words[i], key >> 16, key & 0xFFFF, token);
	free(words);
	return fine && push_new(l, known);
}

static int start(struct learner *l)
{
	const ur_word_counts *words = l->words;

	l->tokens = malloc((words->pool_used + 1) * sizeof *l->tokens);
	l->starts = malloc(((size_t)words->n + 1) * sizeof *l->starts);
	l->lengths = malloc(((size_t)words->n + 1) * sizeof *l->lengths);
	l->slots = calloc(1 << 16, sizeof *l->slots);
	l->mask = (1 << 16) - 1;
	if (!l->tokens || !l->starts || !l->lengths || !l->slots)
		return 0;
	for (size_t i = 0; i < words->pool_used; i++)
		l->tokens[i] = (unsigned char)words->pool[i];
	for (size_t i = 0; i <= words->mask; i++)
		if (words->slots[i].length) {
			l->starts[words->slots[i].id] = words->slots[i].at;
			l->lengths[words->slots[i].id] = (uint16_t)words->slots[i].length;
		}
	for (int32_t w = 0; w < words->n; w++)
		for (int i = 0; i + 1 < l->lengths[w]; i++)
			if (!more_of(l, l->tokens[l->starts[w] + (size_t)i], l->tokens[l->starts[w] + (size_t)i + 1], w))
				return 0;
	return push_new(l, 0);
}

static void finish(struct learner *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->pairs[i].words);
	free(l->pairs);
	free(l->tokens);
	free(l->starts);
	free(l->lengths);
	free(l->slots);
	free(l->heap);
}

ur_status ur_bpe_learn(void *counts, const ur_vocab_request *request, ur_vocab *v, ur_err *err)
{
	struct counts *c = counts;
	struct learner l = { .words = &c->words };
	int cap = request->cap ? (int)request->cap : UR_BPE_STANDARD, n = 0, wrong;
	ur_bpe_pair *merges;
	int64_t number = 0;
	ur_status status = ur_bpe_cut(&c->part, NULL, 0, c->end, count_part, c, err);

	if (status)
		return status;
	merges = malloc((size_t)cap * sizeof *merges);
	if (!merges || !start(&l))
		number = -2;
	while (number >= 0 && n < cap - UR_BPE_BYTES && (number = best(&l)) >= 0) {
		uint32_t key = l.pairs[number].key;
		merges[n] = (ur_bpe_pair){ (uint16_t)(key >> 16), (uint16_t)key };
		if (!merge(&l, number, (uint32_t)(UR_BPE_BYTES + n++)))
			number = -2;
	}
	finish(&l);
	status = number == -2 ? no_memory(err) : ur_bpe_make(merges, n, v, &wrong, err);
	free(merges);
	return status;
}
