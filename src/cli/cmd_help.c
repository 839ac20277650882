/* unroll help: the program, a command from its own table, the language of specs, or the tasks. */
#include "cli/cli.h"

#include "data/task.h"

#include <unistd.h>

enum { WIDEST = 90, NARROWEST = 40, NAMES = 26, SPEC_NAMES = 18 };

static int width_of(FILE *to)
{
	int width = ur_terminal_width(fileno(to));
	return width == 0 || width > WIDEST ? WIDEST : width < NARROWEST ? NARROWEST : width;
}

void ur_print_wrapped(FILE *to, const char *text, int at, int indent, int width)
{
	while (*text) {
		int n = (int)strcspn(text, " \n"), blank = (int)strspn(text, " ");
		if (*text == '\n') {
			(void)fputc('\n', to);
			at = 0;
			text++;
			continue;
		}
		if (n == 0) { /* blanks: at a line's start they are an indent, between words they may become a new line */
			int word = (int)strcspn(text + blank, " \n");
			if (at > indent && at + blank + word > width) {
				(void)fputc('\n', to);
				at = 0;
			} else if (at) {
				(void)fprintf(to, "%*s", blank, "");
				at += blank;
			} else {
				(void)fprintf(to, "%*s", indent + blank, "");
				at = indent + blank;
			}
			text += blank;
			continue;
		}
		if (at == 0) {
			(void)fprintf(to, "%*s", indent, "");
			at = indent;
		}
		(void)fwrite(text, 1, (size_t)n, to);
		at += n;
		text += n;
	}
	(void)fputc('\n', to);
}

/* A name in the left column, what it means beside it, or below it where the terminal is narrow. */
static void entry(FILE *to, const char *name, const char *about, int names, int width)
{
	int indent = width < 60 ? 6 : names, at = (int)strlen(name);

	(void)fputs(name, to);
	if (at + 2 > indent) {
		(void)fputc('\n', to);
		at = 0;
	} else {
		(void)fprintf(to, "%*s", indent - at, "");
		at = indent;
	}
	ur_print_wrapped(to, about, at, indent, width);
}

static void print_option(FILE *to, const ur_opt *o, int width)
{
	char name[80], about[600];
	int n;

	if (o->letter)
		n = snprintf(name, sizeof name, "  -%c, --%s", o->letter, o->name);
	else
		n = snprintf(name, sizeof name, "      --%s", o->name);
	if (o->kind != UR_OPT_FLAG)
		(void)snprintf(name + n, sizeof name - (size_t)n, " %s", o->arg);
	(void)snprintf(about, sizeof about, "%s%s%s%s%s%s%s", o->help, o->choices ? ": " : "", o->choices ? o->choices : "",
		o->standard || o->otherwise ? " (default " : "", o->standard ? o->standard : o->otherwise ? o->otherwise : "",
		o->standard || o->otherwise ? ")" : "", o->required ? " (required)" : "");
	entry(to, name, about, NAMES, width);
}

