/* Which task a job is. */
#include "train/task.h"

#include <stdlib.h>

ur_status ur_task_open(const ur_job *job, const ur_recipe *r, ur_task **task, ur_err *err)
{
	const ur_task_kind *kind = ur_job_spec(job)->pair ? &ur_task_pairs : &ur_task_text;
	ur_status status;

	*task = calloc(1, kind->size);
	if (!*task)
		return ur_fail(err, UR_E_NOMEM, "no memory to train");
	(*task)->kind = kind;
	(*task)->job = job;
	(*task)->r = r;
	status = kind->open(*task, err);
	if (status) {
		ur_task_close(*task);
		*task = NULL;
	}
	return status;
}

void ur_task_close(ur_task *t)
{
	if (!t)
		return;
	t->kind->close(t);
	free(t);
}
