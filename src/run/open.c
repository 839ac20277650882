/* Opening a model file, and what it says of itself. */
#include "model/model.h"

const char *unroll_version(void) { return UNROLL_VERSION; }

ur_status unroll_open(const char *path, ur_model **model, ur_err *err)
{
	const ur_kernels *k = ur_kernels_pick(NULL);

	*model = NULL;
	if (!k)
		return ur_fail(err, UR_E_INVALID, "the environment's UNROLL_CPU names kernels that are not there or that this "
		               "processor cannot run; unset it");
	return ur_model_load(path, k, 0, model, err);
}

void unroll_close(ur_model *model) { ur_model_free(model); }

const char *unroll_spec(const ur_model *model) { return model->spec.text; }
int64_t unroll_parameters(const ur_model *model) { return model->scalars; }
int unroll_vocabulary(const ur_model *model) { return model->ports ? 0 : model->V; }
int64_t unroll_limit(const ur_model *model) { return ur_model_limit(model); }

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
