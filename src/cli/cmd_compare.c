/* unroll compare: several architectures on one text, or on pairs, and this machine, and which of them to use. */
#include "cli/cli_compare.h"
#include "cli/cli_pairs.h"
#include "cli/cli_store.h"

#include "data/task.h"

#include "report/report.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

struct values {
	const char *data, *archs, *budget, *total, *out_dir, *vocab, *lr, *tune, *store, *report;
	ur_list arch;
	int64_t params, vocab_size, vocab_min_count, trials, seeds, seq_len, step_tokens, seed, threads, port;
	const char *target, *source_vocab;
	int64_t beam, translate, show;
	double val, test;
	int json, csv, quiet, live, fresh;
};

#define AT(member) offsetof(struct values, member)

enum { NAMES_ROOM = 1024 };
#define DEFAULT_ARCHS "rnn,gru,lstm,transformer"
#define DEFAULT_TOTAL "5m"
#define TRIAL_SHARE 0.15

/* ---- what is asked ---- */

/* 90s, 5m, 2Mtok, 1e12flop: the number times its unit; 0: it is none of these. */
static double amount_of(const char *text, size_t n, ur_budget_kind *kind)
{
	static const struct { const char *unit; double times; ur_budget_kind kind; } units[] = {
		{ "s", 1, UR_BUDGET_SECONDS }, { "m", 60, UR_BUDGET_SECONDS }, { "min", 60, UR_BUDGET_SECONDS },
		{ "h", 3600, UR_BUDGET_SECONDS }, { "tok", 1, UR_BUDGET_TOKENS }, { "ktok", 1e3, UR_BUDGET_TOKENS },
		{ "Mtok", 1e6, UR_BUDGET_TOKENS }, { "Gtok", 1e9, UR_BUDGET_TOKENS }, { "flop", 1, UR_BUDGET_FLOPS },
		{ "Gflop", 1e9, UR_BUDGET_FLOPS }, { "Tflop", 1e12, UR_BUDGET_FLOPS } };
	char copy[40], *rest;
	double x;

	if (n >= sizeof copy || !(isdigit((unsigned char)*text) || *text == '.'))
		return 0;
	memcpy(copy, text, n);
	copy[n] = 0;
	x = strtod(copy, &rest);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (!strcmp(rest, units[i].unit)) {
			*kind = units[i].kind;
			x *= units[i].times;
			return isfinite(x) && x > 0 && x <= (*kind == UR_BUDGET_SECONDS ? 1e7 : 1e24) ? x : 0;
		}
	return 0;
}

/* --budget and --total. 0, or the exit code. */
static int read_budget(const ur_args *args, int n, ur_compare *what, double tokens[UR_MOST_CONTENDERS])
{
	const struct values *v = args->values;
	const char *at = v->budget;
	int given = 0;

	if (v->budget && v->total)
		return ur_wrong(args, "--budget (for each run) and --total (for everything) exclude each other");
	if (!v->budget) {
		what->budget = amount_of(v->total ? v->total : DEFAULT_TOTAL, strlen(v->total ? v->total : DEFAULT_TOTAL),
		                         &what->kind);
		if (!(what->budget > 0) || what->kind != UR_BUDGET_SECONDS)
			return ur_wrong(args, "--total '%s': it takes a time, as in 90s, 5m or 1h", v->total);
		what->kind = UR_BUDGET_TOTAL;
		return UR_EXIT_OK;
	}
	for (;; at++) {
		const size_t length = strcspn(at, ",");
		ur_budget_kind kind = UR_BUDGET_SECONDS;

		if (given == UR_MOST_CONTENDERS || !((tokens[given] = amount_of(at, length, &kind)) > 0))
			return ur_wrong(args, "--budget '%s': it takes what each run may cost, as in 60s, 2Mtok or 1e12flop",
			                v->budget);
		if (given++ > 0 && (kind != UR_BUDGET_TOKENS || what->kind != UR_BUDGET_TOKENS))
			return ur_wrong(args, "--budget '%s': only tokens can be given for each architecture on its own",
			                v->budget);
		what->kind = kind;
		at += length;
		if (!*at)
			break;
	}
	what->budget = tokens[0];
	if (given == 1)
		return UR_EXIT_OK;
	what->tokens = tokens;
	return given == n ? UR_EXIT_OK : ur_wrong(args, "--budget has %d numbers of tokens for %d architectures", given, n);
}

