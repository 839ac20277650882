/* The transformer of 2017 (Vaswani et al.): x = layernorm(x + mixer(x)); pairs: x = layernorm(x + cross(x, memory));
 * x = layernorm(x + W relu(W x)); sinusoidal positions, embeddings times sqrt(width). norm=pre puts the norms before
 * the halves and one behind the last layer. Stored under the names of PyTorch's nn.TransformerEncoder and
 * nn.TransformerDecoder, whose cross-attention has its matrices one by one here. */
#include "model/form.h"

static const ur_stored names[] = {
	{ "embedding.weight", "embedding.weight", UR_WHOLE, 0 },
	{ "position.weight", "position.weight", UR_WHOLE, 0 },
	{ "norm.weight", "norm.weight", UR_WHOLE, 0 },
	{ "norm.bias", "norm.bias", UR_WHOLE, 0 },
	{ "head.weight", "fc_out.weight", UR_WHOLE, 0 },
	{ "head.bias", "fc_out.bias", UR_WHOLE, 0 },
	{ "mixer.qkv_weight", "layers.%d.self_attn.in_proj_weight", UR_WHOLE, 0 },
	{ "mixer.qkv_bias", "layers.%d.self_attn.in_proj_bias", UR_WHOLE, 0 },
	{ "mixer.o_weight", "layers.%d.self_attn.out_proj.weight", UR_WHOLE, 0 },
	{ "mixer.o_bias", "layers.%d.self_attn.out_proj.bias", UR_WHOLE, 0 },
	{ "norm1.weight", "layers.%d.norm1.weight", UR_WHOLE, 0 },
	{ "norm1.bias", "layers.%d.norm1.bias", UR_WHOLE, 0 },
	{ "cross.q_weight", "layers.%d.multihead_attn.q_proj_weight", UR_WHOLE, 0 },
	{ "cross.q_bias", "layers.%d.multihead_attn.q_proj_bias", UR_WHOLE, 0 },
	{ "cross.kv_weight", "layers.%d.multihead_attn.k_proj_weight", UR_FIRST_HALF, 0 },
	{ "cross.kv_weight", "layers.%d.multihead_attn.v_proj_weight", UR_SECOND_HALF, 0 },
	{ "cross.kv_bias", "layers.%d.multihead_attn.k_proj_bias", UR_FIRST_HALF, 0 },
	{ "cross.kv_bias", "layers.%d.multihead_attn.v_proj_bias", UR_SECOND_HALF, 0 },
	{ "cross.o_weight", "layers.%d.multihead_attn.out_proj.weight", UR_WHOLE, 0 },
	{ "cross.o_bias", "layers.%d.multihead_attn.out_proj.bias", UR_WHOLE, 0 },
	{ "norm_cross.weight", "layers.%d.norm_cross.weight", UR_WHOLE, 0 },
	{ "norm_cross.bias", "layers.%d.norm_cross.bias", UR_WHOLE, 0 },
	{ "ffn.in_weight", "layers.%d.linear1.weight", UR_WHOLE, 0 },
	{ "ffn.in_bias", "layers.%d.linear1.bias", UR_WHOLE, 0 },
	{ "ffn.out_weight", "layers.%d.linear2.weight", UR_WHOLE, 0 },
	{ "ffn.out_bias", "layers.%d.linear2.bias", UR_WHOLE, 0 },
	{ "norm2.weight", "layers.%d.norm2.weight", UR_WHOLE, 0 },
	{ "norm2.bias", "layers.%d.norm2.bias", UR_WHOLE, 0 },
	{ NULL, NULL, UR_WHOLE, 0 }
};

static const ur_default defaults[] = { { "bias", 1 }, { "rope", 0 }, { NULL, 0 } };

static int ffn_width(int D) { return 4 * D; }

const ur_form ur_form_vaswani = {
	.name = "vaswani", .about = "residual block of 2017: LayerNorm behind the sums, ReLU, sinusoidal positions",
	.norm = &ur_norm_layer, .ffn = &ur_ffn_relu, .positions = UR_SINUSOIDAL, .norm_last = 1, .head_bias = 1,
	.embedding_init = UR_INIT_NORMAL, .embedding_a = 0.05f, .defaults = defaults, .ffn_width = ffn_width,
	.names = names, .mixer_name = "layers.%1$d.mixer.%2$s",
};
