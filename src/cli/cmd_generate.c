/* unroll generate: text from a model, as it comes. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include "base/machine.h"
#include "run/generate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

struct values {
	const char *model, *weights, *prompt, *prompt_file, *stop;
	int64_t n, top_k, seed;
	double temp, top_p;
	int no_echo, json, quiet;
};

enum { MOST_PROMPT = 1 << 26 };

typedef struct writer {
	int plain;              /* to a terminal: what would steer it is left out */
	int broken;             /* errno of a failed write */
	char last;
	char *kept;             /* for JSON */
	size_t bytes, room;
} writer;

static int keep(writer *w, const char *text, size_t bytes)
{
	if (w->bytes + bytes > w->room) {
		size_t room = 2 * (w->bytes + bytes) + 1024;
		char *more = realloc(w->kept, room);
		if (!more) {
			w->broken = ENOMEM;
			return 1;
		}
		w->kept = more;
		w->room = room;
	}
	memcpy(w->kept + w->bytes, text, bytes);
	w->bytes += bytes;
	return 0;
}

static void put(writer *w, const char *text, size_t bytes)
{
	if (!w->plain) {
		(void)fwrite(text, 1, bytes, stdout);
	} else {
		for (size_t i = 0; i < bytes; i++)
			if ((unsigned char)text[i] >= 32 || text[i] == '\n' || text[i] == '\t')
				(void)putchar(text[i] == 127 ? '?' : text[i]);
			else
				(void)putchar('?');
	}
	if (bytes)
		w->last = text[bytes - 1];
}

/* A ur_text_out. */
static int on_text(void *arg, int32_t token, const char *text, size_t bytes)
{
	writer *w = arg;

	(void)token;
	if (ur_stop_signal())
		return 1;
	if (w->kept)
		return keep(w, text, bytes);
	put(w, text, bytes);
	if (fflush(stdout)) {
		w->broken = errno;
		return 1;
	}
	return 0;
}

/* The file's text, malloc'd. */
static int read_prompt(const ur_args *args, const char *path, char **text, size_t *bytes)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t room = 1 << 16, n = 0, got;
	char shown[200], *more;

	ur_visible(path, shown, sizeof shown);
	*text = malloc(room);
	errno = 0;
	while (file && *text && (got = fread(*text + n, 1, room - n, file)) > 0) {
		n += got;
		if (n < room || n >= MOST_PROMPT)
			continue;
		more = realloc(*text, room *= 2);
		if (!more)
			free(*text);
		*text = more;
	}
	*bytes = n;
	if (!*text)
		ur_complain(args, "no memory for the prompt in %s", shown);
	else if (!file || ferror(file))
		ur_complain(args, "--prompt-file %s: %s", shown, strerror(errno ? errno : EIO));
	else if (n >= MOST_PROMPT)
		ur_complain(args, "--prompt-file %s is longer than %d MiB", shown, MOST_PROMPT >> 20);
	else {
		if (file != stdin)
			(void)fclose(file);
		return UR_EXIT_OK;
	}
	if (file && file != stdin)
		(void)fclose(file);
	return UR_EXIT_FAILED;
}

/* The prompt as tokens, malloc'd. */
static int encode(const ur_args *args, const ur_model *m, int32_t **tokens, int64_t *n)
{
	const struct values *v = args->values;
	char *text = NULL;
	size_t bytes = 0;
	ur_err err = { 0 };
	int code = UR_EXIT_OK;

	if (v->prompt_file) {
		code = read_prompt(args, v->prompt_file, &text, &bytes);
	} else if (v->prompt) {
		bytes = strlen(v->prompt);
		text = strdup(v->prompt);
	}
	/* no vocabulary makes more tokens than there are bytes */
	*tokens = malloc((bytes + 1) * sizeof **tokens);
	if (!code && (!*tokens || (v->prompt && !text))) {
		ur_complain(args, "no memory for the prompt");
		code = UR_EXIT_FAILED;
	}
	if (!code && bytes && (*n = ur_vocab_encode(m->vocab, text, bytes, *tokens, bytes, &err)) < 0) {
		ur_complain(args, "the prompt: %s", err.text);
		code = err.status == UR_E_NOMEM ? UR_EXIT_FAILED : UR_EXIT_USAGE;
	}
	free(text);
	return code;
}

static int echo(writer *w, const ur_model *m, const int32_t *tokens, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		const char *text;
		size_t bytes = ur_vocab_decode(m->vocab, tokens[i], &text);
		if (w->kept && keep(w, text, bytes))
			return 0;
		if (!w->kept)
			put(w, text, bytes);
	}
	return 1;
}

static int show_json(const ur_args *args, const ur_model *m, const writer *w, size_t prompt, int64_t prompt_tokens,
                     int64_t drawn, uint64_t seed, double seconds)
{
	const struct values *v = args->values;

	return ur_print_json(args, json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o}",
		"model", ur_json_string(v->model), "spec", m->spec.text, "prompt", ur_json_text(w->kept, prompt),
		"text", ur_json_text(w->kept + prompt, w->bytes - prompt), "prompt_tokens", (json_int_t)prompt_tokens,
		"tokens", (json_int_t)drawn, "seed", (json_int_t)seed, "seconds", ur_json_number(seconds),
		"tokens_per_second", ur_json_number(seconds > 0 ? (double)drawn / seconds : 0)));
}