/* --tune: names of settings. 0, or the exit code. */
static int read_tuned(const ur_args *args, ur_compare *what)
{
	const struct values *v = args->values;
	char names[200] = "";

	what->tuned = 0;
	if (!strcmp(v->tune, "none"))
		return UR_EXIT_OK;
	for (int i = 0; ur_tunable_nth(i); i++)
		(void)snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
		               ur_tunable_nth(i)->name);
	for (const char *at = v->tune;; at++) {
		const size_t length = strcspn(at, ",");
		const ur_tunable *t = NULL;
		char name[40];

		(void)snprintf(name, sizeof name, "%.*s", (int)(length < 39 ? length : 39), at);
		t = ur_tunable_find(name);
		for (int i = 0; i < what->tuned; i++)
			if (what->tune[i] == t)
				t = NULL;
		if (!t || what->tuned == UR_MOST_TUNED)
			return ur_wrong(args, "--tune '%s': it takes names with commas between, of %s, each once; or none",
			                v->tune, names);
		if (!v->lr || strcmp(t->name, "lr")) /* a rate that is given is not tuned */
			what->tune[what->tuned++] = t;
		at += length;
		if (!*at)
			return UR_EXIT_OK;
	}
}

/* The names of --archs and the specs of --arch, in this order. `room` keeps the names. 0, or the exit code. */
static int list_archs(const ur_args *args, char room[NAMES_ROOM], const char *arch[UR_MOST_CONTENDERS], int *n)
{
	const struct values *v = args->values;
	const char *names = v->archs ? v->archs : v->arch.n ? "" : DEFAULT_ARCHS;

	*n = 0;
	if (strlen(names) >= NAMES_ROOM)
		return ur_wrong(args, "--archs is longer than %d characters", NAMES_ROOM - 1);
	memcpy(room, names, strlen(names) + 1);
	for (char *at = room; *at;) {
		size_t length = strcspn(at, ",");
		int more = at[length] == ',';

		at[length] = 0;
		if (length == 0)
			return ur_wrong(args, "--archs '%s': a name is missing", names);
		if (strchr(at, '='))
			return ur_wrong(args, "--archs takes names; a spec with options goes into an --arch of its own, as in "
			                "--arch transformer:4x64,context=128");
		if (*n == UR_MOST_CONTENDERS)
			return ur_wrong(args, "%d architectures can be compared at most", UR_MOST_CONTENDERS);
		arch[(*n)++] = at;
		at += length + (size_t)more;
		if (more && !*at)
			return ur_wrong(args, "--archs '%s': a name is missing", names);
	}
	for (int i = 0; i < v->arch.n; i++) {
		if (*n == UR_MOST_CONTENDERS)
			return ur_wrong(args, "%d architectures can be compared at most", UR_MOST_CONTENDERS);
		arch[(*n)++] = v->arch.text[i];
	}
	return UR_EXIT_OK;
}

/* --lr: one rate for all, or one each. 0, or the exit code. */
static int list_rates(const ur_args *args, int n, double lr[UR_MOST_CONTENDERS])
{
	const struct values *v = args->values;
	const char *at = v->lr;
	int rates = 0;

	for (;; at++) {
		char *end;
		double x = strtod(at, &end);
		if (end == at || !(x > 0) || !isfinite(x) || (*end && *end != ',') || rates == UR_MOST_CONTENDERS)
			return ur_wrong(args, "--lr '%s': it takes one learning rate, or one for each architecture, "
			                "with commas between", v->lr);
		lr[rates++] = x;
		at = end;
		if (!*at)
			break;
	}
	if (rates == 1)
		for (; rates < n; rates++)
			lr[rates] = lr[0];
	return rates == n ? UR_EXIT_OK : ur_wrong(args, "--lr has %d learning rates for %d architectures", rates, n);
}

