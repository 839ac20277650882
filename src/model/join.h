/* What joins a recurrent encoder to its decoder: the encoder's last states become the decoder's first.
 *
 *     one way      h_0 = h_T,  c_0 = c_T                                   layer by layer (Sutskever et al. 2014)
 *     both ways    h_0 = tanh(W_h [h_T; h'_1] + b_h),  c_0 = W_c [c_T; c'_1] + b_c   (' is the direction from the end)
 *
 * With spec.summary the top layer's h_0 is also what the decoder reads at every step (Cho et al. 2014). */
#ifndef UR_JOIN_H
#define UR_JOIN_H

#include "model/model.h"

/* B sequences. States lie (direction, layer, B), each `stride` bytes; a layer's are what its mixer is given. */
typedef struct ur_join {
	const ur_model *m;
	int B, rows, ways;              /* planned for; of this pass; directions */
	size_t stride;
	unsigned char *last, *first;    /* the encoder's, the decoder's (one direction) */
	unsigned char *dlast, *dfirst;  /* their gradients; training */
	void **last_at, **first_at, **dlast_at, **dfirst_at;
	float *both, *made;             /* [h; h'] and what was made of it, of each layer and vector: (B, 2 H), (B, H) */
	float *room;                    /* (B, 2 H) */
} ur_join;

/* Measures or cuts; nothing where the model's encoder keeps no state. */
void ur_join_plan(ur_join *j, const ur_model *m, int B, int training, ur_arena *arena);
/* B pointers to the states of one layer. */
static inline void **ur_join_states(const ur_join *j, void **at, int way, int layer)
{
	return at + ((size_t)way * (size_t)j->m->spec.layers + (size_t)layer) * (size_t)j->B;
}
/* Zeroes `last`: the start of B sources. */
void ur_join_begin(ur_join *j);
/* first from last. */
void ur_join_forward(ur_join *j, const ur_ctx *c);
/* h_0 of the decoder's top layer, sequence b: H floats. */
float *ur_join_summary(const ur_join *j, int b);
/* Zeroes dfirst: nothing follows the decoder's last states. */
void ur_join_clear(ur_join *j);
/* dlast from dfirst; gradients of the bridges (by parameter) += . */
void ur_join_backward(ur_join *j, const ur_ctx *c, float *const *dw);

#endif
