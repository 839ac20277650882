/* Memory of a training job: what its plan says before it starts, and what the process had at most while it ran. */
#ifndef UR_MEMORY_H
#define UR_MEMORY_H

#include "train/train.h"

typedef struct ur_memory {
	size_t planned;         /* bytes the job takes: weights, gradients, optimiser, activations; exact */
	int64_t parameters;
	int64_t before, peak;   /* bytes resident in the whole process at the start and at most; -1: unknown */
	int since_start;        /* the kernel lets nobody reset the peak: it is that of the process so far */
} ur_memory;

/* The plan alone; before and peak are unknown. Fails as ur_train_memory does. UR_E_NOMEM: it is more than the machine
 * has free, err says how much of each. */
ur_status ur_memory_plan(const ur_job *job, ur_memory *memory, ur_err *err);
/* Plans, refuses what does not fit, then trains as ur_train does, watching the peak. */
ur_status ur_memory_train(const ur_job *job, ur_model **model, ur_outcome *outcome, ur_memory *memory, ur_err *err);

#endif
