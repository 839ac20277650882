/* Options in a line of text, NAME[,option=value]..., as specs and tasks have them: a table each, and complaints that
 * point at the character. */
#ifndef UR_OPTION_H
#define UR_OPTION_H

#include "base/status.h"

#include <stddef.h>

/* One of a table that ends with a NULL name: "name=value". */
typedef struct ur_option {
	const char *name, *about;
	double standard, least, most;   /* default and bounds */
	const char *choices;            /* "tanh|relu": the value is the index of the word; NULL: a number */
	int whole;                      /* the number must be whole */
} ur_option;

/* Index of word [p, p + n) among "a|b|c", or -1. */
int ur_option_choice(const char *choices, const char *p, size_t n);
/* The option of that name and its index in the table (which may be NULL); NULL: there is none. */
const ur_option *ur_option_find(const ur_option *options, const char *p, size_t n, int *index);
/* Adds the names up to `end`, or, NULL, to the end of the table, to the text in out[room]. */
void ur_option_list(const ur_option *options, const ur_option *end, char *out, size_t room);
/* The value at text + at, n characters; `what` the text is ("spec") begins the complaint. UR_E_INVALID. */
ur_status ur_option_value(const char *what, const char *text, size_t at, size_t n, const ur_option *o, double *value,
                          ur_err *err);
/* UR_E_INVALID: what is said, then the text, then an arrow under character `at` of it. */
ur_status ur_point_at(const char *text, size_t at, ur_err *err, const char *format, ...) UR_PRINTF(4, 5);

#endif
