/* unroll lab: the lesson, claim by claim, measured on this machine. */
#include "cli/cli_compare.h"
#include "cli/cli_lab.h"
#include "cli/cli_store.h"

#include "lab/lab.h"
#include "report/report.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct values {
	const char *report, *store;
	int64_t seed, threads, port;
	int quick, full, live, fresh, json, quiet, list;
};

#define AT(member) offsetof(struct values, member)

/* What is put under the store's "data" of a lab. */
#define DATA "lab"
/* Of the document, and of the facts in a journal: an interrupted lab with facts of another schema is begun anew.
 * FACTS is raised when what an experiment measures changes, or how it keeps it: its name, its form, the plan. */
enum { SCHEMA = 1, FACTS = 2 };

/* ---- what is asked ---- */

static int unknown(const ur_args *args, const char *name)
{
	const char *near = NULL;
	char shown[64];
	int best = 100, distance;

	for (int i = 0; ur_experiments[i]; i++)
		if (ur_is_near(name, ur_experiments[i]->name, &distance) && distance < best) {
			best = distance;
			near = ur_experiments[i]->name;
		}
	ur_visible(name, shown, sizeof shown);
	return near ? ur_wrong(args, "there is no experiment '%s'; did you mean '%s'?", shown, near)
	            : ur_wrong(args, "there is no experiment '%s'; unroll lab --list has all of them", shown);
}

/* The experiments that are named, each once, in the table's order; none: all. 0, or the exit code. */
static int choose(const ur_args *args, ur_lab *lab)
{
	for (int w = 0; w < args->words; w++)
		if (!ur_experiment_find(args->word[w]))
			return unknown(args, args->word[w]);
	for (int i = 0; ur_experiments[i]; i++)
		for (int w = 0; w < args->words; w++)
			if (!strcmp(args->word[w], ur_experiments[i]->name)) {
				if (lab->chosen == (int)(sizeof lab->only / sizeof *lab->only))
					return ur_wrong(args, "%d experiments can be named at most; without names all are run",
					                lab->chosen);
				lab->only[lab->chosen++] = i;
				break;
			}
	return UR_EXIT_OK;
}

static int list(const ur_args *args)
{
	const struct values *v = args->values;
	json_t *all = json_array();

	for (int i = 0; ur_experiments[i]; i++) {
		const ur_experiment *e = ur_experiments[i];
		if (v->json)
			json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "name", e->name, "title", e->title,
				"question", e->question, "claims", e->claims));
		else
			printf("%-12s  %-30s  %s\n", e->name, e->title, e->claims);
	}
	if (v->json)
		return ur_print_json(args, json_pack("{s:o}", "experiments", all));
	json_decref(all);
	return UR_EXIT_OK;
}

/* Everything that decides what is measured, as one line: equal questions have equal keys. */
static char *key_of(const ur_lab *lab, const char *machine)
{
	json_t *names = json_array(), *json;
	char *key;

	for (int i = 0; i < lab->chosen; i++)
		json_array_append_new(names, json_string(ur_experiments[lab->only[i]]->name));
	json = json_pack("{s:s, s:i, s:s, s:o, s:s, s:I, s:o}", "kind", "lab", "schema", FACTS, "version", UNROLL_VERSION,
		"machine", ur_json_string(machine), "size", ur_lab_size_name(lab->size), "seed", (json_int_t)lab->seed,
		"experiments", names);
	key = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(json);
	return key;
}

/* ---- doing it ---- */

/* A ur_lab_watch; arg is a ur_race. */
static int show_stage(void *arg, const ur_lab_stage *s)
{
	ur_race *r = arg;
	const int width = r->quiet ? 0 : ur_terminal_width(STDERR_FILENO);
	char text[200];

	if (!r->quiet && ur_race_due(r, s->experiment, width)) {
		(void)snprintf(text, sizeof text, "%s%s%s", s->experiment, *s->what ? ": " : "", s->what);
		ur_race_clear(r);
		ur_race_line(r, s->share, s->eta, text, width);
	}
	return ur_stop_signal() != 0;
}

