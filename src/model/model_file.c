/* Model files: safetensors under the form's stored names, with the spec, the vocabulary and the size of the output in
 * the metadata. The same walk over stored tensors serves weights and optimiser moments, reading and writing. */
#include "model/model.h"

#include "format/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PIECES = 3 };

/* One tensor in a file: rows [row, row + rows) of a parameter. */
typedef struct piece { char name[UR_NAME]; int row, rows, cols, transposed; } piece;

/* Rows of a parameter that a part is: queries are as wide as the layer; keys and values share the rest. */
static void rows_of(const ur_model *m, const ur_param *p, ur_part part, int *row, int *rows)
{
	const int D = m->spec.width, kv = (p->rows - D) / 2;
	const struct { int row, rows; } of[] = {
		[UR_WHOLE] = { 0, p->rows }, [UR_QUERY] = { 0, D }, [UR_KEY] = { D, kv }, [UR_VALUE] = { D + kv, kv },
		[UR_FIRST_HALF] = { 0, p->rows / 2 }, [UR_SECOND_HALF] = { p->rows / 2, p->rows - p->rows / 2 },
	};
	*row = of[part].row;
	*rows = of[part].rows;
}

/* Pairs: each stack's names begin with its own; PyTorch's ending for the direction from the end. */
static void full_name(const ur_model *m, const ur_parameter *p, const char *stored, char name[UR_NAME])
{
	snprintf(name, UR_NAME, "%s%.70s%s", !m->spec.pair ? "" : p->encoder ? "encoder." : "decoder.", stored,
	         p->reverse ? "_reverse" : "");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats are the forms' own tables */
static int pieces_of(const ur_model *m, const ur_parameter *p, piece out[MOST_PIECES])
{
	char stored[UR_NAME];
	int n = 0;

	for (const ur_stored *s = m->spec.form->names; s->ours && n < MOST_PIECES; s++) {
		if (strcmp(s->ours, p->local))
			continue;
		out[n] = (piece){ .cols = p->decl.cols, .transposed = s->transposed };
		rows_of(m, &p->decl, s->part, &out[n].row, &out[n].rows);
		snprintf(stored, sizeof stored, s->stored, p->layer);
		full_name(m, p, stored, out[n++].name);
	}
	if (n == 0) {
		out[0] = (piece){ .row = 0, .rows = p->decl.rows, .cols = p->decl.cols };
		if (p->layer < 0)
			snprintf(stored, sizeof stored, "%.60s", p->local);
		else if (strncmp(p->local, "mixer.", 6))
			snprintf(stored, sizeof stored, "layers.%d.%.60s", p->layer, p->local);
		else
			snprintf(stored, sizeof stored, m->spec.form->mixer_name, p->layer, p->decl.name);
		full_name(m, p, stored, out[0].name);
		n = 1;
	}
	return n;
}
#pragma GCC diagnostic pop

int ur_model_tensor_count(const ur_model *m)
{
	piece part[MOST_PIECES];
	int n = 0;
	for (int i = 0; i < m->params; i++)
		n += pieces_of(m, &m->param[i], part);
	return n;
}

void ur_model_tensors(const ur_model *m, const char *prefix, const float *values, ur_tensor *out, char *names)
{
	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];
		piece part[MOST_PIECES];
		int n = pieces_of(m, p, part);

		for (int q = 0; q < n; q++, out++, names += 2 * UR_NAME) {
			ptrdiff_t cols = part[q].cols ? part[q].cols : 1;
			snprintf(names, 2 * UR_NAME, "%.90s%.95s", prefix, part[q].name);
			*out = (ur_tensor){ .name = names, .dtype = UR_ST_F32, .rank = part[q].cols ? 2 : 1,
			                    .data = values ? values + p->at + part[q].row * cols : NULL };
			out->shape[0] = part[q].rows;
			out->shape[1] = part[q].cols;
			if (part[q].transposed && part[q].cols) {
				out->shape[0] = part[q].cols;
				out->shape[1] = part[q].rows;
				out->row = 1;
				out->col = cols;
			}
		}
	}
}

/* Takes the reference. malloc'd; NULL: none, or no memory. */
static char *dumped(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	json_decref(json);
	return text;
}

static char *vocab_text(const ur_vocab *v) { return dumped(v ? ur_vocab_to_json(v) : NULL); }

