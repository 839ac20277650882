/* byte: 256 tokens, token t is byte t. Any file is text; nothing is learnt and nothing can be missing. */
#include "vocab/vocab_kind.h"

static ur_status byte_learn(void *counts, const ur_vocab_request *request, ur_vocab *v, ur_err *err)
{
	(void)counts;
	(void)request;
	if (!ur_vocab_room(v, 256, 256))
		return ur_fail(err, UR_E_NOMEM, "out of memory for a byte vocabulary");
	for (int i = 0; i < 256; i++) {
		v->text[i] = (char)(unsigned char)i;
		v->at[i + 1] = (size_t)i + 1;
	}
	return UR_OK;
}

static ur_status byte_encode(void *self, const unsigned char *text, size_t bytes, int64_t at, ur_err *err)
{
	ur_encoder *e = self;
	ur_status status;

	for (size_t i = 0; i < bytes; i++)
		if ((status = ur_encoder_put(e, text[i], at + (int64_t)i + 1, err)))
			return status;
	return UR_OK;
}

const ur_vocab_kind ur_vocab_kind_byte = {
	.name = "byte",
	.about = "the 256 bytes: any file, no vocabulary to learn",
	.identity = 1,
	.learn = byte_learn,
	.encode = byte_encode,
};
