/* Runs and comparisons of the store: as tables for people, JSON and CSV for programs. */
#define _GNU_SOURCE
#include "cli/cli_runs.h"

#include "cli/cli_kinds.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { CELL = 400, WIDTH = 80, LABEL = 13 };
typedef char cell[CELL];

/* A text in at most `width` columns, of which there are at most 80: cut with dots. Returns how many it takes. */
static int cut_to(const char *text, int width, cell out)
{
	char shown[CELL];
	int columns = 0, cut = 0;

	ur_visible(text, shown, sizeof shown);
	for (int i = 0; shown[i]; i++) {
		if (((unsigned char)shown[i] & 0xC0) == 0x80)
			continue;
		if (columns == width - 3)
			cut = i;
		columns++;
	}
	if (columns > width)
		(void)snprintf(out, CELL, "%.*s...", cut, shown);
	else
		(void)snprintf(out, CELL, "%s", shown);
	return columns > width ? width : columns;
}

/* The same in exactly so many. */
static const char *fit(const char *text, int width, cell out)
{
	int columns = cut_to(text, width, out);
	size_t at = strlen(out);

	for (; columns < width && at < CELL - 1; columns++)
		out[at++] = ' ';
	out[at] = 0;
	return out;
}

static const char *last(const char *text, int width, cell out)
{
	(void)cut_to(text, width, out);
	return out;
}

static const char *date(double unix_time, ur_short out)
{
	const time_t t = unix_time > 0 && unix_time < 1e11 ? (time_t)unix_time : 0;
	struct tm parts;

	if (!t || !localtime_r(&t, &parts) || !strftime(out, sizeof(ur_short), "%Y-%m-%d %H:%M", &parts))
		(void)snprintf(out, sizeof(ur_short), "-");
	return out;
}

static const char *loss_text(double loss, ur_short out)
{
	(void)snprintf(out, sizeof(ur_short), isfinite(loss) ? "%.4f" : "-", loss);
	return out;
}

static const char *file_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

/* ---- tables ---- */

/* What it came to, or is at, by its document. */
static void outcome_of(ur_store *store, const ur_store_comparison *c, char *out, size_t room)
{
	json_t *document = NULL;

	*out = 0;
	if (!ur_store_fact_get(store, c->id, UR_STORE_DOCUMENT, &document, NULL) && document)
		ur_kind_of(document)->outcome(document, out, room);
	json_decref(document);
}

static void print_comparisons(const ur_listing *l, int n)
{
	printf("%5s  %-16s  %-8s  %4s  %-18s  %s\n", "id", "started", "status", "runs", "data", "outcome");
	for (int i = 0; i < n; i++) {
		const ur_store_comparison *c = &l->comparisons.comparison[i];
		char outcome[200];
		cell status, data, end;
		ur_short when;

		outcome_of(l->store, c, outcome, sizeof outcome);
		printf("%5" PRId64 "  %-16s  %s  %4d  %s  %s\n", c->id, date(c->started, when), fit(c->status, 8, status),
		       c->runs, fit(file_of(c->data), 18, data), last(outcome, 19, end));
	}
}

static void print_own_runs(const ur_store_runs *runs, int n)
{
	printf("%5s  %-16s  %-8s  %9s  %8s  %s\n", "id", "started", "status", "steps", "loss", "spec");
	for (int i = 0; i < n; i++) {
		const ur_store_run *r = &runs->run[i];
		cell status, spec;
		ur_short when, steps, loss;

		printf("%5" PRId64 "  %-16s  %s  %9s  %8s  %s\n", r->id, date(r->started, when), fit(r->status, 8, status),
		       ur_commas(r->steps, steps), loss_text(r->loss, loss), last(r->spec, 24, spec));
	}
}

static void print_parts(const ur_store_runs *runs, int n)
{
	printf("%5s  %-22s  %4s  %-8s  %9s  %8s  %s\n", "id", "name", "seed", "status", "steps", "loss", "time");
	for (int i = 0; i < n; i++) {
		const ur_store_run *r = &runs->run[i];
		cell status, name;
		ur_short steps, loss, time_text;

		printf("%5" PRId64 "  %s  %4" PRId64 "  %s  %9s  %8s  %s\n", r->id, fit(r->name, 22, name), r->seed,
		       fit(r->status, 8, status), ur_commas(r->steps, steps), loss_text(r->loss, loss),
		       r->finished > 0 ? ur_time_text(r->seconds, time_text) : "-");
	}
}

/* "label        text", as unroll info has it. */
static void line(const char *label, const char *text)
{
	char shown[2048];
	printf("%-*s%s\n", LABEL, label, ur_visible(text, shown, sizeof shown));
}

static void print_span(double started, double finished)
{
	ur_short a, b;

	printf("%-*s%s", LABEL, "started", date(started, a));
	if (finished > 0)
		printf(", finished %s", date(finished, b));
	(void)putchar('\n');
}

