/* Reading a command line by a command's table of options. */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

int ur_edit_distance(const char *a, const char *b, int most)
{
	enum { ROOM = 40 };
	int n = (int)strlen(a), m = (int)strlen(b), d[3][ROOM + 1];

	if (n > ROOM || m > ROOM || abs(n - m) > most)
		return most + 1;
	for (int j = 0; j <= m; j++)
		d[0][j] = j;
	for (int i = 1; i <= n; i++) {
		int *now = d[i % 3], *before = d[(i + 2) % 3], *second = d[(i + 1) % 3];
		now[0] = i;
		for (int j = 1; j <= m; j++) {
			int best = before[j - 1] + (a[i - 1] != b[j - 1]);
			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && second[j - 2] + 1 < best)
				best = second[j - 2] + 1;
			now[j] = best;
		}
	}
	return d[n % 3][m] <= most ? d[n % 3][m] : most + 1;
}

int ur_is_near(const char *name, const char *known, int *distance)
{
	const size_t n = strlen(name), m = strlen(known);
	const int slips = n < 4 ? 1 : n < 8 ? 2 : 3;

	/* the beginning, or the end, of a longer name: --batch, --size */
	if (n >= 3 && m > n && !strncmp(known, name, n)) {
		*distance = 0;
		return 1;
	}
	if (n >= 3 && m > n && !strcmp(known + m - n, name)) {
		*distance = 2;
		return 1;
	}
	*distance = ur_edit_distance(name, known, slips);
	return *distance <= slips;
}

static const ur_opt *find_long(const ur_command *c, const char *name, size_t n)
{
	for (const ur_opt *o = c->options; o && o->name; o++)
		if (strlen(o->name) == n && !memcmp(o->name, name, n))
			return o;
	return NULL;
}

