/* Words for people. */
#ifndef UR_COMPARE_WORDS_H
#define UR_COMPARE_WORDS_H

#include <stddef.h>

/* Puts '?' for each byte of text[n] that is of no whole character, or zero: JSON takes no other. */
void ur_whole_characters(char *text, size_t n);

/* Numbers as people say them, in the caller's buffer, which is returned. */
typedef char ur_number[32];
const char *ur_say_bytes(double bytes, ur_number out);      /* 950 bytes, 54 KiB, 12 MiB */
const char *ur_say_count(double n, ur_number out);          /* 950, 7.6k, 150k, 2.4M, 1.2e12 */
const char *ur_say_seconds(double seconds, ur_number out);  /* 0.98 s, 90 s, 10 min */

/* What held-out data are called: a text, or pairs. */
typedef struct ur_data_words {
	const char *held;       /* "held-out text" */
	const char *few;        /* "the held-out text is too short" */
	const char *noise;      /* "the text's own noise" */
	const char *over;       /* "over the text" */
	const char *here;       /* "on this text" */
	const char *other;      /* "other text" */
	const char *choice;     /* "the choice of text" */
	const char *one;        /* "one text" */
	const char *tuned;      /* "the text the learning rates were chosen on is" */
} ur_data_words;
const ur_data_words *ur_data_words_of(int pairs);

#endif
