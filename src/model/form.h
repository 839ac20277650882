/* A form is what surrounds a mixer in a layer: none (a plain stack, as PyTorch's nn.LSTM is), or a residual block with
 * a norm before the mixer and a feed-forward half after it. One file and one line in forms.def each. */
#ifndef UR_FORM_H
#define UR_FORM_H

#include "block/block.h"

/* Which rows of our matrix a stored tensor is. */
typedef enum ur_part { UR_WHOLE, UR_QUERY, UR_KEY, UR_VALUE, UR_FIRST_HALF, UR_SECOND_HALF } ur_part;

/* Our parameter and the tensor it is in a file; several lines where one parameter is several tensors. */
typedef struct ur_stored {
	const char *ours;               /* "embedding.weight", or within a layer "mixer.qkv_weight" */
	const char *stored;             /* printf format; %d is the layer */
	ur_part part;
	int transposed;                 /* stored as (in, out) */
} ur_stored;

/* How a stack tells positions, where its mixer tells none. Sinusoidal: Vaswani et al. 2017. */
typedef enum ur_positions { UR_NOWHERE, UR_LEARNED, UR_SINUSOIDAL } ur_positions;

typedef struct ur_default { const char *option; double value; } ur_default;

typedef struct ur_form {
	const char *name, *about;
	const ur_norm *norm;            /* NULL: plain, no residual sums */
	const ur_ffn *ffn;
	ur_positions positions;         /* for mixers that know no order */
	int norm_last;                  /* norms behind the sums, unless the spec says otherwise */
	int tied;                       /* head and embedding share weights unless the spec says otherwise */
	int head_bias;
	ur_init embedding_init;
	float embedding_a;
	const ur_default *defaults;     /* of the mixer's options, where it has them; ends with a NULL name */
	int (*ffn_width)(int D);
	const ur_stored *names;         /* ends with a NULL name */
	const char *mixer_name;         /* for mixer parameters without a line: printf format of (layer, name) */
} ur_form;

#define UR_FORM(name) extern const ur_form ur_form_##name;
#include "model/forms.def"
#undef UR_FORM
const ur_form *ur_form_find(const char *name);
/* In the order of forms.def; NULL past the last. */
const ur_form *ur_form_nth(int n);

#endif
