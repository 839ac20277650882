/* Reading options, and saying what is wrong with them. */
#include "base/option.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLAINT = 300 }; /* bytes: with two lines of a text it fits an ur_err */

/* Copies at most n bytes; what a terminal would obey becomes '?'. */
static void copy_plain(char *to, const char *from, size_t n)
{
	for (; n > 0 && *from; n--, from++)
		*to++ = iscntrl((unsigned char)*from) ? '?' : *from;
	*to = 0;
}

static int is_inside(const char *p) { return ((unsigned char)*p & 0xC0) == 0x80; } /* of a UTF-8 sequence */

ur_status ur_point_at(const char *text, size_t at, ur_err *err, const char *format, ...)
{
	char line[101], said[COMPLAINT], whole[COMPLAINT];
	va_list list;
	size_t from = at > 60 ? at - 60 : 0, n = strnlen(text + from, 100);
	int before = 0;

	/* a long text is shown around the place, so that the arrow stays under it */
	for (; from > 0 && from < at && is_inside(text + from); from++, n--)
		;
	for (; text[from + n] && n > 0 && is_inside(text + from + n); n--)
		;
	for (size_t i = from; i < at; i++)
		before += !is_inside(text + i);
	copy_plain(line, text + from, n);
	va_start(list, format);
	(void)vsnprintf(whole, sizeof whole, format, list);
	va_end(list);
	copy_plain(said, whole, sizeof said - 1);
	return ur_fail(err, UR_E_INVALID, "%s\n  %s\n  %*s^", said, line, before, "");
}

int ur_option_choice(const char *choices, const char *p, size_t n)
{
	for (int i = 0; *choices; i++) {
		size_t m = strcspn(choices, "|");
		if (m == n && !memcmp(choices, p, n))
			return i;
		choices += m + (choices[m] == '|');
	}
	return -1;
}

const ur_option *ur_option_find(const ur_option *options, const char *p, size_t n, int *index)
{
	for (*index = 0; options && options[*index].name; ++*index)
		if (strlen(options[*index].name) == n && !memcmp(options[*index].name, p, n))
			return &options[*index];
	return NULL;
}

void ur_option_list(const ur_option *options, const ur_option *end, char *out, size_t room)
{
	for (; options && options != end && options->name; options++) {
		size_t n = strlen(out);
		snprintf(out + n, room - n, "%s%s", n ? ", " : "", options->name);
	}
}

ur_status ur_option_value(const char *what, const char *text, size_t at, size_t n, const ur_option *o, double *value,
                          ur_err *err)
{
	char word[40], *end;

	if (n == 0 || n >= sizeof word)
		return ur_point_at(text, at, err, "%s: option '%s' wants a value here", what, o->name);
	memcpy(word, text + at, n);
	word[n] = 0;
	if (o->choices) {
		int i = ur_option_choice(o->choices, word, n);
		if (i < 0)
			return ur_point_at(text, at, err, "%s: '%s' is not a value of '%s'; it takes %s", what, word, o->name,
			                   o->choices);
		*value = i;
		return UR_OK;
	}
	*value = strtod(word, &end);
	if (strspn(word, "0123456789.eE+-") < n) /* strtod takes hexadecimal numbers, names and blanks too */
		end = word + strspn(word, "0123456789.eE+-");
	if (*end || !isfinite(*value))
		return ur_point_at(text, at + (size_t)(end - word), err, "%s: option '%s' wants a number, not '%s'", what,
		                   o->name, word);
	if (o->whole && *value != floor(*value))
		return ur_point_at(text, at, err, "%s: option '%s' wants a whole number, not '%s'", what, o->name, word);
	if (*value < o->least || *value > o->most)
		return ur_point_at(text, at, err, "%s: option '%s' must be from %g to %g, not %s", what, o->name,
		                   o->least, o->most, word);
	return UR_OK;
}