static void print_head(const ur_listing *l, const ur_store_comparison *c)
{
	char outcome[200];

	outcome_of(l->store, c, outcome, sizeof outcome);
	printf("%-*s%" PRId64 "\n", LABEL, "comparison", c->id);
	line("data", c->data);
	line("status", c->status);
	if (*outcome)
		line("outcome", outcome);
	print_span(c->started, c->finished);
	line("command", c->command);
	line("machine", c->machine);
	line("version", c->version);
	printf("\n");
}

/* How many of n to show; `more` counts lists that are cut. */
static int most(const ur_listing *l, int n, int *more)
{
	if (!l->shown || n <= l->shown)
		return n;
	++*more;
	return l->shown;
}

void ur_listing_print(const ur_listing *l)
{
	int more = 0;
	const int comparisons = most(l, l->comparisons.n, &more), runs = most(l, l->runs.n, &more);
	char shown[300];

	if (!l->store || (l->all && !l->comparisons.n && !l->runs.n))
		printf("No runs yet: unroll train, compare and lab keep theirs in %s\n",
		       ur_visible(l->path, shown, sizeof shown));
	else if (!l->comparisons.n && !l->runs.n)
		printf("There is no such run in %s\n", ur_visible(l->path, shown, sizeof shown));
	if (l->of_comparison && comparisons)
		print_head(l, &l->comparisons.comparison[0]);
	else if (comparisons) {
		printf("comparisons (unroll runs --comparison ID shows one)\n");
		print_comparisons(l, comparisons);
	}
	if (l->both && comparisons && runs)
		printf("\n");
	if (l->both && runs)
		printf("runs of their own (unroll runs ID shows one)\n");
	if (runs && l->of_comparison)
		print_parts(&l->runs, runs);
	else if (runs)
		print_own_runs(&l->runs, runs);
	if (more)
		printf("\nThere are older ones: -n 0 lists all.\n");
}

/* ---- one run ---- */

/* A recipe as "steps 2000, batch-size 32, ..."; malloc'd, NULL: no memory. */
static char *recipe_text(json_t *recipe)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	const char *key;
	json_t *value;
	int n = 0;

	if (!to)
		return NULL;
	json_object_foreach(recipe, key, value) {
		char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		char name[100], shown[200];
		ur_visible(dumped ? dumped : json_is_string(value) ? json_string_value(value) : "?", shown, sizeof shown);
		(void)fprintf(to, "%s%s %s", n++ ? ", " : "", ur_visible(key, name, sizeof name), shown);
		free(dumped);
	}
	(void)fclose(to);
	return text;
}

static const char *value_text(double x, ur_short out)
{
	(void)snprintf(out, sizeof(ur_short), isfinite(x) ? "%.5g" : "-", x);
	return out;
}

static double value_at(const json_t *list, size_t i)
{
	const json_t *value = json_array_get(json_array_get(list, i), 4);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

static void print_metric(const char *name, const json_t *list)
{
	const size_t n = json_array_size(list);
	size_t least = 0;
	cell shown;
	ur_short a, b, c, points, step;

	for (size_t i = 1; i < n; i++)
		if (isnan(value_at(list, least)) || value_at(list, i) < value_at(list, least))
			least = i;
	printf("%s  %7s  %10s  %10s  %10s  %10s\n", fit(name, 16, shown), ur_commas((int64_t)n, points),
	       value_text(value_at(list, 0), a), value_text(value_at(list, n - 1), b), value_text(value_at(list, least), c),
	       ur_commas(json_integer_value(json_array_get(json_array_get(list, least), 0)), step));
}

void ur_run_print(const ur_store_run *r, json_t *points)
{
	char *recipe = r->recipe ? recipe_text(r->recipe) : NULL, shown[300];
	const char *name;
	json_t *list;
	ur_short a, b, c;

	printf("%-*s%" PRId64, LABEL, "run", r->id);
	if (r->comparison)
		printf(", %s of comparison %" PRId64, ur_visible(r->kind, shown, sizeof shown), r->comparison);
	printf("\n");
	line(r->comparison ? "name" : "model", r->name);
	line("spec", r->spec);
	printf("%-*s%s, fingerprint %016" PRIx64 "\n", LABEL, "data", ur_visible(r->data, shown, sizeof shown),
	       r->fingerprint);
	line("status", r->status);
	print_span(r->started, r->finished);
	if (r->finished > 0)
		printf("%-*s%s steps, %s tokens in %s\n", LABEL, "trained", ur_commas(r->steps, a), ur_commas(r->tokens, b),
		       ur_time_text(r->seconds, c));
	if (isfinite(r->loss))
		printf("%-*s%.4f nats a token\n", LABEL, "loss", r->loss);
	printf("%-*s%" PRId64 "\n", LABEL, "seed", r->seed);
	line("command", r->command);
	line("machine", r->machine);
	line("version", r->version);
	if (recipe) {
		printf("%-*s", LABEL, "recipe");
		ur_print_wrapped(stdout, recipe, LABEL, LABEL, WIDTH);
	}
	free(recipe);
	if (json_object_size(points))
		printf("\n%-16s  %7s  %10s  %10s  %10s  %10s\n", "metric", "points", "first", "last", "least", "at step");
	json_object_foreach(points, name, list)
		print_metric(name, list);
}

/* ---- for programs ---- */

static json_t *text_of(uint64_t fingerprint)
{
	char text[20];
	(void)snprintf(text, sizeof text, "%016" PRIx64, fingerprint); /* beyond what JSON's readers take for a number */
	return json_string(text);
}

static json_t *time_of(double unix_time)
{
	return unix_time > 0 ? ur_json_number(unix_time) : json_null();
}

json_t *ur_run_json(const ur_store_run *r, json_t *points)
{
	json_t *json = json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, "
		"s:o, s:o, s:O?}",
		"id", (json_int_t)r->id, "comparison", r->comparison ? json_integer(r->comparison) : json_null(),
		"kind", ur_json_string(r->kind), "name", ur_json_string(r->name), "spec", ur_json_string(r->spec),
		"seed", (json_int_t)r->seed, "data", ur_json_string(r->data), "fingerprint", text_of(r->fingerprint),
		"command", ur_json_string(r->command), "machine", ur_json_string(r->machine),
		"version", ur_json_string(r->version), "started", time_of(r->started), "finished", time_of(r->finished),
		"status", ur_json_string(r->status), "steps", (json_int_t)r->steps, "tokens", (json_int_t)r->tokens,
		"seconds", ur_json_number(r->seconds), "loss", ur_json_number(r->loss), "recipe", r->recipe);

	if (json && points)
		json_object_set(json, "metrics", points);
	return json;
}

