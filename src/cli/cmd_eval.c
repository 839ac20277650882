/* unroll eval: a model's loss on a text, or on the part of it that training has not seen. */
#include "cli/cli_pairs.h"
#include "cli/cli_tasks.h"

#include "base/file.h"
#include "train/train.h"

#include <math.h>

struct values {
	const char *model, *weights, *data, *target, *part;
	double val, test, penalty;
	int64_t seq_len, batch_size, tokens, sequences, threads, beam, translate;
	int json, quiet;
};

/* Windows and rows as the model was trained with, so that the loss is the one training reported. */
static void shape_of(const ur_args *args, const ur_model *m, int *window, int *batch)
{
	const struct values *v = args->values;
	ur_safetensors *file = NULL;
	ur_recipe r;
	json_t *json = NULL;
	const char *text;

	ur_recipe_defaults(&r, &m->spec);
	if (!ur_safetensors_open(v->model, &file, NULL) && (text = ur_safetensors_meta(file, "unroll.recipe")))
		json = json_loads(text, 0, NULL);
	ur_safetensors_close(file);
	*window = (int)json_integer_value(json_object_get(json, "seq-len"));
	*batch = (int)json_integer_value(json_object_get(json, "batch-size"));
	json_decref(json);
	if (*window < 1 || *batch < 1 || (int64_t)*window * *batch > 1 << 24) {
		*window = r.window;
		*batch = r.batch;
	}
	if (v->seq_len)
		*window = (int)v->seq_len;
	if (v->batch_size)
		*batch = (int)v->batch_size;
}

static int show(const ur_args *args, const ur_model *m, const ur_score *score, int window)
{
	const struct values *v = args->values;
	const double rate = score->seconds > 0 ? (double)score->tokens / score->seconds : 0;
	char name[100];
	ur_short a, b;

	if (v->json)
		return ur_print_json(args, json_pack("{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:i, s:o, s:o}",
			"model", ur_json_string(v->model), "spec", m->spec.text, "data", ur_json_string(v->data), "part", v->part,
			"loss", ur_json_number(score->loss), "perplexity", ur_json_number(exp(score->loss)),
			"bits_per_byte", ur_json_number(score->bits_per_byte), "tokens", (json_int_t)score->tokens,
			"bytes", (json_int_t)score->bytes, "seq_len", window, "seconds", ur_json_number(score->seconds),
			"tokens_per_second", ur_json_number(rate)));
	printf("loss        %.4f nats a token\n", score->loss);
	printf("perplexity  %.4g a token\n", exp(score->loss));
	printf("bits        %.4f a byte\n", score->bits_per_byte);
	printf("scored      %s tokens of %s (part: %s), %s a second\n", ur_commas(score->tokens, a),
	       ur_visible(ur_path_tail(v->data), name, sizeof name), v->part, ur_commas((int64_t)rate, b));
	return UR_EXIT_OK;
}

/* What there is to score. */
enum { TEXT = 1, PAIRS = 2, TASK = 4 };
static const char *what_of(int subject) { return subject == PAIRS ? "pairs" : subject == TASK ? "tasks" : "texts"; }

/* An option that would say nothing of this model is a misunderstanding. */
static int fits_subject(const ur_args *args, const ur_model *m, int subject)
{
	static const struct { size_t at; const char *name; int of; } only[] = {
		{ offsetof(struct values, target), "--target", PAIRS },
		{ offsetof(struct values, translate), "--translate", PAIRS },
		{ offsetof(struct values, beam), "--beam", PAIRS },
		{ offsetof(struct values, penalty), "--length-penalty", PAIRS },
		{ offsetof(struct values, tokens), "--tokens", TEXT }, { offsetof(struct values, seq_len), "--seq-len", TEXT },
		{ offsetof(struct values, sequences), "--sequences", TASK },
		{ offsetof(struct values, batch_size), "--batch-size", TEXT | PAIRS },
		{ offsetof(struct values, val), "--val", TEXT | PAIRS },
		{ offsetof(struct values, test), "--test", TEXT | PAIRS },
	};

	for (size_t i = 0; i < sizeof only / sizeof *only; i++)
		if (!(only[i].of & subject) && ur_given(args, only[i].at)) {
			if (subject == TASK)
				return ur_wrong(args, "%s is not for tasks", only[i].name);
			return ur_wrong(args, "%s is for %s, and %s is a model of %s",
				only[i].name, what_of(only[i].of), m->spec.text,
			                what_of(subject));
		}
	return UR_EXIT_OK;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	ur_ctx ctx = { 0 };
	ur_model *m = NULL;
	ur_corpus *corpus = NULL;
	ur_score score;
	ur_err err = { 0 };
	ur_status status;
	int64_t from, to;
	char trained_on[UR_TASK_TEXT];
	int window, batch, code, subject = TEXT;

	if ((code = ur_open_context(args, v->threads, &ctx)))
		return code;
	code = ur_open_text_model_as(args, v->model, ctx.k, ur_weights_named(v->weights), &m);
	if (!code) {
		subject = (v->data ? ur_task_named(v->data) : ur_task_of_model(v->model, trained_on)) ? TASK
		          : m->spec.pair ? PAIRS : TEXT;
		code = v->data || subject == TASK ? fits_subject(args, m, subject)
		                                  : ur_wrong(args, "--data FILE is missing");
	}
	if (!code && subject == TASK)
		code = ur_eval_task(args, m, &ctx, &(ur_task_asked){ .model = v->model, .data = v->data, .part = v->part,
			.sequences = v->sequences, .json = v->json });
	else if (!code && subject == PAIRS)
		code = ur_eval_pairs(args, m, &ctx, &(ur_pairs_asked){ .model = v->model, .data = v->data, .target = v->target,
			.part = v->part, .val = v->val, .test = v->test, .batch = (int)v->batch_size, .beam = (int)v->beam,
			.penalty = v->penalty, .translate = ur_given(args, offsetof(struct values, translate)) ? v->translate : -1,
			.json = v->json, .quiet = v->quiet });
	else if (!code &&
	    !(code = ur_open_corpus(args, &(ur_corpus_request){ .path = v->data, .use = m->vocab }, v->quiet, &corpus)) &&
	    !(code = ur_part_range(args, corpus, v->part, v->val, v->test, &from, &to))) {
		shape_of(args, m, &window, &batch);
		status = ur_evaluate(m, &ctx, corpus, from, to, window, batch, v->tokens, &score, &err);
		code = status ? ur_failed(args, status, &err) : show(args, m, &score, window);
	}
	ur_corpus_close(corpus);
	ur_model_free(m);
	ur_ctx_close(&ctx);
	return code;
}

