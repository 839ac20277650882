/* unroll runs: what was run: lists of comparisons and runs, one of them in full, deleting. */
#define _GNU_SOURCE
#include "cli/cli_runs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct values {
	const char *spec, *data, *status, *kind, *store;
	int64_t comparison, limit;
	int own, yes, json, csv;
};

#define AT(member) offsetof(struct values, member)

enum { STANDARD_LINES = 20 };

static int fail(const ur_args *args, ur_status status, const ur_err *err)
{
	return status ? ur_failed(args, status, err) : UR_EXIT_OK;
}

/* ---- lists ---- */

static ur_store_filter filter_of(const ur_args *args)
{
	const struct values *v = args->values;
	ur_store_filter f = { .comparison = v->own ? -1 : v->comparison, .spec = v->spec, .data = v->data,
	                      .status = v->status, .kind = v->kind };

	/* one more than is shown, to see whether there are more; programs want all of it */
	f.limit = ur_given(args, AT(limit)) ? v->limit : v->json || v->csv ? 0 : STANDARD_LINES;
	f.limit += f.limit > 0 && !v->json && !v->csv;
	return f;
}

/* What is to be shown of a store; a missing one (NULL) has nothing. */
static int gather(const ur_args *args, ur_store *store, ur_listing *l)
{
	const struct values *v = args->values;
	ur_store_filter f = filter_of(args);
	ur_err err = { 0 };
	ur_status status = UR_OK;

	l->shown = f.limit ? (int)(f.limit - 1) : 0;
	l->of_comparison = v->comparison;
	l->all = !v->spec && !v->data && !v->status && !v->kind && !v->own && !v->comparison;
	l->both = !v->own && !v->kind && !v->comparison;
	if (!store)
		return UR_EXIT_OK;
	if (l->both || v->comparison)
		status = ur_store_list_comparisons(store, &(ur_store_filter){ .comparison = v->comparison,
			.spec = v->comparison ? NULL : f.spec, .data = v->comparison ? NULL : f.data,
			.status = v->comparison ? NULL : f.status, .limit = f.limit }, &l->comparisons, &err);
	/* runs of comparisons only when they are asked for, or in a table for a program to sort out */
	if (l->both && !v->csv)
		f.comparison = -1;
	if (!status)
		status = ur_store_list_runs(store, &f, &l->runs, &err);
	return fail(args, status, &err);
}

static int list(const ur_args *args, ur_store *store, const char *path)
{
	const struct values *v = args->values;
	ur_listing l = { .path = path, .store = store };
	int code = gather(args, store, &l);

	if (!code && v->comparison && !l.comparisons.n)
		code = ur_wrong(args, "there is no comparison %" PRId64, v->comparison);
	if (!code && v->json)
		code = ur_print_json(args, ur_listing_json(&l));
	else if (!code && v->csv)
		ur_listing_csv(&l);
	else if (!code)
		ur_listing_print(&l);
	ur_store_runs_free(&l.runs);
	ur_store_comparisons_free(&l.comparisons);
	return code;
}

/* ---- one run ---- */

static int show(const ur_args *args, ur_store *store, int64_t id)
{
	const struct values *v = args->values;
	ur_store_runs runs = { 0 };
	json_t *points = NULL;
	ur_err err = { 0 };
	int code = store ? fail(args, ur_store_list_runs(store, &(ur_store_filter){ .run = id }, &runs, &err), &err)
	                 : UR_EXIT_OK;

	if (!code && !runs.n)
		code = ur_wrong(args, "there is no run %" PRId64, id);
	if (!code)
		code = fail(args, ur_store_points_json(store, id, &points, &err), &err);
	if (!code && v->json)
		code = ur_print_json(args, ur_run_json(runs.run, points));
	else if (!code && v->csv)
		ur_points_csv(points);
	else if (!code)
		ur_run_print(runs.run, points);
	json_decref(points);
	ur_store_runs_free(&runs);
	return code;
}

/* ---- deleting ---- */

/* 0 if the user means it: said so, or says so now on a terminal. Else the exit code. */
static int ask(const ur_args *args, const char *what)
{
	const struct values *v = args->values;
	char answer[16] = "";

	if (v->yes)
		return UR_EXIT_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return ur_wrong(args, "deleting %s cannot be undone: say --yes", what);
	(void)fprintf(stderr, "delete %s? [y/N] ", what);
	if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y'))
		return UR_EXIT_OK;
	(void)fprintf(stderr, "nothing is deleted\n");
	return UR_EXIT_FAILED;
}

static int delete_runs(const ur_args *args, ur_store *store, int n, const int64_t *ids)
{
	json_t *deleted = json_array();
	int code = UR_EXIT_OK;

	for (int i = 0; i < n; i++) {
		ur_err err = { 0 };
		ur_status status = ur_store_delete_run(store, ids[i], &err);
		if (status)
			code = ur_failed(args, status, &err);
		else
			json_array_append_new(deleted, json_integer(ids[i]));
	}
	if (((const struct values *)args->values)->json) {
		int printed = ur_print_json(args, json_pack("{s:o}", "deleted_runs", deleted));
		return code ? code : printed;
	}
	if (json_array_size(deleted))
		printf("deleted %zu run%s\n", json_array_size(deleted), json_array_size(deleted) == 1 ? "" : "s");
	json_decref(deleted);
	return code;
}

static int delete_comparison(const ur_args *args, ur_store *store, int64_t id)
{
	const struct values *v = args->values;
	ur_err err = { 0 };
	int code = fail(args, ur_store_delete_comparison(store, id, &err), &err);

	if (!code && v->json)
		return ur_print_json(args, json_pack("{s:[I]}", "deleted_comparisons", (json_int_t)id));
	if (!code)
		printf("deleted comparison %" PRId64 " and its runs\n", id);
	return code;
}

