/* Spec text: a small parser whose every complaint points at the character. */
#include "model/spec.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names that stand for a mixer in a form, alone and in a model of pairs; any other mixer's own name means a plain stack
 * of it. */
static const struct arch { const char *name, *mixer, *form, *pair_form; } archs[] = {
#define UR_ARCH(name, mixer, form, pair_form) { name, mixer, form, pair_form },
#include "model/archs.def"
#undef UR_ARCH
};
enum { ARCHS = sizeof archs / sizeof *archs };

/* The model's own options, next to the mixer's; values land in `own`. */
enum { DROPOUT, CONTEXT, BLOCK, TIE, POSITIONS, FFN, NORM, ATTENTION, ENCODER, SUMMARY, OWN };
enum { FIRST_OF_PAIRS = ATTENTION };
static const ur_option own_options[OWN + 1] = {
	[DROPOUT] = { "dropout", "share of values dropped in training", 0, 0, 0.95, NULL, 0 },
	[CONTEXT] = { "context", "positions the model is built for, where it keeps them all", 256, 1, UR_MOST_REACH,
	              NULL, 1 },
	[BLOCK] = { "block", "what surrounds the mixer", 0, 0, 0, "", 0 },
	[TIE] = { "tie", "1: head and embedding share weights", 0, 0, 1, NULL, 1 },
	[POSITIONS] = { "positions", "learned, sinusoidal or none", 0, 0, 2, "none|learned|sinusoidal", 0 },
	[FFN] = { "ffn", "width of the feed-forward half", 0, 1, 1 << 20, NULL, 1 },
	[NORM] = { "norm", "before the halves of a block (pre) or behind its sums (post)", 0, 0, 1, "pre|post", 0 },
	[ATTENTION] = { "attention", "seq2seq, recurrent: how the decoder reads the source at each step", 0, 0, 0, "", 0 },
	[ENCODER] = { "encoder", "seq2seq, recurrent: one way (uni) or from both ends (bi)", 0, 0, 1, "uni|bi", 0 },
	[SUMMARY] = { "summary", "seq2seq, recurrent: the encoder's final state only starts the decoder (first), or is "
	              "read at each step (each)", 0, 0, 1, "first|each", 0 },
};

#define COMPLAIN(at, ...) return ur_point_at(text, (size_t)(at), err, __VA_ARGS__)

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

static ur_status unknown_name(const char *text, size_t at, size_t n, ur_err *err)
{
	char known[160] = "";
	for (int i = 0; i < ARCHS; i++)
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", archs[i].name);
	for (int i = 0; ur_mixers[i]; i++)
		if (!strstr(known, ur_mixers[i]->name) && !(ur_mixers[i]->flags & UR_READS_MEMORY))
			snprintf(known + strlen(known), sizeof known - strlen(known), ", %s", ur_mixers[i]->name);
	COMPLAIN(at, "spec: '%.*s' is no architecture; there are %s%s", (int)(n < 40 ? n : 40), text + at, known,
	         at ? "" : ", and seq2seq: before one of them");
}

/* What is known while a spec is read. */
typedef struct parse {
	const char *text, *form;
	char name[32];
	size_t at, given_at[OWN];       /* where the value of one of own_options stands; 0: not given */
	size_t given[UR_MIXER_OPTIONS]; /* ... and of the mixer's */
	double own[OWN];
	ur_spec s;
} parse;

static const char pair_word[] = "seq2seq:";

/* Layers stacked without sums. */
static const char *plain_form(const ur_spec *s) { return s->pair ? "pairs" : "plain"; }

/* [seq2seq:]NAME */
static ur_status parse_name(parse *p, ur_err *err)
{
	const char *text = p->text;
	size_t from, n;

	p->s.pair = !strncmp(text, pair_word, sizeof pair_word - 1);
	from = p->s.pair ? sizeof pair_word - 1 : 0;
	n = strcspn(text + from, ":,");
	p->at = from + n;
	if (n == 0)
		COMPLAIN(from, "spec: %s", p->s.pair ? "an architecture's name follows, as in seq2seq:lstm:2x256"
		                                     : "starts with the architecture's name, as in lstm:2x256");
	if (n >= sizeof p->name)
		return unknown_name(text, from, n, err);
	memcpy(p->name, text + from, n);
	p->name[n] = 0;
	p->form = plain_form(&p->s);
	p->s.mixer = ur_mixer_find(p->name);
	for (int i = 0; i < ARCHS; i++)
		if (!strcmp(archs[i].name, p->name)) {
			p->s.mixer = ur_mixer_find(archs[i].mixer);
			p->form = p->s.pair ? archs[i].pair_form : archs[i].form;
		}
	if (!p->s.mixer)
		return unknown_name(text, from, n, err);
	if (p->s.mixer->flags & UR_READS_MEMORY)
		COMPLAIN(from, "spec: %s reads an encoder's outputs: as in seq2seq:lstm:2x256,attention=%s", p->name, p->name);
	return UR_OK;
}