/* What only pairs have. */
static int check_options(const ur_args *args, int pairs)
{
	static const struct { size_t at; const char *name; } of_pairs[] = {
		{ AT(target), "target" }, { AT(source_vocab), "source-vocab" },
		{ AT(beam), "beam" }, { AT(translate), "translate" }, { AT(show), "show-attention" } };

	for (size_t i = 0; i < sizeof of_pairs / sizeof *of_pairs && !pairs; i++)
		if (ur_given(args, of_pairs[i].at))
			return ur_wrong(args, "--%s is for pairs: give specs like seq2seq:lstm", of_pairs[i].name);
	return UR_EXIT_OK;
}

/* Every spec is right before the text is read, and either all are of pairs or none is. */
static int check_archs(const ur_args *args, const char *const *arch, int n, int *pairs)
{
	ur_err err = { 0 };
	ur_spec spec;
	int open, first = 0;

	for (int i = 0; i < n; i++) {
		if (ur_width_parse(arch[i], &spec, &open, &err)) {
			ur_failed(args, err.status, &err);
			(void)fprintf(stderr, "try: unroll help specs\n");
			return UR_EXIT_USAGE;
		}
		if (i == 0)
			first = spec.pair;
		if (spec.pair != first)
			return ur_wrong(args, "'%s' is a model of %s and '%s' one of %s: they cannot be compared on the same data; "
			                "either all specs begin with seq2seq: or none does", arch[0], first ? "pairs" : "texts",
			                arch[i], spec.pair ? "pairs" : "texts");
	}
	*pairs = first;
	return check_options(args, first);
}

/* ---- doing it ---- */

/* Everything that decides what comes out, as one line: equal questions have equal keys. */
static char *key_of(const ur_args *args, const ur_compare *what, const ur_vocab_request *vocab, const char *machine)
{
	const struct values *v = args->values;
	char *key = NULL;
	json_t *archs = json_array(), *lr = json_array(), *tuned = json_array(), *budget = json_array(), *json;

	for (int i = 0; i < what->archs; i++)
		json_array_append_new(archs, json_string(what->arch[i]));
	for (int i = 0; i < what->archs && what->lr; i++)
		json_array_append_new(lr, json_real(what->lr[i]));
	for (int i = 0; i < what->tuned; i++)
		json_array_append_new(tuned, json_string(what->tune[i]->name));
	for (int i = 0; i < (what->tokens ? what->archs : 1); i++)
		json_array_append_new(budget, json_real(what->tokens ? what->tokens[i] : what->budget));
	json = json_pack("{s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:I, s:I, s:s?, s:I, s:f, s:f}",
		"version", UNROLL_VERSION, "machine", ur_json_string(machine), "data", (json_int_t)what->fingerprint,
		"params", (json_int_t)what->parameters, "budget", budget, "archs", archs, "lr", lr, "tuned", tuned,
		"kind", (int)what->kind,
		"seeds", what->seeds, "trials", what->trials, "window", what->window, "step", (json_int_t)what->step_tokens,
		"seed", (json_int_t)what->seed, "vocab", vocab->kind, "size", (json_int_t)vocab->cap, "val", v->val,
		"test", v->test);
	if (json && vocab->least) /* a key without it is as it was before there was one */
		json_object_set_new(json, "least", json_integer(vocab->least));
	if (json && what->pairs)
		json_object_set_new(json, "pairs", json_pack("{s:o, s:o, s:i, s:I, s:i}", "target", ur_json_string(v->target),
			"source", ur_json_string(v->source_vocab), "beam", what->beam,
			"translate", (json_int_t)what->translate, "show", what->show));
	if (json)
		key = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	return key;
}

/* The document, as asked for; and whether anything was found out at all. */
static int show(const ur_args *args, const ur_kept *kept, const ur_comparison *c)
{
	const struct values *v = args->values;
	json_t *document = NULL;
	char shown[800];
	ur_err err = { 0 };
	ur_status status = ur_store_fact_get(kept->store, kept->id, UR_STORE_DOCUMENT, &document, &err);
	int code = UR_EXIT_OK;

	if (status || !document)
		return status ? ur_failed(args, status, &err) : UR_EXIT_FAILED;
	if (v->json) {
		code = ur_print_json(args, json_incref(document));
	} else if (v->csv) {
		ur_comparison_csv(document);
	} else {
		ur_comparison_print(document);
		if (v->report)
			printf("%-9s%s\n", "report", ur_visible(v->report, shown, sizeof shown));
		else
			printf("%-9sunroll report %lld -o report.html\n", "report", (long long)kept->id);
	}
	json_decref(document);
	/* nothing was trained: the comparison failed, whatever else was learnt */
	return !code && c->advice.best < 0 ? UR_EXIT_FAILED : code;
}

