/* The cost model: seconds that a mixer's call should take, from what its kernels take here. Each kernel slot is timed
 * once on operands in cache, a product over a grid of shapes (so that what depends on rows, and on the cache that
 * weights fit, is in it); then what it costs that an operand was last touched long ago, and so lies in a far cache or
 * in memory; and what mixers do between kernels, from small ones. A prediction is the sum over the calls of a dry count
 * (count.h). Seconds are of the processor. bench/bench_cost_model.c holds it to measurements. */
#ifndef UR_COST_MODEL_H
#define UR_COST_MODEL_H

#include "measure/count.h"

enum { UR_RATE_ROWS = 10, UR_RATE_PANELS = 5, UR_RATE_DEPTHS = 4 };

/* Of a slot on `rows` rows of n: call + row x rows + value x rows x n seconds. */
typedef struct ur_slot_rate { double call, row, value; } ur_slot_rate;

typedef struct ur_rates {
	int nr, mr;                     /* of the kernels */
	int rows[UR_RATE_ROWS], panels[UR_RATE_PANELS], depths[UR_RATE_DEPTHS];
	double product[UR_RATE_ROWS][UR_RATE_PANELS][UR_RATE_DEPTHS];   /* log of seconds of a call */
	ur_slot_rate slot[UR_SLOTS];    /* but of products */
	double beyond[UR_FARS];         /* seconds a byte more than in cache, by ur_far[] */
	double between, product_more;   /* seconds from one call to the next, and that a product takes more of them */
	double seconds;                 /* that measuring took */
} ur_rates;

/* Measures on the calling thread with the kernels of c, in 1 to 2 seconds. UR_E_NOMEM, or what a small mixer fails
 * with. */
ur_status ur_rates_measure(const ur_ctx *c, ur_rates *out, ur_err *err);
/* Seconds of one call of a slot, of what call->far says and not of what call->first does. Products of any storage are
 * taken as those of float32, which were measured. */
double ur_rates_call(const ur_rates *r, const ur_slot_call *call);

/* Seconds on one thread of a call of the mixer (ur_count_mixer's arguments). Fails as counting does. */
ur_status ur_predict(const ur_rates *r, const ur_mixer_forward *forward, const ur_mixer_backward *backward,
                     const ur_dims *dims, int T, int B, ur_rig_pass pass, double *seconds, ur_err *err);

/* Seconds on units[i] units that are as fast as this thread, for each of n numbers of them. A prediction, and of an
 * ideal machine: units share memory at no cost, wait for nobody, and a kernel is split among them to its smallest part,
 * one row of one panel of a product, 16 values of anything else. What waits for what is kept: calls are taken level by
 * level of their depths (Brent, "The parallel evaluation of general arithmetic expressions", 1974),
 *
 *     seconds(P) = sum over levels of max(work of the level / P, the longest of its smallest parts)  */
ur_status ur_predict_units(const ur_rates *r, const ur_mixer_forward *forward, const ur_mixer_backward *backward,
                           const ur_dims *dims, int T, int B, ur_rig_pass pass, int n, const double *units,
                           double *seconds, ur_err *err);

#endif
