#include "measure/memory.h"

#include "base/machine.h"

ur_status ur_memory_plan(const ur_job *job, ur_memory *memory, ur_err *err)
{
	int64_t there = ur_memory_free();
	ur_status status;

	*memory = (ur_memory){ .before = -1, .peak = -1 };
	status = ur_train_memory(job, &memory->planned, &memory->parameters, err);
	if (!status && there >= 0 && memory->planned > (uint64_t)there)
		status = ur_fail(err, UR_E_NOMEM, "training %s needs %zu MiB, and %lld MiB are free; use fewer parameters, or "
			"a smaller context in its spec", job->start ? job->start->spec.text : job->spec.text,
			memory->planned >> 20, (long long)there >> 20);
	return status;
}

ur_status ur_memory_train(const ur_job *job, ur_model **model, ur_outcome *outcome, ur_memory *memory, ur_err *err)
{
	ur_status status = ur_memory_plan(job, memory, err);

	if (model)
		*model = NULL;
	if (status)
		return status;
	memory->since_start = !ur_memory_peak_reset();
	memory->before = ur_memory_peak();
	status = ur_train(job, model, outcome, err);
	memory->peak = ur_memory_peak();
	return status;
}
