/* A plain stack: each layer reads the one below. With a recurrent mixer this is PyTorch's nn.RNN, nn.GRU or nn.LSTM
 * with an embedding before and a linear layer behind, under the names of PyTorch's word_language_model example. */
#include "model/form.h"

static const ur_stored names[] = {
	{ "embedding.weight", "encoder.weight", UR_WHOLE, 0 },
	{ "position.weight", "position.weight", UR_WHOLE, 0 },
	{ "head.weight", "decoder.weight", UR_WHOLE, 0 },
	{ "head.bias", "decoder.bias", UR_WHOLE, 0 },
	{ NULL, NULL, UR_WHOLE, 0 }
};

static const ur_default none[] = { { NULL, 0 } };

const ur_form ur_form_plain = {
	.name = "plain", .about = "layers stacked as in PyTorch's nn.LSTM",
	.positions = UR_LEARNED, .head_bias = 1, .embedding_init = UR_INIT_NORMAL, .embedding_a = 0.1f, .defaults = none,
	.names = names, .mixer_name = "rnn.%2$s_l%1$d",
};
