/* A hash table of short byte strings, open addressing, at most half full, and one that counts them. */
#ifndef UR_WORD_COUNTS_H
#define UR_WORD_COUNTS_H

#include "vocab/text_hash.h"

#include <string.h>

enum { UR_WORD_SLOTS = 1024 };  /* the least a table has; a power of two */

typedef struct ur_word_slot {
	size_t at;              /* where the word's bytes are in their pool */
	uint32_t length, tag;   /* length 0: an empty slot; tag: the word's hash */
	int32_t id;
} ur_word_slot;

/* n > 0. */
static inline uint32_t ur_word_tag(const unsigned char *s, size_t n)
{
	uint64_t h = n * UINT64_C(0x9E3779B97F4A7C15), a = 0, b = 0;

	for (; n > 16; n -= 8, s += 8) {
		memcpy(&a, s, 8);
		h = ur_hash_fold(h ^ a, UINT64_C(0xE7037ED1A0B428DB));
	}
	if (n >= 8) {
		memcpy(&a, s, 8);
		memcpy(&b, s + n - 8, 8);
	} else if (n >= 4) {
		uint32_t low, high;
		memcpy(&low, s, 4);
		memcpy(&high, s + n - 4, 4);
		a = low;
		b = high;
	} else {
		a = (uint64_t)s[0] << 16 | (uint64_t)s[n / 2] << 8 | s[n - 1];
	}
	h = ur_hash_fold(a ^ UINT64_C(0xA0761D6478BD642F), b ^ h ^ UINT64_C(0x8EBC6AF09C88C6E3));
	return (uint32_t)(h ^ h >> 32);
}

/* The word's slot, or the empty one where it belongs. n > 0. */
static inline ur_word_slot *ur_word_find(ur_word_slot *slots, size_t mask, const char *pool, const unsigned char *word,
                                         size_t n, uint32_t tag)
{
	for (size_t i = tag & mask;; i = (i + 1) & mask) {
		ur_word_slot *slot = &slots[i];
		if (!slot->length || (slot->tag == tag && slot->length == n && !memcmp(pool + slot->at, word, n)))
			return slot;
	}
}

/* How often each word was there. */
typedef struct ur_word_counts {
	ur_word_slot *slots;
	size_t mask;
	char *pool;
	size_t pool_used, pool_room;
	int64_t *count;         /* by id, in the order of first sight */
	int32_t n, room;
} ur_word_counts;

/* 0: no memory; then there is nothing to free. */
int ur_word_counts_init(ur_word_counts *c);
void ur_word_counts_free(ur_word_counts *c);
/* A word of n > 0 bytes; c->n rises where it is new. 0: no memory. */
int ur_word_counts_add(ur_word_counts *c, const unsigned char *word, size_t n);

#endif