static json_t *comparison_json(const ur_listing *l, const ur_store_comparison *c)
{
	json_t *json = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "id", (json_int_t)c->id,
		"data", ur_json_string(c->data), "fingerprint", text_of(c->fingerprint), "command", ur_json_string(c->command),
		"machine", ur_json_string(c->machine), "version", ur_json_string(c->version), "started", time_of(c->started),
		"finished", time_of(c->finished), "status", ur_json_string(c->status), "runs", c->runs);
	json_t *document = NULL;

	/* the whole document of the one that was asked for */
	if (json && l->of_comparison && !ur_store_fact_get(l->store, c->id, UR_STORE_DOCUMENT, &document, NULL) && document)
		json_object_set_new(json, "document", document);
	return json;
}

json_t *ur_listing_json(const ur_listing *l)
{
	json_t *comparisons = json_array(), *runs = json_array();

	for (int i = 0; i < l->comparisons.n; i++)
		json_array_append_new(comparisons, comparison_json(l, &l->comparisons.comparison[i]));
	for (int i = 0; i < l->runs.n; i++)
		json_array_append_new(runs, ur_run_json(&l->runs.run[i], NULL));
	return json_pack("{s:o, s:o, s:o}", "store", ur_json_string(l->path), "comparisons", comparisons, "runs", runs);
}

static void csv_text(const char *text, char end)
{
	char shown[2048];

	ur_csv_text(ur_visible(text, shown, sizeof shown));
	(void)putchar(end);
}

static void csv_number(double x, char end)
{
	if (isfinite(x))
		printf("%.17g", x);
	(void)putchar(end);
}

void ur_listing_csv(const ur_listing *l)
{
	printf("id,comparison,kind,name,spec,seed,data,status,started,finished,steps,tokens,seconds,loss,"
	       "machine,version\n");
	for (int i = 0; i < l->runs.n; i++) {
		const ur_store_run *r = &l->runs.run[i];

		printf("%" PRId64 ",", r->id);
		if (r->comparison)
			printf("%" PRId64, r->comparison);
		(void)putchar(',');
		csv_text(r->kind, ',');
		csv_text(r->name, ',');
		csv_text(r->spec, ',');
		printf("%" PRId64 ",", r->seed);
		csv_text(r->data, ',');
		csv_text(r->status, ',');
		csv_number(r->started, ',');
		csv_number(r->finished > 0 ? r->finished : NAN, ',');
		printf("%" PRId64 ",%" PRId64 ",", r->steps, r->tokens);
		csv_number(r->seconds, ',');
		csv_number(r->loss, ',');
		csv_text(r->machine, ',');
		csv_text(r->version, '\n');
	}
}

void ur_points_csv(json_t *points)
{
	const char *name;
	json_t *list, *point;
	size_t i;

	printf("metric,step,tokens,seconds,flops,value\n");
	json_object_foreach(points, name, list)
		json_array_foreach(list, i, point) {
			csv_text(name, ',');
			printf("%" PRId64 ",%" PRId64 ",", (int64_t)json_integer_value(json_array_get(point, 0)),
			       (int64_t)json_integer_value(json_array_get(point, 1)));
			for (size_t column = 2; column < 5; column++) {
				const json_t *x = json_array_get(point, column);
				csv_number(json_is_number(x) ? json_number_value(x) : NAN, column == 4 ? '\n' : ',');
			}
		}
}
