/* GPT-2's block (Radford et al. 2019): x += mixer(layernorm(x)); x += W gelu(W layernorm(x)); learned positions, head
 * and embedding tied. Stored under Hugging Face's GPT-2 names, whose matrices are (in, out). */
#include "model/form.h"

static const ur_stored names[] = {
	{ "embedding.weight", "transformer.wte.weight", UR_WHOLE, 0 },
	{ "position.weight", "transformer.wpe.weight", UR_WHOLE, 0 },
	{ "norm.weight", "transformer.ln_f.weight", UR_WHOLE, 0 },
	{ "norm.bias", "transformer.ln_f.bias", UR_WHOLE, 0 },
	{ "head.weight", "lm_head.weight", UR_WHOLE, 0 },
	{ "norm1.weight", "transformer.h.%d.ln_1.weight", UR_WHOLE, 0 },
	{ "norm1.bias", "transformer.h.%d.ln_1.bias", UR_WHOLE, 0 },
	{ "norm2.weight", "transformer.h.%d.ln_2.weight", UR_WHOLE, 0 },
	{ "norm2.bias", "transformer.h.%d.ln_2.bias", UR_WHOLE, 0 },
	{ "mixer.qkv_weight", "transformer.h.%d.attn.c_attn.weight", UR_WHOLE, 1 },
	{ "mixer.qkv_bias", "transformer.h.%d.attn.c_attn.bias", UR_WHOLE, 0 },
	{ "mixer.o_weight", "transformer.h.%d.attn.c_proj.weight", UR_WHOLE, 1 },
	{ "mixer.o_bias", "transformer.h.%d.attn.c_proj.bias", UR_WHOLE, 0 },
	{ "ffn.in_weight", "transformer.h.%d.mlp.c_fc.weight", UR_WHOLE, 1 },
	{ "ffn.in_bias", "transformer.h.%d.mlp.c_fc.bias", UR_WHOLE, 0 },
	{ "ffn.out_weight", "transformer.h.%d.mlp.c_proj.weight", UR_WHOLE, 1 },
	{ "ffn.out_bias", "transformer.h.%d.mlp.c_proj.bias", UR_WHOLE, 0 },
	{ NULL, NULL, UR_WHOLE, 0 }
};

static const ur_default defaults[] = { { "bias", 1 }, { "rope", 0 }, { NULL, 0 } };

static int ffn_width(int D) { return 4 * D; }

const ur_form ur_form_gpt2 = {
	.name = "gpt2", .about = "residual block with LayerNorm and GELU, learned positions",
	.norm = &ur_norm_layer, .ffn = &ur_ffn_gelu, .positions = UR_LEARNED, .tied = 1,
	.embedding_init = UR_INIT_NORMAL, .embedding_a = 0.02f, .defaults = defaults, .ffn_width = ffn_width,
	.names = names, .mixer_name = "transformer.h.%1$d.mixer.%2$s_l0",
};