/* A first document, so that the page and the lists know what this is before anything is known. */
static ur_status announce(const ur_lab *lab, const ur_kept *kept, ur_err *err)
{
	json_t *d = json_pack("{s:i,s:s,s:s,s:f,s:s,s:s?,s:s,s:I,s:[]}", "schema", SCHEMA, "kind", "lab", "state",
		"running", "started", (double)time(NULL), "version", UNROLL_VERSION, "command", lab->command, "size",
		ur_lab_size_name(lab->size), "seed", (json_int_t)lab->seed, "experiments");
	ur_status status = d ? ur_store_fact_put(kept->store, kept->id, UR_STORE_DOCUMENT, d, err)
	                     : ur_fail(err, UR_E_NOMEM, "out of memory for the lab's document");

	json_decref(d);
	return status;
}

/* What came out, also where it was stopped. */
static int show(const ur_args *args, const ur_kept *kept, json_t *document, int done)
{
	const struct values *v = args->values;
	char shown[800];

	if (v->json)
		return ur_print_json(args, json_incref(document));
	ur_lab_print(document);
	if (v->report && done)
		printf("%-9s%s\n", "page", ur_visible(v->report, shown, sizeof shown));
	else
		printf("%-9sunroll report %lld -o lab.html\n", "page", (long long)kept->id);
	return UR_EXIT_OK;
}

static int finish(const ur_args *args, const ur_kept *kept, json_t *document, ur_status status, ur_err *err)
{
	const struct values *v = args->values;
	const int stopped = status == UR_E_STOPPED;
	int code;

	if (!status)
		status = ur_store_comparison_end(kept->store, kept->id, err);
	if (!status && v->report)
		status = ur_report_write(kept->store, kept->id, v->report, err);
	if (status && !stopped)
		return ur_failed(args, status, err);
	code = document ? show(args, kept, document, !stopped) : UR_EXIT_OK;
	if (stopped && !v->quiet)
		(void)fprintf(stderr, "stopped; it is kept as lab %lld, and the same command goes on from here\n",
		              (long long)kept->id);
	return stopped ? ur_failed(args, status, err) : code;
}

/* The lab itself, between opening its place in the store and closing it. */
static int measure(const ur_args *args, ur_lab *lab, ur_kept *kept, const char *store_path)
{
	const struct values *v = args->values;
	ur_race race = { .quiet = v->quiet };
	ur_live *live = NULL;
	json_t *document = NULL;
	ur_err err = { 0 };
	int port = (int)v->port, code;
	ur_status status = kept->resumed ? UR_OK : announce(lab, kept, &err);

	lab->journal = &kept->journal;
	lab->watch = show_stage;
	lab->arg = &race;
	if (kept->resumed && !v->quiet)
		(void)fprintf(stderr, "going on with lab %lld, which was interrupted (--fresh begins anew)\n",
		              (long long)kept->id);
	if (!status && v->live && !(status = ur_live_start(store_path, kept->id, &port, &live, &err)))
		(void)fprintf(stderr, "live: http://127.0.0.1:%d/\n", port);
	if (status)
		return ur_failed(args, status, &err);
	ur_stop_catch(v->quiet ? NULL : "\nunroll lab: stopping (once more: at once)\n");
	status = ur_lab_run(lab, &document, &err);
	ur_race_clear(&race);
	code = finish(args, kept, document, status, &err);
	json_decref(document);
	ur_live_stop(live);
	return code;
}

