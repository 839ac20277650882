/* Encoder and decoder of plain recurrent layers, each stacked as PyTorch's nn.LSTM is, an embedding before either and a
 * linear layer behind the decoder. Stored under "encoder." and "decoder.", as sequence-to-sequence code in PyTorch
 * usually has it; the direction from the end has PyTorch's "_reverse". */
#include "model/form.h"

static const ur_stored names[] = {
	{ "embedding.weight", "embedding.weight", UR_WHOLE, 0 },
	{ "position.weight", "position.weight", UR_WHOLE, 0 },
	{ "head.weight", "fc_out.weight", UR_WHOLE, 0 },
	{ "head.bias", "fc_out.bias", UR_WHOLE, 0 },
	{ NULL, NULL, UR_WHOLE, 0 }
};

static const ur_default none[] = { { NULL, 0 } };

const ur_form ur_form_pairs = {
	.name = "pairs", .about = "encoder and decoder stacked as in PyTorch's nn.LSTM (seq2seq: has it by itself)",
	.positions = UR_LEARNED, .head_bias = 1, .embedding_init = UR_INIT_NORMAL, .embedding_a = 0.1f, .defaults = none,
	.names = names, .mixer_name = "rnn.%2$s_l%1$d",
};
