/* Model files: safetensors under the form's stored names, with the spec, the vocabulary and the size of the output in
 * the metadata. The same walk over stored tensors serves weights and optimiser moments, reading and writing. */
#include "model/model.h"

#include "format/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PIECES = 3 };
static const char SCALE[] = ".scale";
#define KEPT_AS "unroll.weights"
/* The largest bfloat16; of a row of int8 too that goes so far, 127 times its scale is a number. */
static const float MOST_STORED = 0x1.fep127f;

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
			                    .data = values && !p->packed ? values + p->at + part[q].row * cols : NULL };
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

static const char *const dtype_names[UR_DTYPES] = { [UR_F32] = "f32", [UR_BF16] = "bf16", [UR_I8] = "int8" };

const char *ur_dtype_name(ur_dtype dtype) { return dtype_names[dtype]; }

ur_dtype ur_dtype_find(const char *name)
{
	int known = UR_F32;

	while (name && known < UR_DTYPES && strcmp(name, dtype_names[known]))
		known++;
	return (ur_dtype)known;
}

static ur_st_dtype stored_type(ur_dtype dtype) { return dtype == UR_I8 ? UR_ST_I8 : UR_ST_BF16; }

/* Bytes of a parameter's scales, and of its values in another storage. */
static size_t scale_bytes(const ur_parameter *p) { return (size_t)p->decl.rows * sizeof(float); }
static size_t value_bytes(const ur_parameter *p, ur_dtype dtype)
{
	return (p->count * ur_st_dtype_size(stored_type(dtype)) + 3) / 4 * 4;
}

/* A matrix of values (rows, cols) as another storage has it, to `out`; UR_I8: with its scales. */
static void convert(const ur_parameter *p, ur_dtype dtype, const float *values, float *scale, void *out)
{
	const size_t cols = (size_t)p->decl.cols;

	for (size_t i = 0; i < p->count && dtype == UR_BF16; i++)
		((uint16_t *)out)[i] = ur_bf16_of(values[i]);
	if (dtype != UR_I8)
		return;
	ur_i8_scales(p->decl.rows, p->decl.cols, values, scale);
	for (size_t r = 0; r < (size_t)p->decl.rows; r++)
		ur_i8_round(p->decl.cols, values + r * cols, scale[r], (int8_t *)out + r * cols);
}

/* Whether a parameter's weights can be stored in another way. */
static ur_status check_stored(const ur_model *m, const ur_parameter *p, ur_dtype dtype, ur_err *err)
{
	piece part[MOST_PIECES];
	const int pieces = pieces_of(m, p, part);
	const size_t cols = (size_t)p->decl.cols;

	for (int q = 0; q < pieces; q++) {
		const float *w = m->weights + p->at + (size_t)part[q].row * cols;

		for (size_t i = 0; i < (size_t)part[q].rows * cols; i++)
			if (!(fabsf(w[i]) <= MOST_STORED))
				return ur_fail(err, UR_E_INVALID, "tensor %s: one of its weights is %g, which %s cannot hold",
				               part[q].name, (double)w[i], ur_dtype_name(dtype));
	}
	return UR_OK;
}

/* Turns the *n tensors of m into those that `as`, a shape of another storage, has; scales are added behind them. */
static ur_status store_as(const ur_model *m, const ur_model *as, int *n, ur_tensor *tensors, char *names, char **room,
                          ur_err *err)
{
	ur_tensor *t = tensors, *scales = tensors + *n;
	size_t bytes = 0;
	char *at;
	ur_status status;

	for (int i = 0; i < m->params; i++) {
		if (!as->param[i].packed)
			continue;
		if ((status = check_stored(m, &m->param[i], as->dtype, err)))
			return status;
		bytes += scale_bytes(&m->param[i]) + value_bytes(&m->param[i], as->dtype);
	}
	if (!(at = *room = malloc(bytes + 1)))
		return ur_fail(err, UR_E_NOMEM, "no memory to convert the weights");
	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];
		piece part[MOST_PIECES];
		const int pieces = pieces_of(m, p, part);
		float *scale = (float *)(void *)at;
		char *out = at + scale_bytes(p);

		if (as->param[i].packed) {
			convert(p, as->dtype, m->weights + p->at, scale, out);
			at = out + value_bytes(p, as->dtype);
		}
		for (int q = 0; q < pieces; q++, t++) {
			const size_t first = (size_t)part[q].row * (size_t)p->decl.cols;

			if (!as->param[i].packed)
				continue;
			t->dtype = stored_type(as->dtype);
			t->data = out + first * ur_st_dtype_size(t->dtype);
			if (as->dtype != UR_I8)
				continue;
			snprintf(names, 2 * UR_NAME, "%.180s%s", t->name, SCALE);
			*scales++ = (ur_tensor){ .name = names, .dtype = UR_ST_F32, .rank = 1, .shape = { part[q].rows },
			                         .data = scale + part[q].row };
			names += 2 * UR_NAME;
		}
	}
	*n = (int)(scales - tensors);
	return UR_OK;
}

