/* LLaMA's block (Touvron et al. 2023): x += mixer(rmsnorm(x)); x += W (silu(W n) * W n), n = rmsnorm(x); rotary
 * positions, no biases. Stored under Hugging Face's LLaMA names. */
#include "model/form.h"

static const ur_stored names[] = {
	{ "embedding.weight", "model.embed_tokens.weight", UR_WHOLE, 0 },
	{ "position.weight", "model.embed_positions.weight", UR_WHOLE, 0 },
	{ "norm.weight", "model.norm.weight", UR_WHOLE, 0 },
	{ "head.weight", "lm_head.weight", UR_WHOLE, 0 },
	{ "norm1.weight", "model.layers.%d.input_layernorm.weight", UR_WHOLE, 0 },
	{ "norm2.weight", "model.layers.%d.post_attention_layernorm.weight", UR_WHOLE, 0 },
	{ "mixer.qkv_weight", "model.layers.%d.self_attn.q_proj.weight", UR_QUERY, 0 },
	{ "mixer.qkv_weight", "model.layers.%d.self_attn.k_proj.weight", UR_KEY, 0 },
	{ "mixer.qkv_weight", "model.layers.%d.self_attn.v_proj.weight", UR_VALUE, 0 },
	{ "mixer.qkv_bias", "model.layers.%d.self_attn.q_proj.bias", UR_QUERY, 0 },
	{ "mixer.qkv_bias", "model.layers.%d.self_attn.k_proj.bias", UR_KEY, 0 },
	{ "mixer.qkv_bias", "model.layers.%d.self_attn.v_proj.bias", UR_VALUE, 0 },
	{ "mixer.o_weight", "model.layers.%d.self_attn.o_proj.weight", UR_WHOLE, 0 },
	{ "mixer.o_bias", "model.layers.%d.self_attn.o_proj.bias", UR_WHOLE, 0 },
	{ "ffn.in_weight", "model.layers.%d.mlp.gate_proj.weight", UR_FIRST_HALF, 0 },
	{ "ffn.in_weight", "model.layers.%d.mlp.up_proj.weight", UR_SECOND_HALF, 0 },
	{ "ffn.out_weight", "model.layers.%d.mlp.down_proj.weight", UR_WHOLE, 0 },
	{ NULL, NULL, UR_WHOLE, 0 }
};

static const ur_default defaults[] = { { "bias", 0 }, { "rope", 1 }, { NULL, 0 } };

/* 8/3 D, so that three matrices hold what two of 4 D would, to a multiple of 32 */
static int ffn_width(int D) { return (8 * D / 3 + 31) / 32 * 32; }

const ur_form ur_form_llama = {
	.name = "llama", .about = "residual block with RMSNorm and SwiGLU, rotary positions",
	.norm = &ur_norm_rms, .ffn = &ur_ffn_swiglu,
	.embedding_init = UR_INIT_NORMAL, .embedding_a = 0.02f, .defaults = defaults, .ffn_width = ffn_width,
	.names = names, .mixer_name = "model.layers.%1$d.mixer.%2$s_l0",
};
