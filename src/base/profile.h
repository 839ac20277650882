/* Where the time goes: seconds, arithmetic and memory traffic per kind of operation. */
#ifndef UR_PROFILE_H
#define UR_PROFILE_H

#include <stdint.h>

/* Kinds of operation, in the order they are shown. */
#define UR_OPS(X) \
	X(DATA, "data", "reading and cutting batches") \
	X(EMBED, "embedding", "look-up and its gradient") \
	X(MIX_FORWARD, "mixer", "forward") \
	X(MIX_BACKWARD, "mixer back", "backward") \
	X(BLOCK_FORWARD, "block", "norms, feed-forward, sums") \
	X(BLOCK_BACKWARD, "block back", "their gradients") \
	X(HEAD, "head", "logits, loss and their gradients") \
	X(OPTIMISER, "optimiser", "gradient norm, update") \
	X(PACK, "packing", "weights into panels") \
	X(VALIDATE, "validation", "forward passes over held-out text") \
	X(SAVE, "saving", "checkpoints and models")

typedef enum ur_op {
#define X(id, name, about) UR_OP_##id,
	UR_OPS(X)
#undef X
	UR_OP_KINDS
} ur_op;

typedef struct ur_profile {
	double seconds[UR_OP_KINDS];
	double flops[UR_OP_KINDS];      /* arithmetic of products */
	double bytes[UR_OP_KINDS];      /* least memory traffic, for operations that are made of it */
	int64_t calls[UR_OP_KINDS];
} ur_profile;

const char *ur_op_name(ur_op op);
const char *ur_op_about(ur_op op);

/* Between two calls: t = ur_profile_start(p); ...; ur_profile_end(p, op, t, flops, bytes).
 * A NULL profile costs nothing. */
double ur_profile_start(const ur_profile *p);
void ur_profile_end(ur_profile *p, ur_op op, double start, double flops, double bytes);

#endif
