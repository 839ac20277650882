/* unroll quantize: a model's matrices as bfloat16 or int8, and what that changes: sizes, weights, the loss on a
 * text. */
#include "cli/cli.h"

#include "base/file.h"
#include "compare/heldout.h"
#include "compare/paired.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct values {
	const char *model, *weights, *out, *data, *part;
	double val, test;
	int64_t tokens, threads;
	int json, quiet;
};

/* What became of the weights: of all that are stored anew, relative to the root of their mean square; and the one that
 * moved furthest, relative to the largest of its row. */
typedef struct moved { double rms, most; int64_t weights; } moved;

typedef struct outcome {
	off_t before, after;            /* bytes of the files */
	moved moved;
	int scored;                     /* the rest is known */
	double loss[2];                 /* nats a token: as it was, quantised */
	int64_t tokens;
	ur_gap gap;                     /* quantised minus as it was, block by block */
} outcome;

/* Why the loss of this model cannot be measured; NULL: it can, on a text. */
static const char *not_scored(const ur_model *m)
{
	if (m->spec.pair)
		return "it is a model of pairs; compare what unroll eval says of both files";
	if (m->ports)
		return "it reads values, not a text";
	return m->vocab ? NULL : "it has no vocabulary to read a text with";
}

static off_t bytes_of(const char *path)
{
	struct stat st;
	return stat(path, &st) ? 0 : st.st_size;
}

/* What training wrote into the file goes on; what says what the file is, is said anew. */
static int extras_of(const ur_safetensors *file, ur_extra *extra)
{
	static const char *const own[] = { "format", "unroll.version", "unroll.spec", "unroll.outputs", "unroll.vocabulary",
	                                   "unroll.sources", "unroll.source_vocabulary", "unroll.ports", "unroll.weights" };
	int n = 0;

	for (int i = 0; i < ur_safetensors_meta_count(file); i++) {
		const ur_meta *meta = ur_safetensors_meta_at(file, i);
		int known = 0;

		for (size_t j = 0; j < sizeof own / sizeof *own; j++)
			known |= !strcmp(meta->key, own[j]);
		if (!known)
			extra[n++] = (ur_extra){ meta->key, meta->value };
	}
	return n;
}

static ur_status write_as(const struct values *v, const ur_model *m, ur_err *err)
{
	ur_safetensors *file = NULL;
	ur_status status = ur_safetensors_open(v->model, &file, err);
	ur_extra *extra = status ? NULL : calloc((size_t)ur_safetensors_meta_count(file) + 1, sizeof *extra);

	if (!status)
		status = extra ? ur_model_save_as(m, ur_dtype_find(v->weights), v->out, extras_of(file, extra), extra, err)
		               : ur_fail(err, UR_E_NOMEM, "no memory to write the model");
	free(extra);
	ur_safetensors_close(file);
	return status;
}

/* Weights as the written file holds them beside those they were. */
static ur_status compare_weights(const ur_model *was, const ur_model *is, moved *to, ur_err *err)
{
	double error = 0, size = 0;
	float *row = NULL;

	*to = (moved){ 0 };
	for (int i = 0; i < is->params; i++) {
		const ur_mat *w = &is->mat[i];
		const float *old = was->weights + was->param[i].at;

		if (!is->param[i].packed)
			continue;
		free(row);
		if (!(row = malloc((size_t)w->cols * sizeof *row)))
			return ur_fail(err, UR_E_NOMEM, "no memory to compare the weights");
		for (int r = 0; r < w->rows; r++, old += w->cols) {
			double most = 0, far = 0;

			ur_unpack(is->k, w, r, 0, w->cols, row);
			for (int c = 0; c < w->cols; c++) {
				const double d = fabs((double)row[c] - (double)old[c]);

				error += d * d;
				size += (double)old[c] * (double)old[c];
				far = fmax(far, d);
				most = fmax(most, fabs((double)old[c]));
			}
			to->most = most > 0 ? fmax(to->most, far / most) : to->most;
		}
		to->weights += (int64_t)w->rows * w->cols;
	}
	to->rms = error > 0 || size > 0 ? sqrt(error / size) : 0;
	free(row);
	return UR_OK;
}

