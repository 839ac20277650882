/* unroll compare: several architectures on one text and this machine, and which of them to use. */
#include "cli/cli_compare.h"

#include "base/machine.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

struct values {
	const char *data, *archs, *budget, *out_dir, *vocab, *lr;
	ur_list arch;
	int64_t params, tokens, vocab_size, trials, seq_len, step_tokens, seed, threads;
	double val, test;
	int json, quiet;
};

#define AT(member) offsetof(struct values, member)

enum { NAMES_ROOM = 1024 };
#define DEFAULT_ARCHS "rnn,gru,lstm,transformer"
#define TRIAL_SHARE 0.15

/* ---- progress ---- */

struct progress {
	int quiet, live;
	double shown;
	char stage[160];
};

static const double LIVE_EVERY = 0.1, PLAIN_EVERY = 10;

static void clear(struct progress *p)
{
	if (p->live)
		(void)fputs("\r\033[K", stderr);
	p->live = 0;
}

/* A ur_watch. On a terminal one line that changes; elsewhere a line for each stage, and one every few seconds. */
static int on_stage(void *arg, const ur_stage *s)
{
	struct progress *p = arg;
	const int width = p->quiet ? 0 : ur_terminal_width(STDERR_FILENO);
	const double now = ur_clock();
	char stage[160], line[400];
	ur_short eta, a, b;
	int fresh;

	if (p->quiet)
		return ur_stop_signal() != 0;
	(void)snprintf(stage, sizeof stage, "%s%s%s", s->name, *s->name ? ": " : "", s->what);
	fresh = strcmp(stage, p->stage) != 0;
	if (!fresh && now - p->shown < (width ? LIVE_EVERY : PLAIN_EVERY))
		return ur_stop_signal() != 0;
	p->shown = now;
	(void)snprintf(p->stage, sizeof p->stage, "%s", stage);
	line[0] = 0;
	if (s->tokens > 0)
		(void)snprintf(line, sizeof line, "%3.0f %%, %s left  ", 100 * s->share, ur_time_text(s->eta, eta));
	(void)snprintf(line + strlen(line), sizeof line - strlen(line), "%s", stage);
	if (s->step > 0 && s->tokens > 0)
		(void)snprintf(line + strlen(line), sizeof line - strlen(line), "  step %s/%s  loss %.3f  lr %.2g",
			ur_commas(s->step, a),
		               ur_commas(s->steps, b), s->loss, s->lr);
	if (width)
		(void)fprintf(stderr, "\r\033[K%.*s", width - 1, line);
	else
		(void)fprintf(stderr, "%s\n", line);
	(void)fflush(stderr);
	p->live = width > 0;
	return ur_stop_signal() != 0;
}

/* ---- what is asked ---- */

