/* unroll: the program. Finds the command, reads its options, runs it, and sees that what it printed arrived. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

const ur_verb ur_verbs[] = {
#define UR_COMMAND(name, about) { #name, about, &ur_command_##name },
#include "cli/commands.def"
#undef UR_COMMAND
	{ NULL, NULL, NULL }
};

const ur_verb *ur_verb_find(const char *name)
{
	for (const ur_verb *v = ur_verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

const char *ur_verb_near(const char *name)
{
	const char *near = NULL;
	int best = 100, distance;

	for (const ur_verb *v = ur_verbs; v->name; v++)
		if (ur_is_near(name, v->name, &distance) && distance < best) {
			best = distance;
			near = v->name;
		}
	return near;
}

/* What stdout still holds must arrive: a full disk is an error. A reader that went away (| head) has had enough. */
static int close_output(int code)
{
	int bad = ferror(stdout);

	errno = 0;
	bad |= fflush(stdout);
	if (!bad || errno == EPIPE)
		return code;
	(void)fprintf(stderr, "unroll: standard output: %s\n", errno ? strerror(errno) : "could not be written");
	return code ? code : UR_EXIT_FAILED;
}

/* A command named by its option: unroll --help, -h, --version. */
static const char *as_verb(const char *word)
{
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return "help";
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return "version";
	return word;
}

static int run(const ur_verb *verb, int argc, char **argv)
{
	ur_args args = { .name = verb->name, .command = verb->command, .argc = argc, .argv = argv };
	void *values = calloc(1, verb->command->size ? verb->command->size : 1);
	char **words = calloc((size_t)argc, sizeof *words);
	int code = UR_EXIT_FAILED;

	if (!values || !words) {
		ur_complain(&args, "out of memory");
	} else {
		switch (ur_args_parse(&args, values, words)) {
		case UR_PARSE_HELP:
			ur_print_command_help(verb, stdout);
			code = UR_EXIT_OK;
			break;
		case UR_PARSE_WRONG:
			code = UR_EXIT_USAGE;
			break;
		case UR_PARSE_OK:
			code = verb->command->run(&args);
		}
	}
	free(values);
	free(words);
	return code;
}

/* A file must not become standard output because that was closed: what is closed is opened so that using it fails. */
static void hold_standard_files(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
			_exit(UR_EXIT_FAILED);
}

int main(int argc, char **argv)
{
	const ur_verb *verb;
	const char *near;
	char shown[64];

	hold_standard_files();
	/* a closed pipe is a failed write, which commands that have more to do than print go on after */
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		ur_print_help(stderr);
		return UR_EXIT_USAGE;
	}
	verb = ur_verb_find(as_verb(argv[1]));
	if (!verb) {
		near = ur_verb_near(argv[1]);
		(void)fprintf(stderr, "unroll: there is no command '%s'", ur_visible(argv[1], shown, sizeof shown));
		if (near)
			(void)fprintf(stderr, "; did you mean '%s'?", near);
		(void)fprintf(stderr, "\ntry: unroll help\n");
		return UR_EXIT_USAGE;
	}
	return close_output(run(verb, argc, argv));
}
