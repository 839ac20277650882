/* How far back a model looks: the norm of d loss_T / d x_t, the gradient that the loss of one answer sends to the input
 * of the first layer t, by distance T - t (Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013). Where
 * that norm is nothing, no training can connect the answer with what was read there.
 *
 * Norms vary over decades from sequence to sequence, so each distance has two means: the plain one, which the largest
 * decide, and the geometric one, which the decay is fitted to. */
#ifndef UR_REACH_H
#define UR_REACH_H

#include "train/backward.h"

#include <jansson.h>
#include <math.h>

/* The larger of two norms; one that is no number is larger than any: nothing can be said in its favour. */
static inline double ur_norm_larger(double a, double b) { return isnan(b) ? INFINITY : fmax(a, b); }

enum { UR_REACH_BINS = 25 };    /* distances 0, 1, 2 to 3, 4 to 7, ... */

typedef struct ur_reach_bin {
	int from, to;               /* distances, both included */
	double mean, typical;       /* of the norm: the mean, the geometric mean */
} ur_reach_bin;

typedef struct ur_reach {
	int T, sequences;           /* distances are 0 .. T - 1 */
	double within;              /* 99 % of the squared norm lies at distances up to this, between two of them as if it
	                             * was spread evenly; 0 .. T - 1; NaN: the norms are no numbers */
	double decay;               /* factor a step: the slope of the geometric mean's logarithm over the distance, by
	                             * least squares over distances 1 .. fitted; NaN: fewer than 2 */
	int fitted;                 /* the last distance before the first whose norms are too small for float32, or the last
	                             * of all */
	double ahead;               /* the largest norm that an answer in the middle of a sequence sends to what is read
	                             * after it: exactly 0 unless the model looks ahead; infinite where it is no number */
	int bins;
	ur_reach_bin bin[UR_REACH_BINS];
} ur_reach;

/* The means of each distance: (T) each. */
typedef struct ur_reach_curve { double *mean, *typical; } ur_reach_curve;

/* What measuring takes. */
typedef struct ur_reach_meter {
	ur_net net;
	ur_backward back;
	int T, B;
	float *dinput;              /* (T, B, D) */
	int32_t *ids, *targets;     /* (T, B), for the caller to fill: of targets only the last row is read, none of them
	                             * negative */
	double *square, *sum;       /* (T, B); (T) by distance */
	ur_reach_curve curve;       /* of the last measurement */
} ur_reach_meter;

/* Measures or cuts; m is made for training and is no model of pairs. T at least 1. */
void ur_reach_plan(ur_reach_meter *r, const ur_model *m, const ur_ctx *c, int T, int B, ur_arena *arena);
/* Of the meter's ids and targets, with the model's weights as they are (packed). Two passes. Of the targets only the
 * last row is left. */
void ur_reach_measure(ur_reach_meter *r, ur_reach *out);

/* The numbers above of norms by distance: sums of their squares (T), and the curve; fills everything but `ahead`. */
void ur_reach_of(int T, int sequences, const double *squares, const ur_reach_curve *curve, ur_reach *out);
/* {"within", "decay" (null: none), "ahead" (null: looks ahead, by what is no number), "fitted", "bins": [[from, to,
 * mean, geometric mean], ...]}; what is not finite is null. A new reference; NULL: no memory. */
json_t *ur_reach_json(const ur_reach *r);
/* "reach/64": what the store calls the bin's mean; static. */
const char *ur_reach_name(int bin);

#endif