static int delete_all(const ur_args *args, const char *path, int n, const int64_t *ids)
{
	const struct values *v = args->values;
	ur_store *store;
	char what[80];
	int code;

	if (v->spec || v->data || v->status || v->kind || v->own || v->csv || ur_given(args, AT(limit)))
		return ur_wrong(args, "delete takes ids of runs, or --comparison ID");
	if ((v->comparison != 0) == (n > 0))
		return ur_wrong(args, n ? "delete runs, or --comparison ID, not both at once"
		                        : "delete what? give ids of runs, or --comparison ID");
	if (n)
		(void)snprintf(what, sizeof what, n == 1 ? "run %" PRId64 : "%" PRId64 " runs", n == 1 ? ids[0] : n);
	else
		(void)snprintf(what, sizeof what, "comparison %" PRId64 " with all its runs", v->comparison);
	if (access(path, F_OK))
		return ur_wrong(args, "there is no store of runs, so nothing to delete");
	if ((code = ask(args, what)) || (code = ur_open_store(args, path, UR_STORE_WRITE, &store)))
		return code;
	code = n ? delete_runs(args, store, n, ids) : delete_comparison(args, store, v->comparison);
	ur_store_close(store);
	return code;
}

/* ---- the command ---- */

/* Words from `from` on as ids; 0 once it has complained. */
static int read_ids(const ur_args *args, int from, int64_t *ids)
{
	for (int i = from; i < args->words; i++) {
		char *end, shown[64];

		errno = 0;
		ids[i - from] = strtoll(args->word[i], &end, 10);
		if (end == args->word[i] || *end || errno || ids[i - from] < 1) {
			ur_wrong(args, "'%s' is no id of a run: those are the numbers that unroll runs lists",
			         ur_visible(args->word[i], shown, sizeof shown));
			return 0;
		}
	}
	return 1;
}

static int look(const ur_args *args, const char *path, int n, const int64_t *ids)
{
	const struct values *v = args->values;
	struct stat st;
	const int missing = stat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode) && !st.st_size;
	ur_store *store = NULL;
	int code = UR_EXIT_OK;

	if (n > 1)
		return ur_wrong(args, "one run at a time");
	if (n && (v->spec || v->data || v->status || v->kind || v->own || v->comparison || ur_given(args, AT(limit))))
		return ur_wrong(args, "a run's id needs nothing else to find it");
	if (!missing)
		code = ur_open_store(args, path, UR_STORE_READ, &store);
	if (!code)
		code = n ? show(args, store, ids[0]) : list(args, store, path);
	ur_store_close(store);
	return code;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	const char *verb = args->words ? args->word[0] : "";
	const int deletes = !strcmp(verb, "delete"), shows = !strcmp(verb, "show"), from = deletes || shows;
	const int n = args->words - from;
	char path[UR_STORE_PATH];
	int64_t *ids;
	int code = UR_EXIT_USAGE;

	if (v->json && v->csv)
		return ur_wrong(args, "give --json or --csv, not both");
	if (v->own && v->comparison)
		return ur_wrong(args, "--own is for runs that belong to no comparison");
	if (v->yes && !deletes)
		return ur_wrong(args, "--yes goes with delete");
	if (shows && !n)
		return ur_wrong(args, "show which run? give its id");
	if (!(ids = calloc((size_t)args->words + 1, sizeof *ids))) {
		ur_complain(args, "out of memory");
		return UR_EXIT_FAILED;
	}
	if (read_ids(args, from, ids) && !(code = ur_find_store(args, v->store, path)))
		code = deletes ? delete_all(args, path, n, ids) : look(args, path, n, ids);
	free(ids);
	return code;
}

static const ur_opt options[] = {
	UR_OPT(TEXT, "spec", 0, spec, "TEXT", "those whose spec has this in it; of comparisons, that of any of their runs"),
	UR_OPT(TEXT, "data", 0, data, "TEXT", "those whose data has this in its path"),
	UR_OPT(CHOICE, "status", 0, status, "STATUS", "those that came to this end; killed: it ended without a word",
	       .choices = "running|done|diverged|stopped|killed"),
	UR_OPT(CHOICE, "kind", 0, kind, "KIND",
	       "runs of this kind: of unroll train, or a comparison's trials of settings and its main runs",
	       .choices = "train|trial|main"),
	UR_OPT(INT, "comparison", 'c', comparison, "ID", "this comparison and its runs", .least = 1, .most = 9.2e18),
	UR_OPT(FLAG, "own", 0, own, NULL, "runs that belong to no comparison"),
	UR_OPT(INT, "limit", 'n', limit, "N", "the newest N of each; 0: all", .otherwise = "20; all with --json or --csv",
	       .least = 0, .most = 1e9),
	UR_OPT(FLAG, "yes", 'y', yes, NULL, "delete without asking"),
	UR_OPT_STORE(struct values),
	UR_OPT_JSON(struct values),
	UR_OPT(FLAG, "csv", 0, csv, NULL,
	       "runs as lines of comma-separated values, those of comparisons too; of one run its metrics"),
	{ .name = NULL }
};

const ur_command ur_command_runs = {
	.usage = "[ID | delete ID... | delete --comparison ID] [options]",
	.details = "Lists comparisons and runs of unroll train, newest first; with the id of a run all that is known of "
		"it: its settings, machine, result and metrics. What is deleted is gone for good: without --yes it asks, and "
		"where it cannot ask it refuses.",
	.examples = "unroll runs\n"
		"unroll runs --spec lstm --status done --json\n"
		"unroll runs --kind main --csv",
	.options = options,
	.size = sizeof(struct values),
	.most_words = 1000,
	.run = run,
};
