/* What a job trains on. */
#include "train/subject.h"

#include <stdlib.h>

ur_status ur_subject_open(const ur_job *job, const ur_recipe *r, ur_subject **subject, ur_err *err)
{
	const ur_subject_kind *kind = job->task ? &ur_subject_task : ur_job_spec(job)->pair ? &ur_subject_pairs
	                                                                                : &ur_subject_text;
	ur_status status;

	*subject = calloc(1, kind->size);
	if (!*subject)
		return ur_fail(err, UR_E_NOMEM, "no memory to train");
	(*subject)->kind = kind;
	(*subject)->job = job;
	(*subject)->r = r;
	status = kind->open(*subject, err);
	if (status) {
		ur_subject_close(*subject);
		*subject = NULL;
	}
	return status;
}

void ur_subject_close(ur_subject *t)
{
	if (!t)
		return;
	t->kind->close(t);
	free(t);
}