/* Both models on the same held-out tokens. */
static ur_status score(const ur_heldout *h, const ur_ctx *ctx, const ur_model *was, const ur_model *is, outcome *o,
                       ur_err *err)
{
	const ur_model *const both[2] = { was, is };
	ur_blocks blocks[2];
	float *losses = malloc((size_t)h->scored * sizeof *losses);
	ur_status status = losses ? UR_OK : ur_fail(err, UR_E_NOMEM, "no memory for %lld losses", (long long)h->scored);

	for (int i = 0; i < 2 && !status; i++) {
		double sum = 0;

		if ((status = ur_heldout_score(h, both[i], ctx, 0, losses, err)))
			break;
		for (int64_t t = 0; t < h->scored; t++)
			sum += (double)losses[t];
		o->loss[i] = sum / (double)h->scored;
		ur_blocks_make(losses, h->scored, UR_BLOCK_TOKENS, &blocks[i]);
	}
	if (!status) {
		o->gap = ur_paired_gap(&blocks[1], &blocks[0]);
		o->tokens = h->scored;
		o->scored = 1;
	}
	free(losses);
	return status;
}

/* The held-out text, if one is given: found and long enough before anything is written. */
static int open_text(const ur_args *args, const ur_model *m, ur_heldout *h)
{
	const struct values *v = args->values;
	ur_corpus *corpus = NULL;
	int64_t from, to;
	ur_err err = { 0 };
	ur_status status;
	int code;

	if (!v->data)
		return UR_EXIT_OK;
	if (not_scored(m))
		return ur_wrong(args, "--data: the loss of %s cannot be measured here: %s", m->spec.text, not_scored(m));
	code = ur_open_corpus(args, &(ur_corpus_request){ .path = v->data, .use = m->vocab }, v->quiet, &corpus);
	if (!code)
		code = ur_part_range(args, corpus, v->part, v->val, v->test, &from, &to);
	if (!code && (status = ur_heldout_open(h, corpus, from, to, v->tokens, &err)))
		code = ur_failed(args, status, &err);
	ur_corpus_close(corpus);
	return code;
}

static int show(const ur_args *args, const ur_model *was, const ur_model *is, const outcome *o)
{
	const struct values *v = args->values;
	const char *why = not_scored(was);
	char name[100];
	ur_short a, b;
	json_t *json;

	if (v->json) {
		json = json_pack("{s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "model", ur_json_string(v->model),
			"out", ur_json_string(v->out), "spec", was->spec.text, "weights", v->weights,
			"file_bytes", (json_int_t)o->after, "file_bytes_before", (json_int_t)o->before,
			"weight_bytes_per_step", (json_int_t)unroll_weight_bytes(is),
			"weight_bytes_per_step_f32", (json_int_t)unroll_weight_bytes(was),
			"weights_stored_anew", (json_int_t)o->moved.weights, "weights_rms_error", ur_json_number(o->moved.rms),
			"weights_largest_error", ur_json_number(o->moved.most));
		if (json && o->scored) {
			json_object_set_new(json, "loss_f32", ur_json_number(o->loss[0]));
			json_object_set_new(json, "loss", ur_json_number(o->loss[1]));
			json_object_set_new(json, "loss_difference", json_pack("[o, o, o]", ur_json_number(o->gap.mean),
				ur_json_number(o->gap.low), ur_json_number(o->gap.high)));
			json_object_set_new(json, "tokens", json_integer((json_int_t)o->tokens));
		}
		return ur_print_json(args, json);
	}
	printf("file      %s, was %s\n", ur_size_text((double)o->after, a), ur_size_text((double)o->before, b));
	printf("a step    reads %s of weights as %s, %s as f32\n", ur_size_text((double)unroll_weight_bytes(is), a),
	       v->weights, ur_size_text((double)unroll_weight_bytes(was), b));
	printf("weights   %s stored anew; error %.2g %% (root mean square), at most %.2g %% of a row's largest\n",
	       ur_commas(o->moved.weights, a), 100 * o->moved.rms, 100 * o->moved.most);
	if (!o->scored) {
		printf("loss      not measured: %s\n", why ? why : "give --data TEXT");
		return UR_EXIT_OK;
	}
	printf("loss      %.5f nats a token as %s, %.5f as f32\n", o->loss[1], v->weights, o->loss[0]);
	printf("          difference %+.5f", o->gap.mean);
	if (isfinite(o->gap.low))
		printf(" (95 %% interval %+.5f to %+.5f, paired by block)", o->gap.low, o->gap.high);
	else
		printf(" (too few tokens for an interval)");
	printf("\nscored    %s tokens of %s (part: %s)\n", ur_commas(o->tokens, a),
	       ur_visible(ur_path_tail(v->data), name, sizeof name), v->part);
	return UR_EXIT_OK;
}