/* 90, 90s, 5m, 1.5h; 0: no time. */
static double seconds_of(const char *text)
{
	static const struct { const char *unit; double seconds; } units[] = {
		{ "", 1 }, { "s", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 } };
	char *rest;
	double x = isdigit((unsigned char)*text) || *text == '.' ? strtod(text, &rest) : 0;

	if (!(x > 0) || !isfinite(x))
		return 0;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (!strcmp(rest, units[i].unit))
			return x * units[i].seconds <= 1e7 ? x * units[i].seconds : 0;
	return 0;
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
			return ur_wrong(args, "--archs takes names; a spec with options goes into an --arch of its own, as in --arch "
			                "transformer:4x64,context=128");
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
			return ur_wrong(args, "--lr '%s': it takes one learning rate, or one for each architecture, with commas between",
				v->lr);
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

/* Every spec is right before the text is read. */
static int check_archs(const ur_args *args, const char *const *arch, int n)
{
	ur_err err = { 0 };
	ur_spec spec;
	int open;

	for (int i = 0; i < n; i++)
		if (ur_width_parse(arch[i], &spec, &open, &err)) {
			ur_failed(args, err.status, &err);
			(void)fprintf(stderr, "try: unroll help specs\n");
			return UR_EXIT_USAGE;
		}
	return UR_EXIT_OK;
}

/* ---- doing it ---- */

/* Sizes, tokens and rates, which give the same losses anywhere; a budget of time does not. */
static char *again(const ur_args *args, const ur_compare *what, const ur_comparison *c)
{
	const struct values *v = args->values;
	char *data = ur_quoted(v->data), *text = malloc(32768), *word;
	size_t at = 0, room = 32768;

	for (int i = 0; i < c->n; i++)
		if (!(c->of[i].lr > 0)) { /* all its trials diverged: there is no rate to name */
			free(data);
			free(text);
			return NULL;
		}
	if (data && text) {
		at += (size_t)snprintf(text, room, "unroll compare --data %.8000s", data);
		for (int i = 0; i < what->archs && at < room; i++)
			if ((word = ur_quoted(c->of[i].spec.text))) {
				at += (size_t)snprintf(text + at, room - at, " --arch %.500s", word);
				free(word);
			}
		for (int i = 0; i < c->n && at < room; i++) {
			char rate[40] = "";
			/* as few digits as say it exactly */
			for (int digits = 3; digits <= 17 && !(fabs(strtod(rate, NULL) - c->of[i].lr) <= 0); digits++)
				(void)snprintf(rate, sizeof rate, "%.*g", digits, c->of[i].lr);
			at += (size_t)snprintf(text + at, room - at, "%s%s", i ? "," : " --lr ", rate);
		}
		if (at < room)
			at += (size_t)snprintf(text + at, room - at, " --tokens %lld --seq-len %d --step-tokens %d --seed %llu",
				(long long)c->tokens,
			                       c->window, c->step_tokens, (unsigned long long)what->seed);
		if (v->vocab && at < room)
			at += (size_t)snprintf(text + at, room - at, " --vocab %s", v->vocab);
		if (v->vocab_size && at < room)
			at += (size_t)snprintf(text + at, room - at, " --vocab-size %lld", (long long)v->vocab_size);
		if ((ur_given(args, AT(val)) || ur_given(args, AT(test))) && at < room)
			at += (size_t)snprintf(text + at, room - at, " --val %g --test %g", v->val, v->test);
	}
	free(data);
	if (at >= room) {
		free(text);
		return NULL;
	}
	return text;
}

static int compare(const ur_args *args, ur_compare *what, ur_comparison *c, const char *note)
{
	static const char *const none[] = { NULL };
	const struct values *v = args->values;
	struct progress progress = { .quiet = v->quiet };
	char *command = ur_command_line(args, "unroll", none, NULL), *repeat;
	ur_err err = { 0 };
	ur_status status;
	int code = UR_EXIT_OK;

	what->command = command;
	what->watch = on_stage;
	what->arg = &progress;
	ur_stop_catch("\nunroll compare: stopping (once more: at once)\n");
	status = ur_compare_run(what, c, &err);
	clear(&progress);
	if (status) {
		code = ur_failed(args, status, &err);
	} else {
		ur_setting setting = { what, v->data, *note ? note : NULL, repeat = again(args, what, c) };
		if (v->json)
			code = ur_print_json(args, ur_comparison_json(&setting, c));
		else
			ur_comparison_print(&setting, c);
		free(repeat);
		/* nothing was trained: the comparison failed, whatever else was learnt */
		if (!code && c->advice.best < 0)
			code = UR_EXIT_FAILED;
	}
	free(command);
	return code;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	const char *arch[UR_MOST_CONTENDERS];
	char names[NAMES_ROOM];
	double lr[UR_MOST_CONTENDERS];
	ur_note note;
	ur_compare what = { .arch = arch, .parameters = v->params, .tokens = v->tokens, .trials = (int)v->trials,
	                    .share = TRIAL_SHARE, .lr = v->lr ? lr : NULL, .window = (int)v->seq_len,
	                    .step_tokens = (int)v->step_tokens, .seed = (uint64_t)v->seed, .out_dir = v->out_dir };
	ur_comparison *c;
	ur_corpus *corpus = NULL;
	ur_ctx ctx = { 0 };
	ur_err err = { 0 };
	ur_status status;
	int code;

	if (v->tokens > 0 && ur_given(args, AT(budget)))
		return ur_wrong(args, "give --budget or --tokens, not both");
	if (v->tokens == 0 && !((what.seconds = seconds_of(v->budget)) > 0))
		return ur_wrong(args, "--budget '%s': not a time; write 90s, 5m or 1.5h", v->budget);
	if (v->lr && ur_given(args, AT(trials)))
		return ur_wrong(args, "give --lr or --trials, not both");
	if (v->vocab_size && (!v->vocab || strcmp(v->vocab, "word")))
		return ur_wrong(args, "--vocab-size goes with --vocab word");
	if ((code = list_archs(args, names, arch, &what.archs)) || (code = check_archs(args, arch, what.archs)))
		return code;
	if (v->lr && (code = list_rates(args, what.archs, lr)))
		return code;
	if (!(c = calloc(1, sizeof *c))) {
		ur_complain(args, "out of memory");
		return UR_EXIT_FAILED;
	}
	ur_stop_catch(NULL);
	if (!(code = ur_open_context(args, v->threads, &ctx)) &&
	    !(code = ur_open_any_corpus(args, &(ur_corpus_request){ .path = v->data, .vocab = v->vocab,
	                                .vocab_size = v->vocab_size }, v->quiet, &corpus, note))) {
		status = ur_split_make(ur_corpus_tokens(corpus), 1 - v->val - v->test, v->val, &what.split, &err);
		what.corpus = corpus;
		what.ctx = &ctx;
		code = status ? ur_failed(args, status, &err) : compare(args, &what, c, note);
	}
	ur_corpus_close(corpus);
	ur_ctx_close(&ctx);
	free(c);
	return code;
}

/* The kinds of vocabs.def, "|byte|char|word". */
static const char vocabularies[] =
#define UR_VOCAB(name) "|" #name
#include "vocab/vocabs.def"
#undef UR_VOCAB
	;

static const ur_opt options[] = {
	{ .name = "data", .letter = 'd', .kind = UR_OPT_TEXT, .at = AT(data), .arg = "FILE", .required = 1,
	  .help = "the text" },
	{ .name = "archs", .kind = UR_OPT_TEXT, .at = AT(archs), .arg = "NAMES", .otherwise = DEFAULT_ARCHS,
	  .help = "architectures by name, with commas between them" },
	{ .name = "arch", .letter = 'a', .kind = UR_OPT_LIST, .at = AT(arch), .arg = "SPEC",
	  .help = "one more, as a spec (see unroll help specs); may be given again" },
	{ .name = "params", .kind = UR_OPT_INT, .at = AT(params), .arg = "N", .least = 100, .most = 1e12,
	  .otherwise = "those of the first spec with a shape, or what the budget can train",
	  .help = "parameters of each: widths are chosen to meet this" },
	{ .name = "budget", .kind = UR_OPT_TEXT, .at = AT(budget), .arg = "TIME", .standard = "3m",
	  .help = "time for everything together, as in 90s or 5m: each trains on as many tokens as fit" },
	{ .name = "tokens", .kind = UR_OPT_INT, .at = AT(tokens), .arg = "N", .least = 1, .most = 1e15,
	  .help = "instead of --budget: tokens each is trained on, as in 2M" },
	{ .name = "trials", .kind = UR_OPT_INT, .at = AT(trials), .arg = "N", .standard = "3", .least = 1,
	  .most = UR_MOST_TRIALS, .help = "learning rates tried for each" },
	{ .name = "lr", .kind = UR_OPT_TEXT, .at = AT(lr), .arg = "X,X...",
	  .help = "instead of trials: the learning rate, or one for each, in order" },
	{ .name = "seq-len", .letter = 'T', .kind = UR_OPT_INT, .at = AT(seq_len), .arg = "N", .least = 1, .most = 1 << 20,
	  .otherwise = "64 to 256 by the budget",
	  .help = "tokens a window, which gradients reach across; models of limited context have theirs" },
	{ .name = "step-tokens", .kind = UR_OPT_INT, .at = AT(step_tokens), .arg = "N", .least = 1, .most = 1 << 24,
	  .otherwise = "1,024 to 16,384 by the budget", .help = "tokens an optimiser step, in as many windows as it takes" },
	{ .name = "out-dir", .letter = 'o', .kind = UR_OPT_TEXT, .at = AT(out_dir), .arg = "FOLDER",
	  .otherwise = "they are not kept", .help = "where the models go, as NAME.safetensors" },
	{ .name = "vocab", .kind = UR_OPT_CHOICE, .at = AT(vocab), .arg = "KIND", .choices = vocabularies + 1, .group = "data",
	  .otherwise = "char for UTF-8 of at most 512 different characters, else byte", .help = "what a token is" },
	{ .name = "vocab-size", .kind = UR_OPT_INT, .at = AT(vocab_size), .arg = "N", .least = 3, .most = UR_VOCAB_MOST,
	  .otherwise = "all there are", .help = "keep the N most frequent words" },
	{ .name = "val", .kind = UR_OPT_REAL, .at = AT(val), .arg = "SHARE", .standard = "0.05", .least = 0.0001, .most = 0.9,
	  .help = "share of the text to choose learning rates on, behind the part to train on" },
	{ .name = "test", .kind = UR_OPT_REAL, .at = AT(test), .arg = "SHARE", .standard = "0.05", .least = 0, .most = 0.9,
	  .help = "share at its end to compare on" },
	{ .name = "seed", .kind = UR_OPT_INT, .at = AT(seed), .arg = "N", .standard = "1", .least = 0, .most = 9.2e18,
	  .group = "general", .help = "the same seed, data, sizes and tokens give the same losses" },
	UR_OPT_THREADS(struct values),
	UR_OPT_JSON(struct values),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_compare = {
	.usage = "--data FILE [--archs NAMES] [--arch SPEC]... [options]",
	.details = "Gives each architecture the same number of parameters, the same training tokens and as many trials of "
		"learning rates, then measures quality on held-out text, training speed, memory, the time of a step and the size of "
		"a live stream's state, and recommends one, with reasons.\n"
		"A spec with a shape (lstm:2x256) keeps it, unless --params is given; one without (lstm) is sized to match, and "
		"where it has a limited context and names none, it gets one of --seq-len. Trials are beginnings of the run that "
		"follows them.",
	.examples = "unroll compare --data corpus.txt\n"
		"unroll compare --data corpus.txt --archs gru,lstm --params 200k --budget 10m --out-dir models\n"
		"unroll compare --data corpus.txt --arch lstm:2x256 --arch transformer,context=64 --tokens 1M",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
