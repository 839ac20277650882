/* Open addressing, at most half full. */
#include "quality/word_numbers.h"

#include <stdlib.h>
#include <string.h>

size_t ur_word_numbers_room(size_t n)
{
	size_t room = 16;

	while (room < 2 * n)
		room *= 2;
	return room;
}

int ur_word_numbers_init(ur_word_numbers *w, size_t most)
{
	size_t room = ur_word_numbers_room(most);

	*w = (ur_word_numbers){ .slots = calloc(room, sizeof *w->slots), .mask = room - 1 };
	return w->slots != NULL;
}

void ur_word_numbers_free(ur_word_numbers *w)
{
	free(w->slots);
	w->slots = NULL;
}

int32_t ur_word_numbers_number(ur_word_numbers *w, const char *text, size_t bytes)
{
	uint64_t h = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
	struct ur_word_numbers_slot *slot;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
	for (size_t i = (size_t)(h ^ h >> 32) & w->mask;; i = (i + 1) & w->mask) {
		slot = &w->slots[i];
		if (!slot->text) {
			*slot = (struct ur_word_numbers_slot){ text, bytes, w->n++ };
			return slot->number;
		}
		if (slot->bytes == bytes && !memcmp(slot->text, text, bytes))
			return slot->number;
	}
}