#define AT(member) offsetof(struct values, member)
static const ur_opt options[] = {
	UR_OPT(TEXT, "model", 'm', model, "FILE", "the model", .required = 1),
	UR_OPT(TEXT, "data", 'd', data, "FILE", "the text, or pairs, read with the model's own vocabulary; or a task, as "
	       "in task:copy,T=100 (see unroll help tasks)", .otherwise = "the task that the model was trained on, if any"),
	UR_OPT(TEXT, "target", 0, target, "FILE", "pairs: the targets, where --data has only the sources"),
	UR_OPT(CHOICE, "part", 0, part, "PART", "which part of the text", .standard = "val",
	       .choices = "train|val|test|all"),
	UR_OPT(REAL, "val", 0, val, "SHARE", "share of the text that train kept for validation", .standard = "0.1",
	       .least = 0, .most = 0.9),
	UR_OPT(REAL, "test", 0, test, "SHARE", "share at its end that train kept for a test", .standard = "0",
	       .least = 0, .most = 0.9),
	UR_OPT(INT, "tokens", 0, tokens, "N", "score about this many at most", .otherwise = "the whole part", .least = 1,
	       .most = 9e18),
	UR_OPT(INT, "sequences", 0, sequences, "N", "tasks: sequences to score",
		.otherwise = "512", .least = 1, .most = 1e9),
	UR_OPT(INT, "seq-len", 'T', seq_len, "N", "tokens the model reads at once", .otherwise = "as trained",
	       .least = 1, .most = 1 << 24),
	UR_OPT(INT, "batch-size", 'b', batch_size, "N", "stretches or pairs read side by side",
	       .otherwise = "as trained; pairs: 64", .least = 1, .most = 1 << 20),
	UR_OPT(INT, "translate", 0, translate, "N", "translate at most this many sources; 0: only the loss",
	       .otherwise = "all", .least = 0, .most = 9e15, .group = "pairs"),
	UR_OPT(INT, "beam", 0, beam, "N", "hypotheses kept for each source; 1: greedy", .standard = "1", .least = 1,
	       .most = UR_MOST_BEAM),
	UR_OPT(REAL, "length-penalty", 0, penalty, "X", "of a beam: 0 prefers short translations, 1 does not",
	       .standard = "1", .least = 0, .most = 10),
	UR_OPT_WEIGHTS(struct values),
	UR_OPT_THREADS(struct values),
	UR_OPT_JSON(struct values),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_eval = {
	.usage = "--model FILE [--data FILE] [options]",
	.details = "Prints the mean loss in nats a token, its perplexity, and bits per byte of the text, which models with "
		"different vocabularies can be compared by. Without options it scores the same last tenth of the text "
		"that train validates on.\n"
		"A model of pairs is scored by its loss a target token, and by its translations: BLEU (as sacreBLEU's), exact "
		"matches, edits a token and a word of the reference, and all of these by length of the source, with 95 % "
		"intervals. Pairs of one source count as references of one another.\n"
		"A model of a task is scored on sequences that training never sees: by its loss an answer, the share of "
		"answers and of whole sequences that are right, and the squared error where answers are numbers.",
	.examples = "unroll eval --model model.safetensors --data corpus.txt\n"
		"unroll eval -m model.safetensors -d corpus.txt --part all --json\n"
		"unroll eval -m translator.safetensors -d pairs.tsv --beam 5\n"
		"unroll eval -m adder.safetensors --data task:adding,T=100 --sequences 2000",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