void ur_print_command_help(const ur_verb *verb, FILE *to)
{
	const ur_command *c = verb->command;
	int width = width_of(to);

	(void)fprintf(to, "unroll %s: ", verb->name);
	ur_print_wrapped(to, verb->about, 9 + (int)strlen(verb->name), 2, width);
	(void)fputs("\nusage: ", to);
	(void)fprintf(to, "unroll %s ", verb->name);
	ur_print_wrapped(to, c->usage, 15 + (int)strlen(verb->name), 10, width);
	if (c->details) {
		(void)fputc('\n', to);
		ur_print_wrapped(to, c->details, 0, 0, width);
	}
	for (const ur_opt *o = c->options; o && o->name; o++) {
		if (o == c->options || o->group)
			(void)fprintf(to, "\n%s:\n", o->group ? o->group : "options");
		print_option(to, o, width);
	}
	(void)fputs("\nexamples:\n", to);
	for (const char *line = c->examples; *line;) {
		size_t n = strcspn(line, "\n");
		(void)fprintf(to, "  %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

void ur_print_help(FILE *to)
{
	int width = width_of(to);

	(void)fputs("usage: unroll COMMAND [options]\n\n", to);
	ur_print_wrapped(to, "Trains recurrent and attention models on your own text, measures what each costs on this "
		"machine and how good it is, and runs the one you choose.", 0, 0, width);
	(void)fputc('\n', to);
	for (const ur_verb *v = ur_verbs; v->name; v++) {
		char name[40];
		(void)snprintf(name, sizeof name, "  %s", v->name);
		entry(to, name, v->about, 14, width);
	}
	(void)fputs("\nunroll COMMAND --help says more, unroll help specs how models are specified, and unroll help tasks\n"
		"which tasks there are to train on without a text.\n\n"
		"to begin with:\n"
		"  unroll train --arch lstm:2x256 --data corpus.txt -o model.safetensors\n"
		"  unroll generate --model model.safetensors --prompt 'The '\n", to);
}

struct to { FILE *file; int width; };

static void spec_line(void *arg, const char *name, const char *about)
{
	const struct to *to = arg;
	char left[64];

	(void)snprintf(left, sizeof left, "  %s", name);
	entry(to->file, left, about, SPEC_NAMES + 2, to->width);
}

static void print_specs(FILE *file)
{
	struct to to = { file, width_of(file) };

	ur_print_wrapped(file, "A spec says in one line what a model is: NAME[:LAYERSxWIDTH][,option=value]...\n\n"
		"  lstm:2x256\n  gru:3x128,dropout=0.2\n  transformer:4x128,heads=4,context=64\n  lstm:4x256,block=llama\n\n"
		"seq2seq: before a name makes it a model of source/target pairs, an encoder and a decoder of so many "
		"layers:\n\n"
		"  seq2seq:lstm:2x256\n  seq2seq:gru:1x512,attention=bahdanau,encoder=bi\n  seq2seq:transformer:3x256\n\n"
		"Names, each with its own options below it:\n", 0, 0, to.width);
	ur_spec_help(spec_line, &to);
	ur_print_wrapped(file, "\nunroll info --spec SPEC says how many parameters a spec has and what it needs.", 0, 0,
	                 to.width);
}

static void print_tasks(FILE *file)
{
	struct to to = { file, width_of(file) };

	ur_print_wrapped(file, "A task stands for a text: --data task:NAME,T=N[,option=value]... Its sequences are drawn "
		"anew for every step, so it is known what a model has to remember, and for how long. Every token is one "
		"character.\n\n"
		"  unroll train --arch gru:1x64 --data task:recall,T=64 -o recall.safetensors\n"
		"  unroll eval --model recall.safetensors --data task:recall,T=128\n\n"
		"Tasks, each with its options below it:\n", 0, 0, to.width);
	ur_task_help(spec_line, &to);
}

static int run(const ur_args *args)
{
	const ur_verb *verb;
	const char *near;
	char shown[64];

	if (args->words == 0) {
		ur_print_help(stdout);
		return UR_EXIT_OK;
	}
	if (!strcmp(args->word[0], "specs") || !strcmp(args->word[0], "spec")) {
		print_specs(stdout);
		return UR_EXIT_OK;
	}
	if (!strcmp(args->word[0], "tasks") || !strcmp(args->word[0], "task")) {
		print_tasks(stdout);
		return UR_EXIT_OK;
	}
	if ((verb = ur_verb_find(args->word[0]))) {
		ur_print_command_help(verb, stdout);
		return UR_EXIT_OK;
	}
	near = ur_verb_near(args->word[0]);
	ur_visible(args->word[0], shown, sizeof shown);
	return near ? ur_wrong(args, "there is no command '%s'; did you mean '%s'?", shown, near)
	            : ur_wrong(args, "there is no command '%s'", shown);
}

const ur_command ur_command_help = {
	.usage = "[COMMAND | specs | tasks]",
	.examples = "unroll help\nunroll help train\nunroll help specs\nunroll help tasks",
	.most_words = 1,
	.run = run,
};
