/* Spec text: a small parser whose every complaint points at the character. */
#include "model/spec.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names that stand for a mixer in a form; any other mixer's own name means a plain stack of it. */
static const struct arch { const char *name, *mixer, *form; } archs[] = {
#define UR_ARCH(name, mixer, form) { name, mixer, form },
#include "model/archs.def"
#undef UR_ARCH
};
enum { ARCHS = sizeof archs / sizeof *archs };

/* The model's own options, next to the mixer's; values land in `own`. */
enum { DROPOUT, CONTEXT, BLOCK, TIE, POSITIONS, FFN, OWN };
static const ur_option own_options[OWN + 1] = {
	[DROPOUT] = { "dropout", "share of values dropped in training", 0, 0, 0.95, NULL, 0 },
	[CONTEXT] = { "context", "positions the model is built for, where it keeps them all", 256, 1, 1 << 24, NULL, 1 },
	[BLOCK] = { "block", "what surrounds the mixer", 0, 0, 0, "", 0 },
	[TIE] = { "tie", "1: head and embedding share weights", 0, 0, 1, NULL, 1 },
	[POSITIONS] = { "positions", "learned or none", 0, 0, 1, "none|learned", 0 },
	[FFN] = { "ffn", "width of the feed-forward half", 0, 1, 1 << 20, NULL, 1 },
};

enum { COMPLAINT = 300 }; /* bytes: with two lines of a spec it fits an ur_err */

/* Copies at most n bytes; what a terminal would obey becomes '?'. */
static void copy_plain(char *to, const char *from, size_t n)
{
	for (; n > 0 && *from; n--, from++)
		*to++ = iscntrl((unsigned char)*from) ? '?' : *from;
	*to = 0;
}

static int is_inside(const char *p) { return ((unsigned char)*p & 0xC0) == 0x80; } /* of a UTF-8 sequence */

static ur_status complain(const char *text, size_t at, ur_err *err, const char *what)
{
	char line[101], said[COMPLAINT];
	size_t from = at > 60 ? at - 60 : 0, n = strnlen(text + from, 100);
	int before = 0;

	/* a long spec is shown around the place, so that the arrow stays under it */
	for (; from > 0 && from < at && is_inside(text + from); from++, n--)
		;
	for (; text[from + n] && n > 0 && is_inside(text + from + n); n--)
		;
	for (size_t i = from; i < at; i++)
		before += !is_inside(text + i);
	copy_plain(line, text + from, n);
	copy_plain(said, what, sizeof said - 1);
	return ur_fail(err, UR_E_INVALID, "%s\n  %s\n  %*s^", said, line, before, "");
}

#define COMPLAIN(at, ...) do { \
		char what_[COMPLAINT]; \
		snprintf(what_, sizeof what_, __VA_ARGS__); \
		return complain(text, (size_t)(at), err, what_); \
	} while (0)

/* Index of word [p, p + n) among "a|b|c", or -1. */
static int choice_of(const char *choices, const char *p, size_t n)
{
	for (int i = 0; *choices; i++) {
		size_t m = strcspn(choices, "|");
		if (m == n && !memcmp(choices, p, n))
			return i;
		choices += m + (choices[m] == '|');
	}
	return -1;
}

static const ur_option *option_of(const ur_option *options, const char *p, size_t n, int *index)
{
	for (*index = 0; options && options[*index].name; ++*index)
		if (strlen(options[*index].name) == n && !memcmp(options[*index].name, p, n))
			return &options[*index];
	return NULL;
}

static void list_options(const ur_option *options, char *out, size_t room)
{
	for (; options && options->name; options++) {
		size_t n = strlen(out);
		snprintf(out + n, room - n, "%s%s", n ? ", " : "", options->name);
	}
}

/* A whole number at text + *at, at most `most`; moves *at behind it. -1: not one. */
static long whole(const char *text, size_t *at, long most)
{
	long n = 0;
	if (!isdigit((unsigned char)text[*at]))
		return -1;
	while (isdigit((unsigned char)text[*at])) {
		n = n * 10 + (text[*at] - '0');
		if (n > most)
			return -1;
		++*at;
	}
	return n;
}