/* Writing over the original would leave nothing to go back to. */
static int same_file(const char *a, const char *b)
{
	struct stat x, y;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	ur_ctx ctx = { 0 };
	ur_model *was = NULL, *is = NULL;
	outcome o = { 0 };
	ur_heldout text = { 0 };
	ur_err err = { 0 };
	ur_status status;
	int code;

	if (same_file(v->model, v->out))
		return ur_wrong(args, "--out is the model itself, whose weights could not be had back: write another file");
	if ((code = ur_open_context(args, v->threads, &ctx)))
		return code;
	code = ur_open_model_as(args, v->model, ctx.k, UNROLL_F32, &was);
	if (!code)
		code = open_text(args, was, &text);
	if (!code && (status = write_as(v, was, &err)))
		code = ur_failed(args, status, &err);
	if (!code)
		code = ur_open_model(args, v->out, ctx.k, &is);
	if (!code && (status = compare_weights(was, is, &o.moved, &err)))
		code = ur_failed(args, status, &err);
	if (!code && v->data && (status = score(&text, &ctx, was, is, &o, &err)))
		code = ur_failed(args, status, &err);
	if (!code) {
		o.before = bytes_of(v->model);
		o.after = bytes_of(v->out);
		code = show(args, was, is, &o);
	}
	ur_heldout_close(&text);
	ur_model_free(is);
	ur_model_free(was);
	ur_ctx_close(&ctx);
	return code;
}

#define AT(member) offsetof(struct values, member)
static const ur_opt options[] = {
	UR_OPT(TEXT, "model", 'm', model, "FILE", "the model", .required = 1),
	UR_OPT(TEXT, "out", 'o', out, "FILE", "where to write it", .required = 1),
	UR_OPT(CHOICE, "weights", 0, weights, "KIND", "how to store the matrices that are multiplied", .standard = "int8",
	       .choices = "bf16|int8"),
	UR_OPT(TEXT, "data", 'd', data, "FILE", "a text to measure the loss on, before and after"),
	UR_OPT(CHOICE, "part", 0, part, "PART", "which part of the text", .standard = "val",
	       .choices = "train|val|test|all"),
	UR_OPT(REAL, "val", 0, val, "SHARE", "share of the text that train kept for validation", .standard = "0.1",
	       .least = 0, .most = 0.9),
	UR_OPT(REAL, "test", 0, test, "SHARE", "share at its end that train kept for a test", .standard = "0",
	       .least = 0, .most = 0.9),
	UR_OPT(INT, "tokens", 0, tokens, "N", "score about this many at most", .otherwise = "the whole part", .least = 1,
	       .most = 9e18),
	UR_OPT_THREADS(struct values),
	UR_OPT_JSON(struct values),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_quantize = {
	.usage = "--model FILE --out FILE [--weights bf16|int8] [--data TEXT] [options]",
	.details = "Writes the model with its matrices as bfloat16 (half the bytes) or int8 with a scale a row (a "
		"quarter). Tables of embeddings and vectors stay float32. The file is opened like any other, and runs with its "
		"weights as they are stored. With int8, what a product reads is rounded to 8 bits as it comes.\n"
		"Prints sizes and how far the weights moved; with --data also the loss on text that training has not seen, "
		"before and after, and the difference with its interval.",
	.examples = "unroll quantize --model model.safetensors --out int8.safetensors --data corpus.txt\n"
		"unroll quantize -m model.safetensors -o bf16.safetensors --weights bf16 --json",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