static int generate(const ur_args *args, const ur_model *m, ur_stream *stream, const int32_t *tokens, int64_t n,
                    uint64_t seed)
{
	const struct values *v = args->values;
	const ur_generation g = { .prompt = tokens, .prompt_tokens = n, .count = v->n, .stop = v->stop,
		.sampling = { .temperature = v->temp, .top_k = (int)v->top_k, .top_p = v->top_p, .seed = seed } };
	writer w = { .plain = ur_terminal_width(STDOUT_FILENO) > 0, .last = '\n' };
	ur_err err = { 0 };
	ur_status status;
	int64_t drawn = 0;
	double start, seconds;
	size_t prompt;
	ur_short a, b, c;
	int code = UR_EXIT_OK;

	if (v->json && !(w.kept = malloc(w.room = 4096))) {
		ur_complain(args, "no memory for the text");
		return UR_EXIT_FAILED;
	}
	if ((v->json || !v->no_echo) && !echo(&w, m, tokens, n)) {
		ur_complain(args, "no memory for the text");
		free(w.kept);
		return UR_EXIT_FAILED;
	}
	prompt = w.bytes;
	start = ur_clock();
	status = ur_generate(stream, &g, on_text, &w, &drawn, &err);
	seconds = ur_clock() - start;
	if (w.plain && !v->json && w.last != '\n')
		(void)putchar('\n');
	if (!w.broken && fflush(stdout))
		w.broken = errno;
	if (w.broken)
		clearerr(stdout); /* it is dealt with here */
	if (w.broken == EPIPE) {
		code = UR_EXIT_OK; /* the reader has enough */
	} else if (w.broken) {
		ur_complain(args, "standard output: %s", strerror(w.broken));
		code = UR_EXIT_FAILED;
	} else if (status) {
		code = ur_failed(args, status, &err);
	} else if (v->json) {
		code = show_json(args, m, &w, prompt, n, drawn, seed, seconds);
	} else if (!v->quiet) {
		(void)fprintf(stderr, "%s tokens in %s, %s a second; --seed %llu\n", ur_commas(drawn, a),
		              ur_time_text(seconds, b), ur_commas(seconds > 0 ? (int64_t)((double)drawn / seconds) : 0, c),
		              (unsigned long long)seed);
	}
	free(w.kept);
	return code;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	const ur_kernels *k;
	uint32_t random = 1;
	uint64_t seed = (uint64_t)v->seed;
	ur_model *m = NULL;
	ur_stream *stream = NULL;
	int32_t *tokens = NULL;
	int64_t n = 0;
	ur_err err = { 0 };
	ur_status status;
	int code;

	if (v->prompt && v->prompt_file)
		return ur_wrong(args, "give --prompt or --prompt-file, not both");
	if (!ur_given(args, offsetof(struct values, seed))) {
		if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
			random = (uint32_t)(ur_clock() * 1e6);
		seed = random;
	}
	if ((code = ur_open_kernels(args, &k)))
		return code;
	code = ur_open_text_model_as(args, v->model, k, ur_weights_named(v->weights), &m);
	if (!code && !(code = encode(args, m, &tokens, &n))) {
		ur_stop_catch(NULL);
		status = unroll_stream_open(m, NULL, &stream, &err);
		code = status ? ur_failed(args, status, &err) : generate(args, m, stream, tokens, n, seed);
	}
	unroll_stream_close(stream);
	free(tokens);
	ur_model_free(m);
	return code;
}

#define AT(member) offsetof(struct values, member)
static const ur_opt options[] = {
	UR_OPT(TEXT, "model", 'm', model, "FILE", "the model", .required = 1),
	UR_OPT(TEXT, "prompt", 'p', prompt, "TEXT", "what the text begins with", .otherwise = "a new line"),
	UR_OPT(TEXT, "prompt-file", 0, prompt_file, "FILE", "the same from a file; - is standard input"),
	UR_OPT(INT, "count", 'n', n, "N", "tokens to draw", .standard = "400", .least = 0, .most = 1e15),
	UR_OPT(REAL, "temp", 0, temp, "X",
	       "temperature: below 1 likelier tokens, above 1 more surprising ones; 0: the likeliest, always",
	       .standard = "0.8", .least = 0, .most = 100),
	UR_OPT(INT, "top-k", 0, top_k, "N", "draw from the N likeliest tokens alone; 0: from all", .standard = "0",
	       .least = 0, .most = UR_VOCAB_MOST),
	UR_OPT(REAL, "top-p", 0, top_p, "X", "draw from the likeliest tokens that together have this probability",
	       .standard = "1", .least = 0, .most = 1),
	UR_OPT(TEXT, "stop", 0, stop, "TEXT", "end when the drawn text has this in it"),
	UR_OPT(INT, "seed", 0, seed, "N", "the same seed draws the same text", .otherwise = "random, and shown",
	       .least = 0, .most = 9.2e18),
	UR_OPT(FLAG, "no-echo", 0, no_echo, NULL, "leave the prompt out of what is printed"),
	UR_OPT_WEIGHTS(struct values),
	UR_OPT_JSON(struct values),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_generate = {
	.usage = "--model FILE [--prompt TEXT] [options]",
	.details = "Prints the prompt and what the model writes after it, token by token. A model with a limited context "
		"that is full goes on from the last half of it.",
	.examples = "unroll generate --model model.safetensors --prompt 'The '\n"
		"unroll generate -m model.safetensors -p 'The ' -n 100 --temp 0.5 --seed 7\n"
		"unroll generate -m model.safetensors --prompt-file prompt.txt --no-echo --json",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