/* The comparison itself, between opening its place in the store and closing it. */
static int compare(const ur_args *args, ur_compare *what, ur_comparison *c, ur_kept *kept, const char *store_path)
{
	const struct values *v = args->values;
	ur_race race = { .quiet = v->quiet };
	ur_live *live = NULL;
	ur_err err = { 0 };
	int port = (int)v->port, code;
	ur_status status;

	what->journal = &kept->journal;
	what->watch = ur_race_show;
	what->arg = &race;
	if (kept->resumed && !v->quiet)
		(void)fprintf(stderr, "going on with comparison %lld, which was interrupted (--fresh begins anew)\n",
		              (long long)kept->id);
	if (v->live) {
		if ((status = ur_live_start(store_path, kept->id, &port, &live, &err)))
			return ur_failed(args, status, &err);
		(void)fprintf(stderr, "live: http://127.0.0.1:%d/\n", port);
	}
	ur_stop_catch("\nunroll compare: stopping; the same command goes on from here (once more: at once)\n");
	status = ur_compare_run(what, c, &err);
	ur_race_clear(&race);
	if (!status)
		status = ur_store_comparison_end(kept->store, kept->id, &err);
	if (!status && v->report)
		status = ur_report_write(kept->store, kept->id, v->report, &err);
	code = status ? ur_failed(args, status, &err) : show(args, kept, c);
	ur_live_stop(live);
	return code;
}

static int keep(const ur_args *args, ur_compare *what, const ur_vocab_request *vocab, ur_comparison *c)
{
	static const char *const none[] = { NULL };
	const struct values *v = args->values;
	char machine[200], *command = ur_command_line(args, "unroll", none, NULL), *key;
	char path[UR_STORE_PATH];
	ur_kept kept = { .id = 0 };
	ur_store *store = NULL;
	ur_err err = { 0 };
	ur_status status = UR_OK;
	int code;

	if (what->pairs)
		what->fingerprint = ur_pairs_fingerprint(what->pairs);
	else
		status = ur_corpus_fingerprint(what->corpus, &what->fingerprint, &err);

	ur_machine_text(what->ctx, machine, sizeof machine);
	key = key_of(args, what, vocab, machine);
	what->command = command;
	if (status) {
		code = ur_failed(args, status, &err);
	} else if (!key) {
		ur_complain(args, "out of memory");
		code = UR_EXIT_FAILED;
	} else if (!(code = ur_find_store(args, v->store, path)) &&
	           !(code = ur_open_store(args, path, UR_STORE_WRITE, &store))) {
		kept.about = (ur_store_comparison){ .key = key, .data = v->data, .command = command, .machine = machine,
		                                    .version = UNROLL_VERSION, .fingerprint = what->fingerprint };
		status = ur_kept_open(&kept, store, v->fresh, &err);
		code = status ? ur_failed(args, status, &err) : compare(args, what, c, &kept, path);
	}
	ur_store_close(store);
	free(key);
	free(command);
	return code;
}

/* Options that the command to repeat needs as well. */
static void repeat_words(const ur_args *args, const ur_vocab_request *vocab, char *out, size_t room)
{
	const struct values *v = args->values;
	size_t n = 0;

	out[0] = 0;
	if (vocab->kind)
		n += (size_t)snprintf(out + n, room - n, " --vocab %s", vocab->kind);
	if (vocab->cap)
		n += (size_t)snprintf(out + n, room - n, ":%lld", (long long)vocab->cap);
	if (vocab->least)
		n += (size_t)snprintf(out + n, room - n, " --vocab-min-count %lld", (long long)vocab->least);
	if (v->source_vocab)
		n += (size_t)snprintf(out + n, room - n, " --source-vocab %.60s", v->source_vocab);
	if (ur_given(args, AT(beam)))
		n += (size_t)snprintf(out + n, room - n, " --beam %lld", (long long)v->beam);
	if (ur_given(args, AT(translate)))
		n += (size_t)snprintf(out + n, room - n, " --translate %lld", (long long)v->translate);
	if (ur_given(args, AT(val)) || ur_given(args, AT(test)))
		(void)snprintf(out + n, room - n, " --val %.17g --test %.17g", v->val, v->test);
}

