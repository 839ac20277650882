/* Gradients of a whole model: the way back over what ur_net_forward kept. */
#ifndef UR_BACKWARD_H
#define UR_BACKWARD_H

#include "model/net.h"

typedef struct ur_backward {
	ur_net *net;
	const ur_mixer_backward *mixer;
	float *all;                     /* gradients of all parameters, laid out as the weights are */
	float **of;                     /* ... by parameter */
	float *d[3];                    /* (T, B, D) each */
	float *table;                   /* (V, D), where the first mixer reads the embedding by index */
	double *losses;                 /* (T, B) nats */
} ur_backward;

/* Measures or cuts, as ur_net_plan does; the net is planned for training. */
void ur_backward_plan(ur_backward *b, ur_net *net, ur_arena *arena);
/* After ur_net_forward of the same pass: adds `weight` x the gradient of the summed loss to b->all, and fills
 * b->losses. Returns the sum of the losses. */
double ur_net_backward(ur_backward *b, const ur_pass *pass, const int32_t *targets, float weight);

#endif
