/* Numbers for words: equal words have equal ones. */
#ifndef UR_WORD_NUMBERS_H
#define UR_WORD_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct ur_words {
	struct ur_words_slot { const char *text; size_t bytes; int32_t number; } *slots; /* text NULL: empty */
	size_t mask;
	int32_t n;
} ur_words;

/* A power of two that is at least twice n. */
size_t ur_words_room(size_t n);
/* Room for at most `most` different words; 0: no memory. */
int ur_words_init(ur_words *w, size_t most);
void ur_words_free(ur_words *w);
/* The word's number, from 0 on in the order of first sight. The text must stay where it is. */
int32_t ur_words_number(ur_words *w, const char *text, size_t bytes);

#endif
