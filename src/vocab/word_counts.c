/* Counting words. */
#include "vocab/word_counts.h"

#include <stdlib.h>

enum { POOL_STEP = 1 << 16 };

int ur_word_counts_init(ur_word_counts *c)
{
	*c = (ur_word_counts){ .slots = calloc(UR_WORD_SLOTS, sizeof *c->slots), .mask = UR_WORD_SLOTS - 1 };
	return c->slots != NULL;
}

void ur_word_counts_free(ur_word_counts *c)
{
	free(c->slots);
	free(c->pool);
	free(c->count);
}

/* Twice the slots. */
static int spread(ur_word_counts *c)
{
	size_t mask = c->mask * 2 + 1;
	ur_word_slot *slots = calloc(mask + 1, sizeof *slots);

	if (!slots)
		return 0;
	for (size_t i = 0; i <= c->mask; i++) {
		size_t to = c->slots[i].tag & mask;
		if (!c->slots[i].length)
			continue;
		while (slots[to].length)
			to = (to + 1) & mask;
		slots[to] = c->slots[i];
	}
	free(c->slots);
	c->slots = slots;
	c->mask = mask;
	return 1;
}

/* Room for one more word of n bytes; 0: no memory. */
static int reserve(ur_word_counts *c, size_t n)
{
	if (c->pool_room - c->pool_used < n) {
		size_t room = c->pool_room * 2 + POOL_STEP + n;
		char *pool = realloc(c->pool, room);
		if (!pool)
			return 0;
		c->pool = pool;
		c->pool_room = room;
	}
	if (c->n == c->room) {
		int32_t room = c->room * 2 + UR_WORD_SLOTS;
		int64_t *count = realloc(c->count, (size_t)room * sizeof *count);
		if (!count)
			return 0;
		c->count = count;
		c->room = room;
	}
	return 1;
}

int ur_word_counts_add(ur_word_counts *c, const unsigned char *word, size_t n)
{
	uint32_t tag = ur_word_tag(word, n);
	ur_word_slot *slot = ur_word_find(c->slots, c->mask, c->pool, word, n, tag);

	if (slot->length) {
		c->count[slot->id]++;
		return 1;
	}
	if (!reserve(c, n))
		return 0;
	memcpy(c->pool + c->pool_used, word, n);
	*slot = (ur_word_slot){ c->pool_used, (uint32_t)n, tag, c->n };
	c->pool_used += n;
	c->count[c->n++] = 1;
	return (size_t)c->n * 2 <= c->mask || spread(c);
}
