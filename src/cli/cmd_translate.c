/* unroll translate: targets for sources, from the command line or line by line from standard input. */
#include "cli/cli_pairs.h"

#include "base/machine.h"
#include "vocab/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

struct values {
	const char *model, *weights;
	double penalty;
	int64_t beam, batch_size, most, threads;
	int show_attention, json, quiet;
};

/* One source: its text, its tokens, and, once it is translated, what came of it. */
typedef struct item {
	char *text;
	size_t bytes;
	int32_t *tokens;
	int n;
} item;

typedef struct session {
	const ur_args *args;
	const struct values *v;
	ur_ctx ctx;
	ur_model *m;
	ur_translator *t;
	int longest;                    /* that the translator takes */
	item *items;
	int count;
	int64_t done, line, tokens;
	double seconds;
	int broken;                     /* errno of the first failed write */
} session;

static void free_item(item *i)
{
	free(i->text);
	free(i->tokens);
	*i = (item){ 0 };
}

/* Its tokens; the exit code. */
static int encode(const session *s, item *i)
{
	ur_err err = { 0 };
	int64_t n = ur_vocab_encode(s->m->source, i->text, i->bytes, NULL, 0, &err);
	const int limit = ur_source_limit(s->m);

	if (n < 0) {
		ur_complain(s->args, "source %lld: %s", (long long)s->line, err.text);
		return UR_EXIT_USAGE;
	}
	if (n > 1 << 20 || (limit && n > limit)) {
		ur_complain(s->args, "source %lld has %lld tokens; this model takes at most %d", (long long)s->line,
		            (long long)n, limit ? limit : 1 << 20);
		return UR_EXIT_USAGE;
	}
	if (!(i->tokens = malloc((size_t)(n ? n : 1) * sizeof *i->tokens))) {
		ur_complain(s->args, "no memory for the source");
		return UR_EXIT_FAILED;
	}
	i->n = (int)n;
	(void)ur_vocab_encode(s->m->source, i->text, i->bytes, i->tokens, (size_t)n, NULL);
	return UR_EXIT_OK;
}

/* A translator that takes sources as long as these; one that is long enough stays. */
static int ready(session *s)
{
	const struct values *v = s->v;
	const int limit = ur_source_limit(s->m);
	int longest = 0;
	ur_err err = { 0 };
	ur_status status;

	for (int i = 0; i < s->count; i++)
		longest = s->items[i].n > longest ? s->items[i].n : longest;
	if (s->t && longest <= s->longest)
		return UR_EXIT_OK;
	ur_translator_close(s->t);
	s->longest = longest + longest / 2 + 16;
	if (limit && s->longest > limit)
		s->longest = limit;
	status = ur_translator_open(s->m, &s->ctx, &(ur_translating){ .beam = (int)v->beam, .penalty = v->penalty,
		.most = (int)v->most, .batch = (int)v->batch_size, .longest = s->longest,
		.alignments = v->show_attention }, &s->t, &err);
	return status ? ur_failed(s->args, status, &err) : UR_EXIT_OK;
}

/* The text of a token as a column's or row's name: without blanks and controls, at most 12 bytes and no half of a
 * character; a token of less than a character is its bytes, as in <C3><A4>. */
static const char *token_name(const ur_vocab *vocab, int32_t token, char out[16])
{
	const char *text;
	const size_t n = ur_vocab_decode(vocab, token, &text);
	size_t used = 0;

	for (size_t i = 0; i < n;) {
		uint32_t code = 0;
		const int wide = ur_utf8_next((const unsigned char *)text + i, n - i, &code);

		if (used + (wide > 0 ? (size_t)wide : 4) > 12)
			break;
		if (wide <= 0)
			used += (size_t)snprintf(out + used, 5, "<%02X>", (unsigned char)text[i]);
		else if (code > 32 && !(code >= 127 && code < 160))
			used += ur_utf8_put(code, out + used);
		i += wide > 0 ? (size_t)wide : 1;
	}
	out[used] = 0;
	return used ? out : token >= ur_vocab_size(vocab) ? "end" : "_";
}

