/* unroll info: what a model file holds, or what a spec would amount to. */
#include "cli/cli.h"

#include "base/file.h"
#include "run/step.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

struct values {
	const char *model, *weights, *spec;
	int64_t vocab_size, position;
	int json;
};

enum { STANDARD_VOCABULARY = 256 };

/* What is said of a model, by name, shape and number. */
typedef struct facts {
	const ur_model *m;
	const char *path;               /* NULL: no file, a spec */
	int64_t file_bytes;
	size_t run_bytes, train_bytes;  /* weights with what packing them takes; training adds gradients and moments */
	size_t stream_bytes;
	int64_t limit, position;        /* 0: no limit */
	size_t state_bytes, state_used; /* of one stream; in use after `position` steps, 0: unknown */
	int grows;
	double flops;                   /* of one step */
	size_t remembered;          /* pairs: bytes for each token of a source */
} facts;

/* Growing state in use after n steps: one layer takes a step, and a second one, for each adds the same. 0: no memory to
 * try it. */
static size_t measure_state(const ur_model *m, int64_t n)
{
	const ur_mixer *mixer = m->spec.mixer;
	const ur_dims *dims = &m->stack.layer[0].dims;
	const size_t D = (size_t)m->spec.width, whole = ur_model_state_size(m), layers = (size_t)m->spec.layers;
	const int steps = n == 1 || ur_model_limit(m) == 1 ? 1 : 2;
	size_t after[2] = { 0 }, head = 0, used;
	ur_spec one = m->spec;
	ur_model *layer = NULL;
	float *x = calloc(D, sizeof *x), *y = calloc(D, sizeof *y);
	float *work = calloc(mixer->step_work(dims, 1) + 1, sizeof *work);
	void *state = NULL;

	one.layers = 1;
	if (!ur_model_create(&one, &(ur_words){ .V = 1 }, m->k, 0, &layer, NULL))
		state = calloc(1, ur_model_state_size(layer));
	for (int i = 0; i < steps && state && x && y && work; i++) {
		void *at = ur_model_state_of(layer, state, 0);
		mixer->step(&(ur_turn){ .k = m->k, .d = dims, .w = layer->mat + layer->stack.layer[0].mixer, .n = 1, .x = x,
			.y = y, .state = &at, .work = work });
		after[i] = mixer->state_used(dims, at);
		head = ur_model_state_used(layer, state) - after[i];
	}
	used = after[0] ? head + layers * after[0] : 0;
	if (after[1] > after[0])
		used += layers * (size_t)(n - 1) * (after[1] - after[0]);
	free(state);
	free(x);
	free(y);
	free(work);
	ur_model_free(layer);
	return used < whole ? used : whole;
}

static int gather(const ur_args *args, const ur_model *m, facts *f)
{
	const struct values *v = args->values;
	ur_status status;
	ur_err err = { 0 };

	f->m = m;
	f->limit = ur_model_limit(m);
	f->grows = (m->spec.mixer->flags & UR_STATE_GROWS) != 0;
	f->position = v->position ? v->position : f->limit ? f->limit : f->grows ? m->spec.context : 1;
	if (f->limit && f->position > f->limit)
		return ur_wrong(args, "--position %" PRId64 ": a stream of %s ends after %" PRId64 " steps", f->position,
		                m->spec.text, f->limit);
	f->flops = ur_model_flops(m, m->spec.pair, 1, 1); /* of pairs: a source token and a target token */
	f->stream_bytes = m->spec.pair ? 0 : unroll_stream_size(m);
	f->remembered = m->spec.pair ? ur_remembered_size(m, 1) * sizeof(float) : 0;
	f->state_bytes = ur_model_state_size(m);
	for (int training = 0; training < 2; training++) {
		size_t *bytes = training ? &f->train_bytes : &f->run_bytes;
		ur_model *shape;
		const ur_words words = { .V = m->V, .source_V = m->encoder.V, .ports = m->ports };
		status = training ? ur_model_shape(&m->spec, &words, m->k, 1, &shape, bytes, &err)
		                  : ur_model_shape_as(&m->spec, &words, m->k, m->dtype, &shape, bytes, &err);
		if (status)
			return ur_failed(args, status, &err);
		if (training) /* gradients, two moments, the best weights so far */
			*bytes += 4 * shape->floats * sizeof(float);
		ur_model_free(shape);
	}
	f->state_used = m->spec.pair ? 0 : f->grows ? measure_state(m, f->position) : f->state_bytes;
	return UR_EXIT_OK;
}