static int on_text(const ur_args *args, ur_compare *what, const ur_vocab_request *vocab, ur_comparison *c)
{
	const struct values *v = args->values;
	ur_corpus *corpus = NULL;
	ur_note note;
	ur_err err = { 0 };
	ur_status status;
	int code = ur_open_any_corpus(args, &(ur_corpus_request){ .path = v->data, .vocab = vocab->kind,
	                              .vocab_size = vocab->cap, .vocab_least = vocab->least }, v->quiet, &corpus, note);

	if (!code) {
		status = ur_split_make(ur_corpus_tokens(corpus), 1 - v->val - v->test, v->val, &what->split, &err);
		what->corpus = corpus;
		what->note = *note ? note : NULL;
		code = status ? ur_failed(args, status, &err) : keep(args, what, vocab, c);
	}
	ur_corpus_close(corpus);
	return code;
}

static int on_pairs(const ur_args *args, ur_compare *what, const ur_vocab_request *vocab, ur_comparison *c)
{
	const struct values *v = args->values;
	ur_pairs_request ask = { .path = v->data, .target = v->target };
	ur_pair_split split = { 0 };
	ur_pairs *pairs = NULL;
	ur_err err = { 0 };
	ur_status status;
	int code;

	if (!(code = ur_read_pair_vocabs(args, vocab, v->source_vocab, v->vocab_min_count, &ask)) &&
	    !(code = ur_open_pairs(args, &ask, v->quiet, &pairs))) {
		status = ur_pair_split_make(pairs, v->val, v->test, 0, &split, NULL, &err);
		what->pairs = pairs;
		what->pair_split = &split;
		what->target = v->target;
		what->beam = (int)v->beam;
		what->translate = v->translate;
		what->show = (int)v->show;
		code = status ? ur_failed(args, status, &err) : keep(args, what, vocab, c);
	}
	ur_pair_split_free(&split);
	ur_pairs_close(pairs);
	return code;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	const char *arch[UR_MOST_CONTENDERS];
	char names[NAMES_ROOM], words[400];
	double lr[UR_MOST_CONTENDERS], tokens[UR_MOST_CONTENDERS];
	ur_vocab_request vocab;
	ur_compare what = { .arch = arch, .parameters = v->params, .seeds = (int)v->seeds, .trials = (int)v->trials,
	                    .share = TRIAL_SHARE, .lr = v->lr ? lr : NULL, .window = (int)v->seq_len,
	                    .step_tokens = (int)v->step_tokens, .seed = (uint64_t)v->seed, .out_dir = v->out_dir,
	                    .data = v->data, .words = words };
	ur_comparison *c;
	ur_ctx ctx = { 0 };
	int code, pairs = 0;

	if (ur_task_named(v->data))
		return ur_wrong(args, "comparisons are on a text or on pairs, not on a task: unroll train and eval take tasks");
	if (v->lr && ur_given(args, AT(trials)) && !ur_given(args, AT(tune)))
		return ur_wrong(args, "give --lr or --trials, not both");
	if (ur_given(args, AT(trials)) && !strcmp(v->tune, "none"))
		return ur_wrong(args, "--trials goes with --tune, which is none");
	if (ur_given(args, AT(port)) && !v->live)
		return ur_wrong(args, "--port goes with --live");
	if (v->json && v->csv)
		return ur_wrong(args, "give --json or --csv, not both");
	if ((code = ur_read_vocab(args, v->vocab, v->vocab_size, v->vocab_min_count, &vocab)))
		return code;
	if ((code = list_archs(args, names, arch, &what.archs)) || (code = check_archs(args, arch, what.archs, &pairs)) ||
	    (code = read_budget(args, what.archs, &what, tokens)) || (code = read_tuned(args, &what)))
		return code;
	if (v->lr && (code = list_rates(args, what.archs, lr)))
		return code;
	repeat_words(args, &vocab, words, sizeof words);
	if (!(c = calloc(1, sizeof *c))) {
		ur_complain(args, "out of memory");
		return UR_EXIT_FAILED;
	}
	ur_stop_catch(NULL);
	what.ctx = &ctx;
	if (!(code = ur_open_context(args, v->threads, &ctx)))
		code = pairs ? on_pairs(args, &what, &vocab, c) : on_text(args, &what, &vocab, c);
	ur_ctx_close(&ctx);
	free(c);
	return code;
}

