/* unroll report: any comparison or lab of the store as one HTML file, in tables, as JSON or CSV, or served while it
 * runs. */
#include "cli/cli_kinds.h"
#include "cli/cli_store.h"

#include "report/report.h"

#include <stdlib.h>
#include <time.h>

struct values {
	const char *out, *store;
	int64_t port;
	int json, csv, text, serve, quiet;
};

#define AT(member) offsetof(struct values, member)

/* The comparison that is asked for; 0: the newest. 0, or the exit code. */
static int read_id(const ur_args *args, int64_t *id)
{
	char *end;

	*id = 0;
	if (!args->words)
		return UR_EXIT_OK;
	*id = strtoll(args->word[0], &end, 10);
	if (*id <= 0 || *end)
		return ur_wrong(args, "'%s' is no number of a comparison or lab", args->word[0]);
	return UR_EXIT_OK;
}

/* Until a signal comes, which is how it is meant to end. */
static int serve(const ur_args *args, int64_t id)
{
	const struct values *v = args->values;
	const struct timespec nap = { .tv_nsec = 100000000 };
	char path[UR_STORE_PATH];
	int port = (int)v->port, code = ur_find_store(args, v->store, path);
	ur_live *live;
	ur_err err = { 0 };
	ur_status status;

	if (code)
		return code;
	ur_stop_catch(NULL);
	if ((status = ur_live_start(path, id, &port, &live, &err)))
		return ur_failed(args, status, &err);
	(void)printf("http://127.0.0.1:%d/\n", port);
	(void)fflush(stdout);
	if (!v->quiet)
		(void)fprintf(stderr, "Open this in a browser. It is served to this machine alone, until you press Ctrl-C.\n");
	while (!ur_stop_signal())
		(void)nanosleep(&nap, NULL);
	ur_live_stop(live);
	return UR_EXIT_OK;
}

static int write_or_print(const ur_args *args, int64_t id)
{
	const struct values *v = args->values;
	ur_store *store;
	json_t *document = NULL;
	char shown[800];
	ur_err err = { 0 };
	ur_status status;
	int code = ur_open_store(args, v->store, UR_STORE_READ, &store);

	if (code)
		return code;
	status = v->json || v->csv || v->text ? ur_report_json(store, id, &document, &err)
	                                      : ur_report_write(store, id, v->out, &err);
	ur_store_close(store);
	if (status)
		return ur_failed(args, status, &err);
	if (v->json)
		return ur_print_json(args, document);
	if (document) {
		if (v->csv)
			ur_kind_of(document)->csv(document);
		else
			ur_kind_of(document)->print(document);
		json_decref(document);
	} else if (!v->quiet)
		(void)fprintf(stderr, "wrote %s\n", ur_visible(v->out, shown, sizeof shown));
	return UR_EXIT_OK;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	int64_t id;
	int code = read_id(args, &id);

	if (code)
		return code;
	if (v->json + v->csv + v->text + v->serve + ur_given(args, AT(out)) > 1)
		return ur_wrong(args, "--out, --text, --csv, --json and --serve exclude each other");
	if (ur_given(args, AT(port)) && !v->serve)
		return ur_wrong(args, "--port goes with --serve");
	return v->serve ? serve(args, id) : write_or_print(args, id);
}

static const ur_opt options[] = {
	UR_OPT(TEXT, "out", 'o', out, "FILE", "where the page goes", .standard = "report.html"),
	UR_OPT(FLAG, "serve", 0, serve, NULL, "show it on http://127.0.0.1 instead, growing while it runs"),
	UR_OPT(INT, "port", 0, port, "N", "of --serve", .otherwise = "any free one", .least = 0, .most = 65535),
	UR_OPT(FLAG, "text", 0, text, NULL, "print its tables and what they come to instead"),
	UR_OPT(FLAG, "csv", 0, csv, NULL, "print its table as CSV instead"),
	UR_OPT_STORE(struct values),
	{ .name = "json", .kind = UR_OPT_FLAG, .at = AT(json),
	  .help = "print the document instead (docs/COMPARISON.md, docs/LAB.md)" },
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_report = {
	.usage = "[ID] [options]",
	.details = "Makes the report of a comparison or a lab, the newest unless its number is given, from the store "
		"alone. The page is one file that opens without a network: tables, charts, samples, and the numbers under "
		"them.",
	.examples = "unroll report\n"
		"unroll report 12 -o lstm-or-not.html\n"
		"unroll report --text\n"
		"unroll report --serve",
	.options = options,
	.size = sizeof(struct values),
	.most_words = 1,
	.run = run,
};