static json_t *tensors_json(const ur_tensor *tensors, int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++) {
		json_t *shape = json_array();
		int64_t count = 1;
		for (int d = 0; d < tensors[i].rank; d++) {
			json_array_append_new(shape, json_integer(tensors[i].shape[d]));
			count *= tensors[i].shape[d];
		}
		json_array_append_new(list, json_pack("{s:s, s:o, s:I}", "name", tensors[i].name, "shape", shape,
		                                      "count", (json_int_t)count));
	}
	return list;
}

/* Metadata training left, without the vocabulary; what is JSON in there becomes JSON here. */
static json_t *metadata_json(const ur_safetensors *file)
{
	json_t *out = json_object();

	for (int i = 0; file && i < ur_safetensors_meta_count(file); i++) {
		const ur_meta *meta = ur_safetensors_meta_at(file, i);
		json_t *parsed;
		if (!strcmp(meta->key, "unroll.vocabulary") || !strcmp(meta->key, "unroll.source_vocabulary"))
			continue;
		parsed = *meta->value == '{' ? json_loads(meta->value, 0, NULL) : NULL;
		json_object_set_new_nocheck(out, meta->key, parsed ? parsed : ur_json_string(meta->value));
	}
	return out;
}

static int show_json(const ur_args *args, const facts *f, const ur_safetensors *file, const ur_tensor *tensors, int n)
{
	const ur_model *m = f->m;
	json_t *json = json_pack(
		"{s:o, s:o, s:s, s:s, s:s, s:o, s:i, s:I, s:o, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
		"file", ur_json_string(f->path), "file_bytes", f->path ? json_integer(f->file_bytes) : json_null(),
		"spec", m->spec.text, "mixer", m->spec.mixer->name, "block", m->spec.form->name,
		"vocabulary", m->vocab ? json_string(ur_vocab_kind_of(m->vocab)) : json_null(),
		"vocabulary_size", unroll_vocabulary(m),
		"parameters", (json_int_t)m->scalars, "flops_per_token", ur_json_number(f->flops),
		"memory_run", (json_int_t)f->run_bytes, "memory_train_weights", (json_int_t)f->train_bytes,
		"weights", ur_dtype_name(m->dtype), "weight_bytes_per_step", (json_int_t)unroll_weight_bytes(m),
		"memory_stream", (json_int_t)f->stream_bytes, "state_bytes", (json_int_t)f->state_bytes,
		"position", (json_int_t)f->position,
		"state_bytes_used", f->state_used ? json_integer((json_int_t)f->state_used) : json_null(),
		"limit", f->limit ? json_integer(f->limit) : json_null(),
		"metadata", metadata_json(file), "tensors", tensors_json(tensors, n));

	if (json && m->ports)
		json_object_set_new(json, "ports", ur_ports_to_json(m->ports));
	if (json && m->spec.pair) {
		json_object_set_new(json, "source_vocabulary",
		                    m->source ? json_string(ur_vocab_kind_of(m->source)) : json_null());
		json_object_set_new(json, "source_vocabulary_size", json_integer(m->encoder.V));
		json_object_set_new(json, "bytes_per_source_token", json_integer((json_int_t)f->remembered));
	}
	return ur_print_json(args, json);
}

static void show_metadata(const ur_safetensors *file)
{
	const char *step = ur_safetensors_meta(file, "unroll.step"), *loss = ur_safetensors_meta(file, "unroll.val_loss");
	const char *command = ur_safetensors_meta(file, "unroll.command"), *task = ur_safetensors_meta(file, "unroll.task");
	char shown[1024];
	ur_short steps;

	if (step)
		printf("trained      %s steps", ur_commas(strtoll(step, NULL, 10), steps));
	if (step && loss)
		printf(", validation loss %.4f nats a token", strtod(loss, NULL));
	if (step)
		(void)putchar('\n');
	if (task)
		printf("on           %s\n", ur_visible(task, shown, sizeof shown));
	if (command)
		printf("with         %s\n", ur_visible(command, shown, sizeof shown));
}