static const ur_opt options[] = {
	{ .name = "data", .letter = 'd', .kind = UR_OPT_TEXT, .at = AT(data), .arg = "FILE", .required = 1,
	  .help = "the text, or pairs: lines of SOURCE <tab> TARGET" },
	{ .name = "archs", .kind = UR_OPT_TEXT, .at = AT(archs), .arg = "NAMES", .otherwise = DEFAULT_ARCHS,
	  .help = "architectures by name, with commas between them" },
	{ .name = "arch", .letter = 'a', .kind = UR_OPT_LIST, .at = AT(arch), .arg = "SPEC",
	  .help = "one more, as a spec (see unroll help specs); may be given again" },
	{ .name = "params", .kind = UR_OPT_INT, .at = AT(params), .arg = "N", .least = 100, .most = 1e12,
	  .otherwise = "those of the first spec with a shape, or what the budget can train",
	  .help = "parameters of each: widths are chosen to meet this" },
	{ .name = "budget", .letter = 'b', .kind = UR_OPT_TEXT, .at = AT(budget), .arg = "AMOUNT",
	  .otherwise = "by --total",
	  .help = "what each run, an architecture with one seed, is trained for: 60s, 2Mtok or 1e12flop; "
	  "tokens also one by one, as in 2Mtok,3Mtok" },
	{ .name = "total", .kind = UR_OPT_TEXT, .at = AT(total), .arg = "TIME", .otherwise = DEFAULT_TOTAL,
	  .help = "instead of --budget: time for everything, as in 90s or 5m; each run is trained for the same time" },
	{ .name = "seeds", .kind = UR_OPT_INT, .at = AT(seeds), .arg = "N", .standard = "1", .least = 1,
	  .most = UR_MOST_SEEDS,
	  .help = "runs of each architecture, with seeds --seed and up: intervals and paired tests need 3 or more" },
	{ .name = "tune", .kind = UR_OPT_TEXT, .at = AT(tune), .arg = "NAMES", .standard = "lr",
	  .help = "settings tuned, with commas between: lr, weight-decay, clip; or none" },
	{ .name = "trials", .kind = UR_OPT_INT, .at = AT(trials), .arg = "N", .standard = "3", .least = 1,
	  .most = UR_MOST_TRIALS, .help = "values tried of each tuned setting" },
	{ .name = "lr", .kind = UR_OPT_TEXT, .at = AT(lr), .arg = "X,X...",
	  .help = "instead of trials: the learning rate, or one for each, in order" },
	{ .name = "seq-len", .letter = 'T', .kind = UR_OPT_INT, .at = AT(seq_len), .arg = "N", .least = 1, .most = 1 << 20,
	  .otherwise = "64 to 256 by the budget",
	  .help = "tokens a window, which gradients reach across; models of limited context have theirs" },
	{ .name = "step-tokens", .kind = UR_OPT_INT, .at = AT(step_tokens), .arg = "N", .least = 1, .most = 1 << 24,
	  .otherwise = "1,024 to 16,384 by the budget",
	  .help = "tokens an optimiser step, in as many windows as it takes" },
	{ .name = "out-dir", .letter = 'o', .kind = UR_OPT_TEXT, .at = AT(out_dir), .arg = "FOLDER",
	  .otherwise = "they are not kept", .help = "where the models go, as NAME.safetensors" },
	{ .name = "report", .letter = 'r', .kind = UR_OPT_TEXT, .at = AT(report), .arg = "FILE",
	  .otherwise = "unroll report makes it later", .help = "the report, one HTML file" },
	{ .name = "live", .kind = UR_OPT_FLAG, .at = AT(live),
	  .help = "serve the growing report on 127.0.0.1 while it runs" },
	{ .name = "port", .kind = UR_OPT_INT, .at = AT(port), .arg = "N", .least = 0, .most = 65535,
	  .otherwise = "any that is free", .help = "where --live serves" },
	UR_OPT_STORE(struct values),
	{ .name = "fresh", .kind = UR_OPT_FLAG, .at = AT(fresh),
	  .help = "begin anew: take nothing from an interrupted or an earlier comparison that asked the same" },
	UR_OPT_VOCAB(struct values, "data"),
	{ .name = "val", .kind = UR_OPT_REAL, .at = AT(val), .arg = "SHARE", .standard = "0.05", .least = 0.0001,
	  .most = 0.9, .help = "share of the text to choose learning rates on, behind the part to train on" },
	{ .name = "test", .kind = UR_OPT_REAL, .at = AT(test), .arg = "SHARE", .standard = "0.05", .least = 0, .most = 0.9,
	  .help = "share at its end to compare on" },
	{ .name = "target", .kind = UR_OPT_TEXT, .at = AT(target), .arg = "FILE", .group = "pairs",
	  .otherwise = "--data has SOURCE <tab> TARGET", .help = "the targets, line by line beside --data" },
	{ .name = "source-vocab", .kind = UR_OPT_TEXT, .at = AT(source_vocab), .arg = "KIND", .otherwise = "as --vocab",
	  .help = "what a token of a source is" },
	{ .name = "beam", .kind = UR_OPT_INT, .at = AT(beam), .arg = "N", .standard = "1", .least = 1,
	  .most = UR_MOST_BEAM, .help = "hypotheses of a translation; 1: the likeliest token each time" },
	{ .name = "translate", .kind = UR_OPT_INT, .at = AT(translate), .arg = "N", .standard = "500", .least = 1,
	  .most = 1e9, .help = "held-out sources that each run translates at its end" },
	{ .name = "show-attention", .kind = UR_OPT_INT, .at = AT(show), .arg = "N", .standard = "2", .least = 0,
	  .most = UR_MOST_SHOWN, .help = "sentences shown with what each model made of them, and where it looked" },
	{ .name = "seed", .kind = UR_OPT_INT, .at = AT(seed), .arg = "N", .standard = "1", .least = 0, .most = 9.2e18,
	  .group = "general", .help = "the same seed, data, sizes and tokens give the same losses" },
	UR_OPT_THREADS(struct values),
	UR_OPT_JSON(struct values),
	{ .name = "csv", .kind = UR_OPT_FLAG, .at = AT(csv), .help = "print the table as CSV" },
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_compare = {
	.usage = "--data FILE [--archs NAMES] [--arch SPEC]... [options]",
	.details = "Gives each architecture the same number of parameters, the same budget and as many trials of learning "
		"rates, then measures quality on held-out text, training speed, memory, the time of a step and of whole "
		"sequences and the size of a live stream's state, and recommends one, with reasons. Runs take turns, so that "
		"noise hits all alike.\n"
		"A spec with a shape (lstm:2x256) keeps it, unless --params is given; one without (lstm) is sized to match, "
		"and where it has a limited context and names none, it gets one of --seq-len. Trials are beginnings of the "
		"run that follows them. A spec given twice gets other seeds the second time.\n"
		"Specs of pairs (seq2seq:lstm) are compared on lines of SOURCE <tab> TARGET in the same way, tokens being "
		"those of targets: their translations of held-out sources are scored, in all and by length, and timed.\n"
		"Everything is kept in the store as it is found: a comparison that was interrupted goes on when the same "
		"command is given again, and ends with the numbers it would have had.",
	.examples = "unroll compare --data corpus.txt\n"
		"unroll compare --data corpus.txt --archs gru,lstm --params 200k --seeds 3 --budget 60s --report report.html\n"
		"unroll compare --data corpus.txt --arch lstm:2x256 --arch transformer,context=64 --budget 1Mtok --live\n"
		"unroll compare --data pairs.tsv --arch seq2seq:gru --arch seq2seq:gru,attention=luong --budget 60s",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