static int keep(const ur_args *args, ur_lab *lab)
{
	static const char *const none[] = { NULL };
	const struct values *v = args->values;
	char machine[200], path[UR_STORE_PATH], *command = ur_command_line(args, "unroll", none, NULL), *key;
	ur_kept kept = { .id = 0 };
	ur_store *store = NULL;
	ur_err err = { 0 };
	ur_status status;
	int code;

	ur_machine_text(lab->ctx, machine, sizeof machine);
	lab->command = command;
	if (!(key = key_of(lab, machine))) {
		ur_complain(args, "out of memory");
		code = UR_EXIT_FAILED;
	} else if (!(code = ur_find_store(args, v->store, path)) &&
	           !(code = ur_open_store(args, path, UR_STORE_WRITE, &store))) {
		kept.about = (ur_store_comparison){ .key = key, .data = DATA, .command = command, .machine = machine,
		                                    .version = UNROLL_VERSION };
		status = ur_kept_open(&kept, store, v->fresh, &err);
		code = status ? ur_failed(args, status, &err) : measure(args, lab, &kept, path);
	}
	ur_store_close(store);
	free(key);
	free(command);
	return code;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	ur_lab lab = { .size = v->quick ? UR_LAB_QUICK : v->full ? UR_LAB_FULL : UR_LAB_DEFAULT,
	               .seed = (uint64_t)v->seed };
	ur_ctx ctx = { 0 }, one = { 0 };
	int code;

	if (v->quick && v->full)
		return ur_wrong(args, "give --quick or --full, not both");
	if (ur_given(args, AT(port)) && !v->live)
		return ur_wrong(args, "--port goes with --live");
	if ((code = choose(args, &lab)))
		return code;
	if (v->list)
		return list(args);
	ur_stop_catch(NULL);
	lab.threads = ur_given(args, AT(threads)) ? (int)v->threads : 0;
	lab.ctx = &ctx;
	lab.one = &one;
	if (!(code = ur_open_context(args, v->threads, &ctx)) && !(code = ur_open_context(args, 1, &one)))
		code = keep(args, &lab);
	ur_ctx_close(&one);
	ur_ctx_close(&ctx);
	return code;
}

static const ur_opt options[] = {
	UR_OPT(FLAG, "quick", 0, quick, NULL, "in under 2 minutes on 2 cores, with wider intervals and smaller models"),
	UR_OPT(FLAG, "full", 0, full, NULL, "as long as it takes: more lengths, seeds and steps"),
	UR_OPT(TEXT, "report", 'r', report, "FILE", "the page, one HTML file", .otherwise = "unroll report makes it later"),
	UR_OPT(FLAG, "live", 0, live, NULL, "serve the growing page on 127.0.0.1 while it runs"),
	UR_OPT(INT, "port", 0, port, "N", "where --live serves", .least = 0, .most = 65535,
	       .otherwise = "any that is free"),
	UR_OPT(FLAG, "list", 0, list, NULL, "list the experiments: name, title, claims of the lesson"),
	UR_OPT_STORE(struct values),
	UR_OPT(FLAG, "fresh", 0, fresh, NULL, "begin anew: take nothing from an interrupted lab that asked the same"),
	UR_OPT(INT, "seed", 0, seed, "N", "of weights and made data", .standard = "1", .least = 0, .most = 9.2e18),
	{ .name = "threads", .letter = 't', .kind = UR_OPT_INT, .at = AT(threads), .arg = "N", .least = 1, .most = 1024,
	  .otherwise = "all processors", .help = "threads to measure with, beside one" },
	UR_OPT_JSON(struct values),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_lab = {
	.usage = "[EXPERIMENT...] [options]",
	.details = "Goes through the lesson, why transformers replaced RNNs and when they should not, claim by claim: each "
		"is stated with what a cost model predicts and the rule that decides, then measured on this machine, and gets "
		"a verdict: holds, holds under a condition, does not hold here, predicted, or not measured. All experiments "
		"take under 15 minutes on 2 cores; named ones are run alone.\n"
		"The page (--report, or unroll report later) has the explanation, charts, tables and questions whose answers "
		"come from what was measured here.\n"
		"Everything is kept in the store as it is found: a lab that was interrupted goes on when the same command is "
		"given again.",
	.examples = "unroll lab --list\n"
		"unroll lab --quick --report lab.html\n"
		"unroll lab bottleneck --quick\n"
		"unroll lab --quick --json",
	.options = options,
	.size = sizeof(struct values),
	.most_words = 64,
	.run = run,
};