ur_status ur_model_save(const ur_model *m, const char *path, int extras, const ur_extra *extra, ur_err *err)
{
	int n = ur_model_tensor_count(m), metas = 0;
	ur_tensor *tensors = calloc((size_t)n, sizeof *tensors);
	char *names = calloc((size_t)n, 2 * UR_NAME), outputs[16], sources[16], *text, *source, *ports;
	ur_meta *meta = calloc((size_t)extras + 8, sizeof *meta);
	ur_status status;

	text = vocab_text(m->vocab);
	source = vocab_text(m->source);
	ports = dumped(m->ports ? ur_ports_to_json(m->ports) : NULL);
	if (!tensors || !names || !meta || (m->vocab && !text) || (m->source && !source) || (m->ports && !ports)) {
		status = ur_fail(err, UR_E_NOMEM, "%s: no memory to write the model", path);
	} else {
		snprintf(outputs, sizeof outputs, "%d", m->V);
		meta[metas++] = (ur_meta){ "format", "pt" };
		meta[metas++] = (ur_meta){ "unroll.version", UNROLL_VERSION };
		meta[metas++] = (ur_meta){ "unroll.spec", m->spec.text };
		meta[metas++] = (ur_meta){ "unroll.outputs", outputs };
		if (text)
			meta[metas++] = (ur_meta){ "unroll.vocabulary", text };
		if (m->spec.pair) {
			snprintf(sources, sizeof sources, "%d", m->encoder.V);
			meta[metas++] = (ur_meta){ "unroll.sources", sources };
		}
		if (source)
			meta[metas++] = (ur_meta){ "unroll.source_vocabulary", source };
		if (ports)
			meta[metas++] = (ur_meta){ "unroll.ports", ports };
		for (int i = 0; i < extras; i++)
			meta[metas++] = (ur_meta){ extra[i].key, extra[i].value };
		ur_model_tensors(m, "", m->weights, tensors, names);
		status = ur_safetensors_write(path, n, tensors, metas, meta, err);
	}
	free(ports);
	free(source);
	free(text);
	free(meta);
	free(names);
	free(tensors);
	return status;
}

/* JSON in the metadata; NULL: err says what is wrong. */
static json_t *meta_json(const ur_safetensors *file, const char *key, ur_err *err)
{
	json_error_t why;
	json_t *json = json_loads(ur_safetensors_meta(file, key), JSON_REJECT_DUPLICATES, &why);

	if (!json)
		ur_fail(err, UR_E_FORMAT, "metadata: %s is not JSON: %s at character %d", key, why.text, why.position);
	return json;
}

/* One side's tokens: their number, and the vocabulary where there is one. `end`: one token more than it has. */
static ur_status describe_side(const ur_safetensors *file, const char *count, const char *vocabulary, int end, int *V,
                               const ur_vocab **vocab, ur_err *err)
{
	const char *outputs = ur_safetensors_meta(file, count), *tokens = ur_safetensors_meta(file, vocabulary);
	ur_vocab *made;
	char *stop;
	long n;
	json_t *json;
	ur_status status;

	if (!outputs)
		return ur_fail(err, UR_E_FORMAT, "not a model of this program: its metadata lacks %s", count);
	n = strtol(outputs, &stop, 10);
	if (*stop || n < 1 || n > UR_VOCAB_MOST + end)
		return ur_fail(err, UR_E_FORMAT, "metadata: %s is '%.20s', not a number of tokens", count, outputs);
	*V = (int)n;
	if (!tokens)
		return UR_OK;
	if (!(json = meta_json(file, vocabulary, err)))
		return UR_E_FORMAT;
	status = ur_vocab_from_json(json, &made, err);
	json_decref(json);
	if (status)
		return status;
	*vocab = made;
	if (ur_vocab_size(made) + end != *V)
		return ur_fail(err, UR_E_FORMAT, "metadata: a vocabulary of %d tokens%s, but %s is %d", ur_vocab_size(made),
		               end ? " and an end" : "", count, *V);
	return UR_OK;
}

void ur_words_free(ur_words *words)
{
	ur_vocab_free((ur_vocab *)words->vocab);
	ur_vocab_free((ur_vocab *)words->source);
	ur_ports_free((ur_ports *)words->ports);
	*words = (ur_words){ 0 };
}

static ur_status describe_ports(const ur_safetensors *file, ur_words *words, ur_err *err)
{
	json_t *json = meta_json(file, "unroll.ports", err);
	ur_ports *ports;
	ur_status status = json ? ur_ports_from_json(json, &ports, err) : UR_E_FORMAT;

	json_decref(json);
	if (status)
		return status;
	words->ports = ports;
	words->V = ports->says == UNROLL_HIDDEN ? 0 : ports->out.n;
	return UR_OK;
}