/* The value at text + at, n characters, of option o. */
static ur_status value_of(const char *text, size_t at, size_t n, const ur_option *o, double *value, ur_err *err)
{
	char word[40], *end;

	if (n == 0 || n >= sizeof word)
		COMPLAIN(at, "spec: option '%s' wants a value here", o->name);
	memcpy(word, text + at, n);
	word[n] = 0;
	if (o->choices) {
		int i = choice_of(o->choices, word, n);
		if (i < 0)
			COMPLAIN(at, "spec: '%s' is not a value of '%s'; it takes %s", word, o->name, o->choices);
		*value = i;
		return UR_OK;
	}
	*value = strtod(word, &end);
	if (strspn(word, "0123456789.eE+-") < n) /* strtod takes hexadecimal numbers, names and blanks too */
		end = word + strspn(word, "0123456789.eE+-");
	if (*end || !isfinite(*value))
		COMPLAIN(at + (size_t)(end - word), "spec: option '%s' wants a number, not '%s'", o->name, word);
	if (o->whole && *value != floor(*value))
		COMPLAIN(at, "spec: option '%s' wants a whole number, not '%s'", o->name, word);
	if (*value < o->least || *value > o->most)
		COMPLAIN(at, "spec: option '%s' must be from %g to %g, not %s", o->name, o->least, o->most, word);
	return UR_OK;
}

static ur_status unknown_name(const char *text, size_t n, ur_err *err)
{
	char known[160] = "";
	for (int i = 0; i < ARCHS; i++)
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", archs[i].name);
	for (int i = 0; ur_mixers[i]; i++)
		if (!strstr(known, ur_mixers[i]->name))
			snprintf(known + strlen(known), sizeof known - strlen(known), ", %s", ur_mixers[i]->name);
	COMPLAIN(0, "spec: '%.*s' is no architecture; there are %s", (int)(n < 40 ? n : 40), text, known);
}

ur_status ur_spec_parse(const char *text, ur_spec *spec, ur_err *err)
{
	size_t at = strcspn(text, ":,"), given_at[OWN] = { 0 };
	int given[UR_MIXER_OPTIONS] = { 0 };
	double own[OWN] = { 0 };
	const char *form = "plain", *why;
	char name[32];
	ur_spec s = { .layers = 2, .width = 256 };
	ur_dims d;

	if (strlen(text) >= UR_SPEC_TEXT)
		return ur_fail(err, UR_E_INVALID, "spec: longer than %d characters", UR_SPEC_TEXT - 1);
	if (at == 0)
		COMPLAIN(0, "spec: starts with the architecture's name, as in lstm:2x256");
	if (at >= sizeof name)
		return unknown_name(text, at, err);
	memcpy(name, text, at);
	name[at] = 0;
	s.mixer = ur_mixer_find(name);
	for (int i = 0; i < ARCHS; i++)
		if (!strcmp(archs[i].name, name)) {
			s.mixer = ur_mixer_find(archs[i].mixer);
			form = archs[i].form;
		}
	if (!s.mixer)
		return unknown_name(text, at, err);

	if (text[at] == ':') {
		size_t from = ++at;
		long layers = whole(text, &at, UR_MOST_LAYERS), width;
		if (layers < 1)
			COMPLAIN(from, "spec: expected LAYERSxWIDTH, as in 2x256, with 1 to %d layers", UR_MOST_LAYERS);
		if (text[at] != 'x')
			COMPLAIN(at, "spec: expected 'x' and a width, as in 2x256");
		from = ++at;
		width = whole(text, &at, UR_MOST_WIDTH);
		if (width < 1)
			COMPLAIN(from, "spec: expected a width of 1 to %d", UR_MOST_WIDTH);
		s.layers = (int)layers;
		s.width = (int)width;
	}
	while (text[at]) {
		size_t from = at + 1, n, value_at, value_n;
		const ur_option *o;
		ur_status status;
		int i;

		if (text[at] != ',')
			COMPLAIN(at, "spec: expected ',' and an option, or the end");
		n = strcspn(text + from, "=,");
		if (text[from + n] != '=')
			COMPLAIN(from + n, "spec: expected option=value");
		value_at = from + n + 1;
		value_n = strcspn(text + value_at, ",");
		at = value_at + value_n;
		if ((o = option_of(own_options, text + from, n, &i))) {
			if (given_at[i])
				COMPLAIN(from, "spec: option '%s' is given twice", o->name);
			given_at[i] = value_at;
			if (i == BLOCK) {
				char word[32] = "";
				if (value_n < sizeof word)
					memcpy(word, text + value_at, value_n);
				if (!ur_form_find(word)) {
					char known[100] = "";
					for (int f = 0; ur_form_nth(f); f++)
						snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", f ? ", " : "",
						         ur_form_nth(f)->name);
					COMPLAIN(value_at, "spec: '%.*s' is no block; there are %s", (int)(value_n < 30 ? value_n : 30),
					         text + value_at, known);
				}
				form = ur_form_find(word)->name;
				continue;
			}
			if ((status = value_of(text, value_at, value_n, o, &own[i], err)))
				return status;
		} else if ((o = option_of(s.mixer->options, text + from, n, &i))) {
			if (given[i]++)
				COMPLAIN(from, "spec: option '%s' is given twice", o->name);
			if ((status = value_of(text, value_at, value_n, o, &s.option[i], err)))
				return status;
		} else {
			char known[200] = "";
			list_options(own_options, known, sizeof known);
			list_options(s.mixer->options, known, sizeof known);
			COMPLAIN(from, "spec: %s has no option '%.*s'; it has %s", name, (int)(n < 30 ? n : 30), text + from,
			         known);
		}
	}

	s.form = ur_form_find(form);
	if (given_at[FFN] && !s.form->ffn)
		COMPLAIN(given_at[FFN], "spec: a plain stack has no feed-forward half; add block=gpt2 or block=llama");
	s.dropout = own[DROPOUT];
	s.context = given_at[CONTEXT] ? (int)own[CONTEXT] : (int)own_options[CONTEXT].standard;
	s.tied = given_at[TIE] ? (int)own[TIE] : s.form->tied;
	s.positions = given_at[POSITIONS] ? (int)own[POSITIONS] : s.form->positions && (s.mixer->flags & UR_NO_ORDER);
	s.ffn = given_at[FFN] ? (int)own[FFN] : s.form->ffn ? s.form->ffn_width(s.width) : 0;
	for (int i = 0; s.mixer->options && s.mixer->options[i].name; i++) {
		if (given[i])
			continue;
		s.option[i] = s.mixer->options[i].standard;
		for (const ur_default *f = s.form->defaults; f->option; f++)
			if (!strcmp(f->option, s.mixer->options[i].name))
				s.option[i] = f->value;
	}
	d = ur_spec_dims(&s);
	if (s.mixer->check && (why = s.mixer->check(&d)))
		COMPLAIN(strchr(text, ':') ? strcspn(text, ":") + 1 : 0, "spec: %s", why);
	memcpy(s.text, text, strlen(text) + 1);
	*spec = s;
	return UR_OK;
}