/* [:LAYERSxWIDTH] */
static ur_status parse_shape(parse *p, ur_err *err)
{
	const char *text = p->text;
	size_t from;
	long layers, width;

	if (text[p->at] != ':')
		return UR_OK;
	from = ++p->at;
	layers = whole(text, &p->at, UR_MOST_LAYERS);
	if (layers < 1)
		COMPLAIN(from, "spec: expected LAYERSxWIDTH, as in 2x256, with 1 to %d layers", UR_MOST_LAYERS);
	if (text[p->at] != 'x')
		COMPLAIN(p->at, "spec: expected 'x' and a width, as in 2x256");
	from = ++p->at;
	width = whole(text, &p->at, UR_MOST_WIDTH);
	if (width < 1)
		COMPLAIN(from, "spec: expected a width of 1 to %d", UR_MOST_WIDTH);
	p->s.layers = (int)layers;
	p->s.width = (int)width;
	return UR_OK;
}

/* The mixers that attention= can name, and a form's block= . */
static ur_status parse_attention(parse *p, size_t at, const char *word, ur_err *err)
{
	const char *text = p->text;
	char known[100] = "none";

	if (!strcmp(word, "none"))
		return UR_OK;
	p->s.attend = ur_mixer_find(word);
	if (p->s.attend && (p->s.attend->flags & UR_READS_MEMORY))
		return UR_OK;
	for (int i = 0; ur_mixers[i]; i++)
		if (ur_mixers[i]->flags & UR_READS_MEMORY)
			snprintf(known + strlen(known), sizeof known - strlen(known), ", %s", ur_mixers[i]->name);
	COMPLAIN(at, "spec: '%s' is no attention; there are %s", word, known);
}

static ur_status parse_block(parse *p, size_t at, const char *word, ur_err *err)
{
	const char *text = p->text;
	char known[100] = "";

	if (ur_form_find(word)) {
		p->form = ur_form_find(word)->name;
		return UR_OK;
	}
	for (int f = 0; ur_form_nth(f); f++)
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", f ? ", " : "", ur_form_nth(f)->name);
	COMPLAIN(at, "spec: '%s' is no block; there are %s", word, known);
}

/* ,NAME=VALUE */
static ur_status parse_option(parse *p, ur_err *err)
{
	const char *text = p->text;
	const size_t from = p->at + 1, n = strcspn(text + from, "=,");
	size_t value_at, value_n;
	const ur_option *o;
	char word[32] = "";
	int i;

	if (text[p->at] != ',')
		COMPLAIN(p->at, "spec: expected ',' and an option, or the end");
	if (text[from + n] != '=')
		COMPLAIN(from + n, "spec: expected option=value");
	value_at = from + n + 1;
	value_n = strcspn(text + value_at, ",");
	p->at = value_at + value_n;
	if ((o = ur_option_find(own_options, text + from, n, &i))) {
		if (p->given_at[i])
			COMPLAIN(from, "spec: option '%s' is given twice", o->name);
		if (i >= FIRST_OF_PAIRS && !p->s.pair)
			COMPLAIN(from, "spec: option '%s' is for models of pairs, as in seq2seq:%s", o->name, p->name);
		p->given_at[i] = value_at;
		if (i != BLOCK && i != ATTENTION)
			return ur_option_value("spec", text, value_at, value_n, o, &p->own[i], err);
		snprintf(word, sizeof word, "%.*s", (int)(value_n < 30 ? value_n : 30), text + value_at);
		return i == BLOCK ? parse_block(p, value_at, word, err) : parse_attention(p, value_at, word, err);
	}
	if ((o = ur_option_find(p->s.mixer->options, text + from, n, &i))) {
		if (p->given[i])
			COMPLAIN(from, "spec: option '%s' is given twice", o->name);
		p->given[i] = value_at;
		return ur_option_value("spec", text, value_at, value_n, o, &p->s.option[i], err);
	}
	{
		char known[200] = "";
		ur_option_list(own_options, p->s.pair ? NULL : &own_options[FIRST_OF_PAIRS], known, sizeof known);
		ur_option_list(p->s.mixer->options, NULL, known, sizeof known);
		COMPLAIN(from, "spec: %s has no option '%.*s'; it has %s", p->name, (int)(n < 30 ? n : 30), text + from, known);
	}
}