/* How many columns a text takes, one a code point. */
static int columns(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

static void show_attention(const session *s, const item *i, const ur_translation *t)
{
	static const char shade[] = " .:-=+*#%@";
	const int rows = t->n + t->ended;
	char name[16];

	printf("%14s ", "");
	for (int j = 0; j < t->S; j++)
		printf(" %s", token_name(s->m->source, j < i->n ? i->tokens[j] : s->m->encoder.V - 1, name));
	(void)putchar('\n');
	for (int r = 0; r < rows; r++) {
		const char *word = token_name(s->m->vocab, r < t->n ? t->tokens[r] : s->m->V - 1, name);

		printf("%*s%s ", 14 - columns(word) > 0 ? 14 - columns(word) : 0, "", word);
		for (int j = 0; j < t->S; j++) {
			const float w = t->weights[(size_t)r * (size_t)t->S + (size_t)j];
			char column[16];
			const int wide = columns(token_name(s->m->source, j < i->n ? i->tokens[j] : s->m->encoder.V - 1, column));

			(void)putchar(' ');
			for (int k = 0; k < wide; k++)
				(void)putchar(shade[(int)fminf(9, fmaxf(0, w * 10))]);
		}
		(void)putchar('\n');
	}
}

static json_t *token_list(const ur_vocab *vocab, const int32_t *tokens, int n, int end)
{
	json_t *list = json_array();
	const char *text;

	for (int i = 0; i < n; i++) {
		const size_t bytes = ur_vocab_decode(vocab, tokens[i], &text);
		json_array_append_new(list, ur_json_text(text, bytes));
	}
	if (end)
		json_array_append_new(list, json_null());
	return list;
}

static json_t *weights_list(const ur_translation *t)
{
	json_t *rows = json_array();

	for (int r = 0; r < t->n + t->ended; r++) {
		json_t *row = json_array();
		for (int j = 0; j < t->S; j++)
			json_array_append_new(row, json_real((double)t->weights[(size_t)r * (size_t)t->S + (size_t)j]));
		json_array_append_new(rows, row);
	}
	return rows;
}

/* One object a line, so that a reader can begin before the last. */
static int show_json(const session *s, const item *i, const ur_translation *t, const char *text, size_t bytes)
{
	json_t *json = json_pack("{s:o, s:o, s:f, s:i, s:b}", "source", ur_json_text(i->text, i->bytes),
		"translation", ur_json_text(text, bytes), "log_probability", t->log_p, "tokens", t->n, "ended", t->ended);
	char *line;

	if (json && t->weights) {
		json_object_set_new(json, "source_tokens", token_list(s->m->source, i->tokens, i->n, 1));
		json_object_set_new(json, "translation_tokens", token_list(s->m->vocab, t->tokens, t->n, t->ended));
		json_object_set_new(json, "attention", weights_list(t));
	}
	line = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	json_decref(json);
	if (line)
		(void)puts(line);
	free(line);
	return line != NULL;
}

/* Translates what has been gathered. */
static int flush(session *s)
{
	const int n = s->count;
	const int32_t *source[n + 1];
	int len[n + 1], code = UR_EXIT_OK;
	ur_translation *out = calloc((size_t)n + 1, sizeof *out);
	ur_err err = { 0 };
	ur_status status;
	double start;

	if (!out) {
		ur_complain(s->args, "no memory for the translations");
		return UR_EXIT_FAILED;
	}
	if (n == 0 || (code = ready(s))) {
		free(out);
		return code;
	}
	for (int i = 0; i < n; i++) {
		source[i] = s->items[i].tokens;
		len[i] = s->items[i].n;
	}
	start = ur_clock();
	status = ur_translate(s->t, n, source, len, out, &err);
	s->seconds += ur_clock() - start;
	if (status)
		code = ur_failed(s->args, status, &err);
	for (int i = 0; i < n && !status && !code; i++) {
		size_t bytes;
		char *text = ur_translation_text(s->m->vocab, out[i].tokens, out[i].n, &bytes);

		if (!text || (s->v->json && !show_json(s, &s->items[i], &out[i], text, bytes))) {
			ur_complain(s->args, "no memory for the translation");
			code = UR_EXIT_FAILED;
		} else if (!s->v->json) {
			/* a model that knows every byte may say a line's end, and line i is source i's */
			for (size_t k = 0; k < bytes; k++)
				(void)putchar(text[k] == '\n' || text[k] == '\r' ? ' ' : text[k]);
			(void)putchar('\n');
			if (s->v->show_attention)
				show_attention(s, &s->items[i], &out[i]);
		}
		free(text);
		s->tokens += out[i].n + out[i].ended;
	}
	if (!code && fflush(stdout))
		s->broken = errno;
	s->done += n;
	for (int i = 0; i < n; i++)
		free_item(&s->items[i]);
	s->count = 0;
	free(out);
	return code;
}

/* Takes over `text`. A source that cannot be translated ends the run, but not before those ahead of it are answered. */
static int take(session *s, char *text, size_t bytes)
{
	item *i = &s->items[s->count];
	int code;

	*i = (item){ .text = text, .bytes = bytes };
	s->line++;
	if ((code = encode(s, i))) {
		free_item(i);
		(void)flush(s);
		return code;
	}
	s->count++;
	return s->count == (int)s->v->batch_size ? flush(s) : UR_EXIT_OK;
}

static int read_lines(session *s)
{
	const int one_by_one = isatty(STDIN_FILENO);
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int code = UR_EXIT_OK;

	while (!code && !s->broken && (n = getline(&line, &room, stdin)) >= 0) {
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		code = take(s, line, (size_t)n);
		line = NULL;
		room = 0;
		if (!code && one_by_one)
			code = flush(s);
	}
	free(line);
	if (!code && !s->broken && !feof(stdin)) { /* it cannot be read, or there is no memory for the line */
		ur_complain(s->args, "standard input: %s", strerror(errno));
		(void)flush(s);
		code = UR_EXIT_FAILED;
	}
	return code;
}

static int translate(session *s)
{
	const ur_args *args = s->args;
	ur_short a, b, c;
	int code = UR_EXIT_OK;

	if (!(s->items = calloc((size_t)s->v->batch_size, sizeof *s->items))) {
		ur_complain(args, "no memory for the sources");
		return UR_EXIT_FAILED;
	}
	for (int i = 0; i < args->words && !code && !s->broken; i++) {
		char *text = strdup(args->word[i]);
		if (text) {
			code = take(s, text, strlen(text));
		} else {
			ur_complain(args, "no memory for the source");
			(void)flush(s);
			code = UR_EXIT_FAILED;
		}
	}
	if (!args->words)
		code = read_lines(s);
	if (!code && !s->broken)
		code = flush(s);
	if (s->broken)
		clearerr(stdout);
	if (s->broken && s->broken != EPIPE) { /* a reader that has enough is no failure */
		ur_complain(args, "standard output: %s", strerror(s->broken));
		code = UR_EXIT_FAILED;
	}
	if (!code && !s->v->quiet && !s->v->json)
		(void)fprintf(stderr, "%s source%s in %s, %s tokens a second\n", ur_commas(s->done, a),
		              s->done == 1 ? "" : "s", ur_time_text(s->seconds, b),
		              ur_commas(s->seconds > 0 ? (int64_t)((double)s->tokens / s->seconds) : 0, c));
	for (int i = 0; i < s->count; i++)
		free_item(&s->items[i]);
	free(s->items);
	return code;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	session s = { .args = args, .v = v };
	int code;

	if ((code = ur_open_context(args, v->threads, &s.ctx)))
		return code;
	if (!(code = ur_open_text_model_as(args, v->model, s.ctx.k, ur_weights_named(v->weights), &s.m))) {
		if (!s.m->spec.pair)
			code = ur_wrong(args, "%s is a model of texts, not of pairs: see unroll generate", s.m->spec.text);
		else if (v->show_attention && !s.m->spec.attend && !s.m->spec.form->norm)
			code = ur_wrong(args, "%s has no attention to show: its decoder knows the source by the encoder's final "
			                "state alone", s.m->spec.text);
		else
			code = translate(&s);
	}
	ur_translator_close(s.t);
	ur_model_free(s.m);
	ur_ctx_close(&s.ctx);
	return code;
}

#define AT(member) offsetof(struct values, member)
static const ur_opt options[] = {
	UR_OPT(TEXT, "model", 'm', model, "FILE", "the model, trained with a spec like seq2seq:lstm:2x256", .required = 1),
	UR_OPT(INT, "beam", 0, beam, "N", "hypotheses kept for each source; 1: greedy", .standard = "5", .least = 1,
	       .most = UR_MOST_BEAM),
	UR_OPT(REAL, "length-penalty", 0, penalty, "X", "of a beam: 0 prefers short translations, 1 does not",
	       .standard = "1", .least = 0, .most = 10),
	UR_OPT(INT, "max-tokens", 0, most, "N", "tokens of a translation at most",
	       .otherwise = "twice the source's and 10", .least = 1, .most = 1 << 20),
	UR_OPT(INT, "batch-size", 'b', batch_size, "N", "sources from standard input that are translated together",
	       .standard = "32", .least = 1, .most = 4096),
	UR_OPT(FLAG, "show-attention", 0, show_attention, NULL,
	       "behind each translation, where in the source each of its tokens looked; with --json as numbers"),
	UR_OPT_WEIGHTS(struct values),
	UR_OPT_THREADS(struct values),
	{ .name = "json", .kind = UR_OPT_FLAG, .at = offsetof(struct values, json), .help = "one JSON object a line" },
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_translate = {
	.usage = "--model FILE [SOURCE...] [options]",
	.details = "Prints the likeliest target of each source, a line each. Without sources it reads them from standard "
		"input, a line each; from a terminal it answers each at once.",
	.examples = "unroll translate --model translator.safetensors 'ein mann schl\303\244ft'\n"
		"unroll translate -m translator.safetensors --beam 1 < sources.txt\n"
		"unroll translate -m translator.safetensors --show-attention 'ein hund'",
	.options = options,
	.size = sizeof(struct values),
	.most_words = 4096,
	.run = run,
};
