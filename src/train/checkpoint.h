/* A run in the middle: everything that the rest of it depends on, in one safetensors file beside the model,
 * NAME.ckpt.safetensors: the weights, the optimiser's moments ("optimizer.m." and "optimizer.v." + name), the best
 * weights so far ("best." + name), carried state ("carried"), and in the metadata the recipe and the counters
 * below. Replaced atomically. */
#ifndef UR_CHECKPOINT_H
#define UR_CHECKPOINT_H

#include "train/optimizer.h"

/* Counters of a run. */
typedef struct ur_run {
	int64_t step, tokens;
	double loss_sum;                /* of the losses since the last validation, and how many */
	int64_t loss_count;
	double train_loss;              /* their mean at the last validation */
	double val_loss, best_loss;     /* NaN: none yet */
	int64_t best_step, scored;
	int stale;                      /* validations since the best */
	ur_pace pace;
	double seconds;                 /* of training so far; not part of the result */
	int done;                       /* stopped early */
} ur_run;

/* What a checkpoint holds besides counters; arrays belong to the trainer. */
typedef struct ur_checkpoint {
	ur_model *m;
	float *m1, *m2, *best;          /* m2 NULL: the optimiser keeps one */
	unsigned char *carried;         /* NULL: fresh windows */
	size_t carried_bytes;
	ur_run *run;
	const ur_recipe *recipe;
	uint64_t fingerprint;           /* of the corpus */
	const ur_split *split;          /* of it */
} ur_checkpoint;

ur_status ur_checkpoint_save(const ur_checkpoint *c, const char *path, ur_err *err);
/* UR_E_INVALID: it belongs to another spec, recipe (but for more steps), corpus or split; err says which. */
ur_status ur_checkpoint_load(ur_checkpoint *c, const char *path, ur_err *err);

#endif