static const ur_opt *find_letter(const ur_command *c, char letter)
{
	for (const ur_opt *o = c->options; o && o->name; o++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

double ur_read_real(const char *text, const char **end)
{
	char *rest;
	const double x = strtod(text, &rest);

	*end = isfinite(x) && !isspace((unsigned char)*text) ? rest : text;
	return x;
}

int64_t ur_read_whole(const char *text, const char **end)
{
	static const struct { char letter; double factor; } units[] = {
		{ 'k', 1e3 }, { 'K', 1e3 }, { 'M', 1e6 }, { 'G', 1e9 }
	};
	char *rest;
	double x;
	long long n;

	*end = text;
	if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+')
		return 0;
	errno = 0;
	n = strtoll(text, &rest, 10);
	if (rest == text || (!*rest && errno)) /* beyond int64: not a number here */
		return 0;
	*end = rest;
	if (!*rest)
		return n;
	x = strtod(text, &rest);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (*rest == units[i].letter && !rest[1]) {
			x *= units[i].factor;
			rest++;
			break;
		}
	if (*rest || !isfinite(x) || x != floor(x) || fabs(x) > 9e15) {
		*end = *rest ? rest : text;
		return 0;
	}
	*end = rest;
	return (int64_t)x;
}

static int has_choice(const char *choices, const char *word)
{
	for (size_t n = strlen(word);; choices++) {
		size_t m = strcspn(choices, "|");
		if (m == n && !memcmp(choices, word, n))
			return 1;
		choices += m;
		if (!*choices)
			return 0;
	}
}

/* "--name" as it was written, long or short. */
static int set(const ur_args *args, void *values, const ur_opt *o, const char *written, const char *text)
{
	void *to = (char *)values + o->at;
	const char *end;
	char shown[64];
	double x;

	ur_visible(text, shown, sizeof shown);
	switch (o->kind) {
	case UR_OPT_FLAG:
		*(int *)to = 1;
		return 1;
	case UR_OPT_TEXT:
		*(const char **)to = text;
		return 1;
	case UR_OPT_CHOICE:
		if (!has_choice(o->choices, text)) {
			ur_wrong(args, "%s '%s': it must be one of %s", written, shown, o->choices);
			return 0;
		}
		*(const char **)to = text;
		return 1;
	case UR_OPT_LIST: {
		ur_list *list = to;
		if (list->n == UR_MOST_LIST) {
			ur_wrong(args, "%s can be given %d times at most", written, UR_MOST_LIST);
			return 0;
		}
		list->text[list->n++] = text;
		return 1;
	}
	case UR_OPT_INT: {
		int64_t n = ur_read_whole(text, &end);
		if (end == text || *end) {
			ur_wrong(args, "%s '%s': not a whole number", written, shown);
			return 0;
		}
		x = (double)n;
		*(int64_t *)to = n;
		break;
	}
	default:
		x = ur_read_real(text, &end);
		if (end == text || *end) {
			ur_wrong(args, "%s '%s': not a number", written, shown);
			return 0;
		}
		*(double *)to = x;
	}
	if ((o->least < o->most) && (x < o->least || x > o->most)) {
		ur_short least, most;
		if (o->kind == UR_OPT_INT && o->most > 1e15)
			ur_wrong(args, "%s %s: it must be at least %s", written, shown, ur_commas((int64_t)o->least, least));
		else if (o->kind == UR_OPT_INT)
			ur_wrong(args, "%s %s: it must be %s to %s", written, shown, ur_commas((int64_t)o->least, least),
			         ur_commas((int64_t)o->most, most));
		else
			ur_wrong(args, "%s %s: it must be %g to %g", written, shown, o->least, o->most);
		return 0;
	}
	return 1;
}

static void unknown(const ur_args *args, const char *written, const char *name)
{
	const char *near = NULL;
	char shown[64];
	int best = 100, distance;

	for (const ur_opt *o = args->command->options; o && o->name; o++)
		if (ur_is_near(name, o->name, &distance) && distance < best) {
			best = distance;
			near = o->name;
		}
	ur_visible(written, shown, sizeof shown);
	if (near)
		ur_wrong(args, "there is no option %s; did you mean --%s?", shown, near);
	else
		ur_wrong(args, "there is no option %s", shown);
}

/* The value of an option that wants one: what is attached, or the next word. NULL: it is missing, and that was said. */
static const char *value_of(const ur_args *args, const ur_opt *o, const char *written, const char *attached, int *i)
{
	const char *next = *i + 1 < args->argc ? args->argv[*i + 1] : NULL;
	char shown[64];

	if (attached)
		return attached;
	if (next && !strncmp(next, "--", 2)) {
		ur_wrong(args, "%s needs a value (%s); if it is '%s', write --%s=%s", written, o->arg,
		         ur_visible(next, shown, sizeof shown), o->name, shown);
		return NULL;
	}
	if (!next) {
		ur_wrong(args, "%s needs a value (%s)", written, o->arg);
		return NULL;
	}
	++*i;
	return next;
}

static int take(ur_args *args, void *values, const ur_opt *o, const char *written, const char *attached, int *i)
{
	const char *text = "";

	if (o->kind != UR_OPT_FLAG && !(text = value_of(args, o, written, attached, i)))
		return 0;
	args->given |= 1ull << (o - args->command->options);
	return set(args, values, o, written, text);
}

static int take_long(ur_args *args, void *values, int *i)
{
	const char *word = args->argv[*i], *name = word + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const ur_opt *o = find_long(args->command, name, n);
	char written[48], plain[48];

	(void)snprintf(written, sizeof written, "--%.*s", (int)(n < 40 ? n : 40), name);
	if (!o) {
		(void)snprintf(plain, sizeof plain, "%.*s", (int)(n < 40 ? n : 40), name);
		unknown(args, written, plain);
		return 0;
	}
	if (o->kind == UR_OPT_FLAG && equals) {
		ur_wrong(args, "%s takes no value", written);
		return 0;
	}
	return take(args, values, o, written, equals ? equals + 1 : NULL, i);
}

/* -q, -t 2, -t2, -qt2 */
static ur_parsed take_short(ur_args *args, void *values, int *i)
{
	const char *name = args->argv[*i] + 1;

	if (name[1] && find_long(args->command, name, strcspn(name, "="))) {
		ur_wrong(args, "-%.40s wants two dashes: --%.40s", name, name);
		return UR_PARSE_WRONG;
	}
	for (const char *p = name; *p; p++) {
		const ur_opt *o = find_letter(args->command, *p);
		char written[8] = { '-', *p, 0 };

		if (!o && *p == 'h')
			return UR_PARSE_HELP;
		if (!o) {
			unknown(args, p == name ? args->argv[*i] : written, p);
			return UR_PARSE_WRONG;
		}
		if (o->kind != UR_OPT_FLAG)
			return take(args, values, o, written, p[1] ? p + 1 : NULL, i) ? UR_PARSE_OK : UR_PARSE_WRONG;
		if (!take(args, values, o, written, NULL, i))
			return UR_PARSE_WRONG;
	}
	return UR_PARSE_OK;
}

static int wants_help(const ur_args *args)
{
	for (int i = 2; i < args->argc && strcmp(args->argv[i], "--"); i++)
		if (!strcmp(args->argv[i], "--help"))
			return 1;
	return 0;
}

ur_parsed ur_args_parse(ur_args *args, void *values, char **words)
{
	const ur_command *c = args->command;
	int only_words = 0;

	args->values = values;
	args->word = words;
	if (wants_help(args))
		return UR_PARSE_HELP;
	for (const ur_opt *o = c->options; o && o->name; o++)
		if (o->standard && !set(args, values, o, o->name, o->standard))
			return UR_PARSE_WRONG;
	for (int i = 2; i < args->argc; i++) {
		char *word = args->argv[i], shown[64];

		if (!only_words && !strcmp(word, "--")) {
			only_words = 1;
		} else if (!only_words && word[0] == '-' && word[1] == '-') {
			if (!take_long(args, values, &i))
				return UR_PARSE_WRONG;
		} else if (!only_words && word[0] == '-' && word[1]) {
			ur_parsed parsed = take_short(args, values, &i);
			if (parsed != UR_PARSE_OK)
				return parsed;
		} else if (args->words == c->most_words) {
			ur_wrong(args, "'%s' is one argument too many", ur_visible(word, shown, sizeof shown));
			return UR_PARSE_WRONG;
		} else {
			words[args->words++] = word;
		}
	}
	for (const ur_opt *o = c->options; o && o->name; o++)
		if (o->required && !ur_given(args, o->at)) {
			ur_wrong(args, "--%s %s is missing", o->name, o->arg);
			return UR_PARSE_WRONG;
		}
	return UR_PARSE_OK;
}

unroll_weights ur_weights_named(const char *name)
{
	static const unroll_weights of[UR_DTYPES + 1] = { [UR_F32] = UNROLL_F32, [UR_BF16] = UNROLL_BF16,
	                                                  [UR_I8] = UNROLL_INT8, [UR_DTYPES] = UNROLL_AS_STORED };

	return name ? of[ur_dtype_find(name)] : UNROLL_AS_STORED;
}

int ur_given(const ur_args *args, size_t at)
{
	for (const ur_opt *o = args->command->options; o && o->name; o++)
		if (o->at == at)
			return (int)(args->given >> (o - args->command->options) & 1);
	return 0;
}
