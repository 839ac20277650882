/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is an ordinary character. */
#ifndef UR_UTF8_H
#define UR_UTF8_H

#include "base/status.h"

/* Length (1 to 4) of the valid sequence that s starts with, and its code point; 0: s could become one if more bytes
 * followed; -1: it cannot. n > 0. */
int ur_utf8_next(const unsigned char *s, size_t n, uint32_t *code);
/* Bytes of the longest prefix of s that is whole, valid sequences. */
size_t ur_utf8_valid(const unsigned char *s, size_t n);
/* Writes a valid code point (at most 4 bytes) and returns its length. */
size_t ur_utf8_put(uint32_t code, char *out);
/* Whether a code point can be written: not a surrogate, not above U+10FFFF. */
int ur_utf8_scalar(int64_t code);

/* Receives a piece of text whose first byte has offset `at`. */
typedef ur_status ur_text_fn(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err);

/* Passes chunks on so that no piece ends inside a sequence. Zeroed at the start, `at` = offset of the first byte. */
typedef struct ur_gate {
	int64_t at;             /* offset of the first byte that was not passed on */
	size_t n;               /* bytes held back, 0 to 3 */
	unsigned char held[4];
} ur_gate;

/* What is valid is passed on before the first invalid byte is reported (UR_E_INVALID). */
ur_status ur_gate_feed(ur_gate *g, const char *text, size_t bytes, ur_text_fn *fn, void *self, ur_err *err);
/* The text is over: fails if it ended inside a sequence. */
ur_status ur_gate_finish(const ur_gate *g, ur_err *err);

#endif