static void show_stream(const facts *f)
{
	ur_short a, b, c;

	printf("state        %s a stream", ur_size_text((double)f->state_bytes, a));
	if (f->grows && f->state_used > 0)
		printf(", of which %s in use after %s step%s\n", ur_size_text((double)f->state_used, a),
		       ur_commas(f->position, b), f->position == 1 ? "" : "s");
	else
		printf("%s\n", f->grows ? "" : ", the same at every step");
	printf("limit        ");
	if (f->limit)
		printf("%s steps a stream\n", ur_commas(f->limit, a));
	else
		printf("none: a stream can go on for ever\n");
	printf("memory       %s for the model, %s a stream; training: %s and activations\n",
	       ur_size_text((double)f->run_bytes, a), ur_size_text((double)f->stream_bytes, b),
	       ur_size_text((double)f->train_bytes, c));
}

/* "4 values: temperature, pressure, ..." */
static void show_port(const char *what, const char *of, const ur_port *p)
{
	char name[100];
	int shown = 0;

	printf("%-12s %d %s%s", what, p->n, of, p->n == 1 ? "" : strcmp(of, "class") ? "s" : "es");
	for (int i = 0; i < p->n && shown < 12; i++)
		if (p->name[i])
			printf("%s%s", shown++ ? ", " : ": ", ur_visible(p->name[i], name, sizeof name));
	printf("%s\n", shown && shown < p->n ? ", ..." : "");
}

static void show_ports(const ur_ports *p)
{
	show_port("reads", "value", &p->in);
	show_port("says", p->says == UNROLL_CLASSES ? "class" : p->says == UNROLL_VALUES ? "value" : "hidden value",
	          &p->out);
}

static void show_text(const facts *f, const ur_safetensors *file, const ur_tensor *tensors, int n)
{
	const ur_model *m = f->m;
	char name[200];
	ur_short a, b, c;
	int widest = 0;

	if (f->path)
		printf("file         %s, %s\n", ur_visible(ur_path_tail(f->path), name, sizeof name),
		       ur_size_text((double)f->file_bytes, a));
	printf("spec         %s\n", m->spec.text);
	if (m->spec.pair)
		printf("sources      %s%s%s tokens, their end included\n", m->source ? ur_vocab_kind_of(m->source) : "",
		       m->source ? ", " : "", ur_commas(m->encoder.V, a));
	if (m->ports)
		show_ports(m->ports);
	else
		printf("%s%s%s%s tokens%s\n", m->spec.pair ? "targets      " : "vocabulary   ",
		       m->vocab ? ur_vocab_kind_of(m->vocab) : "", m->vocab ? ", " : "", ur_commas(m->V, a),
		       m->spec.pair ? ", their end included" : "");
	printf("parameters   %s\n", ur_commas(m->scalars, a));
	printf("weights      %s; a step reads %s of them\n", ur_dtype_name(m->dtype),
	       ur_size_text((double)unroll_weight_bytes(m), a));
	printf("arithmetic   %s flops a %s%s\n", ur_commas((int64_t)f->flops, a), m->ports ? "step" : "token",
	       m->spec.pair ? " of source and one of target" : "");
	if (file)
		show_metadata(file);
	if (m->spec.pair) {
		printf("state        %s a hypothesis, and %s for each token of the source\n",
		       ur_size_text((double)f->state_bytes, a), ur_size_text((double)f->remembered, b));
		printf("limit        ");
		if (f->limit)
			printf("%s tokens a side, the end included\n", ur_commas(f->limit, a));
		else
			printf("none\n");
		printf("memory       %s for the model; training: %s and activations\n", ur_size_text((double)f->run_bytes, a),
		       ur_size_text((double)f->train_bytes, c));
	} else {
		show_stream(f);
	}

	for (int i = 0; i < n; i++)
		if ((int)strlen(tensors[i].name) > widest)
			widest = (int)strlen(tensors[i].name);
	printf("\n%-*s  %15s  %13s\n", widest, "tensor", "shape", "parameters");
	for (int i = 0; i < n; i++) {
		char shape[40];
		int64_t count = tensors[i].shape[0] * (tensors[i].rank > 1 ? tensors[i].shape[1] : 1);
		if (tensors[i].rank > 1)
			(void)snprintf(shape, sizeof shape, "%" PRId64 " x %" PRId64, tensors[i].shape[0], tensors[i].shape[1]);
		else
			(void)snprintf(shape, sizeof shape, "%" PRId64, tensors[i].shape[0]);
		printf("%-*s  %15s  %13s\n", widest, tensors[i].name, shape, ur_commas(count, a));
	}
	printf("%-*s  %15s  %13s\n", widest, "in all", "", ur_commas(m->scalars, a));
}