ur_status ur_spec_resize(const ur_spec *from, int width, ur_spec *spec, ur_err *err)
{
	char text[UR_SPEC_TEXT + 32];
	size_t name = strcspn(from->text, ":,");
	const char *rest = strchr(from->text, ',');

	snprintf(text, sizeof text, "%.*s:%dx%d%s", (int)name, from->text, from->layers, width, rest ? rest : "");
	return ur_spec_parse(text, spec, err);
}

ur_dims ur_spec_dims(const ur_spec *spec)
{
	ur_dims d = { .in = spec->width, .out = spec->width, .context = spec->context };
	memcpy(d.option, spec->option, sizeof d.option);
	return d;
}

void ur_spec_help(void (*line)(void *arg, const char *name, const char *about), void *arg)
{
	char text[200];

	for (int i = 0; i < ARCHS; i++) {
		snprintf(text, sizeof text, "%s, block=%s", archs[i].mixer, archs[i].form);
		line(arg, archs[i].name, text);
	}
	for (int i = 0; ur_mixers[i]; i++) {
		line(arg, ur_mixers[i]->name, ur_mixers[i]->about);
		for (const ur_option *o = ur_mixers[i]->options; o && o->name; o++) {
			snprintf(text, sizeof text, "  %s=", o->name);
			line(arg, text, o->about);
		}
	}
	line(arg, "block=", "what surrounds the mixer, one of:");
	for (int i = 0; ur_form_nth(i); i++) {
		snprintf(text, sizeof text, "  %s", ur_form_nth(i)->name);
		line(arg, text, ur_form_nth(i)->about);
	}
	line(arg, "any", "options of every model");
	for (const ur_option *o = own_options; o->name; o++) {
		if (o == &own_options[BLOCK]) /* said above, with its choices */
			continue;
		snprintf(text, sizeof text, "  %s=", o->name);
		line(arg, text, o->about);
	}
}