ur_status ur_model_describe(const ur_safetensors *file, ur_spec *spec, ur_words *words, ur_err *err)
{
	const char *text = ur_safetensors_meta(file, "unroll.spec");
	ur_status status;

	*words = (ur_words){ 0 };
	if (!text)
		return ur_fail(err, UR_E_FORMAT, "not a model of this program: its metadata lacks unroll.spec");
	if ((status = ur_spec_parse(text, spec, err)))
		return status == UR_E_INVALID ? UR_E_FORMAT : status;
	if (ur_safetensors_meta(file, "unroll.ports"))
		return describe_ports(file, words, err);
	status = describe_side(file, "unroll.outputs", "unroll.vocabulary", spec->pair, &words->V, &words->vocab, err);
	if (!status && spec->pair)
		status = describe_side(file, "unroll.sources", "unroll.source_vocabulary", 1, &words->source_V, &words->source,
		                       err);
	if (status)
		ur_words_free(words);
	return status;
}

/* values[rows, cols] of a piece from a tensor. */
static ur_status read_piece(const ur_safetensors *file, const char *name, const piece *p, float *values, ur_err *err)
{
	const ur_tensor *t = ur_safetensors_find(file, name);
	const int64_t want[2] = { p->transposed && p->cols ? p->cols : p->rows, p->transposed ? p->rows : p->cols };
	const int rank = p->cols ? 2 : 1;
	float *turned;
	ur_status status;

	if (!t)
		return ur_fail(err, UR_E_FORMAT, "tensor %s is missing", name);
	if (t->rank != rank || t->shape[0] != want[0] || (rank == 2 && t->shape[1] != want[1]))
		return ur_fail(err, UR_E_FORMAT, "tensor %s has another shape than the spec says: expected (%lld%s%lld), found "
			"rank %d, first size %lld", name, (long long)want[0], rank == 2 ? ", " : "",
			rank == 2 ? (long long)want[1] : 0LL, t->rank, t->rank ? (long long)t->shape[0] : 0LL);
	if (!p->transposed || rank == 1)
		return ur_tensor_read_f32(file, t, values, err);
	turned = malloc((size_t)t->count * sizeof *turned);
	if (!turned)
		return ur_fail(err, UR_E_NOMEM, "no memory to read tensor %s", name);
	status = ur_tensor_read_f32(file, t, turned, err);
	for (int r = 0; !status && r < p->rows; r++)
		for (int c = 0; c < p->cols; c++)
			values[(size_t)r * (size_t)p->cols + (size_t)c] = turned[(size_t)c * (size_t)p->rows + (size_t)r];
	free(turned);
	return status;
}

ur_status ur_model_read_tensors(const ur_model *m, const ur_safetensors *file, const char *prefix, float *values,
                                ur_err *err)
{
	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];
		piece part[MOST_PIECES];
		int n = pieces_of(m, p, part);

		for (int q = 0; q < n; q++) {
			char name[2 * UR_NAME];
			size_t cols = part[q].cols ? (size_t)part[q].cols : 1;
			ur_status status;
			snprintf(name, sizeof name, "%.90s%.95s", prefix, part[q].name);
			if ((status = read_piece(file, name, &part[q], values + p->at + (size_t)part[q].row * cols, err)))
				return status;
		}
	}
	return UR_OK;
}

ur_status ur_model_load(const char *path, const ur_kernels *k, int training, ur_model **model, ur_err *err)
{
	ur_safetensors *file = NULL;
	ur_words words = { 0 };
	ur_spec spec;
	ur_err why = { 0 };
	ur_status status;

	*model = NULL;
	if ((status = ur_safetensors_open(path, &file, err)))
		return status;
	if (!(status = ur_model_describe(file, &spec, &words, &why)) &&
	    !(status = ur_model_create(&spec, &words, k, training, model, &why)))
		status = ur_model_read_tensors(*model, file, "", (*model)->weights, &why);
	if (status) {
		ur_fail(err, status, "%.150s: %s", path, why.text);
		ur_model_free(*model);
		*model = NULL;
	} else {
		ur_pack_weights(&(ur_ctx){ .k = k, .threads = 1 }, (*model)->params, (*model)->mat);
	}
	ur_words_free(&words);
	ur_safetensors_close(file);
	return status;
}