/* Writes tensors with all that a model's metadata says. */
static ur_status write_model(const ur_model *m, ur_dtype dtype, const char *path, int n, const ur_tensor *tensors,
                             int extras, const ur_extra *extra, ur_err *err)
{
	char outputs[16], sources[16], *text = vocab_text(m->vocab), *source = vocab_text(m->source);
	char *ports = dumped(m->ports ? ur_ports_to_json(m->ports) : NULL);
	ur_meta *meta = calloc((size_t)extras + 9, sizeof *meta);
	int metas = 0;
	ur_status status;

	if (!meta || (m->vocab && !text) || (m->source && !source) || (m->ports && !ports)) {
		status = ur_fail(err, UR_E_NOMEM, "%s: no memory to write the model", path);
	} else {
		snprintf(outputs, sizeof outputs, "%d", m->V);
		meta[metas++] = (ur_meta){ "format", "pt" };
		meta[metas++] = (ur_meta){ "unroll.version", UNROLL_VERSION };
		meta[metas++] = (ur_meta){ "unroll.spec", m->spec.text };
		meta[metas++] = (ur_meta){ "unroll.outputs", outputs };
		if (dtype != UR_F32)
			meta[metas++] = (ur_meta){ KEPT_AS, ur_dtype_name(dtype) };
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
		status = ur_safetensors_write(path, n, tensors, metas, meta, err);
	}
	free(ports);
	free(source);
	free(text);
	free(meta);
	return status;
}

ur_status ur_model_save_as(const ur_model *m, ur_dtype dtype, const char *path, int extras, const ur_extra *extra,
                           ur_err *err)
{
	const ur_words words = { .V = m->V, .source_V = m->encoder.V, .ports = m->ports };
	int n = ur_model_tensor_count(m);
	ur_tensor *tensors = calloc(2 * (size_t)n, sizeof *tensors);
	char *names = calloc(2 * (size_t)n, 2 * UR_NAME), *room = NULL;
	ur_model *as = NULL;
	ur_status status = UR_OK;

	if (m->dtype != UR_F32) {
		status = ur_fail(err, UR_E_INVALID, "%s: a model that is kept as %s has no float32 weights to write", path,
		                 ur_dtype_name(m->dtype));
	} else if (!tensors || !names) {
		status = ur_fail(err, UR_E_NOMEM, "%s: no memory to write the model", path);
	} else {
		ur_model_tensors(m, "", m->weights, tensors, names);
		if (dtype != UR_F32 && !(status = ur_model_shape_as(&m->spec, &words, m->k, dtype, &as, NULL, err)))
			status = store_as(m, as, &n, tensors, names + (size_t)n * 2 * UR_NAME, &room, err);
		if (!status)
			status = write_model(m, dtype, path, n, tensors, extras, extra, err);
	}
	ur_model_free(as);
	free(room);
	free(names);
	free(tensors);
	return status;
}

