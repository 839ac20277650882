/* A lab in lines of at most 80 columns, or as CSV, from its document (docs/LAB.md) alone. Any part of it may be
 * missing. */
#define _GNU_SOURCE
#include "cli/cli_lab.h"

#include "cli/cli.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { COLUMNS = 80, INDENT = 2 };

/* Verdicts as words, of a claim and of how many, in the order in which they are counted. */
static const struct verdict { const char *name, *word, *one, *more; } verdicts[] = {
	{ "holds", "holds", "holds", "hold" },
	{ "condition", "holds under a condition", "holds under a condition", "hold under a condition" },
	{ "fails", "does not hold here", "does not hold here", "do not hold here" },
	{ "predicted", "predicted", "is predicted", "are predicted" },
	{ "missing", "not measured", "is not measured", "are not measured" },
};
enum { VERDICTS = sizeof verdicts / sizeof *verdicts };

static const char *text(const json_t *j, const char *key)
{
	const char *value = json_string_value(json_object_get(j, key));
	return value ? value : "";
}

static double number(const json_t *j, const char *key)
{
	const json_t *value = json_object_get(j, key);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

static size_t verdict_of(const json_t *finding)
{
	for (size_t i = 0; i < VERDICTS; i++)
		if (!strcmp(text(finding, "verdict"), verdicts[i].name))
			return i;
	return VERDICTS - 1;
}

/* An experiment that is still to be measured; what it claims has no verdict yet. */
static int is_open(const json_t *e)
{
	return !strcmp(text(e, "state"), "waiting") || !strcmp(text(e, "state"), "running");
}

static int undecided(const json_t *e, const json_t *finding)
{
	return is_open(e) && verdict_of(finding) == VERDICTS - 1;
}

/* A paragraph, indented; backticks, which make code on the page, are left out. */
static void print_text(const char *words, int indent)
{
	const size_t room = 4 * strlen(words) + 1; /* a byte may become \xHH */
	char *shown = malloc(room), *to = shown;

	if (!shown)
		return;
	ur_visible(words, shown, room);
	for (const char *c = shown; *c; c++)
		if (*c != '`')
			*to++ = *c;
	*to = 0;
	ur_print_wrapped(stdout, shown, 0, indent, COLUMNS);
	free(shown);
}

static char *joined(const char *format, ...) UR_PRINTF(1, 2);
/* malloc'd; NULL: no memory. */
static char *joined(const char *format, ...)
{
	char *out = NULL;
	size_t bytes;
	FILE *to = open_memstream(&out, &bytes);
	va_list list;

	if (!to)
		return NULL;
	va_start(list, format);
	(void)vfprintf(to, format, list);
	va_end(list);
	(void)fclose(to);
	return out;
}

static void print_owned(char *words, int indent)
{
	print_text(words ? words : "out of memory", indent);
	free(words);
}

/* How many findings came to what. Returns how many have a verdict. */
static int count(const json_t *document, int n[VERDICTS])
{
	const json_t *e, *f;
	size_t i, k;
	int all = 0;

	memset(n, 0, VERDICTS * sizeof *n);
	json_array_foreach(json_object_get(document, "experiments"), i, e)
		json_array_foreach(json_object_get(e, "findings"), k, f)
			if (*text(f, "claim") && !undecided(e, f)) {
				n[verdict_of(f)]++;
				all++;
			}
	return all;
}

static void print_head(const json_t *d)
{
	const json_t *m = json_object_get(d, "machine");
	int n[VERDICTS];
	const int all = count(d, n);
	ur_short a;

	print_owned(joined("The lab (%s, seed %lld) on %lld thread%s of %s (%s). It took %s%s.", text(d, "size"),
		(long long)json_integer_value(json_object_get(d, "seed")),
		(long long)json_integer_value(json_object_get(m, "threads")),
		json_integer_value(json_object_get(m, "threads")) == 1 ? "" : "s", text(m, "processor"), text(m, "kernels"),
		ur_time_text(number(d, "seconds"), a), strcmp(text(d, "state"), "done") ? " so far, and is not done" : ""), 0);
	if (!all) {
		printf("There is no verdict yet.\n");
		return;
	}
	printf("%d claim%s:", all, all == 1 ? "" : "s");
	for (size_t i = 0, k = 0; i < VERDICTS; i++)
		if (n[i])
			printf("%s %d %s", k++ ? "," : "", n[i], n[i] == 1 ? verdicts[i].one : verdicts[i].more);
	putchar('\n');
}

/* Whether any cell of a row of the summary is known. */
static int is_known(const json_t *row)
{
	const json_t *cell;
	size_t k;

	json_array_foreach(json_object_get(row, "cells"), k, cell)
		if (*text(cell, "origin"))
			return 1;
	return 0;
}

static void print_summary(const json_t *d)
{
	const json_t *summary = json_object_get(d, "summary"), *row, *cell;
	size_t i, k;

	json_array_foreach(json_object_get(summary, "rows"), i, row) {
		if (!is_known(row))
			continue;
		putchar('\n');
		print_text(text(row, "name"), 0);
		json_array_foreach(json_object_get(row, "cells"), k, cell) {
			const char *column = json_string_value(json_array_get(json_object_get(summary, "columns"), k + 1));
			const char *from = text(cell, "origin");
			const int guessed = !strcmp(from, "derived") || !strcmp(from, "predicted");

			/* the note says what the figure is; where there is no figure there is nothing to say of it */
			print_owned(joined("%s: %s%s%s%s%s%s", column ? column : "", text(cell, "text"), *from ? " " : "",
			                   *from ? text(cell, "note") : "", guessed ? " (" : "", guessed ? from : "",
			                   guessed ? ")" : ""), INDENT);
		}
	}
}

static void print_experiment(const json_t *e)
{
	const json_t *f;
	size_t i;

	putchar('\n');
	print_owned(joined("%s (%s)", text(e, "title"), text(e, "name")), 0);
	if (!strcmp(text(e, "state"), "missing"))
		print_owned(joined("not measured on this machine: %s", text(e, "why")), INDENT);
	json_array_foreach(json_object_get(e, "findings"), i, f) {
		if (!*text(f, "claim"))
			continue;
		print_owned(joined("%s: %s", undecided(e, f) ? "to be measured" : verdicts[verdict_of(f)].word,
		                   text(f, "claim")), INDENT);
		if (*text(f, "condition"))
			print_owned(joined("when: %s", text(f, "condition")), 2 * INDENT);
		if (*text(f, "words"))
			print_text(text(f, "words"), 2 * INDENT);
	}
}

void ur_lab_print(const json_t *document)
{
	const json_t *e;
	size_t i;

	print_head(document);
	print_summary(document);
	json_array_foreach(json_object_get(document, "experiments"), i, e)
		print_experiment(e);
	putchar('\n');
}

void ur_lab_csv(const json_t *document)
{
	const json_t *e, *x;
	size_t i, k;

	printf("experiment,kind,name,verdict,value,origin,text\r\n");
	json_array_foreach(json_object_get(document, "experiments"), i, e) {
		json_array_foreach(json_object_get(e, "findings"), k, x) {
			ur_csv_text(text(e, "name"));
			printf(",finding,");
			ur_csv_text(text(x, "name"));
			printf(",%s,,,", undecided(e, x) ? "" : verdicts[verdict_of(x)].name);
			ur_csv_text(text(x, "words"));
			printf("\r\n");
		}
		json_array_foreach(json_object_get(e, "figures"), k, x) {
			ur_csv_text(text(e, "name"));
			printf(",figure,");
			ur_csv_text(text(x, "name"));
			printf(",,");
			if (isfinite(number(x, "value")))
				printf("%.9g", number(x, "value"));
			putchar(',');
			ur_csv_text(text(x, "origin"));
			putchar(',');
			ur_csv_text(text(x, "text"));
			printf("\r\n");
		}
	}
}

void ur_lab_outcome(const json_t *document, char *out, size_t room)
{
	const json_t *stage = json_object_get(document, "stage");
	const double share = number(stage, "share");
	int n[VERDICTS];
	const int all = count(document, n);

	if (json_is_object(stage) && strcmp(text(document, "state"), "done") != 0)
		(void)snprintf(out, room, "%s %.0f %%", text(stage, "experiment"), isfinite(share) ? 100 * share : 0);
	else if (all)
		(void)snprintf(out, room, "%d of %d claims hold", n[0] + n[1], all);
	else
		*out = 0;
}
