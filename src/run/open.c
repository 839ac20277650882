/* Opening a model file, and what it says of itself. */
#include "run/options.h"

const char *unroll_version(void) { return UNROLL_VERSION; }

ur_status unroll_open_with(const char *path, const unroll_options *options, ur_model **model, ur_err *err)
{
	const ur_kernels *k = ur_kernels_pick(NULL);
	unroll_options o;
	ur_status status;

	*model = NULL;
	if ((status = ur_options_read(options, &o, err)))
		return status;
	if (!k)
		return ur_fail(err, UR_E_INVALID, "the environment's UNROLL_CPU names kernels that are not there or that this "
		               "processor cannot run; unset it");
	if ((unsigned)o.weights > UNROLL_INT8)
		return ur_fail(err, UR_E_INVALID, "options: weights is %d; unroll_weights names what there is", (int)o.weights);
	status = ur_model_load_as(path, k, o.weights, model, err);
	if (!status && (status = ur_options_reach(&o, *model, err))) {
		ur_model_free(*model);
		*model = NULL;
	}
	return status;
}

ur_status unroll_open(const char *path, ur_model **model, ur_err *err)
{
	return unroll_open_with(path, NULL, model, err);
}

void unroll_close(ur_model *model) { ur_model_free(model); }

const char *unroll_spec(const ur_model *model) { return model->spec.text; }
int64_t unroll_parameters(const ur_model *model) { return model->scalars; }
size_t unroll_weight_bytes(const ur_model *model)
{
	size_t bytes = 0;

	for (int i = 0; i < model->params; i++) {
		const ur_mat *w = &model->mat[i];

		/* a product reads all of its matrix, a look-up a row of its table */
		if (model->param[i].multiplied)
			bytes += ur_mat_bytes(model->k, w) + (w->dtype == UR_I8 ? (size_t)w->rows * sizeof(float) : 0);
		if (!model->param[i].multiplied || i == model->stack.embedding)
			bytes += (size_t)(model->param[i].decl.cols ? w->cols : w->rows) * sizeof(float);
	}
	return bytes;
}

unroll_weights unroll_weights_kept(const ur_model *model)
{
	static const unroll_weights kept[UR_DTYPES] = { UNROLL_F32, UNROLL_BF16, UNROLL_INT8 };
	return kept[model->dtype];
}

int unroll_inputs(const ur_model *model) { return model->ports ? model->ports->in.n : 0; }
int unroll_outputs(const ur_model *model) { return ur_model_outputs(model); }
unroll_says unroll_output_kind(const ur_model *model) { return model->ports ? model->ports->says : UNROLL_CLASSES; }
int unroll_vocabulary(const ur_model *model) { return model->ports ? 0 : model->V; }
int64_t unroll_limit(const ur_model *model) { return ur_model_limit(model); }

static const char *name_in(const ur_port *p, int i) { return p->name && i >= 0 && i < p->n ? p->name[i] : NULL; }

const char *unroll_input_name(const ur_model *model, int i)
{
	return model->ports ? name_in(&model->ports->in, i) : NULL;
}

const char *unroll_output_name(const ur_model *model, int i)
{
	return model->ports ? name_in(&model->ports->out, i) : NULL;
}

int64_t unroll_encode(const ur_model *model, const char *text, size_t bytes, int32_t *tokens, size_t room, ur_err *err)
{
	if (!model->vocab) {
		ur_fail(err, UR_E_INVALID, "the model has no vocabulary: it reads tokens, not text");
		return -1;
	}
	return ur_vocab_encode(model->vocab, text, bytes, tokens, room, err);
}

size_t unroll_decode(const ur_model *model, int token, const char **text)
{
	if (model->vocab)
		return ur_vocab_decode(model->vocab, token, text);
	*text = "";
	return 0;
}