/* The decoder's top layer runs the same cell as the others: its option that can be named so. */
static int name_cell(ur_spec *s)
{
	for (int i = 0; s->attend->options && s->attend->options[i].name; i++) {
		const ur_option *o = &s->attend->options[i];
		const int cell = o->choices ? ur_option_choice(o->choices, s->mixer->name, strlen(s->mixer->name)) : -1;

		s->attend_option[i] = cell >= 0 ? cell : o->standard;
		if (cell >= 0)
			return 1;
	}
	return 0;
}

/* What an encoder and a decoder can be joined of. */
static ur_status check_pair(parse *p, ur_err *err)
{
	const char *text = p->text;
	ur_spec *s = &p->s;

	s->both_ways = p->own[ENCODER] > 0;
	s->summary = p->own[SUMMARY] > 0;
	if (ur_spec_limit(s) == 1)
		COMPLAIN(p->given_at[CONTEXT], "spec: pairs need a context of at least 2, for a token and the end");
	if (s->form->norm) {
		if (!(s->mixer->flags & UR_SEES_ALL))
			COMPLAIN(p->given_at[BLOCK], "spec: pairs in residual blocks are of attention: leave out block=");
		for (int i = FIRST_OF_PAIRS; i < OWN; i++)
			if (p->given_at[i])
				COMPLAIN(p->given_at[i], "spec: option '%s' is for recurrent pairs; %s reads the source in every layer",
				         own_options[i].name, p->name);
		return UR_OK;
	}
	if (s->mixer->flags & UR_STATE_GROWS)
		COMPLAIN(sizeof pair_word - 1, "spec: %s has no state of a fixed size, which is all that would join the "
		         "two; use block=vaswani", p->name);
	if (s->attend && !name_cell(s))
		COMPLAIN(p->given_at[ATTENTION], "spec: %s has no cell '%s'", s->attend->name, s->mixer->name);
	for (int i = 0; s->attend && s->mixer->options && s->mixer->options[i].name; i++) {
		const ur_option *o = &s->mixer->options[i];
		int at;
		if (p->given[i] && s->option[i] != o->standard &&
		    !ur_option_find(s->attend->options, o->name, strlen(o->name), &at))
			COMPLAIN(p->given[i], "spec: the decoder's top layer, %s, has no option '%s'", s->attend->name, o->name);
	}
	return UR_OK;
}

/* What was not said. */
static ur_status settle(parse *p, ur_err *err)
{
	const char *text = p->text, *why;
	const size_t *given_at = p->given_at;
	ur_spec *s = &p->s;
	ur_status status;
	ur_dims d;

	s->form = ur_form_find(p->form);
	if (given_at[BLOCK] && !s->form->norm && strcmp(p->form, plain_form(s)) != 0)
		COMPLAIN(given_at[BLOCK], "spec: block=%s is for %s", p->form, s->pair ? "models of one text: leave out block="
		                                                                     : "models of pairs");
	if (given_at[FFN] && !s->form->ffn)
		COMPLAIN(given_at[FFN], "spec: a plain stack has no feed-forward half%s",
		         s->pair ? "" : "; add block=gpt2 or block=llama");
	if (given_at[NORM] && !s->form->norm)
		COMPLAIN(given_at[NORM], "spec: a plain stack has no norms%s",
		         s->pair ? "" : "; add block=gpt2 or block=vaswani");
	s->dropout = p->own[DROPOUT];
	s->context = given_at[CONTEXT] ? (int)p->own[CONTEXT] : (int)own_options[CONTEXT].standard;
	s->tied = given_at[TIE] ? (int)p->own[TIE] : s->form->tied;
	s->norm_last = given_at[NORM] ? (int)p->own[NORM] : s->form->norm_last;
	s->positions = given_at[POSITIONS] ? (ur_positions)p->own[POSITIONS]
	               : s->mixer->flags & UR_NO_ORDER ? s->form->positions : UR_NOWHERE;
	s->ffn = given_at[FFN] ? (int)p->own[FFN] : s->form->ffn ? s->form->ffn_width(s->width) : 0;
	for (int i = 0; s->mixer->options && s->mixer->options[i].name; i++) {
		if (p->given[i])
			continue;
		s->option[i] = s->mixer->options[i].standard;
		for (const ur_default *f = s->form->defaults; f->option; f++)
			if (!strcmp(f->option, s->mixer->options[i].name))
				s->option[i] = f->value;
	}
	s->heads = 1;
	for (int i = 0; s->mixer->options && s->mixer->options[i].name; i++)
		if (!strcmp(s->mixer->options[i].name, "heads"))
			s->heads = (int)s->option[i];
	if (s->pair && (status = check_pair(p, err)))
		return status;
	d = ur_spec_dims(s);
	if (s->mixer->check && (why = s->mixer->check(&d))) {
		const char *shape = strchr(text + (s->pair ? sizeof pair_word - 1 : 0), ':');
		COMPLAIN(shape ? shape + 1 - text : 0, "spec: %s", why);
	}
	return UR_OK;
}

