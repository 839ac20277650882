/* Numbers for words: equal words have equal ones. */
#ifndef UR_WORD_NUMBERS_H
#define UR_WORD_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct ur_word_numbers {
	struct ur_word_numbers_slot { const char *text; size_t bytes; int32_t number; } *slots; /* text NULL: empty */
	size_t mask;
	int32_t n;
} ur_word_numbers;

/* A power of two that is at least twice n. */
size_t ur_word_numbers_room(size_t n);
/* Room for at most `most` different words; 0: no memory. */
int ur_word_numbers_init(ur_word_numbers *w, size_t most);
void ur_word_numbers_free(ur_word_numbers *w);
/* The word's number, from 0 on in the order of first sight. The text must stay where it is. */
int32_t ur_word_numbers_number(ur_word_numbers *w, const char *text, size_t bytes);

#endif
