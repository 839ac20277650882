/* How long a step of a job will take, before it is taken: from passes over short sequences of its own model, forward
 * and back, and from how arithmetic grows with length. */
#ifndef UR_STEP_TIME_H
#define UR_STEP_TIME_H

#include "train/train.h"

typedef struct ur_step_time {
	double seconds;                 /* predicted: of an optimiser step, without validation */
	int length;                     /* of the sequences that were timed */
} ur_step_time;

/* Takes a second or so, and at most `memory` bytes. Not of pairs. Fails as making a model does; UR_E_NOMEM. */
ur_status ur_step_time_predict(const ur_job *job, size_t memory, ur_step_time *out, ur_err *err);

#endif
