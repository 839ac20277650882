/* How long the chunks can be that the memory there is takes. */
#include "train/train.h"

enum { MULTIPLE = 64 };

/* A length of which n chunks make a sequence, to a multiple that tiles of rows divide. */
static int chunk_of(int T, int n)
{
	const int chunk = (T + n - 1) / n;
	return (chunk + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
}

ur_status ur_train_fit(const ur_job *job, size_t memory, int *chunk, ur_train_plan *plan, ur_err *err)
{
	const int T = job->task ? job->task->length : job->recipe.window;
	ur_job tried = *job;
	ur_train_plan now;

	/* fewer states the longer the chunks, so the least lies on the way; what fits first is the fastest */
	for (int n = 1, c = 0; !c || c < T; n += n / 32 + 1, c = chunk_of(T, n)) {
		ur_status status;

		tried.recipe.chunk = c;
		if ((status = ur_train_plan_of(&tried, &now, err)))
			return status;
		if (!c || now.all <= memory || now.all < plan->all) {
			*plan = now;
			*chunk = c;
		}
		if (now.all <= memory)
			return UR_OK;
		if (ur_job_spec(job)->pair || job->gradients || c == MULTIPLE)
			break;
	}
	return ur_fail(err, UR_E_NOMEM, "training needs %zu MiB at the least, and may take %zu; use a smaller model or "
		"--batch-size (--accumulate makes up for it)", (plan->all >> 20) + 1, memory >> 20);
}