ur_status ur_model_save(const ur_model *m, const char *path, int extras, const ur_extra *extra, ur_err *err)
{
	return ur_model_save_as(m, UR_F32, path, extras, extra, err);
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

/* The scales that an int8 tensor comes with: whole, and numbers. */
static ur_status find_scale(const ur_safetensors *file, const char *name, const piece *p, const ur_tensor **scale,
                            ur_err *err)
{
	char full[2 * UR_NAME + sizeof SCALE];
	const ur_tensor *t;

	snprintf(full, sizeof full, "%s%s", name, SCALE);
	if (!(t = *scale = ur_safetensors_find(file, full)))
		return ur_fail(err, UR_E_FORMAT, "tensor %s holds int8 and lacks its scales, %s", name, full);
	if (t->dtype != UR_ST_F32 || t->rank != 1 || t->shape[0] != p->rows)
		return ur_fail(err, UR_E_FORMAT, "tensor %s: expected %d scales of F32", full, p->rows);
	for (int r = 0; r < p->rows; r++) {
		float value;
		memcpy(&value, (const char *)t->data + (size_t)r * sizeof value, sizeof value);
		if (!isfinite(127 * value) || value < 0)
			return ur_fail(err, UR_E_FORMAT, "tensor %s: scale %d is %g, which no weights can have", full, r,
			               (double)value);
	}
	return UR_OK;
}

/* The tensor of a piece, there and of the right shape; *scale: of one that holds int8, else NULL. */
static ur_status find_piece(const ur_safetensors *file, const char *name, const piece *p, const ur_tensor **tensor,
                            const ur_tensor **scale, ur_err *err)
{
	const ur_tensor *t = *tensor = ur_safetensors_find(file, name);
	const int64_t want[2] = { p->transposed && p->cols ? p->cols : p->rows, p->transposed ? p->rows : p->cols };
	const int rank = p->cols ? 2 : 1;

	*scale = NULL;
	if (!t)
		return ur_fail(err, UR_E_FORMAT, "tensor %s is missing", name);
	if (t->rank != rank || t->shape[0] != want[0] || (rank == 2 && t->shape[1] != want[1]))
		return ur_fail(err, UR_E_FORMAT, "tensor %s has another shape than the spec says: expected (%lld%s%lld), found "
			"rank %d, first size %lld", name, (long long)want[0], rank == 2 ? ", " : "",
			rank == 2 ? (long long)want[1] : 0LL, t->rank, t->rank ? (long long)t->shape[0] : 0LL);
	return t->dtype == UR_ST_I8 && rank == 2 ? find_scale(file, name, p, scale, err) : UR_OK;
}

/* values[rows, cols] of a piece from a tensor; scale (rows): what int8 came with, else stays as it is. */
static ur_status read_piece(const ur_safetensors *file, const char *name, const piece *p, float *values, float *scale,
                            ur_err *err)
{
	const size_t rows = (size_t)p->rows, cols = (size_t)p->cols;
	const ur_tensor *t, *scales;
	float *turned;
	ur_status status = find_piece(file, name, p, &t, &scales, err);

	if (status)
		return status;
	if (scales) {
		memcpy(scale, scales->data, rows * sizeof *scale);
		for (size_t r = 0; r < rows; r++)
			for (size_t c = 0; c < cols; c++) {
				const int8_t q = ((const int8_t *)t->data)[p->transposed ? c * rows + r : r * cols + c];
				if (q < -127)
					return ur_fail(err, UR_E_FORMAT, "tensor %s: holds -128; int8 weights are -127 to 127", name);
				values[r * cols + c] = (float)q * scale[r];
			}
		return UR_OK;
	}
	if (!p->transposed || !p->cols)
		return ur_tensor_read_f32(file, t, values, err);
	turned = malloc((size_t)t->count * sizeof *turned);
	if (!turned)
		return ur_fail(err, UR_E_NOMEM, "no memory to read tensor %s", name);
	status = ur_tensor_read_f32(file, t, turned, err);
	for (size_t r = 0; !status && r < rows; r++)
		for (size_t c = 0; c < cols; c++)
			values[r * cols + c] = turned[c * rows + r];
	free(turned);
	return status;
}

/* values (rows, cols) of a parameter; scale (rows): as read_piece has it. */
static ur_status read_parameter(const ur_model *m, const ur_safetensors *file, const char *prefix, int i, float *values,
                                float *scale, ur_err *err)
{
	piece part[MOST_PIECES];
	const int n = pieces_of(m, &m->param[i], part);
	ur_status status = UR_OK;

	for (int q = 0; q < n && !status; q++) {
		char name[2 * UR_NAME];
		const size_t cols = part[q].cols ? (size_t)part[q].cols : 1;

		snprintf(name, sizeof name, "%.90s%.95s", prefix, part[q].name);
		status = read_piece(file, name, &part[q], values + (size_t)part[q].row * cols, scale + part[q].row, err);
	}
	return status;
}

/* malloc'd; room for the scales of any parameter, and the values of any that is packed alone. */
static float *reading_room(const ur_model *m, size_t *values)
{
	size_t rows = 0, most = 0;

	for (int i = 0; i < m->params; i++) {
		const ur_parameter *p = &m->param[i];

		rows = (size_t)p->decl.rows > rows ? (size_t)p->decl.rows : rows;
		most = p->packed && p->count > most ? p->count : most;
	}
	*values = rows;
	return malloc((rows + most) * sizeof(float));
}

ur_status ur_model_read_tensors(const ur_model *m, const ur_safetensors *file, const char *prefix, float *values,
                                ur_err *err)
{
	size_t at;
	float *scale = reading_room(m, &at);
	ur_status status = scale ? UR_OK : ur_fail(err, UR_E_NOMEM, "no memory to read the weights");

	for (int i = 0; i < m->params && !status; i++)
		status = read_parameter(m, file, prefix, i, values + m->param[i].at, scale, err);
	free(scale);
	return status;
}

/* Weights into the places of a model of any storage, and packed. */
static ur_status read_weights(const ur_model *m, const ur_safetensors *file, ur_err *err)
{
	size_t at;
	float *room = reading_room(m, &at);
	ur_status status = room ? UR_OK : ur_fail(err, UR_E_NOMEM, "no memory to read the weights");

	for (int i = 0; i < m->params && !status; i++) {
		const ur_parameter *p = &m->param[i];
		const ur_mat *w = &m->mat[i];
		float *values = p->packed ? room + at : m->weights + p->at, *scale = (float *)(uintptr_t)w->scale;

		if (scale)      /* a file's own scales are kept, so that its bytes are */
			for (int r = 0; r < w->rows; r++)
				scale[r] = -1;
		status = read_parameter(m, file, "", i, values, scale ? scale : room, err);
		for (int r = 0; scale && !status && r < w->rows; r++)
			if (scale[r] < 0)
				ur_i8_scales(1, w->cols, values + (size_t)r * (size_t)w->cols, scale + r);
		if (!status && w->panels)
			ur_pack_as(m->k, w, values);
	}
	free(room);
	return status;
}

/* How a file says that it holds what is multiplied. */
static ur_status dtype_of(const ur_safetensors *file, unroll_weights weights, ur_dtype *dtype, ur_err *err)
{
	const char *name = ur_safetensors_meta(file, KEPT_AS);

	*dtype = weights == UNROLL_BF16 ? UR_BF16 : weights == UNROLL_INT8 ? UR_I8 : UR_F32;
	if (weights == UNROLL_AS_STORED)
		*dtype = ur_dtype_find(name);
	return *dtype < UR_DTYPES ? UR_OK
		: ur_fail(err, UR_E_FORMAT, "metadata: " KEPT_AS " is '%.20s'; f32, bf16 and int8 are known", name);
}

/* Before memory is taken for weights: that the file has them. */
static ur_status check_tensors(const ur_spec *spec, const ur_words *words, const ur_safetensors *file,
                               const ur_kernels *k, ur_err *err)
{
	ur_model *shape = NULL;
	ur_status status = ur_model_shape(spec, words, k, 0, &shape, NULL, err);

	for (int i = 0; !status && i < shape->params; i++) {
		piece part[MOST_PIECES];
		const int n = pieces_of(shape, &shape->param[i], part);
		const ur_tensor *t, *scale;

		for (int q = 0; q < n && !status; q++)
			status = find_piece(file, part[q].name, &part[q], &t, &scale, err);
	}
	ur_model_free(shape);
	return status == UR_E_INVALID ? UR_E_FORMAT : status; /* the file asks for what cannot be */
}

static ur_status load(const ur_safetensors *file, const ur_kernels *k, int training, unroll_weights weights,
                      ur_model **model, ur_err *err)
{
	ur_words words = { 0 };
	ur_spec spec;
	ur_dtype dtype;
	ur_status status;

	*model = NULL;
	if ((status = dtype_of(file, weights, &dtype, err)) || (status = ur_model_describe(file, &spec, &words, err)))
		return status;
	if (!(status = check_tensors(&spec, &words, file, k, err)))
		status = training ? ur_model_create(&spec, &words, k, 1, model, err)
		                  : ur_model_create_as(&spec, &words, k, dtype, model, err);
	if (!status && !(status = read_weights(*model, file, err)) && training)
		ur_pack_weights(&(ur_ctx){ .k = k, .threads = 1 }, (*model)->params, (*model)->mat);
	if (status) {
		ur_model_free(*model);
		*model = NULL;
	}
	ur_words_free(&words);
	return status;
}

ur_status ur_model_load_file(const ur_safetensors *file, const ur_kernels *k, unroll_weights weights, ur_model **model,
                             ur_err *err)
{
	return load(file, k, 0, weights, model, err);
}

static ur_status load_path(const char *path, const ur_kernels *k, int training, unroll_weights weights,
                           ur_model **model, ur_err *err)
{
	ur_safetensors *file = NULL;
	ur_err why = { 0 };
	ur_status status;

	*model = NULL;
	if ((status = ur_safetensors_open(path, &file, err)))
		return status;
	if ((status = load(file, k, training, weights, model, &why)))
		ur_fail(err, status, "%.150s: %s", path, why.text);
	ur_safetensors_close(file);
	return status;
}

ur_status ur_model_load(const char *path, const ur_kernels *k, int training, ur_model **model, ur_err *err)
{
	return load_path(path, k, training, UNROLL_F32, model, err);
}

ur_status ur_model_load_as(const char *path, const ur_kernels *k, unroll_weights weights, ur_model **model,
                           ur_err *err)
{
	return load_path(path, k, 0, weights, model, err);
}
