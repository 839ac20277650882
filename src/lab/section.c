/* Putting a section together. */
#include "lab/section.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TEXT = 2048 };

const char *ur_found_name(ur_found found)
{
	static const char *const names[] = { "holds", "condition", "fails", "predicted", "missing" };
	return names[found];
}

const char *ur_origin_name(ur_origin origin)
{
	static const char *const names[] = { "measured", "counted", "derived", "predicted" };
	return names[origin];
}

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }
static json_t *text(const char *s) { return s ? json_string(s) : json_null(); }

/* Appends to the section's list of that name; returns the entry, borrowed. */
static json_t *append(ur_section *s, json_t *to, const char *list, json_t *entry)
{
	json_t *in = json_object_get(to, list);

	if (to && !in && json_object_set_new(to, list, in = json_array()))
		in = NULL;
	if (!in || !entry || json_array_append_new(in, entry)) {
		s->failed = 1;
		return NULL;
	}
	return entry;
}

void ur_section_finding(ur_section *s, const ur_finding *f)
{
	append(s, s->json, "findings", json_pack("{s:s,s:s,s:o,s:o,s:s,s:o,s:o}", "name", f->name, "claim", f->claim,
		"prediction", text(f->prediction), "rule", text(f->rule), "verdict", ur_found_name(f->found), "condition",
		text(f->condition), "words", text(f->words)));
}

static json_t *said(double value, ur_origin origin, const char *format, va_list list)
{
	char out[MOST_TEXT];

	(void)vsnprintf(out, sizeof out, format, list);
	return json_pack("{s:o,s:s,s:s}", "value", number(value), "origin", ur_origin_name(origin), "text", out);
}

void ur_section_figure(ur_section *s, const char *name, double value, ur_origin origin, const char *format, ...)
{
	va_list list;
	json_t *figure;

	va_start(list, format);
	figure = append(s, s->json, "figures", said(value, origin, format, list));
	va_end(list);
	if (figure && json_object_set_new(figure, "name", json_string(name)))
		s->failed = 1;
}

static const json_t *named(const json_t *list, const char *name)
{
	size_t i;
	json_t *entry;

	json_array_foreach((json_t *)(size_t)list, i, entry) {
		const char *of = json_string_value(json_object_get(entry, "name"));
		if (of && !strcmp(of, name))
			return entry;
	}
	return NULL;
}

const json_t *ur_figure_find(const json_t *section, const char *name)
{
	return named(json_object_get(section, "figures"), name);
}

const json_t *ur_section_find(const json_t *sections, const char *name) { return named(sections, name); }

static json_t *axis(const ur_axis_of *a)
{
	return json_pack("{s:s,s:o,s:b}", "label", a->label, "unit", text(a->unit), "log", a->log);
}

json_t *ur_section_chart(ur_section *s, const char *title, const char *about, const ur_axis_of *x, const ur_axis_of *y)
{
	return append(s, s->json, "charts", json_pack("{s:s,s:o,s:o,s:o,s:[]}", "title", title, "about", text(about), "x",
	                                              axis(x), "y", axis(y), "lines"));
}

json_t *ur_chart_line(ur_section *s, json_t *chart, const char *name, const char *model, ur_origin origin)
{
	return append(s, chart, "lines", json_pack("{s:s,s:o,s:s,s:[]}", "name", name, "model", text(model), "origin",
	                                           ur_origin_name(origin), "points"));
}

void ur_line_point(ur_section *s, json_t *line, double x, double y, double low, double high)
{
	if (isfinite(x) && isfinite(y))
		append(s, line, "points", json_pack("[o,o,o,o]", number(x), number(y), number(low), number(high)));
}

json_t *ur_section_table(ur_section *s, const char *title, const char *about, const char *const *columns)
{
	json_t *names = json_array();

	for (; *columns; columns++)
		if (json_array_append_new(names, json_string(*columns)))
			s->failed = 1;
	return append(s, s->json, "tables", json_pack("{s:s,s:o,s:o,s:[]}", "title", title, "about", text(about), "columns",
	                                              names, "rows"));
}

json_t *ur_table_row(ur_section *s, json_t *table, const char *name)
{
	return append(s, table, "rows", json_pack("{s:s,s:[]}", "name", name, "cells"));
}

void ur_row_cell(ur_section *s, json_t *row, double value, ur_origin origin, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	append(s, row, "cells", said(value, origin, format, list));
	va_end(list);
}

void ur_section_question(ur_section *s, const char *question, const char *const *choices, int answer,
                         const char *because)
{
	json_t *all = json_array();

	for (; *choices; choices++)
		if (json_array_append_new(all, json_string(*choices)))
			s->failed = 1;
	append(s, s->json, "questions", json_pack("{s:s,s:o,s:i,s:s}", "question", question, "choices", all, "answer",
	                                          answer, "because", because));
}

double ur_fact_at(const json_t *fact, const char *path)
{
	char key[64];

	while (fact && *path) {
		const size_t n = strcspn(path, ".");
		if (n >= sizeof key)
			return NAN;
		memcpy(key, path, n);
		key[n] = 0;
		fact = json_object_get(fact, key);
		path += n + (path[n] == '.');
	}
	return json_is_number(fact) ? json_number_value(fact) : NAN;
}

/* Three digits, without an exponent; whole numbers as they are. */
static const char *three(double x, const char *unit, ur_said out)
{
	const double size = fabs(x);

	if (!isfinite(x))
		(void)snprintf(out, sizeof(ur_said), "unknown");
	else
		(void)snprintf(out, sizeof(ur_said), "%.*f%s%s", size >= 99.95 || x == rint(x) ? 0 : size >= 9.995 ? 1 : 2, x,
		               *unit ? " " : "", unit);
	return out;
}

typedef struct scale { double at, by; const char *unit; } scale;

/* The largest scale whose rounded number is at least 1. */
static const char *scaled(double x, const scale *s, ur_said out)
{
	while (s->at > 0 && fabs(x) < 0.9995 * s->at)
		s++;
	return three(x / s->by, s->unit, out);
}

const char *ur_tell_time(double seconds, ur_said out)
{
	static const scale scales[] = { { 7200, 3600, "h" }, { 120, 60, "min" }, { 1, 1, "s" }, { 1e-3, 1e-3, "ms" },
		{ 1e-6, 1e-6, "\u00b5s" }, { 0, 1e-9, "ns" } };
	return scaled(seconds, scales, out);
}

const char *ur_tell_bytes(double bytes, ur_said out)
{
	static const scale scales[] = { { 1e12, 1e12, "TB" }, { 1e9, 1e9, "GB" }, { 1e6, 1e6, "MB" }, { 1e3, 1e3, "kB" },
		{ 0, 1, "bytes" } };
	return scaled(bytes, scales, out);
}

const char *ur_tell_count(double n, ur_said out)
{
	static const scale scales[] = { { 1e12, 1e12, "trillion" }, { 1e9, 1e9, "billion" }, { 1e6, 1e6, "million" },
		{ 0, 1, "" } };

	if (fabs(n) >= 1000 && fabs(n) < 999500) {
		const long whole = lround(n);
		(void)snprintf(out, sizeof(ur_said), "%ld,%03ld", whole / 1000, labs(whole % 1000));
		return out;
	}
	return scaled(n, scales, out);
}
