/* Makes a model that nobody trained, for tests of commands; and says what it answers, through the library alone.
 *
 *     make_model text FILE SPEC VOCABULARY                       its vocabulary learnt from standard input
 *     make_model classes|values FILE SPEC INPUTS OUTPUTS [ANSWER]
 *                                                                names, as in temp,wind; or numbers of them; and the
 *                                                                column that it says
 *     make_model answers FILE                                    of a model of text: for each line of standard input,
 *                                                                nats of its tokens and the likeliest token after it;
 *                                                                of values: the outputs for each line of numbers
 */
#define _GNU_SOURCE
#include "model/model.h"
#include "unroll.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

static _Noreturn void end(const char *what, const ur_err *err)
{
	fprintf(stderr, "make_model: %s%s%s\n", what, err ? ": " : "", err ? err->text : "");
	exit(1);
}

static int count_of(const char *list)
{
	int n = atoi(list);

	if (n > 0)
		return n;
	for (n = 1; *list; list++)
		n += *list == ',';
	return n;
}

static void name_all(ur_port *port, const char *list)
{
	char *copy = strdup(list), *at = copy, *name;
	ur_err err = { 0 };

	for (int i = 0; atoi(list) == 0 && (name = strsep(&at, ",")); i++)
		if (ur_port_name(port, i, name, &err))
			end("a name", &err);
	free(copy);
}

static ur_vocab *learn_vocab(const char *kind)
{
	ur_vocab_builder *b;
	ur_vocab *v;
	char text[MOST];
	size_t n;
	ur_err err = { 0 };

	if (ur_vocab_builder_open(&(ur_vocab_request){ .kind = kind }, &b, &err))
		end("the vocabulary", &err);
	while ((n = fread(text, 1, sizeof text, stdin)) > 0)
		if (ur_vocab_builder_feed(b, text, n, &err))
			end("the text", &err);
	if (ur_vocab_builder_finish(b, &v, &err))
		end("the vocabulary", &err);
	ur_vocab_builder_close(b);
	return v;
}

/* Weights so large that what came before shows in every output. */
static void make(const char *path, const char *spec_text, const ur_words *words)
{
	ur_spec spec;
	ur_model *m;
	ur_err err = { 0 };

	if (ur_spec_parse(spec_text, &spec, &err) ||
	    ur_model_create(&spec, words, ur_kernels_pick(NULL), 0, &m, &err))
		end("the model", &err);
	ur_model_init(m, 5);
	for (int i = 0; i < m->params; i++)
		for (size_t j = 0; j < m->param[i].count; j++) {
			float *w = &m->weights[m->param[i].at + j];
			*w = *w * 3 + 0.02f * (float)((j * 7) % 5) - 0.04f;
		}
	if (ur_model_save(m, path, 0, NULL, &err))
		end("the file", &err);
	ur_model_free(m);
}

/* ---- answers ---- */

static void answer_line(const ur_model *m, ur_stream *s, const char *line, size_t n, const float **out)
{
	const int V = unroll_outputs(m);
	int32_t tokens[MOST];
	ur_err err = { 0 };
	int64_t count = unroll_encode(m, line, n, tokens, MOST, &err);
	double nats = 0;
	int best = 0;

	if (count < 0)
		end("a line", &err);
	for (int64_t i = 0; i < count; i++) {
		if (*out) {
			double sum = 0;
			for (int k = 0; k < V; k++)
				sum += exp((double)(*out)[k]);
			nats += log(sum) - (double)(*out)[tokens[i]];
		}
		if (unroll_step(s, tokens[i], out, &err))
			end("a step", &err);
	}
	for (int k = 1; k < V; k++)
		if ((*out)[k] > (*out)[best])
			best = k;
	printf("%.9g %d\n", nats, best);
}

static void answer_values(const ur_model *m, ur_stream *s, char *line)
{
	float values[MOST];
	const float *out;
	ur_err err = { 0 };
	int n = 0;

	for (char *at = line, *one; (one = strsep(&at, ",\n")) && n < unroll_inputs(m); n++)
		values[n] = *one ? strtof(one, NULL) : NAN;
	if (unroll_step_values(s, values, &out, &err))
		end("a step", &err);
	for (int k = 0; k < unroll_outputs(m); k++)
		printf("%s%.9g", k ? " " : "", (double)out[k]);
	putchar('\n');
}

static void answers(const char *path)
{
	ur_model *m;
	ur_stream *s;
	const float *out = NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	ur_err err = { 0 };

	if (unroll_open(path, &m, &err) || unroll_stream_open(m, NULL, &s, &err))
		end("the model", &err);
	while ((n = getline(&line, &room, stdin)) > 0) {
		if (unroll_vocabulary(m))
			answer_line(m, s, line, (size_t)n, &out);
		else
			answer_values(m, s, line);
	}
	free(line);
	unroll_stream_close(s);
	unroll_close(m);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "text")) {
		ur_vocab *v = learn_vocab(argv[4]);
		make(argv[2], argv[3], &(ur_words){ .V = ur_vocab_size(v), .vocab = v });
		ur_vocab_free(v);
	} else if ((argc == 6 || argc == 7) && (!strcmp(argv[1], "classes") || !strcmp(argv[1], "values"))) {
		const unroll_says says = !strcmp(argv[1], "classes") ? UNROLL_CLASSES : UNROLL_VALUES;
		const int in = count_of(argv[4]), out = count_of(argv[5]);
		ur_ports *ports;
		ur_err err = { 0 };
		if (ur_ports_new(in, out, says, 1, &ports, &err))
			end("the values", &err);
		for (int i = 0; i < in; i++) {
			ports->in.mean[i] = (float)i;
			ports->in.scale[i] = 0.5f;
		}
		name_all(&ports->in, argv[4]);
		name_all(&ports->out, argv[5]);
		if (argc == 7 && ur_ports_answer(ports, argv[6], &err))
			end("the answer's column", &err);
		make(argv[2], argv[3], &(ur_words){ .V = out, .ports = ports });
		ur_ports_free(ports);
	} else if (argc == 3 && !strcmp(argv[1], "answers")) {
		answers(argv[2]);
	} else {
		end("see the first lines of make_model.c", NULL);
	}
	return 0;
}
