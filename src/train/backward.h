/* Gradients of a whole model: the way back over what ur_net_forward kept. */
#ifndef UR_BACKWARD_H
#define UR_BACKWARD_H

#include "model/net.h"

/* Of one stack. */
typedef struct ur_back_stack {
	float *d[3];                    /* (T, B, its widest) each, ... */
	int turns;                      /* ... of which a stack's layers take so many in turn */
	float *way[3];                  /* both ways: gradients of the two outputs, (T, B, H), and of x from the end */
	float *table;                   /* (V, D), where the first mixer reads the embedding by index */
} ur_back_stack;

typedef struct ur_backward {
	ur_net *net;
	float *all;                     /* gradients of all parameters, laid out as the weights are */
	float **of;                     /* ... by parameter */
	ur_back_stack stack, encoder;
	float *dmemory;                 /* (S, B, encoder's out); pairs */
	double *losses;                 /* (T, B) nats */
	void **dstates;                 /* layers x B pointers, of nets that carry states */
	float *dinput;                  /* NULL, or (T, B, width): the gradient of the first layer's input is put there; of
	                                 * nets of ur_net_plan_inputs */
} ur_backward;

/* What is asked of the outputs. */
typedef struct ur_aim {
	const int32_t *targets;         /* (T, B); negative: not scored */
	const float *values;            /* models that say values, instead: (T, B, V), as the layers say them; NaN: not
	                                 * scored. A row's loss is the sum of its squared differences. */
	float weight;                   /* of each loss */
	float smoothing;                /* ur_head_call.smoothing */
	void *const *dstate;            /* of a pass with state, B blocks laid out as it: in, the gradients of the last
	                                 * states, out, those of the first; NULL: zero and not wanted; not of pairs */
} ur_aim;

/* Measures or cuts, as ur_net_plan does; the net is planned for training. */
void ur_backward_plan(ur_backward *b, ur_net *net, ur_arena *arena);
/* Of models with a head. After ur_net_forward of the same pass: adds the gradient of the weighted sum of losses to
 * b->all, and fills b->losses. Returns the sum of the losses. */
double ur_net_backward(ur_backward *b, const ur_pass *pass, const ur_aim *aim);

#endif