ur_status ur_spec_parse(const char *text, ur_spec *spec, ur_err *err)
{
	parse p = { .text = text, .s = { .layers = 2, .width = 256 } };
	ur_status status;

	if (strlen(text) >= UR_SPEC_TEXT)
		return ur_fail(err, UR_E_INVALID, "spec: longer than %d characters", UR_SPEC_TEXT - 1);
	if ((status = parse_name(&p, err)) || (status = parse_shape(&p, err)))
		return status;
	while (text[p.at])
		if ((status = parse_option(&p, err)))
			return status;
	if ((status = settle(&p, err)))
		return status;
	memcpy(p.s.text, text, strlen(text) + 1);
	*spec = p.s;
	return UR_OK;
}

const char *ur_spec_arch(const char *text, int *n)
{
	const char *name = strncmp(text, pair_word, sizeof pair_word - 1) ? text : text + sizeof pair_word - 1;
	*n = (int)strcspn(name, ":,");
	return name;
}

size_t ur_spec_name(const char *text)
{
	int n;
	const char *name = ur_spec_arch(text, &n);
	return (size_t)(name - text) + (size_t)n;
}

ur_status ur_spec_resize(const ur_spec *from, int width, ur_spec *spec, ur_err *err)
{
	char text[UR_SPEC_TEXT + 32];
	size_t name = ur_spec_name(from->text);
	const char *rest = strchr(from->text, ',');

	snprintf(text, sizeof text, "%.*s:%dx%d%s", (int)name, from->text, from->layers, width, rest ? rest : "");
	return ur_spec_parse(text, spec, err);
}

ur_status ur_spec_recontext(const ur_spec *from, int context, ur_spec *spec, ur_err *err)
{
	char text[UR_SPEC_TEXT + 32];
	const char *option = strstr(from->text, ",context="), *rest = option;

	*spec = *from;
	if (!ur_spec_limit(from) || from->context == context)
		return UR_OK;
	if (option)
		rest = option + 1 + strcspn(option + 1, ",");
	snprintf(text, sizeof text, "%.*s,context=%d%s",
	         (int)(option ? option - from->text : (ptrdiff_t)strlen(from->text)), from->text, context, option ? rest : "");
	return ur_spec_parse(text, spec, err);
}

ur_dims ur_spec_dims(const ur_spec *spec)
{
	ur_dims d = { .in = spec->width, .out = spec->width, .context = spec->context };
	memcpy(d.option, spec->option, sizeof d.option);
	return d;
}

int ur_spec_limit(const ur_spec *spec)
{
	return spec->positions != UR_NOWHERE || (spec->mixer->flags & UR_STATE_GROWS) ? spec->context : 0;
}

void ur_spec_help(void (*line)(void *arg, const char *name, const char *about), void *arg)
{
	char text[200];

	for (int i = 0; i < ARCHS; i++) {
		snprintf(text, sizeof text, "%s, block=%s; of pairs, block=%s", archs[i].mixer, archs[i].form,
		         archs[i].pair_form);
		line(arg, archs[i].name, text);
	}
	line(arg, pair_word, "before a name: an encoder and a decoder of it, for source/target pairs");
	for (int i = 0; ur_mixers[i]; i++) {
		if (ur_mixers[i]->flags & UR_READS_MEMORY) /* no spec starts with it: it is a value of attention= */
			continue;
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
	snprintf(text, sizeof text, "%s, one of:", own_options[ATTENTION].about);
	line(arg, "attention=", text);
	line(arg, "  none", "it does not, it knows the encoder's final state alone (the default)");
	for (int i = 0; ur_mixers[i]; i++)
		if (ur_mixers[i]->flags & UR_READS_MEMORY) {
			snprintf(text, sizeof text, "  %s", ur_mixers[i]->name);
			line(arg, text, ur_mixers[i]->about);
		}
	line(arg, "any", "options of every model");
	for (const ur_option *o = own_options; o->name; o++) {
		if (o == &own_options[BLOCK] || o == &own_options[ATTENTION]) /* said above, with its choices */
			continue;
		snprintf(text, sizeof text, "  %s=", o->name);
		line(arg, text, o->about);
	}
}