static int show(const ur_args *args, const ur_model *m, facts *f, const ur_safetensors *file)
{
	const struct values *v = args->values;
	int n = ur_model_tensor_count(m), code = gather(args, m, f);
	ur_tensor *tensors = calloc((size_t)n, sizeof *tensors);
	char *names = calloc((size_t)n, 2 * UR_NAME);

	if (!code && (!tensors || !names)) {
		ur_complain(args, "out of memory");
		code = UR_EXIT_FAILED;
	}
	if (!code) {
		ur_model_tensors(m, "", m->weights, tensors, names);
		if (v->json)
			code = show_json(args, f, file, tensors, n);
		else
			show_text(f, file, tensors, n);
	}
	free(tensors);
	free(names);
	return code;
}

static int from_spec(const ur_args *args, const ur_kernels *k)
{
	const struct values *v = args->values;
	ur_model *m = NULL;
	ur_spec spec;
	facts f = { 0 };
	ur_err err = { 0 };
	const int V = v->vocab_size ? (int)v->vocab_size : STANDARD_VOCABULARY;
	ur_status status = ur_spec_parse(v->spec, &spec, &err);
	int code;

	if (!status)
		status = ur_model_shape_as(&spec, &(ur_words){ .V = V, .source_V = V }, k, ur_dtype_find(v->weights), &m, NULL,
		                           &err);
	code = status ? ur_failed(args, status, &err) : show(args, m, &f, NULL);
	ur_model_free(m);
	return code;
}

static int from_file(const ur_args *args, const ur_kernels *k, const char *path, const char *weights)
{
	ur_model *m = NULL;
	ur_safetensors *file = NULL;
	facts f = { .path = path };
	struct stat st;
	ur_err err = { 0 };
	ur_status status;
	int code = ur_open_model_as(args, path, k, ur_weights_named(weights), &m);

	if (code)
		return code;
	if ((status = ur_safetensors_open(path, &file, &err))) {
		code = ur_failed(args, status, &err);
	} else {
		f.file_bytes = stat(path, &st) ? 0 : st.st_size;
		code = show(args, m, &f, file);
	}
	ur_safetensors_close(file);
	ur_model_free(m);
	return code;
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	const char *path = v->model ? v->model : args->words ? args->word[0] : NULL;
	const ur_kernels *k;
	int code;

	if ((v->model && args->words) || (path && v->spec))
		return ur_wrong(args, "give one model file, or --spec");
	if (!path && !v->spec)
		return ur_wrong(args, "give a model file, or --spec SPEC");
	if (path && v->vocab_size)
		return ur_wrong(args, "--vocab-size goes with --spec: a model file has its own vocabulary");
	if ((code = ur_open_kernels(args, &k)))
		return code;
	return path ? from_file(args, k, path, v->weights) : from_spec(args, k);
}

#define AT(member) offsetof(struct values, member)
static const ur_opt options[] = {
	UR_OPT(TEXT, "model", 'm', model, "FILE", "the model; --model may be left out"),
	UR_OPT(TEXT, "spec", 0, spec, "SPEC", "a model that does not exist yet"),
	UR_OPT(INT, "vocab-size", 0, vocab_size, "N", "its tokens", .otherwise = "256", .least = 1, .most = UR_VOCAB_MOST),
	UR_OPT(INT, "position", 0, position, "N", "the step after which to say how much of a growing state is in use",
	       .otherwise = "the last one", .least = 1, .most = 9e15),
	UR_OPT_WEIGHTS(struct values),
	UR_OPT_JSON(struct values),
	{ .name = NULL }
};

const ur_command ur_command_info = {
	.usage = "FILE | --spec SPEC [options]",
	.details = "Prints spec, vocabulary, parameters tensor by tensor, state and memory: of a model file, or of a spec.",
	.examples = "unroll info model.safetensors\n"
		"unroll info --model model.safetensors --json\n"
		"unroll info --spec transformer:4x128,context=64 --vocab-size 65",
	.options = options,
	.size = sizeof(struct values),
	.most_words = 1,
	.run = run,
};
